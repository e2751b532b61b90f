//! A producer that loses nothing in silence.

use std::{
    ops::Deref,
    sync::{Mutex, PoisonError},
    thread,
    time::Duration,
};

use anyhow::{Result, ensure};
use rdkafka::{
    ClientConfig, ClientContext,
    error::{KafkaError, RDKafkaErrorCode},
    message::{DeliveryResult, ToBytes},
    producer::{BaseRecord, NoCustomPartitioner, Producer, ProducerContext, ThreadedProducer},
};

const QUEUE_FULL_PAUSE: Duration = Duration::from_millis(5);
const FLUSH_DEADLINE: Duration = Duration::from_secs(120);

/// Produces records; keys decide the partition as they do in Java.
pub struct Sender(ThreadedProducer<Failures>);

/// The errors of records that were not delivered.
#[derive(Default)]
pub struct Failures(Mutex<Vec<String>>);

impl Sender {
    /// A producer with these settings beside the usual ones.
    ///
    /// # Errors
    /// librdkafka does not take a setting.
    pub fn new(bootstrap: &str, settings: &[(&str, &str)]) -> Result<Self> {
        let mut config = ClientConfig::new();
        config
            .set("bootstrap.servers", bootstrap)
            .set("enable.idempotence", "true")
            .set("partitioner", "murmur2_random")
            .set("topic.metadata.refresh.interval.ms", "5000")
            .set("delivery.report.only.error", "true");
        for (name, value) in settings {
            config.set(*name, *value);
        }
        Ok(Self(config.create_with_context(Failures::default())?))
    }

    /// Hands over one record, which arrives some time later; waits while the queue is full.
    ///
    /// # Errors
    /// The record is refused.
    pub fn send<K: ToBytes + ?Sized, V: ToBytes + ?Sized>(
        &self,
        mut record: BaseRecord<'_, K, V>,
    ) -> Result<()> {
        while let Err((error, back)) = self.0.send(record) {
            if error != KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull) {
                return Err(error.into());
            }
            record = back;
            thread::sleep(QUEUE_FULL_PAUSE);
        }
        Ok(())
    }

    /// Waits until the brokers have all records.
    ///
    /// # Errors
    /// They do not take all of them in time.
    pub fn flush(&self) -> Result<()> {
        self.0.flush(FLUSH_DEADLINE)?;
        let failed = std::mem::take(&mut *self.context().0.lock().unwrap_or_else(PoisonError::into_inner));
        ensure!(
            failed.is_empty(),
            "the brokers did not take {} records; the first error: {}",
            failed.len(),
            failed[0]
        );
        Ok(())
    }
}

/// The producer itself, for its transactions.
impl Deref for Sender {
    type Target = ThreadedProducer<Failures>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl ClientContext for Failures {}

impl ProducerContext<NoCustomPartitioner> for Failures {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): Self::DeliveryOpaque) {
        if let Err((error, _)) = result {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).push(error.to_string());
        }
    }
}
