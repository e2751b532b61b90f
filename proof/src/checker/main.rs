//! The judge: reads everything that went in and came out as any consumer would, and says what is missing, double, out of order or wrong.
//!
//! It shares no code with the router: its readers of both formats, and its idea of who owns a ticket, are its own.

mod ledger;
mod oracle;
mod read;
mod recovery;
mod report;
mod timeline;
mod wire;

use std::{path::PathBuf, process::ExitCode, time::Duration};

use anyhow::Result;
use clap::Parser;
use ticket_router_proof::{
    notes::{Notes, WORLD},
    topics::OUTGOING,
    world::World,
};

use crate::{recovery::Spread, timeline::Timeline};

/// Checks what routers wrote during a run of `ticket-router-proof`.
#[derive(Parser)]
struct Arguments {
    /// The folder of the run.
    #[arg(long)]
    folder: PathBuf,
    /// The brokers.
    #[arg(long)]
    bootstrap: String,
    /// How long a transaction may still be open at the end, in seconds: the broker gives it up after its timeout.
    #[arg(long, default_value_t = 40)]
    open_for: u64,
    /// How much older than a ticket the catalog may be that decides it, in seconds.
    #[arg(long, default_value_t = 15)]
    catalog_grace: i64,
}

/// Nothing is wrong: 0. Something is: 1. It could not be found out: 2.
fn main() -> ExitCode {
    match check(&Arguments::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            eprintln!("the checker could not do its work: {error:#}");
            ExitCode::from(2)
        }
    }
}

fn check(arguments: &Arguments) -> Result<bool> {
    let Arguments { folder, bootstrap, .. } = arguments;
    let seen = read::watch(bootstrap, folder)?;
    // First of all: while a transaction is open, a reader is not shown what lies behind it.
    let open = read::open_transactions(bootstrap, Duration::from_secs(arguments.open_for))?;
    let notes = Notes::read(folder)?;
    let world = World::load(&folder.join(WORLD))?;
    let timeline = Timeline::new(&notes, arguments.catalog_grace * 1_000);
    let (verdict, inputs) = ledger::judge(bootstrap, &world, &timeline, &seen, open)?;
    let with_aborted =
        OUTGOING.iter().map(|topic| read::count_with_aborted(bootstrap, topic)).sum::<Result<u64>>()?;
    let report = report::Report {
        aborted: with_aborted.saturating_sub(verdict.written.iter().sum()),
        recoveries: recovery::recoveries(&notes, &inputs, &seen.at),
        latency: Spread::of(seen.latencies),
        verdict,
        flips: timeline.flips(),
        policies: timeline.policies(),
    };
    report.print(&notes);
    report.save(folder)?;
    Ok(report.verdict.is_clean())
}
