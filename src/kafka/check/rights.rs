//! Does the router have its rights? Only an administrator can list them, so the check tries each.

use std::{sync::Arc, thread, time::Duration};

use rdkafka::{
    Offset, TopicPartitionList,
    consumer::{Consumer as _, ConsumerGroupMetadata},
    error::{KafkaError, RDKafkaErrorCode},
    producer::{BaseRecord, Producer as _, ThreadedProducer},
};

use super::{Consumer, Deadline, Report, Severity, TRY_AGAIN, reader};
use crate::{
    config::Config,
    kafka::{
        clients::{self, ClientRefused},
        connect::reach,
        context::{Context, Watch},
        error::{code, describe, is_refused_read},
        offsets::Start,
        topics::{TopicState, Use},
    },
};

/// Requests that are answered before a refusal is known. librdkafka registers a partition with the
/// transaction in the background, and the answers to requests on one connection come in order.
const REQUESTS_UNTIL_REFUSAL: u32 = 3;
const PAUSE_BETWEEN_REQUESTS: Duration = Duration::from_millis(10);

/// Tries to read the incoming topic and the catalog: the end of partition 0 must come.
pub(super) fn check_reading(
    config: &Config,
    watch: &Arc<Watch>,
    consumer: &Consumer,
    topics: &[TopicState],
    deadline: Deadline,
    report: &mut Report,
) -> Result<(), ClientRefused> {
    let inputs: Vec<_> =
        topics.iter().filter(|topic| topic.purpose != Use::Output && topic.missing.is_none()).collect();
    if read_ends(consumer, &inputs, deadline).is_ok() {
        return Ok(());
    }
    // The client does not say which topic an error is about, so each is read alone.
    for topic in inputs {
        let Err(error) = read_ends(&reader(config, watch)?, &[topic], deadline) else { continue };
        match code(&error) {
            // The check of the offsets reports it.
            Some(RDKafkaErrorCode::GroupAuthorizationFailed) => return Ok(()),
            Some(RDKafkaErrorCode::TopicAuthorizationFailed) => report.error(
                format!("cannot read topic `{}` (`{}`)", topic.name, topic.key),
                "grant this user the right READ on the topic",
            ),
            _ => report.failure(
                format!("cannot read topic `{}` (`{}`): {}", topic.name, topic.key, describe(&error)),
                &error,
                TRY_AGAIN,
            ),
        }
    }
    Ok(())
}

/// Tries to write, under a transactional id that no worker has.
pub(super) struct Probe<'a> {
    pub(super) config: &'a Config,
    pub(super) watch: &'a Arc<Watch>,
    pub(super) transactional_id: &'a str,
    pub(super) deadline: Deadline,
}

type Producer = ThreadedProducer<Context>;

impl Probe<'_> {
    /// Tries to write: a transaction takes in a partition of each outgoing topic and an offset of the group, and is
    /// aborted while its records still wait to be sent.
    pub(super) fn check_writing(
        &self,
        member: &Consumer,
        topics: &[TopicState],
        report: &mut Report,
    ) -> Result<(), ClientRefused> {
        let outputs: Vec<&TopicState> =
            topics.iter().filter(|topic| topic.purpose == Use::Output && topic.missing.is_none()).collect();
        let producer = match self.producer()? {
            Ok(producer) => producer,
            Err(error) => {
                transactions_refused(self.config, self.transactional_id, &error, report);
                return Ok(());
            }
        };
        let offsets = offsets(topics, report);
        let group = member.group_metadata().expect("a consumer with a group id has group metadata");
        if self.run(&producer, &group, offsets.as_ref(), &outputs).is_ok() {
            return Ok(());
        }
        drop(producer);
        // A right is missing. Each topic is tried alone to find out which one.
        let group_error = self.run_alone(&group, offsets.as_ref(), &[])?.err();
        if let Some(error) = &group_error {
            offsets_refused(self.config, error, report);
        }
        let offsets = if group_error.is_some() { None } else { offsets.as_ref() };
        for topic in outputs {
            let Err(error) = self.run_alone(&group, offsets, &[topic])? else { continue };
            match code(&error) {
                // The second is what the end of a transaction gives that nothing could be registered with.
                Some(
                    RDKafkaErrorCode::TopicAuthorizationFailed | RDKafkaErrorCode::InvalidTransactionalState,
                ) => report.error(
                    format!("cannot write to topic `{}` (`{}`)", topic.name, topic.key),
                    "grant this user the right WRITE on the topic",
                ),
                _ => report.failure(
                    format!("cannot write to topic `{}` (`{}`): {}", topic.name, topic.key, describe(&error)),
                    &error,
                    TRY_AGAIN,
                ),
            }
        }
        Ok(())
    }

    fn producer(&self) -> Result<Result<Producer, KafkaError>, ClientRefused> {
        let mut settings = clients::producer(self.config, self.transactional_id)?;
        // Above the time of a probe, so that no record leaves before the abort drops it.
        settings.set("linger.ms", "10000");
        let producer: Producer = settings
            .create_with_context(Context(self.watch.clone()))
            .map_err(|error| ClientRefused::new("producer", &error))?;
        self.watch.log_in(producer.client())?;
        reach(&producer, &self.config.topics.incoming, self.deadline.step());
        loop {
            match producer.init_transactions(self.deadline.step()) {
                // A coordinator that is still loading answers so: retry.
                Err(KafkaError::Transaction(error)) if error.is_retriable() && !self.deadline.is_over() => {
                    thread::sleep(PAUSE_BETWEEN_REQUESTS);
                }
                result => return Ok(result.map(|()| producer)),
            }
        }
    }

    /// Runs on a producer of its own: after a refusal it may be unable to end its transaction.
    fn run_alone(
        &self,
        group: &ConsumerGroupMetadata,
        offsets: Option<&TopicPartitionList>,
        topics: &[&TopicState],
    ) -> Result<Result<(), KafkaError>, ClientRefused> {
        Ok(self.producer()?.and_then(|producer| self.run(&producer, group, offsets, topics)))
    }

    fn run(
        &self,
        producer: &Producer,
        group: &ConsumerGroupMetadata,
        offsets: Option<&TopicPartitionList>,
        topics: &[&TopicState],
    ) -> Result<(), KafkaError> {
        for topic in topics {
            // If the partition is known beforehand, it is registered at once.
            producer.client().fetch_metadata(Some(&topic.name), self.deadline.step())?;
        }
        producer.begin_transaction()?;
        let tried = self.fill(producer, group, offsets, topics);
        let aborted = producer.abort_transaction(self.deadline.step());
        tried.and(aborted)
    }

    fn fill(
        &self,
        producer: &Producer,
        group: &ConsumerGroupMetadata,
        offsets: Option<&TopicPartitionList>,
        topics: &[&TopicState],
    ) -> Result<(), KafkaError> {
        for topic in topics {
            let record: BaseRecord<'_, (), ()> = BaseRecord::to(&topic.name).partition(0);
            producer.send(record).map_err(|(error, _)| error)?;
        }
        let none = TopicPartitionList::new();
        for _ in 0..REQUESTS_UNTIL_REFUSAL {
            thread::sleep(PAUSE_BETWEEN_REQUESTS);
            producer.send_offsets_to_transaction(offsets.unwrap_or(&none), group, self.deadline.step())?;
        }
        Ok(())
    }
}

