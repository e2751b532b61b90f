//! The checker: reads along while routers run, judges everything that went in and came out, and says who owned each ticket at what time.
//!
//! It shares no code with the router: its readers of both formats, and its idea of who owns a ticket, are its own.

mod expected;
mod oracle;
mod recovery;
mod report;
mod timeline;
mod watch;

use std::{path::PathBuf, process::ExitCode, time::Duration};

use anyhow::Result;
use clap::Parser;
use ticket_router_harness::{open_transactions, read};
use ticket_router_proof::{
    judge::judge,
    notes::{Notes, WORLD},
    topics::{Names, OUTGOING},
    world::World,
};

use crate::{expected::Marketplace, recovery::Spread, timeline::Timeline};

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
    let names = Names::prefixed("");
    let seen = watch::watch(bootstrap, &names, folder)?;
    let open = open_transactions(bootstrap, &names.outgoing, Duration::from_secs(arguments.open_for))?;
    let notes = Notes::read(folder)?;
    let timeline = Timeline::new(&notes, arguments.catalog_grace * 1_000);
    let mut marketplace = Marketplace::new(World::load(&folder.join(WORLD))?, timeline);
    let (verdict, inputs) = judge(bootstrap, &names, &seen, open, &mut marketplace)?;
    let with_aborted = OUTGOING
        .iter()
        .map(|topic| read(bootstrap, topic, "read_uncommitted", |_| Ok(())))
        .sum::<Result<u64>>()?;
    let report = report::Report {
        aborted: with_aborted.saturating_sub(verdict.written.iter().sum()),
        recoveries: recovery::recoveries(&notes, &inputs, &seen.at),
        latency: Spread::of(seen.latencies),
        verdict,
        marketplace,
    };
    report.print(&notes);
    report.save(folder)?;
    Ok(report.verdict.is_clean())
}
