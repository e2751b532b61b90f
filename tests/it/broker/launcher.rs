//! Where a Kafka to start comes from: a Docker daemon, or Java with the jars that Maven fetches.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// The version of Kafka, of the image and of the jars.
const VERSION: &str = "4.1.0";
const OLDEST_JAVA: u32 = 17;

/// A way to start a broker and its command-line tools.
pub enum Launcher {
    /// Containers of the image `apache/kafka`.
    Docker,
    /// A Java machine and a folder of jars.
    Java { java: PathBuf, jars: PathBuf },
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
        let java = match env::var_os("JAVA_HOME") {
            Some(home) => Path::new(&home).join("bin/java"),
            None => PathBuf::from("java"),
        };
        let version = run(Command::new(&java).arg("-version"))?;
        if major_version(&version).is_none_or(|found| found < OLDEST_JAVA) {
            return Err(format!("version {OLDEST_JAVA} or newer is needed, `java -version` says: {version}"));
        }
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("the folder lies in target/");
        let jars = target.join(format!("kafka-{VERSION}"));
        if !jars.is_dir() {
            fetch_jars(&jars)?;
        }
        Ok(Self::Java { java, jars })
    }

    /// The interface that a listener binds: a container's ports are published to this host's loopback.
    pub fn bind_address(&self) -> &'static str {
        match self {
            Self::Docker => "0.0.0.0",
            Self::Java { .. } => "127.0.0.1",
        }
    }

    /// Where the broker keeps its log: in the container, whose user cannot write here, or in the folder given.
    pub fn log_dir(&self, dir: &Path) -> String {
        match self {
            Self::Docker => "/tmp/ticket-router-test".to_owned(),
            Self::Java { .. } => dir.join("log").display().to_string(),
        }
    }

    /// The shell commands that format the storage and serve.
    pub fn shell_commands(&self, properties: &Path, format_arguments: &str) -> (String, String) {
        let properties = properties.display();
        match self {
            Self::Docker => (
                format!("/opt/kafka/bin/kafka-storage.sh format -c '{properties}' {format_arguments}"),
                format!("/opt/kafka/bin/kafka-server-start.sh '{properties}'"),
            ),
            Self::Java { java, jars } => {
                let java = format!(
                    "'{}' -Dorg.slf4j.simpleLogger.defaultLogLevel=warn -cp '{}/*'",
                    java.display(),
                    jars.display()
                );
                (
                    format!(
                        "{java} -XX:TieredStopAtLevel=1 kafka.tools.StorageTool format -c '{properties}' {format_arguments}"
                    ),
                    format!(
                        "{java} -Xmx512m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 kafka.Kafka '{properties}'"
                    ),
                )
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
            Self::Java { .. } => Command::new("sh"),
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
            (Self::Java { java, jars }, _) => {
                let mut command = Command::new(java);
                command.args([
                    "-Xmx128m",
                    "-XX:TieredStopAtLevel=1",
                    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
                ]);
                command.arg("-cp").arg(jars.join("*")).arg(class);
                command
            }
        }
    }
}

fn image() -> String {
    format!("apache/kafka:{VERSION}")
}

/// Lets Maven copy the jars, and shows them under their name only when all are there.
fn fetch_jars(jars: &Path) -> Result<(), String> {
    let unfinished = jars.with_file_name(format!("kafka-{VERSION}-unfinished-{}", std::process::id()));
    run(Command::new("mvn")
        .args(["--batch-mode", "--quiet", "--file"])
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/kafka/pom.xml"))
        .args(["dependency:copy-dependencies", "-DincludeScope=runtime"])
        .arg(format!("-DoutputDirectory={}", unfinished.display())))?;
    // Another run may have been faster; its jars are the same.
    fs::rename(&unfinished, jars).or_else(|error| if jars.is_dir() { Ok(()) } else { Err(error.to_string()) })
}

/// Runs a command to its end and gives what it printed.
fn run(command: &mut Command) -> Result<String, String> {
    let program = command.get_program().display().to_string();
    let output = command.stdin(Stdio::null()).output().map_err(|error| format!("`{program}`: {error}"))?;
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text).trim().to_owned();
    if output.status.success() { Ok(text) } else { Err(format!("`{program}` failed: {text}")) }
}

/// The 17 of `openjdk version "17.0.15" 2025-04-15`.
fn major_version(text: &str) -> Option<u32> {
    let (_, quoted) = text.split_once('"')?;
    let digits = quoted.split(|c: char| !c.is_ascii_digit()).next()?;
    digits.parse().ok()
}
