//! The jars of Kafka, which Maven fetches once.

use std::{
    env,
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::{Mutex, PoisonError},
};

use anyhow::{Context, Result, ensure};

use crate::process::run;

/// The variable that names another version of Kafka.
const VERSION: &str = "TICKET_ROUTER_KAFKA_VERSION";
const USUAL_VERSION: &str = "4.1.0";
const OLDEST_JAVA: u32 = 17;
const NEED: &str = "a Kafka broker is started with Java 17 or newer and Maven; tests that do not stop or secure it use \
                    that of TICKET_ROUTER_TEST_KAFKA (host:port) instead";

/// The version of Kafka that is started.
#[must_use]
pub fn kafka_version() -> String {
    env::var(VERSION).unwrap_or_else(|_| USUAL_VERSION.to_owned())
}

/// A folder of jars: the server and its command-line tools.
#[derive(Clone, Debug)]
pub(crate) struct Jars {
    folder: PathBuf,
    version: String,
}

impl Jars {
    /// Finds them below the folder that cargo builds into, or fetches them there.
    ///
    /// # Errors
    /// Java or Maven is missing, or Maven fails.
    pub(crate) fn find() -> Result<Self> {
        // Tests run at once, and two that fetched into one folder would spoil each other's files.
        static FETCHING: Mutex<()> = Mutex::new(());
        let _alone = FETCHING.lock().unwrap_or_else(PoisonError::into_inner);
        let program = env::current_exe()?;
        let target = program.ancestors().find(|it| it.join("CACHEDIR.TAG").is_file());
        let target = target.context("the program does not lie in cargo's target folder")?;
        let version = kafka_version();
        let folder = target.join(format!("kafka-{version}"));
        if !folder.is_dir() {
            let said = run(Command::new(java()).arg("-version")).context(NEED)?;
            ensure!(major_version(&said) >= Some(OLDEST_JAVA), "{NEED}; `java -version` says: {said}");
            fetch(&folder, &version).context(NEED)?;
        }
        Ok(Self { folder, version })
    }

    pub(crate) fn is_older_than_4(&self) -> bool {
        self.version.starts_with("3.")
    }

    /// A Java machine that finds the jars.
    pub(crate) fn java<O: AsRef<OsStr>>(&self, options: &[O]) -> Command {
        let mut command = Command::new(java());
        command.args(options).arg("-Dorg.slf4j.simpleLogger.defaultLogLevel=warn");
        command.arg("-cp").arg(self.folder.join("*"));
        command
    }

    /// A command-line tool, by its class.
    pub(crate) fn tool(&self, class: &str) -> Command {
        let mut command = self.java(&["-Xmx128m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"]);
        command.arg(class);
        command
    }
}

/// The Java machine: that of `JAVA_HOME`, or the one on the path.
#[must_use]
pub fn java() -> PathBuf {
    env::var_os("JAVA_HOME").map_or_else(|| "java".into(), |home| Path::new(&home).join("bin/java"))
}

/// Lets Maven copy the jars, and shows them under their name only when all are there.
fn fetch(jars: &Path, version: &str) -> Result<()> {
    let unfinished = jars.with_file_name(format!("kafka-{version}-unfinished-{}", std::process::id()));
    run(Command::new("mvn")
        .args(["--batch-mode", "--quiet", "--file"])
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/kafka/pom.xml"))
        .args(["dependency:copy-dependencies", "-DincludeScope=runtime"])
        .arg(format!("-Dkafka.version={version}"))
        .arg(format!("-DoutputDirectory={}", unfinished.display())))?;
    // Another run may have been faster; its jars are the same.
    fs::rename(&unfinished, jars).or_else(|error| if jars.is_dir() { Ok(()) } else { Err(error.into()) })
}

/// The 17 of `openjdk version "17.0.15" 2025-04-15`.
fn major_version(text: &str) -> Option<u32> {
    let (_, quoted) = text.split_once('"')?;
    quoted.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}
