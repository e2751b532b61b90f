//! `topics check` and `topics create`.

use std::io;

use clap::{Args, Subcommand};

use super::{
    config::{ConfigArgs, find_insecure},
    exit::{Ended, Exit, Failure, OrExit as _},
    findings::{CheckFormat, Verdict},
    io::Io,
};
use crate::kafka::{
    check::{Report, Severity, check},
    create::{Plan, create},
    identity::Identity,
};

/// Looks at the topics and rights that `run` needs, or creates the topics.
#[derive(Clone, Debug, Subcommand)]
pub enum TopicsCommand {
    Check(CheckArgs),
    Create(CreateArgs),
}

impl TopicsCommand {
    /// Runs the command.
    ///
    /// # Errors
    ///
    /// The settings are refused, or the output cannot be written.
    pub fn run(self, io: &mut Io<'_>) -> Ended {
        match self {
            Self::Check(args) => args.run(io),
            Self::Create(args) => args.run(io),
        }
    }
}

/// Say what is missing or wrong on the brokers; exit 78 if `run` would not start, 75 if no broker answers
#[derive(Args, Clone, Debug)]
pub struct CheckArgs {
    #[command(flatten)]
    config: ConfigArgs,
    /// How the result is shown
    #[arg(long, value_enum, default_value_t)]
    format: CheckFormat,
}

impl CheckArgs {
    fn run(self, io: &mut Io<'_>) -> Ended {
        self.format.run(io, |io| self.check(io))
    }

    fn check(&self, io: &mut Io<'_>) -> Result<Verdict, Failure> {
        let config = self.config.load(io)?;
        find_insecure(&config, io);
        let identity = Identity::claim(&config.kafka).or_exit(Exit::Usage)?;
        let report = check(&config, &identity).or_exit(Exit::Usage)?;
        print(&report, io)?;
        Ok(Verdict { exit: Exit::of(&report), summary: String::new() })
    }
}

/// Create the topics that are missing; those that are there are never changed
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

impl CreateArgs {
    fn run(self, io: &mut Io<'_>) -> Ended {
        let config = self.config.load(io)?;
        let plan = Plan {
            partitions: self.partitions.into(),
            replication_factor: self.replication_factor.map(Into::into),
        };
        let mut report = Report::default();
        for outcome in create(&config, plan, &mut report).or_exit(Exit::Usage)? {
            writeln!(io.out, "{outcome}")?;
        }
        report.findings.retain(|finding| finding.severity != Severity::Info);
        print(&report, io)?;
        Ok(Exit::of(&report))
    }
}

fn print(report: &Report, io: &mut Io<'_>) -> io::Result<()> {
    let mut findings: Vec<_> = report.findings.iter().collect();
    findings.sort_by_key(|finding| finding.severity);
    for finding in findings {
        io.print(finding.into(), finding)?;
    }
    Ok(())
}
