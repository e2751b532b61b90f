//! The command line.

use std::{fs, io, path::PathBuf, process::ExitCode};

use anyhow::Context as _;
use clap::{CommandFactory as _, Parser, Subcommand};

use crate::{
    commands::{
        catalog::CatalogCommand,
        config::ConfigCommand,
        demo::DemoArgs,
        exit::{Ended, Exit},
        explain::ExplainArgs,
        health::HealthArgs,
        io::Io,
        policy::PolicyCommand,
        route::RouteArgs,
        run::RunArgs,
        send::SendArgs,
        tail::TailArgs,
        topics::TopicsCommand,
    },
    console::{Messages, is_coloured},
    version,
};

/// The width of a table if standard output is no terminal.
const DEFAULT_WIDTH: u16 = 100;

/// Routes marketplace support tickets to the party that owns them, exactly once, with a reason.
#[derive(Debug, Parser)]
#[command(name = "ticket-router", version = version::LONG.as_str(), about, propagate_version = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Demo(DemoArgs),
    Run(RunArgs),
    Send(SendArgs),
    Tail(TailArgs),
    Health(HealthArgs),
    Route(RouteArgs),
    Explain(ExplainArgs),
    /// Prove a policy, print it, test it
    #[command(subcommand)]
    Policy(PolicyCommand),
    /// Check a catalog, or move it between a folder and its topics
    #[command(subcommand)]
    Catalog(CatalogCommand),
    /// Check or create what the service needs on the brokers
    #[command(subcommand)]
    Topics(TopicsCommand),
    /// Check or print the settings, without the brokers
    #[command(subcommand)]
    Config(ConfigCommand),
    Completions(CompletionsArgs),
    Man(ManArgs),
}

impl Command {
    fn run(self, io: &mut Io<'_>) -> Ended {
        match self {
            Self::Demo(args) => args.run(io),
            Self::Run(args) => args.run(io),
            Self::Send(args) => args.run(io),
            Self::Tail(args) => args.run(io),
            Self::Health(args) => args.run(io),
            Self::Route(args) => args.run(io),
            Self::Explain(args) => args.run(io),
            Self::Policy(command) => command.run(io),
            Self::Catalog(command) => command.run(io),
            Self::Topics(command) => command.run(io),
            Self::Config(command) => command.run(io),
            Self::Completions(args) => args.run(io),
            Self::Man(args) => args.run(io),
        }
    }
}

/// Print a completion script for a shell
#[derive(Debug, clap::Args)]
struct CompletionsArgs {
    /// The shell
    shell: clap_complete::Shell,
}

impl CompletionsArgs {
    fn run(self, io: &mut Io<'_>) -> Ended {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "ticket-router", &mut script);
        io.out.write_all(&script)?;
        Ok(Exit::Done)
    }
}

/// Write the manual pages, one for each command
#[derive(Debug, clap::Args)]
struct ManArgs {
    /// The folder; `man -l DIR/ticket-router.1` shows a page
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

impl ManArgs {
    fn run(self, io: &mut Io<'_>) -> Ended {
        let folder = self.folder.display().to_string();
        fs::create_dir_all(&self.folder).with_context(|| format!("cannot make the folder `{folder}`"))?;
        clap_mangen::generate_to(Cli::command(), &self.folder)
            .with_context(|| format!("cannot write to `{folder}`"))?;
        writeln!(io.out, "the manual pages are in {folder}")?;
        Ok(Exit::Done)
    }
}

/// Runs the command of this process's arguments, and says why it failed if it did.
#[must_use]
pub fn main() -> ExitCode {
    let mut io = Io {
        input: &mut io::stdin(),
        out: &mut io::stdout(),
        err: &mut Messages,
        width: comfy_table::Table::new().width().unwrap_or(DEFAULT_WIDTH),
        is_coloured: is_coloured(&io::stderr()),
        collected: None,
    };
    let ended = parse(&mut io);
    ended.unwrap_or_else(|failure| failure.tell(&mut io)).into()
}

fn parse(io: &mut Io<'_>) -> Ended {
    match Cli::try_parse() {
        Ok(cli) => cli.command.run(io),
        Err(error) if error.use_stderr() => {
            // The exit code says the same if the message cannot be written.
            let _ = error.print();
            Ok(Exit::Usage)
        }
        Err(help) => {
            help.print()?;
            Ok(Exit::Done)
        }
    }
}
