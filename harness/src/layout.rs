//! What a cluster looks like, and the `server.properties` that say so.

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
};

/// The lines of `server.properties` with which rights can be given and taken away. Who comes through the plain listener has all.
pub const RIGHTS: &str = "authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
allow.everyone.if.no.acl.found=true
super.users=User:ANONYMOUS
";
const MODULES: &str = "org.apache.kafka.common.security";

/// A listener beside the plain one that every node has.
#[derive(Clone, Debug)]
pub struct Listener {
    /// Its name: capital letters and digits.
    name: String,
    protocol: &'static str,
    /// Its own settings, without their common prefix.
    settings: Vec<String>,
    /// The port that each node says it has, if that of a proxy in front of it.
    advertised: Option<Vec<u16>>,
}

impl Listener {
    /// Asks for SASL PLAIN and knows one user. Each node advertises the port of a proxy in front of it.
    #[must_use]
    pub fn sasl_plain(name: &str, (user, password): (&str, &str), advertised: Vec<u16>) -> Self {
        let module = format!("{MODULES}.plain.PlainLoginModule");
        let settings = vec![
            "sasl.enabled.mechanisms=PLAIN".to_owned(),
            format!("plain.sasl.jaas.config={module} required user_{user}=\"{password}\";"),
        ];
        Self { name: name.to_owned(), protocol: "SASL_PLAINTEXT", settings, advertised: Some(advertised) }
    }

    /// Asks for TLS, and for SCRAM-SHA-512 or an unsigned OAUTHBEARER token.
    #[must_use]
    pub fn scram_or_token(name: &str) -> Self {
        let (scram, token) = ("scram.ScramLoginModule", "oauthbearer.OAuthBearerLoginModule");
        let settings = vec![
            "sasl.enabled.mechanisms=SCRAM-SHA-512,OAUTHBEARER".to_owned(),
            format!("scram-sha-512.sasl.jaas.config={MODULES}.{scram} required;"),
            format!("oauthbearer.sasl.jaas.config={MODULES}.{token} required;"),
        ];
        Self { name: name.to_owned(), protocol: "SASL_SSL", settings, advertised: None }
    }

    /// Asks for TLS and a certificate of the client.
    #[must_use]
    pub fn mutual_tls(name: &str) -> Self {
        let settings = vec!["ssl.client.auth=required".to_owned()];
        Self { name: name.to_owned(), protocol: "SSL", settings, advertised: None }
    }
}

/// What a cluster looks like.
#[derive(Clone, Debug)]
pub struct Layout {
    /// How many nodes.
    pub nodes: usize,
    /// The port of the first node's plain listener; a free one if there is none.
    pub port: Option<u16>,
    /// Further listeners.
    pub listeners: Vec<Listener>,
    /// Where configs and logs of the programs lie.
    pub folder: PathBuf,
    /// Where records lie.
    pub data: PathBuf,
    /// Options of each node's Java machine.
    pub java: Vec<String>,
    /// Further lines of `server.properties`, which win over the usual ones.
    pub settings: String,
    /// A user of SCRAM-SHA-512, and the password.
    pub scram_user: Option<(&'static str, &'static str)>,
}

impl Layout {
    /// One node that starts soon, with everything below a folder.
    #[must_use]
    pub fn small(folder: &Path) -> Self {
        Self {
            nodes: 1,
            port: None,
            listeners: Vec::new(),
            folder: folder.to_owned(),
            data: folder.join("data"),
            java: small_java(512),
            settings: String::new(),
            scram_user: None,
        }
    }

    pub(crate) fn server_properties(&self, node: usize, ports: &Ports, voters: &str) -> String {
        let Ports { plain, controller, listeners: own } = ports;
        let mut listeners = format!("PLAIN://127.0.0.1:{plain},CONTROLLER://127.0.0.1:{controller}");
        let mut advertised = format!("PLAIN://127.0.0.1:{plain}");
        let mut protocols = "PLAIN:PLAINTEXT,CONTROLLER:PLAINTEXT".to_owned();
        let mut settings = String::new();
        let done = "writing to a string does not fail";
        for (listener, port) in self.listeners.iter().zip(own) {
            let Listener { name, protocol, .. } = listener;
            let shown = listener.advertised.as_ref().map_or(port, |ports| &ports[node]);
            write!(listeners, ",{name}://127.0.0.1:{port}").expect(done);
            write!(advertised, ",{name}://127.0.0.1:{shown}").expect(done);
            write!(protocols, ",{name}:{protocol}").expect(done);
            for setting in &listener.settings {
                writeln!(settings, "listener.name.{}.{setting}", name.to_lowercase()).expect(done);
            }
        }
        let (replicas, in_sync) = if self.nodes >= 3 { (3, 2) } else { (1, 1) };
        format!(
            "process.roles=broker,controller
node.id={id}
controller.quorum.voters={voters}
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAIN
listeners={listeners}
advertised.listeners={advertised}
listener.security.protocol.map={protocols}
log.dirs={data}
auto.create.topics.enable=false
default.replication.factor={replicas}
min.insync.replicas={in_sync}
offsets.topic.replication.factor={replicas}
offsets.topic.num.partitions=4
transaction.state.log.replication.factor={replicas}
transaction.state.log.min.isr={in_sync}
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor={replicas}
share.coordinator.state.topic.min.isr={in_sync}
group.initial.rebalance.delay.ms=0
{settings}{more}",
            id = node + 1,
            data = self.data.join(format!("node-{node}")).display(),
            more = self.settings,
        )
    }
}

/// Where a node listens.
pub(crate) struct Ports {
    pub(crate) plain: u16,
    pub(crate) controller: u16,
    pub(crate) listeners: Vec<u16>,
}

/// Options of a Java machine that starts soon and uses little beside others.
#[must_use]
pub fn small_java(heap_mb: u32) -> Vec<String> {
    ["-Xms256m", &format!("-Xmx{heap_mb}m"), "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]
        .map(str::to_owned)
        .to_vec()
}
