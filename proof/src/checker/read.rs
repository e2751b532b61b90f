//! Reading topics as an owner's own program would.

use std::{
    collections::BTreeMap,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use rdkafka::{
    ClientConfig, Message, Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
    error::KafkaError,
    message::{BorrowedMessage, Headers},
};
use ticket_router_proof::{
    notes::{FINISHED, WATCHING},
    now_ms,
    topics::{NUMBER, OUTGOING},
};
use xxhash_rust::xxh3::Xxh3;

const ASK_TIMEOUT: Duration = Duration::from_secs(5);
const READ_DEADLINE: Duration = Duration::from_secs(600);
/// A concurrent reader that has seen nothing for so long after the end has seen all that it will.
const QUIET: Duration = Duration::from_secs(3);

/// What a topic's readers are shown: digests by partition and offset.
pub type Shown = BTreeMap<(usize, i32), Vec<(i64, u64)>>;

/// What the concurrent reader saw.
#[derive(Default)]
pub struct Seen {
    pub shown: Shown,
    /// When each record's first output arrived here, by its number: milliseconds since 1970.
    pub at: Vec<i64>,
    /// Between the record's own timestamp and its arrival here, in milliseconds.
    pub latencies: Vec<i64>,
    /// Offsets that came again, or out of order, to one reader that never seeks.
    pub repeated: u64,
}

/// Reads along until the run is over.
pub fn watch(bootstrap: &str, folder: &Path) -> Result<Seen> {
    let consumer = consumer(bootstrap, "read_committed", &[])?;
    from_beginning(&consumer, &OUTGOING)?;
    std::fs::write(folder.join(WATCHING), "")?;
    let mut seen = Seen::default();
    let mut last_new = Instant::now();
    while !folder.join(FINISHED).exists() || last_new.elapsed() < QUIET {
        for _ in 0..1_000 {
            match consumer.poll(Duration::from_millis(20)) {
                Some(Ok(message)) => {
                    last_new = Instant::now();
                    seen.enter(&message)?;
                }
                // Brokers come and go; it reads on.
                Some(Err(_)) => {}
                None => break,
            }
        }
    }
    Ok(seen)
}

impl Seen {
    fn enter(&mut self, message: &BorrowedMessage<'_>) -> Result<()> {
        let now = now_ms();
        let topic = topic_index(message.topic())?;
        let shown = self.shown.entry((topic, message.partition())).or_default();
        if shown.last().is_some_and(|(offset, _)| *offset >= message.offset()) {
            self.repeated += 1;
            return Ok(());
        }
        shown.push((message.offset(), digest(message)));
        if let Some(number) = number(message) {
            if self.at.len() <= number {
                self.at.resize(number + 1, 0);
            }
            if self.at[number] == 0 {
                self.at[number] = now;
            }
        }
        if let Some(sent) = message.timestamp().to_millis() {
            self.latencies.push(now - sent);
        }
        Ok(())
    }
}

/// Reads a topic from its beginning to its end.
pub fn read(
    bootstrap: &str,
    topic: &str,
    mut each: impl FnMut(&BorrowedMessage<'_>) -> Result<()>,
) -> Result<u64> {
    read_as("read_committed", bootstrap, topic, &mut each)
}

/// How many records a topic holds with those of aborted transactions.
pub fn count_with_aborted(bootstrap: &str, topic: &str) -> Result<u64> {
    read_as("read_uncommitted", bootstrap, topic, &mut |_| Ok(()))
}

fn read_as(
    isolation: &str,
    bootstrap: &str,
    topic: &str,
    each: &mut impl FnMut(&BorrowedMessage<'_>) -> Result<()>,
) -> Result<u64> {
    let consumer = consumer(bootstrap, isolation, &[("enable.partition.eof", "true")])?;
    let mut unread = from_beginning(&consumer, &[topic])?;
    let started = Instant::now();
    let mut records = 0;
    while !unread.is_empty() {
        ensure!(
            started.elapsed() < READ_DEADLINE,
            "the end of {topic} does not come in partitions {unread:?}"
        );
        match consumer.poll(Duration::from_secs(1)) {
            Some(Ok(message)) => {
                records += 1;
                each(&message)?;
            }
            Some(Err(KafkaError::PartitionEOF(partition))) => unread.retain(|it| *it != partition),
            Some(Err(_)) | None => {}
        }
    }
    Ok(records)
}

/// The partitions of the outgoing topics in which a transaction is still open after the time given: their last stable offset is not their end.
pub fn open_transactions(bootstrap: &str, within: Duration) -> Result<Vec<String>> {
    let committed = consumer(bootstrap, "read_committed", &[])?;
    let all = consumer(bootstrap, "read_uncommitted", &[])?;
    let mut open: Vec<_> = OUTGOING
        .iter()
        .flat_map(|topic| match partitions(&committed, topic) {
            Ok(found) => found.into_iter().map(|it| Ok((*topic, it))).collect(),
            Err(error) => vec![Err(error)],
        })
        .collect::<Result<_>>()?;
    let started = Instant::now();
    loop {
        open.retain(|(topic, partition)| {
            let end =
                |consumer: &BaseConsumer| consumer.fetch_watermarks(topic, *partition, ASK_TIMEOUT).ok();
            match (end(&committed), end(&all)) {
                (Some((_, stable)), Some((_, high))) => stable != high,
                _ => true,
            }
        });
        if open.is_empty() || started.elapsed() >= within {
            return Ok(open.iter().map(|(topic, partition)| format!("{topic}/{partition}")).collect());
        }
        thread::sleep(Duration::from_millis(200));
    }
}

pub fn topic_index(name: &str) -> Result<usize> {
    OUTGOING.iter().position(|it| *it == name).with_context(|| format!("{name} is no outgoing topic"))
}

/// The value of the last header of that name.
pub fn header<'a>(message: &'a BorrowedMessage<'_>, name: &str) -> Option<&'a str> {
    let headers = message.headers()?;
    let found = headers.iter().filter(|it| it.key == name).last()?;
    std::str::from_utf8(found.value?).ok()
}

/// The number that the generator gave a record.
pub fn number(message: &BorrowedMessage<'_>) -> Option<usize> {
    header(message, NUMBER)?.parse().ok()
}

/// Of everything that a consumer is shown of a record.
pub fn digest(message: &BorrowedMessage<'_>) -> u64 {
    let mut digest = Xxh3::new();
    digest.update(message.key().unwrap_or_default());
    digest.update(message.payload().unwrap_or_default());
    for header in message.headers().iter().flat_map(|it| it.iter()) {
        digest.update(header.key.as_bytes());
        digest.update(header.value.unwrap_or_default());
    }
    digest.update(&message.timestamp().to_millis().unwrap_or_default().to_le_bytes());
    digest.digest()
}

fn consumer(bootstrap: &str, isolation: &str, more: &[(&str, &str)]) -> Result<BaseConsumer> {
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", bootstrap)
        .set("group.id", "ticket-router-proof-checker")
        .set("enable.auto.commit", "false")
        .set("auto.offset.reset", "error")
        .set("isolation.level", isolation)
        .set("fetch.wait.max.ms", "20")
        .set("fetch.queue.backoff.ms", "10")
        .set("fetch.error.backoff.ms", "50")
        .set("reconnect.backoff.ms", "50")
        .set("reconnect.backoff.max.ms", "500")
        .set("queued.max.messages.kbytes", "32768")
        .set("log_level", "2");
    for (name, value) in more {
        config.set(*name, *value);
    }
    Ok(config.create()?)
}

fn from_beginning(consumer: &BaseConsumer, topics: &[&str]) -> Result<Vec<i32>> {
    let mut list = TopicPartitionList::new();
    let mut all = Vec::new();
    for topic in topics {
        for partition in partitions(consumer, topic)? {
            list.add_partition_offset(topic, partition, Offset::Beginning)?;
            all.push(partition);
        }
    }
    consumer.assign(&list)?;
    Ok(all)
}

fn partitions(consumer: &BaseConsumer, topic: &str) -> Result<Vec<i32>> {
    let started = Instant::now();
    loop {
        let asked = consumer.fetch_metadata(Some(topic), ASK_TIMEOUT);
        let found: Vec<_> = asked
            .iter()
            .flat_map(|it| it.topics())
            .flat_map(|it| it.partitions())
            .map(|it| it.id())
            .collect();
        if !found.is_empty() {
            return Ok(found);
        }
        if started.elapsed() > READ_DEADLINE {
            bail!("{topic} has no partitions: {:?}", asked.err());
        }
    }
}
