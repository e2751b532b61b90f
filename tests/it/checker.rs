//! The proof's judge, for the topics of a test: did each incoming record end in exactly one place, the right one, in order? It shares no
//! code with the router, and `proof/tests/controls.rs` shows that it can say no.

use std::{collections::BTreeMap, time::Duration};

use rdkafka::{Message, consumer::BaseConsumer};
use ticket_router_harness::{from_beginning, open_transactions, read, reader, try_wait};
use ticket_router_proof::{
    judge::{Input, Seen, judge},
    topics::Names,
};

pub use ticket_router_harness::Record;

use crate::{
    broker::Broker,
    support::{
        topics::{Destination, Topics},
        wait::wait_for,
    },
};

/// Longer than the broker keeps a transaction of a router that died.
const CLOSED_DEADLINE: Duration = Duration::from_secs(25);
const READ_DEADLINE: Duration = Duration::from_secs(60);

/// Reads everything from the beginning once more, and judges it. `expected` says where a record belongs; `watch` is a reader that ran
/// meanwhile.
///
/// # Panics
/// If anything is wrong, or there is another number of incoming records: then the test did not do what it meant to.
#[track_caller]
pub fn assert_clean(
    topics: &Topics,
    watch: &Watch,
    records: usize,
    expected: impl Fn(&Input) -> Destination,
) {
    let bootstrap = topics.broker().bootstrap();
    let names = &watch.names;
    let open = open_transactions(bootstrap, &names.outgoing, CLOSED_DEADLINE).expect("the topics are there");
    let judged = judge(bootstrap, names, &watch.seen, open, &mut |input: &Input| expected(input) as usize);
    let (verdict, _) = judged.expect("the topics can be read to their ends");
    assert_eq!(verdict.records, records as u64, "incoming records");
    assert!(verdict.is_clean(), "{verdict:#?}");
}

/// Reads a topic from its beginning to its end, in the order of partitions and offsets.
pub fn read_topic(broker: &Broker, topic: &str) -> Vec<Record> {
    let mut records = Vec::new();
    let all = read(broker.bootstrap(), topic, "read_committed", |message| {
        records.push(Record::from(message));
        Ok(())
    });
    all.unwrap_or_else(|error| panic!("{error:#}"));
    records.sort_by_key(|record| (record.partition, record.offset));
    records
}

/// A reader that runs beside the routers and remembers what it was shown.
pub struct Watch {
    consumer: BaseConsumer,
    names: Names,
    records: BTreeMap<(String, i32, i64), Record>,
    seen: Seen,
}

impl Watch {
    /// Begins at the beginning of all five outgoing topics.
    pub fn new(topics: &Topics) -> Self {
        let names = topics.names();
        // Tests delete topics under it and create them again.
        let from_new_beginning = [("auto.offset.reset", "earliest")];
        let consumer = reader(topics.broker().bootstrap(), "read_committed", &from_new_beginning);
        let consumer = consumer.expect("the settings of the reader are known to librdkafka");
        from_beginning(&consumer, &names.outgoing).expect("the topics are there");
        Self { consumer, names, records: BTreeMap::new(), seen: Seen::default() }
    }

    /// Takes what is there, and says how many records it has been shown up to now.
    pub fn poll(&mut self) -> usize {
        while let Some(polled) = self.consumer.poll(Duration::ZERO) {
            if let Ok(message) = polled {
                let record = Record::from(&message);
                let topic = self.names.index(message.topic()).expect("it was assigned outgoing topics");
                self.seen.enter(topic, &record);
                self.records.insert((message.topic().to_owned(), record.partition, record.offset), record);
            }
        }
        self.records.len()
    }

    /// What it was shown, by topic, partition and offset.
    pub fn seen(&self) -> &BTreeMap<(String, i32, i64), Record> {
        &self.records
    }

    /// The only record it has been shown whose key is this, with its topic, once it is there.
    #[track_caller]
    pub fn wait_for_key(&mut self, key: &str) -> (String, Record) {
        wait_for(&format!("a record with key {key} to come out"), READ_DEADLINE, || {
            self.poll();
            let mut found =
                self.records.iter().filter(|(_, record)| record.key.as_deref() == Some(key.as_bytes()));
            let ((topic, ..), record) = found.next()?;
            assert!(found.next().is_none(), "there are two records with key {key}");
            Some((topic.clone(), record.clone()))
        })
    }

    /// Waits until it has been shown this many records.
    #[track_caller]
    pub fn wait_for(&mut self, records: usize) {
        let arrived = try_wait(READ_DEADLINE, || (self.poll() >= records).then_some(()));
        assert!(arrived.is_some(), "{records} records were waited for, and {} came", self.records.len());
    }
}
