//! The worker: consumes tickets, routes them, and produces them to their owners, offsets and records in one
//! transaction.
//!
//! `machine` decides what happens next. The rest is its shell, which does it, on a thread of its own, because
//! every transaction call blocks.
//!
//! | file | what is in it |
//! | --- | --- |
//! | `mod` | the loop: obey the machine, poll, take and give up partitions |
//! | `record` | the way of one record, from poll to producer |
//! | `incoming`, `outgoing`, `stamp` | the record on either end of it: headers, dead letters, times |
//! | `transaction`, `open` | the transaction calls, and what lasts as long as a transaction |
//! | `blame` | which topic or record makes transactions fail |
//! | `topics`, `allowed`, `closed_topics` | what outgoing topics take, and which take nothing |
//! | `start` | the offsets to start from |
//! | `observe`, `counts`, `delays`, `fate`, `abort_cause`, `fields`, `status` | figures, lag and spans |
//! | `context`, `output` | the clients, and what they report between calls |
//! | `clock`, `faults`, `error` | the time, the faults of tests, why a worker ends |

mod abort_cause;
mod allowed;
mod blame;
mod clock;
mod closed_topics;
mod context;
mod counts;
mod delays;
mod error;
mod fate;
#[cfg_attr(not(feature = "faults"), path = "no_faults.rs")]
mod faults;
mod fields;
mod incoming;
mod machine;
mod observe;
mod open;
mod outgoing;
mod output;
mod record;
mod stamp;
mod start;
mod status;
mod topics;
mod transaction;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use rdkafka::{
    consumer::{BaseConsumer, Consumer},
    error::{KafkaError, RDKafkaErrorCode},
    message::{BorrowedMessage, Message},
    producer::ThreadedProducer,
    topic_partition_list::Offset,
};

use allowed::Allowed;
use blame::Blame;
use clock::Clock;
use context::Rebalance;
use machine::{Command, Machine, Partition, Polled, Record};
use observe::{Lag, Timer};
use open::Open;
use output::Output;
use topics::OutgoingTopics;

pub use abort_cause::AbortCause;
pub use allowed::OutputLimits;
pub use context::{InputContext, OutputContext};
pub use error::WorkerError;
pub use faults::Faults;
pub use fields::FieldNames;
pub use machine::Settings as TransactionSettings;
pub(super) use machine::{Fault, SendFault};
pub use output::ProducerSettings;
pub use status::{Figures, Totals, WorkerStatus};

use super::token::keep_logged_in;
use crate::{
    catalog::Catalog,
    config::StartAt,
    policy::Policy,
    repeats::Repeats,
    route::{Destination, OutputFormat, Router},
    telemetry::Tracer,
    ticket::Limits,
};

/// Poll timeout while idle, and so the longest delay before a stop is noticed.
const IDLE_POLL: Duration = Duration::from_millis(100);
/// How long one transaction call may take. A retriable failure is retried until the machine's deadline.
const CALL_TIMEOUT: Duration = Duration::from_secs(10);
/// Timeout of requests whose answer librdkafka usually has already.
const ASK_TIMEOUT: Duration = Duration::from_secs(1);
/// The worker stops after this many undecodable batches. librdkafka refetches the same one each time.
const MAX_UNDECODABLE: u32 = 5;

static POLL_FAILED: Repeats = Repeats::new();

/// What a worker needs to know.
#[derive(Clone, Debug)]
pub struct WorkerSettings {
    /// The brokers, for messages.
    pub bootstrap_servers: String,
    /// The group.
    pub group: String,
    /// The input topic.
    pub input: String,
    /// The output topics, by [`Destination`].
    pub outputs: [String; Destination::ALL.len()],
    /// What the output topics take, by [`Destination`].
    pub limits_of_outputs: [OutputLimits; Destination::ALL.len()],
    /// The largest batch that the producer makes, in bytes.
    pub max_batch_bytes: usize,
    /// When transactions end.
    pub transactions: TransactionSettings,
    /// Limits of the tickets read.
    pub limits: Limits,
    /// The format written.
    pub output: OutputFormat,
    /// Where a group that never committed starts.
    pub new_group_starts_at: StartAt,
    /// Faults to inject, for tests.
    pub faults: Faults,
}

