//! Tickets at a steady rate, whatever happens.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use anyhow::Result;
use rdkafka::{
    message::{Header, OwnedHeaders},
    producer::BaseRecord,
};
use ticket_router_harness::Sender;
use ticket_router_proof::{
    now_ms,
    topics::{INCOMING, NUMBER},
    world::World,
};

use crate::{
    random::Random,
    tickets::{Incoming, Mix, make},
};

const TICK: Duration = Duration::from_millis(5);

/// What is sent.
#[derive(Clone, Debug)]
pub struct Plan {
    pub bootstrap: String,
    pub records: u64,
    pub per_second: u64,
    pub keys: usize,
    pub seed: u64,
    pub mix: Mix,
}

/// A thread that sends.
pub struct Load {
    thread: JoinHandle<Result<u64>>,
    sent: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
}

impl Load {
    pub fn start(plan: Plan, world: World) -> Self {
        let sent = Arc::new(AtomicU64::new(0));
        let stop = Arc::new(AtomicBool::new(false));
        let thread = {
            let (sent, stop) = (Arc::clone(&sent), Arc::clone(&stop));
            thread::spawn(move || send(&plan, &world, &sent, &stop))
        };
        Self { thread, sent, stop }
    }

    pub fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    /// Lets it come to the number that was planned, at least, and gives the number that the brokers have.
    pub fn finish(self) -> Result<u64> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().expect("the load does not panic")
    }
}

fn send(plan: &Plan, world: &World, sent: &AtomicU64, stop: &AtomicBool) -> Result<u64> {
    let sender = Sender::new(
        &plan.bootstrap,
        &[
            ("linger.ms", "5"),
            // It never gives a record up; the run has a deadline.
            ("message.timeout.ms", "0"),
            ("queue.buffering.max.messages", "2000000"),
            ("queue.buffering.max.kbytes", "2000000"),
        ],
    )?;
    let mut random = Random::new(plan.seed ^ 0x7469_636b_6574);
    let started = Instant::now();
    let mut number = 0;
    while number < plan.records || !stop.load(Ordering::Relaxed) {
        let due = (started.elapsed().as_secs_f64() * plan.per_second as f64) as u64;
        let due = if stop.load(Ordering::Relaxed) { due.min(plan.records) } else { due };
        while number < due {
            let record = make(number, plan.keys, plan.mix, &world.states[0], &mut random);
            produce(&sender, number, &record)?;
            number += 1;
        }
        sent.store(number, Ordering::Relaxed);
        thread::sleep(TICK);
    }
    sender.flush()?;
    Ok(number)
}

fn produce(sender: &Sender, number: u64, incoming: &Incoming) -> Result<()> {
    let name = number.to_string();
    let headers = OwnedHeaders::new().insert(Header { key: NUMBER, value: Some(&name) });
    let headers = match incoming.content_type {
        Some(it) => headers.insert(Header { key: "content-type", value: Some(it) }),
        None => headers,
    };
    let mut record =
        BaseRecord::<str, [u8]>::to(INCOMING).key(&incoming.key).timestamp(now_ms()).headers(headers);
    record.payload = incoming.value.as_deref();
    sender.send(record)
}
