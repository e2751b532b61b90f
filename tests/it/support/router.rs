//! Processes of `ticket-router run`.

use std::{
    fs,
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    path::PathBuf,
    process::{Command, ExitStatus},
    sync::Arc,
    thread,
    time::Duration,
};

use rdkafka::consumer::{BaseConsumer, Consumer};
use tempfile::TempDir;
use ticket_router_harness::{Process, free_ports};
use toml::{Table, Value};

use super::{
    topics::{Destination, Topics},
    wait::wait_for,
};
use crate::broker::Broker;

/// Restoring the catalog and joining the group, on a busy machine.
pub const READY_DEADLINE: Duration = Duration::from_secs(60);
/// The grace period of a drain, and some time for a busy machine.
pub const EXIT_DEADLINE: Duration = Duration::from_secs(30);

/// The settings of a router, as the user writes them.
pub struct Settings {
    dir: Arc<TempDir>,
    table: Table,
    environment: Vec<(&'static str, String)>,
    /// Memory of a router in kilobytes, as `ulimit -d` takes it.
    memory: Option<u32>,
}

impl Settings {
    /// The settings for the topics of a test; all else is the default.
    pub fn new(topics: &Topics) -> Self {
        let dir = Arc::new(tempfile::tempdir().expect("the folder for temporary files can be written"));
        let state = dir.path().join("state").display().to_string();
        let mut settings = Self { dir, table: Table::new(), environment: Vec::new(), memory: None };
        settings
            .set("kafka.bootstrap_servers", topics.broker().bootstrap())
            .set("kafka.group_id", topics.group())
            .set("kafka.state_dir", state)
            .set("topics.incoming", topics.incoming())
            .set("catalog.topics.offers", topics.offers())
            .set("catalog.topics.publishers", topics.publishers())
            .set("catalog.topics.partners", topics.partners());
        for destination in Destination::ALL {
            let key = format!("topics.{}", destination.word().replace('-', "_"));
            settings.set(&key, topics.outgoing(destination));
        }
        settings
    }

    /// Sets one key, given with its dots.
    pub fn set(&mut self, key: &str, value: impl Into<Value>) -> &mut Self {
        let (parents, name) = key.rsplit_once('.').expect("every setting is in a table");
        let table = parents.split('.').fold(&mut self.table, |table, parent| {
            let entry = table.entry(parent).or_insert_with(|| Value::Table(Table::new()));
            entry.as_table_mut().expect("a table is not also a value")
        });
        table.insert(name.to_owned(), value.into());
        self
    }

    /// Leaves one key to its default.
    pub fn unset(&mut self, key: &str) -> &mut Self {
        let (parents, name) = key.rsplit_once('.').expect("every setting is in a table");
        let table = parents
            .split('.')
            .try_fold(&mut self.table, |table, parent| table.get_mut(parent)?.as_table_mut());
        table.and_then(|table| table.remove(name)).expect("the key was set");
        self
    }

    /// Sets a variable of the environment for the processes.
    pub fn environment(&mut self, name: &'static str, value: impl ToString) -> &mut Self {
        self.environment.push((name, value.to_string()));
        self
    }

    /// Bounds the memory of the routers, in kilobytes.
    pub fn memory(&mut self, kilobytes: u32) -> &mut Self {
        self.memory = Some(kilobytes);
        self
    }

    /// A folder that lasts as long as the settings.
    pub fn dir(&self) -> &std::path::Path {
        self.dir.path()
    }

    /// Runs a command with these settings to its end; gives its exit code, and what it said.
    pub fn run(&self, command: &[&str]) -> (Option<i32>, String) {
        let output = self.command(command).output().expect("cargo built the router");
        let said = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8_lossy(&said).into_owned())
    }

    /// Runs a command that must end with this exit code; gives what it said.
    #[track_caller]
    pub fn run_to(&self, code: Option<i32>, command: &[&str]) -> String {
        let (found, said) = self.run(command);
        assert_eq!(found, code, "{command:?}: {said}");
        said
    }

    /// A command with these settings, not yet started.
    pub fn command(&self, command: &[&str]) -> Command {
        let config = self.dir.path().join("command.toml");
        fs::write(&config, self.table.to_string()).expect("the test's folder can be written");
        let mut program = Command::new(env!("CARGO_BIN_EXE_ticket-router"));
        program.args(command).arg("--config").arg(&config);
        program
    }

