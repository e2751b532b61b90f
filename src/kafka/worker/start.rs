//! Where a worker starts in the partitions that it is given.

use std::time::{Duration, Instant};

use rdkafka::{
    TopicPartitionList,
    consumer::{BaseConsumer, Consumer, ConsumerContext},
    error::KafkaError,
    topic_partition_list::Offset,
};
use serde::{Deserialize, Serialize};

use super::{error::WorkerError, machine::Partition};

/// How long one question to the broker may take.
const ASK_TIMEOUT: Duration = Duration::from_secs(5);
/// How long committed offsets are asked for: another worker's transaction may hold them back until it times out.
const COMMITTED_DEADLINE: Duration = Duration::from_secs(40);

/// Where a consumer group starts that has never committed an offset.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum NewGroup {
    /// With the oldest ticket that the topic holds.
    #[default]
    Earliest,
    /// With the next ticket to come. A partition that is added later is read from its beginning all the same.
    Latest,
}

/// Finds where to start: at the committed offset, else at the partition's beginning, else (for a group that is new altogether) where `new_group` says.
///
/// # Errors
///
/// The committed offsets could not be read.
pub fn positions<C: ConsumerContext>(
    consumer: &BaseConsumer<C>,
    topic: &str,
    partitions: &[Partition],
    new_group: NewGroup,
) -> Result<TopicPartitionList, WorkerError> {
    let committed = committed(consumer, topic, partitions)?;
    let is_committed = |partition: Partition| {
        committed.find_partition(topic, partition).is_some_and(|it| matches!(it.offset(), Offset::Offset(_)))
    };
    let start = match new_group {
        NewGroup::Latest if !has_ever_committed(consumer, topic)? => Offset::End,
        _ => Offset::Beginning,
    };
    let mut positions = TopicPartitionList::new();
    for &partition in partitions {
        // `Invalid` makes librdkafka start at the committed offset, which it fetches once more: a transaction may have committed meanwhile.
        let offset = if is_committed(partition) { Offset::Invalid } else { start };
        positions.add_partition_offset(topic, partition, offset).map_err(WorkerError::Assign)?;
    }
    Ok(positions)
}

/// Says which offset the log does not hold.
pub fn lost_offsets<C: ConsumerContext>(consumer: &BaseConsumer<C>, topic: &str) -> WorkerError {
    let find = || -> Option<WorkerError> {
        let assigned = consumer.assignment().ok()?;
        let partitions: Vec<_> = assigned.elements().iter().map(|it| it.partition()).collect();
        let committed = committed(consumer, topic, &partitions).ok()?;
        committed.elements().iter().find_map(|it| {
            let Offset::Offset(committed) = it.offset() else { return None };
            let (low, high) = consumer.fetch_watermarks(topic, it.partition(), ASK_TIMEOUT).ok()?;
            (committed < low || committed > high).then(|| WorkerError::LostOffset {
                topic: topic.to_owned(),
                partition: it.partition(),
                committed,
                low,
                high,
            })
        })
    };
    find().unwrap_or_else(|| WorkerError::OffsetOutOfRange(topic.to_owned()))
}

fn has_ever_committed<C: ConsumerContext>(consumer: &BaseConsumer<C>, topic: &str) -> Result<bool, WorkerError> {
    let all: Vec<_> = retry(topic, || {
        let metadata = consumer.fetch_metadata(Some(topic), ASK_TIMEOUT)?;
        Ok(metadata.topics().iter().flat_map(|it| it.partitions()).map(|it| it.id()).collect())
    })?;
    Ok(committed(consumer, topic, &all)?.elements().iter().any(|it| matches!(it.offset(), Offset::Offset(_))))
}

fn committed<C: ConsumerContext>(
    consumer: &BaseConsumer<C>,
    topic: &str,
    partitions: &[Partition],
) -> Result<TopicPartitionList, WorkerError> {
    retry(topic, || {
        let mut asked = TopicPartitionList::new();
        for &partition in partitions {
            asked.add_partition(topic, partition);
        }
        consumer.committed_offsets(asked, ASK_TIMEOUT)
    })
}

fn retry<T>(topic: &str, mut ask: impl FnMut() -> Result<T, KafkaError>) -> Result<T, WorkerError> {
    let started = Instant::now();
    loop {
        match ask() {
            Ok(answer) => return Ok(answer),
            Err(error) if started.elapsed() >= COMMITTED_DEADLINE => {
                return Err(WorkerError::Committed {
                    topic: topic.to_owned(),
                    waited_ms: started.elapsed().as_millis(),
                    error,
                });
            }
            Err(error) => {
                tracing::warn!(%error, topic, "the group's offsets are not to be had yet, trying again");
                std::thread::sleep(Duration::from_millis(200));
            }
        }
    }
}
