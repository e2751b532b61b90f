//! The transaction calls: each does one thing that the machine orders, and reports how it went.

use std::{thread, time::Duration};

use rdkafka::{message::Message, producer::Producer};

use super::{
    AbortCause, CALL_TIMEOUT, Run, Worker, WorkerError,
    machine::{BeginFault, Fault, Partition, SendFault},
};
use crate::{
    kafka::ffi::{self, GroupMetadata, NativeError, TransactionCall},
    telemetry::Repeats,
};

/// How long a commit waits for its records before it looks whether their topics are still there; then it waits on.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(2);
/// The longest pause after aborts in a row.
const MAX_ABORT_PAUSE: Duration = Duration::from_secs(1);

static WAITING: Repeats = Repeats::new();
static CALL_FAILED: Repeats = Repeats::new();

impl Run<'_> {
    pub(super) fn begin(&mut self) {
        self.clock.read();
        let outcome = match GroupMetadata::of_member(&self.worker.consumer) {
            None => Err(BeginFault::NotMember),
            Some(member) => {
                self.member = Some(member);
                let first = self.at_hand.front().expect("a transaction begins with a record at hand");
                self.began_at = (first.partition(), first.offset());
                self.transactions += 1;
                self.snapshot = self.worker.catalog.snapshot();
                self.tried = Default::default();
                self.observed.begin(self.clock.now());
                self.is_sound = true;
                self.is_cause_unknown = false;
                ffi::transaction(&self.worker.producer, TransactionCall::Begin, Duration::ZERO)
                    .map_err(|error| self.note("begin_transaction", error))
                    .map_err(|_| BeginFault::Fatal)
            }
        };
        if outcome.is_err() {
            self.at_hand.clear();
        }
        self.machine.began(outcome, self.clock.now());
    }

    pub(super) fn send_offsets(&mut self, offsets: &[(Partition, i64)]) {
        let worker = self.worker;
        self.observed.offers(offsets);
        let member = self.member.as_ref().expect("a transaction begins with a membership");
        let sent = ffi::send_offsets(&worker.producer, &worker.settings.input, offsets, member, CALL_TIMEOUT)
            .map_err(|error| self.note("send_offsets_to_transaction", error));
        self.clock.read();
        self.machine.offsets_sent(sent, self.clock.now());
    }

    pub(super) fn commit(&mut self) -> Result<(), WorkerError> {
        let worker = self.worker;
        self.observed.ends(self.clock.now());
        if worker.settings.faults.aborts(self.transactions) {
            self.observed.fail(AbortCause::Injected);
            self.machine.doom(SendFault::Undelivered);
            return Ok(());
        }
        let outcome = match ffi::flush(&worker.producer, FLUSH_TIMEOUT) {
            Err(_) if self.look_for_missing()? => {
                self.is_sound = false;
                self.observed.refused();
                self.machine.doom(SendFault::Undelivered);
                return Ok(());
            }
            Err(code) => {
                if let Some(left_out) = WAITING.admit() {
                    tracing::warn!(
                        code = "RECORDS_WAITING",
                        error = %code,
                        left_out,
                        "records are not delivered yet, waiting on"
                    );
                }
                Err(Fault::Retriable)
            }
            Ok(()) if self.look_for_undelivered() => return Ok(()),
            Ok(()) => ffi::transaction(&worker.producer, TransactionCall::Commit, CALL_TIMEOUT)
                .map_err(|error| self.note("commit_transaction", error)),
        };
        self.clock.read();
        if outcome.is_ok() {
            self.aborts_in_a_row = 0;
            self.show_commit();
        }
        self.machine.committed(outcome, self.clock.now());
        Ok(())
    }

    pub(super) fn abort(&mut self) {
        let worker = self.worker;
        if self.is_cause_unknown {
            self.ask_for_cause();
        }
        // An abort purges what is queued, and the gap in the sequence numbers can cost the producer its transactional id. In a sound
        // transaction the queue empties by itself.
        if self.is_sound
            && let Err(code) = ffi::flush(&worker.producer, CALL_TIMEOUT)
        {
            tracing::warn!(
                code = "RECORDS_WAITING",
                error = %code,
                "records are not delivered yet, aborting all the same"
            );
        }
        let outcome = ffi::transaction(&worker.producer, TransactionCall::Abort, CALL_TIMEOUT)
            .map_err(|error| self.note("abort_transaction", error));
        // What was undelivered in this transaction is read again.
        drop(worker.producer.client().context().take_failure());
        self.at_hand.clear();
        self.clock.read();
        if outcome.is_ok() {
            self.show_abort();
            self.aborts_in_a_row += 1;
            // A broker in trouble is not helped by a loop without pauses.
            thread::sleep((Duration::from_millis(20) * self.aborts_in_a_row).min(MAX_ABORT_PAUSE));
        }
        self.machine.aborted(outcome, self.clock.now());
    }

    /// Commits where a new group starts. Whoever fails to is told so by the group, and asked again.
    pub(super) fn commit_start(&mut self, offsets: &[(Partition, i64)]) -> Result<(), WorkerError> {
        let Worker { producer, settings, .. } = self.worker;
        let failed = |call| move |error| WorkerError::Transaction { call, error };
        let Some(member) = GroupMetadata::of_member(&self.worker.consumer) else { return Ok(()) };
        ffi::transaction(producer, TransactionCall::Begin, CALL_TIMEOUT)
            .map_err(failed("begin_transaction"))?;
        let sent = ffi::send_offsets(producer, &settings.input, offsets, &member, CALL_TIMEOUT);
        let end = if sent.is_ok() { TransactionCall::Commit } else { TransactionCall::Abort };
        ffi::transaction(producer, end, CALL_TIMEOUT).map_err(failed("commit_transaction"))
    }

    /// Logs a failed call, keeps it for the error that may follow, and says what must be done.
    pub(super) fn note(&mut self, call: &'static str, error: NativeError) -> Fault {
        if let Some(left_out) = CALL_FAILED.admit() {
            tracing::warn!(
                code = "TRANSACTION_CALL",
                call,
                kafka_code = %error.code,
                %error,
                left_out,
                "a transaction call failed"
            );
        }
        let fault = fault(&error);
        self.is_sound = false;
        if fault == Fault::Abortable {
            self.observed.fail(AbortCause::Broker);
            self.blame(error.code);
        }
        self.last_error = Some(error);
        fault
    }
}

/// librdkafka's rule: retriable, abortable or fatal; what has none of these marks is fatal.
fn fault(error: &NativeError) -> Fault {
    if error.is_fatal {
        Fault::Fatal
    } else if error.requires_abort {
        Fault::Abortable
    } else if error.is_retriable {
        Fault::Retriable
    } else {
        Fault::Fatal
    }
}
