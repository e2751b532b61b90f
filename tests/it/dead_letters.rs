//! Records that cannot be routed.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::{
    checker::{self, Watch},
    support::{
        router::Settings,
        tickets::{Encoding, prepared, ticket, ticket_bytes},
        topics::{Destination, Outbound},
    },
};

/// The next ticket is not delayed by more than a few seconds, on a busy machine.
const NOT_BLOCKED: Duration = Duration::from_secs(10);

#[test]
fn what_cannot_be_read_keeps_its_bytes_and_says_why() {
    let (topics, source) = prepared(1);
    let _router = Settings::new(&topics).start("router");
    let mut watch = Watch::new(&topics);
    let bad = bad_records();
    for (n, (_, record)) in bad.iter().enumerate() {
        let mut record = record.clone().number(n).at(1_772_000_000_000);
        record.key = Some(format!("bad-{n}").into_bytes());
        source.send(&topics.incoming(), &record);
    }
    source.flush();

    let reasons: Vec<_> = (0..bad.len())
        .map(|n| {
            let (topic, record) = watch.wait_for_key(&format!("bad-{n}"));
            let reason = record.header("ticket-router.error.reason");
            (topic == topics.outgoing(Destination::DeadLetter))
                .then(|| reason.unwrap_or("no reason").to_owned())
        })
        .collect();
    let expected: Vec<_> = bad.iter().map(|(reason, _)| Some((*reason).to_owned())).collect();
    assert_eq!(reasons, expected);
    checker::assert_clean(&topics, &watch, bad.len(), |_| Destination::DeadLetter);
}

#[test]
fn a_record_that_breaks_the_router_goes_to_the_dead_letters_and_holds_up_nobody() {
    const KEYS: [&str; 4] = ["first", "before", "poison", "after"];
    let (topics, source) = prepared(1);
    let router =
        Settings::new(&topics).environment("TICKET_ROUTER_FAULT_PANIC_ON_KEY", "poison").start("router");
    let mut watch = Watch::new(&topics);
    let record = |number: usize| {
        let ticket = ticket(&format!("id-of-{}", KEYS[number]), Destination::Partner);
        Outbound::new(KEYS[number], ticket_bytes(&ticket, Encoding::Json)).number(number)
    };
    source.send_all(&topics.incoming(), &[record(0)]);
    watch.wait_for_key("first");
    let start = Instant::now();
    source.send_all(&topics.incoming(), &[1, 2, 3].map(record));
    watch.wait_for_key("after");
    assert!(start.elapsed() < NOT_BLOCKED, "{:?}", start.elapsed());

    let (topic, dead) = watch.wait_for_key("poison");
    assert_eq!(topic, topics.outgoing(Destination::DeadLetter));
    assert_eq!(dead.header("ticket-router.error.reason"), Some("ROUTER_FAILED"));
    checker::assert_clean(&topics, &watch, KEYS.len(), |input| match KEYS[input.number] {
        "poison" => Destination::DeadLetter,
        _ => Destination::Partner,
    });
    drop(router);
}

#[test]
fn a_dead_letter_that_does_not_fit_its_topic_is_cut_to_key_origin_and_digest() {
    let (topics, source) = prepared(1);
    let mut settings = Settings::new(&topics);
    settings.set("limits.max_record_bytes", 100_000).set("limits.max_output_bytes", 200_000);
    let _router = settings.start("router");
    let mut watch = Watch::new(&topics);
    let huge = Outbound::new("huge", vec![0_u8; 1_000_000]).header("helpdesk-event", "7");
    let large = Outbound::new("large", vec![0_u8; 800_000])
        .header("helpdesk-event", "7")
        .header("trail", vec![b'x'; 199_000])
        .header("last", "8");
    let next = Outbound::new("next", ticket_bytes(&ticket("next", Destination::Partner), Encoding::Json));
    source.send_all(&topics.incoming(), &[huge, large, next]);

    let (_, dead) = watch.wait_for_key("huge");
    assert_eq!(dead.header("ticket-router.error.reason"), Some("DEAD_LETTER_TRUNCATED"));
    assert!(dead.value.as_ref().is_none_or(|value| value.is_empty()));
    assert_eq!(dead.header("helpdesk-event"), Some("7"));
    assert_eq!(dead.header("ticket-router.error.headers-left-out"), None);
    // 199,000 bytes and the router's own headers do not fit into 200,000; the small ones on both sides of it
    // do.
    let (_, dead) = watch.wait_for_key("large");
    assert_eq!(dead.header("ticket-router.error.reason"), Some("DEAD_LETTER_TRUNCATED"));
    assert_eq!(dead.header("ticket-router.error.headers-left-out"), Some("1"));
    assert_eq!([dead.header("helpdesk-event"), dead.header("last")], [Some("7"), Some("8")]);
    assert_eq!(dead.header("trail"), None);
    let (topic, _) = watch.wait_for_key("next");
    assert_eq!(topic, topics.outgoing(Destination::Partner));
}

/// Each way to be bad, with its reason code. Where there is an id, it is the reason's own.
fn bad_records() -> Vec<(&'static str, Outbound)> {
    let raw = |value: &[u8]| Outbound::new("", value);
    let good = |id: &str| Outbound::new("", ticket(id, Destination::Partner).to_string());
    let with = |id: &str, key: &str, value: Value| {
        let mut ticket = ticket(id, Destination::Partner);
        ticket[key] = value;
        Outbound::new("", ticket.to_string())
    };
    let nested = format!("{{\"id\":\"deep\",\"unknown\":{}{}}}", "[".repeat(100), "]".repeat(100));
    let attributes: serde_json::Map<_, _> = (0..65).map(|n| (format!("a{n}"), json!("x"))).collect();
    let many_headers = (0..300).fold(good("headers"), |record, n| record.header(&format!("h{n}"), "x"));
    vec![
        ("EMPTY_VALUE", Outbound::default()),
        ("EMPTY_VALUE", raw(b"")),
        ("RECORD_TOO_LARGE", raw(&vec![0; 1_048_577])),
        ("TOO_MANY_HEADERS", many_headers),
        ("UNSUPPORTED_CONTENT_TYPE", good("type").header("content-type", "application/xml")),
        ("INVALID_FRAMING", raw(&[0, 0, 0])),
        ("INVALID_UTF8", raw(b"{\"id\":\"bad\xff\"}")),
        ("INVALID_JSON", raw(b"{\"id\":\"bad\",")),
        ("DUPLICATE_KEY", raw(br#"{"id":"twice","source":"a","source":"b"}"#)),
        ("INVALID_PROTOBUF", raw(&[0x0a, 200, 1])),
        ("ENVELOPE", raw(br#"{"specversion":"1.0","id":"event","source":"s","type":"t"}"#)),
        ("UNSUPPORTED_FORMAT", raw(b"\x1f\x8b\x08\0")),
        ("INVALID_FIELD", with("field", "offerId", json!(["many"]))),
        ("TOO_DEEP", raw(nested.as_bytes())),
        ("TOO_MANY_ATTRIBUTES", with("many", "attributes", attributes.into())),
        ("ATTRIBUTE_TOO_LARGE", with("large", "attributes", json!({ "a": "x".repeat(5_000) }))),
        ("MISSING_ID", with("none", "id", json!(""))),
        ("ID_TOO_LONG", with("long", "id", json!("x".repeat(1_025)))),
    ]
}
