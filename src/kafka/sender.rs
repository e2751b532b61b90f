//! A plain producer, for the commands that write records: not part of the routing path.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use rdkafka::{
    ClientContext,
    config::RDKafkaLogLevel,
    error::{KafkaError, RDKafkaErrorCode},
    message::{DeliveryResult, Header, Message as _, OwnedHeaders},
    producer::{BaseRecord, NoCustomPartitioner, Producer, ProducerContext, ThreadedProducer},
};

use super::{
    clients::{self, ClientRefused},
    context::Watch,
    error::describe,
};
use crate::{config::Config, route::media_type, ticket::Format};

const QUEUE_FULL_PAUSE: Duration = Duration::from_millis(10);
const FLUSH_TIMEOUT: Duration = Duration::from_secs(60);

/// Records could not be written.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// The client did not take a record.
    #[error("the client refused the record `{key}` for topic `{topic}`")]
    Refused {
        /// The topic.
        topic: String,
        /// The record's key.
        key: String,
        /// Why.
        #[source]
        error: Box<KafkaError>,
    },
    /// The broker did not take a record.
    #[error("a record was not delivered to {0}")]
    Undelivered(String),
    /// Not all records were delivered in time.
    #[error("records are still not delivered after {} s", FLUSH_TIMEOUT.as_secs())]
    Late(#[source] Box<KafkaError>),
}

/// Where the broker put a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The partition.
    pub partition: i32,
    /// The offset.
    pub offset: i64,
}

/// Writes records, each acknowledged by all in-sync replicas and none twice.
pub struct Sender {
    producer: ThreadedProducer<Deliveries>,
    /// How many records were queued.
    queued: usize,
}

impl Sender {
    /// Makes a producer for the config's brokers.
    ///
    /// # Errors
    ///
    /// The settings are refused.
    pub fn new(config: &Config) -> Result<Self, ClientRefused> {
        let mut client = clients::admin(config)?;
        client
            .set("enable.idempotence", "true")
            .set("compression.type", "lz4")
            .set("partitioner", "murmur2_random")
            .set("message.max.bytes", config.limits.max_output_bytes.to_string());
        let watch = Watch::new(&config.kafka.security);
        let context = Deliveries { watch: Arc::clone(&watch), reports: Mutex::default() };
        let producer: ThreadedProducer<_> =
            client.create_with_context(context).map_err(|error| ClientRefused::new("producer", &error))?;
        watch.log_in(producer.client())?;
        Ok(Self { producer, queued: 0 })
    }

    /// Queues a record with its `content-type`; waits if the queue is full.
    ///
    /// # Errors
    ///
    /// The client refuses it.
    pub fn send(
        &mut self,
        topic: &str,
        key: &str,
        value: &[u8],
        format: Option<Format>,
    ) -> Result<(), SendError> {
        self.queue(topic, key.as_bytes(), Some(value), format)
    }

    /// Queues a null value, which removes the key from a compacted topic; waits if the queue is full.
    ///
    /// # Errors
    ///
    /// The client refuses it.
    pub fn remove(&mut self, topic: &str, key: &[u8]) -> Result<(), SendError> {
        self.queue(topic, key, None, None)
    }

    fn queue(
        &mut self,
        topic: &str,
        key: &[u8],
        value: Option<&[u8]>,
        format: Option<Format>,
    ) -> Result<(), SendError> {
        loop {
            let mut record = BaseRecord::with_opaque_to(topic, self.queued).key(key);
            record.payload = value;
            if let Some(format) = format {
                let header = Header { key: "content-type", value: Some(media_type(format)) };
                record = record.headers(OwnedHeaders::new().insert(header));
            }
            match self.producer.send(record) {
                Ok(()) => {
                    self.queued += 1;
                    return Ok(());
                }
                Err((error, _)) if error.rdkafka_error_code() == Some(RDKafkaErrorCode::QueueFull) => {
                    std::thread::sleep(QUEUE_FULL_PAUSE);
                }
                Err((error, _)) => {
                    return Err(SendError::Refused {
                        topic: topic.to_owned(),
                        key: key.escape_ascii().to_string(),
                        error: Box::new(error),
                    });
                }
            }
        }
    }

    /// Waits until all records are delivered, and returns where those since the last call are, in the order in which
    /// they were queued.
    ///
    /// # Errors
    ///
    /// One was not, or the time was too short.
    pub fn delivered(&self) -> Result<Vec<Place>, SendError> {
        self.producer.flush(FLUSH_TIMEOUT).map_err(|error| SendError::Late(Box::new(error)))?;
        let reports = std::mem::take(&mut *self.producer.context().lock());
        if let Some(failure) = reports.failure {
            return Err(SendError::Undelivered(failure));
        }
        let mut places = reports.places;
        places.sort_unstable_by_key(|(number, _)| *number);
        Ok(places.into_iter().map(|(_, place)| place).collect())
    }

    /// Waits until all records are delivered.
    ///
    /// # Errors
    ///
    /// As [`delivered`](Self::delivered).
    pub fn finish(self) -> Result<(), SendError> {
        self.delivered().map(drop)
    }
}

/// Keeps what the brokers answer.
struct Deliveries {
    watch: Arc<Watch>,
    reports: Mutex<Reports>,
}

#[derive(Default)]
struct Reports {
    /// Each with the number of its record.
    places: Vec<(usize, Place)>,
    /// The first record that was not delivered: topic and cause.
    failure: Option<String>,
}

impl Deliveries {
    fn lock(&self) -> std::sync::MutexGuard<'_, Reports> {
        self.reports.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ClientContext for Deliveries {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        self.watch.log(level, facility, line);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.watch.error(&error, reason);
    }
}

impl ProducerContext<NoCustomPartitioner> for Deliveries {
    type DeliveryOpaque = usize;

    fn delivery(&self, result: &DeliveryResult<'_>, number: usize) {
        let mut reports = self.lock();
        match result {
            Ok(record) => {
                let place = Place { partition: record.partition(), offset: record.offset() };
                reports.places.push((number, place));
            }
            Err((error, record)) => {
                reports
                    .failure
                    .get_or_insert_with(|| format!("topic `{}`: {}", record.topic(), describe(error)));
            }
        }
    }
}
