//! What sources really send: envelopes, odd fields, other content types; and the way back from triage.

use serde_json::{Value, json};

use crate::{
    checker::{Record, Watch},
    support::{
        router::Settings,
        tickets::{Encoding, prepared, ticket, ticket_bytes},
        topics::{Destination, Outbound, Source, Topics},
    },
};

/// A router with the default output, protobuf.
struct Desk {
    topics: Topics,
    source: Source,
    watch: Watch,
    router: crate::support::router::Router,
}

impl Desk {
    fn start() -> Self {
        let (topics, source) = prepared(1);
        let router = Settings::new(&topics).start("router");
        let watch = Watch::new(&topics);
        Self { topics, source, watch, router }
    }

    /// Sends a record under its own key, and gives what comes out for it.
    fn send(&mut self, key: &str, mut record: Outbound) -> (Destination, Record) {
        record.key = Some(key.as_bytes().to_vec());
        self.source.send_all(&self.topics.incoming(), &[record]);
        let (topic, record) = self.watch.wait_for_key(key);
        let mut all = Destination::ALL.into_iter();
        let destination = all.find(|it| self.topics.outgoing(*it) == topic).expect("it is one of the five");
        (destination, record)
    }

    /// Why a record is a dead letter: reason and detail. Its bytes must be those that came.
    fn dead(&mut self, key: &str, record: Outbound) -> (String, String) {
        let value = record.value.clone();
        let (destination, dead) = self.send(key, record);
        assert_eq!(destination, Destination::DeadLetter, "{key}");
        assert_eq!(dead.value, value, "{key}");
        let header = |name: &str| dead.header(name).unwrap_or_default().to_owned();
        (header("ticket-router.error.reason"), header("ticket-router.error.detail"))
    }
}

fn plain(value: impl Into<Vec<u8>>) -> Outbound {
    Outbound { value: Some(value.into()), ..Outbound::default() }
}

fn with(id: &str, field: &str, value: Value) -> Outbound {
    let mut ticket = ticket(id, Destination::Partner);
    ticket[field] = value;
    plain(ticket.to_string())
}

fn holds(record: &Record, part: &[u8]) -> bool {
    record.value.as_deref().unwrap_or_default().windows(part.len()).any(|it| it == part)
}

#[test]
fn a_cloud_event_is_opened_and_another_envelope_is_named() {
    let mut desk = Desk::start();
    let own = ticket("CE-1", Destination::Partner);
    let event = json!({
        "specversion": "1.0", "id": "evt-7", "source": "/desks/contoso", "type": "created", "subject": "tickets/1",
        "datacontenttype": "application/json", "data": own,
    });
    let wrapped = ticket_bytes(&own, Encoding::Protobuf);
    for (key, record) in [
        ("bare", plain(event.to_string())),
        ("typed", plain(event.to_string()).header("content-type", "application/cloudevents+json")),
    ] {
        let (destination, record) = desk.send(key, record);
        assert_eq!(destination, Destination::Partner, "{key}");
        assert!(holds(&record, &wrapped), "{key}: the ticket is there");
        let headers = ["ce_specversion", "ce_id", "ce_source", "ce_type", "ce_subject", "content-type"];
        assert_eq!(
            headers.map(|name| record.header(name)),
            [
                Some("1.0"),
                Some("evt-7"),
                Some("/desks/contoso"),
                Some("created"),
                Some("tickets/1"),
                Some("application/protobuf")
            ],
            "{key}"
        );
    }
    let binary = plain(own.to_string())
        .header("ce_id", "evt-8")
        .header("ce_specversion", "1.0")
        .header("content-type", "application/json");
    let (destination, record) = desk.send("binary", binary);
    assert_eq!((destination, record.header("ce_id")), (Destination::Partner, Some("evt-8")));

    let grid =
        json!({ "id": "e", "topic": "/t", "subject": "s", "eventType": "a", "eventTime": "b", "data": own });
    for (key, value, says) in [
        ("grid", grid, "Event Grid"),
        ("bridge", json!({ "id": "e", "source": "s", "detail-type": "a", "detail": own }), "EventBridge"),
        ("empty", json!({ "specversion": "1.0", "id": "e", "source": "s", "type": "t" }), "no data"),
    ] {
        let (reason, detail) = desk.dead(key, plain(value.to_string()));
        assert_eq!((reason.as_str(), detail.contains(says)), ("ENVELOPE", true), "{key}: {detail}");
    }
}

