//! What others see of a worker's work: counts, times, spans, and how far it is behind.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use super::{
    AbortCause, Run, Worker,
    fate::{Fate, Sent},
    incoming::Incoming,
    machine::Partition,
    open::Open,
};
use crate::{
    kafka::ffi,
    telemetry::{Outcome, Traced},
};

/// One record in this many is timed, because two clock reads cost about 50 ns.
const TIMED_ONE_IN: u32 = 64;
/// How often lag is measured. It costs no request: the consumer caches end offsets from its fetches.
const MEASURE_LAG_EVERY: Duration = Duration::from_secs(1);

/// Says which records are timed.
#[derive(Default)]
pub(super) struct Timer {
    records: u32,
}

impl Timer {
    /// Counts a record, and returns the time if it is one of those that are timed.
    pub(super) fn start(&mut self) -> Option<Instant> {
        self.records = self.records.wrapping_add(1);
        self.records.is_multiple_of(TIMED_ONE_IN).then(Instant::now)
    }
}

/// How far the worker has come.
#[derive(Default)]
pub(super) struct Lag {
    /// The next offset to commit, by assigned partition.
    committed: BTreeMap<Partition, i64>,
    /// When it was last measured in this assignment.
    measured: Option<Duration>,
}

impl Lag {
    /// The lag of partitions that are read from these offsets on.
    pub(super) fn of_assignment(starts: Vec<(Partition, i64)>) -> Self {
        Self { committed: starts.into_iter().collect(), measured: None }
    }

    /// No partition is read any more.
    pub(super) fn unassigned(&mut self) {
        self.committed.clear();
    }
}

/// Ends the spans of a traced record.
pub(super) fn end_spans(
    worker: &Worker,
    open: &mut Open,
    traced: &Traced,
    incoming: &Incoming<'_>,
    sent: Sent,
) {
    let Some(tracer) = &worker.tracer else { return };
    let (rule, triage, dead_letter) = match sent.fate {
        Fate::Owned(_, rule) => (Some(rule), None, None),
        Fate::Triage(reason, rule) => (rule, Some(reason.as_str_name()), None),
        Fate::DeadLetter(reason) => (None, None, Some(reason.code())),
    };
    let outcome = Outcome {
        partition: incoming.partition,
        offset: incoming.offset,
        size: incoming.value.map_or(0, <[u8]>::len),
        destination: sent.fate.destination(),
        rule: rule.map(|rule| worker.policy.rule(rule).id.as_str()),
        triage_reason: triage,
        dead_letter_reason: dead_letter,
        send_error: sent.error.map(|code| format!("{code:?}")),
    };
    tracer.end(traced, &outcome, &mut open.contents.traced);
}

impl Run<'_> {
    /// Shows a transaction that has committed: from now on it counts.
    pub(super) fn show_commit(&mut self, mut open: Open) {
        let took = self.clock.now().saturating_sub(open.began);
        let delays = open.contents.delays.at(self.clock.wall_ms());
        self.worker.status.committed(&open.contents.counts, delays, took);
        self.settle(&mut open, None);
        self.lag.committed.extend(open.offsets);
        self.show_lag();
    }

    /// Shows a transaction that was aborted: its records are read again.
    pub(super) fn show_abort(&mut self, mut open: Open) {
        let took = self.clock.now().saturating_sub(open.began);
        let cause = open.abort_cause();
        self.worker.status.aborted(&open.contents.counts, cause, took);
        self.settle(&mut open, Some(cause));
    }

    fn settle(&self, open: &mut Open, aborted_by: Option<AbortCause>) {
        let now = self.clock.now();
        let took = now.saturating_sub(open.ending.unwrap_or(now));
        self.worker.status.ended(took, aborted_by);
        let Some(tracer) = &self.worker.tracer else { return };
        let aborted_by = aborted_by.map(AbortCause::name);
        tracer.settle(&mut open.contents.traced, open.contents.counts.read, took, aborted_by);
    }

    /// Shows how far behind the worker is; `false` if it did so less than a second ago.
    pub(super) fn show_lag(&mut self) -> bool {
        let now = self.clock.now();
        if self.lag.measured.is_some_and(|it| now < it + MEASURE_LAG_EVERY) {
            return false;
        }
        self.lag.measured = Some(now);
        let Self { worker, lag, .. } = self;
        let behind = lag.committed.iter().filter_map(|(partition, committed)| {
            let end = ffi::known_end(&worker.consumer, &worker.settings.input, *partition)?;
            Some((*partition, (end - committed).max(0)))
        });
        worker.status.lags(behind.collect());
        true
    }
}
