//! One genuine Kafka for the whole run.
//!
//! It is found in this order: the address in `TICKET_ROUTER_TEST_KAFKA`; a Docker daemon; Java with Maven. The last two start a KRaft node of their own
//! on free ports, with three listeners: plain, SASL_SSL with SCRAM, and SSL with client certificates. A test that breaks its broker, or that needs
//! TLS, never touches the one of the environment: it starts its own, so it needs Docker or Java in any case.

mod certificates;
mod launcher;

use std::{
    env, fs,
    io::{BufRead, BufReader, Write},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::{Mutex, OnceLock},
    time::Duration,
};

use rdkafka::{
    ClientConfig,
    consumer::{BaseConsumer, Consumer},
};
use ticket_router_harness::free_ports;

use self::{certificates::Certificates, launcher::Launcher};
use crate::support::wait::try_wait;

/// The user that the SCRAM listener knows, with its password.
pub const SCRAM_USER: (&str, &str) = ("router", "correct-horse-battery");

/// A cold start on a busy machine takes half a minute, and a restart after a kill over ten seconds.
const START_DEADLINE: Duration = Duration::from_secs(90);
const CLUSTER_ID: &str = "dGlja2V0LXJvdXRlci10ZQ";

/// A broker that answers.
pub struct Broker {
    plain: String,
    own: Option<Own>,
}

/// What is known of a broker that this process started.
struct Own {
    launcher: Launcher,
    dir: PathBuf,
    container: String,
    scram: String,
    mutual: String,
    certificates: Certificates,
    keeper: Mutex<Keeper>,
}

/// The shell that starts and stops the server.
struct Keeper {
    child: Child,
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Broker {
    /// The broker that all tests share; the first that asks starts it.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Result<Broker, String>> = OnceLock::new();
        let found = SHARED.get_or_init(|| match env::var("TICKET_ROUTER_TEST_KAFKA") {
            Ok(address) => Self::external(address),
            Err(_) => Self::start(""),
        });
        found.as_ref().unwrap_or_else(|why| panic!("{why}"))
    }

    /// The shared broker where this process started it, else one more: it has the listeners that TLS and SASL need.
    pub fn with_tls() -> &'static Self {
        static SECOND: OnceLock<Result<Broker, String>> = OnceLock::new();
        let shared = Self::shared();
        if shared.own.is_some() {
            return shared;
        }
        SECOND.get_or_init(|| Self::start("")).as_ref().unwrap_or_else(|why| panic!("{why}"))
    }

    /// A broker of the test's own, to stop, kill and start again.
    pub fn private() -> Self {
        Self::private_with("")
    }

    /// A broker of the test's own with further lines of `server.properties`, which win over the usual ones.
    pub fn private_with(properties: &str) -> Self {
        Self::start(properties).unwrap_or_else(|why| panic!("{why}"))
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
        self.order("kill");
    }

    /// Stops the server as SIGTERM does.
    pub fn stop(&self) {
        self.order("stop");
    }

    /// Starts the server again on the same ports and data, and waits until it answers.
    pub fn restart(&self) {
        self.order("start");
        self.wait_until_it_answers().unwrap_or_else(|why| panic!("{why}"));
    }

    /// Kafka's own console consumer, with this broker's address given.
    pub fn console_consumer(&self) -> Command {
        self.tool("org.apache.kafka.tools.consumer.ConsoleConsumer", "kafka-console-consumer.sh")
    }

    /// Kafka's own tool for rights, with this broker's address given.
    pub fn acls(&self) -> Command {
        self.tool("org.apache.kafka.tools.AclCommand", "kafka-acls.sh")
    }

    fn tool(&self, class: &str, script: &str) -> Command {
        let mut command = match &self.own {
            Some(own) => own.launcher.tool(class, script, Some(&own.container)),
            None => Launcher::find().unwrap_or_else(|why| panic!("{why}")).tool(class, script, None),
        };
        command.args(["--bootstrap-server", &self.plain]);
        command
    }

    fn external(address: String) -> Result<Self, String> {
        let broker = Self { plain: address, own: None };
        broker.wait_until_it_answers()?;
        Ok(broker)
    }

    fn start(more: &str) -> Result<Self, String> {
        let launcher = Launcher::find()?;
        let dir = tempfile::Builder::new()
            .prefix("ticket-router-kafka-")
            // The user of a container is another one.
            .permissions(fs::Permissions::from_mode(0o755))
            .tempdir()
            .map_err(|error| error.to_string())?
            .keep();
        let ports = free_ports(4).map_err(|error| error.to_string())?;
        let ports = <[u16; 4]>::try_from(ports).expect("as many as were asked for");
        let [plain, scram, mutual, _] = ports.map(|port| format!("127.0.0.1:{port}"));
        let certificates = Certificates::make(&dir)?;
        let container = format!("ticket-router-test-{}", ports[0]);
        let keeper = Keeper::start(&launcher, &container, &dir, ports, more)?;
        let own = Own { launcher, dir, container, scram, mutual, certificates, keeper: Mutex::new(keeper) };
        let broker = Self { plain, own: Some(own) };
        broker.wait_until_it_answers()?;
        Ok(broker)
    }

    /// An open port is not enough: a broker that is still recovering accepts connections.
    fn wait_until_it_answers(&self) -> Result<(), String> {
        let probe: BaseConsumer = self.client().create().map_err(|error| error.to_string())?;
        let answer = try_wait(START_DEADLINE, || {
            let metadata = probe.fetch_metadata(None, Duration::from_secs(2)).ok()?;
            (!metadata.brokers().is_empty()).then_some(())
        });
        answer.ok_or_else(|| {
            let log = self
                .own
                .as_ref()
                .map(|own| fs::read_to_string(own.dir.join("kafka.txt")).unwrap_or_default());
            format!("the broker at {} does not answer\n{}", self.plain, log.unwrap_or_default())
        })
    }

    fn order(&self, order: &str) {
        self.own().keeper.lock().expect("no test panics while it holds the keeper").order(order);
    }

    fn own(&self) -> &Own {
        self.own.as_ref().expect("the test asked for a broker that this process starts")
    }
}

