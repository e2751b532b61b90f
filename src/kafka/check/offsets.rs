//! Does the log hold the offsets that the group committed?

use std::{thread, time::Duration};

use rdkafka::{
    Offset, TopicPartitionList,
    consumer::Consumer as _,
    error::{KafkaError, RDKafkaErrorCode},
};

use super::{Consumer, Deadline, Report, TRY_AGAIN};
use crate::{
    config::{Config, StartAt},
    kafka::{
        error::{code, describe as describe_error, is_passing},
        offsets::{LostOffset, PartitionState, Start, starts, states_of},
        topics::{TopicState, Use},
    },
};

/// The longest that one attempt to read the committed offsets takes.
const MAX_ATTEMPT: Duration = Duration::from_secs(1);
/// How long to wait for an event that explains a timeout, and the pause between attempts.
const EVENT_WAIT: Duration = Duration::from_millis(100);

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
            Err(error) if is_passing(&error) && !deadline.is_over() => thread::sleep(EVENT_WAIT),
            Err(error) => {
                return refused(config, topic, &error, report);
            }
        }
    };
    let starts = starts(&states, config.worker.start_new_group_at);
    report.starts = states.into_iter().zip(starts).collect();
    describe(config, topic, report);
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
    states_of(consumer, &topic.name, &committed, || deadline.step())
}

/// Reads the committed offsets. If the group may not be described, the call just times out: the refusal comes
/// as an event, and only to a consumer that has an assignment.
fn committed(
    consumer: &Consumer,
    wanted: &TopicPartitionList,
    deadline: Deadline,
) -> Result<TopicPartitionList, KafkaError> {
    let mut ends = wanted.clone();
    ends.set_all_offsets(Offset::End)?;
    consumer.assign(&ends)?;
    loop {
        let error = match consumer.committed_offsets(wanted.clone(), MAX_ATTEMPT.min(deadline.step())) {
            Ok(committed) => {
                consumer.unassign()?;
                return Ok(committed);
            }
            Err(error) => error,
        };
        while let Some(event) = consumer.poll(EVENT_WAIT) {
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
            "grant it the right READ on the group (`kafka.group_id`)",
        ),
        _ => report.failure(
            format!(
                "cannot read the offsets of group `{group}` on topic `{}`: {}",
                topic.name,
                describe_error(error)
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
