//! Routers that are broken as real ones are, and a sound one under the same faults: a checker that acquits them all proves nothing.

use std::{
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use clap::{Args, ValueEnum};
use rdkafka::{
    ClientConfig, Message, Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
    error::KafkaError,
    message::{BorrowedMessage, Header, Headers, OwnedHeaders},
    producer::{BaseRecord, DefaultProducerContext, Producer, ThreadedProducer},
};
use serde_json::{Value, json};
use ticket_router_proof::topics::{INCOMING, NUMBER, OUTGOING, PARTNER};

use crate::routers::GROUP;

/// So many records go through a control.
pub const RECORDS: u64 = 600;
const BATCH: usize = 50;
const ABORT_EVERY: usize = 5;
/// One record of a hundred is larger than the producer of a flawed control takes.
const LARGEST: &str = "4000";
const ROOM: &str = "1000000";
const TIMEOUT: Duration = Duration::from_secs(30);
const DEADLINE: Duration = Duration::from_secs(60);

/// Lets a control route in place of the router, and the checker judge it.
#[derive(Args, Clone, Debug)]
pub struct Control {
    /// In what way it is broken.
    #[arg(long)]
    pub flaw: Flaw,
    /// Where logs and figures go.
    #[arg(long)]
    pub folder: std::path::PathBuf,
}

/// In what way a control is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Flaw {
    None,
    /// Goes on when a record cannot be sent.
    IgnoresSendErrors,
    /// Goes on reading where it was after an abort.
    NeverRewinds,
    /// Lets the client commit offsets by itself, and dies once.
    CommitsByItself,
    /// Writes without a transaction, commits after, and dies in between.
    WritesTwice,
    /// Routes the batch from its end to its beginning.
    Reorders,
    /// Leaves its last transaction open.
    LeavesOpen,
    /// Sends one ticket of fifty to the wrong owner.
    Misroutes,
    /// Leaves a header of one ticket of fifty out.
    LosesHeaders,
}

impl Flaw {
    /// Routes everything.
    pub fn run(self, bootstrap: &str) -> Result<()> {
        match self {
            Self::CommitsByItself => {
                // The first one dies in the middle; the second goes on from what the first committed.
                without_transactions(bootstrap, "true", Some(RECORDS as usize / 2))?;
                without_transactions(bootstrap, "true", None)
            }
            Self::WritesTwice => {
                without_transactions(bootstrap, "false", Some(RECORDS as usize / 2))?;
                without_transactions(bootstrap, "false", None)
            }
            _ => Router::new(bootstrap, self)?.run(),
        }
    }
}

/// A little router with transactions, after the loop that is known to work; every fifth transaction is aborted.
struct Router {
    flaw: Flaw,
    consumer: BaseConsumer,
    producer: ThreadedProducer<DefaultProducerContext>,
}

impl Router {
    fn new(bootstrap: &str, flaw: Flaw) -> Result<Self> {
        let largest = if flaw == Flaw::IgnoresSendErrors { LARGEST } else { ROOM };
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", bootstrap).set("transactional.id", "control");
        config.set("message.max.bytes", largest).set("partitioner", "murmur2_random");
        config.set("retry.backoff.ms", "10");
        if flaw == Flaw::LeavesOpen {
            config.set("transaction.timeout.ms", "600000");
        }
        let producer: ThreadedProducer<DefaultProducerContext> = config.create()?;
        producer.init_transactions(TIMEOUT)?;
        Ok(Self { flaw, consumer: consumer(bootstrap, "false")?, producer })
    }

    fn run(&self) -> Result<()> {
        let mut transactions = 0;
        let started = Instant::now();
        loop {
            ensure!(started.elapsed() < DEADLINE, "the control does not come to an end");
            let mut batch = batch(&self.consumer);
            let (Some(first), Some(last)) = (batch.first(), batch.last()) else { continue };
            let (first, next) = (first.offset, last.offset + 1);
            match self.flaw {
                Flaw::Reorders => batch.reverse(),
                Flaw::LosesHeaders => {
                    batch.iter_mut().filter(|it| it.offset % 50 == 9).for_each(|it| drop(it.headers.pop()));
                }
                _ => {}
            }
            transactions += 1;
            self.producer.begin_transaction()?;
            for record in &batch {
                self.send(record)?;
            }
            let is_last = next == RECORDS as i64;
            if transactions % ABORT_EVERY == 0 {
                self.producer.abort_transaction(TIMEOUT)?;
                if self.flaw != Flaw::NeverRewinds {
                    self.consumer.seek(INCOMING, 0, Offset::Offset(first), TIMEOUT)?;
                    continue;
                }
            } else if is_last && self.flaw == Flaw::LeavesOpen {
                self.producer.flush(TIMEOUT)?;
            } else {
                self.commit(next)?;
            }
            if is_last {
                return Ok(());
            }
        }
    }

    fn send(&self, record: &Record) -> Result<()> {
        let is_wrong = self.flaw == Flaw::Misroutes && record.offset % 50 == 9;
        let topic = OUTGOING[if is_wrong { PARTNER + 1 } else { PARTNER }];
        match produce(&self.producer, topic, record) {
            Err(_) if self.flaw == Flaw::IgnoresSendErrors => Ok(()),
            other => Ok(other?),
        }
    }

