//! Topics: made, filled, read and removed.

use std::{
    fs::File,
    io::{BufRead, BufReader},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};
use futures_executor::block_on;
use rdkafka::{
    ClientConfig, TopicPartitionList,
    admin::{AdminClient, AdminOptions, NewTopic, TopicReplication},
    client::DefaultClientContext,
    consumer::{BaseConsumer, Consumer},
    error::{KafkaError, RDKafkaErrorCode},
    message::BorrowedMessage,
    producer::{BaseProducer, BaseRecord, Producer},
    topic_partition_list::Offset,
};

use crate::{
    Bench,
    data::{Data, Format, Tickets},
};

/// The compacted topics of the catalog, with their files and numbers of partitions.
pub const CATALOG: [(&str, &str, i32); 3] = [
    ("catalog.offers", "offers.jsonl", 1),
    ("catalog.publishers", "publishers.jsonl", 1),
    ("catalog.partners", "partners.jsonl", 1),
];

const TIMEOUT: Duration = Duration::from_secs(60);

/// Makes topics. Each is made anew: the name must be free.
pub fn create(bootstrap: &str, names: &[&str], partitions: i32, is_compacted: bool) -> Result<()> {
    let policy = if is_compacted { "compact" } else { "delete" };
    let topics: Vec<_> = names
        .iter()
        .map(|name| NewTopic::new(name, partitions, TopicReplication::Fixed(1)).set("cleanup.policy", policy))
        .collect();
    let results = block_on(
        admin(bootstrap)?.create_topics(&topics, &AdminOptions::new().operation_timeout(Some(TIMEOUT))),
    )?;
    for result in results {
        if let Err((name, code)) = result {
            bail!("the topic {name} could not be made: {code}");
        }
    }
    wait_until_led(bootstrap, names, partitions)
}

/// Waits until every partition answers: the controller knows a new topic before the broker leads it.
fn wait_until_led(bootstrap: &str, names: &[&str], partitions: i32) -> Result<()> {
    let consumer: BaseConsumer = ClientConfig::new().set("bootstrap.servers", bootstrap).create()?;
    let started = Instant::now();
    for name in names {
        for partition in 0..partitions {
            while let Err(error) = consumer.fetch_watermarks(name, partition, TIMEOUT) {
                ensure!(
                    started.elapsed() < TIMEOUT,
                    "partition {partition} of {name} has no leader: {error}"
                );
                thread::sleep(Duration::from_millis(20));
            }
        }
    }
    Ok(())
}

/// Removes topics, to give their room back.
pub fn delete(bootstrap: &str, names: &[&str]) -> Result<()> {
    block_on(admin(bootstrap)?.delete_topics(names, &AdminOptions::new().operation_timeout(Some(TIMEOUT))))?;
    Ok(())
}

fn admin(bootstrap: &str) -> Result<AdminClient<DefaultClientContext>> {
    Ok(ClientConfig::new().set("bootstrap.servers", bootstrap).create()?)
}

/// Fills the catalog's topics.
pub fn load_catalog(bootstrap: &str, data: &Data) -> Result<()> {
    for (topic, file, partitions) in CATALOG {
        create(bootstrap, &[topic], partitions, true)?;
        let loader = Loader::new(bootstrap)?;
        let file = BufReader::with_capacity(1 << 20, File::open(data.catalog.join(file))?);
        for line in file.lines() {
            let line = line?;
            let id = line.strip_prefix(r#"{"id":""#).and_then(|rest| rest.split('"').next());
            loader.send(
                topic,
                id.context("the generator writes the id first")?.as_bytes(),
                line.as_bytes(),
            )?;
        }
        loader.finish()?;
    }
    Ok(())
}

/// The topics that hold the backlog.
pub struct Input {
    pub json: String,
    pub protobuf: String,
}

impl Input {
    pub fn topic(&self, format: Format) -> &str {
        match format {
            Format::Json => &self.json,
            Format::Protobuf => &self.protobuf,
        }
    }
}

/// Makes the backlog in both formats.
pub fn load_tickets(bench: &Bench) -> Result<Input> {
    let input = Input { json: "backlog.json".to_owned(), protobuf: "backlog.protobuf".to_owned() };
    create(&bench.broker.bootstrap, &[&input.json, &input.protobuf], bench.partitions, false)?;
    for format in [Format::Json, Format::Protobuf] {
        let tickets: &Tickets = bench.data.tickets(format);
        let loader = Loader::new(&bench.broker.bootstrap)?;
        for index in 0..tickets.len() {
            loader.send(input.topic(format), tickets.key(index), tickets.get(index))?;
        }
        loader.finish()?;
    }
    Ok(input)
}

struct Loader(BaseProducer);

impl Loader {
    fn new(bootstrap: &str) -> Result<Self> {
        let mut config = ClientConfig::new();
        config
            .set("bootstrap.servers", bootstrap)
            .set("enable.idempotence", "true")
            .set("partitioner", "murmur2_random")
            .set("linger.ms", "20")
            .set("batch.size", "1000000")
            .set("delivery.report.only.error", "true");
        Ok(Self(config.create()?))
    }

    fn send(&self, topic: &str, key: &[u8], value: &[u8]) -> Result<()> {
        let mut record = BaseRecord::to(topic).key(key).payload(value);
        loop {
            match self.0.send(record) {
                Ok(()) => return Ok(()),
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), back)) => {
                    record = back;
                    self.0.poll(Duration::ZERO);
                    thread::sleep(Duration::from_millis(10));
                }
                Err((error, _)) => return Err(error.into()),
            }
        }
    }

    fn finish(self) -> Result<()> {
        Ok(self.0.flush(TIMEOUT)?)
    }
}

