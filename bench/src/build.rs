//! The programs that are measured, and those that help.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail, ensure};

/// Where the programs are.
pub struct Programs {
    /// This program: it holds the limit.
    pub bench: PathBuf,
    pub router: PathBuf,
    pub generator: PathBuf,
    /// The jars of the Kafka Streams contender, its own among them.
    pub streams: PathBuf,
}

impl Programs {
    /// Builds what is asked for and finds the rest.
    pub fn build(is_wanted: bool, with_streams: bool) -> Result<Self> {
        let root =
            Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("the package lies in the repository")?;
        let bench = env::current_exe()?;
        let folder = bench.parent().context("a program lies in a folder")?.to_owned();
        let jars = folder.parent().context("the programs lie in target/PROFILE")?;
        let programs = Self {
            router: folder.join("ticket-router"),
            generator: folder.join("generate"),
            streams: jars.join("bench/streams"),
            bench,
        };
        if cfg!(debug_assertions) {
            eprintln!("this is a debug build: its figures mean nothing");
        }
        if is_wanted {
            let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
            cargo.current_dir(root).args(["build", "-p", "ticket-router", "-p", "ticket-router-bench"]);
            cargo.args(["--bin", "ticket-router", "--bin", "generate"]);
            if !cfg!(debug_assertions) {
                cargo.arg("--release");
            }
            run(&mut cargo)?;
        }
        if with_streams && is_wanted {
            run(Command::new("mvn")
                .args(["--batch-mode", "--quiet", "--file"])
                .arg(root.join("bench/streams/pom.xml"))
                .arg("package")
                .arg(format!("-Dbench.target={}", programs.streams.display())))?;
        }
        for path in [&programs.router, &programs.generator] {
            ensure!(path.is_file(), "{} is missing: leave --no-build out", path.display());
        }
        Ok(programs)
    }
}

/// Runs a command to its end.
pub fn run(command: &mut Command) -> Result<()> {
    let program = command.get_program().display().to_string();
    let status = command.status().with_context(|| format!("cannot run `{program}`"))?;
    if status.success() { Ok(()) } else { bail!("`{program}` failed: {status}") }
}
