//! One record in, one record out, in both formats.

use std::sync::Arc;

use prost::Message;

use super::{OutputFormat, Router};
use crate::{
    catalog::{Draft, Encodings, Offer, Record, Snapshot},
    policy::Policy,
    proto::v1::{self, Decision},
    tests::samples,
    ticket::{Coded, Format, Limits, Note, Payload, Reader, transcode},
};

fn router(output: OutputFormat) -> Router {
    Router::new(Arc::new(Policy::builtin()), Limits::default(), output)
}

fn protobuf_of(json: &[u8]) -> Vec<u8> {
    let payload = Payload::of(None, Some(json), &Limits::default()).expect("it is JSON");
    let mut bytes = Vec::new();
    transcode(payload, Format::Protobuf, &mut bytes).expect("it is a ticket");
    bytes
}

fn value_of(router: &mut Router, catalog: &Snapshot, ticket: &[u8]) -> Vec<u8> {
    router.route(catalog, None, Some(ticket)).expect("it is a ticket").value.to_vec()
}

fn json_decision(value: &[u8]) -> Decision {
    let mut value: serde_json::Value = serde_json::from_slice(value).expect("the value is JSON");
    serde_json::from_value(value["decision"].take()).expect("the decision is ProtoJSON")
}

/// The decision in a value of either format: in triage a ticket is in the format it came in.
fn decision(value: &[u8]) -> Decision {
    if value.starts_with(b"{") {
        return json_decision(value);
    }
    let routed = v1::RoutedTicket::decode(value).expect("the value is protobuf");
    routed.decision.expect("every routed ticket has a decision")
}

/// Whether the ticket has the name of a role or category from a newer writer: protobuf has no place for it.
fn is_from_the_future(ticket: &[u8]) -> bool {
    let limits = Limits::default();
    let payload = Payload::of(None, Some(ticket), &limits).expect("it is JSON");
    let mut reader = Reader::new(limits, Vec::new());
    let ticket = reader.read(payload).expect("it is a ticket");
    ticket.role == Coded::Unknown || ticket.category == Coded::Unknown
}

#[test]
fn a_ticket_is_decided_alike_in_whatever_format_it_comes_and_goes() {
    let catalog = samples::catalog();
    let (mut to_json, mut to_protobuf) = (router(OutputFormat::Json), router(OutputFormat::Protobuf));
    for json in samples::tickets() {
        let protobuf = protobuf_of(json);
        if is_from_the_future(json) {
            continue;
        }
        for ticket in [json, &protobuf] {
            let in_json = decision(&value_of(&mut to_json, &catalog, ticket));
            let in_protobuf = decision(&value_of(&mut to_protobuf, &catalog, ticket));
            assert_eq!(in_json, in_protobuf);
        }
        let from_json = decision(&value_of(&mut to_json, &catalog, json));
        let from_protobuf = decision(&value_of(&mut to_json, &catalog, &protobuf));
        assert_ne!(from_json.decision_id, from_protobuf.decision_id, "other bytes, another id");
        assert_eq!(Decision { decision_id: from_json.decision_id.clone(), ..from_protobuf }, from_json);
    }
}

#[test]
fn every_routed_sample_is_canonical_protojson_and_protobuf_of_the_same_message() {
    let catalog = samples::catalog();
    let (mut to_json, mut to_protobuf) = (router(OutputFormat::Json), router(OutputFormat::Protobuf));
    for ticket in samples::tickets() {
        let value = value_of(&mut to_json, &catalog, ticket);
        let parsed: serde_json::Value = serde_json::from_slice(&value).expect("the value is JSON");
        let again = serde_json::to_value(json_decision(&value)).expect("a decision can be written");
        assert_eq!(parsed["decision"], again, "the decision is canonical");
        let message: v1::RoutedTicket = serde_json::from_slice(&value).expect("the value is ProtoJSON");
        let other = value_of(&mut to_protobuf, &catalog, ticket);
        if message.decision.as_ref().is_some_and(|it| it.triage_reason != 0) {
            assert_eq!(other, value, "in triage it stays as it came");
        } else {
            assert_eq!(v1::RoutedTicket::decode(&*other).expect("the value is protobuf"), message);
        }
    }
}

