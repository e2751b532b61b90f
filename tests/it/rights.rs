//! Rights and topics that are taken away under a running router.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use ticket_router_proof::judge::Input;

use crate::{
    broker::Broker,
    checker::{self, Record, Watch, read_topic},
    secure::scram,
    support::{
        acls, load,
        router::{Router, Settings},
        tickets::{load_catalog, prepared},
        topics::{Destination, Source, Topics},
        wait::wait_for,
    },
};

const EXIT_FAILED: i32 = 1;
/// So many tickets are sent before, while and after something is forbidden; every fifth is for the publishers.
const PART: usize = 40;
/// Of a part that holds eight tickets for the forbidden topic, on a busy machine.
const NOT_BLOCKED: Duration = Duration::from_secs(30);

#[test]
fn tickets_for_a_topic_that_may_not_be_written_any_more_are_dead_letters_until_it_may() {
    // The topic can still be seen; with the only right on it gone, it cannot.
    for is_visible in [true, false] {
        let (topics, mut router) = start();
        let broker = topics.broker();
        let forbidden = topics.outgoing(Destination::Publisher);
        let mut watch = Watch::new(&topics);
        let source = Source::new(broker);
        send(&source, &topics, 0);
        watch.wait_for(PART);
        if is_visible {
            acls::give(broker, "Describe", &[("--topic", &forbidden)]);
        }
        acls::take(broker, "Write", &[("--topic", &forbidden)]);

        let start = Instant::now();
        send(&source, &topics, 1);
        watch.wait_for(2 * PART);
        let waited = start.elapsed();
        eprintln!("visible: {is_visible}, {waited:?} for {} tickets", PART / Destination::ALL.len());
        assert!(waited < NOT_BLOCKED, "{waited:?}");
        let dead: Vec<_> = watch
            .seen()
            .values()
            .filter(|it| it.header("ticket-router.error.reason") == Some("TOPIC_CLOSED"))
            .collect();
        assert_eq!(dead.len(), PART / Destination::ALL.len());
        for dead in dead {
            let detail = dead.header("ticket-router.error.detail").unwrap_or_default();
            assert!(detail.contains(&forbidden) && detail.contains("authorization"), "{detail}");
        }

        acls::give_back(broker, "Write", &[("--topic", &forbidden)]);
        if is_visible {
            acls::give(broker, "Write", &[("--topic", &forbidden)]);
        }
        let start = Instant::now();
        let mut part = 2;
        wait_for("tickets to reach the topic that may be written again", NOT_BLOCKED, || {
            send(&source, &topics, part);
            part += 1;
            watch.wait_for(part * PART);
            (dead_letters(&watch).len() < (part - 1) * PART / Destination::ALL.len()).then_some(())
        });
        eprintln!("visible: {is_visible}, {:?} and {part} parts afterwards", start.elapsed());
        assert!(!router.has_ended());
        let dead = dead_letters(&watch);
        let expected = move |input: &Input| match load::destination(input) {
            Destination::Publisher if dead.contains(&input.offset) => Destination::DeadLetter,
            other => other,
        };
        checker::assert_clean(&topics, &watch, part * PART, expected);
    }
}

#[test]
fn a_router_that_may_not_even_write_dead_letters_ends_and_goes_on_when_it_may() {
    let (topics, mut router) = start();
    let broker = topics.broker();
    let (forbidden, dead_letters) =
        (topics.outgoing(Destination::Publisher), topics.outgoing(Destination::DeadLetter));
    let resources = [("--topic", forbidden.as_str()), ("--topic", dead_letters.as_str())];
    let mut watch = Watch::new(&topics);
    let source = Source::new(broker);
    send(&source, &topics, 0);
    watch.wait_for(PART);

    acls::take(broker, "Write", &resources);
    send(&source, &topics, 1);
    assert_eq!(router.wait_for_end().code(), Some(EXIT_FAILED));
    let said = router.said();
    assert!(said.contains("the dead letter of a record that cannot be routed was refused too"));
    assert!(said.contains(&dead_letters), "the message names the topic");

    acls::give_back(broker, "Write", &resources);
    let mut settings = Settings::new(&topics);
    scram(&mut settings, crate::broker::SCRAM_USER.1);
    let _router = settings.start("router-again");
    watch.wait_for(2 * PART);
    checker::assert_clean(&topics, &watch, 2 * PART, load::destination);
}

#[test]
fn tickets_for_a_topic_that_was_deleted_are_dead_letters_until_it_is_there_again() {
    let (topics, source) = prepared(1);
    let mut router = Settings::new(&topics).start("router");
    router.wait_until_ready();
    let mut watch = Watch::new(&topics);
    topics.delete(Destination::Publisher);
    let start = Instant::now();
    send(&source, &topics, 0);
    watch.wait_for(PART);
    eprintln!("deleted: {:?}", start.elapsed());
    assert_eq!(dead_letters(&watch).len(), PART / Destination::ALL.len());
    assert!(start.elapsed() < NOT_BLOCKED, "{:?}", start.elapsed());

    topics.create_again(Destination::Publisher);
    let mut part = 1;
    wait_for("tickets to reach the topic that is there again", NOT_BLOCKED, || {
        send(&source, &topics, part);
        part += 1;
        watch.wait_for(part * PART);
        (!read_topic(topics.broker(), &topics.outgoing(Destination::Publisher)).is_empty()).then_some(())
    });
    eprintln!("deleted: {part} parts, {:?}", start.elapsed());
    assert!(!router.has_ended());
}

fn start() -> (Topics, Router) {
    let topics = Topics::create_on(Broker::with_tls(), 1);
    load_catalog(&Source::new(topics.broker()), &topics);
    let mut settings = Settings::new(&topics);
    scram(&mut settings, crate::broker::SCRAM_USER.1);
    let mut router = settings.start("router");
    router.wait_until_ready();
    (topics, router)
}

fn send(source: &Source, topics: &Topics, part: usize) {
    load::send(source, topics, part * PART..(part + 1) * PART);
}

/// The incoming offsets of the tickets that were refused.
fn dead_letters(watch: &Watch) -> BTreeSet<i64> {
    let refused = |it: &&Record| it.header("ticket-router.error.reason") == Some("TOPIC_CLOSED");
    let offset = |it: &Record| it.header("ticket-router.error.offset")?.parse().ok();
    watch.seen().values().filter(refused).filter_map(offset).collect()
}
