use std::collections::HashMap;
use std::sync::Arc;

use futures_executor::block_on;
use rdkafka::admin::{AdminOptions, OwnedResourceSpecifier, ResourceSpecifier};
use rdkafka::consumer::Consumer as _;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use super::{Consumer, Deadline, Report, TRY_AGAIN, Use, admin_client, cause, needed, outgoing};
use crate::config::Config;
use crate::kafka::clients::ClientRefused;
use crate::kafka::context::Watch;

/// One topic as the brokers have it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TopicState {
    /// The setting that names it.
    pub key: &'static str,
    /// Its name.
    pub name: String,
    /// What it is for.
    pub purpose: Use,
    /// Number of partitions; 0 where the topic is not there, or not shown to us.
    pub partitions: usize,
    /// The smallest number of replicas of a partition.
    pub replicas: usize,
    /// Why there are no partitions to see.
    pub missing: Option<RDKafkaErrorCode>,
    /// Partitions without a leader.
    pub leaderless: Vec<i32>,
    /// Its settings, where we may read them.
    pub settings: Option<HashMap<String, String>>,
}

impl TopicState {
    /// Returns a setting that is a number.
    pub fn number(&self, name: &str) -> Option<usize> {
        self.settings.as_ref()?.get(name)?.parse().ok()
    }

    /// Says whether old records of a key are removed, if that is known.
    pub fn is_compacted(&self) -> Option<bool> {
        Some(self.settings.as_ref()?.get("cleanup.policy")?.contains("compact"))
    }
}

pub(super) fn check(
    config: &Config,
    consumer: &Consumer,
    watch: &Arc<Watch>,
    deadline: Deadline,
    report: &mut Report,
) -> Result<Vec<TopicState>, ClientRefused> {
    let topics = states(config, consumer, watch, deadline, report)?;
    for topic in &topics {
        presence(topic, report);
        if topic.missing.is_none() {
            durability(topic, report);
            cleaning(topic, report);
            partitions(topic, report);
            outgoing::check(config, topic, report);
        }
        if topic.purpose == Use::Incoming && topic.missing.is_none() && topic.partitions < config.worker.count
        {
            let (partitions, count) = (topic.partitions, config.worker.count);
            report.warning(
                format!("topic `{}` has {partitions} partition(s) for {count} workers: the others stand idle", topic.name),
                "lower `worker.count`, or give the topic more partitions (that changes which partition a key goes to)",
            );
        }
    }
    Ok(topics)
}

pub(super) fn check_catalog(config: &Config, consumer: &Consumer, deadline: Deadline, report: &mut Report) {
    for (key, name) in config.catalog.topics.named() {
        let topic = state(consumer, key, name, Use::Catalog, deadline);
        presence(&topic, report);
        partitions(&topic, report);
    }
}

