//! Tries to make ticket-router lose, repeat or reorder tickets: genuine brokers, several routers, faults drawn from a seed, and a checker.
//!
//! `cargo run --release -p ticket-router-proof -- --smoke` takes some two minutes. What is promised and what was measured: `docs/guarantees.md`.

mod aborted;
mod admin;
mod control;
mod disk;
mod inject;
mod load;
mod marketplace;
mod policies;
mod programs;
mod proxy;
mod random;
mod routers;
mod run;
mod schedule;
mod tickets;

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};

use crate::{
    control::Control,
    run::Run,
    schedule::{Kind, Scope},
};

/// Breaks what can break around running routers, and checks that no ticket is lost, repeated or out of order.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    part: Option<Part>,
    /// 20,000 records, kills, a stop, a broker restart: what CI runs. The default.
    #[arg(long)]
    smoke: bool,
    /// 200,000 records, 20 kills, 3 stops, broker restarts, network faults.
    #[arg(long, conflicts_with = "smoke")]
    full: bool,
    /// Every kind of fault.
    #[arg(long, conflicts_with = "smoke")]
    all_faults: bool,
    /// Only these kinds of the schedule.
    #[arg(long, value_delimiter = ',')]
    only: Vec<Kind>,
    /// Records to send, at least; more if the schedule lasts longer.
    #[arg(long)]
    records: Option<u64>,
    /// Records a second. By default as many as fill the schedule.
    #[arg(long)]
    rate: Option<u64>,
    /// What the schedule and the tickets are drawn from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Nodes of the cluster: one, or three with replication 3 and `min.insync.replicas` 2.
    #[arg(long, default_value_t = 1, value_parser = parse_nodes)]
    brokers: usize,
    /// Router processes.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=8))]
    routers: u8,
    /// Partitions of the topics; the schedule may add some to the incoming one.
    #[arg(long, default_value_t = 6)]
    partitions: i32,
    /// Different keys.
    #[arg(long, default_value_t = 200)]
    keys: usize,
    /// Prints the schedule and ends.
    #[arg(long)]
    plan: bool,
    /// Keeps logs, configs and figures in this folder; by default they lie in a temporary one that is removed after a clean run.
    #[arg(long)]
    keep: Option<PathBuf>,
    /// Takes the programs that are built already.
    #[arg(long)]
    no_build: bool,
}

#[derive(Subcommand)]
enum Part {
    /// Shows that the checker can say no.
    #[command(hide = true)]
    Control(Control),
}

impl Arguments {
    fn scope(&self) -> Scope {
        if self.all_faults {
            Scope::All
        } else if self.full {
            Scope::Full
        } else {
            Scope::Smoke
        }
    }

    fn records(&self) -> u64 {
        let default = if self.scope() == Scope::Smoke { 20_000 } else { 200_000 };
        self.records.unwrap_or(default)
    }
}

/// Every record exactly once: 0. Not so: 1. It could not be found out: 2.
fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let outcome = match &arguments.part {
        Some(Part::Control(control)) => run::judge_control(control),
        None => Run::new(&arguments).and_then(Run::go),
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            eprintln!("the run could not be done: {error:#}");
            ExitCode::from(2)
        }
    }
}

fn parse_nodes(text: &str) -> Result<usize, String> {
    match text {
        "1" => Ok(1),
        "3" => Ok(3),
        _ => Err("one or three".to_owned()),
    }
}
