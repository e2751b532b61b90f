//! What librdkafka tells a worker between calls.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use rdkafka::{
    TopicPartitionList,
    client::ClientContext,
    config::RDKafkaLogLevel,
    consumer::{BaseConsumer, Consumer, ConsumerContext},
    error::{KafkaError, RDKafkaErrorCode},
    message::{BorrowedMessage, DeliveryResult, Message},
    producer::{NoCustomPartitioner, ProducerContext},
    types::RDKafkaRespErr,
};

use super::machine::{Partition, SendFault};
use crate::kafka::{
    context::Watch,
    error::{delivery_fault, describe, is_teaching},
    ffi::incoming_headers,
};

/// A change of the assignment that the worker has not answered yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rebalance {
    /// The group gives these partitions.
    Given(Vec<Partition>),
    /// The group takes all partitions back.
    Taken {
        /// Others may own them already.
        lost: bool,
    },
}

/// The context of the input consumer. It stores rebalances for the worker, which answers them between two polls.
///
/// librdkafka waits for the answer, and polling goes on meanwhile on the same thread; so a transaction can be
/// ended before its partitions are given up, and no state is shared with a callback.
#[derive(Debug)]
pub struct InputContext {
    watch: Arc<Watch>,
    rebalances: Mutex<VecDeque<Rebalance>>,
    is_closing: AtomicBool,
}

impl InputContext {
    /// Makes the context of a consumer whose side channel is `watch`.
    #[must_use]
    pub fn new(watch: Arc<Watch>) -> Self {
        Self { watch, rebalances: Mutex::default(), is_closing: AtomicBool::new(false) }
    }

    /// The side channel of this worker's clients.
    pub fn watch(&self) -> &Arc<Watch> {
        &self.watch
    }

    /// Takes the oldest rebalance that waits for an answer.
    pub fn take_rebalance(&self) -> Option<Rebalance> {
        lock(&self.rebalances).pop_front()
    }

    /// From now on partitions are given up at once: the consumer is about to be dropped and nothing is in flight.
    pub fn close(&self) {
        self.is_closing.store(true, Ordering::Relaxed);
    }
}

impl ClientContext for InputContext {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        self.watch.log(level, facility, line);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.watch.error(&error, reason);
    }
}

impl ConsumerContext for InputContext {
    fn rebalance(
        &self,
        consumer: &BaseConsumer<Self>,
        kind: RDKafkaRespErr,
        partitions: &mut TopicPartitionList,
    ) {
        if self.is_closing.load(Ordering::Relaxed) {
            if let Err(error) = consumer.unassign() {
                tracing::warn!(code = "UNASSIGN", %error, "cannot give up the partitions while leaving the group");
            }
            return;
        }
        let rebalance = if kind == RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS {
            Rebalance::Given(partitions.elements().iter().map(|it| it.partition()).collect())
        } else {
            Rebalance::Taken { lost: consumer.assignment_lost() }
        };
        lock(&self.rebalances).push_back(rebalance);
    }
}

/// The first record of a transaction that was not delivered.
#[derive(Clone, Debug)]
pub struct Undelivered {
    /// Whether the record is to blame.
    pub fault: SendFault,
    /// The error.
    pub code: RDKafkaErrorCode,
    /// Topic and error, for a dead letter and for the log.
    pub text: String,
}

/// What the brokers refused of one topic in the open transaction.
#[derive(Clone, Debug, Default)]
pub struct Refused {
    /// The topic.
    pub topic: String,
    /// Records were refused for their time.
    pub for_time: bool,
    /// How many records were refused because they, or the batch that they were in, are too large.
    pub too_large: usize,
    /// The bytes of these records.
    pub too_large_bytes: usize,
    /// Records were refused for what they hold. If a batch has several of them, their reports do not say
    /// whether it was for their time.
    pub is_invalid: bool,
    /// One of those had no key.
    pub is_keyless: bool,
}

