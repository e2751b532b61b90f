//! `topics check` and `topics create`.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Args, Subcommand};

use super::exit;
use crate::config::{Config, Refused, Sources};
use crate::console::tell;
use crate::kafka::check::{Report, Severity, check};
use crate::kafka::clients::ClientRefused;
use crate::kafka::create::{Plan, create};
use crate::kafka::identity::Identity;

const USAGE: u8 = 64;

/// Looks at the topics and rights that `run` needs, or creates the topics.
#[derive(Clone, Debug, Subcommand)]
pub enum Topics {
    /// Say what is missing or wrong on the brokers; exit 78 if `run` would not start, 75 if no broker answers
    Check(CheckArgs),
    /// Create the topics that are missing; those that are there are never changed
    Create(CreateArgs),
}

/// Where the settings come from.
#[derive(Args, Clone, Debug)]
pub struct ConfigArgs {
    /// The config file (TOML); without it, defaults and environment only
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// One setting, over file and environment; may be repeated. Not for secrets
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub overrides: Vec<String>,
}

impl ConfigArgs {
    /// Says whether any setting was named.
    #[must_use]
    pub fn is_given(&self) -> bool {
        self.config.is_some() || !self.overrides.is_empty()
    }

    /// Loads and checks the settings.
    ///
    /// # Errors
    /// [`Refused`], as [`Config::load`].
    pub fn load(&self) -> Result<Config, Refused> {
        Config::load(&Sources::of_process(self.config.as_deref(), &self.overrides))
    }
}

/// Arguments of `topics check`.
#[derive(Args, Clone, Debug)]
pub struct CheckArgs {
    #[command(flatten)]
    config: ConfigArgs,
}

/// Arguments of `topics create`.
#[derive(Args, Clone, Debug)]
pub struct CreateArgs {
    #[command(flatten)]
    config: ConfigArgs,
    /// Partitions of the incoming and the outgoing topics; the catalog's have one each
    #[arg(long, default_value_t = 6, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    partitions: u16,
    /// Copies of each partition; the brokers' default if left out
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=100))]
    replication_factor: Option<u16>,
}

/// Runs the command; results go to `out`, all else to standard error.
///
/// # Errors
/// Where `out` cannot be written.
pub fn run(command: &Topics, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let config = match command {
        Topics::Check(args) => args.config.load(),
        Topics::Create(args) => args.config.load(),
    };
    let config = match config {
        Ok(config) => config,
        Err(refused) => return Ok(usage(&refused)),
    };
    match command {
        Topics::Check(_) => run_check(&config, out),
        Topics::Create(args) => run_create(&config, args, out),
    }
}

fn run_check(config: &Config, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let identity = match Identity::claim(&config.kafka) {
        Ok(identity) => identity,
        Err(error) => return Ok(usage(&error)),
    };
    match check(config, &identity) {
        Ok(report) => print(&report, out),
        Err(error) => Ok(usage(&error)),
    }
}

fn run_create(config: &Config, args: &CreateArgs, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let plan = Plan {
        partitions: args.partitions.into(),
        replication_factor: args.replication_factor.map(Into::into),
    };
    let mut report = Report::default();
    let outcomes: Result<_, ClientRefused> = create(config, plan, &mut report);
    match outcomes {
        Ok(outcomes) => {
            for outcome in outcomes {
                writeln!(out, "{outcome}").context("standard output cannot be written")?;
            }
            report.findings.retain(|finding| finding.severity != Severity::Info);
            print(&report, out)
        }
        Err(error) => Ok(usage(&error)),
    }
}

fn print(report: &Report, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let mut findings: Vec<_> = report.findings.iter().collect();
    findings.sort_by_key(|finding| finding.severity);
    for finding in findings {
        writeln!(out, "{finding}").context("standard output cannot be written")?;
    }
    Ok(ExitCode::from(exit::of_check(report)))
}

fn usage(error: &dyn std::error::Error) -> ExitCode {
    tell!("{error}");
    ExitCode::from(USAGE)
}
