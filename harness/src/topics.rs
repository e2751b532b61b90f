//! Topics: created, grown, deleted, read to their end; and how far a group has come.

use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};
use futures_executor::block_on;
use rdkafka::{
    ClientConfig, Offset, TopicPartitionList,
    admin::{AdminClient, AdminOptions, NewPartitions, NewTopic},
    client::DefaultClientContext,
    consumer::{BaseConsumer, Consumer},
    error::{KafkaError, RDKafkaErrorCode},
    message::BorrowedMessage,
};

use crate::wait::{try_wait, wait_for};

const TIMEOUT: Duration = Duration::from_secs(60);
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);
/// A topic whose reader is shown nothing for this long will not be read to its end.
const QUIET: Duration = Duration::from_secs(60);

/// A client that administers the brokers.
///
/// # Errors
/// The address is none.
pub fn admin(bootstrap: &str) -> Result<AdminClient<DefaultClientContext>> {
    Ok(ClientConfig::new().set("bootstrap.servers", bootstrap).create()?)
}

/// How long its requests may take.
#[must_use]
pub fn options() -> AdminOptions {
    AdminOptions::new().operation_timeout(Some(TIMEOUT)).request_timeout(Some(TIMEOUT))
}

/// Creates topics, and waits until each partition has a leader: the controller knows a new topic before the brokers do.
///
/// # Errors
/// A topic exists already, or cannot be created.
pub fn create_topics(bootstrap: &str, topics: &[NewTopic<'_>]) -> Result<()> {
    let admin = admin(bootstrap)?;
    let mut is_first_try = true;
    wait_for("the topics are created", TIMEOUT, || {
        let results = block_on(admin.create_topics(topics, &options()))?;
        let refused: Vec<_> = results.into_iter().filter_map(Result::err).collect();
        // A cluster of several nodes may not know yet that they are all there.
        let is_early = |code: &RDKafkaErrorCode| *code == RDKafkaErrorCode::InvalidReplicationFactor;
        let is_created =
            |code: &RDKafkaErrorCode| !is_first_try && *code == RDKafkaErrorCode::TopicAlreadyExists;
        if let Some((name, code)) = refused.iter().find(|(_, code)| !is_early(code) && !is_created(code)) {
            bail!("the topic {name} cannot be created: {code}");
        }
        is_first_try = false;
        Ok((!refused.iter().any(|(_, code)| is_early(code))).then_some(()))
    })?;
    let consumer: BaseConsumer = ClientConfig::new().set("bootstrap.servers", bootstrap).create()?;
    for topic in topics {
        for partition in 0..topic.num_partitions {
            let what = format!("partition {partition} of {} has a leader", topic.name);
            wait_for(&what, TIMEOUT, || {
                Ok(consumer.fetch_watermarks(topic.name, partition, REQUEST_TIMEOUT).ok())
            })?;
        }
    }
    Ok(())
}

/// Deletes topics.
///
/// # Errors
/// A topic is not there, or cannot be deleted.
pub fn delete_topics(bootstrap: &str, names: &[&str]) -> Result<()> {
    for deleted in block_on(admin(bootstrap)?.delete_topics(names, &options()))? {
        deleted.map_err(|(name, code)| anyhow::anyhow!("the topic {name} cannot be deleted: {code}"))?;
    }
    Ok(())
}

/// Lets a topic grow to a number of partitions.
///
/// # Errors
/// It has that many already.
pub fn add_partitions(bootstrap: &str, name: &str, partitions: usize) -> Result<()> {
    let more = NewPartitions::new(name, partitions);
    for grown in block_on(admin(bootstrap)?.create_partitions([&more], &options()))? {
        grown.map_err(|(name, code)| anyhow::anyhow!("{name} gets no more partitions: {code}"))?;
    }
    Ok(())
}

/// A consumer that belongs to no group, with these settings beside the usual ones.
///
/// # Errors
/// librdkafka does not take a setting.
pub fn reader(bootstrap: &str, isolation: &str, settings: &[(&str, &str)]) -> Result<BaseConsumer> {
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", bootstrap)
        .set("group.id", "ticket-router-harness")
        .set("enable.auto.commit", "false")
        .set("auto.offset.reset", "error")
        .set("isolation.level", isolation)
        .set("fetch.wait.max.ms", "20")
        .set("fetch.queue.backoff.ms", "10")
        .set("fetch.error.backoff.ms", "50")
        .set("reconnect.backoff.ms", "50")
        .set("reconnect.backoff.max.ms", "500")
        .set("topic.metadata.refresh.interval.ms", "5000")
        .set("queued.max.messages.kbytes", "32768")
        .set("log_level", "2");
    for (name, value) in settings {
        config.set(*name, *value);
    }
    Ok(config.create()?)
}

/// Lets a reader begin at the beginning of all partitions of the topics, and returns those.
///
/// # Errors
/// A topic is not there.
pub fn from_beginning<T: AsRef<str>>(consumer: &BaseConsumer, topics: &[T]) -> Result<Vec<(String, i32)>> {
    let all = partitions(consumer, topics)?;
    let mut list = TopicPartitionList::new();
    for (topic, partition) in &all {
        list.add_partition_offset(topic, *partition, Offset::Beginning)?;
    }
    consumer.assign(&list)?;
    Ok(all)
}

/// The partitions of topics.
///
/// # Errors
/// A topic is not there.
pub fn partitions<T: AsRef<str>>(consumer: &BaseConsumer, topics: &[T]) -> Result<Vec<(String, i32)>> {
    let mut all = Vec::new();
    for topic in topics.iter().map(AsRef::as_ref) {
        all.extend(wait_for(&format!("{topic} has partitions"), TIMEOUT, || {
            let Ok(metadata) = consumer.fetch_metadata(Some(topic), REQUEST_TIMEOUT) else { return Ok(None) };
            let found = metadata.topics().iter().flat_map(|it| it.partitions());
            let found: Vec<_> = found.map(|it| (topic.to_owned(), it.id())).collect();
            Ok((!found.is_empty()).then_some(found))
        })?);
    }
    Ok(all)
}

/// Reads a topic from its beginning to its end, partition by partition as they come; returns the number of records.
///
/// # Errors
/// The end does not come, or `each` fails.
pub fn read(
    bootstrap: &str,
    topic: &str,
    isolation: &str,
    mut each: impl FnMut(&BorrowedMessage<'_>) -> Result<()>,
) -> Result<u64> {
    let consumer = reader(bootstrap, isolation, &[("enable.partition.eof", "true")])?;
    let mut unread = from_beginning(&consumer, &[topic])?;
    let (mut last, mut records) = (Instant::now(), 0);
    while !unread.is_empty() {
        match consumer.poll(Duration::from_millis(100)) {
            Some(Ok(message)) => {
                (last, records) = (Instant::now(), records + 1);
                each(&message)?;
            }
            Some(Err(KafkaError::PartitionEOF(partition))) => unread.retain(|(_, it)| *it != partition),
            // A broker that was restarted is found again.
            Some(Err(_)) | None => {}
        }
        ensure!(last.elapsed() < QUIET, "the end of {topic} does not come in {unread:?}");
    }
    Ok(records)
}

/// The partitions of the topics in which a transaction is still open after a time: their last stable offset is not their end.
///
/// # Errors
/// A topic is not there.
pub fn open_transactions<T: AsRef<str>>(
    bootstrap: &str,
    topics: &[T],
    within: Duration,
) -> Result<Vec<String>> {
    let [committed, all] =
        ["read_committed", "read_uncommitted"].map(|isolation| reader(bootstrap, isolation, &[]));
    let (committed, all) = (committed?, all?);
    let mut open = partitions(&committed, topics)?;
    try_wait(within, || {
        open.retain(|(topic, partition)| {
            let end = |consumer: &BaseConsumer| {
                consumer.fetch_watermarks(topic, *partition, REQUEST_TIMEOUT).ok().map(|(_, end)| end)
            };
            let stable = end(&committed);
            stable.is_none() || stable != end(&all)
        });
        open.is_empty().then_some(())
    });
    Ok(open.into_iter().map(|(topic, partition)| format!("{topic}/{partition}")).collect())
}

/// Sees how far a group has committed, without being its member.
pub struct Progress {
    consumer: BaseConsumer,
    asked: TopicPartitionList,
}

impl Progress {
    /// Looks at a group's offsets in the partitions that a topic has now.
    ///
    /// # Errors
    /// The topic is not there.
    pub fn of(bootstrap: &str, group: &str, topic: &str) -> Result<Self> {
        // Isolated readers get no answer while a transaction holds offsets.
        let consumer = reader(bootstrap, "read_uncommitted", &[("group.id", group)])?;
        let mut asked = TopicPartitionList::new();
        for (topic, partition) in partitions(&consumer, &[topic])? {
            asked.add_partition(&topic, partition);
        }
        Ok(Self { consumer, asked })
    }

    /// The sum of the committed offsets.
    ///
    /// # Errors
    /// The coordinator does not answer.
    pub fn committed(&self) -> Result<i64> {
        let answer = self.consumer.committed_offsets(self.asked.clone(), REQUEST_TIMEOUT)?;
        let offset = |offset| if let Offset::Offset(offset) = offset { offset } else { 0 };
        answer.elements().iter().map(|it| Ok(it.error().map(|()| offset(it.offset()))?)).sum()
    }

    /// How many offsets lie between what the group has committed and the ends.
    ///
    /// # Errors
    /// A broker does not answer.
    pub fn behind(&self) -> Result<i64> {
        let committed = self.committed()?;
        let end = |topic: &str, partition| self.consumer.fetch_watermarks(topic, partition, REQUEST_TIMEOUT);
        let ends: Vec<_> = self.asked.elements().iter().map(|it| end(it.topic(), it.partition())).collect();
        let sum: i64 = ends.into_iter().map(|it| Ok(it?.1)).sum::<Result<i64>>()?;
        Ok(sum - committed)
    }
}
