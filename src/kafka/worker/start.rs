//! Where a worker starts in the partitions that it is given.

use std::{
    thread,
    time::{Duration, Instant},
};

use rdkafka::{
    TopicPartitionList,
    consumer::{BaseConsumer, Consumer, ConsumerContext},
    error::KafkaError,
    topic_partition_list::Offset,
};

use super::{WorkerError, machine::Partition};
use crate::{
    config::StartAt,
    kafka::offsets::{PartitionState, Start, starts},
};

/// How long one question to the broker may take.
const ASK_TIMEOUT: Duration = Duration::from_secs(5);
/// How long the broker is asked: another worker's open transaction holds committed offsets back until it times out.
const DEADLINE: Duration = Duration::from_secs(40);

/// Where to start.
pub struct Positions {
    /// The assignment, with offsets where the group has committed none.
    pub assignment: TopicPartitionList,
    /// The offsets of `assignment` that are to be committed before the first record: a group that starts at the end must not, after a
    /// crash, start at a later end.
    pub to_commit: Vec<(Partition, i64)>,
    /// The first offset to be read of each partition.
    pub starts: Vec<(Partition, i64)>,
}

/// Finds where to start in each partition given.
///
/// # Errors
///
/// The broker does not tell, or a committed offset is outside of the log.
pub fn positions<C: ConsumerContext>(
    consumer: &BaseConsumer<C>,
    topic: &str,
    given: &[Partition],
    new_group: StartAt,
) -> Result<Positions, WorkerError> {
    let states = partition_states(consumer, topic)?;
    let mut positions =
        Positions { assignment: TopicPartitionList::new(), to_commit: Vec::new(), starts: Vec::new() };
    for (state, start) in states.iter().zip(starts(&states, new_group)) {
        if !given.contains(&state.partition) {
            continue;
        }
        if let Start::Committed(offset) | Start::NewPartition(offset) | Start::NewGroup(offset) = start {
            positions.starts.push((state.partition, offset));
        }
        let offset = match start {
            // `Invalid` makes librdkafka fetch the committed offset once more: a transaction may have ended meanwhile.
            Start::Committed(_) => Offset::Invalid,
            Start::NewPartition(offset) => Offset::Offset(offset),
            Start::NewGroup(offset) => {
                if new_group == StartAt::Latest {
                    positions.to_commit.push((state.partition, offset));
                }
                Offset::Offset(offset)
            }
            Start::OutOfRange { committed, low, high } => {
                return Err(WorkerError::LostOffset {
                    topic: topic.to_owned(),
                    partition: state.partition,
                    committed,
                    low,
                    high,
                });
            }
        };
        positions
            .assignment
            .add_partition_offset(topic, state.partition, offset)
            .map_err(WorkerError::Assign)?;
    }
    Ok(positions)
}

/// Says where the batch may be that cannot be unpacked: the client does not tell the partition.
pub fn unreadable<C: ConsumerContext>(consumer: &BaseConsumer<C>, topic: &str) -> WorkerError {
    let committed =
        consumer.assignment().and_then(|assigned| consumer.committed_offsets(assigned, ASK_TIMEOUT));
    let read = consumer.position();
    let position = |partition: Partition| {
        let found = [&read, &committed].into_iter().filter_map(|it| it.as_ref().ok()).find_map(|list| {
            match list.elements_for_topic(topic).iter().find(|it| it.partition() == partition)?.offset() {
                Offset::Offset(offset) => Some(offset.to_string()),
                _ => None,
            }
        });
        format!("{partition} at {}", found.as_deref().unwrap_or("its beginning"))
    };
    let partitions = consumer.assignment().map_or_else(
        |_| Vec::new(),
        |assigned| assigned.elements().iter().map(|it| position(it.partition())).collect(),
    );
    WorkerError::Unreadable { topic: topic.to_owned(), positions: partitions.join(", ") }
}

/// Says which committed offset the log does not hold, after the broker has refused one.
pub fn lost_offset<C: ConsumerContext>(consumer: &BaseConsumer<C>, topic: &str) -> WorkerError {
    let all: Vec<_> = consumer.assignment().map_or_else(
        |_| Vec::new(),
        |assigned| assigned.elements().iter().map(|it| it.partition()).collect(),
    );
    match positions(consumer, topic, &all, StartAt::Earliest) {
        Err(error) => error,
        Ok(_) => WorkerError::OffsetOutOfRange(topic.to_owned()),
    }
}

fn partition_states<C: ConsumerContext>(
    consumer: &BaseConsumer<C>,
    topic: &str,
) -> Result<Vec<PartitionState>, WorkerError> {
    retry(topic, || {
        let metadata = consumer.fetch_metadata(Some(topic), ASK_TIMEOUT)?;
        let mut asked = TopicPartitionList::new();
        for partition in metadata.topics().iter().flat_map(|it| it.partitions()) {
            asked.add_partition(topic, partition.id());
        }
        let committed = consumer.committed_offsets(asked, ASK_TIMEOUT)?;
        committed
            .elements()
            .iter()
            .map(|it| {
                it.error()?;
                let (low, high) = consumer.fetch_watermarks(topic, it.partition(), ASK_TIMEOUT)?;
                let committed = match it.offset() {
                    Offset::Offset(offset) => Some(offset),
                    _ => None,
                };
                Ok(PartitionState { partition: it.partition(), committed, low, high })
            })
            .collect()
    })
}

fn retry<T>(topic: &str, mut ask: impl FnMut() -> Result<T, KafkaError>) -> Result<T, WorkerError> {
    let started = Instant::now();
    loop {
        match ask() {
            Ok(answer) => return Ok(answer),
            Err(error) if started.elapsed() >= DEADLINE => {
                return Err(WorkerError::Committed {
                    topic: topic.to_owned(),
                    waited_ms: started.elapsed().as_millis(),
                    error,
                });
            }
            Err(error) => {
                tracing::warn!(code = "OFFSETS_UNKNOWN", %error, topic, "the group's offsets are not to be had yet, trying again");
                thread::sleep(Duration::from_millis(200));
            }
        }
    }
}
