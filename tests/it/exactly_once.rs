//! Nothing lost, nothing twice, in order: while routers join, leave, die, stand still and abort.

use std::{thread, time::Duration};

use crate::{
    checker,
    support::{
        load::{self, Load},
        router::{Router, Settings, wait_for_members},
        tickets::{load_catalog, prepared},
        topics::{Source, Topics},
    },
};

const RECORDS: usize = 12_000;

#[test]
fn a_second_router_joins_and_leaves_under_load() {
    let (topics, _) = prepared(6);
    let settings = settings(&topics);
    let mut first = settings.start("first");
    let mut load = Load::new(&topics, RECORDS);
    load.drive(RECORDS / 6);
    let mut second = settings.start("second");
    load.drive(RECORDS / 3);
    wait_for_members(topics.broker(), &topics.group(), 2);
    load.drive(RECORDS * 2 / 3);
    second.terminate();
    assert!(second.wait_for_end().success());
    load.drive(RECORDS * 5 / 6);
    wait_for_members(topics.broker(), &topics.group(), 1);
    finish(&topics, load);
    stop(&mut first);
}

#[test]
fn one_of_two_routers_is_killed_under_load() {
    let (topics, _) = prepared(6);
    let settings = settings(&topics);
    let mut routers = ["first", "second"].map(|name| settings.start(name));
    wait_for_members(topics.broker(), &topics.group(), 2);
    let mut load = Load::new(&topics, RECORDS);
    load.drive(RECORDS / 3);
    routers[0].kill();
    load.drive(RECORDS * 2 / 3);
    let mut third = settings.start("third");
    finish(&topics, load);
    stop(&mut routers[1]);
    stop(&mut third);
}

#[test]
fn a_router_that_stood_still_past_its_session_comes_back_and_repeats_nothing() {
    let (topics, _) = prepared(6);
    let settings = settings(&topics);
    let mut routers = ["first", "second"].map(|name| settings.start(name));
    wait_for_members(topics.broker(), &topics.group(), 2);
    let mut load = Load::new(&topics, RECORDS);
    load.drive(RECORDS / 3);
    routers[0].freeze();
    wait_for_members(topics.broker(), &topics.group(), 1);
    load.drive(RECORDS * 2 / 3);
    routers[0].thaw();
    finish(&topics, load);
    // The one that stood still may have left: whoever supervises it starts it again.
    stop(&mut routers[1]);
}

#[test]
fn every_fifth_transaction_is_aborted() {
    let (topics, _) = prepared(6);
    let mut settings = settings(&topics);
    settings.environment("TICKET_ROUTER_FAULT_ABORT_EVERY", 5);
    let mut router = settings.start("router");
    finish(&topics, Load::new(&topics, RECORDS));
    stop(&mut router);
}

#[test]
fn sigterm_drains_a_router_and_the_next_one_goes_on_where_it_was() {
    let (topics, _) = prepared(6);
    let settings = settings(&topics);
    let mut load = Load::new(&topics, RECORDS);
    for n in 1..=3 {
        let mut router = settings.start(&format!("router-{n}"));
        load.drive(RECORDS * n / 4);
        // Whoever ends a group of processes often tells each of them a second time.
        router.terminate();
        thread::sleep(Duration::from_millis(20));
        stop(&mut router);
        // The group is left at once; nobody waits for a session to end.
        wait_for_members(topics.broker(), &topics.group(), 0);
    }
    let mut last = settings.start("last");
    finish(&topics, load);
    stop(&mut last);
}

#[test]
fn the_broker_is_stopped_and_killed_under_load() {
    let broker = Box::leak(Box::new(crate::broker::Broker::private()));
    let topics = Topics::create_on(broker, 6);
    load_catalog(&Source::new(broker), &topics);
    let settings = settings(&topics);
    let mut router = settings.start("router");
    let mut starts = 1;
    // The router leaves where it does not know how a commit ended, or where the broker was away for longer than a transaction may last; whoever
    // supervises it starts it again.
    let mut supervise = || {
        if router.has_ended() {
            starts += 1;
            router = settings.start(&format!("router-{starts}"));
        }
    };
    let mut load = Load::new(&topics, RECORDS);
    load.drive_while(RECORDS / 4, &mut supervise);
    broker.stop();
    broker.restart();
    load.drive_while(RECORDS / 2, &mut supervise);
    broker.kill();
    broker.restart();
    let watch = load.finish_while(&mut supervise);
    assert!(starts <= 3, "one restart for each time that the broker was away is enough");
    checker::assert_clean(&topics, &watch, RECORDS, load::destination);
    stop(&mut router);
    // It lives as long as the process, and the tests that follow want its processor time.
    broker.kill();
}

/// Small transactions, so that each fault finds many of them.
fn settings(topics: &Topics) -> Settings {
    let mut settings = Settings::new(topics);
    settings.set("worker.transaction.max_records", 200);
    settings
}

#[track_caller]
fn finish(topics: &Topics, load: Load<'_>) {
    let watch = load.finish();
    checker::assert_clean(topics, &watch, RECORDS, load::destination);
}

#[track_caller]
fn stop(router: &mut Router) {
    router.terminate();
    assert!(router.wait_for_end().success(), "a drained router ends well");
}
