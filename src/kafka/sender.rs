//! A plain producer, for the commands that write records: not part of the routing path.

use std::{sync::Arc, time::Duration};

use rdkafka::{
    error::{KafkaError, RDKafkaErrorCode},
    message::{Header, OwnedHeaders},
    producer::{BaseRecord, Producer, ThreadedProducer},
};

use super::{
    check::not_created,
    clients::{self, ClientRefused},
    context::Watch,
    worker::OutputContext,
};
use crate::{config::Config, route::media_type, ticket::Format};

const QUEUE_FULL_PAUSE: Duration = Duration::from_millis(10);
const FLUSH_TIMEOUT: Duration = Duration::from_secs(60);

/// Records could not be written.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// The client did not take a record.
    #[error("topic `{topic}` does not take the record `{key}`")]
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

/// Writes records, each acknowledged by all in-sync replicas and none twice.
pub struct Sender {
    producer: ThreadedProducer<OutputContext>,
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
        let producer: ThreadedProducer<_> = client
            .create_with_context(OutputContext::new(Arc::clone(&watch)))
            .map_err(|error| not_created("producer", &error))?;
        watch.log_in(producer.client())?;
        Ok(Self { producer })
    }

    /// Queues a record with its `content-type`; waits where the queue is full.
    ///
    /// # Errors
    ///
    /// The client refuses it.
    pub fn send(
        &self,
        topic: &str,
        key: &str,
        value: &[u8],
        format: Option<Format>,
    ) -> Result<(), SendError> {
        self.queue(topic, key.as_bytes(), Some(value), format)
    }

    /// Queues a null value, which removes the key from a compacted topic; waits where the queue is full.
    ///
    /// # Errors
    ///
    /// The client refuses it.
    pub fn remove(&self, topic: &str, key: &[u8]) -> Result<(), SendError> {
        self.queue(topic, key, None, None)
    }

    fn queue(
        &self,
        topic: &str,
        key: &[u8],
        value: Option<&[u8]>,
        format: Option<Format>,
    ) -> Result<(), SendError> {
        loop {
            let mut record = BaseRecord::to(topic).key(key);
            record.payload = value;
            if let Some(format) = format {
                let header = Header { key: "content-type", value: Some(media_type(format)) };
                record = record.headers(OwnedHeaders::new().insert(header));
            }
            match self.producer.send(record) {
                Ok(()) => return Ok(()),
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

    /// Waits until all records are delivered.
    ///
    /// # Errors
    ///
    /// One was not, or the time was too short.
    pub fn finish(self) -> Result<(), SendError> {
        self.producer.flush(FLUSH_TIMEOUT).map_err(|error| SendError::Late(Box::new(error)))?;
        match self.producer.client().context().take_failure() {
            None => Ok(()),
            Some(failure) => Err(SendError::Undelivered(failure.text)),
        }
    }
}
