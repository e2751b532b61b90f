//! A KRaft cluster on loopback: each node is broker and controller.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use rdkafka::{
    ClientConfig,
    consumer::{BaseConsumer, Consumer},
    metadata::MetadataBroker,
};

use crate::{jars::Jars, ports::free_ports, process::Process, process::run};

/// A cold start on a busy machine takes half a minute, and a restart after a kill over ten seconds.
const START_DEADLINE: Duration = Duration::from_secs(120);
const CLUSTER_ID: &str = "dGlja2V0LXJvdXRlci1oYQ";

/// A listener with SASL PLAIN, beside the plain one that every node has.
#[derive(Clone, Debug)]
pub struct Listener {
    /// Its name: capital letters and digits.
    pub name: String,
    /// The only user that it knows, and the password.
    pub user: (String, String),
    /// The port that each node says it has: that of a proxy in front of it.
    pub advertised: Vec<u16>,
}

/// What a cluster looks like.
#[derive(Clone, Debug)]
pub struct Layout {
    /// How many nodes.
    pub nodes: usize,
    /// Further listeners.
    pub listeners: Vec<Listener>,
    /// Where configs and logs of the programs lie.
    pub folder: PathBuf,
    /// Where records lie.
    pub data: PathBuf,
    /// Options of each node's Java machine.
    pub java: Vec<String>,
    /// Further lines of `server.properties`.
    pub settings: &'static str,
}

/// A running cluster.
pub struct Cluster {
    jars: Jars,
    nodes: Vec<Node>,
    folder: PathBuf,
    java: Vec<String>,
}

/// One of its nodes.
pub struct Node {
    plain: u16,
    listeners: Vec<u16>,
    properties: PathBuf,
    process: Option<Process>,
}

impl Cluster {
    /// Formats and starts all nodes, and waits until they answer.
    ///
    /// # Errors
    /// A node does not start.
    pub fn start(layout: &Layout) -> Result<Self> {
        let jars = Jars::find()?;
        let controllers = free_ports(layout.nodes)?;
        let voters: Vec<_> =
            controllers.iter().enumerate().map(|(n, port)| format!("{}@127.0.0.1:{port}", n + 1)).collect();
        let mut nodes = Vec::new();
        for (n, controller) in controllers.iter().enumerate() {
            let plain = free_ports(1)?[0];
            let listeners = free_ports(layout.listeners.len())?;
            let properties = layout.folder.join(format!("node-{n}.properties"));
            let text = server_properties(layout, n, plain, *controller, &listeners, &voters.join(","));
            fs::write(&properties, text)?;
            run(jars
                .tool("kafka.tools.StorageTool")
                .args(["format", "-t", CLUSTER_ID, "-c"])
                .arg(&properties))?;
            nodes.push(Node { plain, listeners, properties, process: None });
        }
        let mut cluster = Self { jars, nodes, folder: layout.folder.clone(), java: layout.java.clone() };
        (0..layout.nodes).try_for_each(|n| cluster.spawn(n))?;
        (0..layout.nodes).try_for_each(|n| cluster.wait_until_it_answers(n))?;
        Ok(cluster)
    }

    /// How many nodes it has.
    #[must_use]
    pub fn size(&self) -> usize {
        self.nodes.len()
    }

    /// The addresses of the plain listeners.
    #[must_use]
    pub fn bootstrap(&self) -> String {
        let all: Vec<_> = self.nodes.iter().map(|node| format!("127.0.0.1:{}", node.plain)).collect();
        all.join(",")
    }

    /// The port that a node really listens on for a further listener.
    #[must_use]
    pub fn port(&self, node: usize, listener: usize) -> u16 {
        self.nodes[node].listeners[listener]
    }

    /// The process of a node, while it runs.
    #[must_use]
    pub fn process(&self, node: usize) -> Option<&Process> {
        self.nodes[node].process.as_ref()
    }

    /// One of Kafka's command-line tools, by its class, with the address given.
    #[must_use]
    pub fn tool(&self, class: &str) -> std::process::Command {
        let mut command = self.jars.tool(class);
        command.args(["--bootstrap-server", &self.bootstrap()]);
        command
    }

    /// Kills a node as `kill -9` does.
    pub fn kill(&mut self, node: usize) {
        self.nodes[node].process = None;
    }

