//! The transaction calls: each does one thing that the machine orders, and reports how it went.

use std::{thread, time::Duration};

use super::{
    AbortCause, CALL_TIMEOUT, Run, Worker, WorkerError,
    machine::{BeginFault, Fault, Partition, SendFault},
    open::Open,
    output::Output,
    start,
};
use crate::{
    kafka::{
        error::fault,
        ffi::{self, GroupMetadata, NativeError, TransactionCall},
    },
    repeats::Repeats,
};

/// How long a commit waits for its records before it checks whether their topics still exist; then it waits on.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(2);
/// The longest pause after aborts in a row.
const MAX_ABORT_PAUSE: Duration = Duration::from_secs(1);

static WAITING: Repeats = Repeats::new();
static CALL_FAILED: Repeats = Repeats::new();

impl Run<'_> {
    /// The open transaction.
    pub(super) fn open(&mut self) -> &mut Open {
        self.open.as_mut().expect("the machine orders this only in a transaction")
    }

    pub(super) fn begin(&mut self) {
        self.clock.read();
        let outcome = match GroupMetadata::of_member(&self.worker.consumer) {
            None => Err(BeginFault::NotMember),
            Some(member) => self.begin_as(member),
        };
        self.machine.began(outcome, self.clock.now());
    }

    fn begin_as(&mut self, member: GroupMetadata) -> Result<(), BeginFault> {
        let (worker, now) = (self.worker, self.clock.now());
        // All that was polled is at hand now, so what lies before the consumer's position goes into this transaction.
        self.machine.reached(start::reached(&worker.consumer));
        self.topics.allowed.forget_old(now);
        self.transactions += 1;
        let rules = worker.policy.rules().len();
        self.open = Some(Open::new(member, worker.catalog.snapshot(), rules, now));
        self.output.transaction(TransactionCall::Begin, Duration::ZERO).map_err(|error| {
            self.note("begin_transaction", error);
            self.open = None;
            BeginFault::Fatal
        })
    }

    pub(super) fn send_offsets(&mut self, offsets: Vec<(Partition, i64)>) {
        let open = self.open.as_mut().expect("offsets are sent only in a transaction");
        open.offsets = offsets;
        let input = &self.worker.settings.input;
        let sent =
            ffi::send_offsets(self.output.producer(), input, &open.offsets, &open.member, CALL_TIMEOUT)
                .map_err(|error| self.note("send_offsets_to_transaction", error));
        self.clock.read();
        if sent == Err(Fault::Forgotten) {
            // Nothing of the transaction was ever seen, and its records are read again.
            drop(self.output.context().take_failure());
            self.open = None;
        }
        self.machine.offsets_sent(sent, self.clock.now());
    }

    pub(super) fn commit(&mut self) -> Result<(), WorkerError> {
        let worker = self.worker;
        let now = self.clock.now();
        let open = self.open();
        open.ending.get_or_insert(now);
        if worker.settings.faults.aborts(self.transactions) {
            self.open().fail(AbortCause::Injected);
            self.machine.doom(SendFault::Undelivered);
            return Ok(());
        }
        let outcome = match self.output.flush(FLUSH_TIMEOUT) {
            Err(_) if self.look_for_missing()? => {
                let open = self.open();
                open.is_sound = false;
                open.refused();
                self.machine.doom(SendFault::Undelivered);
                return Ok(());
            }
            Err(code) => {
                if let Some(left_out) = WAITING.admit() {
                    tracing::warn!(
                        code = "RECORDS_WAITING",
                        error = %code,
                        left_out,
                        "records are not delivered yet, still waiting"
                    );
                }
                Err(Fault::Retriable)
            }
            Ok(()) if self.look_for_undelivered() => return Ok(()),
            Ok(()) => self
                .output
                .transaction(TransactionCall::Commit, CALL_TIMEOUT)
                .map_err(|error| self.note("commit_transaction", error)),
        };
        self.clock.read();
        if outcome.is_ok() {
            self.aborts_in_a_row = 0;
            let open = self.open.take().expect("only an open transaction is committed");
            self.show_commit(open);
        }
        self.machine.committed(outcome, self.clock.now());
        self.worker.status.commits(!self.machine.is_fruitless());
        Ok(())
    }

    pub(super) fn abort(&mut self) {
        if self.open().is_cause_unknown || self.output.context().has_invalid() {
            self.ask_for_cause();
        }
        // An abort purges what is queued, and the gap in the sequence numbers can cost the producer its
        // transactional id. In a sound transaction the queue empties by itself.
        if self.open().is_sound
            && let Err(code) = self.output.flush(CALL_TIMEOUT)
        {
            tracing::warn!(
                code = "RECORDS_WAITING",
                error = %code,
                "records are not delivered yet, aborting anyway"
            );
        }
        let outcome = self
            .output
            .transaction(TransactionCall::Abort, CALL_TIMEOUT)
            .map_err(|error| self.note("abort_transaction", error));
        let failure = self.output.context().take_failure();
        self.clock.read();
        let has_learnt = outcome.is_ok() && self.learn(failure.as_ref());
        if outcome.is_ok() {
            let open = self.open.take().expect("only an open transaction is aborted");
            self.show_abort(open);
            self.aborts_in_a_row += 1;
            // A broker in trouble is not helped by a loop without pauses.
            thread::sleep((Duration::from_millis(20) * self.aborts_in_a_row).min(MAX_ABORT_PAUSE));
        } else if outcome == Err(Fault::Forgotten) {
            self.open = None;
        }
        self.machine.aborted(outcome, self.clock.now());
        if has_learnt {
            self.machine.learnt();
        }
        self.worker.status.commits(!self.machine.is_fruitless());
    }

    /// Replaces the producer by one with a new epoch. No transaction is open, so nothing is lost with the old one.
    pub(super) fn renew(&mut self) -> Result<(), WorkerError> {
        let Worker { producers, settings, status, stop, .. } = self.worker;
        tracing::warn!(
            code = "PRODUCER_REPLACED",
            cause = self.blame.cause(),
            aborts = self.aborts_in_a_row,
            "the producer cannot commit any transaction: replacing it"
        );
        let producer = producers.create().map_err(WorkerError::Producer)?;
        // The old one is fenced by the new one, and closed in the background: that may take its time.
        let old = std::mem::replace(&mut self.output, Output::open(producer, settings, status, stop)?);
        drop(old);
        self.machine.renewed();
        Ok(())
    }

    /// Commits the starting offsets of a new group. If they are refused, the group is about to rebalance, and
    /// the next assignment tries again.
    pub(super) fn commit_start(&mut self, offsets: &[(Partition, i64)]) -> Result<(), WorkerError> {
        if self.try_to_commit_start(offsets)? == Err(Fault::Forgotten) {
            self.renew()?;
            // If it fails again, the group rebalances.
            let _ = self.try_to_commit_start(offsets)?;
        }
        Ok(())
    }

    fn try_to_commit_start(
        &mut self,
        offsets: &[(Partition, i64)],
    ) -> Result<Result<(), Fault>, WorkerError> {
        let Self { worker, output, .. } = self;
        let failed = |call| move |error| WorkerError::Transaction { call, error };
        let Some(member) = GroupMetadata::of_member(&worker.consumer) else { return Ok(Ok(())) };
        output.transaction(TransactionCall::Begin, CALL_TIMEOUT).map_err(failed("begin_transaction"))?;
        let input = &worker.settings.input;
        let sent = ffi::send_offsets(output.producer(), input, offsets, &member, CALL_TIMEOUT)
            .map_err(|error| fault(&error));
        if sent != Err(Fault::Forgotten) {
            let end = if sent.is_ok() { TransactionCall::Commit } else { TransactionCall::Abort };
            output.transaction(end, CALL_TIMEOUT).map_err(failed("commit_transaction"))?;
        }
        Ok(sent)
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
        if let Some(open) = &mut self.open {
            open.is_sound = false;
            if fault == Fault::Abortable {
                open.fail(AbortCause::Broker);
                self.blame(error.code);
            }
        }
        self.blame.last_error = Some(error);
        fault
    }
}
