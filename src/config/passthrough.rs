//! librdkafka's own settings, and those that would break a guarantee.

use std::{borrow::Cow, collections::BTreeMap};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

/// Settings of librdkafka by its own names, passed on as they are.
///
/// Dots in a name may be written as nested tables or as underscores, so that the environment can hold them.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Passthrough(BTreeMap<String, String>);

/// Which clients a passed-through setting is for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Client {
    /// `kafka.client`.
    All,
    /// `kafka.consumer`.
    Consumer,
    /// `kafka.producer`.
    Producer,
}

impl Client {
    /// Returns the key of the table in the config.
    pub fn key(self) -> &'static str {
        match self {
            Self::All => "kafka.client",
            Self::Consumer => "kafka.consumer",
            Self::Producer => "kafka.producer",
        }
    }
}

impl Passthrough {
    /// Returns the settings in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Returns the value of one setting.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }
}

impl<K: Into<String>, V: Into<String>> FromIterator<(K, V)> for Passthrough {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(settings: I) -> Self {
        Self(settings.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

impl<'de> Deserialize<'de> for Passthrough {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut settings = BTreeMap::new();
        flatten("", Value::deserialize(deserializer)?, &mut settings).map_err(D::Error::custom)?;
        Ok(Self(settings))
    }
}

impl JsonSchema for Passthrough {
    fn schema_name() -> Cow<'static, str> {
        "Passthrough".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "object",
            "additionalProperties": { "type": ["string", "integer", "number", "boolean", "object"] }
        })
    }
}

fn flatten(prefix: &str, value: Value, settings: &mut BTreeMap<String, String>) -> Result<(), String> {
    let text = match value {
        Value::Object(table) => {
            for (key, value) in table {
                let key = key.to_lowercase().replace('_', ".");
                let name = if prefix.is_empty() { key } else { format!("{prefix}.{key}") };
                flatten(&name, value, settings)?;
            }
            return Ok(());
        }
        Value::String(text) => text,
        Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::Null | Value::Array(_) => {
            return Err(format!("`{prefix}` is not text, a number, true or false"));
        }
    };
    match settings.insert(prefix.to_owned(), text) {
        None => Ok(()),
        Some(_) => Err(format!("`{prefix}` is there twice, with dots and with underscores")),
    }
}

/// Says why the setting `name` of librdkafka may not be passed through with this `value`, if it may not.
///
/// The text never holds the value.
pub fn refusal(name: &str, value: &str) -> Option<String> {
    if let Some((_, key)) = OWN_KEY.iter().find(|(refused, _)| *refused == name) {
        return Some(format!("it has its own key, `{key}`"));
    }
    if let Some((_, only, why)) = ONLY.iter().find(|(fixed, ..)| *fixed == name) {
        return (value != *only).then(|| format!("only `{only}` is allowed: {why}"));
    }
    if let Some((_, why)) = REFUSED.iter().find(|(refused, _)| *refused == name) {
        return Some((*why).to_owned());
    }
    let is_secret = ["password", "passphrase", "secret", ".pem", "oauthbearer.config"];
    if is_secret.iter().any(|part| name.contains(part)) {
        return Some(
            "it would hold a secret that is not kept out of logs; use the files of `kafka.security`"
                .to_owned(),
        );
    }
    (name.ends_with("_cb") || name.ends_with(".cb") || name == "opaque")
        .then(|| "it is a function pointer, set by the program".to_owned())
}

const OWN_KEY: &[(&str, &str)] = &[
    ("bootstrap.servers", "kafka.bootstrap_servers"),
    ("metadata.broker.list", "kafka.bootstrap_servers"),
    ("group.id", "kafka.group_id"),
    ("heartbeat.interval.ms", "kafka.heartbeat_interval_ms"),
    ("max.poll.interval.ms", "kafka.max_poll_interval_ms"),
    ("message.max.bytes", "limits.max_output_bytes"),
    ("sasl.mechanism", "kafka.security.mechanism"),
    ("sasl.mechanisms", "kafka.security.mechanism"),
    ("sasl.password", "kafka.security.password"),
    ("sasl.username", "kafka.security.username"),
    ("security.protocol", "kafka.security.protocol"),
    ("session.timeout.ms", "kafka.session_timeout_ms"),
    ("ssl.ca.location", "kafka.security.ca_file"),
    ("ssl.certificate.location", "kafka.security.cert_file"),
    ("ssl.key.location", "kafka.security.key_file"),
    ("ssl.key.password", "kafka.security.key_password"),
    ("transaction.timeout.ms", "worker.transaction.timeout_ms"),
    ("transactional.id", "kafka.transactional_id_prefix"),
];

// Name, the one value, and why no other. Values that change nothing are let through, since configs are copied.
const ONLY: &[(&str, &str, &str)] = &[
    ("acks", "all", "a record that one broker alone has can be lost after its transaction was committed"),
    ("request.required.acks", "all", "a record that one broker alone has can be lost after its commit"),
    ("enable.auto.commit", "false", "offsets leave only inside a transaction, or an abort loses tickets"),
    ("auto.commit.enable", "false", "offsets leave only inside a transaction, or an abort loses tickets"),
    (
        "enable.auto.offset.store",
        "false",
        "offsets leave only inside a transaction, or an abort loses tickets",
    ),
    ("enable.idempotence", "true", "without it a retry writes a ticket twice"),
    (
        "group.protocol",
        "classic",
        "with the consumer protocol (KIP-848) this client stood still for up to a minute in a rebalance",
    ),
    (
        "isolation.level",
        "read_committed",
        "otherwise tickets of aborted transactions are routed, and a takeover reads offsets that are not yet final",
    ),
    (
        "partition.assignment.strategy",
        "range",
        "a partition must be given up, its transaction finished, before another copy gets it (eager rebalance)",
    ),
];

const REFUSED: &[(&str, &str)] = &[
    ("allow.auto.create.topics", "a misspelt topic would be created; use `ticket-router topics create`"),
    (
        "auto.offset.reset",
        "a silent reset routes everything twice or skips tickets; for a new group set `worker.start_new_group_at`",
    ),
    ("auto.commit.interval.ms", "offsets leave only inside a transaction"),
    ("delivery.report.only.error", "the worker needs every delivery report"),
    ("enable.partition.eof", "the program sets it where it needs it"),
    ("enable.sasl.oauthbearer.unsecure.jwt", "tokens come from `kafka.security.token_file`"),
    ("group.instance.id", "all workers of a process would share it, and push each other out of the group"),
    ("group.remote.assignor", "it belongs to the consumer protocol (KIP-848), which is not used"),
    ("log.queue", "the program sets it, so that log lines reach its own log"),
    ("offset.store.method", "offsets leave only inside a transaction"),
    ("sasl.oauthbearer.method", "tokens come from `kafka.security.token_file`"),
];
