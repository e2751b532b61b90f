//! The tables about the process: policy, output, workers, HTTP, start, stop and log.

use std::{borrow::Cow, fmt, net::SocketAddr, path::PathBuf, time::Duration};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use crate::route::OutputFormat;

/// The decision table.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Policy {
    /// A policy file (TOML). Default: the built-in table.
    ///
    /// The router proves it at start. With a hole, an overlap or a dead rule, it does not start.
    /// `ticket-router policy check FILE` makes the same check beforehand.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<PathBuf>,
}

/// What the router writes.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Output {
    /// Encoding of routed tickets.
    ///
    /// The router transcodes a ticket that comes in the other encoding. That costs more than passing it on.
    /// The router drops what the output's encoding has no place for, and counts it
    /// (`ticket_router_fields_dropped_total`). With `same` it transcodes nothing, and holds the catalog in memory
    /// in both encodings. A ticket in triage always keeps its encoding.
    pub format: OutputFormat,

    /// Time of the records that the router writes.
    ///
    /// With `ticket` a record keeps the time of its ticket, unless that could lose the ticket. Kafka deletes records
    /// by their own time, and refuses times that are far from its clock. So if a ticket is older than half of its
    /// topic's `retention.ms`, or has a time that the topic refuses, the router writes it with its own time. The
    /// header `ticket-router.timestamp` then holds the time of the ticket. If the router may not read the settings of
    /// a topic (the right DESCRIBE_CONFIGS), it keeps times from half an hour back to an hour ahead. With `now` all
    /// records have the router's own time and this header.
    pub timestamp: OutputTimestamp,
}

/// Time of the records that the router writes.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum OutputTimestamp {
    /// The time of the ticket, unless that could lose the ticket.
    #[default]
    Ticket,
    /// The moment at which the router writes.
    Now,
}

/// The threads that route.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Worker {
    /// Number of workers in this process, each one thread with its own consumer and producer.
    ///
    /// A worker routes tens of thousands of tickets a second, and takes 30 to 125 MB at full load. Over all
    /// copies, workers beyond the number of partitions of the incoming topic are idle.
    #[schemars(range(min = 1, max = 256))]
    pub count: usize,

    /// Where a group starts that has never committed an offset.
    ///
    /// A group that has committed offsets continues at them; if they are lost or out of range, the router stops.
    /// `latest` skips everything that was in the incoming topic before the first start. Brokers forget an
    /// idle group after `offsets.retention.minutes` (7 days): it is then a new group.
    pub start_new_group_at: StartAt,

    /// The transaction that writes a batch of tickets together with the group's offsets.
    pub transaction: Transaction,
}

impl Default for Worker {
    fn default() -> Self {
        Self { count: 1, start_new_group_at: StartAt::Earliest, transaction: Transaction::default() }
    }
}

/// Where a group starts that has never committed an offset.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum StartAt {
    /// At the oldest ticket that the topic still holds.
    #[default]
    Earliest,
    /// At the first ticket that comes in after the start.
    Latest,
}

/// The transaction of a batch.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Transaction {
    /// Most tickets in one transaction.
    ///
    /// The router commits as soon as it has read all input, so this matters only while there is a backlog. Higher:
    /// less work for the brokers, and more tickets done again after an abort. Lower: fewer tickets share the cost
    /// of a commit, some tens of milliseconds.
    #[schemars(range(min = 1, max = 100_000))]
    pub max_records: usize,

    /// Longest time that a transaction takes in tickets, in milliseconds.
    ///
    /// Consumers see a ticket once its transaction commits. Like `max_records`, this matters only while there is a
    /// backlog. Higher: larger batches, which cost the brokers less. Lower: a backlog comes out in smaller portions.
    #[schemars(range(min = 1, max = 60_000))]
    pub max_age_ms: u64,

    /// How long a transaction may be open before the broker aborts it, in milliseconds.
    ///
    /// Consumers of the output wait that long after a crash of a copy that does not come back under its name.
    /// Higher: they wait longer. Lower: a slow broker aborts healthy transactions. At least
    /// `worker.transaction.max_age_ms` + 1000, at most the broker's `transaction.max.timeout.ms`. Sets
    /// `transaction.timeout.ms`.
    #[schemars(range(min = 1001, max = 900_000))]
    pub timeout_ms: u64,
}

impl Default for Transaction {
    fn default() -> Self {
        Self { max_records: 60_000, max_age_ms: 500, timeout_ms: 15_000 }
    }
}

impl Transaction {
    /// Returns the longest time that a transaction takes in tickets.
    pub fn max_age(&self) -> Duration {
        Duration::from_millis(self.max_age_ms)
    }