#[test]
fn what_decides_nothing_keeps_no_ticket_from_its_owner_and_is_counted() {
    let mut desk = Desk::start();
    for (id, field, value) in [
        ("list", "attributes", json!([])),
        ("null", "attributes", json!({ "tier": "gold", "csat": null })),
        ("jira", "createdAt", json!("2026-11-20T09:00:00.000+0000")),
        ("snow", "updatedAt", json!("2026-11-20 09:00:00")),
        ("revision", "revision", json!("many")),
        ("severity", "severity", json!("")),
        ("number", "id", json!(35_436)),
        ("misspelt", "offerID", json!("contoso.backup")),
        ("unknown", "channel", json!("phone")),
    ] {
        assert_eq!(desk.send(id, with(id, field, value)).0, Destination::Partner, "{id}");
    }
    let types: [(&str, &[u8]); 6] = [
        ("quoted", b"\"application/json\""),
        ("amqp", b"\xa1\x10application/json"),
        ("none", b""),
        ("stream", b"application/octet-stream"),
        ("text", b"text/plain"),
        ("text-json", b"text/json"),
    ];
    for (key, content_type) in types {
        let value = plain(ticket(key, Destination::Partner).to_string());
        let (destination, _) = desk.send(key, value.raw_header(b"content-type", Some(content_type.to_vec())));
        assert_eq!(destination, Destination::Partner, "{key}");
    }
    for (key, value, reason) in [
        ("tickets", &b"[{\"id\":\"1\"}]"[..], "INVALID_JSON"),
        ("twice", b"\"{\\\"id\\\":\\\"1\\\"}\"", "INVALID_JSON"),
        ("gzip", b"\x1f\x8b\x08\0\0\0\0\0", "UNSUPPORTED_FORMAT"),
    ] {
        let (found, detail) = desk.dead(key, plain(value));
        assert_eq!(found, reason, "{key}: {detail}");
    }
    let figure = |name: &str| desk.router.figure(&format!("ticket_router_fields_{name}"));
    for (name, count) in [
        ("odd_total{field=\"attributes\",what=\"value\"}", 2.0),
        ("odd_total{field=\"createdAt\",what=\"value\"}", 1.0),
        ("odd_total{field=\"id\",what=\"value\"}", 1.0),
        ("odd_total{field=\"offerId\",what=\"name\"}", 1.0),
        ("dropped_total{field=\"revision\"}", 1.0),
        ("dropped_total{field=\"offerID\"}", 1.0),
        ("dropped_total{field=\"channel\"}", 1.0),
    ] {
        assert_eq!(figure(name), Some(count), "{name}");
    }
}

#[test]
fn a_ticket_comes_back_from_triage_byte_for_byte() {
    let mut desk = Desk::start();
    let text = r#"{ "id":"T-1", "channel":1e1, "requester":{"role":"ROLE_CUSTOMER"}, "partnerId":"northwind", "category":"CATEGORY_REFUND"}"#;
    let known = ticket_bytes(&ticket("T-2", Destination::Triage), Encoding::Protobuf);
    let wire = [known.as_slice(), &[0xc2, 0x3e, 1, b'x']].concat();
    for (key, ticket, media_type) in
        [("text", text.as_bytes(), "application/json"), ("wire", &wire, "application/protobuf")]
    {
        let (destination, first) = desk.send(key, plain(ticket));
        assert_eq!((destination, first.header("content-type")), (Destination::Triage, Some(media_type)));
        assert!(holds(&first, ticket), "{key}: it is there as it came");
        let again = plain(ticket).header("content-type", media_type);
        let (destination, second) = desk.send(&format!("{key}-again"), again);
        assert_eq!((destination, &second.value), (Destination::Triage, &first.value));
        let id = "ticket-router.decision-id";
        assert_eq!(second.header(id), first.header(id));
    }
}
