//! Where a Kafka to start comes from: a Docker daemon, or Java with the jars that Maven fetches.

use std::{path::Path, process::Command};

use ticket_router_harness::{Jars, VERSION, java};

const OLDEST_JAVA: u32 = 17;

/// A way to start a broker and its command-line tools.
pub enum Launcher {
    /// Containers of the image `apache/kafka`.
    Docker,
    /// A Java machine and a folder of jars.
    Java(Jars),
}

impl Launcher {
    /// Takes Docker if its daemon answers, else Java.
    ///
    /// # Errors
    /// One message that says what was tried and what to install.
    pub fn find() -> Result<Self, String> {
        let docker = match Self::docker() {
            Ok(found) => return Ok(found),
            Err(why) => why,
        };
        Self::java().map_err(|java| {
            format!(
                "these tests need a Kafka broker and found none\n  TICKET_ROUTER_TEST_KAFKA: not set, or not enough for \
                 this test\n  Docker: {docker}\n  Java: {java}\nstart the Docker daemon, or install Java {OLDEST_JAVA} or \
                 newer and Maven"
            )
        })
    }

    fn docker() -> Result<Self, String> {
        run(Command::new("docker").args(["info", "--format", "{{.ServerVersion}}"]))?;
        let image = image();
        if run(Command::new("docker").args(["image", "inspect", &image])).is_err() {
            run(Command::new("docker").args(["pull", "--quiet", &image]))?;
        }
        Ok(Self::Docker)
    }

    fn java() -> Result<Self, String> {
        let version = run(Command::new(java()).arg("-version"))?;
        if major_version(&version).is_none_or(|found| found < OLDEST_JAVA) {
            return Err(format!("version {OLDEST_JAVA} or newer is needed, `java -version` says: {version}"));
        }
        Ok(Self::Java(Jars::find().map_err(|error| format!("{error:#}"))?))
    }

    /// The interface that a listener binds: a container's ports are published to this host's loopback.
    pub fn bind_address(&self) -> &'static str {
        match self {
            Self::Docker => "0.0.0.0",
            Self::Java(_) => "127.0.0.1",
        }
    }

    /// Where the broker keeps its log: in the container, whose user cannot write here, or in the folder given.
    pub fn log_dir(&self, dir: &Path) -> String {
        match self {
            Self::Docker => "/tmp/ticket-router-test".to_owned(),
            Self::Java(_) => dir.join("log").display().to_string(),
        }
    }

    /// The shell commands that format the storage and serve.
    pub fn shell_commands(&self, properties: &Path, format_arguments: &str) -> (String, String) {
        match self {
            Self::Docker => {
                let properties = properties.display();
                (
                    format!("/opt/kafka/bin/kafka-storage.sh format -c '{properties}' {format_arguments}"),
                    format!("/opt/kafka/bin/kafka-server-start.sh '{properties}'"),
                )
            }
            Self::Java(jars) => {
                let mut format = jars.tool("kafka.tools.StorageTool");
                format.args(["format", "-c"]).arg(properties);
                let mut serve = jars.java(&["-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]);
                serve.arg("kafka.Kafka").arg(properties);
                (format!("{} {format_arguments}", in_shell(&format)), in_shell(&serve))
            }
        }
    }

    /// The shell that runs the keeper: on this host, or in a container that sees the folder and publishes the ports.
    pub fn keeper(&self, name: &str, dir: &Path, ports: &[u16]) -> Command {
        let mut command = match self {
            Self::Docker => {
                let mut docker = Command::new("docker");
                docker.args([
                    "run",
                    "--rm",
                    "--interactive",
                    "--name",
                    name,
                    "--env",
                    "KAFKA_HEAP_OPTS=-Xmx512m",
                ]);
                for port in ports {
                    docker.arg("--publish").arg(format!("127.0.0.1:{port}:{port}"));
                }
                docker.arg("--volume").arg(format!("{0}:{0}:ro", dir.display()));
                docker.args(["--entrypoint", "sh", &image()]);
                docker
            }
            Self::Java(_) => Command::new("sh"),
        };
        command.args(["-c", include_str!("keeper.sh"), "keeper"]);
        command
    }

    /// One of Kafka's command-line tools, by its class and by its script; `container` is the broker's own, if there is one.
    pub fn tool(&self, class: &str, script: &str, container: Option<&str>) -> Command {
        match (self, container) {
            (Self::Docker, Some(container)) => {
                let mut docker = Command::new("docker");
                docker.args(["exec", container]).arg(format!("/opt/kafka/bin/{script}"));
                docker
            }
            (Self::Docker, None) => {
                let mut docker = Command::new("docker");
                docker.args(["run", "--rm", "--network", "host", "--entrypoint"]);
                docker.arg(format!("/opt/kafka/bin/{script}")).arg(image());
                docker
            }
            (Self::Java(jars), _) => jars.tool(class),
        }
    }
}

/// A command as a shell reads it. No word of it holds a quote.
fn in_shell(command: &Command) -> String {
    let words = [command.get_program()].into_iter().chain(command.get_args());
    words.map(|word| format!("'{}'", word.display())).collect::<Vec<_>>().join(" ")
}

fn image() -> String {
    format!("apache/kafka:{VERSION}")
}

/// Runs a command to its end and gives what it printed.
fn run(command: &mut Command) -> Result<String, String> {
    ticket_router_harness::run(command).map_err(|error| format!("{error:#}"))
}

/// The 17 of `openjdk version "17.0.15" 2025-04-15`.
fn major_version(text: &str) -> Option<u32> {
    let (_, quoted) = text.split_once('"')?;
    let digits = quoted.split(|c: char| !c.is_ascii_digit()).next()?;
    digits.parse().ok()
}
