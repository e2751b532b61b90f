//! Records: what goes in comes out, whatever encodings are kept.

use prost::Message as _;

use super::*;
use crate::{
    proto::v1::{
        partner::{Model, TechnicalSupport},
        ticket::Category,
    },
    ticket::Format,
};

const ALL: [Encodings; 4] =
    [Encodings::BOTH, Encodings::JSON, Encodings::PROTOBUF, Encodings { json: false, protobuf: false }];

#[test]
fn an_offer_gives_back_what_went_in_whatever_encodings_are_kept() {
    let message = full_offer();
    let contacts = message.contacts.clone().expect("it has contacts");
    for encodings in ALL {
        let offer = Offer::build(&message, encodings).expect("the offer is valid");
        assert_eq!(offer.id(), message.id);
        assert_eq!(offer.publisher_id(), message.publisher_id);
        assert_eq!(offer.azure_based(), Some(false));
        assert!(!offer.is_first_party());
        for (contact, address) in OfferContact::ALL.into_iter().zip([
            &contacts.engineering,
            &contacts.customer_support,
            &contacts.csp_program,
        ]) {
            assert_eq!(offer.contact(contact, Format::Protobuf), address.as_bytes());
            let quoted = [b"\"", offer.contact(contact, Format::Json), b"\""].concat();
            if encodings.json {
                assert_eq!(serde_json::from_slice::<String>(&quoted).expect("it is a string"), *address);
            } else {
                assert_eq!(quoted, b"\"\"");
            }
        }
        let json = if encodings.json { serde_json::to_vec(&message).expect("it is valid") } else { vec![] };
        let protobuf = if encodings.protobuf { message.encode_to_vec() } else { vec![] };
        assert_eq!(offer.encoded(Format::Json), json);
        assert_eq!(offer.encoded(Format::Protobuf), protobuf);
    }
}