/// One worker: a consumer, a transactional producer, and the core between them.
pub struct Worker {
    /// The member of the group.
    pub consumer: Arc<BaseConsumer<InputContext>>,
    /// Makes producers with the worker's own transactional id.
    pub producers: ProducerSettings,
    /// The live catalog.
    pub catalog: Catalog,
    /// The policy.
    pub policy: Arc<Policy>,
    /// What is configured.
    pub settings: WorkerSettings,
    /// Where it reports.
    pub status: Arc<WorkerStatus>,
    /// Makes the spans of traced tickets, if any are traced.
    pub tracer: Option<Tracer>,
    /// Set to make it drain and leave.
    pub stop: Arc<AtomicBool>,
}

impl Worker {
    /// Works until told to stop, then drains and leaves the group. The first producer is made by
    /// [`ProducerSettings::create`].
    ///
    /// # Errors
    ///
    /// The worker cannot go on: the process should end and restart with the same transactional ids.
    pub fn run(self, producer: ThreadedProducer<OutputContext>) -> Result<(), WorkerError> {
        let client = Arc::<BaseConsumer<InputContext>>::clone(&self.consumer);
        let login = keep_logged_in(self.consumer.context().watch(), client);
        let mut run = Run {
            worker: &self,
            machine: Machine::new(self.settings.transactions),
            router: Router::new(Arc::clone(&self.policy), self.settings.limits, self.settings.output),
            output: Output::open(producer, &self.settings, &self.status, &self.stop)?,
            topics: OutgoingTopics::new(
                &self.settings.outputs,
                Allowed::new(self.settings.limits_of_outputs, self.settings.max_batch_bytes),
            ),
            clock: Clock::new(),
            open: None,
            blame: Blame::default(),
            lag: Lag::default(),
            timer: Timer::default(),
            transactions: 0,
            aborts_in_a_row: 0,
            undecodable: 0,
        };
        let outcome = run.work();
        let Run { output, .. } = run;
        // Nothing is in flight any more, or nothing can be saved: the group takes the partitions back at
        // once, before the producer is closed.
        self.consumer.context().close();
        // It holds the consumer, too, which is to be closed here.
        drop(login);
        drop(self);
        drop(output);
        outcome
    }
}

/// A worker at work.
struct Run<'w> {
    worker: &'w Worker,
    machine: Machine<BorrowedMessage<'w>>,
    router: Router,
    output: Output,
    topics: OutgoingTopics<'w>,
    clock: Clock,
    open: Option<Open>,
    blame: Blame,
    lag: Lag,
    timer: Timer,
    /// Transactions begun.
    transactions: u64,
    aborts_in_a_row: u32,
    /// Batches that could not be decoded.
    undecodable: u32,
}

impl Record for BorrowedMessage<'_> {
    fn position(&self) -> (Partition, i64) {
        (self.partition(), self.offset())
    }

    fn bytes(&self) -> usize {
        self.payload_len()
    }
}

