//! Rights cannot be listed without being an administrator, so each is tried out.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use rdkafka::consumer::{Consumer as _, ConsumerGroupMetadata};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{BaseRecord, Producer as _, ThreadedProducer};
use rdkafka::{Offset, TopicPartitionList};

use super::{
    Consumer, Deadline, Report, TopicState, Use, cause, code, input_consumer, not_created, producer,
};
use crate::config::Config;
use crate::kafka::clients::ClientRefused;
use crate::kafka::context::{Context, Watch};
use crate::kafka::offsets::Start;

// librdkafka registers a partition with the transaction in the background. The answers to requests on one
// connection come in order, so after a few answered requests a refusal is known.
const ROUNDS: u32 = 3;
const ROUND: Duration = Duration::from_millis(10);

/// Tries to read the incoming topic and the catalog: the end of partition 0 must come.
pub(super) fn check_reading(
    config: &Config,
    watch: &Arc<Watch>,
    topics: &[TopicState],
    deadline: Deadline,
    report: &mut Report,
) -> Result<(), ClientRefused> {
    let consumer = reader(config, watch)?;
    let read = |topic: &&TopicState| topic.purpose != Use::Output && topic.missing.is_none();
    for topic in topics.iter().filter(read) {
        let mut end = TopicPartitionList::new();
        let assigned = end
            .add_partition_offset(&topic.name, 0, Offset::End)
            .and_then(|()| consumer.assign(&end))
            .and_then(|()| wait_for_end(&consumer, deadline));
        let Err(error) = assigned else { continue };
        match code(&error) {
            Some(RDKafkaErrorCode::TopicAuthorizationFailed) => report.error(
                format!("topic `{}` (`{}`) cannot be read", topic.name, topic.key),
                "give this user the right READ on the topic",
            ),
            _ => report.error(
                format!("topic `{}` (`{}`) cannot be read: {}", topic.name, topic.key, cause(&error)),
                "look at the brokers' logs, and try again",
            ),
        }
    }
    Ok(())
}

/// Tries to write: a transaction takes in a partition of each outgoing topic and an offset of the group, and is
/// aborted while its records still wait to be sent.
pub(super) fn check_writing(
    config: &Config,
    watch: &Arc<Watch>,
    transactional_id: &str,
    topics: &[TopicState],
    deadline: Deadline,
    report: &mut Report,
) -> Result<(), ClientRefused> {
    let mut settings = producer(config, transactional_id)?;
    // Above the time of a probe, so that no record leaves before the abort drops it.
    settings.set("linger.ms", "10000");
    let producer: ThreadedProducer<Context> = settings
        .create_with_context(Context(watch.clone()))
        .map_err(|error| not_created("producer", &error))?;
    if let Err(error) = producer.init_transactions(deadline.step()) {
        transactions_refused(config, transactional_id, &error, report);
        return Ok(());
    }
    let reader = reader(config, watch)?;
    let Some(group) = reader.group_metadata() else { return Ok(()) };
    let probe = Probe { producer, group, offsets: offsets(topics, report), deadline };
    let outputs: Vec<&TopicState> =
        topics.iter().filter(|topic| topic.purpose == Use::Output && topic.missing.is_none()).collect();
    if probe.run(&outputs).is_ok() {
        return Ok(());
    }
    // Something is missing; one at a time tells what.
    let group_error = probe.run(&[]).err();
    if let Some(error) = &group_error {
        offsets_refused(config, error, report);
    }
    let alone = Probe { offsets: if group_error.is_some() { None } else { probe.offsets.clone() }, ..probe };
    for topic in outputs {
        let Err(error) = alone.run(&[topic]) else { continue };
        match code(&error) {
            Some(RDKafkaErrorCode::TopicAuthorizationFailed) => report.error(
                format!("topic `{}` (`{}`) cannot be written", topic.name, topic.key),
                "give this user the right WRITE on the topic",
            ),
            _ => report.error(
                format!("topic `{}` (`{}`) cannot be written: {}", topic.name, topic.key, cause(&error)),
                "look at the brokers' logs, and try again",
            ),
        }
    }
    Ok(())
}

