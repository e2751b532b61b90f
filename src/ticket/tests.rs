//! What a ticket may look like, reason by reason.

use proptest::{collection::vec, prelude::*};
use prost::Message;

use super::{plain::compare, DeadLetterReason as Reason, *};
use crate::proto::{
    v1,
    v1::ticket::{requester::Role, Category, Severity},
    Timestamp,
};

const TICKET: &str = r#"{"id":"T-1","source":"zendesk/contoso","createdAt":"2026-11-22T18:00:00Z",
    "updatedAt":"2026-11-22T18:00:00.5+01:00","revision":"3","requester":{"role":"ROLE_CUSTOMER","id":"c-1",
    "displayName":"Ana","email":"ana@example.com"},"partnerId":"p-1","offerId":"o-1","planId":"gold",
    "subscriptionId":"s-1","category":"CATEGORY_BILLING","severity":"SEVERITY_B","language":"es-MX",
    "subject":"Factura","body":"¿Por qué?\n","attributes":{"tier":"a","región":"\u00f1","quote\"":""},
    "future":[1,{"a":null,"b":[true,false,-1.5e3]}]}"#;

fn reader() -> Reader {
    Reader::new(Limits::default(), vec!["tier".to_owned(), "región".to_owned()])
}

fn json(text: &str) -> Payload<'_> {
    Payload { format: Format::Json, bytes: text.as_bytes() }
}

fn protobuf(bytes: &[u8]) -> Payload<'_> {
    Payload { format: Format::Protobuf, bytes }
}

/// The reason for which a payload is refused; both readings must refuse it.
#[track_caller]
fn refusal(payload: Payload<'_>) -> Reason {
    compare(payload);
    let bad = reader().read(payload).expect_err("must be refused");
    assert!(!bad.detail.is_empty() && bad.detail.len() < 400, "{bad}");
    let mut out = Vec::new();
    if !matches!(
        bad.reason,
        Reason::TooDeep | Reason::TooManyAttributes | Reason::AttributeTooLarge | Reason::IdTooLong
    ) {
        assert_eq!(
            transcode(payload, Format::Protobuf, &mut out).expect_err("must be refused").reason,
            bad.reason
        );
    }
    assert!(out.is_empty());
    bad.reason
}

#[track_caller]
fn accepted(text: &str) -> v1::Ticket {
    assert!(compare(json(text)), "{text}: {:?}", reader().read(json(text)));
    let mut out = Vec::new();
    transcode(json(text), Format::Protobuf, &mut out).expect("what is read can be transcoded");
    assert!(compare(protobuf(&out)));
    v1::Ticket::decode(&*out).expect("transcoded tickets are protobuf")
}

#[test]
fn a_ticket_in_json_shows_the_fields_that_decide() {
    assert!(compare(json(TICKET)));
    let mut reader = reader();
    let ticket = reader.read(json(TICKET)).expect("a good ticket");
    assert_eq!(
        (ticket.id, ticket.source, ticket.requester_id, ticket.partner_id, ticket.offer_id),
        ("T-1", "zendesk/contoso", "c-1", "p-1", "o-1")
    );
    assert_eq!(ticket.role, Coded::Known(Role::Customer));
    assert_eq!(ticket.category, Coded::Known(Category::Billing));
    assert_eq!(ticket.severity, Severity::B);
    assert_eq!(*ticket.attributes, [Some("a"), Some("ñ")]);
}

#[test]
fn names_and_numbers_may_be_written_as_protojson_allows() {
    let canonical = accepted(TICKET);
    let snake = TICKET
        .replace("createdAt", "created_at")
        .replace("updatedAt", "updated_at")
        .replace("displayName", "display_name")
        .replace("partnerId", "partner_id")
        .replace("offerId", "offer_id")
        .replace("planId", "plan_id")
        .replace("subscriptionId", "subscription_id")
        .replace("\"3\"", "3.0")
        .replace("\"CATEGORY_BILLING\"", "1e0")
        .replace("\"SEVERITY_B\"", "2")
        .replace("\"ROLE_CUSTOMER\"", "\"ROLE\\u005fCUSTOMER\"")
        .replace("\"id\"", "\"\\u0069d\"");
    assert_eq!(accepted(&snake), canonical);
    assert_eq!(accepted(r#"{"id":"1","revision":"1e2"}"#).revision, 100);
    assert_eq!(accepted(r#"{"id":"1","revision":18446744073709551615}"#).revision, u64::MAX);
}

#[test]
fn null_is_the_default_of_every_field() {
    let nulls = r#"{"id":"1","source":null,"createdAt":null,"revision":null,"requester":{"role":null,"id":null},
        "category":null,"severity":null,"body":null,"attributes":null,"partnerId":null}"#;
    assert_eq!(
        accepted(nulls),
        v1::Ticket {
            id: "1".into(),
            requester: Some(v1::ticket::Requester::default()),
            ..Default::default()
        }
    );
    assert_eq!(accepted(r#"{"id":"1","requester":null}"#).requester, None);
}

#[test]
fn escaped_texts_are_unescaped_one_beside_the_other() {
    let text = r#"{"id":"\ud83d\ude00\"\\\/\b\f\n\r\t","source":"\u0041\u00e9","attributes":{"ti\u0065r":"\n","región":"x"},
        "requester":{"id":"\u202e"},"offerId":"plain"}"#;
    assert!(compare(json(text)));
    let mut reader = reader();
    for _ in 0..2 {
        let ticket = reader.read(json(text)).expect("a good ticket");
        assert_eq!((ticket.id, ticket.source), ("😀\"\\/\u{8}\u{c}\n\r\t", "Aé"));
        assert_eq!((ticket.requester_id, ticket.offer_id), ("\u{202e}", "plain"));
        assert_eq!(*ticket.attributes, [Some("\n"), Some("x")]);
    }
}