impl Run<'_> {
    fn work(&mut self) -> Result<(), WorkerError> {
        let worker = self.worker;
        worker.consumer.subscribe(&[&worker.settings.input]).map_err(WorkerError::Subscribe)?;
        while self.step()? {}
        Ok(())
    }

    /// Does one thing; `false` when the worker has left.
    fn step(&mut self) -> Result<bool, WorkerError> {
        self.worker.status.step();
        self.look_for_undelivered();
        match self.machine.next(self.clock.now()) {
            Command::Poll { may_wait } => self.poll(may_wait)?,
            Command::Begin => self.begin(),
            Command::Route(record, handling) => self.route(&record, handling),
            Command::SendOffsets(offsets) => self.send_offsets(offsets),
            Command::Commit => self.commit()?,
            Command::Abort => self.abort(),
            Command::Seek(partition, offset) => self.seek(partition, offset)?,
            Command::Assign(partitions) => self.assign(&partitions)?,
            Command::Unassign => self.unassign()?,
            Command::Renew => self.renew()?,
            Command::Leave => return Ok(false),
            Command::Fail(failure) => {
                return Err(WorkerError::stopped(failure, std::mem::take(&mut self.blame)));
            }
        }
        Ok(true)
    }

    fn poll(&mut self, may_wait: bool) -> Result<(), WorkerError> {
        let worker = self.worker;
        if may_wait && worker.stop.load(Ordering::Relaxed) {
            self.machine.stop();
            return Ok(());
        }
        let polled = match worker.consumer.poll(if may_wait { IDLE_POLL } else { Duration::ZERO }) {
            Some(Ok(message)) => {
                self.clock.record();
                Polled::Record(message)
            }
            Some(Err(error)) => {
                self.poll_failed(error)?;
                Polled::Nothing
            }
            None => {
                self.clock.read();
                worker.status.touch();
                match worker.consumer.context().take_rebalance() {
                    Some(Rebalance::Given(partitions)) => Polled::Given(partitions),
                    Some(Rebalance::Taken { lost }) => {
                        if lost && let Some(open) = &mut self.open {
                            open.fail(AbortCause::Lost);
                        }
                        Polled::Taken { lost }
                    }
                    None => {
                        if self.show_lag() {
                            self.machine.reached(start::reached(&worker.consumer));
                        }
                        Polled::Nothing
                    }
                }
            }
        };
        self.machine.polled(polled);
        Ok(())
    }

    /// Polling goes on after every error except those that no polling can mend.
    fn poll_failed(&mut self, error: KafkaError) -> Result<(), WorkerError> {
        self.clock.read();
        if matches!(error, KafkaError::MessageConsumptionFatal(_)) {
            return Err(WorkerError::Poll(error));
        }
        if error.rdkafka_error_code() == Some(RDKafkaErrorCode::AutoOffsetReset) {
            return Err(start::lost_offset(&self.worker.consumer, &self.worker.settings));
        }
        if error.rdkafka_error_code() == Some(RDKafkaErrorCode::BadCompression) {
            self.undecodable += 1;
            if self.undecodable >= MAX_UNDECODABLE {
                return Err(start::unreadable(&self.worker.consumer, &self.worker.settings.input));
            }
        }
        if let Some(left_out) = POLL_FAILED.admit() {
            tracing::warn!(code = "INPUT_POLL", %error, left_out, "polling the input failed, retrying");
        }
        Ok(())
    }

    fn seek(&mut self, partition: Partition, offset: i64) -> Result<(), WorkerError> {
        let input = &self.worker.settings.input;
        match self.worker.consumer.seek(input, partition, Offset::Offset(offset), CALL_TIMEOUT) {
            Ok(()) => {
                self.machine.sought(partition);
                Ok(())
            }
            Err(error) => Err(WorkerError::Seek { partition, offset, error }),
        }
    }

    fn assign(&mut self, partitions: &[Partition]) -> Result<(), WorkerError> {
        let worker = self.worker;
        let positions = start::positions(&worker.consumer, &worker.settings, partitions)?;
        if !positions.to_commit.is_empty() {
            self.commit_start(&positions.to_commit)?;
        }
        worker.consumer.assign(&positions.assignment).map_err(WorkerError::Assign)?;
        worker.status.assigned(true);
        tracing::info!(?partitions, "partitions assigned");
        self.machine.assigned(positions.starts.iter().copied());
        self.lag = Lag::of_assignment(positions.starts);
        Ok(())
    }

    fn unassign(&mut self) -> Result<(), WorkerError> {
        self.worker.consumer.unassign().map_err(WorkerError::Assign)?;
        self.worker.status.assigned(false);
        self.lag.unassigned();
        tracing::info!("partitions given up");
        self.machine.unassigned();
        Ok(())
    }
}