#[test]
fn fields_that_this_version_does_not_know_travel_on_in_both_formats() {
    let catalog = samples::catalog();
    let mut same = router(OutputFormat::Same);

    let json =
        br#"{"id":"1","mood":{"level":[1e2,"\u0041"]},"requester":{"role":"ROLE_PARTNER","badge":null}}"#;
    let value = value_of(&mut same, &catalog, json);
    assert!(
        value.starts_with(&[b"{\"ticket\":".as_slice(), json].concat()),
        "the ticket is passed on verbatim"
    );

    let known = v1::Ticket { id: "1".to_owned(), subject: "later".to_owned(), ..Default::default() };
    let field_1000 = [0xc2, 0x3e, 4, b'm', b'o', b'o', b'd'];
    let protobuf = [&field_1000[..], &known.encode_to_vec(), &field_1000].concat();
    let value = value_of(&mut same, &catalog, &protobuf);
    let ticket = [&[0x0a, u8::try_from(protobuf.len()).expect("it is short")], &*protobuf].concat();
    assert!(value.starts_with(&ticket), "the ticket is passed on verbatim");
    assert_eq!(v1::RoutedTicket::decode(&*value).expect("the value is protobuf").ticket, Some(known));
}

#[test]
fn the_same_ticket_gives_the_same_bytes_on_every_run() {
    let (first, second) = (samples::catalog(), samples::catalog());
    for output in [OutputFormat::Json, OutputFormat::Protobuf] {
        let (mut one, mut other) = (router(output), router(output));
        for ticket in samples::tickets() {
            assert_eq!(value_of(&mut one, &first, ticket), value_of(&mut other, &second, ticket));
        }
    }
}

/// The id of one decision, as every machine and every build must give it.
///
/// It changes if the engine version does, the digest of a policy or of a record, or the digest of them together; then
/// consumers that drop repeats see decisions again that they have seen.
#[test]
fn the_decision_id_of_a_fixed_ticket_is_this_one() {
    let policy = "[[rule]]\nid = \"all\"\nwhen = {}\nowner = \"microsoft-commerce\"\nreason = \"Because.\"\nclauses = []\n";
    let policy = Arc::new(Policy::load("fixed.toml", policy).expect("the policy is complete"));
    let message = v1::Offer { id: "own".to_owned(), publisher_id: "isv".to_owned(), ..Default::default() };
    let mut ids = Vec::new();
    for encodings in [Encodings::JSON, Encodings::BOTH] {
        let mut draft = Draft::new();
        draft.upsert(Offer::build(&message, encodings).expect("the offer is valid"));
        let mut router = Router::new(Arc::clone(&policy), Limits::default(), OutputFormat::Json);
        let ticket = br#"{"id":"T-1","offerId":"own","requester":{"role":"ROLE_CUSTOMER"}}"#;
        let catalog = draft.finish();
        let routed = router.route(&catalog, None, Some(ticket)).expect("it is a ticket");
        ids.push(routed.decision_id.to_string());
    }
    assert_eq!(ids, ["a7a12150a3d613c3b4053bad49ad4edd"; 2]);
}

#[test]
fn a_time_at_the_end_of_the_calendar_survives_in_both_formats() {
    let catalog = samples::catalog();
    let json = br#"{"id":"1","createdAt":"9999-12-31T23:59:59Z","updatedAt":"0001-01-01T00:00:00Z","requester":{"role":"ROLE_CUSTOMER"},"partnerId":"alder-cloud","category":"CATEGORY_BILLING"}"#;
    let to_protobuf = value_of(&mut router(OutputFormat::Protobuf), &catalog, json);
    let routed = v1::RoutedTicket::decode(&*to_protobuf).expect("the value is protobuf");
    let ticket = routed.ticket.expect("every routed ticket has its ticket");
    let to_json = value_of(&mut router(OutputFormat::Json), &catalog, &ticket.encode_to_vec());
    assert!(to_json.starts_with(&[b"{\"ticket\":".as_slice(), json].concat()));
}

/// The sample catalog as a router keeps it that writes this format only.
fn catalog_of(output: OutputFormat) -> Snapshot {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/catalog");
    crate::folder::load_folder(&folder, output.encodings(), |_| ()).expect("the samples can be read").snapshot
}

/// The ticket inside of a routed one, as it is written there.
fn ticket_of(value: &[u8]) -> Vec<u8> {
    if value.starts_with(b"{") {
        let from_ticket = &value[b"{\"ticket\":".len()..];
        let mut values =
            serde_json::Deserializer::from_slice(from_ticket).into_iter::<serde::de::IgnoredAny>();
        values.next().expect("there is a ticket").expect("it is JSON");
        return from_ticket[..values.byte_offset()].to_vec();
    }
    let [0x0a, len, rest @ ..] = value else { panic!("a routed ticket begins with its ticket") };
    rest[..usize::from(*len)].to_vec()
}

