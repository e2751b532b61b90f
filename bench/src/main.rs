//! Measures the router against moving the bytes alone, and against Kafka Streams doing the same job.
//!
//! `cargo run --release -p ticket-router-bench` starts a broker, makes tickets and a catalog, runs the contenders in turn,
//! checks all that they wrote, and prints a table. What is measured, and how: `docs/performance.md`.

mod backlog;
mod broker;
mod build;
mod check;
mod contender;
mod data;
mod expected;
mod latency;
mod limit;
mod profiler;
mod report;
mod restore;
mod sink;
mod topics;
mod workplace;

use std::{fs, path::PathBuf, time::Duration};

use anyhow::{Context, Result};
use clap::{Parser, Subcommand, builder::RangedU64ValueParser};

use crate::{
    broker::Broker,
    build::Programs,
    contender::Kind,
    data::{Data, World},
    expected::Expected,
    limit::Limit,
    report::Report,
    workplace::Workplace,
};

/// Measures ticket-router against the limit and Kafka Streams, on one broker.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    part: Option<Part>,
    /// Tickets in the backlog.
    #[arg(long, default_value_t = 500_000, value_parser = RangedU64ValueParser::<usize>::new().range(1..))]
    records: usize,
    /// How often each contender runs; they take turns.
    #[arg(long, default_value_t = 3, value_parser = RangedU64ValueParser::<usize>::new().range(1..))]
    rounds: usize,
    /// At most 50,000 tickets, one round, at most 5 s for latency: shows that all works, and is no measurement.
    #[arg(long)]
    quick: bool,
    /// The contenders to run; `--list` names them.
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Names the contenders and ends.
    #[arg(long)]
    list: bool,
    /// Partitions of the input and of each output.
    #[arg(long, default_value_t = 6, value_parser = clap::value_parser!(i32).range(1..))]
    partitions: i32,
    /// Seconds of load at 1,000 tickets/s in the latency runs; 0 leaves them out.
    #[arg(long, default_value_t = 20)]
    latency_seconds: u64,
    /// Measures nothing but restoring a catalog of so many offers.
    #[arg(long, value_name = "OFFERS")]
    catalog: Option<u64>,
    #[command(flatten)]
    world: World,
    /// Takes the programs that are built already.
    #[arg(long)]
    no_build: bool,
    /// Keeps logs, configs and data in this folder; by default they lie in a temporary one that is removed.
    #[arg(long)]
    keep: Option<PathBuf>,
    /// Profiles each contender with `perf`, which must be installed, into this folder. The figures are then a little worse.
    #[arg(long, value_name = "FOLDER")]
    profile: Option<PathBuf>,
    /// Where the raw figures go, a JSON object a line.
    #[arg(long, default_value = "target/bench/figures.jsonl")]
    figures: PathBuf,
}

#[derive(Subcommand)]
enum Part {
    /// Moves records from topic to topic; the benchmark starts it as a process of its own.
    #[command(hide = true)]
    Limit(Limit),
}

fn main() -> Result<()> {
    let mut arguments = Arguments::parse();
    if let Some(Part::Limit(limit)) = &arguments.part {
        return limit::run(limit);
    }
    if arguments.list {
        contender::ALL.iter().for_each(|it| println!("{:28} {}", it.name, it.about));
        return Ok(());
    }
    if arguments.quick {
        arguments.records = arguments.records.min(50_000);
        arguments.rounds = 1;
        arguments.latency_seconds = arguments.latency_seconds.min(5);
    }
    if let Some(offers) = arguments.catalog {
        arguments.world.offers = offers;
        arguments.records = 1_000;
    }
    let contenders = contender::chosen(&arguments.only)?;
    let is_asked = |kind: Kind| contenders.iter().any(|it| it.kind == kind);

    let programs =
        Programs::build(!arguments.no_build, is_asked(Kind::Streams) && arguments.catalog.is_none())?;
    let workplace = Workplace::new(arguments.keep.clone())?;
    let data = Data::make(&programs, workplace.path(), &arguments.world, arguments.records)?;
    let broker = Broker::start(workplace.path())?;
    topics::load_catalog(&broker.bootstrap, &data)?;
    let mut report = Report::create(&arguments.figures)?;

    if let Some(folder) = &arguments.profile {
        fs::create_dir_all(folder)?;
    }

    let bench = Bench {
        programs,
        workplace,
        data,
        broker,
        partitions: arguments.partitions,
        profiles: arguments.profile.clone(),
    };
    if arguments.catalog.is_some() {
        restore::measure(&bench, arguments.rounds, &mut report)?;
    } else {
        let expected = Expected::route(&bench.programs, &bench.data)?;
        let input = topics::load_tickets(&bench)?;
        // The first to come would pay for a broker whose code is not compiled yet.
        for contender in contender::warm_up() {
            backlog::measure(&bench, &input, &expected, contender, 0)?;
        }
        for round in 1..=arguments.rounds {
            for contender in &contenders {
                report.backlog(backlog::measure(&bench, &input, &expected, contender, round)?)?;
            }
        }
        if arguments.latency_seconds > 0 {
            let load = Duration::from_secs(arguments.latency_seconds);
            for round in 1..=arguments.rounds {
                for contender in contenders.iter().filter(|it| it.has_latency) {
                    report.latency(latency::measure(&bench, &expected, contender, round, load)?)?;
                }
            }
        }
    }
    println!("{}", report.table());
    Ok(())
}

/// What all measurements need.
struct Bench {
    programs: Programs,
    // Before the folder that its log lies in, since fields are dropped in order.
    broker: Broker,
    workplace: Workplace,
    data: Data,
    partitions: i32,
    /// Where profiles go, if they are asked for.
    profiles: Option<PathBuf>,
}

impl Bench {
    /// A folder for one run of one contender.
    fn run_folder(&self, name: &str) -> Result<PathBuf> {
        let folder = self.workplace.path().join(name);
        fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
        Ok(folder)
    }
}
