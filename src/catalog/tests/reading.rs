//! Reading records: both formats, what is refused, and what is kept of a newer writer.

use proptest::prelude::*;
use prost::Message as _;

use super::*;
use crate::{
    proto::v1::{partner::TechnicalSupport, ticket::Category},
    ticket::{Format, Payload},
};

fn json<R: Record>(text: &str) -> Result<Decoded<R>, InvalidRecord> {
    read(Payload { format: Format::Json, bytes: text.as_bytes() }, Encodings::BOTH)
}

fn refused<R: Record>(text: &str) -> String {
    json::<R>(text).err().map_or_else(|| panic!("accepted: {text}"), |it| it.to_string())
}

#[test]
fn both_formats_give_the_same_record() {
    fn check<R: Record>(message: &R::Message) {
        let text = serde_json::to_string(message).expect("it is valid");
        let protobuf = message.encode_to_vec();
        let payload = Payload { format: Format::Protobuf, bytes: &protobuf };
        let (a, b) = (json::<R>(&text).expect("valid"), read::<R>(payload, Encodings::BOTH).expect("valid"));
        assert!(a.record.digest() == b.record.digest() && a.unknown_fields.is_empty(), "{text}");
        assert_eq!(a.record.encoded(Format::Json), text.as_bytes());
        assert_eq!(b.record.encoded(Format::Protobuf), protobuf);
    }
    check::<Offer>(&full_offer());
    check::<Publisher>(&full_publisher());
    check::<Partner>(&full_partner());
}

