//! A light, even load: how long a ticket takes from produce to a `read_committed` reader, and what an idle contender holds.

use std::{
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use rdkafka::{Message, consumer::BaseConsumer, producer::BaseRecord};
use ticket_router_harness::{Progress, Sender, delete_topics, from_beginning, reader};

use crate::{
    Bench,
    backlog::wait_for,
    contender::{Contender, Run},
    data::{Tickets, index_of},
    expected::Expected,
    topics,
};

const PER_SECOND: u32 = 1_000;
/// Load before the measurement: a virtual machine compiles meanwhile.
const WARM_UP: Duration = Duration::from_secs(5);
/// Rest before the memory of an idle contender is read.
const REST: Duration = Duration::from_secs(3);
const LATE: Duration = Duration::from_secs(30);

/// What a light load showed.
#[derive(Clone, Debug)]
pub struct Latency {
    pub contender: &'static Contender,
    pub round: usize,
    pub records: usize,
    pub p50_ms: f64,
    pub p99_ms: f64,
    pub max_ms: f64,
    /// CPU of the contender under this load.
    pub cpu: Duration,
    /// Memory after the first ticket and a rest.
    pub idle_mb: f64,
    /// CPU while it rested.
    pub idle_cpu: Duration,
}

/// Sends tickets at an even rate, and reads them behind the contender.
pub fn measure(
    bench: &Bench,
    expected: &Expected,
    contender: &'static Contender,
    round: usize,
    load: Duration,
) -> Result<Latency> {
    let name = format!("latency.{}.{round}", contender.name);
    let input = format!("{name}.incoming");
    let run = Run::new(bench, Some(expected), contender, &input, &name)?;
    let bootstrap = &bench.broker.bootstrap;
    let mut made: Vec<&str> = run.outputs.iter().map(String::as_str).collect();
    made.push(&input);
    topics::create(bootstrap, &made, bench.partitions, "delete")?;

    let tickets = bench.data.tickets(contender.format);
    let warm_up = 1 + WARM_UP.as_secs() as usize * PER_SECOND as usize;
    let measured = load.as_secs() as usize * PER_SECOND as usize;
    let sent = warm_up + measured;
    ensure!(tickets.len() >= sent, "{sent} tickets are needed for the latency run");

    let reader = reader(bootstrap, "read_committed", &[("fetch.wait.max.ms", "100")])?;
    from_beginning(&reader, &run.written())?;
    let producer = Sender::new(bootstrap, &[("linger.ms", "0"), ("enable.idempotence", "false")])?;
    let progress = Progress::of(bootstrap, &run.group, &input)?;
    let mut processes = run.start()?;
    let clock = Clock { tickets, sent_at: Mutex::new(vec![None; sent]), input: &input };
    clock.send(&producer, 0)?;
    wait_for(&progress, &mut processes, 1).with_context(|| name.clone())?;
    let before_rest = processes.cpu()?;
    thread::sleep(REST);
    let idle_cpu = processes.cpu()? - before_rest;
    let idle_mb = processes.resident_mb()?;

    let is_over = AtomicBool::new(false);
    let came = AtomicUsize::new(0);
    let (mut took, cpu) = thread::scope(|scope| -> Result<_> {
        let reading = scope.spawn(|| read(&reader, &clock, warm_up, &came, &is_over));
        let outcome: Result<Duration> = (|| {
            pace(1..warm_up, |index| clock.send(&producer, index))?;
            let before = processes.cpu()?;
            pace(warm_up..sent, |index| clock.send(&producer, index))?;
            let used = processes.cpu()? - before;
            producer.flush()?;
            let waiting = Instant::now();
            while came.load(Ordering::Relaxed) < sent && waiting.elapsed() < LATE {
                thread::sleep(Duration::from_millis(10));
            }
            Ok(used)
        })();
        is_over.store(true, Ordering::Relaxed);
        let took = reading.join().expect("the reader does not panic")?;
        Ok((took, outcome?))
    })
    .with_context(|| name.clone())?;
    processes.stop();
    ensure!(
        came.load(Ordering::Relaxed) == sent && took.len() == measured,
        "{name}: {sent} tickets were sent, {} came out",
        came.load(Ordering::Relaxed)
    );
    delete_topics(bootstrap, &made)?;

    took.sort_unstable();
    let at = |share: f64| took[((took.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3;
    Ok(Latency {
        contender,
        round,
        records: measured,
        p50_ms: at(0.5),
        p99_ms: at(0.99),
        max_ms: at(1.0),
        cpu,
        idle_mb,
        idle_cpu,
    })
}

/// Remembers when each ticket was sent.
struct Clock<'t> {
    tickets: &'t Tickets,
    sent_at: Mutex<Vec<Option<Instant>>>,
    input: &'t str,
}

impl Clock<'_> {
    fn send(&self, producer: &Sender, index: usize) -> Result<()> {
        let record = BaseRecord::to(self.input).key(self.tickets.key(index)).payload(self.tickets.get(index));
        self.sent_at.lock().expect("no holder panics")[index] = Some(Instant::now());
        producer.send(record)
    }
}

/// Calls at an even rate; what the machine delays is made up for.
fn pace(indexes: std::ops::Range<usize>, mut send: impl FnMut(usize) -> Result<()>) -> Result<()> {
    let started = Instant::now();
    for (step, index) in indexes.enumerate() {
        let due = started + Duration::from_secs(1) * u32::try_from(step)? / PER_SECOND;
        thread::sleep(due.saturating_duration_since(Instant::now()));
        send(index)?;
    }
    Ok(())
}

/// Reads until it is over; returns what the tickets behind the warm-up took.
fn read(
    reader: &BaseConsumer,
    clock: &Clock<'_>,
    warm_up: usize,
    came: &AtomicUsize,
    is_over: &AtomicBool,
) -> Result<Vec<Duration>> {
    let mut took = Vec::new();
    while !is_over.load(Ordering::Relaxed) {
        let Some(record) = reader.poll(Duration::from_millis(100)) else { continue };
        let now = Instant::now();
        let index = index_of(record?.key())?;
        let Some(Some(sent)) = clock.sent_at.lock().expect("no holder panics").get(index).copied() else {
            bail!("ticket {index} came out and was not sent");
        };
        came.fetch_add(1, Ordering::Relaxed);
        if index >= warm_up {
            took.push(now - sent);
        }
    }
    Ok(took)
}
