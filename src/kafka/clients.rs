//! The settings of each librdkafka client, as they passed the fault tests, with the user's own on top.
//!
//! Order: defaults that may be tuned, then `kafka.client`, then `kafka.consumer` or `kafka.producer`, then what
//! must not be changed. `fixed` holds what is so for every client.

use rdkafka::ClientConfig;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::KafkaError;

use super::memory;
use crate::config::{Client, Config, Mechanism, Passthrough, SecretUnreadable};

/// Room for the frame of a batch, and for what compression adds if it cannot make it smaller.
const BATCH_FRAME_BYTES: usize = 1024;

/// Settings that librdkafka does not take.
#[derive(Debug, thiserror::Error)]
pub enum ClientRefused {
    /// A secret is in a file that cannot be read.
    #[error(transparent)]
    Secret(#[from] SecretUnreadable),
    /// A setting that was passed through is unknown, or has a value that librdkafka does not take.
    #[error("librdkafka refuses the settings of the {client}: {detail}; check `kafka.client` and {table}")]
    Setting {
        /// Which client.
        client: &'static str,
        /// The table in the config that is only for this kind of client.
        table: &'static str,
        /// What librdkafka says; it names the setting.
        detail: String,
    },
}

impl ClientRefused {
    /// The refusal of a client that could not be made.
    pub(crate) fn new(client: &'static str, error: &KafkaError) -> Self {
        let table = if client == "consumer" { Client::Consumer } else { Client::Producer };
        Self::Setting { client, table: table.key(), detail: error.to_string() }
    }
}

/// Returns the settings of the consumer of the incoming topic.
///
/// It never commits by itself, sees committed tickets only, and gives an error where an offset is missing or out
/// of range, instead of starting anywhere (`auto.offset.reset=error`).
///
/// # Errors
/// [`SecretUnreadable`] if a password file cannot be read.
pub fn input_consumer(config: &Config) -> Result<ClientConfig, SecretUnreadable> {
    let kafka = &config.kafka;
    let mut client = consumer(config, &[("fetch.max.bytes", &memory::fetch_bytes().to_string())])?;
    client
        .set("group.id", &kafka.group_id)
        .set("session.timeout.ms", kafka.session_timeout_ms.to_string())
        .set("heartbeat.interval.ms", kafka.heartbeat_interval_ms.to_string())
        .set("max.poll.interval.ms", kafka.max_poll_interval_ms.to_string())
        .set("group.protocol", "classic")
        .set("partition.assignment.strategy", "range")
        .set("auto.offset.reset", "error");
    Ok(client)
}

/// Returns the settings of the consumer that restores and follows the catalog: partitions are assigned by hand
/// from the beginning, and nothing is committed. The end of each partition is an event (`PartitionEOF`).
///
/// # Errors
/// [`SecretUnreadable`] if a password file cannot be read.
pub fn catalog_consumer(config: &Config) -> Result<ClientConfig, SecretUnreadable> {
    let mut client = consumer(config, &[])?;
    // librdkafka wants a group id for any consumer; without a subscription or a commit the brokers never see it.
    client
        .set("group.id", &config.kafka.group_id)
        .set("auto.offset.reset", "earliest")
        .set("enable.partition.eof", "true");
    Ok(client)
}

/// Returns the settings of a producer that writes in transactions under `transactional_id`.
///
/// # Errors
/// [`SecretUnreadable`] if a password file cannot be read.
pub fn producer(config: &Config, transactional_id: &str) -> Result<ClientConfig, SecretUnreadable> {
    let mut client = ClientConfig::new();
    // After a commit, the coordinator answers CONCURRENT_TRANSACTIONS for two or three milliseconds, until its
    // markers are written. With the default pause of 100 ms, or with 10, a small transaction would spend most of its
    // time waiting. librdkafka doubles the pause with each attempt. The end of a transaction sends what lingers, so
    // lingering costs no latency under a light load, and under a heavy one batches are ten times as large. The queue
    // of 20,000 records halves the memory and costs no speed. murmur2_random puts a key where Java clients put it.
    //
    // librdkafka asks three times in quick succession for the group's coordinator, and then waits without a deadline
    // for a connection to open or to close (`rd_kafka_coord_req_handle_FindCoordinator`). After a broker's restart, a
    // worker hung in `send_offsets_to_transaction` until its coordinator closed the idle connection, by default after
    // ten minutes. So the client closes idle connections several times within a transaction's timeout.
    for (name, value) in [
        ("batch.size", "1000000"),
        ("compression.type", "lz4"),
        ("connections.max.idle.ms", "5000"),
        ("linger.ms", "50"),
        ("partitioner", "murmur2_random"),
        ("queue.buffering.max.kbytes", "65536"),
        ("queue.buffering.max.messages", "20000"),
        ("retry.backoff.ms", "2"),
    ] {
        client.set(name, value);
    }
    common(config, &mut client)?;
    pass(&config.kafka.producer, &mut client);
    client
        .set("transactional.id", transactional_id)
        .set("transaction.timeout.ms", config.worker.transaction.timeout_ms.to_string())
        .set("message.max.bytes", config.limits.max_output_bytes.to_string())
        .set("enable.idempotence", "true")
        .set("acks", "all")
        // Report failures only: a report for each delivered record costs a tenth of the CPU.
        .set("delivery.report.only.error", "true");
    fixed(&mut client);
    Ok(client)
}

/// Lowers the largest batch of a producer to what the smallest of its topics accepts, in bytes. Keeps a lower limit
/// that the user has set.
///
/// Returns the largest batch.
pub fn limit_batches(client: &mut ClientConfig, max_bytes: usize) -> usize {
    let set = client.get("batch.size").and_then(|size| size.parse().ok()).unwrap_or(usize::MAX);
    let size = set.min(max_bytes.saturating_sub(BATCH_FRAME_BYTES).max(1));
    if size < set {
        client.set("batch.size", size.to_string());
    }
    size
}

/// Returns the settings of an admin client, or of a plain producer.
///
/// # Errors
/// [`SecretUnreadable`] if a password file cannot be read.
pub fn admin(config: &Config) -> Result<ClientConfig, SecretUnreadable> {
    let mut client = ClientConfig::new();
    common(config, &mut client)?;
    fixed(&mut client);
    Ok(client)
}

/// Checks that librdkafka knows all settings that are passed through. Makes no connection.
///
/// # Errors
/// [`ClientRefused`] with the first setting that is unknown or out of range.
pub fn check_settings(config: &Config) -> Result<(), ClientRefused> {
    let clients = [
        ("consumer", Client::Consumer.key(), input_consumer(config)?),
        ("producer", Client::Producer.key(), producer(config, "check")?),
    ];
    for (client, table, settings) in clients {
        settings.create_native_config().map_err(|error| {
            let detail = match error {
                // The value is left out: what a stranger's setting holds is not known.
                KafkaError::ClientConfig(_, detail, name, _) => format!("`{name}`: {detail}"),
                other => other.to_string(),
            };
            ClientRefused::Setting { client, table, detail }
        })?;
    }
    Ok(())
}

fn consumer(config: &Config, defaults: &[(&str, &str)]) -> Result<ClientConfig, SecretUnreadable> {
    let mut client = ClientConfig::new();
    // 200 MB of zeros fit into a record of 1 MB that a broker accepts: `receive.message.max.bytes` limits what
    // unpacking may cost. Above it nobody can read past the record; below it the record becomes a dead letter.
    for (name, value) in [
        ("receive.message.max.bytes", "268435456"),
        ("fetch.queue.backoff.ms", "10"),
        ("fetch.wait.max.ms", "100"),
        ("queued.max.messages.kbytes", "16384"),
        // A consumer sends small requests only, and librdkafka takes no `fetch.max.bytes` below this.
        ("message.max.bytes", "65536"),
    ] {
        client.set(name, value);
    }
    for (name, value) in defaults {
        client.set(*name, *value);
    }
    common(config, &mut client)?;
    pass(&config.kafka.consumer, &mut client);
    client
        .set("isolation.level", "read_committed")
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false");
    fixed(&mut client);
    Ok(client)
}

/// Sets what no user may change for any client, as the last step: only `topics create` ever creates a topic.
///
/// librdkafka's default lets a producer create what it asks about, if the brokers do (Kafka's default).
fn fixed(client: &mut ClientConfig) {
    client.set("allow.auto.create.topics", "false");
}

fn common(config: &Config, client: &mut ClientConfig) -> Result<(), SecretUnreadable> {
    let kafka = &config.kafka;
    client
        .set_log_level(RDKafkaLogLevel::Info)
        .set("client.id", kafka.client_id(Client::All))
        .set("log.connection.close", "false")
        // A partition that lost its leader, or is new, waits for the next refresh. With the default of five minutes,
        // tickets waited for minutes after a broker's restart, although it was back.
        .set("topic.metadata.refresh.interval.ms", "10000")
        .set("reconnect.backoff.ms", "50")
        .set("reconnect.backoff.max.ms", "1000");
    pass(&kafka.client, client);
    client.set("bootstrap.servers", &kafka.bootstrap_servers);

    let security = &kafka.security;
    client.set("security.protocol", security.protocol.as_str());
    if security.protocol.is_tls() {
        // OpenSSL is linked in, and its own default folder is that of the machine it was built on.
        let ca = security.ca_file.as_ref().map_or("probe".into(), |path| path.to_string_lossy());
        client.set("ssl.ca.location", ca);
        for (name, file) in
            [("ssl.certificate.location", &security.cert_file), ("ssl.key.location", &security.key_file)]
        {
            if let Some(path) = file {
                client.set(name, path.to_string_lossy());
            }
        }
        if let Some(password) = security.read_key_password()? {
            client.set("ssl.key.password", password.reveal());
        }
    }
    if let Some(mechanism) = security.mechanism {
        client.set("sasl.mechanism", mechanism.as_str());
        if mechanism != Mechanism::OauthBearer {
            client.set("sasl.username", security.username.as_deref().unwrap_or_default());
            if let Some(password) = security.read_password()? {
                client.set("sasl.password", password.reveal());
            }
        }
    }
    Ok(())
}

fn pass(settings: &Passthrough, client: &mut ClientConfig) {
    for (name, value) in settings.iter() {
        client.set(name, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_users_settings_win_over_defaults_but_not_over_what_must_hold() {
        let mut config = Config::default();
        config.kafka.client = Passthrough::from_iter([("linger.ms", "1"), ("client.id", "mine")]);
        config.kafka.producer = Passthrough::from_iter([("linger.ms", "2"), ("acks", "1")]);
        let producer = producer(&config, "id").unwrap();
        assert_eq!(producer.get("linger.ms"), Some("2"));
        assert_eq!(producer.get("client.id"), Some("mine"));
        assert_eq!(producer.get("acks"), Some("all"));
        assert_eq!(producer.get("transactional.id"), Some("id"));
    }

    #[test]
    fn batches_are_no_larger_than_the_smallest_topic_takes_or_the_user_wants() {
        let mut config = Config::default();
        let limited = |config: &Config, bytes| {
            let mut client = producer(config, "id").unwrap();
            let size = limit_batches(&mut client, bytes);
            assert_eq!(client.get("batch.size"), Some(size.to_string().as_str()));
            size
        };
        assert_eq!(limited(&config, usize::MAX), 1_000_000);
        assert_eq!(limited(&config, 1_048_588), 1_000_000);
        assert_eq!(limited(&config, 100_000), 98_976);
        assert_eq!(limited(&config, 10), 1);
        config.kafka.producer = Passthrough::from_iter([("batch.size", "50000")]);
        assert_eq!(limited(&config, 100_000), 50_000);
        config.kafka.producer = Passthrough::from_iter([("batch.size", "2000000")]);
        assert_eq!(limited(&config, 100_000), 98_976);
        assert_eq!(limited(&config, usize::MAX), 2_000_000);
    }

    #[test]
    fn no_client_creates_a_topic_whatever_is_passed_through() {
        let passed = || Passthrough::from_iter([("allow.auto.create.topics", "true")]);
        let mut config = Config::default();
        config.kafka.client = passed();
        config.kafka.consumer = passed();
        config.kafka.producer = passed();
        for client in [
            input_consumer(&config).unwrap(),
            catalog_consumer(&config).unwrap(),
            producer(&config, "id").unwrap(),
            admin(&config).unwrap(),
        ] {
            assert_eq!(client.get("allow.auto.create.topics"), Some("false"));
        }
    }

    #[test]
    fn a_setting_that_librdkafka_does_not_know_is_refused_without_its_value() {
        let mut config = Config::default();
        check_settings(&config).unwrap();
        config.kafka.consumer = Passthrough::from_iter([("fetch.wiat.max.ms", "canary")]);
        let text = check_settings(&config).unwrap_err().to_string();
        assert!(text.contains("fetch.wiat.max.ms") && text.contains("kafka.consumer"), "{text}");
        assert!(!text.contains("canary"), "{text}");
    }
}
