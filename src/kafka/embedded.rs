//! A broker inside this process: librdkafka's mock cluster.
//!
//! It supports groups and transactions, but shows aborted records, fences nobody and keeps nothing. Use it to try
//! things out: it proves nothing about exactly-once.

use rdkafka::{error::KafkaError, mocking::MockCluster};

use crate::{
    config::Config,
    kafka::topics::{Use, needed},
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        catalog::{Catalog, Encodings},
        kafka::{context::Watch, feed::Feed},
    };

    #[test]
    fn the_catalog_can_be_restored_from_it_though_it_has_no_controller() {
        let broker = Embedded::start().unwrap();
        let mut config = Config::default();
        config.kafka.bootstrap_servers = broker.bootstrap_servers();
        broker.create_topics(&config, 1).unwrap();
        let (_catalog, writer) = Catalog::new(Encodings::JSON);
        let watch = Watch::new(&config.kafka.security);
        let feed = Feed::new(&config, writer, &watch, &Arc::default(), &Arc::default()).unwrap();
        let restored = feed.restore_once().unwrap();
        assert_eq!(restored.snapshot.counts(), Default::default());
        assert!(restored.bad.is_empty() && restored.open.is_empty());
    }
}
