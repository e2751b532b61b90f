//! Topics that refuse records for their time or size, or delete them by their time.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rdkafka::consumer::{BaseConsumer, Consumer};

use crate::{
    broker::Broker,
    checker::{Record, Watch, read_topic},
    support::{
        router::{Router, Settings},
        tickets::{Encoding, load_catalog, prepared, ticket, ticket_bytes},
        topics::{Destination, Outbound, Source, Topics},
        wait::wait_for,
    },
};

const EXIT_BROKER: i32 = 78;
const MINUTE: i64 = 60_000;
const DAY: i64 = 24 * 60 * MINUTE;
const WEEK: &str = "604800000";
const ANY_TIME: &str = "9223372036854775807";
/// A pass of the broker's retention is due every half a second.
const RETENTION_DEADLINE: Duration = Duration::from_secs(60);
/// The header with the time of a ticket whose record has another one.
const TIMESTAMP: &str = "ticket-router.timestamp";

#[test]
fn a_ticket_with_any_clock_reaches_its_owner_and_is_not_deleted_by_its_time() {
    let broker = Broker::private_with("log.retention.check.interval.ms=500\nlog.initial.task.delay.ms=500\n");
    let broker = Box::leak(Box::new(broker));
    let topics = Topics::create_on(broker, 1);
    topics.configure(
        &topics.incoming(),
        &[("retention.ms", "-1"), ("message.timestamp.after.max.ms", ANY_TIME)],
    );
    for destination in Destination::ALL {
        topics.configure(&topics.outgoing(destination), &[("retention.ms", WEEK)]);
    }
    let source = Source::new(broker);
    load_catalog(&source, &topics);
    let mut router = Settings::new(&topics).start("router");
    router.wait_until_ready();
    let mut watch = Watch::new(&topics);

    let now = now_ms();
    let good = |key: &str, destination| {
        Outbound::new(key, ticket_bytes(&ticket(&format!("id-{key}"), destination), Encoding::Json))
    };
    let old: Vec<_> =
        (0..200).map(|n| good(&format!("old-{n}"), Destination::Partner).at(now - 30 * DAY + n)).collect();
    let clocks = [
        ("ahead", Destination::Publisher, Some(now + 120 * MINUTE)),
        ("1970", Destination::Publisher, Some(1)),
        ("zero", Destination::MicrosoftCommerce, Some(0)),
        ("none", Destination::MicrosoftCommerce, None),
        ("old", Destination::Triage, Some(now - 30 * DAY)),
    ];
    // A producer takes 0 for now, and so the time 0 is written as 1.
    let odd =
        clocks.map(|(key, destination, time)| good(key, destination).at(time.map_or(-1, |it| it.max(1))));
    let bad = [("bad-ahead", now + 120 * MINUTE), ("bad-1970", 1), ("bad-old", now - 30 * DAY)]
        .map(|(key, time)| Outbound::new(key, "{").at(time));
    let in_time = [("in-time", now - DAY), ("a-little-ahead", now + 50 * MINUTE)]
        .map(|(key, time)| good(key, Destination::Publisher).at(time));
    let all = old.iter().chain(&odd).chain(&bad).chain(&in_time);
    source.send_all(&topics.incoming(), all);
    watch.wait_for(200 + 5 + 3 + 2);
    assert_eq!(aborts(&router), 0.0, "the limits were read at the start");

    // Two passes of retention: the first may have begun before the tickets came.
    let canary = Topics::create_on(broker, 1);
    canary.configure(&canary.incoming(), &[("retention.ms", WEEK)]);
    let consumer: BaseConsumer = broker.client().create().expect("the settings are known to librdkafka");
    for pass in 1..=2 {
        source.send_all(&canary.incoming(), &[Outbound::new("canary", "x").at(now - 30 * DAY)]);
        wait_for("an old record to be deleted", RETENTION_DEADLINE, || {
            let bounds = consumer.fetch_watermarks(&canary.incoming(), 0, Duration::from_secs(5));
            (bounds.ok()? == (pass, pass)).then_some(())
        });
    }
    let records = |destination| read_topic(broker, &topics.outgoing(destination));
    let routed = records(Destination::Partner);
    assert_eq!(routed.len(), 200);
    for (n, record) in (0..).zip(&routed) {
        assert_stamped(record, now, Some(now - 30 * DAY + n));
    }
    let publisher = records(Destination::Publisher);
    assert_eq!(publisher.len(), 4);
    assert_stamped(find(&publisher, "ahead"), now, Some(now + 120 * MINUTE));
    assert_stamped(find(&publisher, "1970"), now, Some(1));
    for (key, time) in [("in-time", now - DAY), ("a-little-ahead", now + 50 * MINUTE)] {
        let record = find(&publisher, key);
        assert_eq!((record.timestamp, record.header(TIMESTAMP)), (Some(time), None), "{key}");
    }
    let commerce = records(Destination::MicrosoftCommerce);
    assert_stamped(find(&commerce, "zero"), now, Some(1));
    assert_stamped(find(&commerce, "none"), now, None);
    assert_stamped(find(&records(Destination::Triage), "old"), now, Some(now - 30 * DAY));
    let dead = records(Destination::DeadLetter);
    assert_eq!(dead.len(), 3);
    for (record, time) in dead.iter().zip([now + 120 * MINUTE, 1, now - 30 * DAY]) {
        assert_eq!(record.header("ticket-router.error.reason"), Some("INVALID_JSON"));
        assert_eq!(record.value.as_deref(), Some(&b"{"[..]));
        assert_stamped(record, now, Some(time));
    }
}

