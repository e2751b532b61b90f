//! Incoming tickets that were written in transactions: behind them lie markers and aborted records, which no consumer is shown.

use std::time::Duration;

use rdkafka::{
    Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
};

use crate::{
    checker::{self, Watch},
    support::{
        load,
        router::{Settings, wait_for_members},
        tickets::prepared,
        topics::{Outbound, Source, Topics},
        wait::wait_for,
    },
};

const DEADLINE: Duration = Duration::from_secs(30);

#[test]
fn markers_and_aborted_records_behind_the_last_ticket_are_committed_so_that_retention_takes_no_ticket() {
    let (topics, _) = prepared(1);
    let source = transactional(&topics);
    let settings = Settings::new(&topics);
    let mut first = settings.start("first");
    let mut watch = Watch::new(&topics);

    // Offset 0 is the ticket, 1 its marker.
    source.in_transaction(&topics.incoming(), &[load::nth(0)], true);
    watch.wait_for(1);
    wait_until_committed(&topics, 2);
    // 2 to 4 are aborted, 5 is their marker: nothing of it is ever delivered, so only an idle commit can pass it.
    source.in_transaction(&topics.incoming(), &[1, 2, 3].map(load::nth), false);
    wait_until_committed(&topics, 6);
    let lag = "ticket_router_consumer_lag{partition=\"0\"}";
    wait_for("no lag", DEADLINE, || (first.figure(lag)? == 0.0).then_some(()));

    // Retention takes all that is there; the copy that stays at the next rebalance and a new one both go on.
    topics.delete_incoming_before(6);
    let mut second = settings.start("second");
    wait_for_members(topics.broker(), &topics.group(), 2);
    second.wait_until_ready();
    first.wait_until_ready();
    second.terminate();
    assert!(second.wait_for_end().success());
    source.in_transaction(&topics.incoming(), &[load::nth(4)], true);
    watch.wait_for(2);
    first.terminate();
    assert!(first.wait_for_end().success(), "a drained router ends well");
    let mut third = settings.start("third");
    third.wait_until_ready();
}

#[test]
fn tickets_and_markers_in_between_come_out_once_while_every_third_transaction_is_aborted() {
    const TICKETS: usize = 300;
    let (topics, _) = prepared(3);
    let mut settings = Settings::new(&topics);
    settings.set("worker.transaction.max_records", 20).environment("TICKET_ROUTER_FAULT_ABORT_EVERY", 3);
    let mut router = settings.start("router");
    router.wait_until_ready();
    let source = transactional(&topics);
    let mut watch = Watch::new(&topics);
    for batch in (0..TICKETS).collect::<Vec<_>>().chunks(10) {
        let aborted: Vec<_> = batch.iter().map(|_| Outbound::new("aborted", "{}")).collect();
        source.in_transaction(&topics.incoming(), &aborted, false);
        let tickets: Vec<_> = batch.iter().map(|it| load::nth(*it)).collect();
        source.in_transaction(&topics.incoming(), &tickets, true);
    }
    watch.wait_for(TICKETS);
    checker::assert_clean(&topics, &watch, TICKETS, load::destination);
}

fn transactional(topics: &Topics) -> Source {
    let source = Source::with(topics.broker(), &[("transactional.id", &topics.incoming())]);
    source.init_transactions();
    source
}

#[track_caller]
fn wait_until_committed(topics: &Topics, offset: i64) {
    let mut config = topics.broker().client();
    let consumer: BaseConsumer = config
        .set("group.id", topics.group())
        .create()
        .expect("the settings of the consumer are known to librdkafka");
    let mut asked = TopicPartitionList::new();
    asked.add_partition(&topics.incoming(), 0);
    wait_for(&format!("offset {offset} is committed"), DEADLINE, || {
        let found = consumer.committed_offsets(asked.clone(), Duration::from_secs(5)).ok()?;
        (found.elements()[0].offset() == Offset::Offset(offset)).then_some(())
    });
}
