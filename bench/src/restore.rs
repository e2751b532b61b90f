//! A large catalog: how long its restore takes against a bare consumer of the same topics, and the memory that it holds.

use std::{
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use rdkafka::{
    ClientConfig,
    producer::{BaseProducer, BaseRecord, Producer},
};

use crate::{
    Bench,
    backlog::{cpu, wait_for},
    contender::{self, Contender, Run},
    report::Report,
    topics::{self, CATALOG, Progress},
};

const REST: Duration = Duration::from_secs(3);

/// What one restore took.
#[derive(Clone, Debug)]
pub struct Restore {
    pub name: String,
    pub round: usize,
    /// Records in the catalog's topics.
    pub records: u64,
    /// For the router from the start of the process until its first ticket is through; for the bare consumer, reading alone.
    pub took: Duration,
    pub cpu: Option<Duration>,
    pub peak_mb: Option<f64>,
    /// Memory after a rest.
    pub resident_mb: Option<f64>,
}

/// Restores the catalog in turn with a bare consumer, and with the router in each format.
pub fn measure(bench: &Bench, rounds: usize, report: &mut Report) -> Result<()> {
    let routers = ["router-json".to_owned(), "router-protobuf".to_owned()];
    for round in 1..=rounds {
        let started = Instant::now();
        let mut records = 0;
        for (topic, ..) in CATALOG {
            records += topics::read(&bench.broker.bootstrap, topic, |_| Ok(()))?;
        }
        let took = started.elapsed();
        let name = "bare consumer".to_owned();
        report.restore(Restore {
            name,
            round,
            records,
            took,
            cpu: None,
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
    topics::create(bootstrap, &made, 1, false)?;
    let producer: BaseProducer = ClientConfig::new().set("bootstrap.servers", bootstrap).create()?;
    let tickets = bench.data.tickets(contender.format);
    let record = BaseRecord::to(&input).key(tickets.key(0)).payload(tickets.get(0));
    producer.send(record).map_err(|(error, _)| error)?;
    producer.flush(Duration::from_secs(10))?;

    let progress = Progress::of(bootstrap, &run.group, &input)?;
    let started = Instant::now();
    let mut processes = run.start()?;
    wait_for(&progress, &mut processes, 1).with_context(|| name.clone())?;
    let took = started.elapsed();
    let used = cpu(&processes)?;
    thread::sleep(REST);
    let restore = Restore {
        name: contender.name.to_owned(),
        round,
        records,
        took,
        cpu: Some(used),
        peak_mb: Some(processes[0].peak_mb()?),
        resident_mb: Some(processes[0].resident_mb()?),
    };
    if let Some(line) = processes[0].log().lines().find(|line| line.contains("catalog restored")) {
        eprintln!("{name}: {line}");
    }
    processes[0].stop();
    topics::delete(bootstrap, &made)?;
    Ok(restore)
}
