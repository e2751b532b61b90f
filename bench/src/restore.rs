//! A large catalog: how long its restore takes against a bare consumer of the same topics, and the memory that it holds.

use std::{
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use rdkafka::producer::BaseRecord;
use ticket_router_harness::{Progress, Sender, cpu_of, delete_topics, read};

use crate::{
    Bench,
    backlog::wait_for,
    contender::{self, Contender, Run},
    report::Report,
    topics::{self, CATALOG},
};

const REST: Duration = Duration::from_secs(3);

/// What one restore took.
#[derive(Clone, Debug)]
pub struct Restore {
    pub name: String,
    pub round: usize,
    /// Records in the catalog's topics.
    pub records: u64,
    /// Reading alone. What the router says of itself.
    pub took: Duration,
    /// From the start of the router's process until its first ticket is through.
    pub first_output: Option<Duration>,
    pub cpu: Duration,
    pub peak_mb: Option<f64>,
    /// Memory after a rest.
    pub resident_mb: Option<f64>,
}

/// Restores the catalog in turn with a bare consumer, and with the router in each format.
pub fn measure(bench: &Bench, rounds: usize, report: &mut Report) -> Result<()> {
    let routers = ["router-json".to_owned(), "router-protobuf".to_owned()];
    for round in 1..=rounds {
        let (started, before) = (Instant::now(), cpu_of("self")?);
        let mut records = 0;
        for (topic, _) in CATALOG {
            records += read(&bench.broker.bootstrap, topic, "read_committed", |_| Ok(()))?;
        }
        let (took, used) = (started.elapsed(), cpu_of("self")? - before);
        let name = "bare consumer".to_owned();
        report.restore(Restore {
            name,
            round,
            records,
            took,
            first_output: None,
            cpu: used,
            peak_mb: None,
            resident_mb: None,
        })?;
        for contender in contender::chosen(&routers)? {
            report.restore(router(bench, contender, round, records)?)?;
        }
    }
    Ok(())
}

fn router(bench: &Bench, contender: &'static Contender, round: usize, records: u64) -> Result<Restore> {
    let name = format!("restore.{}.{round}", contender.name);
    let input = format!("{name}.incoming");
    let run = Run::new(bench, None, contender, &input, &name)?;
    let bootstrap = &bench.broker.bootstrap;
    let mut made: Vec<&str> = run.outputs.iter().map(String::as_str).collect();
    made.push(&input);
    topics::create(bootstrap, &made, 1, "delete")?;
    let sender = Sender::new(bootstrap, &[])?;
    let tickets = bench.data.tickets(contender.format);
    sender.send(BaseRecord::to(&input).key(tickets.key(0)).payload(tickets.get(0)))?;
    sender.flush()?;

    let progress = Progress::of(bootstrap, &run.group, &input)?;
    let started = Instant::now();
    let mut processes = run.start()?;
    wait_for(&progress, &mut processes, 1).with_context(|| name.clone())?;
    let first_output = started.elapsed();
    let used = processes.cpu()?;
    let took =
        restored_in(&processes.running[0].log()).context("the log does not say how long the restore took")?;
    thread::sleep(REST);
    let restore = Restore {
        name: contender.name.to_owned(),
        round,
        records,
        took,
        first_output: Some(first_output),
        cpu: used,
        peak_mb: Some(processes.peak_mb()?),
        resident_mb: Some(processes.resident_mb()?),
    };
    processes.stop();
    delete_topics(bootstrap, &made)?;
    Ok(restore)
}

/// Finds `"took_ms":1234` in the line that says that the catalog is restored.
fn restored_in(log: &str) -> Option<Duration> {
    let line = log.lines().find(|line| line.contains("catalog restored"))?;
    let (_, number) = line.split_once("\"took_ms\":")?;
    let digits = number.split(|it: char| !it.is_ascii_digit()).next()?;
    Some(Duration::from_millis(digits.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_of_a_restore_is_found_in_the_log() {
        let log = "{\"message\":\"starting\"}\n{\"message\":\"catalog restored\",\"offers\":3,\"took_ms\":1250,\"rejected\":0}\n";
        assert_eq!(restored_in(log), Some(Duration::from_millis(1250)));
        assert_eq!(restored_in("{\"message\":\"starting\"}"), None);
    }
}