    fn commit(&self, next: i64) -> Result<()> {
        let mut offsets = TopicPartitionList::new();
        offsets.add_partition_offset(INCOMING, 0, Offset::Offset(next))?;
        let group = self.consumer.group_metadata().context("the consumer is in a group")?;
        self.producer.send_offsets_to_transaction(&offsets, &group, TIMEOUT)?;
        Ok(self.producer.commit_transaction(TIMEOUT)?)
    }
}

/// A little router without transactions. It routes until the group has committed the end, or until it dies in the middle of a batch: with `auto_commit` the
/// client has committed what was polled and is not sent, without it what was sent is not committed.
fn without_transactions(bootstrap: &str, auto_commit: &str, dies_after: Option<usize>) -> Result<()> {
    let consumer = consumer(bootstrap, auto_commit)?;
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", bootstrap)
        .set("partitioner", "murmur2_random")
        .set("message.max.bytes", ROOM);
    let producer: ThreadedProducer<DefaultProducerContext> = config.create()?;
    let mut sent = 0;
    let started = Instant::now();
    loop {
        ensure!(started.elapsed() < DEADLINE, "the control does not come to an end");
        let batch = batch(&consumer);
        let dies = dies_after.is_some_and(|most| sent + batch.len() > most);
        let kept = if dies { batch.len() / 2 } else { batch.len() };
        for record in &batch[..kept] {
            produce(&producer, OUTGOING[PARTNER], record)?;
        }
        producer.flush(TIMEOUT)?;
        sent += kept;
        if dies {
            return Ok(());
        }
        if let (Some(last), "false") = (batch.last(), auto_commit) {
            commit(&consumer, last.offset + 1)?;
        }
        let committed =
            consumer.committed(TIMEOUT).ok().and_then(|it| it.elements().first().map(|it| it.offset()));
        if committed == Some(Offset::Offset(RECORDS as i64)) {
            return Ok(());
        }
        thread::sleep(Duration::from_millis(10));
    }
}

#[expect(clippy::disallowed_methods, reason = "this router is wrong on purpose")]
fn commit(consumer: &BaseConsumer, next: i64) -> Result<()> {
    let mut offsets = TopicPartitionList::new();
    offsets.add_partition_offset(INCOMING, 0, Offset::Offset(next))?;
    Ok(consumer.commit(&offsets, rdkafka::consumer::CommitMode::Sync)?)
}

/// A record on its way through a control.
struct Record {
    key: Vec<u8>,
    value: Vec<u8>,
    headers: Vec<(&'static str, String)>,
    timestamp: Option<i64>,
    offset: i64,
}

impl Record {
    fn of(message: &BorrowedMessage<'_>) -> Self {
        let ticket: Value = serde_json::from_slice(message.payload().unwrap_or_default()).unwrap_or_default();
        let decision = json!({ "owner": "OWNER_PARTNER", "assigneeId": "partner-0" });
        let headers = message.headers();
        let number = headers.and_then(|it| it.iter().find(|it| it.key == NUMBER)?.value.map(<[u8]>::to_vec));
        Self {
            key: message.key().unwrap_or_default().to_vec(),
            value: json!({ "ticket": ticket, "decision": decision }).to_string().into_bytes(),
            headers: vec![
                (NUMBER, String::from_utf8(number.unwrap_or_default()).unwrap_or_default()),
                ("ticket-router.owner", "OWNER_PARTNER".to_owned()),
                ("ticket-router.rule", "x".to_owned()),
                ("ticket-router.policy-version", POLICY.to_owned()),
                ("content-type", "application/json".to_owned()),
                ("ticket-router.decision-id", "x".to_owned()),
            ],
            timestamp: message.timestamp().to_millis(),
            offset: message.offset(),
        }
    }
}

fn produce(
    producer: &ThreadedProducer<DefaultProducerContext>,
    topic: &str,
    record: &Record,
) -> Result<(), KafkaError> {
    let headers = record
        .headers
        .iter()
        .fold(OwnedHeaders::new(), |all, (key, value)| all.insert(Header { key, value: Some(value) }));
    let mut outgoing =
        BaseRecord::<[u8], [u8]>::to(topic).key(&record.key).payload(&record.value).headers(headers);
    outgoing.timestamp = record.timestamp;
    producer.send(outgoing).map_err(|(error, _)| error)
}

/// The policy version that controls claim.
pub const POLICY: &str = "control";

fn consumer(bootstrap: &str, auto_commit: &str) -> Result<BaseConsumer> {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", bootstrap).set("group.id", GROUP).set("auto.offset.reset", "earliest");
    config.set("enable.auto.commit", auto_commit).set("isolation.level", "read_committed");
    config
        .set("session.timeout.ms", "6000")
        .set("fetch.wait.max.ms", "50")
        .set("auto.commit.interval.ms", "100");
    let consumer: BaseConsumer = config.create()?;
    consumer.subscribe(&[INCOMING])?;
    Ok(consumer)
}

/// The next records, if there are any.
fn batch(consumer: &BaseConsumer) -> Vec<Record> {
    let mut batch = Vec::new();
    while batch.len() < BATCH {
        match consumer.poll(Duration::from_millis(50)) {
            Some(Ok(message)) => batch.push(Record::of(&message)),
            // A group that is still forming; the deadline of the caller bounds it.
            Some(Err(_)) => {}
            None => break,
        }
    }
    batch
}
