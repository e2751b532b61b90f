//! What others see of a worker's work: counts, times, spans, and how far it is behind.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use rdkafka::{
    error::RDKafkaErrorCode,
    message::{BorrowedMessage, Message},
};

use super::{
    Run,
    context::is_teaching,
    counts::{AbortCause, Became, Counts},
    delays::Delays,
    machine::{Handling, Partition, SendFault},
    outgoing::{Incoming, Scanned, TraceHeaders},
};
use crate::{
    kafka::ffi,
    telemetry::{Batch, Outcome, Traced},
    ticket::Note,
};

/// One record in so many is timed: two looks at the clock take about 50 ns.
const TIMED_ONE_IN: u32 = 64;
/// How often it is looked how far behind the worker is. The consumer knows the ends of its partitions from what it fetches.
const LAG_EVERY: Duration = Duration::from_secs(1);

/// What is seen of the open transaction.
pub(super) struct Observed {
    /// What was read and written.
    pub(super) counts: Counts,
    /// How late its records are.
    delays: Delays,
    /// The record at hand, if it is traced.
    traced: Option<Traced>,
    /// What became of it, and what the producer said.
    became: Option<(Became, Option<RDKafkaErrorCode>)>,
    /// The traced records of the transaction.
    batch: Batch,
    /// Why the transaction must be aborted.
    cause: Option<AbortCause>,
    /// When it began.
    began: Duration,
    /// When it was first tried to end it.
    ending: Option<Duration>,
    records: u32,
    lag: Lag,
}

/// How far the worker has come.
#[derive(Default)]
struct Lag {
    /// The next offset to commit, by assigned partition.
    committed: BTreeMap<Partition, i64>,
    /// What the open transaction would make of it.
    offered: Vec<(Partition, i64)>,
    looked: Duration,
}

impl Observed {
    /// Begins with nothing, for a policy of so many rules.
    pub(super) fn new(rules: usize) -> Self {
        Self {
            counts: Counts::new(rules),
            delays: Delays::default(),
            traced: None,
            became: None,
            batch: Batch::default(),
            cause: None,
            began: Duration::ZERO,
            ending: None,
            records: 0,
            lag: Lag::default(),
        }
    }

    /// A transaction begins.
    pub(super) fn begin(&mut self, now: Duration) {
        self.counts.clear();
        self.delays.clear();
        self.batch.clear();
        self.cause = None;
        self.began = now;
        self.ending = None;
    }

    /// The first reason why it must be aborted is the one that counts.
    pub(super) fn fail(&mut self, cause: AbortCause) {
        self.cause.get_or_insert(cause);
    }

    /// A record or its topic was refused after all.
    pub(super) fn refused(&mut self) {
        self.cause = Some(AbortCause::Refused);
    }

    /// The transaction is to end.
    pub(super) fn ends(&mut self, now: Duration) {
        self.ending.get_or_insert(now);
    }

    /// These are the offsets to commit, until there are others.
    pub(super) fn offers(&mut self, offsets: &[(Partition, i64)]) {
        self.lag.offered.clear();
        self.lag.offered.extend_from_slice(offsets);
    }

    /// These partitions are read from these offsets on.
    pub(super) fn assigned(&mut self, starts: Vec<(Partition, i64)>) {
        self.lag.committed = starts.into_iter().collect();
        self.lag.looked = Duration::ZERO;
    }

    /// No partition is read any more.
    pub(super) fn unassigned(&mut self) {
        self.lag.committed.clear();
    }

    /// The record at hand is given to the producer now.
    pub(super) fn sending(&mut self) {
        if let Some(traced) = &mut self.traced {
            traced.sending();
        }
    }

    /// Notes what is odd about the ticket that was sent last.
    pub(super) fn notes<'n>(&mut self, notes: impl Iterator<Item = (Note, &'n str)>) {
        self.counts.note(notes);
    }

    /// Notes what became of the record at hand.
    pub(super) fn sent(&mut self, became: Became, error: Option<RDKafkaErrorCode>) {
        if error.is_none() {
            self.counts.written[became.destination() as usize] += 1;
            self.counts.count(became);
        }
        self.became = Some((became, error));
    }
}

