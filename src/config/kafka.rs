//! The table `kafka`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

use super::passthrough::{Client, Passthrough};
use super::security::Security;

/// The Kafka cluster and how to talk to it.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Kafka {
    /// Brokers to connect to first, as `host:port`, separated by commas.
    ///
    /// The router finds the other brokers through them, so two or three are enough. With one, the router cannot
    /// start while that one is down. Sets `bootstrap.servers`.
    #[schemars(length(min = 1))]
    pub bootstrap_servers: String,

    /// The consumer group that all copies of one router share.
    ///
    /// Kafka keeps the group's offsets under this name. A new name is a new group: it starts at
    /// `worker.start_new_group_at`. Two different routers with the same name take tickets from each other.
    /// Sets `group.id`.
    #[schemars(length(min = 1, max = 249))]
    pub group_id: String,

    /// The beginning of every transactional id of this router. Default: the group id.
    ///
    /// The whole id is `PREFIX-INSTANCE-SLOT-WORKER`. The broker must allow WRITE and DESCRIBE on the prefix.
    /// Two routers with different groups must not share both a prefix and an instance. Sets `transactional.id`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 249))]
    pub transactional_id_prefix: Option<String>,

    /// A name for this machine, container or pod that survives a restart. Default: the host name.
    ///
    /// If the name is stable (as that of a StatefulSet's pod), a restarted copy takes over its open transaction in
    /// about a second. If it is random (as the host name of a plain container), consumers of the output wait for
    /// `worker.transaction.timeout_ms` after a crash. Two machines with the same name fence each other until one is
    /// stopped. Part of `transactional.id`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 249))]
    pub instance: Option<String>,

    /// Folder for the lock files that give each copy on a host its own slot.
    /// Default: `$STATE_DIRECTORY` (systemd), else `ticket-router` in `$XDG_STATE_HOME` or `~/.local/state`,
    /// else `ticket-router-UID` in the folder for temporary files; the first that this user can use.
    ///
    /// All copies on one host that share group and instance should see the same folder, and nothing may clean
    /// it. If a copy's lock file is deleted, the copy restores it and logs `LOCK_FILE_LOST`. On Linux, copies with
    /// different folders still take different slots, unless they have different network namespaces, as
    /// containers have: give each of those its own host name or `kafka.instance`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state_dir: Option<PathBuf>,

    /// How long a copy may be silent before the group gives its partitions to another copy, in milliseconds.
    ///
    /// Lower: faster takeover after a crash, but a busy machine loses its partitions needlessly. Higher: the
    /// tickets of a dead copy wait longer. The broker's `group.min.session.timeout.ms` (6000) and
    /// `group.max.session.timeout.ms` bound it. Sets `session.timeout.ms`.
    #[schemars(range(min = 1000, max = 1_800_000))]
    pub session_timeout_ms: u64,

    /// Time between two heartbeats to the group, in milliseconds.
    ///
    /// At most a third of `kafka.session_timeout_ms`, so that two heartbeats may get lost. Sets
    /// `heartbeat.interval.ms`.
    #[schemars(range(min = 100, max = 600_000))]
    pub heartbeat_interval_ms: u64,

    /// The longest time between two polls of the input, in milliseconds.
    ///
    /// A worker that hangs for longer leaves the group. It must be above `kafka.session_timeout_ms` and
    /// `worker.transaction.timeout_ms`, since a commit may take that long. Sets `max.poll.interval.ms`.
    #[schemars(range(min = 2000, max = 86_400_000))]
    pub max_poll_interval_ms: u64,

    /// How to log in, and what to trust.
    pub security: Security,

    /// Any other librdkafka setting, for every client: `"socket.keepalive.enable" = true`.
    ///
    /// Names and meanings are in librdkafka's CONFIGURATION.md. Write names with dots or with underscores. The router
    /// refuses a setting that would break exactly-once, or that has a key of its own here.
    pub client: Passthrough,

    /// The same for the consumers only, of the input and of the catalog. Wins over `kafka.client`.
    pub consumer: Passthrough,

    /// The same for the producers only. Wins over `kafka.client`.
    pub producer: Passthrough,
}

impl Default for Kafka {
    // These three times passed the fault tests: takeover within seconds, and no needless rebalance.
    fn default() -> Self {
        Self {
            bootstrap_servers: "localhost:9092".to_owned(),
            group_id: "ticket-router".to_owned(),
            transactional_id_prefix: None,
            instance: None,
            state_dir: None,
            session_timeout_ms: 6000,
            heartbeat_interval_ms: 1500,
            max_poll_interval_ms: 60_000,
            security: Security::default(),
            client: Passthrough::default(),
            consumer: Passthrough::default(),
            producer: Passthrough::default(),
        }
    }
}

impl Kafka {
    /// Returns the beginning of transactional ids: the setting, else the group id.
    pub fn transactional_id_prefix(&self) -> &str {
        self.transactional_id_prefix.as_deref().unwrap_or(&self.group_id)
    }

    /// Returns the `client.id` of these clients: the setting, else the program's name.
    pub fn client_id(&self, client: Client) -> &str {
        let own = match client {
            Client::All => None,
            Client::Consumer => self.consumer.get("client.id"),
            Client::Producer => self.producer.get("client.id"),
        };
        own.or_else(|| self.client.get("client.id")).unwrap_or("ticket-router")
    }

    /// Returns host and port of the broker, if one alone is configured.
    pub fn single_broker(&self) -> Option<(&str, u16)> {
        let broker = self.bootstrap_servers.trim();
        (!broker.contains(',')).then(|| host_and_port(broker))
    }
}

/// Takes `host:port` apart as librdkafka does: a protocol before it is passed over, the default port is 9092.
pub(super) fn host_and_port(broker: &str) -> (&str, u16) {
    let address = broker.rsplit_once("://").map_or(broker, |(_, address)| address);
    let (host, port) = address.rsplit_once(':').unwrap_or((address, ""));
    (host.trim_start_matches('[').trim_end_matches(']'), port.parse().unwrap_or(9092))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kafka(bootstrap_servers: &str) -> Kafka {
        Kafka { bootstrap_servers: bootstrap_servers.to_owned(), ..Kafka::default() }
    }

    #[test]
    fn the_broker_is_known_if_one_alone_is_configured() {
        for (servers, broker) in [
            ("kafka.example.com:9093", Some(("kafka.example.com", 9093))),
            (" SASL_SSL://kafka:9094 ", Some(("kafka", 9094))),
            ("[::1]:9095", Some(("::1", 9095))),
            ("kafka", Some(("kafka", 9092))),
            ("kafka-1:9092,kafka-2:9092", None),
        ] {
            assert_eq!(kafka(servers).single_broker(), broker, "{servers}");
        }
    }

    #[test]
    fn a_client_id_of_its_own_wins_over_that_of_all_clients() {
        let mut kafka = Kafka::default();
        assert_eq!(kafka.client_id(Client::Consumer), "ticket-router");
        kafka.client = Passthrough::from_iter([("client.id", "all")]);
        kafka.producer = Passthrough::from_iter([("client.id", "mine")]);
        assert_eq!((kafka.client_id(Client::Consumer), kafka.client_id(Client::Producer)), ("all", "mine"));
    }
}