    /// Returns how long a transaction may be open.
    pub fn timeout(&self) -> Duration {
        Duration::from_millis(self.timeout_ms)
    }
}

/// The port for health checks and metrics.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Http {
    /// Address and port to listen on, or `off`.
    ///
    /// The port has no log-in: keep it on loopback, or on a network that only your monitoring reaches.
    pub listen: Listen,

    /// How many ports above it the router tries if it is taken, so that copies on one host can share a config.
    ///
    /// With 0, a taken port is an error.
    #[schemars(range(min = 0, max = 1000))]
    pub next_ports: u16,

    /// A worker whose last poll or commit is older than this, in milliseconds, is not ready.
    ///
    /// It must be above `worker.transaction.timeout_ms`, or a slow commit makes a healthy copy not ready.
    #[schemars(range(min = 1002, max = 3_600_000))]
    pub stale_after_ms: u64,
}

impl Default for Http {
    fn default() -> Self {
        Self {
            listen: Listen::At(SocketAddr::from(([127, 0, 0, 1], 9464))),
            next_ports: 16,
            stale_after_ms: 30_000,
        }
    }
}

impl Http {
    /// Returns the age from which a worker is not ready.
    pub fn stale_after(&self) -> Duration {
        Duration::from_millis(self.stale_after_ms)
    }
}

/// An address to listen on, or none.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(try_from = "String", into = "String")]
pub enum Listen {
    /// `off`.
    Off,
    /// `IP:PORT`.
    At(SocketAddr),
}

impl TryFrom<String> for Listen {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        if text == "off" {
            return Ok(Self::Off);
        }
        match text.parse() {
            Ok(address) => Ok(Self::At(address)),
            Err(_) => Err(format!("`{text}` is neither `IP:PORT` (127.0.0.1:9464, [::1]:9464) nor `off`")),
        }
    }
}

impl From<Listen> for String {
    fn from(listen: Listen) -> Self {
        listen.to_string()
    }
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Off => f.write_str("off"),
            Self::At(address) => address.fmt(f),
        }
    }
}

impl JsonSchema for Listen {
    fn schema_name() -> Cow<'static, str> {
        "Listen".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "minLength": 3 })
    }
}

/// How the router stops.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Shutdown {
    /// How long the router may take after a SIGTERM to finish open transactions and leave the group, in milliseconds.
    ///
    /// After it the process exits, the brokers abort its last batch, and another copy does it again. Set it above
    /// `worker.transaction.max_age_ms`, and below what the supervisor waits before it kills (Kubernetes: 30 s).
    #[schemars(range(min = 100, max = 600_000))]
    pub grace_ms: u64,
}

impl Default for Shutdown {
    fn default() -> Self {
        Self { grace_ms: 10_000 }
    }
}

impl Shutdown {
    /// Returns the grace period.
    pub fn grace(&self) -> Duration {
        Duration::from_millis(self.grace_ms)
    }
}

/// The checks before the first ticket.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Startup {
    /// How long `run` waits at its start for brokers that are away, in milliseconds: 0, or at least 1000.
    ///
    /// After that it exits with code 75. With 0 it waits without end, and `GET /ready` says for what; other
    /// commands then wait 30 s. Lower: a router that starts together with its brokers gives up too early.
    /// Higher: the router reports a wrong address later. It reports a refused log-in, an untrusted
    /// certificate, and a missing topic or right at once.
    #[schemars(range(min = 0, max = 3_600_000))]
    pub deadline_ms: u64,
}

impl Default for Startup {
    fn default() -> Self {
        Self { deadline_ms: 30_000 }
    }
}

impl Startup {
    /// Returns how long `run` waits for the brokers, `None` without end.
    pub fn deadline(&self) -> Option<Duration> {
        (self.deadline_ms > 0).then(|| Duration::from_millis(self.deadline_ms))
    }

    /// Returns how long a command that somebody waits for asks the brokers.
    pub fn deadline_of_command(&self) -> Duration {
        let of_service = self.deadline();
        of_service.unwrap_or_else(|| Duration::from_millis(Self::default().deadline_ms))
    }
}

/// The router's log.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Log {
    /// Whether log lines are for a person or for a machine.
    pub format: LogFormat,

    /// The lowest level that the log shows: `error`, `warn`, `info`, `debug`, `trace`, or a filter for parts of the
    /// program such as `info,ticket_router::kafka=debug`.
    ///
    /// No level shows what is in a ticket.
    #[schemars(length(min = 1))]
    pub level: String,
}

impl Default for Log {
    fn default() -> Self {
        Self { format: LogFormat::Text, level: "info".to_owned() }
    }
}

/// The shape of log lines.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum LogFormat {
    /// One readable line.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}
