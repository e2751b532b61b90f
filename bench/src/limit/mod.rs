//! The limit: librdkafka moves the bytes, and nothing else is done.
//!
//! Each record goes out with the bytes it came in with, padding behind them, and headers of the number and size that the
//! router writes. It shares no code with the router's path, so that a mistake there cannot hide here. It is no model for
//! a service: any error ends it, since the run is worthless then.

mod native;

use std::{
    thread,
    time::{Duration, Instant},
};

use anyhow::{Result, bail};
use clap::{Args, ValueEnum};

use self::native::{Client, Headers, Membership, Message, Queue, Topic, Transaction};

/// A pause when librdkafka's queue is full; shorter ones cost CPU and win nothing.
const QUEUE_FULL_PAUSE: Duration = Duration::from_millis(10);
/// Records taken at a time.
const TAKEN_AT_A_TIME: usize = 2_000;
const CALL_TIMEOUT_MS: i32 = 30_000;
const IDLE_POLL_MS: i32 = 100;

/// How the limit runs.
#[derive(Args, Clone, Debug)]
pub struct Limit {
    #[arg(long)]
    pub bootstrap: String,
    #[arg(long)]
    pub input: String,
    /// One topic takes all, or several take turns.
    #[arg(long, required = true, value_delimiter = ',')]
    pub output: Vec<String>,
    #[arg(long)]
    pub group: String,
    #[arg(long, value_enum, default_value_t = Guarantee::ExactlyOnce)]
    pub guarantee: Guarantee,
    #[arg(long, value_enum, default_value_t = Consume::Poll)]
    pub consume: Consume,
    /// Bytes that are appended to each value.
    #[arg(long, default_value_t = 0)]
    pub padding: usize,
    /// The media type in the headers; none, no headers.
    #[arg(long)]
    pub content_type: Option<String>,
    /// Records after which a transaction, or a batch of at-least-once, ends.
    #[arg(long, default_value_t = 60_000)]
    pub batch_records: usize,
    /// Age in milliseconds after which it ends.
    #[arg(long, default_value_t = 500)]
    pub batch_age_ms: u64,
    /// How long to wait for more input before it ends early, in milliseconds.
    #[arg(long, default_value_t = 0)]
    pub drain_wait_ms: i32,
    /// Records that the producer may hold.
    #[arg(long, default_value_t = 20_000)]
    pub queue_records: usize,
    /// Kilobytes that the consumer may hold.
    #[arg(long, default_value_t = 16_384)]
    pub queued_kbytes: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Guarantee {
    ExactlyOnce,
    AtLeastOnce,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Consume {
    /// A record at a time.
    Poll,
    /// Many at a time: waits until there are so many, or the time is over.
    Batch,
}

/// Moves records until the process is ended.
pub fn run(options: &Limit) -> Result<()> {
    let consumer = consumer(options)?;
    let producer = producer(options)?;
    let topics = options.output.iter().map(|name| producer.topic(name)).collect::<Result<Vec<_>>>()?;
    if options.guarantee == Guarantee::ExactlyOnce {
        producer.transaction(Transaction::Init, CALL_TIMEOUT_MS)?;
    }
    consumer.subscribe(&options.input)?;
    let queue = consumer.queue();
    let headers = Headers::new(&headers(options));
    let mut mover =
        Mover { options, consumer, producer, topics, queue, headers, value: Vec::new(), open: None };
    let mut messages = Vec::with_capacity(TAKEN_AT_A_TIME);
    loop {
        mover.take(&mut messages)?;
        if messages.is_empty() {
            mover.finish()?;
            continue;
        }
        for message in messages.drain(..) {
            mover.send(&message)?;
        }
        mover.producer.serve();
        if native::delivery_failed() {
            bail!("a record could not be delivered");
        }
    }
}

struct Mover<'o> {
    options: &'o Limit,
    consumer: Client,
    producer: Client,
    topics: Vec<Topic>,
    queue: Queue,
    headers: Headers,
    value: Vec<u8>,
    open: Option<Batch>,
}

/// What is sent, and not committed yet.
struct Batch {
    since: Instant,
    records: usize,
    /// The next offset to read, by partition.
    next: Vec<Option<i64>>,
    member: Membership,
}

impl Mover<'_> {
    fn take(&self, into: &mut Vec<Message>) -> Result<()> {
        let wait = if self.open.is_some() { self.options.drain_wait_ms } else { IDLE_POLL_MS };
        match self.options.consume {
            Consume::Batch if self.open.is_some() => self.queue.take(into, wait.max(1)),
            _ => {
                into.extend(self.consumer.poll(wait)?);
                while !into.is_empty() && into.len() < into.capacity() {
                    match self.consumer.poll(0)? {
                        Some(message) => into.push(message),
                        None => break,
                    }
                }
                Ok(())
            }
        }
    }

