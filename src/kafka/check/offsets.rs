use std::thread;
use std::time::Duration;

use rdkafka::consumer::Consumer as _;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::{Offset, TopicPartitionList};

use super::{Consumer, Deadline, Report, TRY_AGAIN, TopicState, Use, cause, code};
use crate::config::{Config, StartAt};
use crate::kafka::offsets::{LostOffset, PartitionState, Start, starts};

const TRY: Duration = Duration::from_secs(1);
const EVENT: Duration = Duration::from_millis(100);

/// Compares what the group committed with what the log holds.
pub(super) fn check(
    config: &Config,
    consumer: &Consumer,
    topics: &[TopicState],
    deadline: Deadline,
    report: &mut Report,
) {
    let incoming = topics.iter().find(|topic| topic.purpose == Use::Incoming && topic.missing.is_none());
    let Some(topic) = incoming else { return };
    let states = loop {
        match states(consumer, topic, deadline) {
            Ok(states) => break states,
            Err(error) if is_passing(&error) && !deadline.is_over() => thread::sleep(EVENT),
            Err(error) => {
                return refused(config, topic, &error, report);
            }
        }
    };
    let starts = starts(&states, config.worker.start_new_group_at);
    report.starts = states.into_iter().zip(starts).collect();
    describe(config, topic, report);
}

/// Whether the error is one of a cluster that is just getting ready: a topic was made, a broker has started.
fn is_passing(error: &KafkaError) -> bool {
    matches!(
        code(error),
        Some(
            RDKafkaErrorCode::NotLeaderForPartition
                | RDKafkaErrorCode::LeaderNotAvailable
                | RDKafkaErrorCode::UnknownTopicOrPartition
                | RDKafkaErrorCode::CoordinatorLoadInProgress
                | RDKafkaErrorCode::CoordinatorNotAvailable
                | RDKafkaErrorCode::NotCoordinator
                | RDKafkaErrorCode::UnstableOffsetCommit
        )
    )
}

fn states(
    consumer: &Consumer,
    topic: &TopicState,
    deadline: Deadline,
) -> Result<Vec<PartitionState>, KafkaError> {
    let partitions = i32::try_from(topic.partitions).unwrap_or(i32::MAX);
    let mut wanted = TopicPartitionList::new();
    wanted.add_partition_range(&topic.name, 0, partitions - 1);
    let committed = committed(consumer, &wanted, deadline)?;
    let mut states = Vec::new();
    for element in committed.elements() {
        element.error()?;
        let committed = match element.offset() {
            Offset::Offset(offset) => Some(offset),
            _ => None,
        };
        let (low, high) = consumer.fetch_watermarks(&topic.name, element.partition(), deadline.step())?;
        states.push(PartitionState { partition: element.partition(), committed, low, high });
    }
    Ok(states)
}

// Where the group may not even be looked at, the call just waits: the refusal comes as an event, and only to a
// consumer that has an assignment.
fn committed(
    consumer: &Consumer,
    wanted: &TopicPartitionList,
    deadline: Deadline,
) -> Result<TopicPartitionList, KafkaError> {
    let mut ends = wanted.clone();
    ends.set_all_offsets(Offset::End)?;
    consumer.assign(&ends)?;
    loop {
        let error = match consumer.committed_offsets(wanted.clone(), TRY.min(deadline.step())) {
            Ok(committed) => {
                consumer.unassign()?;
                return Ok(committed);
            }
            Err(error) => error,
        };
        while let Some(event) = consumer.poll(EVENT) {
            match event {
                Err(event) if code(&event) == Some(RDKafkaErrorCode::GroupAuthorizationFailed) => {
                    return Err(event);
                }
                _ => {}
            }
        }
        if code(&error) != Some(RDKafkaErrorCode::OperationTimedOut) || deadline.is_over() {
            return Err(error);
        }
    }
}

fn refused(config: &Config, topic: &TopicState, error: &KafkaError, report: &mut Report) {
    let group = &config.kafka.group_id;
    match code(error) {
        Some(RDKafkaErrorCode::GroupAuthorizationFailed) => report.error(
            format!("group `{group}` is not shown to this user"),
            "give it the right READ on the group (`kafka.group_id`)",
        ),
        _ => report.failure(
            format!(
                "the offsets of group `{group}` on topic `{}` cannot be read: {}",
                topic.name,
                cause(error)
            ),
            error,
            TRY_AGAIN,
        ),
    }
}

fn describe(config: &Config, topic: &TopicState, report: &mut Report) {
    let (group, name) = (&config.kafka.group_id, &topic.name);
    let lost: Vec<_> = report
        .starts
        .iter()
        .filter_map(|(state, start)| {
            let Start::OutOfRange { committed, low, high } = *start else { return None };
            Some(LostOffset {
                bootstrap_servers: config.kafka.bootstrap_servers.clone(),
                group: group.clone(),
                topic: name.clone(),
                partition: state.partition,
                committed,
                low,
                high,
            })
        })
        .collect();
    for lost in lost {
        report.error(lost.finding(), lost.remedy());
    }
    if report.starts.iter().any(|(_, start)| matches!(start, Start::NewGroup(_))) {
        let word = match config.worker.start_new_group_at {
            StartAt::Earliest => "earliest",
            StartAt::Latest => "latest",
        };
        report.info(format!(
            "group `{group}` never committed an offset of topic `{name}`: it starts at the {word} (`worker.start_new_group_at`)"
        ));
    }
}
