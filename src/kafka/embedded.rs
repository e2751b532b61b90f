//! A broker inside this process: librdkafka's mock cluster.
//!
//! It answers groups and transactions, but shows what was aborted, fences nobody and keeps nothing: it is for looking, and
//! proves nothing about exactly-once.

use rdkafka::{error::KafkaError, mocking::MockCluster};

use crate::{
    config::Config,
    kafka::check::{Use, needed},
};

/// A running mock cluster with one broker; it ends when it is dropped.
pub struct Embedded {
    cluster: MockCluster<'static, rdkafka::producer::DefaultProducerContext>,
}

impl Embedded {
    /// Starts the cluster on a port of the loopback interface.
    ///
    /// # Errors
    ///
    /// librdkafka could not start it.
    pub fn start() -> Result<Self, KafkaError> {
        Ok(Self { cluster: MockCluster::new(1)? })
    }

    /// Its address.
    #[must_use]
    pub fn bootstrap_servers(&self) -> String {
        self.cluster.bootstrap_servers()
    }

    /// Creates the topics of a config.
    ///
    /// # Errors
    ///
    /// librdkafka refuses a topic.
    pub fn create_topics(&self, config: &Config, partitions: i32) -> Result<(), KafkaError> {
        needed(config).into_iter().try_for_each(|(_, name, role)| {
            self.cluster.create_topic(name, if role == Use::Catalog { 1 } else { partitions }, 1)
        })
    }
}