    /// Stops a node as SIGTERM does.
    ///
    /// # Errors
    /// It does not end.
    pub fn stop(&mut self, node: usize) -> Result<()> {
        if let Some(mut process) = self.nodes[node].process.take() {
            process.stop().context("a node does not end on SIGTERM")?;
        }
        Ok(())
    }

    /// Whether the process of a node ends by itself within a time.
    pub fn ends_by_itself(&mut self, node: usize, within: Duration) -> bool {
        self.nodes[node].process.as_mut().is_none_or(|it| it.wait_for_end(within).is_some())
    }

    /// Starts a node on the same ports and data, and waits until it answers.
    ///
    /// # Errors
    /// It does not start.
    pub fn restart(&mut self, node: usize) -> Result<()> {
        self.nodes[node].process = None;
        self.spawn(node)?;
        self.wait_until_it_answers(node)
    }

    fn spawn(&mut self, n: usize) -> Result<()> {
        let node = &mut self.nodes[n];
        let options: Vec<_> = self.java.iter().map(String::as_str).collect();
        let mut java = self.jars.java(&options);
        java.arg("kafka.Kafka").arg(&node.properties);
        node.process = Some(Process::start(&mut java, &self.folder.join(format!("node-{n}.log")))?);
        Ok(())
    }

    fn wait_until_it_answers(&mut self, n: usize) -> Result<()> {
        let node = &mut self.nodes[n];
        let address = format!("127.0.0.1:{}", node.plain);
        let id = i32::try_from(n)? + 1;
        wait_for_broker(&address, Some(id), || match &mut node.process {
            Some(process) => process.check_alive().context("a node"),
            None => Ok(()),
        })
    }
}

/// Waits until a broker answers, and, where an id is given, knows the node. An open port is not enough: a broker that is still recovering accepts connections.
///
/// # Errors
/// It does not, or `check` fails meanwhile.
pub fn wait_for_broker(address: &str, id: Option<i32>, mut check: impl FnMut() -> Result<()>) -> Result<()> {
    let probe: BaseConsumer =
        ClientConfig::new().set("bootstrap.servers", address).set("log_level", "0").create()?;
    let started = Instant::now();
    while started.elapsed() < START_DEADLINE {
        check()?;
        let answer = probe.fetch_metadata(None, Duration::from_secs(1));
        let is_there = |known: &MetadataBroker| id.is_none_or(|id| known.id() == id);
        if answer.is_ok_and(|metadata| metadata.brokers().iter().any(is_there)) {
            return Ok(());
        }
        thread::sleep(Duration::from_millis(50));
    }
    bail!("the broker at {address} does not answer")
}

fn server_properties(
    layout: &Layout,
    node: usize,
    plain: u16,
    controller: u16,
    ports: &[u16],
    voters: &str,
) -> String {
    let mut listeners = format!("PLAIN://127.0.0.1:{plain},CONTROLLER://127.0.0.1:{controller}");
    let mut advertised = format!("PLAIN://127.0.0.1:{plain}");
    let mut protocols = "PLAIN:PLAINTEXT,CONTROLLER:PLAINTEXT".to_owned();
    let mut users = String::new();
    for (listener, port) in layout.listeners.iter().zip(ports) {
        let (name, (user, password)) = (&listener.name, &listener.user);
        let _ = write!(listeners, ",{name}://127.0.0.1:{port}");
        let _ = write!(advertised, ",{name}://127.0.0.1:{}", listener.advertised[node]);
        let _ = write!(protocols, ",{name}:SASL_PLAINTEXT");
        let prefix = format!("listener.name.{}", name.to_lowercase());
        let _ = writeln!(users, "{prefix}.sasl.enabled.mechanisms=PLAIN");
        let module = "org.apache.kafka.common.security.plain.PlainLoginModule";
        let _ =
            writeln!(users, "{prefix}.plain.sasl.jaas.config={module} required user_{user}=\"{password}\";");
    }
    let (replicas, in_sync) = if layout.nodes >= 3 { (3, 2) } else { (1, 1) };
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
message.max.bytes=4194304
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
{users}{settings}",
        id = node + 1,
        settings = layout.settings,
        data = data_folder(&layout.data, node).display(),
    )
}

fn data_folder(data: &Path, node: usize) -> PathBuf {
    data.join(format!("node-{node}"))
}
