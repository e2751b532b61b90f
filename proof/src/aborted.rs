//! A program upstream that writes to the incoming topic in transactions and aborts each of them: tickets lie between records and markers that
//! no consumer is ever shown.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};
use rdkafka::{
    ClientConfig,
    producer::{BaseRecord, DefaultProducerContext, Producer, ThreadedProducer},
};
use ticket_router_proof::topics::INCOMING;

const EVERY: Duration = Duration::from_millis(100);
const REST_AFTER_A_FAULT: Duration = Duration::from_millis(500);
const TIMEOUT: Duration = Duration::from_secs(10);
const LAST_DEADLINE: Duration = Duration::from_secs(60);

/// The program's thread.
pub struct Aborted {
    thread: JoinHandle<Result<u64>>,
    stop: Arc<AtomicBool>,
}

impl Aborted {
    pub fn start(bootstrap: String, partitions: i32) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let thread = thread::spawn({
            let stop = Arc::clone(&stop);
            move || abort_until(&stop, &bootstrap, partitions)
        });
        Self { thread, stop }
    }

    /// Aborts one more transaction in every partition, so that none of them ends with a ticket, and gives the number of all.
    pub fn finish(self) -> Result<u64> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().expect("the thread does not panic")
    }
}

/// Whatever happens to the brokers, it goes on with a new producer.
fn abort_until(stop: &AtomicBool, bootstrap: &str, partitions: i32) -> Result<u64> {
    let mut aborted = 0;
    while !stop.load(Ordering::Relaxed) {
        let tried = producer(bootstrap).and_then(|producer| {
            while !stop.load(Ordering::Relaxed) {
                abort_one(&producer, partitions)?;
                aborted += 1;
                thread::sleep(EVERY);
            }
            Ok(())
        });
        if tried.is_err() {
            thread::sleep(REST_AFTER_A_FAULT);
        }
    }
    let started = Instant::now();
    while let Err(error) = producer(bootstrap).and_then(|producer| abort_one(&producer, partitions)) {
        ensure!(started.elapsed() < LAST_DEADLINE, "the last transaction cannot be aborted: {error:#}");
        thread::sleep(REST_AFTER_A_FAULT);
    }
    Ok(aborted + 1)
}

fn producer(bootstrap: &str) -> Result<ThreadedProducer<DefaultProducerContext>> {
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", bootstrap)
        .set("transactional.id", "upstream-that-aborts")
        .set("transaction.timeout.ms", TIMEOUT.as_millis().to_string());
    let producer: ThreadedProducer<DefaultProducerContext> = config.create()?;
    producer.init_transactions(TIMEOUT)?;
    Ok(producer)
}

fn abort_one(producer: &ThreadedProducer<DefaultProducerContext>, partitions: i32) -> Result<()> {
    producer.begin_transaction()?;
    for partition in 0..partitions {
        let record = BaseRecord::<(), str>::to(INCOMING).partition(partition).payload("{}");
        producer.send(record).map_err(|(error, _)| error)?;
    }
    producer.flush(TIMEOUT)?;
    Ok(producer.abort_transaction(TIMEOUT)?)
}
