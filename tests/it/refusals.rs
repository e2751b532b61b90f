//! A cluster that is not as it must be: the start is refused with one line that says what to do.

use std::fmt::Debug;

use crate::{
    broker::Broker,
    checker::Watch,
    secure::scram,
    support::{
        acls, load,
        router::Settings,
        tickets::prepared,
        topics::{Destination, Topics},
    },
};

const EXIT_FAILED: i32 = 1;
const EXIT_BROKER: i32 = 78;

#[test]
fn each_missing_right_is_named_with_what_to_give() {
    let broker = Broker::with_tls();
    let [output, shown, input, shown_input, catalog, group, id] =
        [(); 7].map(|()| Topics::create_on(broker, 1));
    let (output_topic, shown_topic) =
        (output.outgoing(Destination::Publisher), shown.outgoing(Destination::Publisher));
    let (group_name, id_prefix) = (group.group(), id.group());
    acls::take(
        broker,
        "Write",
        &[("--topic", &output_topic), ("--topic", &shown_topic), ("--transactional-id", &id_prefix)],
    );
    let (incoming, shown_incoming, offers) = (input.incoming(), shown_input.incoming(), catalog.offers());
    acls::take(
        broker,
        "Read",
        &[
            ("--topic", &incoming),
            ("--topic", &shown_incoming),
            ("--topic", &offers),
            ("--group", &group_name),
        ],
    );
    acls::give(broker, "Describe", &[("--topic", &shown_topic), ("--topic", &shown_incoming)]);

    for (topics, named, remedy) in [
        (&output, &output_topic, "the right WRITE"),
        (&shown, &shown_topic, "the right WRITE"),
        (&input, &incoming, "the right READ"),
        (&shown_input, &shown_incoming, "the right READ"),
        (&catalog, &offers, "the right READ"),
        (&group, &group_name, "the right READ on the group"),
        (&id, &id_prefix, "the rights WRITE"),
    ] {
        let mut settings = Settings::new(topics);
        scram(&mut settings, crate::broker::SCRAM_USER.1);
        refused(&settings, &[named, remedy]);
    }
}

#[test]
fn a_topic_that_is_missing_or_keeps_the_catalog_only_for_a_while_is_named() {
    let topics = Topics::create(1);
    let missing = format!("{}-missing", topics.incoming());
    let mut settings = Settings::new(&topics);
    settings.set("topics.publisher", missing.as_str());
    refused(&settings, &[&missing, "ticket-router topics create"]);

    let other = Topics::create(1);
    let uncompacted = other.incoming();
    let mut settings = Settings::new(&topics);
    settings.set("catalog.topics.offers", uncompacted.as_str());
    refused(&settings, &[&uncompacted, "cleanup.policy=compact"]);
}

#[test]
fn committed_offsets_that_the_log_has_lost_are_never_replaced() {
    let (topics, source) = prepared(1);
    let settings = Settings::new(&topics);
    let mut router = settings.start("first");
    let mut watch = Watch::new(&topics);
    let send = |numbers| load::send(&source, &topics, numbers);
    send(0..20);
    watch.wait_for(20);

    // Under a router that runs, but is too slow.
    router.freeze();
    // The first five answer the fetch that waits at the broker; the next fetch is for records that are gone.
    send(20..25);
    send(25..35);
    topics.delete_incoming_before(30);
    router.thaw();
    assert_eq!(router.wait_for_end().code(), Some(EXIT_FAILED));
    let said = router.said();
    assert!(said.contains("committed offset 2") && said.contains("30 to 35"), "both offsets are named");

    // And at the start: twice, since nothing may be repaired by the first.
    let routed = watch.poll();
    for _ in 0..2 {
        refused(&settings, &["committed offset 2", "30 to 35", "--reset-offsets"]);
    }
    assert_eq!(watch.poll(), routed, "nothing was routed");
}

/// Starts a router that must end at once, with one error that holds all the words.
#[track_caller]
fn refused(settings: &Settings, words: &[impl AsRef<str> + Debug]) {
    let mut router = settings.start("refused");
    let code = router.wait_for_end().code();
    let said = router.said();
    let errors: Vec<_> = said.lines().filter(|line| line.contains("ERROR ticket_router")).collect();
    assert_eq!(errors.len(), 1, "one error for {words:?}\n{said}");
    assert!(words.iter().all(|word| errors[0].contains(word.as_ref())), "{words:?}: {}", errors[0]);
    assert_eq!(code, Some(EXIT_BROKER), "{words:?}");
}
