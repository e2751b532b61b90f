//! One genuine Kafka for the whole run: the one that the environment names, or one that is started here, with three listeners:
//! plain, SASL_SSL with SCRAM or a token, and SSL with client certificates. A test that breaks its broker, or that needs TLS, never
//! touches the one of the environment: it starts its own.

use std::{
    fs,
    process::Command,
    sync::{Mutex, MutexGuard, OnceLock, PoisonError},
};

use anyhow::Result;
use rdkafka::ClientConfig;
use ticket_router_harness::{
    Certificates, Cluster, Layout, Listener, RIGHTS, acls, at_the_end, console_consumer, external,
};

/// The user that the SCRAM listener knows, with its password.
pub const SCRAM_USER: (&str, &str) = ("router", "correct-horse-battery");

/// A broker that answers.
pub struct Broker {
    plain: String,
    own: Option<Own>,
}

/// A broker that this process started.
struct Own {
    cluster: Mutex<Cluster>,
    scram: String,
    mutual: String,
    certificates: Certificates,
}

impl Broker {
    /// The broker that all tests share; the first that asks starts it.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Broker> = OnceLock::new();
        SHARED.get_or_init(|| match external().expect("the broker of the environment answers") {
            Some(plain) => Self { plain, own: None },
            None => Self::private(),
        })
    }

    /// The shared broker if this process started it, or one more: it has the listeners that TLS and SASL need.
    pub fn with_tls() -> &'static Self {
        static SECOND: OnceLock<Broker> = OnceLock::new();
        let shared = Self::shared();
        if shared.own.is_some() { shared } else { SECOND.get_or_init(Self::private) }
    }

    /// A broker of the test's own, to stop, kill and start again.
    pub fn private() -> Self {
        Self::private_with("")
    }

    /// A broker of the test's own with further lines of `server.properties`, which win over the usual ones.
    pub fn private_with(properties: &str) -> Self {
        Self::start(properties).unwrap_or_else(|why| panic!("{why:#}"))
    }

    fn start(properties: &str) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("ticket-router-kafka-").tempdir()?.keep();
        at_the_end(&format!("rm -rf '{}'", folder.display()));
        fs::create_dir(folder.join("data"))?;
        let certificates = Certificates::make(&folder)?;
        let small_indices = "log.index.size.max.bytes=262144\n";
        let cluster = Cluster::start(&Layout {
            listeners: vec![Listener::scram_or_token("SCRAM"), Listener::mutual_tls("MUTUAL")],
            settings: [small_indices, RIGHTS, &certificates.settings(), properties].concat(),
            scram_user: Some(SCRAM_USER),
            ..Layout::small(&folder)
        })?;
        let address = |listener| format!("127.0.0.1:{}", cluster.port(0, listener));
        let (plain, scram, mutual) = (cluster.bootstrap(), address(0), address(1));
        Ok(Self { plain, own: Some(Own { cluster: Mutex::new(cluster), scram, mutual, certificates }) })
    }

    /// The address of the plain listener.
    pub fn bootstrap(&self) -> &str {
        &self.plain
    }

    /// The address of the listener that asks for TLS, and for SCRAM-SHA-512 or an unsigned OAUTHBEARER token.
    pub fn scram_address(&self) -> &str {
        &self.own().scram
    }

    /// The address of the listener that asks for TLS and a client certificate.
    pub fn mutual_address(&self) -> &str {
        &self.own().mutual
    }

    /// The certificates that the TLS listeners use.
    pub fn certificates(&self) -> &Certificates {
        &self.own().certificates
    }

    /// Whether the broker was there before the tests and stays after them.
    pub fn is_external(&self) -> bool {
        self.own.is_none()
    }

    /// A client's settings for the plain listener.
    pub fn client(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &self.plain);
        // A partition that lost its leader waits for the next look, by default for five minutes.
        config.set("topic.metadata.refresh.interval.ms", "5000");
        config
    }

    /// Kills the server as `kill -9` does.
    pub fn kill(&self) {
        self.cluster().kill(0);
    }

    /// Stops the server as SIGTERM does.
    pub fn stop(&self) {
        self.cluster().stop(0).expect("the broker ends on SIGTERM");
    }

    /// Starts the server again on the same ports and data, and waits until it answers.
    pub fn restart(&self) {
        self.cluster().restart(0).expect("the broker starts again");
    }

    /// Kafka's own console consumer, with this broker's address given.
    pub fn console_consumer(&self) -> Command {
        console_consumer(&self.plain).expect("there are jars")
    }

    /// Kafka's own tool for rights, with this broker's address given.
    pub fn acls(&self) -> Command {
        acls(&self.plain).expect("there are jars")
    }

    fn cluster(&self) -> MutexGuard<'_, Cluster> {
        self.own().cluster.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn own(&self) -> &Own {
        self.own.as_ref().expect("the test asked for a broker that this process starts")
    }
}