    /// Starts one router with these settings and a port of its own; the name is for the output of a test that fails.
    pub fn start(&self, name: &str) -> Router {
        let port = free_ports(1).expect("ports are free")[0];
        let mut table = self.table.clone();
        table.insert(
            "http".to_owned(),
            Value::Table(Table::from_iter([
                ("listen".to_owned(), Value::String(format!("127.0.0.1:{port}"))),
                ("next_ports".to_owned(), Value::Integer(0)),
            ])),
        );
        let config = self.dir.path().join(format!("{name}.toml"));
        fs::write(&config, table.to_string()).expect("the test's folder can be written");
        let log = self.dir.path().join(format!("{name}-{port}.log"));
        let program = env!("CARGO_BIN_EXE_ticket-router");
        let mut command = match self.memory {
            None => Command::new(program),
            Some(kilobytes) => {
                let mut shell = Command::new("sh");
                shell.args(["-c", &format!(r#"ulimit -d {kilobytes} && exec "$0" "$@""#), program]);
                shell
            }
        };
        command
            .arg("run")
            .arg("--config")
            .arg(&config)
            .envs(self.environment.iter().map(|(name, value)| (name, value)));
        let process = Process::start(&mut command, &log)
            .expect("cargo built the router, and the folder can be written");
        Router { name: name.to_owned(), process, port, config, _dir: Arc::clone(&self.dir) }
    }
}

/// A running router. It is killed when it is dropped, and a test that fails shows what it said.
pub struct Router {
    name: String,
    process: Process,
    port: u16,
    config: PathBuf,
    /// Config and log are in it.
    _dir: Arc<TempDir>,
}

impl Router {
    /// Waits until `/ready` says yes.
    #[track_caller]
    pub fn wait_until_ready(&mut self) {
        let what = format!("router {} says that it is ready", self.name);
        wait_for(&what, READY_DEADLINE, || {
            let ended = self.process.ended();
            assert!(ended.is_none(), "router {} ended: {ended:?}", self.name);
            self.is_ready().then_some(())
        });
    }

    /// Whether it says that it is ready.
    pub fn is_ready(&self) -> bool {
        self.get("/ready") == Some(200)
    }

    /// Whether its process is gone.
    pub fn has_ended(&mut self) -> bool {
        self.process.ended().is_some()
    }

    /// The exit code and the answer of `ticket-router health`, with the router's own config.
    pub fn health(&self, arguments: &[&str]) -> (Option<i32>, String) {
        let output = Command::new(env!("CARGO_BIN_EXE_ticket-router"))
            .arg("health")
            .args(arguments)
            .arg("--config")
            .arg(&self.config)
            .output()
            .expect("cargo built the router");
        let said = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8_lossy(&said).into_owned())
    }

    /// Ends it as `kill -9` does.
    pub fn kill(&mut self) {
        self.at_work().kill();
    }

    /// Asks it to drain.
    pub fn terminate(&mut self) {
        self.at_work().terminate();
    }

    /// Stops it where it stands.
    pub fn freeze(&mut self) {
        self.at_work().freeze();
    }

    /// Lets it go on.
    pub fn thaw(&mut self) {
        self.at_work().thaw();
    }

    /// Waits until it has ended, and gives its exit status.
    #[track_caller]
    pub fn wait_for_end(&mut self) -> ExitStatus {
        let ended = self.process.wait_for_end(EXIT_DEADLINE);
        ended.unwrap_or_else(|| panic!("router {} does not end", self.name))
    }

    /// What it printed so far.
    pub fn said(&self) -> String {
        self.process.log()
    }

    /// The most memory it has had so far, in megabytes.
    pub fn peak_mb(&self) -> f64 {
        self.process.peak_mb().expect("a process that runs has a peak")
    }

    fn at_work(&mut self) -> &mut Process {
        assert!(!self.has_ended(), "router {} was gone already", self.name);
        &mut self.process
    }

    /// The body of a page, or nothing while nobody answers.
    pub fn page(&self, path: &str) -> Option<String> {
        self.answer(path)?.split_once("\r\n\r\n").map(|(_, body)| body.to_owned())
    }

    /// One figure of `/metrics`, or nothing while there is none.
    pub fn figure(&self, name_and_labels: &str) -> Option<f64> {
        let page = self.page("/metrics")?;
        page.lines().find_map(|line| line.strip_prefix(name_and_labels)?.strip_prefix(' ')?.parse().ok())
    }

    /// The status of a GET request, or nothing while nobody answers.
    fn get(&self, path: &str) -> Option<u16> {
        self.answer(path)?.split(' ').nth(1)?.parse().ok()
    }

    fn answer(&self, path: &str) -> Option<String> {
        let address = SocketAddr::from(([127, 0, 0, 1], self.port));
        let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(1)).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(2))).ok()?;
        write!(stream, "GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        Some(answer)
    }
}

impl Drop for Router {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("--- router {} ({:?}) said:\n{}---", self.name, self.process.ended(), self.said());
        }
    }
}

/// Waits until a group is stable with so many members.
#[track_caller]
pub fn wait_for_members(broker: &Broker, group: &str, members: usize) {
    let client: BaseConsumer =
        broker.client().create().expect("the settings of the client are known to librdkafka");
    wait_for(&format!("group {group} has {members} members"), READY_DEADLINE, || {
        let list = client.fetch_group_list(Some(group), Duration::from_secs(5)).ok()?;
        let found = list.groups().iter().find(|found| found.name() == group)?;
        let state = if members == 0 { "Empty" } else { "Stable" };
        (found.state() == state && found.members().len() == members).then_some(())
    });
}