#[test]
fn limits_that_get_closer_under_a_running_router_cost_some_aborts_and_no_ticket() {
    let (topics, source) = prepared(1);
    let mut router = Settings::new(&topics).start("router");
    router.wait_until_ready();
    let mut watch = Watch::new(&topics);
    let closer = [
        ("retention.ms", "-1"),
        ("message.timestamp.before.max.ms", "60000"),
        ("max.message.bytes", "20000"),
    ];
    for destination in Destination::ALL {
        let mut settings = closer.to_vec();
        settings.extend((destination == Destination::DeadLetter).then_some(("cleanup.policy", "compact")));
        topics.configure(&topics.outgoing(destination), &settings);
    }
    let now = now_ms();
    let good = |key: &str, bytes: usize| {
        let mut ticket = ticket(&format!("id-{key}"), Destination::Partner);
        ticket["body"] = noise(key, bytes).into();
        Outbound::new(key, ticket_bytes(&ticket, Encoding::Json)).at(now - 10 * MINUTE)
    };
    let small: Vec<_> = (0..400).map(|n| good(&format!("small-{n}"), 5_000)).collect();
    source.send_all(&topics.incoming(), &small);
    // Keyless, and too large for the topic even as a dead letter.
    let mut large = good("large", 60_000);
    large.key = None;
    source.send_all(&topics.incoming(), &[large, Outbound::new("bad", "{").at(1), good("last", 5_000)]);
    watch.wait_for(403);
    let aborts = aborts(&router);
    eprintln!("{aborts} aborts");
    assert!((1.0..20.0).contains(&aborts), "{aborts} aborts");
    assert!(!router.has_ended());

    let routed = read_topic(topics.broker(), &topics.outgoing(Destination::Partner));
    assert_eq!(routed.len(), 401);
    routed.iter().for_each(|record| assert_stamped(record, now, Some(now - 10 * MINUTE)));
    let dead = read_topic(topics.broker(), &topics.outgoing(Destination::DeadLetter));
    assert_eq!(dead.len(), 2);
    assert_eq!(dead[0].header("ticket-router.error.reason"), Some("DEAD_LETTER_TRUNCATED"));
    let detail = dead[0].header("ticket-router.error.detail").unwrap_or_default();
    assert!(detail.starts_with("OUTPUT_TOO_LARGE"), "{detail}");
    let origin = format!("{}-0@400", topics.incoming());
    assert_eq!(dead[0].key.as_deref().map(String::from_utf8_lossy), Some(origin.into()));
    assert_eq!(dead[1].header("ticket-router.error.reason"), Some("INVALID_JSON"));
    assert_stamped(&dead[1], now, Some(1));
}

