//! The check before the first ticket: is the broker there, does it let us in, are the topics as they must be, do
//! we have the rights, and does the group know where to go on. One line a finding, each with what to do.

mod advertised;
mod brokers;
mod offsets;
mod outgoing;
mod report;
mod rights;
mod topics;

use std::{
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use rdkafka::consumer::{BaseConsumer, Consumer as _};

use super::{
    clients::{self, ClientRefused},
    connect,
    context::{Context, Watch},
    identity::Identity,
    topics::{TopicState, Use},
};
use crate::config::Config;

pub use report::{Finding, Report, Severity};

/// Checks all that a command needs of the cluster. Takes at most `startup.deadline_ms`, usually well under a second.
///
/// # Errors
///
/// As [`wait`].
pub fn check(config: &Config, identity: &Identity) -> Result<Report, ClientRefused> {
    let watch = Watch::new(&config.kafka.security);
    check_once(config, identity, &watch, Deadline::of_command(config), &|_| {})
}

/// Checks all that `run` needs of the cluster, again and again while the brokers are away, until
/// `startup.deadline_ms` is over. Tells
/// `awaits` what it waits for.
///
/// Blocks; not for a thread of an async runtime. It leaves nothing behind that a consumer could see: rights are
/// probed with a transaction that is aborted before its records are sent.
///
/// # Errors
///
/// [`ClientRefused`] if the settings do not make a client (exit 64).
pub fn wait(
    config: &Config,
    identity: &Identity,
    watch: &Arc<Watch>,
    awaits: Awaits<'_>,
) -> Result<Report, ClientRefused> {
    let deadline = Deadline::of_service(config);
    loop {
        let report = check_once(config, identity, watch, deadline, awaits)?;
        if !report.is_outage() || deadline.is_over() {
            return Ok(report);
        }
        let outage = report.findings.iter().find(|it| it.severity == Severity::Outage);
        awaits(outage.map_or_else(String::new, |it| it.text.clone()));
        thread::sleep(AGAIN);
    }
}

fn check_once(
    config: &Config,
    identity: &Identity,
    watch: &Arc<Watch>,
    deadline: Deadline,
    awaits: Awaits<'_>,
) -> Result<Report, ClientRefused> {
    let mut report = Report::default();
    let connected = brokers::connect(config, watch, deadline, awaits, &mut report)?;
    let Some(consumer) = connected else { return Ok(report) };
    awaits("topics and rights are being checked".to_owned());
    let deadline = deadline.at_most(PATIENCE);
    let topics = topics::check(config, &consumer, watch, deadline, &mut report)?;
    // A consumer of its own: a refusal of the group is told only once, and the first poll takes it away.
    let member = reader(config, watch)?;
    watch.log_in(member.client())?;
    offsets::check(config, &member, &topics, deadline, &mut report);
    rights::check_reading(config, watch, &consumer, &topics, deadline, &mut report)?;
    let probe = rights::Probe { config, watch, transactional_id: &identity.probe_id(), deadline };
    probe.check_writing(&member, &topics, &mut report)?;
    // Each waits for a tenth of a second to be closed.
    thread::scope(|scope| {
        scope.spawn(|| drop(member));
        drop(consumer);
    });
    Ok(report)
}

/// Connects, and returns the state of the config's topics, in the order of [`needed`](super::topics::needed).
///
/// `None` if no broker can be reached; the report says why.
///
/// # Errors
/// [`ClientRefused`] if no client can be made.
pub fn topic_states(config: &Config, report: &mut Report) -> Result<Option<Vec<TopicState>>, ClientRefused> {
    let deadline = Deadline::of_command(config);
    let watch = Watch::new(&config.kafka.security);
    let Some(consumer) = brokers::connect(config, &watch, deadline, &|_| {}, report)? else {
        return Ok(None);
    };
    topics::states(config, &consumer, &watch, deadline, report).map(Some)
}

/// Checks that the catalog's topics are there and have one partition each, for the commands that read or
/// write nothing else.
///
/// # Errors
/// [`ClientRefused`] if no client can be made.
pub fn check_catalog(config: &Config) -> Result<Report, ClientRefused> {
    let deadline = Deadline::of_command(config);
    let mut report = Report::default();
    let watch = Watch::new(&config.kafka.security);
    if let Some(consumer) = brokers::connect(config, &watch, deadline, &|_| {}, &mut report)? {
        topics::check_catalog(config, &consumer, deadline, &mut report);
    }
    Ok(report)
}

/// Checks that topics are there, for commands that need nothing else: each with the key of its setting, its name, and
/// what the command does with it.
///
/// # Errors
/// [`ClientRefused`] if no client can be made.
pub fn check_topics(config: &Config, wanted: &[(&'static str, &str, Use)]) -> Result<Report, ClientRefused> {
    let deadline = Deadline::of_command(config);
    let mut report = Report::default();
    let watch = Watch::new(&config.kafka.security);
    if let Some(consumer) = brokers::connect(config, &watch, deadline, &|_| {}, &mut report)? {
        topics::check_presence(wanted, &consumer, deadline, &mut report);
    }
    Ok(report)
}

/// What to do if Kafka's own error is all that is known.
const TRY_AGAIN: &str = "check the brokers' logs and retry, or raise `startup.deadline_ms`";

type Consumer = BaseConsumer<Context>;

/// Takes what the check waits for, in words for `/ready`.
pub type Awaits<'a> = &'a dyn Fn(String);

/// How long brokers that answer may take to be as they must be, if there is no deadline.
const PATIENCE: Duration = Duration::from_secs(30);
/// The pause after a check that found brokers away.
const AGAIN: Duration = Duration::from_secs(1);

/// The moment at which the check gives up; `None` is never.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline(Option<Instant>);

impl Deadline {
    /// Returns the deadline of `run`.
    fn of_service(config: &Config) -> Self {
        Self(config.startup.deadline().map(|deadline| Instant::now() + deadline))
    }

    /// Returns the deadline of a command that somebody waits for, which always has an end.
    pub(crate) fn of_command(config: &Config) -> Self {
        Self(Some(Instant::now() + config.startup.deadline_of_command()))
    }

    /// Returns the time for one step: what is left, at most 10 s, and never nothing.
    pub(crate) fn step(self) -> Duration {
        let left = self.0.map_or(Duration::MAX, |at| at.saturating_duration_since(Instant::now()));
        left.clamp(Duration::from_millis(100), Duration::from_secs(10))
    }

    fn is_over(self) -> bool {
        self.0.is_some_and(|at| Instant::now() >= at)
    }

    /// Returns the earlier of this deadline and `time` from now.
    fn at_most(self, time: Duration) -> Self {
        let other = Instant::now() + time;
        Self(Some(self.0.map_or(other, |at| at.min(other))))
    }
}

/// Makes the consumer of the checks.
fn reader(config: &Config, watch: &Arc<Watch>) -> Result<Consumer, ClientRefused> {
    let mut settings = clients::input_consumer(config)?;
    // A copy that was killed between sending its offsets and committing would otherwise wait here until the
    // broker aborts its own transaction, which its start, after the check, ends at once.
    settings.set("isolation.level", "read_uncommitted");
    settings.set("enable.partition.eof", "true").set("fetch.wait.max.ms", "10");
    // A closed connection is all that a client of the wrong protocol sees.
    settings.set("log.connection.close", "true");
    connect::consumer(&settings, watch)
}
