//! Creates the topics that are missing. It never changes an existing one.

use std::{
    fmt, thread,
    time::{Duration, Instant},
};

use futures_executor::block_on;
use rdkafka::{
    admin::{AdminClient, AdminOptions, NewTopic, TopicReplication},
    error::RDKafkaErrorCode,
};

use super::{
    check::{Finding, Report, Severity, topic_states},
    clients::ClientRefused,
    connect,
    context::{Context, Watch},
    error::{describe, is_missing_topic},
    topics::{TopicState, Use},
};
use crate::{config::Config, console::count};

/// How new topics are made.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Plan {
    /// Partitions of the incoming and the outgoing topics; the catalog's have one each.
    pub partitions: usize,
    /// Copies of each partition; `None` takes the brokers' default.
    pub replication_factor: Option<usize>,
}

/// What became of one topic.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Outcome {
    /// It was created.
    Created {
        /// Its name.
        topic: String,
        /// Its partitions.
        partitions: usize,
    },
    /// It exists, and is as it would have been created.
    Kept {
        /// Its name.
        topic: String,
    },
    /// It exists, and stays as it is.
    Differs {
        /// Its name.
        topic: String,
        /// Each difference: what it is, and what it would have been.
        differences: Vec<String>,
    },
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Created { topic, partitions } => {
                write!(f, "created `{topic}`, {}", count(*partitions as u64, "partition"))
            }
            Self::Kept { topic } => write!(f, "kept `{topic}`"),
            Self::Differs { topic, differences } => {
                write!(f, "kept `{topic}` as it is, though it differs: {}", differences.join(", "))
            }
        }
    }
}

/// Creates what is missing, and reports how the others differ. Running it again changes nothing.
///
/// What could not be done is an error in `report`.
///
/// # Errors
/// [`ClientRefused`] if the settings do not make a client.
pub fn create(config: &Config, plan: Plan, report: &mut Report) -> Result<Vec<Outcome>, ClientRefused> {
    let Some(topics) = topic_states(config, report)? else { return Ok(Vec::new()) };
    let client = connect::admin(config, &Watch::new(&config.kafka.security))?;
    let mut outcomes = Vec::new();
    for topic in &topics {
        match topic.missing {
            None => outcomes.push(compare(config, plan, topic)),
            Some(code) if is_missing_topic(code) => {
                match make(config, plan, topic, &client) {
                    Ok(outcome) => outcomes.push(outcome),
                    Err(cause) => report.findings.push(Finding {
                        severity: Severity::Error,
                        text: format!("cannot create topic `{}`: {cause}", topic.name),
                        remedy: "grant this user CREATE on the topic or the cluster, and run at least as many brokers as `--replication-factor` says".to_owned(),
                    }),
                }
            }
            Some(code) => report.findings.push(Finding {
                severity: Severity::Error,
                text: format!("cannot describe topic `{}`: {code}", topic.name),
                remedy: "grant this user DESCRIBE and CREATE on the topic".to_owned(),
            }),
        }
    }
    if outcomes.iter().any(|outcome| matches!(outcome, Outcome::Created { .. })) {
        wait_until_visible(config)?;
    }
    Ok(outcomes)
}

/// Waits until every broker knows the new topics. The controller creates a topic before that, and until then
/// a broker may answer that it does not exist.
fn wait_until_visible(config: &Config) -> Result<(), ClientRefused> {
    let deadline = Instant::now() + config.startup.deadline_of_command();
    loop {
        let topics = topic_states(config, &mut Report::default())?;
        let is_visible = |it: &TopicState| it.missing.is_none() && it.leaderless.is_empty();
        if topics.is_some_and(|it| it.iter().all(is_visible)) || Instant::now() >= deadline {
            return Ok(());
        }
        thread::sleep(Duration::from_millis(100));
    }
}

fn make(
    config: &Config,
    plan: Plan,
    topic: &TopicState,
    client: &AdminClient<Context>,
) -> Result<Outcome, String> {
    let partitions = partitions(plan, topic.purpose);
    let settings = settings(config, topic.purpose);
    let replicas = plan.replication_factor.map_or(-1, |factor| i32::try_from(factor).unwrap_or(i32::MAX));
    let count = i32::try_from(partitions).unwrap_or(i32::MAX);
    let new = NewTopic::new(&topic.name, count, TopicReplication::Fixed(replicas));
    let new = settings.iter().fold(new, |new, (name, value)| new.set(name, value));
    let options = AdminOptions::new()
        .request_timeout(Some(config.startup.deadline_of_command()))
        .operation_timeout(Some(config.startup.deadline_of_command()));
    let made = block_on(client.create_topics([&new], &options)).map_err(|error| describe(&error))?;
    match made.into_iter().next() {
        Some(Ok(_)) => Ok(Outcome::Created { topic: topic.name.clone(), partitions }),
        // Another copy was faster.
        Some(Err((_, RDKafkaErrorCode::TopicAlreadyExists))) => {
            Ok(Outcome::Kept { topic: topic.name.clone() })
        }
        Some(Err((_, code))) => Err(code.to_string()),
        None => Err("no answer".to_owned()),
    }
}

fn compare(config: &Config, plan: Plan, topic: &TopicState) -> Outcome {
    let mut differences = Vec::new();
    let wanted = partitions(plan, topic.purpose);
    if topic.partitions != wanted {
        differences.push(format!("{}, not {wanted}", count(topic.partitions as u64, "partition")));
    }
    if let Some(factor) = plan.replication_factor.filter(|factor| *factor != topic.replicas) {
        differences.push(format!("{}, not {factor}", count(topic.replicas as u64, "replica")));
    }
    for (name, wanted) in settings(config, topic.purpose) {
        let found = topic.settings.as_ref().and_then(|settings| settings.get(name));
        if let Some(found) = found.filter(|found| **found != wanted) {
            differences.push(format!("`{name}={found}`, not `{wanted}`"));
        }
    }
    let topic = topic.name.clone();
    if differences.is_empty() { Outcome::Kept { topic } } else { Outcome::Differs { topic, differences } }
}

fn partitions(plan: Plan, purpose: Use) -> usize {
    match purpose {
        Use::Incoming | Use::Output => plan.partitions,
        Use::Catalog => 1,
    }
}

// Headers and the batch's own frame come on top of the value; 64 KiB covers 64 headers of 1 KiB.
const FRAME_BYTES: usize = 65_536;

fn settings(config: &Config, purpose: Use) -> Vec<(&'static str, String)> {
    let policy = if purpose == Use::Catalog { "compact" } else { "delete" };
    let mut settings = vec![("cleanup.policy", policy.to_owned())];
    match purpose {
        Use::Incoming => {
            settings.push(("max.message.bytes", (config.limits.max_record_bytes + FRAME_BYTES).to_string()));
        }
        Use::Output => settings.push(("max.message.bytes", config.limits.max_output_bytes.to_string())),
        Use::Catalog => {}
    }
    settings
}