#[test]
fn everything_that_protojson_allows_is_read() {
    let canonical = json::<Offer>(r#"{"id":"o","publisherId":"p","kind":"KIND_SAAS","azureBased":true}"#)
        .expect("canonical JSON is read");
    for text in [
        r#"{"id":"o","publisher_id":"p","kind":1,"azure_based":true}"#,
        r#" { "azureBased" : true, "kind":"KIND_SAAS", "id":"\u006f", "publisherId":"p" } "#,
        r#"{"id":"o","publisherId":"p","kind":1,"azureBased":true,"title":null,"contacts":null,"firstParty":null}"#,
        r#"{"id":"o","publisherId":"p","kind":1,"azureBased":true,"newField":[{"a":null},1e9,-1]}"#,
    ] {
        let other = json::<Offer>(text).unwrap_or_else(|refused| panic!("{text}: {refused}"));
        assert_eq!(other.record.digest(), canonical.record.digest(), "{text}");
    }
    assert!(json::<Offer>(r#"{"id":"o","publisherId":"p","kind":"KIND_HOLOGRAM"}"#).is_ok());
    assert!(json::<Offer>(r#"{"id":"o","publisherId":"p","kind":77}"#).is_ok());
    let text = r#"{"id":"p","sla":[{"severity":"SEVERITY_Z","firstResponse":"1.5s"}],"supportUri":null}"#;
    assert!(json::<Publisher>(text).is_ok());
}

#[test]
fn a_false_that_is_said_differs_from_nothing_said() {
    let said = json::<Offer>(r#"{"id":"o","publisherId":"p","azureBased":false}"#).expect("valid").record;
    assert_eq!(said.azure_based(), Some(false));
    assert!(said.encoded(Format::Json).ends_with(br#""azureBased":false}"#));
    let null = json::<Offer>(r#"{"id":"o","publisherId":"p","azureBased":null}"#).expect("valid").record;
    assert_eq!(null.azure_based(), None);
}

#[test]
fn every_fault_names_its_field_what_was_found_and_what_is_allowed() {
    for (text, message) in [
        (r#"{"publisherId":"p"}"#, "`id` is missing, every record needs one"),
        (r#"{"id":"o"}"#, "`publisherId` is missing, an offer that is not `firstParty` needs one"),
        (r#"{"id":7,"publisherId":"p"}"#, "`id` is a number, allowed: a string"),
        (r#"{"id":"o","publisherId":"p","title":["x"]}"#, "`title` is an array, allowed: a string"),
        (
            r#"{"id":"o","publisherId":"p","azureBased":"true"}"#,
            "`azureBased` is a string, allowed: true or false",
        ),
        (
            r#"{"id":"o","publisherId":"p","kind":1.5}"#,
            "`kind` is a number with a fraction or exponent, allowed: an enum's name or number",
        ),
        (r#"{"id":"o","publisherId":"p","contacts":"x"}"#, "`contacts` is a string, allowed: an object"),
        (
            r#"{"id":"o","publisherId":"p","contacts":{"cspProgram":{}}}"#,
            "`contacts.cspProgram` is an object, allowed: a string",
        ),
        (r#"{"id":"o","publisherId":"p","id":"o"}"#, "`id` is there twice"),
        (r#"{"id":"o","publisherId":"p","publisher_id":"p"}"#, "`publisherId` is there twice"),
        (r#"{"id":"o","publisherId":"p","\u0069d":"o"}"#, "`id` is there twice"),
        (
            r#"{"id":"o","publisherId":"p","contacts":{"engineering":"a","engineering":"b"}}"#,
            "`contacts.engineering` is there twice",
        ),
        (r#"{"id":"o","publisherId":"p","x":1,"x":2}"#, "`x` is there twice"),
        (r#"{"id":"o","publisherId":"p","x":{"y":1,"y":2}}"#, "`y` is there twice"),
        (r#"["id"]"#, "`record` is an array, allowed: an object"),
        ("null", "`record` is null, allowed: an object"),
    ] {
        assert_eq!(refused::<Offer>(text), message, "{text}");
    }
    for (text, message) in [
        (r#"{"id":"p","sla":{}}"#, "`sla` is an object, allowed: an array of objects"),
        (r#"{"id":"p","sla":[{},null]}"#, "`sla[1]` is null, allowed: an object"),
        (
            r#"{"id":"p","sla":[{"firstResponse":60}]}"#,
            "`sla[0].firstResponse` is a number, allowed: a duration such as `\"14400s\"`",
        ),
    ] {
        assert_eq!(refused::<Publisher>(text), message, "{text}");
    }
    for (text, message) in [
        (r#"{"id":"p","model":true}"#, "`model` is true or false, allowed: an enum's name or number"),
        (
            r#"{"id":"p","providerHandles":"CATEGORY_BILLING"}"#,
            "`providerHandles` is a string, allowed: an array of enum names or numbers",
        ),
        (
            r#"{"id":"p","providerHandles":[1,null]}"#,
            "`providerHandles[1]` is null, allowed: an enum's name or number",
        ),
    ] {
        assert_eq!(refused::<Partner>(text), message, "{text}");
    }
}

#[test]
fn names_and_numbers_of_a_newer_writer_are_kept_as_they_came() {
    fn check<R: Record>(text: &str, path: &str) {
        let decoded = json::<R>(text).unwrap_or_else(|refused| panic!("{text}: {refused}"));
        let paths: Vec<_> = decoded.unknown_values.iter().map(|it| it.path.as_str()).collect();
        assert_eq!(paths, [path], "{text}");
        let value = |bytes: &[u8]| serde_json::from_slice::<serde_json::Value>(bytes).expect("it is JSON");
        assert_eq!(value(decoded.record.encoded(Format::Json)), value(text.as_bytes()));
        assert!(decoded.record.is_odd());
        // What protobuf has of it is no value that this version knows, so nobody takes it for the default.
        let bytes = decoded.record.encoded(Format::Protobuf).to_vec();
        let again = read::<R>(Payload { format: Format::Protobuf, bytes: &bytes }, Encodings::BOTH);
        let again = again.expect("it is a record");
        assert_eq!(again.unknown_values.iter().map(|it| it.path.as_str()).collect::<Vec<_>>(), [path]);
        assert_eq!(again.record.encoded(Format::Protobuf), bytes);
    }
    for (text, path) in [
        (r#"{"id":"p","model":"MODEL_MARKETPLACE"}"#, "model"),
        (r#"{"id":"p","model":"model_direct_bill"}"#, "model"),
        (r#"{"id":"p","model":9}"#, "model"),
        (r#"{"id":"p","technicalSupport":"TECHNICAL_SUPPORT_SHARE"}"#, "technicalSupport"),
        (r#"{"id":"p","technicalSupport":-1}"#, "technicalSupport"),
        (r#"{"id":"p","providerHandles":["CATEGORY_BILLING","CATEGORY_REFUND"]}"#, "providerHandles[1]"),
        (r#"{"id":"p","providerHandles":[77,"CATEGORY_BILLING"]}"#, "providerHandles[0]"),
    ] {
        check::<Partner>(text, path);
    }
    check::<Offer>(r#"{"id":"o","publisherId":"p","kind":"KIND_HOLOGRAM"}"#, "kind");
    check::<Publisher>(
        r#"{"id":"p","sla":[{"severity":"SEVERITY_A"},{"severity":"SEVERITY_Z","firstResponse":"1s"}]}"#,
        "sla[1].severity",
    );
    assert_eq!(
        refused::<Partner>(r#"{"id":"p","model":18446744073709551615}"#),
        "`model` is a number of more than 32 bits, allowed: an enum's name or number"
    );
}

#[test]
fn only_what_depends_on_an_unknown_value_suffers() {
    let partner =
        |rest: &str| json::<Partner>(&format!(r#"{{"id":"p",{rest}}}"#)).expect("it is kept").record;
    let known = partner(r#""model":"MODEL_INDIRECT_RESELLER","providerHandles":["CATEGORY_BILLING"]"#);
    let newer = partner(
        r#""model":"MODEL_INDIRECT_RESELLER","provider_handles":["CATEGORY_REFUND","CATEGORY_BILLING"]"#,
    );
    for category in 0..15 {
        let category = Category::try_from(category).expect("there are 15");
        assert_eq!(newer.handles(category), known.handles(category), "{category:?}");
    }
    assert_eq!((newer.model(), newer.technical_support()), (known.model(), known.technical_support()));
    assert_eq!(known.technical_support(), Some(TechnicalSupport::Unspecified));
    let newer = partner(r#""model":"MODEL_X","technicalSupport":"TECHNICAL_SUPPORT_X""#);
    assert!(newer.has_unknown_model());
    assert_eq!((newer.model(), newer.technical_support()), (None, None));
    // An empty name says nothing, as in a ticket; two names that protobuf cannot tell apart are two records.
    let unsaid = partner(r#""model":"","technicalSupport":"""#);
    assert!(!unsaid.is_odd() && !unsaid.has_unknown_model());
    assert_eq!(unsaid.technical_support(), Some(TechnicalSupport::Unspecified));
    assert_ne!(partner(r#""model":"MODEL_X""#).digest(), partner(r#""model":"MODEL_Y""#).digest());
}

#[test]
fn a_duration_is_seconds_with_at_most_nine_decimal_places() {
    let read =
        |text: &str| json::<Publisher>(&format!(r#"{{"id":"p","sla":[{{"firstResponse":"{text}"}}]}}"#));
    for text in ["0s", "14400s", "0.5s", "1.000000001s", "315576000000s"] {
        assert!(read(text).is_ok(), "{text}");
    }
    for text in [
        "",
        "s",
        "4h",
        "60",
        "-1s",
        "--9223372036854775808s",
        "-9223372036854775808s",
        "+1s",
        "1.+5s",
        ".5s",
        "1.s",
        "1.0000000001s",
        "315576000001s",
        "99999999999999999999s",
        "NaNs",
        "１s",
    ] {
        let refused = read(text).err().unwrap_or_else(|| panic!("accepted: {text}"));
        assert!(matches!(refused, InvalidRecord::Duration { .. }), "{refused}");
        assert_eq!(refused.field(), Some("sla[0].firstResponse"));
    }
}

#[test]
fn unknown_fields_are_named_with_what_was_probably_meant() {
    let text =
        r#"{"id":"o","publisherId":"p","azurebased":true,"contacts":{"customer-support":"a"},"colour":1}"#;
    let decoded = json::<Offer>(text).expect("unknown fields are passed over");
    let found = |path: &str, meant| UnknownField { path: path.to_owned(), meant };
    let expected = [
        found("azurebased", Some("azureBased")),
        found("contacts.customer-support", Some("customerSupport")),
        found("colour", None),
    ];
    assert_eq!(decoded.unknown_fields, expected);
    assert_eq!(decoded.record.azure_based(), None);
}

#[test]
fn the_shapes_know_every_field_of_the_contract() {
    // A field that is added to the contract and not to the full record fails to compile; one that is not added
    // to the shape is found here.
    fn unknown<R: Record>(message: &R::Message) -> Vec<UnknownField> {
        let text = serde_json::to_string(message).expect("it is valid");
        json::<R>(&text).unwrap_or_else(|refused| panic!("{refused}")).unknown_fields
    }
    let found = [
        unknown::<Offer>(&v1::Offer { first_party: true, ..full_offer() }),
        unknown::<Publisher>(&full_publisher()),
        unknown::<Partner>(&full_partner()),
    ];
    assert!(found.iter().all(Vec::is_empty), "{found:?}");
}

#[test]
fn broken_bytes_are_refused_and_never_panic() {
    for bytes in
        [&b"{\"id\":\"\xff\"}"[..], b"{", b"{\"id\":\"a\"} x", b"{\"id\":\"\\ud800\"}", b"{\"id\":NaN}", b""]
    {
        let refused = read::<Partner>(Payload { format: Format::Json, bytes }, Encodings::BOTH).err();
        assert!(matches!(refused, Some(InvalidRecord::Json { .. })), "{bytes:?}: {refused:?}");
    }
    let deep = format!("{{\"id\":\"a\",\"x\":{}", "[".repeat(100_000));
    assert!(refused::<Partner>(&deep).contains("recursion limit"));

    let protobuf = full_offer().encode_to_vec();
    for bytes in (1..protobuf.len()).map(|len| &protobuf[..len]).chain([
        &b"\x0a\x01\xff"[..],
        b"\x09aaaaaaaa",
        b"\x08\x01",
    ]) {
        // Cut between two fields it may still be a record.
        if let Err(refused) = read::<Offer>(Payload { format: Format::Protobuf, bytes }, Encodings::BOTH) {
            assert!(
                matches!(refused, InvalidRecord::Protobuf { .. } | InvalidRecord::Missing { .. }),
                "{refused}"
            );
        }
    }
}

#[test]
fn unknown_protobuf_fields_are_passed_over() {
    let mut protobuf = full_partner().encode_to_vec();
    protobuf.extend_from_slice(b"\xf8\x07\x01");
    let payload = Payload { format: Format::Protobuf, bytes: &protobuf };
    let record = read::<Partner>(payload, Encodings::PROTOBUF).expect("it is of a newer writer").record;
    assert_eq!(record.encoded(Format::Protobuf), full_partner().encode_to_vec());
}

#[test]
fn an_input_over_the_limit_is_refused_before_it_is_read() {
    let bytes = vec![b' '; MAX_RECORD_BYTES + 1];
    for format in [Format::Json, Format::Protobuf] {
        let refused = read::<Offer>(Payload { format, bytes: &bytes }, Encodings::BOTH).err();
        assert_eq!(
            refused.map(|it| it.to_string()).as_deref(),
            Some("record has 1048577 bytes, limit is 1048576")
        );
    }
}

#[test]
fn a_change_needs_the_key_that_its_record_has() {
    let payload = Payload { format: Format::Json, bytes: br#"{"id":"p\n1"}"# };
    let change = |key: Option<&[u8]>| Change::read(Kind::Partner, key, Some(payload), Encodings::BOTH);
    assert!(matches!(change(Some(b"p\n1")), Ok((Change::Partner(partner), _)) if partner.id() == "p\n1"));
    for key in [None, Some(&b"\xff"[..])] {
        assert_eq!(change(key).err(), Some(InvalidRecord::Key));
    }
    let refused = change(Some(b"p2")).expect_err("the key is another one");
    assert_eq!(refused.to_string(), "key is `p2`, `id` is `p\\n1`; they must be equal");
    assert_eq!(refused.field(), Some("key"));
}

#[test]
fn a_null_value_removes() {
    let change = Change::read(Kind::Offer, Some(b"o"), None, Encodings::BOTH);
    assert!(matches!(change, Ok((Change::Remove(Kind::Offer, id), _)) if id == b"o"));
    assert_eq!(Change::read(Kind::Offer, None, None, Encodings::BOTH).err(), Some(InvalidRecord::Key));
}

/// Reads bytes as any kind of record: refused, or what is kept reads back as the same record from both encodings.
fn check_round_trip<R: Record>(payload: Payload<'_>) {
    let Ok(decoded) = read::<R>(payload, Encodings::BOTH) else { return };
    for format in [Format::Json, Format::Protobuf] {
        let bytes = decoded.record.encoded(format);
        let again = read::<R>(Payload { format, bytes }, Encodings::BOTH).expect("own writing is read");
        assert_eq!(again.record.id(), decoded.record.id());
        // Protobuf lacks the names of unknown values; it has that they are unknown.
        if format == Format::Json || !decoded.record.is_odd() {
            assert_eq!(again.record.digest(), decoded.record.digest());
        }
        assert_eq!(again.record.encoded(Format::Protobuf), decoded.record.encoded(Format::Protobuf));
        assert!(again.unknown_fields.is_empty());
    }
}

fn check_round_trips(format: Format, bytes: &[u8]) {
    let payload = Payload { format, bytes };
    check_round_trip::<Offer>(payload);
    check_round_trip::<Publisher>(payload);
    check_round_trip::<Partner>(payload);
}

/// The full records in both formats, for the random tests to damage.
fn seeds() -> Vec<(Format, Vec<u8>)> {
    let json = |text: serde_json::Result<Vec<u8>>| (Format::Json, text.expect("it is valid"));
    vec![
        json(serde_json::to_vec(&full_offer())),
        json(serde_json::to_vec(&full_publisher())),
        json(serde_json::to_vec(&full_partner())),
        (Format::Protobuf, full_offer().encode_to_vec()),
        (Format::Protobuf, full_publisher().encode_to_vec()),
        (Format::Protobuf, full_partner().encode_to_vec()),
    ]
}

proptest! {
    #[test]
    fn damaged_records_are_refused_or_kept_whole(
        seed in prop::sample::select(seeds()),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..3_u8), 1..4),
    ) {
        let (format, mut bytes) = seed;
        for (place, byte, how) in damage {
            let at = place.index(bytes.len().max(1));
            match how {
                0 if at < bytes.len() => bytes[at] = byte,
                1 if at < bytes.len() => drop(bytes.remove(at)),
                _ => bytes.insert(at.min(bytes.len()), byte),
            }
        }
        check_round_trips(format, &bytes);
    }

    #[test]
    fn any_text_survives_in_every_field(
        texts in prop::collection::vec(any::<String>(), 6),
        id in "[^\\x00]{1,20}",
    ) {
        let [publisher_id, title, engineering, customer_support, csp_program, user_documentation_uri] =
            <[String; 6]>::try_from(texts).expect("six texts were made");
        let contacts = v1::offer::Contacts { engineering, customer_support, csp_program };
        let message = v1::Offer {
            id, publisher_id, title, user_documentation_uri,
            contacts: Some(contacts.clone()),
            first_party: true,
            ..v1::Offer::default()
        };
        let both = Offer::build(&message, Encodings::BOTH).expect("the offer is valid");
        let json_only = Offer::build(&message, Encodings::JSON).expect("the offer is valid");
        for offer in [&both, &json_only] {
            prop_assert_eq!(offer.id(), &message.id);
            prop_assert_eq!(offer.publisher_id(), &message.publisher_id);
            for (contact, address) in OfferContact::ALL.into_iter().zip([
                &contacts.engineering, &contacts.customer_support, &contacts.csp_program,
            ]) {
                prop_assert_eq!(offer.contact(contact, Format::Protobuf), address.as_bytes());
                let quoted = serde_json::to_string(address).expect("a string can be written");
                prop_assert_eq!([b"\"", offer.contact(contact, Format::Json), b"\""].concat(), quoted.as_bytes());
            }
        }
        check_round_trips(Format::Json, both.encoded(Format::Json));
        check_round_trips(Format::Protobuf, both.encoded(Format::Protobuf));
    }
}

#[test]
fn a_record_is_taken_without_the_addresses_that_nobody_should_be_shown() {
    let text = r#"{"id":"o","publisherId":"p","contacts":{"engineering":"javascript:alert(1)","cspProgram":"csp@p.example"},"salesMaterialUri":"https://p.example/\u202egnp.exe"}"#;
    let decoded = json::<Offer>(text).expect("the record is good");
    let refused: Vec<_> = decoded.refused_addresses.iter().map(|it| it.path).collect();
    assert_eq!(refused, ["contacts.engineering", "salesMaterialUri"]);
    let expected = r#"{"id":"o","publisherId":"p","contacts":{"cspProgram":"csp@p.example"}}"#;
    assert_eq!(decoded.record.encoded(Format::Json), expected.as_bytes());

    let support = format!("https://{}", "x".repeat(500_000));
    let message = v1::Publisher { id: "p".to_owned(), support_uri: support, ..Default::default() };
    let bytes = message.encode_to_vec();
    let payload = Payload { format: Format::Protobuf, bytes: &bytes };
    let (change, refused) = Change::read(Kind::Publisher, Some(b"p"), Some(payload), Encodings::BOTH)
        .expect("the record is good");
    assert_eq!(refused[0].to_string(), "`supportUri` has 500008 bytes, limit is 2048");
    assert!(matches!(change, Change::Publisher(it) if it.support_uri(Format::Protobuf).is_empty()));
}