impl Run<'_> {
    /// Routes the record at hand, and shows it.
    pub(super) fn route_observed(
        &mut self,
        message: &BorrowedMessage<'_>,
        handling: Handling,
    ) -> Result<(), SendFault> {
        self.observed.records = self.observed.records.wrapping_add(1);
        self.observed.delays.add(message.timestamp().to_millis());
        let started = self.observed.records.is_multiple_of(TIMED_ONE_IN).then(Instant::now);
        let outcome = self.route_message(message, handling);
        if let Some(traced) = self.observed.traced.take() {
            self.end_spans(&traced, message);
        }
        if let Some(started) = started {
            self.worker.status.processed(started.elapsed());
        }
        outcome
    }

    /// Counts a record that was read, and begins its trace; gives the headers that carry it on.
    pub(super) fn begin_trace<'m>(&mut self, scanned: &Scanned<'m>) -> Option<TraceHeaders<'m>> {
        self.observed.counts.read += 1;
        let traced = self.worker.tracer.as_ref()?.begin(scanned.traceparent)?;
        let headers = TraceHeaders {
            traceparent: traced.traceparent(),
            tracestate: scanned.tracestate.filter(|_| traced.continues()),
        };
        self.observed.traced = Some(traced);
        Some(headers)
    }

    fn end_spans(&mut self, traced: &Traced, message: &BorrowedMessage<'_>) {
        let (Some(tracer), Some((became, error))) = (&self.worker.tracer, self.observed.became.take()) else {
            return;
        };
        let (rule, triage, dead_letter) = match became {
            Became::Owned(_, rule) => (Some(rule), None, None),
            Became::Triage(reason, rule) => (rule, Some(reason.as_str_name()), None),
            Became::DeadLetter(reason) => (None, None, Some(reason.code())),
        };
        let outcome = Outcome {
            partition: message.partition(),
            offset: message.offset(),
            destination: became.destination(),
            rule: rule.map(|rule| self.worker.policy.rule(rule).id.as_str()),
            triage_reason: triage,
            dead_letter_reason: dead_letter,
            send_error: error.map(|code| format!("{code:?}")),
        };
        tracer.end(traced, &outcome, &mut self.observed.batch);
    }

    /// The transaction has committed: from now on it counts.
    pub(super) fn show_commit(&mut self) {
        let now = self.clock.now();
        let observed = &mut self.observed;
        let delays = observed.delays.at(self.clock.wall_ms());
        self.worker.status.committed(&observed.counts, delays, now.saturating_sub(observed.began));
        observed.lag.committed.extend(observed.lag.offered.drain(..));
        self.settle(None);
        self.show_lag();
    }

    /// The transaction was aborted: its records are read again.
    pub(super) fn show_abort(&mut self) {
        let took = self.clock.now().saturating_sub(self.observed.began);
        let cause = self.observed.cause.unwrap_or(AbortCause::Broker);
        self.worker.status.aborted(&self.observed.counts, cause, took);
        self.settle(Some(cause));
    }

    fn settle(&mut self, aborted_by: Option<AbortCause>) {
        let now = self.clock.now();
        let took = now.saturating_sub(self.observed.ending.unwrap_or(now));
        self.worker.status.ended(took, aborted_by);
        let Some(tracer) = &self.worker.tracer else { return };
        let aborted_by = aborted_by.map(AbortCause::name);
        tracer.settle(&mut self.observed.batch, self.observed.counts.read, took, aborted_by);
    }

    /// Shows how far behind the worker is, at most once a second; `false` if it is too early.
    pub(super) fn show_lag(&mut self) -> bool {
        let now = self.clock.now();
        let lag = &mut self.observed.lag;
        if now < lag.looked + LAG_EVERY && !lag.looked.is_zero() {
            return false;
        }
        lag.looked = now;
        let consumer = &self.worker.consumer;
        let topic = &self.worker.settings.input;
        let behind = lag.committed.iter().filter_map(|(partition, committed)| {
            let end = ffi::known_end(consumer, topic, *partition)?;
            Some((*partition, (end - committed).max(0)))
        });
        self.worker.status.lags(behind.collect());
        true
    }
}

/// Why a record that was not sent makes its transaction fail.
pub(super) fn cause_of(code: RDKafkaErrorCode, fault: SendFault) -> AbortCause {
    match fault {
        SendFault::Refused => AbortCause::Refused,
        SendFault::Undelivered if is_teaching(code) => AbortCause::Refused,
        // librdkafka had given the transaction up before.
        SendFault::Undelivered if code == RDKafkaErrorCode::State => AbortCause::Broker,
        SendFault::Undelivered => AbortCause::Undelivered,
    }
}

impl<'m> Incoming<'m> {
    /// The same record with the context that is to go out.
    pub(super) fn traced(mut self, trace: Option<TraceHeaders<'m>>) -> Self {
        self.trace = trace;
        self
    }
}
