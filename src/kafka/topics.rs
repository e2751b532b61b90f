//! The topics that the config names, and each as the brokers have it.

use std::{collections::HashMap, time::Duration};

use rdkafka::{
    consumer::{BaseConsumer, Consumer},
    error::RDKafkaErrorCode,
};

use super::{context::Context, error::code};
use crate::config::Config;

/// What a topic is for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Use {
    /// Tickets come from it.
    Incoming,
    /// Tickets go to it.
    Output,
    /// It holds a part of the catalog.
    Catalog,
}

/// Returns the topics that the config names: key of the setting, name, use.
pub fn needed(config: &Config) -> Vec<(&'static str, &str, Use)> {
    let mut topics = vec![("topics.incoming", config.topics.incoming.as_str(), Use::Incoming)];
    topics.extend(config.topics.outputs().map(|(key, name)| (key, name, Use::Output)));
    topics.extend(config.catalog.compacted().into_iter().map(|(key, name)| (key, name, Use::Catalog)));
    topics
}

/// One topic as the brokers have it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TopicState {
    /// The setting that names it.
    pub key: &'static str,
    /// Its name.
    pub name: String,
    /// What it is for.
    pub purpose: Use,
    /// Number of partitions; 0 if the topic does not exist, or is not shown to us.
    pub partitions: usize,
    /// The smallest number of replicas of a partition.
    pub replicas: usize,
    /// Why there are no partitions to see.
    pub missing: Option<RDKafkaErrorCode>,
    /// Partitions without a leader.
    pub leaderless: Vec<i32>,
    /// Its settings, if we may read them.
    pub settings: Option<HashMap<String, String>>,
}

impl TopicState {
    /// Returns a setting that is a number.
    pub fn number(&self, name: &str) -> Option<usize> {
        self.settings.as_ref()?.get(name)?.parse().ok()
    }

    /// Whether old records of a key are removed, if that is known.
    pub fn is_compacted(&self) -> Option<bool> {
        Some(self.settings.as_ref()?.get("cleanup.policy")?.contains("compact"))
    }

    /// Asks the brokers about a topic.
    pub(super) fn of(
        consumer: &BaseConsumer<Context>,
        (key, name, purpose): (&'static str, &str, Use),
        timeout: Duration,
    ) -> Self {
        let mut state = Self {
            key,
            name: name.to_owned(),
            purpose,
            partitions: 0,
            replicas: 0,
            missing: None,
            leaderless: Vec::new(),
            settings: None,
        };
        let metadata = match consumer.fetch_metadata(Some(name), timeout) {
            Ok(metadata) => metadata,
            Err(error) => {
                state.missing = Some(code(&error).unwrap_or(RDKafkaErrorCode::Unknown));
                return state;
            }
        };
        let Some(topic) = metadata.topics().iter().find(|topic| topic.name() == name) else {
            state.missing = Some(RDKafkaErrorCode::UnknownTopicOrPartition);
            return state;
        };
        state.missing = topic.error().map(RDKafkaErrorCode::from);
        state.partitions = topic.partitions().len();
        state.replicas =
            topic.partitions().iter().map(|partition| partition.replicas().len()).min().unwrap_or(0);
        state.leaderless = topic
            .partitions()
            .iter()
            .filter(|partition| partition.leader() < 0)
            .map(|partition| partition.id())
            .collect();
        state
    }
}

/// Says what is wrong with a catalog topic of several partitions, and what to do.
///
/// The newest record by its timestamp is no way out: clocks lie, and compaction takes removals away.
pub(crate) fn one_partition(topic: &str, partitions: usize) -> (String, String) {
    (
        format!(
            "catalog topic `{topic}` has {partitions} partitions and must have one: with several, an old record can take the place of a newer one"
        ),
        "delete it, create it with one partition (`ticket-router topics create`), and write the catalog again from a copy that you trust (`ticket-router catalog load DIR`)"
            .to_owned(),
    )
}
