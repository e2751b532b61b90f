//! A backlog from its beginning to its end: throughput, CPU, peak memory, and the time until the first output.

use std::{
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use ticket_router_harness::{Progress, delete_topics};

use crate::{
    Bench,
    check::{self, Output},
    contender::{Contender, Processes, Run},
    expected::Expected,
    topics::{self, Input},
};

/// How often the group's offsets are looked at; one look costs the broker about as much as a heartbeat.
const LOOK_EVERY: Duration = Duration::from_millis(10);
const DEADLINE: Duration = Duration::from_secs(600);

/// What one run of a contender took.
#[derive(Clone, Debug)]
pub struct Backlog {
    pub contender: &'static Contender,
    pub round: usize,
    pub records: usize,
    /// From the start of the process until the first output was committed.
    pub first_output: Duration,
    /// Tickets per second from the first commit seen to the last.
    pub per_second: f64,
    /// CPU of the contender's processes from their start until the last commit.
    pub cpu: Duration,
    /// CPU between the first commit seen and the last, and the tickets in between.
    pub steady_cpu: (Duration, usize),
    /// CPU of the broker meanwhile, where it was started here.
    pub broker_cpu: Option<Duration>,
    pub peak_mb: f64,
    pub output: Output,
}

/// Lets a contender work the backlog off, and checks what it wrote.
pub fn measure(
    bench: &Bench,
    input: &Input,
    expected: &Expected,
    contender: &'static Contender,
    round: usize,
) -> Result<Backlog> {
    let name = format!("{}.{round}", contender.name);
    let run = Run::new(bench, Some(expected), contender, input.topic(contender.format), &name)?;
    let bootstrap = &bench.broker.bootstrap;
    topics::create(bootstrap, &run.outputs.each_ref().map(String::as_str), bench.partitions, "delete")?;
    let records = bench.data.tickets(contender.format).len();
    let progress = Progress::of(bootstrap, &run.group, &run.input)?;

    let broker_before = bench.broker.cpu()?;
    let started = Instant::now();
    let mut processes = run.start()?;
    let first = wait_for(&progress, &mut processes, 1).with_context(|| name.clone())?;
    let cpu_at_first = processes.cpu()?;
    let first_seen = Instant::now();
    let last = wait_for(&progress, &mut processes, records).with_context(|| name.clone())?;
    let took = first_seen.elapsed();
    let cpu = processes.cpu()?;
    let broker_cpu = bench.broker.cpu()?.zip(broker_before).map(|(after, before)| after - before);
    let peak_mb = processes.peak_mb()?;
    processes.stop();

    let output = check::check(bench, expected, contender, &run).with_context(|| name.clone())?;
    delete_topics(bootstrap, &run.outputs.each_ref().map(String::as_str))?;
    Ok(Backlog {
        contender,
        round,
        records,
        first_output: first_seen - started,
        per_second: (last - first) as f64 / took.as_secs_f64(),
        cpu,
        steady_cpu: (cpu - cpu_at_first, last - first),
        broker_cpu,
        peak_mb,
        output,
    })
}

/// Waits until this many records are through; returns how many are then.
pub fn wait_for(progress: &Progress, processes: &mut Processes, records: usize) -> Result<usize> {
    let started = Instant::now();
    let mut last = Ok(0);
    loop {
        // The coordinator may be moving, or still be loading: an answer comes later.
        let is_late = started.elapsed() > DEADLINE;
        last = progress.committed().or_else(|error| if is_late { Err(error) } else { last });
        // The topic begins at 0 and holds no transactions, so offsets count records.
        let done = usize::try_from(*last.as_ref().unwrap_or(&0))?;
        if done >= records {
            return Ok(done);
        }
        processes.check_alive()?;
        if is_late {
            last?;
            let said = processes.log_tails();
            bail!("{done} of {records} records are through after {DEADLINE:?}; the end of the log:\n{said}");
        }
        thread::sleep(LOOK_EVERY);
    }
}
