//! A KRaft cluster on loopback: each node is broker and controller.

use std::{env, fs, path::PathBuf, process::Command, time::Duration};

use anyhow::{Context, Result};
use rdkafka::{
    ClientConfig,
    consumer::{BaseConsumer, Consumer},
    metadata::MetadataBroker,
};

use crate::{
    jars::Jars,
    layout::{Layout, Ports},
    ports::free_ports,
    process::{Process, run},
    wait::wait_for,
};

/// A cold start on a busy machine takes half a minute, and a restart after a kill over ten seconds.
const START_DEADLINE: Duration = Duration::from_secs(120);
const CLUSTER_ID: &str = "dGlja2V0LXJvdXRlci1oYQ";
/// The variable that names a broker to use in place of one that is started.
const ADDRESS: &str = "TICKET_ROUTER_TEST_KAFKA";

/// The address of the broker that the environment names, once it answers; `None` if it names none.
///
/// # Errors
/// That broker does not answer.
pub fn external() -> Result<Option<String>> {
    let Ok(address) = env::var(ADDRESS) else { return Ok(None) };
    wait_for_broker(&address, None, || Ok(())).with_context(|| format!("the broker of {ADDRESS}"))?;
    Ok(Some(address))
}

/// A running cluster.
pub struct Cluster {
    jars: Jars,
    nodes: Vec<Node>,
    folder: PathBuf,
    java: Vec<String>,
}

struct Node {
    ports: Ports,
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
            let plain = match layout.port {
                Some(port) if n == 0 => port,
                _ => free_ports(1)?[0],
            };
            let ports =
                Ports { plain, controller: *controller, listeners: free_ports(layout.listeners.len())? };
            let properties = layout.folder.join(format!("node-{n}.properties"));
            fs::write(&properties, layout.server_properties(n, &ports, &voters.join(",")))?;
            let mut format = jars.tool("kafka.tools.StorageTool");
            format.args(["format", "-t", CLUSTER_ID, "-c"]).arg(&properties);
            if let Some((user, password)) = layout.scram_user {
                format.args(["--add-scram", &format!("SCRAM-SHA-512=[name={user},password=\"{password}\"]")]);
            }
            run(&mut format)?;
            nodes.push(Node { ports, properties, process: None });
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
        let all: Vec<_> = self.nodes.iter().map(|node| format!("127.0.0.1:{}", node.ports.plain)).collect();
        all.join(",")
    }

    /// The port on which a node listens for a further listener.
    #[must_use]
    pub fn port(&self, node: usize, listener: usize) -> u16 {
        self.nodes[node].ports.listeners[listener]
    }

    /// The process of a node, while it runs.
    #[must_use]
    pub fn process(&self, node: usize) -> Option<&Process> {
        self.nodes[node].process.as_ref()
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
        let mut java = self.jars.java(&self.java);
        java.arg("kafka.Kafka").arg(&node.properties);
        node.process = Some(Process::start(&mut java, &self.folder.join(format!("node-{n}.log")))?);
        Ok(())
    }

    fn wait_until_it_answers(&mut self, n: usize) -> Result<()> {
        let node = &mut self.nodes[n];
        let address = format!("127.0.0.1:{}", node.ports.plain);
        let id = i32::try_from(n)? + 1;
        wait_for_broker(&address, Some(id), || match &mut node.process {
            Some(process) => process.check_alive().context("a node"),
            None => Ok(()),
        })
    }
}

/// Waits until a broker answers and, if an id is given, knows that node. An open port is not enough: a broker that is still
/// recovering accepts connections.
fn wait_for_broker(address: &str, id: Option<i32>, mut check: impl FnMut() -> Result<()>) -> Result<()> {
    let probe: BaseConsumer =
        ClientConfig::new().set("bootstrap.servers", address).set("log_level", "0").create()?;
    wait_for(&format!("the broker at {address} answers"), START_DEADLINE, || {
        check()?;
        let answer = probe.fetch_metadata(None, Duration::from_secs(1));
        let is_there = |known: &MetadataBroker| id.is_none_or(|id| known.id() == id);
        Ok(answer.is_ok_and(|metadata| metadata.brokers().iter().any(is_there)).then_some(()))
    })
}

/// Kafka's tool for rights, for the brokers at an address.
///
/// # Errors
/// There are no jars.
pub fn acls(bootstrap: &str) -> Result<Command> {
    let jars = Jars::find()?;
    let class = if jars.is_older_than_4() { "kafka.admin" } else { "org.apache.kafka.tools" };
    Ok(with_address(jars.tool(&format!("{class}.AclCommand")), bootstrap))
}

/// Kafka's console consumer, for the brokers at an address.
///
/// # Errors
/// There are no jars.
pub fn console_consumer(bootstrap: &str) -> Result<Command> {
    Ok(with_address(Jars::find()?.tool("org.apache.kafka.tools.consumer.ConsoleConsumer"), bootstrap))
}

fn with_address(mut tool: Command, bootstrap: &str) -> Command {
    tool.args(["--bootstrap-server", bootstrap]);
    tool
}