impl Keeper {
    fn start(
        launcher: &Launcher,
        name: &str,
        dir: &Path,
        ports: [u16; 4],
        more: &str,
    ) -> Result<Self, String> {
        let broken = |error: std::io::Error| error.to_string();
        let properties = dir.join("server.properties");
        let lines = server_properties(launcher, dir, ports) + more;
        fs::write(&properties, lines).map_err(broken)?;
        let (user, password) = SCRAM_USER;
        let arguments = format!(
            "--standalone -t {CLUSTER_ID} --add-scram 'SCRAM-SHA-512=[name={user},password=\"{password}\"]'"
        );
        let (format_command, serve_command) = launcher.shell_commands(&properties, &arguments);
        let log = fs::File::create(dir.join("kafka.txt")).map_err(broken)?;
        let keeper = launcher.keeper(name, dir, &ports[..3]);
        // The folder goes when the server has ended, however this process ends.
        let mut child = Command::new("sh")
            .args(["-c", r#"trap '' INT; dir=$1; shift; "$@"; rm -rf -- "$dir""#, "sh"])
            .arg(dir)
            .arg(keeper.get_program())
            .args(keeper.get_args())
            .args([&format_command, &serve_command])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .map_err(broken)?;
        let orders = child.stdin.take();
        let answers = BufReader::new(child.stdout.take().expect("the answers were asked for as a pipe"));
        let mut keeper = Self { child, orders, answers };
        if keeper.answer().is_none_or(|answer| answer != "start") {
            let log = fs::read_to_string(dir.join("kafka.txt")).unwrap_or_default();
            return Err(format!("the broker's storage could not be formatted\n{log}"));
        }
        Ok(keeper)
    }

    fn order(&mut self, order: &str) {
        let orders = self.orders.as_mut().expect("orders stop only when the keeper is dropped");
        writeln!(orders, "{order}").expect("the keeper lives as long as its orders are open");
        assert_eq!(self.answer().as_deref(), Some(order), "the keeper of the broker is gone");
    }

    /// A word of the keeper; `None` if it has ended. What the tools print to the same stream is passed over.
    fn answer(&mut self) -> Option<String> {
        let mut line = String::new();
        while self.answers.read_line(&mut line).is_ok_and(|read| read > 0) {
            let word = line.trim();
            if ["start", "stop", "kill"].contains(&word) {
                return Some(word.to_owned());
            }
            line.clear();
        }
        None
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        drop(self.orders.take());
        // The shell has nothing to report; waiting keeps it from outliving the test.
        let _ = self.child.wait();
    }
}

fn server_properties(
    launcher: &Launcher,
    dir: &Path,
    [plain, scram, mutual, controller]: [u16; 4],
) -> String {
    let bind = launcher.bind_address();
    let log_dir = launcher.log_dir(dir);
    let dir = dir.display();
    format!(
        "process.roles=broker,controller
node.id=1
controller.quorum.bootstrap.servers=127.0.0.1:{controller}
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAIN
listeners=PLAIN://{bind}:{plain},SCRAM://{bind}:{scram},MUTUAL://{bind}:{mutual},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAIN://127.0.0.1:{plain},SCRAM://127.0.0.1:{scram},MUTUAL://127.0.0.1:{mutual}
listener.security.protocol.map=PLAIN:PLAINTEXT,SCRAM:SASL_SSL,MUTUAL:SSL,CONTROLLER:PLAINTEXT
log.dirs={log_dir}
log.index.size.max.bytes=262144
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
allow.everyone.if.no.acl.found=true
super.users=User:ANONYMOUS
ssl.keystore.type=PEM
ssl.keystore.location={dir}/broker.pem
ssl.truststore.type=PEM
ssl.truststore.location={dir}/ca.crt
listener.name.mutual.ssl.client.auth=required
listener.name.scram.sasl.enabled.mechanisms=SCRAM-SHA-512,OAUTHBEARER
listener.name.scram.oauthbearer.sasl.jaas.config=org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required;
listener.name.scram.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
"
    )
}
