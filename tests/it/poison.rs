//! Records that are made to hurt: small on the wire and huge in memory, or with headers that no honest client sends.

use std::time::{Duration, Instant};

use crate::{
    checker::{self, Watch},
    support::{
        router::Settings,
        tickets::{Encoding, prepared, ticket, ticket_bytes},
        topics::{Destination, Outbound, Source},
        wait::wait_for,
    },
};

/// The next ticket is not delayed by more than a few seconds, on a busy machine.
const NOT_BLOCKED: Duration = Duration::from_secs(10);
const MEGABYTE: usize = 1 << 20;

#[test]
fn a_zip_bomb_becomes_a_digest_and_neither_memory_nor_the_next_ticket_suffers() {
    for codec in ["zstd", "gzip"] {
        let (topics, source) = prepared(1);
        let mut router = Settings::new(&topics).start("router");
        router.wait_until_ready();
        let mut watch = Watch::new(&topics);
        // Each goes in a batch of its own: the broker's limit is for the compressed batch.
        let wrapping =
            [("message.max.bytes", "250000000"), ("compression.codec", codec), ("batch.num.messages", "1")];
        let bomber = Source::with(topics.broker(), &wrapping);
        let sizes = [("bomb", 200 * MEGABYTE), ("large", 10 * MEGABYTE)];
        for (key, size) in sizes {
            bomber.send_all(&topics.incoming(), &[Outbound::new(key, vec![0; size])]);
        }
        // Packing the bomb is the test's own work.
        let start = Instant::now();
        let next = ticket_bytes(&ticket("next", Destination::Partner), Encoding::Json);
        source.send_all(&topics.incoming(), &[Outbound::new("next", next)]);

        let (topic, _) = watch.wait_for_key("next");
        assert!(start.elapsed() < NOT_BLOCKED, "{codec}: {:?}", start.elapsed());
        assert_eq!(topic, topics.outgoing(Destination::Partner));
        for (key, size) in sizes {
            let (topic, dead) = watch.wait_for_key(key);
            assert_eq!(topic, topics.outgoing(Destination::DeadLetter));
            assert!(dead.value.as_deref().is_none_or(<[u8]>::is_empty));
            assert_eq!(dead.header("ticket-router.error.reason"), Some("DEAD_LETTER_TRUNCATED"));
            assert_eq!(dead.header("ticket-router.error.size"), Some(size.to_string().as_str()));
            let digest = dead.header("ticket-router.error.digest").expect("a cut dead letter has a digest");
            assert!(digest.starts_with("xxh3-128:"), "{digest}");
        }
        let peak = router.peak_mb();
        eprintln!("{codec}: peak {peak:.0} MB, {:?}", start.elapsed());
        assert!(peak < 700.0, "{codec}: {peak:.0} MB");
    }
}

#[test]
fn a_backlog_of_large_tickets_that_compress_well_does_not_fill_the_memory() {
    const TICKETS: usize = 600;
    let (topics, _) = prepared(1);
    let wrapping = [("compression.codec", "zstd"), ("batch.num.messages", "1")];
    let source = Source::with(topics.broker(), &wrapping);
    let mut large = ticket("large", Destination::Partner);
    large["body"] = "a".repeat(900_000).into();
    let large = Outbound::new("large", ticket_bytes(&large, Encoding::Json));
    source.send_all(&topics.incoming(), std::iter::repeat_n(&large, TICKETS));

    // The limit of the example for Kubernetes.
    let mut router = Settings::new(&topics).memory(512 * 1024).start("router");
    wait_for("all tickets are routed", Duration::from_secs(120), || {
        assert!(!router.has_ended(), "it has room enough");
        (router.figure("ticket_router_records_read_total")? >= TICKETS as f64).then_some(())
    });
    let peak = router.peak_mb();
    eprintln!("peak {peak:.0} MB");
    assert!(peak < 450.0, "{peak:.0} MB");
}

#[test]
fn a_batch_that_does_not_fit_into_memory_ends_the_router_with_what_to_do() {
    let (topics, _) = prepared(1);
    let mut router = Settings::new(&topics).start("router");
    router.wait_until_ready();
    let wrapping = [("message.max.bytes", "400000000"), ("compression.codec", "zstd")];
    let bomber = Source::with(topics.broker(), &wrapping);
    bomber.send_all(&topics.incoming(), &[Outbound::new("bomb", vec![0; 300 * MEGABYTE])]);
    assert_eq!(router.wait_for_end().code(), Some(1));
    let said = router.said();
    assert!(
        said.contains("receive.message.max.bytes") && said.contains("0 at"),
        "setting and place are named"
    );
}

#[test]
fn headers_of_any_bytes_travel_on_and_do_not_stop_the_router() {
    let (topics, source) = prepared(1);
    let _router = Settings::new(&topics).start("router");
    let mut watch = Watch::new(&topics);
    let strange = |record: Outbound| {
        record
            .at(1_772_000_000_000)
            .raw_header(b"name-\xff\xfe", Some(b"a".to_vec()))
            .raw_header(b"null-value", None)
            .raw_header(b"empty-value", Some(Vec::new()))
            .raw_header(b"", Some(b"empty name".to_vec()))
            .raw_header(b"twice", Some(b"\xff".to_vec()))
            .raw_header(b"twice", None)
    };
    let good = ticket_bytes(&ticket("strange", Destination::Partner), Encoding::Json);
    let records: Vec<_> = [
        strange(Outbound::new("good", good)),
        strange(Outbound::new("bad", "{")),
        strange(Outbound::tombstone("null")),
        strange(Outbound::new("empty", "")),
        strange(Outbound::new("type", "{}")).raw_header(b"content-type", Some(b"\xff".to_vec())),
        strange(Outbound::new("no type", "{\"id\":")).raw_header(b"content-type", None),
    ]
    .into_iter()
    .enumerate()
    .map(|(n, record)| record.number(n))
    .collect();
    source.send_all(&topics.incoming(), &records);

    let (topic, _) = watch.wait_for_key("good");
    assert_eq!(topic, topics.outgoing(Destination::Partner));
    for (key, reason) in [
        ("bad", "INVALID_JSON"),
        ("null", "EMPTY_VALUE"),
        ("empty", "EMPTY_VALUE"),
        ("type", "UNSUPPORTED_CONTENT_TYPE"),
        ("no type", "INVALID_JSON"),
    ] {
        let (_, dead) = watch.wait_for_key(key);
        assert_eq!(dead.header("ticket-router.error.reason"), Some(reason), "{key}");
    }
    checker::assert_clean(&topics, &watch, records.len(), |input| match input.number {
        0 => Destination::Partner,
        _ => Destination::DeadLetter,
    });
}
