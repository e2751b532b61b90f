//! Where a worker starts in the partitions that it is given.

use std::{
    collections::BTreeSet,
    thread,
    time::{Duration, Instant},
};

use rdkafka::{
    TopicPartitionList,
    consumer::{BaseConsumer, Consumer, ConsumerContext},
    error::KafkaError,
    topic_partition_list::{Offset, TopicPartitionListElem},
};

use super::{WorkerError, WorkerSettings, machine::Partition};
use crate::{
    config::StartAt,
    kafka::offsets::{LostOffset, PartitionState, Start, starts, states_of},
};

/// How long one request may take.
const ASK_TIMEOUT: Duration = Duration::from_secs(5);
/// How long the worker retries: another worker's open transaction holds committed offsets back until it times out.
const DEADLINE: Duration = Duration::from_secs(40);

/// Where to start.
pub struct Positions {
    /// The assignment, with offsets where the group has committed none.
    pub assignment: TopicPartitionList,
    /// The offsets of `assignment` that are to be committed before the first record: a group that starts at
    /// the end must not, after a crash, start at a later end.
    pub to_commit: Vec<(Partition, i64)>,
    /// The first offset to be read of each partition.
    pub starts: Vec<(Partition, i64)>,
}

/// Finds where to start in each partition given.
///
/// # Errors
///
/// The broker does not answer, or a committed offset is outside the log.
pub fn positions<C: ConsumerContext>(
    consumer: &BaseConsumer<C>,
    settings: &WorkerSettings,
    given: &[Partition],
) -> Result<Positions, WorkerError> {
    let (topic, new_group) = (settings.input.as_str(), settings.new_group_starts_at);
    let states = partition_states(consumer, topic, given)?;
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
                return Err(WorkerError::LostOffset(LostOffset {
                    bootstrap_servers: settings.bootstrap_servers.clone(),
                    group: settings.group.clone(),
                    topic: topic.to_owned(),
                    partition: state.partition,
                    committed,
                    low,
                    high,
                }));
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
pub fn lost_offset<C: ConsumerContext>(consumer: &BaseConsumer<C>, settings: &WorkerSettings) -> WorkerError {
    let all: Vec<_> = consumer.assignment().map_or_else(
        |_| Vec::new(),
        |assigned| assigned.elements().iter().map(|it| it.partition()).collect(),
    );
    match positions(consumer, settings, &all) {
        Err(error) => error,
        Ok(_) => WorkerError::OffsetOutOfRange(settings.input.clone()),
    }
}

/// Where the consumer has come to, by partition; none that has delivered nothing since it was assigned or rewound.
///
/// Markers and aborted records, which are never delivered, count: the consumer has passed them.
pub fn reached<C: ConsumerContext>(consumer: &BaseConsumer<C>) -> Vec<(Partition, i64)> {
    let offset_of = |it: &TopicPartitionListElem<'_>| match it.offset() {
        Offset::Offset(offset) => Some((it.partition(), offset)),
        _ => None,
    };
    consumer.position().map_or_else(|_| Vec::new(), |it| it.elements().iter().filter_map(offset_of).collect())
}

/// The partitions to ask for: those that the broker's metadata name, and those that are given. Metadata may
/// lack one for a moment after it was added or a broker has started; a given partition without a position
/// would never be read.
fn to_ask(known: impl Iterator<Item = Partition>, given: &[Partition]) -> BTreeSet<Partition> {
    known.chain(given.iter().copied()).collect()
}

fn partition_states<C: ConsumerContext>(
    consumer: &BaseConsumer<C>,
    topic: &str,
    given: &[Partition],
) -> Result<Vec<PartitionState>, WorkerError> {
    retry(topic, || {
        let metadata = consumer.fetch_metadata(Some(topic), ASK_TIMEOUT)?;
        let known = metadata.topics().iter().flat_map(|it| it.partitions()).map(|it| it.id());
        let mut asked = TopicPartitionList::new();
        for partition in to_ask(known, given) {
            asked.add_partition(topic, partition);
        }
        let committed = consumer.committed_offsets(asked, ASK_TIMEOUT)?;
        states_of(consumer, topic, &committed, || ASK_TIMEOUT)
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
                tracing::warn!(code = "OFFSETS_UNKNOWN", %error, topic, "cannot read the group's committed offsets yet, retrying");
                thread::sleep(Duration::from_millis(200));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_given_partition_is_asked_for_though_the_metadata_lack_it() {
        assert_eq!(to_ask([0, 1, 4].into_iter(), &[1, 2]), BTreeSet::from([0, 1, 2, 4]));
    }
}
