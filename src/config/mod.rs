//! The settings of the service: one struct for each part, checked once on load, then never changed.
//!
//! There are three sources, and later ones win: the TOML file, the environment
//! (`TICKET_ROUTER__KAFKA__GROUP_ID=x`, two underscores between levels), and `key=value` pairs from the
//! command line (`kafka.group_id=x`). The doc comment of a field is its manual: the reference page and the
//! JSON Schema are made from it.

#[cfg(test)]
mod docs;
mod kafka;
mod load;
mod passthrough;
mod problem;
mod rules;
mod schema;
mod secret;
mod security;
mod service;
mod shape;
mod telemetry;
mod topics;
mod warnings;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ticket::Limits;

pub use kafka::Kafka;
pub use load::Sources;
pub use passthrough::{Client, Passthrough, refusal};
pub use problem::{Problem, Refused};
pub use security::{Mechanism, Protocol, SecretUnreadable, Security};
pub use service::{
    Http, Listen, Log, LogFormat, Output, OutputTimestamp, Policy, Shutdown, StartAt, Startup, Worker,
};
pub use telemetry::{Exporter, Sampler, Telemetry};
pub use topics::{Catalog, CatalogFrom, Topics};

/// All settings of `ticket-router run`, with defaults that fit a Kafka broker on the same machine.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The Kafka cluster and how to talk to it.
    pub kafka: Kafka,
    /// The topics that tickets come from and go to.
    ///
    /// A topic holds one kind of record: no two names may be the same, those of the catalog included.
    pub topics: Topics,
    /// Where the offers, publishers and partners come from.
    pub catalog: Catalog,
    /// The decision table.
    pub policy: Policy,
    /// What the router writes.
    pub output: Output,
    /// How large a ticket may be. A ticket over a limit goes to the dead-letter topic, with the reason.
    pub limits: Limits,
    /// The threads that route, and their transactions.
    pub worker: Worker,
    /// The port for health checks and metrics.
    pub http: Http,
    /// How the router stops.
    pub shutdown: Shutdown,
    /// The checks before the first ticket.
    pub startup: Startup,
    /// The router's log, on standard error.
    pub log: Log,
    /// Traces, metrics and logs for an OpenTelemetry collector, by OTLP over HTTP.
    ///
    /// The router exports nothing until an endpoint is set, here or by `OTEL_EXPORTER_OTLP_ENDPOINT`. If this table
    /// leaves a setting out, the standard `OTEL_` variable counts; `OTEL_SDK_DISABLED=true` switches everything off.
    /// [telemetry.md](telemetry.md) says what the router exports. The page `/metrics` does not depend on this table.
    pub telemetry: Telemetry,
}

impl Config {
    /// Reads all sources, and checks what they say.
    ///
    /// # Errors
    /// [`Refused`] with every problem found: a file that cannot be read or is not TOML, unknown keys,
    /// values out of range, and settings that contradict each other.
    pub fn load(sources: &Sources<'_>) -> Result<Self, Refused> {
        load::load(sources)
    }

    /// Returns the effective settings as TOML, secrets as `***`, fit for a log or a bug report.
    pub fn redacted(&self) -> String {
        toml::to_string(self).expect("the settings are tables of strings, numbers and booleans")
    }

    /// Returns those of the effective settings that differ from their defaults, as [`redacted`](Self::redacted) does.
    #[must_use]
    pub fn changed(&self) -> String {
        let table = |config: &Self| {
            toml::Table::try_from(config).expect("the settings are tables of strings, numbers and booleans")
        };
        let mut settings = table(self);
        remove_equal(&mut settings, &table(&Self::default()));
        settings.to_string()
    }
}

/// Removes what both tables have, and tables of which nothing is left.
fn remove_equal(settings: &mut toml::Table, defaults: &toml::Table) {
    settings.retain(|key, value| match (value, defaults.get(key)) {
        (toml::Value::Table(inner), Some(toml::Value::Table(defaults))) => {
            remove_equal(inner, defaults);
            !inner.is_empty()
        }
        (value, default) => Some(&*value) != default,
    });
}

#[cfg(test)]
mod tests;
