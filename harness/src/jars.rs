//! The jars of Kafka, which Maven fetches once.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
    sync::{Mutex, PoisonError},
};

use anyhow::{Context, Result};

use crate::process::run;

/// The version of Kafka.
pub const VERSION: &str = "4.1.0";

/// A folder of jars: the server and its command-line tools.
#[derive(Clone, Debug)]
pub struct Jars(PathBuf);

impl Jars {
    /// Finds them below the folder that cargo builds into, or fetches them there.
    ///
    /// # Errors
    /// Maven is missing, or fails.
    pub fn find() -> Result<Self> {
        let program = env::current_exe()?;
        let target = program.ancestors().find(|it| it.join("CACHEDIR.TAG").is_file());
        let jars =
            target.context("the program lies in cargo's target folder")?.join(format!("kafka-{VERSION}"));
        // Tests run at once, and two that fetched into one folder would spoil each other's files.
        static FETCHING: Mutex<()> = Mutex::new(());
        let _alone = FETCHING.lock().unwrap_or_else(PoisonError::into_inner);
        if !jars.is_dir() {
            fetch(&jars)?;
        }
        Ok(Self(jars))
    }

    /// A Java machine that finds the jars.
    #[must_use]
    pub fn java(&self, options: &[&str]) -> Command {
        let mut command = Command::new(java());
        command
            .args(options)
            .arg("-Dorg.slf4j.simpleLogger.defaultLogLevel=warn")
            .arg("-cp")
            .arg(self.0.join("*"));
        command
    }

    /// A command-line tool, by its class.
    #[must_use]
    pub fn tool(&self, class: &str) -> Command {
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
fn fetch(jars: &Path) -> Result<()> {
    let unfinished = jars.with_file_name(format!("kafka-{VERSION}-unfinished-{}", std::process::id()));
    run(Command::new("mvn")
        .args(["--batch-mode", "--quiet", "--file"])
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/kafka/pom.xml"))
        .args(["dependency:copy-dependencies", "-DincludeScope=runtime"])
        .arg(format!("-DoutputDirectory={}", unfinished.display())))?;
    // Another run may have been faster; its jars are the same.
    fs::rename(&unfinished, jars).or_else(|error| if jars.is_dir() { Ok(()) } else { Err(error.into()) })
}
