//! The worker: consumes tickets, routes them, and produces them to their owners, offsets and records in one transaction.
//!
//! This file is its shell, which does what the `machine` says, on a thread of its own, since every transaction call blocks.

mod allowed;
mod clock;
mod closed;
mod context;
mod counts;
mod delays;
mod delivery;
mod error;
#[cfg_attr(not(feature = "faults"), path = "no_faults.rs")]
mod faults;
mod fields;
mod machine;
mod observe;
mod outgoing;
mod output;
mod refusals;
mod stamp;
mod start;
mod status;
mod transaction;

use std::{
    collections::VecDeque,
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
use clock::Clock;
use closed::Closed;
use context::Rebalance;
use machine::{Command, Handling, Machine, Partition, Polled};
use observe::{Observed, cause_of};
use output::Output;

pub use allowed::OutputLimits;
pub use context::{InputContext, OutputContext};
pub use counts::AbortCause;
pub use error::WorkerError;
pub use faults::Faults;
pub use fields::FieldNames;
pub use machine::Settings as TransactionSettings;
pub use output::ProducerSettings;
pub use status::{Figures, Totals, WorkerStatus};

use super::{
    ffi::{GroupMetadata, NativeError},
    token::keep_logged_in,
};
use crate::{
    catalog::{Catalog, Snapshot},
    config::StartAt,
    policy::Policy,
    repeats::Repeats,
    route::{Destination, OutputFormat, Router},
    telemetry::Tracer,
    ticket::Limits,
};

/// How long one poll waits when no transaction is open: the latest that a stop is noticed.
const IDLE_POLL: Duration = Duration::from_millis(100);
/// How long one transaction call may take; a retriable failure is tried again until the machine's deadline.
const CALL_TIMEOUT: Duration = Duration::from_secs(10);
/// How long librdkafka is asked for what it knows already.
const ASK_TIMEOUT: Duration = Duration::from_secs(1);
/// The records that wait for a transaction to begin take about this many bytes at most, and the last one of them.
const MAX_GATHERED_BYTES: usize = 8 << 20;
/// So many batches that cannot be unpacked end the worker: each is the same one, fetched again.
const MAX_UNREADABLE: u32 = 5;

static POLL_FAILED: Repeats = Repeats::new();
static UNDELIVERED: Repeats = Repeats::new();

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
    /// Makes the spans of traced tickets, where there are any.
    pub tracer: Option<Tracer>,
    /// Set to make it drain and leave.
    pub stop: Arc<AtomicBool>,
}

