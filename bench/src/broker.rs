//! A genuine Kafka: the one that the environment names, or one that is started here.

use std::{
    env, fs,
    net::TcpListener,
    path::Path,
    process::Command,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use rdkafka::{
    ClientConfig,
    consumer::{BaseConsumer, Consumer},
};

use crate::{build::run, process::Process};

/// The variable that names a broker to use.
pub const ADDRESS: &str = "TICKET_ROUTER_TEST_KAFKA";

const START_DEADLINE: Duration = Duration::from_secs(90);
/// Below the ephemeral ports, where a client that probes a closed port can be connected to itself.
const PORTS: std::ops::Range<u16> = 19_100..19_900;
const CLUSTER_ID: &str = "dGlja2V0LXJvdXRlci1iZQ";

/// A broker that answers.
pub struct Broker {
    pub bootstrap: String,
    own: Option<Process>,
}

impl Broker {
    /// Finds the broker, or starts one with its log below `folder`.
    pub fn start(folder: &Path) -> Result<Self> {
        if let Ok(bootstrap) = env::var(ADDRESS) {
            let mut broker = Self { bootstrap, own: None };
            broker.wait_until_it_answers()?;
            return Ok(broker);
        }
        let jars = env::current_exe()?;
        let jars = jars
            .ancestors()
            .nth(2)
            .context("the program lies in target/PROFILE")?
            .join("bench/kafka-4.1.0/*");
        let [plain, controller] = free_ports()?;
        let properties = folder.join("server.properties");
        fs::write(&properties, server_properties(folder, plain, controller))?;
        let java = |options: &[&str]| {
            let mut command = Command::new("java");
            command.args(options).arg("-Dorg.slf4j.simpleLogger.defaultLogLevel=warn").arg("-cp").arg(&jars);
            command
        };
        run(java(&["-XX:TieredStopAtLevel=1"])
            .args(["kafka.tools.StorageTool", "format", "--standalone", "-t", CLUSTER_ID, "-c"])
            .arg(&properties)
            .stdout(std::process::Stdio::null()))?;
        let own = Process::start(
            java(&["-Xms1g", "-Xmx1g"]).arg("kafka.Kafka").arg(&properties),
            &folder.join("kafka.log"),
        )?;
        let mut broker = Self { bootstrap: format!("127.0.0.1:{plain}"), own: Some(own) };
        broker.wait_until_it_answers()?;
        Ok(broker)
    }

    /// CPU time of the broker, if it was started here.
    pub fn cpu(&self) -> Result<Option<Duration>> {
        self.own.as_ref().map(Process::cpu).transpose()
    }

    /// An open port is not enough: a broker that is still recovering accepts connections.
    fn wait_until_it_answers(&mut self) -> Result<()> {
        let probe: BaseConsumer =
            ClientConfig::new().set("bootstrap.servers", &self.bootstrap).set("log_level", "0").create()?;
        let started = Instant::now();
        while started.elapsed() < START_DEADLINE {
            if let Some(own) = &mut self.own {
                own.check_alive().context("the broker")?;
            }
            let answer = probe.fetch_metadata(None, Duration::from_secs(2));
            if answer.is_ok_and(|metadata| !metadata.brokers().is_empty()) {
                return Ok(());
            }
            thread::sleep(Duration::from_millis(100));
        }
        bail!("the broker at {} does not answer", self.bootstrap)
    }
}

fn free_ports() -> Result<[u16; 2]> {
    let span = u32::from(PORTS.end - PORTS.start);
    let first = (std::process::id() % span) as u16;
    let mut free = (0..PORTS.end - PORTS.start)
        .map(|step| PORTS.start + (first + step) % (PORTS.end - PORTS.start))
        .filter(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok());
    match (free.next(), free.next()) {
        (Some(one), Some(other)) => Ok([one, other]),
        _ => bail!("no two ports between {} and {} are free", PORTS.start, PORTS.end),
    }
}

fn server_properties(folder: &Path, plain: u16, controller: u16) -> String {
    let log = folder.join("kafka-log");
    format!(
        "process.roles=broker,controller
node.id=1
controller.quorum.bootstrap.servers=127.0.0.1:{controller}
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAIN
listeners=PLAIN://127.0.0.1:{plain},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAIN://127.0.0.1:{plain}
listener.security.protocol.map=PLAIN:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs={}
log.segment.delete.delay.ms=1000
message.max.bytes=4194304
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
",
        log.display()
    )
}
