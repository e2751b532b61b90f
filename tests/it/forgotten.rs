//! A worker whose transactions cannot be committed: it takes a new producer, and in the end it leaves.

use std::{
    thread,
    time::{Duration, Instant},
};

use crate::{
    broker::Broker,
    checker::{self, Watch},
    support::{
        load,
        router::Settings,
        tickets::{load_catalog, prepared},
        topics::{Source, Topics},
        wait::wait_for,
    },
};

const EXIT_FAILED: i32 = 1;
/// Longer than the brokers of the first test remember an idle producer: to be idle is the fault that is tried.
const IDLE: Duration = Duration::from_secs(4);

#[test]
fn a_producer_that_the_brokers_have_forgotten_is_replaced_and_the_ticket_is_routed_at_once() {
    // The brokers forget a transactional id that is idle; a week is the default.
    let broker = Box::leak(Box::new(Broker::private_with(
        "transactional.id.expiration.ms=2000\ntransaction.remove.expired.transaction.cleanup.interval.ms=500\n",
    )));
    let topics = Topics::create_on(broker, 1);
    let source = Source::new(broker);
    load_catalog(&source, &topics);
    let mut router = Settings::new(&topics).start("router");
    router.wait_until_ready();
    let mut watch = Watch::new(&topics);
    source.send_all(&topics.incoming(), &[load::nth(0)]);
    watch.wait_for(1);
    // Tickets come rarely, until one has met a producer that is forgotten.
    let mut sent = 1;
    wait_for("the producer is replaced", Duration::from_secs(60), || {
        thread::sleep(IDLE);
        let started = Instant::now();
        source.send_all(&topics.incoming(), &[load::nth(sent)]);
        sent += 1;
        watch.wait_for(sent);
        eprintln!("ticket {sent} came out after {:?}", started.elapsed());
        router.said().contains("PRODUCER_REPLACED").then_some(())
    });
    assert!(!router.has_ended(), "nothing was restarted");
    assert!(router.is_ready());
    checker::assert_clean(&topics, &watch, sent, load::destination);
    broker.kill();
}

#[test]
fn a_worker_without_a_commit_is_not_ready_and_ends_with_the_reason() {
    let (topics, source) = prepared(1);
    let mut settings = Settings::new(&topics);
    // Every transaction is aborted, and no record is to blame.
    settings.environment("TICKET_ROUTER_FAULT_ABORT_EVERY", 1);
    let mut router = settings.start("router");
    router.wait_until_ready();
    source.send_all(&topics.incoming(), &[load::nth(0)]);
    wait_for("the router is not ready", Duration::from_secs(20), || {
        let page = router.page("/ready")?;
        page.contains("cannot commit").then_some(())
    });
    let ended = wait_for("the router ends", Duration::from_secs(90), || {
        router.has_ended().then(|| router.wait_for_end().code())
    });
    assert_eq!(ended, Some(EXIT_FAILED));
    assert!(router.said().contains("NO_COMMIT"));
}