#[test]
fn a_publisher_gives_back_what_went_in_whatever_encodings_are_kept() {
    for encodings in ALL {
        let publisher = Publisher::build(&full_publisher(), encodings).expect("the publisher is valid");
        assert_eq!(publisher.id(), "pub-1");
        assert_eq!(publisher.support_uri(Format::Protobuf), b"https://support.example.com/\"");
        let escaped: &[u8] = if encodings.json { b"https://support.example.com/\\\"" } else { b"" };
        assert_eq!(publisher.support_uri(Format::Json), escaped);
    }
    let publisher = Publisher::build(&full_publisher(), Encodings::JSON).expect("the publisher is valid");
    let json = std::str::from_utf8(publisher.encoded(Format::Json)).expect("JSON is UTF-8");
    assert!(json.contains(r#""firstResponse":"3600.500s""#), "{json}");
}

#[test]
fn a_partner_gives_back_what_went_in_whatever_encodings_are_kept() {
    for encodings in ALL {
        let partner = Partner::build(&full_partner(), encodings).expect("the partner is valid");
        assert_eq!(partner.id(), "partner-1");
        assert_eq!(partner.model(), Some(Model::IndirectReseller));
        assert_eq!(partner.provider_id(), "provider-1");
        assert_eq!(partner.technical_support(), Some(TechnicalSupport::Coordinate));
        for number in 0..=14 {
            let category = Category::try_from(number).expect("there are 14 categories and none");
            let expected = [Category::Unspecified, Category::Other].contains(&category);
            assert_eq!(partner.handles(category), expected, "{category:?}");
        }
    }
}

#[test]
fn every_category_fits_the_facts_of_a_partner() {
    let handles = (0..).map_while(|number| Category::try_from(number).ok()).collect::<Vec<_>>();
    let message =
        v1::Partner { provider_handles: handles.iter().map(|&it| it.into()).collect(), ..full_partner() };
    let partner = Partner::build(&message, Encodings::JSON).expect("the partner is valid");
    assert!(handles.iter().all(|&category| partner.handles(category)));
    assert_eq!(partner.model(), Some(Model::IndirectReseller));
}

#[test]
fn what_a_record_leaves_unsaid_is_absent() {
    let message = v1::Offer { id: "o".to_owned(), publisher_id: "p".to_owned(), ..v1::Offer::default() };
    let offer = Offer::build(&message, Encodings::BOTH).expect("the offer is valid");
    assert_eq!(offer.azure_based(), None);
    assert!(OfferContact::ALL.iter().all(|&contact| offer.contact(contact, Format::Json).is_empty()));

    let partner = partner("p", "");
    assert_eq!((partner.model(), partner.provider_id()), (None, ""));
    assert_eq!(partner.technical_support(), Some(TechnicalSupport::Unspecified));
    assert!(!partner.handles(Category::Unspecified));
}

#[test]
fn the_digest_does_not_depend_on_the_encodings_kept() {
    let digests = ALL.map(|encodings| Offer::build(&full_offer(), encodings).expect("it is valid").digest());
    assert!(digests.iter().all(|&digest| digest == digests[0]));
    let other = v1::Offer { azure_based: None, ..full_offer() };
    assert_ne!(Offer::build(&other, Encodings::JSON).expect("it is valid").digest(), digests[0]);
}

#[test]
fn an_id_is_required_and_bounded() {
    let build = |id: String| Partner::build(&v1::Partner { id, ..full_partner() }, Encodings::JSON).err();
    let required = "every record needs one";
    assert_eq!(build(String::new()), Some(InvalidRecord::Missing { field: "id", required }));
    assert_eq!(build("x".repeat(1_024)), None);
    let too_long = InvalidRecord::IdTooLong { field: "id", len: 1_025, limit: 1_024 };
    assert_eq!(build("x".repeat(1_025)), Some(too_long.clone()));
    assert_eq!(too_long.to_string(), "`id` has 1025 bytes, limit is 1024");

    let message = v1::Partner { provider_id: "x".repeat(1_025), ..full_partner() };
    let refused = Partner::build(&message, Encodings::JSON).err();
    assert_eq!(refused, Some(InvalidRecord::IdTooLong { field: "providerId", len: 1_025, limit: 1_024 }));
}

#[test]
fn an_offer_needs_a_publisher_unless_it_is_first_party() {
    let message = v1::Offer { publisher_id: String::new(), ..full_offer() };
    let refused = Offer::build(&message, Encodings::JSON).expect_err("it has no publisher");
    assert_eq!(refused.field(), Some("publisherId"));
    let message = v1::Offer { first_party: true, ..message };
    assert!(Offer::build(&message, Encodings::JSON).expect("Microsoft's own").is_first_party());
}

#[test]
fn numbers_of_a_newer_writer_are_kept() {
    let check = |message: v1::Partner, json: &str| {
        let partner = Partner::build(&message, Encodings::BOTH).expect("it is kept");
        assert_eq!(partner.encoded(Format::Protobuf), message.encode_to_vec());
        let text = std::str::from_utf8(partner.encoded(Format::Json)).expect("JSON is UTF-8");
        assert!(text.contains(json), "{text}");
    };
    check(v1::Partner { model: 4, ..full_partner() }, r#""model":4"#);
    check(v1::Partner { technical_support: -1, ..full_partner() }, r#""technicalSupport":-1"#);
    check(
        v1::Partner { provider_handles: vec![1, 99], ..full_partner() },
        r#""providerHandles":["CATEGORY_BILLING",99]"#,
    );
    let offer = Offer::build(&v1::Offer { kind: 99, ..full_offer() }, Encodings::BOTH).expect("it informs");
    assert!(String::from_utf8_lossy(offer.encoded(Format::Json)).contains(r#""kind":99"#));
    // Texts are found wherever they stand.
    let known = Offer::build(&full_offer(), Encodings::BOTH).expect("it is valid");
    for contact in OfferContact::ALL {
        for format in [Format::Json, Format::Protobuf] {
            assert_eq!(offer.contact(contact, format), known.contact(contact, format));
        }
    }
    let mut message = full_publisher();
    message.sla[0].severity = 99;
    let publisher = Publisher::build(&message, Encodings::JSON).expect("it informs");
    let json = String::from_utf8_lossy(publisher.encoded(Format::Json)).into_owned();
    assert!(json.contains(r#""sla":[{"firstResponse":"3600.500s","severity":99}]"#), "{json}");
}

#[test]
fn a_duration_that_nobody_can_keep_is_refused() {
    for (seconds, nanos, is_sane) in [
        (0, 0, true),
        (0, 999_999_999, true),
        (315_576_000_000, 0, true),
        (315_576_000_000, 1, false),
        (-1, 0, false),
        (1, -1, false),
        (1, 1_000_000_000, false),
        (i64::MAX, 0, false),
    ] {
        let mut message = full_publisher();
        message.sla[0].first_response = Some(pbjson_types::Duration { seconds, nanos });
        let refused = Publisher::build(&message, Encodings::JSON).err();
        assert_eq!(refused.is_none(), is_sane, "{seconds} {nanos}");
        if let Some(refused) = refused {
            assert_eq!(refused.field(), Some("sla[0].firstResponse"));
        }
    }
}

#[test]
fn a_record_over_the_limit_is_refused_in_each_encoding() {
    let message = v1::Offer { title: "x".repeat(MAX_RECORD_BYTES), ..full_offer() };
    let refused = Offer::build(&message, Encodings::JSON).expect_err("it is too large");
    assert!(matches!(refused, InvalidRecord::TooLarge { what: "protobuf encoding", .. }), "{refused}");

    // A control character takes one byte in protobuf and six in JSON.
    let message = v1::Offer { title: "\u{1}".repeat(MAX_RECORD_BYTES / 2), ..full_offer() };
    assert!(Offer::build(&message, Encodings::PROTOBUF).is_ok());
    let refused = Offer::build(&message, Encodings::JSON).expect_err("it is too large");
    assert!(matches!(refused, InvalidRecord::TooLarge { what: "JSON encoding", .. }), "{refused}");
}

#[test]
fn foreign_text_is_quoted_escaped_and_cut() {
    assert_eq!(Quoted("a\u{202e}\n`b\"").to_string(), "`a\\u{202e}\\n\\`b\"`");
    assert_eq!(Quoted(&"ü".repeat(65)).to_string(), format!("`{}…`", "ü".repeat(64)));
}