    fn send(&mut self, message: &Message) -> Result<()> {
        if self.open.is_none() {
            // Taken at the beginning: a rebalance in between is then noticed by the commit.
            let member = self.consumer.membership();
            if self.options.guarantee == Guarantee::ExactlyOnce {
                self.producer.transaction(Transaction::Begin, CALL_TIMEOUT_MS)?;
            }
            self.open = Some(Batch { since: Instant::now(), records: 0, next: Vec::new(), member });
        }
        self.value.clear();
        self.value.extend_from_slice(message.value());
        self.value.resize(self.value.len() + self.options.padding, b' ');
        let topic = &self.topics[message.offset().unsigned_abs() as usize % self.topics.len()];
        while !self.producer.produce(topic, message, &self.value, &self.headers)? {
            self.producer.serve();
            thread::sleep(QUEUE_FULL_PAUSE);
        }
        let batch = self.open.as_mut().expect("it was opened above");
        let partition = message.partition();
        if batch.next.len() <= partition {
            batch.next.resize(partition + 1, None);
        }
        batch.next[partition] = Some(message.offset() + 1);
        batch.records += 1;
        let is_due = batch.records >= self.options.batch_records
            || (batch.records.is_multiple_of(64)
                && batch.since.elapsed() >= Duration::from_millis(self.options.batch_age_ms));
        if is_due { self.finish() } else { Ok(()) }
    }

    fn finish(&mut self) -> Result<()> {
        let Some(batch) = self.open.take() else { return Ok(()) };
        let input = &self.options.input;
        match self.options.guarantee {
            Guarantee::ExactlyOnce => {
                self.producer.send_offsets(input, &batch.next, &batch.member, CALL_TIMEOUT_MS)?;
                self.producer.flush(CALL_TIMEOUT_MS)?;
                self.producer.transaction(Transaction::Commit, CALL_TIMEOUT_MS)
            }
            Guarantee::AtLeastOnce => {
                self.producer.flush(CALL_TIMEOUT_MS)?;
                if native::delivery_failed() {
                    bail!("a record could not be delivered");
                }
                self.consumer.commit(input, &batch.next)
            }
        }
    }
}

/// As many headers as the router writes, and as long: its rules have names of about this length.
fn headers(options: &Limit) -> Vec<(&'static str, &str)> {
    const DIGEST: &str = "0123456789abcdef0123456789abcdef";
    let Some(content_type) = &options.content_type else { return Vec::new() };
    vec![
        ("content-type", content_type),
        ("ticket-router.owner", "OWNER_PUBLISHER"),
        ("ticket-router.rule", "customer-user-support"),
        ("ticket-router.decision-id", DIGEST),
        ("ticket-router.policy-version", DIGEST),
    ]
}

fn consumer(options: &Limit) -> Result<Client> {
    Client::consumer(&[
        ("bootstrap.servers", &options.bootstrap),
        ("group.id", &options.group),
        ("isolation.level", "read_committed"),
        ("auto.offset.reset", "earliest"),
        ("enable.auto.commit", "false"),
        ("enable.auto.offset.store", "false"),
        ("fetch.queue.backoff.ms", "10"),
        ("fetch.wait.max.ms", "100"),
        ("queued.max.messages.kbytes", &options.queued_kbytes.to_string()),
    ])
}

fn producer(options: &Limit) -> Result<Client> {
    let queue_records = options.queue_records.to_string();
    let mut settings = vec![
        ("bootstrap.servers", options.bootstrap.as_str()),
        ("acks", "all"),
        ("compression.type", "none"),
        ("partitioner", "murmur2_random"),
        ("linger.ms", "50"),
        ("batch.size", "1000000"),
        ("queue.buffering.max.messages", &queue_records),
        ("retry.backoff.ms", "2"),
        ("delivery.report.only.error", "true"),
    ];
    if options.guarantee == Guarantee::ExactlyOnce {
        settings.push(("transactional.id", &options.group));
        settings.push(("transaction.timeout.ms", "15000"));
    }
    Client::producer(&settings)
}
