//! Do the topics exist, and are they as they must be?

use std::sync::Arc;

use futures_executor::block_on;
use rdkafka::admin::{AdminOptions, OwnedResourceSpecifier, ResourceSpecifier};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use super::{Consumer, Deadline, Report, TRY_AGAIN, outgoing};
use crate::{
    config::Config,
    console::count,
    kafka::{
        clients::ClientRefused,
        connect,
        context::Watch,
        error::{describe, is_missing_topic},
        topics::{TopicState, Use, needed, one_partition},
    },
};

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
            let partitions = count(topic.partitions as u64, "partition");
            let workers = config.worker.count;
            report.warning(
                format!("topic `{}` has {partitions} for {workers} workers: the others stand idle", topic.name),
                "lower `worker.count`, or give the topic more partitions (that changes which partition a key goes to)",
            );
        }
    }
    Ok(topics)
}

pub(super) fn check_catalog(config: &Config, consumer: &Consumer, deadline: Deadline, report: &mut Report) {
    for (key, name) in config.catalog.topics.named() {
        let topic = TopicState::of(consumer, (key, name, Use::Catalog), deadline.step());
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
        presence(&TopicState::of(consumer, (key, name, purpose), deadline.step()), report);
    }
}

pub(super) fn states(
    config: &Config,
    consumer: &Consumer,
    watch: &Arc<Watch>,
    deadline: Deadline,
    report: &mut Report,
) -> Result<Vec<TopicState>, ClientRefused> {
    let mut topics: Vec<_> =
        needed(config).into_iter().map(|topic| TopicState::of(consumer, topic, deadline.step())).collect();
    settings(config, watch, deadline, &mut topics, report)?;
    Ok(topics)
}

fn settings(
    config: &Config,
    watch: &Arc<Watch>,
    deadline: Deadline,
    topics: &mut [TopicState],
    report: &mut Report,
) -> Result<(), ClientRefused> {
    let client = connect::admin(config, watch)?;
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
            Err(error) => describe(&error),
        };
        report.info(format!(
            "cannot read the settings of topic `{}` ({refused}), so its compaction, record size and times are unchecked; grant DESCRIBE_CONFIGS to check them",
            topic.name
        ));
    }
    Ok(())
}

fn presence(topic: &TopicState, report: &mut Report) {
    let (name, key) = (&topic.name, topic.key);
    match topic.missing {
        None => {}
        Some(code) if is_missing_topic(code) => report.error(
            format!("topic `{name}` (`{key}`) does not exist"),
            "run `ticket-router topics create`, or correct the name",
        ),
        Some(RDKafkaErrorCode::TopicAuthorizationFailed) => {
            let right = if topic.purpose == Use::Output { "WRITE" } else { "READ" };
            report.error(
                format!("topic `{name}` (`{key}`) is hidden from this user"),
                format!("grant it the right {right} on the topic"),
            );
        }
        Some(other) => report.failure(
            format!("cannot check topic `{name}` (`{key}`): {other}"),
            &KafkaError::MetadataFetch(other),
            TRY_AGAIN,
        ),
    }
    for partition in &topic.leaderless {
        report.outage(
            format!("partition {partition} of topic `{name}` has no leader: nobody can read or write it"),
            "bring back the brokers that hold it",
        );
    }
}

fn durability(topic: &TopicState, report: &mut Report) {
    let (name, replicas, partitions) = (&topic.name, topic.replicas, topic.partitions);
    let in_sync = topic.number("min.insync.replicas");
    let in_sync_text =
        in_sync.map_or_else(String::new, |least| format!(", {least} of them in sync to write"));
    let (partitions, copies) = (count(partitions as u64, "partition"), count(replicas as u64, "replica"));
    report.info(format!("topic `{name}`: {partitions}, {copies}{in_sync_text}"));
    match in_sync {
        Some(least) if least > replicas => report.error(
            format!("topic `{name}` has {copies} and `min.insync.replicas` {least}: nothing can be written"),
            "lower `min.insync.replicas` of the topic, or add replicas",
        ),
        Some(least) if least == replicas && replicas > 1 => report.warning(
            format!("topic `{name}` has {replicas} replicas and `min.insync.replicas` {least}: one broker down stops writing"),
            format!("set `min.insync.replicas` to {}", replicas - 1),
        ),
        _ => {}
    }
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
            format!("topic `{name}` has `cleanup.policy={policy}`: only the last ticket of each key stays"),
            "set `cleanup.policy=delete` on the topic",
        ),
        _ => {}
    }
}
