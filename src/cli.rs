//! The command line.

use std::{
    io::{self, BufReader, BufWriter, IsTerminal, Write},
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use clap::{CommandFactory, Parser, Subcommand};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::{
    catalog::{Encodings, Snapshot},
    commands::{
        catalog,
        demo::{self, DemoArgs},
        exit,
        explain::Explain,
        health::{self, HealthArgs},
        policy, route, run,
        topics::{self, ConfigArgs, Topics},
    },
    console::{self, Messages, tell},
    folder::load_folder,
    policy::Policy,
    route::Destination,
    version,
};

/// Width of a table where standard output is no terminal.
const DEFAULT_WIDTH: u16 = 100;
/// The progress line is renewed once for so many tickets.
const PROGRESS_EVERY: u64 = 8_192;
const BUFFER: usize = 1 << 20;

/// Routes marketplace support tickets to the party that owns them, exactly once, with a reason.
#[derive(Debug, Parser)]
#[command(name = "ticket-router", version = version::LONG.as_str(), about, propagate_version = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Watch the whole router at work on an embedded broker, with sample tickets
    Demo(DemoArgs),
    /// Run the service
    Run(ConfigArgs),
    /// Ask a running router whether it lives, or is ready: exit 0 if so, 1 if not
    Health(HealthArgs),
    /// Route tickets without Kafka: JSON lines on standard input, one line out for each
    Route {
        #[command(flatten)]
        data: Data,
    },
    Explain(Explain),
    /// Prove a policy, print it, test it
    #[command(subcommand)]
    Policy(policy::Command),
    /// Check a catalog, or move it between a folder and its topics
    #[command(subcommand)]
    Catalog(catalog::Command),
    /// Check or create what the service needs on the brokers
    #[command(subcommand)]
    Topics(Topics),
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

/// What tickets are decided with.
#[derive(Debug, clap::Args)]
pub struct Data {
    /// The folder with offers.jsonl, publishers.jsonl and partners.jsonl
    #[arg(long, value_name = "DIR")]
    catalog: PathBuf,
    /// A policy file; the built-in policy without it
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
}

impl Data {
    /// Loads both.
    ///
    /// # Errors
    ///
    /// The exit code, after the reason was printed.
    pub fn load(&self) -> Result<(Arc<Policy>, Snapshot), ExitCode> {
        let policy = run::load_policy(self.policy.as_deref())?;
        let folder = load_folder(&self.catalog, Encodings::JSON, |finding| tell!("{finding}"))
            .map_err(|error| exit::usage(&error))?;
        Ok((Arc::new(policy), folder.snapshot))
    }
}

/// Runs the command of this process's arguments, and says why it failed if it did.
#[must_use]
pub fn main() -> ExitCode {
    run_command().unwrap_or_else(|error| {
        if console::is_closed_pipe(&error) {
            return ExitCode::SUCCESS;
        }
        tell!("error: {error:#}");
        ExitCode::from(exit::FAILED)
    })
}

fn run_command() -> anyhow::Result<ExitCode> {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) if error.use_stderr() => {
            // The exit code says the same when the message cannot be written.
            let _ = error.print();
            return Ok(ExitCode::from(exit::USAGE));
        }
        Err(help) => {
            help.print()?;
            return Ok(ExitCode::SUCCESS);
        }
    };
    let coloured = io::stderr().is_terminal();
    let (mut out, mut err) = (io::stdout().lock(), Messages);
    match cli.command {
        Command::Demo(args) => {
            drop(out);
            demo::run(&args)
        }
        Command::Run(args) => run::run(&args),
        Command::Health(args) => Ok(ExitCode::from(health::run(&args, &mut out, &mut err)?)),
        Command::Route { data } => route_lines(&data),
        Command::Explain(explain) => {
            let mut input = io::stdin().lock();
            let code = explain.run(width().into(), coloured, &mut input, &mut out, &mut err)?;
            Ok(ExitCode::from(code))
        }
        Command::Policy(command) => {
            let code = match command {
                policy::Command::Check { file } => policy::check(path(&file), coloured, &mut out, &mut err)?,
                policy::Command::Table { file, format } => {
                    policy::table(path(&file), format, width(), coloured, &mut out, &mut err)?
                }
                policy::Command::Test { file, cases } => {
                    policy::test(path(&file), path(&cases), coloured, &mut out, &mut err)?
                }
            };
            Ok(ExitCode::from(code))
        }
        Command::Catalog(command) => Ok(ExitCode::from(command.run(&mut out, &mut err)?)),
        Command::Topics(command) => topics::run(&command, &mut out),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "ticket-router", &mut script);
            out.write_all(&script)?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn path(file: &Option<PathBuf>) -> Option<&Path> {
    file.as_deref()
}

fn width() -> u16 {
    comfy_table::Table::new().width().unwrap_or(DEFAULT_WIDTH)
}

fn route_lines(data: &Data) -> anyhow::Result<ExitCode> {
    let (policy, catalog) = match data.load() {
        Ok(loaded) => loaded,
        Err(code) => return Ok(code),
    };
    let progress = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr()).with_style(
        ProgressStyle::with_template("{human_pos} tickets, {per_sec}, {elapsed}")
            .expect("the template is well formed"),
    );
    let input = BufReader::with_capacity(BUFFER, io::stdin().lock());
    let output = BufWriter::with_capacity(BUFFER, io::stdout().lock());
    let counts = route::route(policy, &catalog, input, output, |counts| {
        if counts.lines.is_multiple_of(PROGRESS_EVERY) {
            progress.set_position(counts.lines);
        }
    })?;
    progress.finish_and_clear();
    let written =
        Destination::ALL.map(|it| format!(" {} {}", it.default_topic(), counts.written[it as usize]));
    tell!("{} tickets:{}", counts.lines, written.concat());
    Ok(ExitCode::SUCCESS)
}