struct Probe {
    producer: ThreadedProducer<Context>,
    group: ConsumerGroupMetadata,
    offsets: Option<TopicPartitionList>,
    deadline: Deadline,
}

impl Probe {
    fn run(&self, topics: &[&TopicState]) -> Result<(), KafkaError> {
        for topic in topics {
            // Known beforehand, so that the record is put in its partition, and the partition registered, at once.
            self.producer.client().fetch_metadata(Some(&topic.name), self.deadline.step())?;
        }
        self.producer.begin_transaction()?;
        let tried = self.fill(topics);
        let aborted = self.producer.abort_transaction(self.deadline.step());
        tried.and(aborted)
    }

    fn fill(&self, topics: &[&TopicState]) -> Result<(), KafkaError> {
        for topic in topics {
            let record: BaseRecord<'_, (), ()> = BaseRecord::to(&topic.name).partition(0);
            self.producer.send(record).map_err(|(error, _)| error)?;
        }
        let none = TopicPartitionList::new();
        let offsets = self.offsets.as_ref().unwrap_or(&none);
        for _ in 0..ROUNDS {
            thread::sleep(ROUND);
            self.producer.send_offsets_to_transaction(offsets, &self.group, self.deadline.step())?;
        }
        Ok(())
    }
}

fn reader(config: &Config, watch: &Arc<Watch>) -> Result<Consumer, ClientRefused> {
    let mut settings = input_consumer(config)?;
    settings.set("enable.partition.eof", "true").set("fetch.wait.max.ms", "10");
    settings.create_with_context(Context(watch.clone())).map_err(|error| not_created("consumer", &error))
}

fn wait_for_end(consumer: &Consumer, deadline: Deadline) -> Result<(), KafkaError> {
    loop {
        match consumer.poll(Duration::from_millis(100)) {
            Some(Ok(_) | Err(KafkaError::PartitionEOF(_))) => return Ok(()),
            Some(Err(error)) if code(&error) == Some(RDKafkaErrorCode::TopicAuthorizationFailed) => {
                return Err(error);
            }
            // A connection that comes and goes is librdkafka's to repair.
            Some(Err(_)) | None if !deadline.is_over() => {}
            Some(Err(error)) => return Err(error),
            None => return Err(KafkaError::MessageConsumption(RDKafkaErrorCode::OperationTimedOut)),
        }
    }
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
            format!("give this user the rights WRITE and DESCRIBE on transactional ids that start with `{prefix}` (`kafka.transactional_id_prefix`)"),
        ),
        Some(RDKafkaErrorCode::InvalidTransactionTimeout) => report.error(
            format!("the brokers refuse `worker.transaction.timeout_ms` {}", config.worker.transaction.timeout_ms),
            "lower it to the brokers' `transaction.max.timeout.ms`",
        ),
        _ => report.error(
            format!("no transaction can be begun: {}", cause(error)),
            "look at the brokers' logs (`__transaction_state` needs enough brokers for its replication factor)",
        ),
    }
}

fn offsets_refused(config: &Config, error: &KafkaError, report: &mut Report) {
    let group = &config.kafka.group_id;
    match code(error) {
        Some(RDKafkaErrorCode::GroupAuthorizationFailed) => report.error(
            format!("group `{group}` cannot be used"),
            "give this user the right READ on the group (`kafka.group_id`)",
        ),
        Some(RDKafkaErrorCode::TopicAuthorizationFailed) => report.error(
            format!("offsets of topic `{}` cannot be committed", config.topics.incoming),
            "give this user the right READ on the topic",
        ),
        _ => report.error(
            format!("group `{group}` cannot commit in a transaction: {}", cause(error)),
            "look at the brokers' logs, and try again",
        ),
    }
}