impl Worker {
    /// Works until told to stop, then drains and leaves the group. The first producer is made by [`ProducerSettings::create`].
    ///
    /// # Errors
    ///
    /// The worker cannot go on: the process should end and restart with the same transactional ids.
    pub fn run(self, producer: ThreadedProducer<OutputContext>) -> Result<(), WorkerError> {
        let client = Arc::<BaseConsumer<InputContext>>::clone(&self.consumer);
        let login = keep_logged_in(self.consumer.context().watch(), client);
        let output = Output::open(producer, &self.settings, &self.status, &self.stop)?;
        let mut run = Run {
            worker: &self,
            output,
            machine: Machine::new(self.settings.transactions),
            router: Router::new(Arc::clone(&self.policy), self.settings.limits, self.settings.output),
            snapshot: self.catalog.snapshot(),
            clock: Clock::new(),
            at_hand: VecDeque::new(),
            gathered_bytes: 0,
            member: None,
            tried: Default::default(),
            observed: Observed::new(self.policy.rules().len()),
            undelivered: String::new(),
            refused_by: None,
            is_cause_unknown: false,
            given_up_for: None,
            closed: Closed::default(),
            allowed: Allowed::new(self.settings.limits_of_outputs, self.settings.max_batch_bytes),
            unreadable: 0,
            began_with: Vec::new(),
            last_error: None,
            aborts_in_a_row: 0,
            transactions: 0,
            is_sound: true,
        };
        let outcome = run.work();
        let Run { output, .. } = run;
        // Nothing is in flight any more, or nothing can be saved: the group takes the partitions back at once, before the producer is closed.
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
    output: Output,
    machine: Machine,
    router: Router,
    /// The catalog as it was when the transaction began.
    snapshot: Arc<Snapshot>,
    clock: Clock,
    /// The records that the machine has at hand.
    at_hand: VecDeque<BorrowedMessage<'w>>,
    /// The bytes of the records at hand.
    gathered_bytes: usize,
    /// The membership in whose name the open transaction's offsets go.
    member: Option<GroupMetadata>,
    /// The topics that the open transaction has records for.
    tried: [bool; Destination::ALL.len()],
    observed: Observed,
    /// The last refusal, for the dead letter of the record that caused it.
    undelivered: String,
    /// The only topic of the last transaction, if that topic takes no record at all.
    refused_by: Option<Destination>,
    /// librdkafka has given the transaction up, and has not said why yet.
    is_cause_unknown: bool,
    /// Why it has given the transaction up, where the topic teaches what to do otherwise.
    given_up_for: Option<RDKafkaErrorCode>,
    closed: Closed,
    allowed: Allowed,
    unreadable: u32,
    /// Where the open transaction begins, for a question to the brokers.
    began_with: Vec<(Partition, i64)>,
    last_error: Option<NativeError>,
    aborts_in_a_row: u32,
    transactions: u64,
    /// librdkafka has reported no error in the open transaction.
    is_sound: bool,
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
            Command::Route(handling) => self.route(handling),
            Command::SendOffsets(offsets) => self.send_offsets(&offsets),
            Command::Commit => self.commit()?,
            Command::Abort => self.abort(),
            Command::Seek(partition, offset) => self.seek(partition, offset)?,
            Command::Assign(partitions) => self.assign(&partitions)?,
            Command::Unassign => self.unassign()?,
            Command::Renew => self.renew()?,
            Command::Leave => return Ok(false),
            Command::Fail(failure) => {
                return Err(WorkerError::stopped(failure, self.last_error.take(), &self.undelivered));
            }
        }
        Ok(true)
    }

    /// Dooms the open transaction if one of its records was not delivered.
    fn look_for_undelivered(&mut self) -> bool {
        let Some(undelivered) = self.output.context().take_failure() else { return false };
        if let Some(left_out) = UNDELIVERED.admit() {
            tracing::warn!(
                code = "RECORD_NOT_DELIVERED",
                cause = undelivered.text,
                left_out,
                "a record was not delivered, the transaction will be aborted"
            );
        }
        self.is_sound = false;
        self.undelivered = undelivered.text;
        self.observed.fail(cause_of(undelivered.code, undelivered.fault));
        self.note_topic(undelivered.code);
        self.machine.doom(undelivered.fault);
        true
    }

    fn poll(&mut self, may_wait: bool) -> Result<(), WorkerError> {
        let worker = self.worker;
        if may_wait && worker.stop.load(Ordering::Relaxed) {
            self.machine.stop();
            return Ok(());
        }
        let polled = match worker.consumer.poll(if may_wait { IDLE_POLL } else { Duration::ZERO }) {
            Some(Ok(message)) => {
                let polled = Polled::Record(message.partition(), message.offset());
                self.gathered_bytes += message.payload_len();
                if self.gathered_bytes > MAX_GATHERED_BYTES {
                    self.machine.laden();
                }
                self.at_hand.push_back(message);
                self.clock.record();
                polled
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
                        if lost {
                            self.observed.fail(AbortCause::Lost);
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

    /// Polling goes on after every error but those that no polling can mend.
    fn poll_failed(&mut self, error: KafkaError) -> Result<(), WorkerError> {
        self.clock.read();
        if matches!(error, KafkaError::MessageConsumptionFatal(_)) {
            return Err(WorkerError::Poll(error));
        }
        if error.rdkafka_error_code() == Some(RDKafkaErrorCode::AutoOffsetReset) {
            return Err(start::lost_offset(&self.worker.consumer, &self.worker.settings));
        }
        if error.rdkafka_error_code() == Some(RDKafkaErrorCode::BadCompression) {
            self.unreadable += 1;
            if self.unreadable >= MAX_UNREADABLE {
                return Err(start::unreadable(&self.worker.consumer, &self.worker.settings.input));
            }
        }
        if let Some(left_out) = POLL_FAILED.admit() {
            tracing::warn!(code = "INPUT_POLL", %error, left_out, "polling the input failed, going on");
        }
        Ok(())
    }

    fn route(&mut self, handling: Handling) {
        let message = self.at_hand.pop_front().expect("the machine routes only what is at hand");
        self.gathered_bytes -= message.payload_len();
        let outcome = self.route_observed(&message, handling);
        self.machine.sent(outcome);
    }

    fn forget_at_hand(&mut self) {
        self.at_hand.clear();
        self.gathered_bytes = 0;
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
        self.observed.assigned(positions.starts);
        Ok(())
    }

    fn unassign(&mut self) -> Result<(), WorkerError> {
        self.worker.consumer.unassign().map_err(WorkerError::Assign)?;
        self.worker.status.assigned(false);
        self.observed.unassigned();
        tracing::info!("partitions given up");
        self.forget_at_hand();
        self.machine.unassigned();
        Ok(())
    }
}
