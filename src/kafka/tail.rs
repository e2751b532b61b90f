//! Reads what is written to some topics, for a person to see: not part of the routing path.

use std::{sync::Arc, time::Duration};

use rdkafka::{
    TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
    error::KafkaError,
    message::Message,
    topic_partition_list::Offset,
};

use super::{
    check::not_created,
    clients::{self, ClientRefused},
    context::{Context, Watch},
    ffi::incoming_headers,
};
use crate::config::Config;

const METADATA_TIMEOUT: Duration = Duration::from_secs(10);

/// The topics cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum TailError {
    /// The settings are refused.
    #[error(transparent)]
    Client(#[from] ClientRefused),
    /// Where to start is not known.
    #[error("the topics cannot be read")]
    Assign(#[from] KafkaError),
}

/// A consumer of all partitions of some topics that belongs to no group and commits nothing.
pub struct Tail {
    consumer: BaseConsumer<Context>,
}

/// A record, copied.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// Its topic.
    pub topic: String,
    /// Its value; empty where there is none.
    pub value: Vec<u8>,
    /// Its headers with UTF-8 names and values; others are left out.
    pub headers: Vec<(String, String)>,
}

impl Tail {
    /// Starts to read what comes from now on.
    ///
    /// # Errors
    ///
    /// The settings are refused, or the topics are not there.
    pub fn from_now(config: &Config, topics: &[&str]) -> Result<Self, TailError> {
        let client = clients::catalog_consumer(config).map_err(ClientRefused::from)?;
        let watch = Watch::new(&config.kafka.security);
        let consumer: BaseConsumer<Context> = client
            .create_with_context(Context(Arc::clone(&watch)))
            .map_err(|error| not_created("consumer", &error))?;
        watch.log_in(consumer.client())?;
        let mut assignment = TopicPartitionList::new();
        for topic in topics {
            let metadata = consumer.fetch_metadata(Some(topic), METADATA_TIMEOUT)?;
            for partition in metadata.topics().iter().flat_map(|it| it.partitions()) {
                // A number, not "the end": that would be looked up with the first fetch, which may come after the
                // first record.
                let (_, high) = consumer.fetch_watermarks(topic, partition.id(), METADATA_TIMEOUT)?;
                assignment.add_partition_offset(topic, partition.id(), Offset::Offset(high))?;
            }
        }
        consumer.assign(&assignment)?;
        Ok(Self { consumer })
    }

    /// Waits for the next record; `None` where none came in time.
    #[must_use]
    pub fn next(&self, wait: Duration) -> Option<Seen> {
        let message = self.consumer.poll(wait)?.ok()?;
        let text = |bytes: &[u8]| std::str::from_utf8(bytes).map(str::to_owned).ok();
        Some(Seen {
            topic: message.topic().to_owned(),
            value: message.payload().unwrap_or_default().to_owned(),
            headers: incoming_headers(message.headers())
                .filter_map(|(name, value)| Some((text(name)?, text(value?)?)))
                .collect(),
        })
    }
}