#[test]
fn what_the_settings_of_topics_say_costs_no_aborts() {
    let topics = Topics::create(1);
    topics.configure(
        &topics.outgoing(Destination::Partner),
        &[("retention.ms", "-1"), ("max.message.bytes", "100000")],
    );
    topics.configure(&topics.outgoing(Destination::Triage), &[("cleanup.policy", "compact")]);
    let source = Source::new(topics.broker());
    load_catalog(&source, &topics);
    let body = |n: usize| {
        let mut ticket = ticket(&format!("id-{n}"), Destination::Partner);
        ticket["body"] = noise(&n.to_string(), 5_000).into();
        Outbound::new(format!("{n}"), ticket_bytes(&ticket, Encoding::Json))
    };
    let tickets: Vec<_> = (0..4_000).map(body).collect();
    source.send_all(&topics.incoming(), &tickets);
    let mut keyless = Outbound::new("", ticket("keyless", Destination::Triage).to_string());
    keyless.key = None;
    source.send_all(&topics.incoming(), &[keyless]);
    let mut watch = Watch::new(&topics);
    let start = Instant::now();
    let router = Settings::new(&topics).set("output.timestamp", "now").start("router");
    watch.wait_for(4_001);
    eprintln!("{:?} from the start of the router", start.elapsed());
    assert_eq!(aborts(&router), 0.0);
    let routed =
        watch.seen().iter().filter(|((topic, ..), _)| *topic == topics.outgoing(Destination::Partner));
    assert_eq!(routed.filter(|(_, record)| record.header(TIMESTAMP).is_some()).count(), 4_000);
    let dead = read_topic(topics.broker(), &topics.outgoing(Destination::DeadLetter));
    let detail = dead[0].header("ticket-router.error.detail").unwrap_or_default();
    assert!(detail.contains("is compacted"), "{detail}");
}

#[test]
fn a_dead_letter_topic_that_is_compacted_is_refused_by_check_and_start() {
    let topics = Topics::create(1);
    let dead_letters = topics.outgoing(Destination::DeadLetter);
    topics.configure(&dead_letters, &[("cleanup.policy", "compact")]);
    let settings = Settings::new(&topics);
    let said = settings.run_to(Some(EXIT_BROKER), &["topics", "check"]);
    let mut router = settings.start("refused");
    assert_eq!(router.wait_for_end().code(), Some(EXIT_BROKER));
    for said in [said, router.said()] {
        let words = [dead_letters.as_str(), "topics.dead_letter", "cleanup.policy=delete"];
        assert!(words.iter().all(|word| said.contains(word)), "{said}");
    }
}

/// The record has a time of this test's, and the ticket's time in the header.
#[track_caller]
fn assert_stamped(record: &Record, start: i64, original: Option<i64>) {
    let key = record.key.as_deref().map(String::from_utf8_lossy);
    let time = record.timestamp.expect("the router writes a time");
    assert!((start - MINUTE..start + 5 * MINUTE).contains(&time), "{key:?} has the time {time}");
    assert_eq!(record.header(TIMESTAMP), original.map(|it| it.to_string()).as_deref(), "{key:?}");
}

#[track_caller]
fn find<'r>(records: &'r [Record], key: &str) -> &'r Record {
    let found = records.iter().find(|record| record.key.as_deref() == Some(key.as_bytes()));
    found.unwrap_or_else(|| panic!("no record with the key {key}"))
}

fn aborts(router: &Router) -> f64 {
    let page = router.page("/metrics").expect("the router answers");
    let lines = page.lines().filter(|line| line.starts_with("ticket_router_transaction_aborts_total{"));
    lines.filter_map(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok()).sum()
}

/// Text that compression makes little of.
fn noise(seed: &str, bytes: usize) -> String {
    let mut state = seed.bytes().fold(0x9e37_79b9_7f4a_7c15_u64, |state, byte| {
        (state ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    }) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        char::from(b'!' + (state % 90) as u8)
    };
    (0..bytes).map(|_| next()).filter(|it| !['"', '\\'].contains(it)).collect()
}

fn now_ms() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is after 1970");
    i64::try_from(now.as_millis()).expect("it is before the year 292,000,000")
}