#[derive(Debug, Default)]
struct Failures {
    first: Option<Undelivered>,
    refused: Vec<Refused>,
}

/// The context of the transactional producer: it remembers failed deliveries.
#[derive(Debug)]
pub struct OutputContext {
    watch: Arc<Watch>,
    has_failed: AtomicBool,
    failures: Mutex<Failures>,
}

impl OutputContext {
    /// Makes the context of a producer whose side channel is `watch`.
    #[must_use]
    pub fn new(watch: Arc<Watch>) -> Self {
        Self { watch, has_failed: AtomicBool::new(false), failures: Mutex::default() }
    }

    /// The side channel of this worker's clients.
    pub fn watch(&self) -> &Arc<Watch> {
        &self.watch
    }

    /// Takes the first failure since the last call.
    pub fn take_failure(&self) -> Option<Undelivered> {
        if !self.has_failed.swap(false, Ordering::AcqRel) {
            return None;
        }
        lock(&self.failures).first.take()
    }

    /// Says whether records were refused for a reason that only the transaction's own error tells.
    pub fn has_invalid(&self) -> bool {
        lock(&self.failures).refused.iter().any(|it| it.is_invalid)
    }

    /// Takes what was refused since the last call.
    pub fn take_refused(&self) -> Vec<Refused> {
        std::mem::take(&mut lock(&self.failures).refused)
    }
}

impl ClientContext for OutputContext {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        self.watch.log(level, facility, line);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.watch.error(&error, reason);
    }
}

impl ProducerContext<NoCustomPartitioner> for OutputContext {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): Self::DeliveryOpaque) {
        let Err((error, record)) = result else { return };
        let code = error.rdkafka_error_code().unwrap_or(RDKafkaErrorCode::Unknown);
        // An abort purges what is queued: that is no failure of its own.
        if matches!(code, RDKafkaErrorCode::PurgeQueue | RDKafkaErrorCode::PurgeInflight) {
            return;
        }
        let mut failures = lock(&self.failures);
        if is_teaching(code) {
            failures.teach(code, record);
        }
        if failures.first.as_ref().is_none_or(|it| weight(it.code) < weight(code)) {
            failures.first = Some(Undelivered {
                fault: delivery_fault(code),
                code,
                text: format!("topic `{}`: {}", record.topic(), describe(error)),
            });
        }
        drop(failures);
        self.has_failed.store(true, Ordering::Release);
    }
}

/// The most telling failure is the one that is remembered.
fn weight(code: RDKafkaErrorCode) -> u8 {
    match delivery_fault(code) {
        SendFault::Refused => 2,
        SendFault::Undelivered => u8::from(is_teaching(code)),
    }
}

impl Failures {
    #[cold]
    fn teach(&mut self, code: RDKafkaErrorCode, record: &BorrowedMessage<'_>) {
        let known = self.refused.iter().position(|it| it.topic == record.topic());
        let index = known.unwrap_or_else(|| {
            self.refused.push(Refused { topic: record.topic().to_owned(), ..Refused::default() });
            self.refused.len() - 1
        });
        let refused = &mut self.refused[index];
        match code {
            RDKafkaErrorCode::InvalidTimestamp => refused.for_time = true,
            RDKafkaErrorCode::InvalidRecord => {
                refused.is_invalid = true;
                refused.is_keyless |= record.key().is_none();
            }
            _ => {
                refused.too_large += 1;
                refused.too_large_bytes += size_of_record(record);
            }
        }
    }
}

fn size_of_record(record: &BorrowedMessage<'_>) -> usize {
    let headers = incoming_headers(record.headers());
    let headers: usize = headers.map(|(name, value)| name.len() + value.map_or(0, <[u8]>::len)).sum();
    record.key().map_or(0, <[u8]>::len) + record.payload_len() + headers
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is behind these locks is replaced whole, so a panic elsewhere leaves it usable.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