pub(super) fn check_presence(
    wanted: &[(&'static str, &str, Use)],
    consumer: &Consumer,
    deadline: Deadline,
    report: &mut Report,
) {
    for &(key, name, purpose) in wanted {
        presence(&state(consumer, key, name, purpose, deadline), report);
    }
}

pub(super) fn states(
    config: &Config,
    consumer: &Consumer,
    watch: &Arc<Watch>,
    deadline: Deadline,
    report: &mut Report,
) -> Result<Vec<TopicState>, ClientRefused> {
    let mut topics: Vec<_> = needed(config)
        .into_iter()
        .map(|(key, name, purpose)| state(consumer, key, name, purpose, deadline))
        .collect();
    settings(config, watch, deadline, &mut topics, report)?;
    Ok(topics)
}

fn state(consumer: &Consumer, key: &'static str, name: &str, purpose: Use, deadline: Deadline) -> TopicState {
    let mut state = TopicState {
        key,
        name: name.to_owned(),
        purpose,
        partitions: 0,
        replicas: 0,
        missing: None,
        leaderless: Vec::new(),
        settings: None,
    };
    let metadata = match consumer.fetch_metadata(Some(name), deadline.step()) {
        Ok(metadata) => metadata,
        Err(error) => {
            state.missing = Some(super::code(&error).unwrap_or(RDKafkaErrorCode::Unknown));
            return state;
        }
    };
    let Some(topic) = metadata.topics().iter().find(|topic| topic.name() == name) else {
        state.missing = Some(RDKafkaErrorCode::UnknownTopicOrPartition);
        return state;
    };
    state.missing = topic.error().map(RDKafkaErrorCode::from);
    state.partitions = topic.partitions().len();
    state.replicas = topic.partitions().iter().map(|partition| partition.replicas().len()).min().unwrap_or(0);
    state.leaderless = topic
        .partitions()
        .iter()
        .filter(|partition| partition.leader() < 0)
        .map(|partition| partition.id())
        .collect();
    state
}

fn settings(
    config: &Config,
    watch: &Arc<Watch>,
    deadline: Deadline,
    topics: &mut [TopicState],
    report: &mut Report,
) -> Result<(), ClientRefused> {
    let client = admin_client(config, watch)?;
    // One topic a request: a request for several has one answer, and one missing right would hide all.
    for topic in topics.iter_mut().filter(|topic| topic.missing.is_none()) {
        let wanted = [ResourceSpecifier::Topic(&topic.name)];
        let options = AdminOptions::new().request_timeout(Some(deadline.step()));
        let answer = block_on(client.describe_configs(&wanted, &options));
        let refused = match answer.map(|mut all| all.pop()) {
            // Without the right the answer names the topic, and holds nothing.
            Ok(Some(Ok(found)))
                if matches!(&found.specifier, OwnedResourceSpecifier::Topic(_))
                    && !found.entries.is_empty() =>
            {
                let settings = found.entries.into_iter().filter_map(|entry| Some((entry.name, entry.value?)));
                topic.settings = Some(settings.collect());
                continue;
            }
            Ok(Some(Err(code))) => code.to_string(),
            Ok(_) => "no settings in the answer".to_owned(),
            Err(error) => cause(&error),
        };
        report.info(format!(
            "the settings of topic `{}` cannot be read ({refused}), so its compaction, room and times are unchecked; the right DESCRIBE_CONFIGS would let them be",
            topic.name
        ));
    }
    Ok(())
}

fn presence(topic: &TopicState, report: &mut Report) {
    let (name, key) = (&topic.name, topic.key);
    match topic.missing {
        None => {}
        Some(RDKafkaErrorCode::UnknownTopicOrPartition | RDKafkaErrorCode::UnknownTopic) => report.error(
            format!("topic `{name}` (`{key}`) does not exist"),
            "run `ticket-router topics create`, or correct the name",
        ),
        Some(RDKafkaErrorCode::TopicAuthorizationFailed) => {
            let right = if topic.purpose == Use::Output { "WRITE" } else { "READ" };
            report.error(
                format!("topic `{name}` (`{key}`) is not shown to this user"),
                format!("give it the right {right} on the topic"),
            );
        }
        Some(other) => report.failure(
            format!("topic `{name}` (`{key}`) cannot be checked: {other}"),
            &KafkaError::MetadataFetch(other),
            TRY_AGAIN,
        ),
    }
    for partition in &topic.leaderless {
        report.outage(
            format!(
                "partition {partition} of topic `{name}` has no leader: it can be neither read nor written"
            ),
            "bring back the brokers that hold it",
        );
    }
}

fn durability(topic: &TopicState, report: &mut Report) {
    let (name, replicas, partitions) = (&topic.name, topic.replicas, topic.partitions);
    let in_sync = topic.number("min.insync.replicas");
    let in_sync_text =
        in_sync.map_or_else(String::new, |least| format!(", {least} of them in sync to write"));
    report.info(format!("topic `{name}`: {partitions} partition(s), {replicas} replica(s){in_sync_text}"));
    match in_sync {
        Some(least) if least > replicas => report.error(
            format!("topic `{name}` has {replicas} replica(s) and `min.insync.replicas` {least}: nothing can be written"),
            "lower `min.insync.replicas` of the topic, or add replicas",
        ),
        Some(least) if least == replicas && replicas > 1 => report.warning(
            format!("topic `{name}` has {replicas} replicas and `min.insync.replicas` {least}: one broker down stops writing"),
            format!("set `min.insync.replicas` to {}", replicas - 1),
        ),
        _ => {}
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

fn partitions(topic: &TopicState, report: &mut Report) {
    if topic.purpose == Use::Catalog && topic.partitions > 1 {
        let (text, remedy) = one_partition(&topic.name, topic.partitions);
        report.error(text, remedy);
    }
}

fn cleaning(topic: &TopicState, report: &mut Report) {
    let name = &topic.name;
    let Some(policy) = topic.settings.as_ref().and_then(|settings| settings.get("cleanup.policy")) else {
        return;
    };
    match (topic.purpose, topic.is_compacted()) {
        (Use::Catalog, Some(false)) => report.error(
            format!("topic `{name}` has `cleanup.policy={policy}`: records of the catalog vanish with age"),
            "set `cleanup.policy=compact` on the topic",
        ),
        (Use::Catalog, _) if policy.contains("delete") => report.warning(
            format!("topic `{name}` has `cleanup.policy={policy}`: records of the catalog vanish with age"),
            "set `cleanup.policy=compact` on the topic",
        ),
        (Use::Incoming, Some(true)) => report.warning(
            format!("topic `{name}` has `cleanup.policy={policy}`: of tickets with the same key only the last stays"),
            "set `cleanup.policy=delete` on the topic",
        ),
        _ => {}
    }
}