fn read_ends(consumer: &Consumer, topics: &[&TopicState], deadline: Deadline) -> Result<(), KafkaError> {
    let mut ends = TopicPartitionList::new();
    topics.iter().try_for_each(|topic| ends.add_partition_offset(&topic.name, 0, Offset::End))?;
    consumer.assign(&ends)?;
    wait_for_ends(consumer, topics.len(), deadline)
}

fn wait_for_ends(consumer: &Consumer, count: usize, deadline: Deadline) -> Result<(), KafkaError> {
    let mut ended = 0;
    while ended < count {
        match consumer.poll(Duration::from_millis(100)) {
            Some(Err(KafkaError::PartitionEOF(_))) => ended += 1,
            Some(Err(error)) if is_refused_read(&error) => {
                return Err(error);
            }
            // A connection that comes and goes is librdkafka's to repair; records are left where they are.
            _ if !deadline.is_over() => {}
            Some(Err(error)) => return Err(error),
            _ => return Err(KafkaError::MessageConsumption(RDKafkaErrorCode::OperationTimedOut)),
        }
    }
    Ok(())
}

/// Returns the offset that partition 0 has anyway, so that the probe says nothing new even if it were seen.
fn offsets(topics: &[TopicState], report: &Report) -> Option<TopicPartitionList> {
    let incoming = topics.iter().find(|topic| topic.purpose == Use::Incoming)?;
    let (state, start) = report.starts.first()?;
    let offset = match *start {
        Start::Committed(offset) | Start::NewGroup(offset) | Start::NewPartition(offset) => offset,
        Start::OutOfRange { committed, .. } => committed,
    };
    let mut offsets = TopicPartitionList::new();
    offsets.add_partition_offset(&incoming.name, state.partition, Offset::Offset(offset)).ok()?;
    Some(offsets)
}

fn transactions_refused(config: &Config, transactional_id: &str, error: &KafkaError, report: &mut Report) {
    let prefix = config.kafka.transactional_id_prefix();
    match code(error) {
        Some(RDKafkaErrorCode::TransactionalIdAuthorizationFailed) => report.error(
            format!("transactions under the id `{transactional_id}` are not allowed"),
            format!("grant this user the rights WRITE and DESCRIBE on transactional ids that start with `{prefix}` (`kafka.transactional_id_prefix`)"),
        ),
        Some(RDKafkaErrorCode::InvalidTransactionTimeout) => report.error(
            format!("the brokers refuse `worker.transaction.timeout_ms` {}", config.worker.transaction.timeout_ms),
            "lower it to the brokers' `transaction.max.timeout.ms`",
        ),
        _ => report.failure(
            format!("cannot begin a transaction: {}", describe(error)),
            error,
            "check the brokers' logs (`__transaction_state` needs enough brokers for its replication factor), or raise `startup.deadline_ms`",
        ),
    }
}

fn offsets_refused(config: &Config, error: &KafkaError, report: &mut Report) {
    let group = &config.kafka.group_id;
    match code(error) {
        Some(RDKafkaErrorCode::GroupAuthorizationFailed) => report.error(
            format!("this user may not use group `{group}`"),
            "grant this user the right READ on the group (`kafka.group_id`)",
        ),
        Some(RDKafkaErrorCode::TopicAuthorizationFailed) => {
            let topic = format!("`{}`", config.topics.incoming);
            // A topic that may not be read was reported already, and the remedy is the same.
            if !report.findings.iter().any(|it| it.severity == Severity::Error && it.text.contains(&topic)) {
                report.error(
                    format!("cannot commit offsets of topic {topic}"),
                    "grant this user the right READ on the topic",
                );
            }
        }
        _ => report.failure(
            format!("group `{group}` cannot commit in a transaction: {}", describe(error)),
            error,
            TRY_AGAIN,
        ),
    }
}
