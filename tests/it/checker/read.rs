//! Reading topics as an owner's own program would: plain consumers that see committed records only.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use rdkafka::{
    ClientConfig, Message, Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
    error::KafkaError,
    message::BorrowedMessage,
};

use crate::{
    broker::Broker,
    support::{
        headers,
        topics::{Destination, Topics},
        wait::{try_wait, wait_for},
    },
};

const READ_DEADLINE: Duration = Duration::from_secs(60);
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);

/// A record as a consumer sees it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Record {
    pub partition: i32,
    pub offset: i64,
    pub key: Option<Vec<u8>>,
    pub value: Option<Vec<u8>>,
    pub headers: Vec<(String, Option<Vec<u8>>)>,
    pub timestamp: Option<i64>,
}

impl Record {
    /// The value of the last header of that name, as text.
    pub fn header(&self, name: &str) -> Option<&str> {
        let (_, value) = self.headers.iter().rev().find(|(found, _)| found == name)?;
        std::str::from_utf8(value.as_deref()?).ok()
    }
}

impl From<&BorrowedMessage<'_>> for Record {
    fn from(message: &BorrowedMessage<'_>) -> Self {
        let headers = message.headers().map(|found| {
            let readable = |(name, value): (Vec<u8>, _)| (String::from_utf8_lossy(&name).into_owned(), value);
            headers::all(found).into_iter().map(readable).collect()
        });
        Self {
            partition: message.partition(),
            offset: message.offset(),
            key: message.key().map(<[u8]>::to_vec),
            value: message.payload().map(<[u8]>::to_vec),
            headers: headers.unwrap_or_default(),
            timestamp: message.timestamp().to_millis(),
        }
    }
}

/// Reads a topic from its beginning to its end, in the order of partitions and offsets.
pub fn read_topic(broker: &Broker, topic: &str) -> Vec<Record> {
    let consumer = consumer(broker, "read_committed");
    let mut left: BTreeSet<i32> =
        assign_from_beginning(&consumer, &[topic.to_owned()]).into_iter().map(|(_, p)| p).collect();
    let mut records = Vec::new();
    wait_for(&format!("the end of topic {topic}"), READ_DEADLINE, || {
        while let Some(polled) = consumer.poll(Duration::from_millis(100)) {
            match polled {
                Ok(message) => records.push(Record::from(&message)),
                Err(KafkaError::PartitionEOF(partition)) => {
                    left.remove(&partition);
                }
                // A broker that was restarted is found again; the deadline bounds how long that takes.
                Err(_) => {}
            }
            if left.is_empty() {
                return Some(());
            }
        }
        None
    });
    records.sort_by_key(|record| (record.partition, record.offset));
    records
}

/// The partitions of the outgoing topics in which a transaction is still open after the time given.
pub fn open_transactions(broker: &Broker, topics: &Topics, deadline: Duration) -> Vec<String> {
    let committed = consumer(broker, "read_committed");
    let all = consumer(broker, "read_uncommitted");
    let names = Destination::ALL.map(|destination| topics.outgoing(destination));
    let mut open = partitions(&committed, &names);
    try_wait(deadline, || {
        open.retain(|(topic, partition)| {
            let end =
                |consumer: &BaseConsumer| consumer.fetch_watermarks(topic, *partition, REQUEST_TIMEOUT).ok();
            // The last stable offset against the high watermark.
            match (end(&committed), end(&all)) {
                (Some((_, stable)), Some((_, high))) => stable != high,
                _ => true,
            }
        });
        open.is_empty().then_some(())
    });
    open.iter().map(|(topic, partition)| format!("{topic}/{partition}")).collect()
}

/// A reader that runs beside the routers and remembers what it was shown.
pub struct Watch {
    consumer: BaseConsumer,
    seen: BTreeMap<(String, i32, i64), Record>,
}

impl Watch {
    /// Begins at the beginning of all five outgoing topics.
    pub fn new(topics: &Topics) -> Self {
        let consumer = consumer(topics.broker(), "read_committed");
        assign_from_beginning(&consumer, &Destination::ALL.map(|destination| topics.outgoing(destination)));
        Self { consumer, seen: BTreeMap::new() }
    }

    /// Takes what is there, and says how many records it has been shown up to now.
    pub fn poll(&mut self) -> usize {
        while let Some(polled) = self.consumer.poll(Duration::ZERO) {
            if let Ok(message) = polled {
                let place = (message.topic().to_owned(), message.partition(), message.offset());
                self.seen.insert(place, Record::from(&message));
            }
        }
        self.seen.len()
    }

    /// What it was shown, by topic, partition and offset.
    pub fn seen(&self) -> &BTreeMap<(String, i32, i64), Record> {
        &self.seen
    }

    /// The only record it has been shown whose key is this, with its topic, once it is there.
    #[track_caller]
    pub fn wait_for_key(&mut self, key: &str) -> (String, Record) {
        wait_for(&format!("a record with key {key} to come out"), READ_DEADLINE, || {
            self.poll();
            let mut found =
                self.seen.iter().filter(|(_, record)| record.key.as_deref() == Some(key.as_bytes()));
            let ((topic, ..), record) = found.next()?;
            assert!(found.next().is_none(), "there are two records with key {key}");
            Some((topic.clone(), record.clone()))
        })
    }

    /// Waits until it has been shown so many records.
    #[track_caller]
    pub fn wait_for(&mut self, records: usize) {
        let arrived = try_wait(READ_DEADLINE, || (self.poll() >= records).then_some(()));
        assert!(arrived.is_some(), "{records} records were waited for, and {} came", self.seen.len());
    }
}

fn consumer(broker: &Broker, isolation: &str) -> BaseConsumer {
    let mut config: ClientConfig = broker.client();
    config.set("group.id", "ticket-router-test-reader").set("enable.auto.commit", "false");
    config.set("isolation.level", isolation).set("enable.partition.eof", "true");
    config.set("fetch.wait.max.ms", "50").set("fetch.error.backoff.ms", "50");
    config.create().expect("the settings of the reader are known to librdkafka")
}

fn assign_from_beginning(consumer: &BaseConsumer, topics: &[String]) -> Vec<(String, i32)> {
    let partitions = partitions(consumer, topics);
    let mut list = TopicPartitionList::new();
    for (topic, partition) in &partitions {
        list.add_partition_offset(topic, *partition, Offset::Beginning).expect("the beginning is an offset");
    }
    consumer.assign(&list).expect("a reader without a group may be assigned anything");
    partitions
}

fn partitions(consumer: &BaseConsumer, topics: &[String]) -> Vec<(String, i32)> {
    wait_for(&format!("the partitions of {topics:?}"), READ_DEADLINE, || {
        let mut found = Vec::new();
        for topic in topics {
            let metadata = consumer.fetch_metadata(Some(topic), REQUEST_TIMEOUT).ok()?;
            let partitions = metadata.topics().first()?.partitions();
            if partitions.is_empty() {
                return None;
            }
            found.extend(partitions.iter().map(|partition| (topic.clone(), partition.id())));
        }
        Some(found)
    })
}