#[test]
fn a_ticket_comes_back_from_triage_byte_for_byte_whatever_the_output_is() {
    let text = r#"{ "id":"T-1","requester":{"role":1},"partnerId":"alder-cloud","offerId":"harborlight.helpdesk","category":"CATEGORY_REFUND","channel":1e1}"#;
    let known = v1::Ticket {
        id: "T-2".to_owned(),
        requester: Some(v1::ticket::Requester { role: 1, ..Default::default() }),
        partner_id: "alder-cloud".to_owned(),
        offer_id: "harborlight.helpdesk".to_owned(),
        category: 99,
        ..Default::default()
    };
    let wire = [known.encode_to_vec(), vec![0xc2, 0x3e, 1, b'x']].concat();
    let all = [OutputFormat::Json, OutputFormat::Protobuf, OutputFormat::Same];
    for ticket in [text.as_bytes(), &wire] {
        let mut ids = Vec::new();
        for output in all {
            let (catalog, mut router) = (catalog_of(output), router(output));
            let value = value_of(&mut router, &catalog, ticket);
            assert_eq!(router.notes().collect::<Vec<_>>(), [], "nothing is dropped");
            let back = ticket_of(&value);
            assert_eq!(back, ticket, "{output:?}");
            let again = value_of(&mut router, &catalog, &back);
            assert_eq!(again, value, "sent again it is the same, with the same records");
            let routed = if value.starts_with(b"{") {
                serde_json::from_slice(&value).expect("the value is ProtoJSON")
            } else {
                v1::RoutedTicket::decode(&*value).expect("the value is protobuf")
            };
            assert_eq!(routed.offer.map(|it| it.id).as_deref(), Some("harborlight.helpdesk"));
            assert_eq!(routed.publisher.map(|it| it.id).as_deref(), Some("harborlight"));
            assert_eq!(routed.partner.map(|it| it.id).as_deref(), Some("alder-cloud"));
            let decision = routed.decision.expect("there is one");
            assert_eq!(decision.triage_reason(), v1::decision::TriageReason::UnknownCategory);
            ids.push((value, decision.decision_id));
        }
        assert!(ids.windows(2).all(|pair| pair[0] == pair[1]), "one value, whatever the output is");
    }
}

#[test]
fn the_ticket_in_a_cloud_event_is_decided_as_if_it_had_come_alone() {
    let catalog = samples::catalog();
    let ticket = r#"{"id":"T-1","requester":{"role":"ROLE_CUSTOMER"},"partnerId":"alder-cloud","category":"CATEGORY_BILLING","channel":"phone"}"#;
    let event = format!(r#"{{"specversion":"1.0","id":"e","source":"s","type":"t","data":{ticket}}}"#);
    for output in [OutputFormat::Json, OutputFormat::Protobuf] {
        let (mut one, mut other) = (router(output), router(output));
        let alone = value_of(&mut one, &catalog, ticket.as_bytes());
        let routed = other.route(&catalog, None, Some(event.as_bytes())).expect("it is opened");
        assert_eq!(routed.value, alone);
        let headers: Vec<_> = routed.event.iter().map(|(name, value)| (&**name, &**value)).collect();
        assert_eq!(headers, [("specversion", "1.0"), ("id", "e"), ("source", "s"), ("type", "t")]);
        assert_eq!(one.notes().collect::<Vec<_>>(), other.notes().collect::<Vec<_>>());
        let dropped = [(Note::Dropped, "channel")];
        assert_eq!(
            one.notes().collect::<Vec<_>>(),
            if output == OutputFormat::Json { &dropped[..0] } else { &dropped }
        );
    }
}

#[test]
fn each_small_input_that_failed_before_is_routed_or_says_what_it_is() {
    let catalog = samples::catalog();
    let mut json = router(OutputFormat::Json);
    let requester = r#""requester":{"role":"ROLE_CUSTOMER","id":"c-1"},"partnerId":"alder-cloud","offerId":"harborlight.helpdesk","category":"CATEGORY_BILLING""#;
    for odd in [
        r#""attributes":{"tier":"gold","csat":null}"#,
        r#""attributes":[]"#,
        r#""attributes":{"vip":true,"score":3}"#,
        r#""createdAt":"2026-11-20T09:00:00.000+0000""#,
        r#""createdAt":"2026-11-20 09:00:00""#,
    ] {
        let ticket = format!(r#"{{"id":"T-1",{odd},{requester}}}"#);
        let routed = json.route(&catalog, None, Some(ticket.as_bytes())).expect("it has an owner");
        assert_eq!(routed.destination, super::Destination::Partner, "{odd}");
        assert_eq!(ticket_of(routed.value), ticket.as_bytes(), "{odd}");
        let name = if odd.contains("createdAt") { "createdAt" } else { "attributes" };
        assert_eq!(json.notes().collect::<Vec<_>>(), [(Note::OddValue, name)], "{odd}");
    }
}