/// Reads a topic from its beginning to its end, partition by partition as they come; returns the number of records.
pub fn read(
    bootstrap: &str,
    topic: &str,
    mut each: impl FnMut(&BorrowedMessage<'_>) -> Result<()>,
) -> Result<u64> {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", bootstrap)
        .set("group.id", "bench-reader")
        .set("enable.auto.commit", "false")
        .set("isolation.level", "read_committed")
        .set("enable.partition.eof", "true")
        .set("fetch.queue.backoff.ms", "10")
        .set("queued.max.messages.kbytes", "32768")
        .create()?;
    let mut unread = partitions(&consumer, topic)?;
    let mut all = TopicPartitionList::new();
    for partition in &unread {
        all.add_partition_offset(topic, *partition, Offset::Beginning)?;
    }
    wait_until_stable(bootstrap, topic, &consumer, &unread)?;
    consumer.assign(&all)?;
    let mut records = 0;
    while !unread.is_empty() {
        match consumer.poll(TIMEOUT) {
            Some(Ok(message)) => {
                records += 1;
                each(&message)?;
            }
            Some(Err(KafkaError::PartitionEOF(partition))) => unread.retain(|it| *it != partition),
            Some(Err(error)) => return Err(error.into()),
            None => bail!("the end of {topic} does not come"),
        }
    }
    Ok(records)
}

/// The partitions that a topic has.
pub fn partitions(consumer: &BaseConsumer, topic: &str) -> Result<Vec<i32>> {
    let metadata = consumer.fetch_metadata(Some(topic), TIMEOUT)?;
    Ok(metadata.topics().iter().flat_map(|it| it.partitions()).map(|it| it.id()).collect())
}

/// Sees how far a group has committed, without being its member.
pub struct Progress {
    consumer: BaseConsumer,
    input: TopicPartitionList,
}

impl Progress {
    pub fn of(bootstrap: &str, group: &str, topic: &str) -> Result<Self> {
        let consumer: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", bootstrap)
            .set("group.id", group)
            // Otherwise the broker refuses to answer while a transaction holds offsets.
            .set("isolation.level", "read_uncommitted")
            .create()?;
        let mut input = TopicPartitionList::new();
        for partition in partitions(&consumer, topic)? {
            input.add_partition(topic, partition);
        }
        Ok(Self { consumer, input })
    }

    /// Records behind the committed offsets; the topic must begin at 0 and hold no transactions.
    pub fn records(&self) -> Result<usize> {
        let committed = self.consumer.committed_offsets(self.input.clone(), TIMEOUT)?;
        let sum: i64 = committed
            .elements()
            .iter()
            .map(|it| if let Offset::Offset(offset) = it.offset() { offset } else { 0 })
            .sum();
        Ok(usize::try_from(sum)?)
    }
}

/// Waits until no transaction is open: the group's offsets can be seen before the markers of all partitions are written.
fn wait_until_stable(
    bootstrap: &str,
    topic: &str,
    committed: &BaseConsumer,
    partitions: &[i32],
) -> Result<()> {
    let all: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", bootstrap)
        .set("group.id", "bench-reader")
        .set("isolation.level", "read_uncommitted")
        .create()?;
    let started = Instant::now();
    for partition in partitions {
        loop {
            let (_, end) = all.fetch_watermarks(topic, *partition, TIMEOUT)?;
            let (_, stable) = committed.fetch_watermarks(topic, *partition, TIMEOUT)?;
            if stable >= end {
                break;
            }
            ensure!(
                started.elapsed() < TIMEOUT,
                "a transaction stays open in partition {partition} of {topic}"
            );
            thread::sleep(Duration::from_millis(20));
        }
    }
    Ok(())
}
