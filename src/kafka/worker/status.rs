//! What a worker has done and how it is, for probes and metrics.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use super::{abort_cause::AbortCause, counts::Counts, machine::Partition};
use crate::{
    route::Destination,
    telemetry::{
        DELAY_BOUNDS, Histogram, Meters, OPERATION_BOUNDS, PROCESS_BOUNDS, RECORDS_BOUNDS, TRANSACTION_BOUNDS,
    },
    ticket::DeadLetterReason,
};

/// Figures of one worker. They count what is committed: what was read and aborted is read again.
#[derive(Debug)]
pub struct WorkerStatus {
    started: Instant,
    /// Milliseconds from `started` to the last poll or commit.
    alive: AtomicU64,
    /// The things done: calls of librdkafka, most of them.
    steps: AtomicU64,
    is_assigned: AtomicBool,
    is_committing: AtomicBool,
    /// Taken once a transaction and once a look, so that figures of one moment fit together.
    figures: Mutex<Figures>,
    /// Where histograms are exported to.
    meters: Option<Meters>,
}

/// All figures of a worker at one moment.
#[derive(Clone, Debug)]
pub struct Figures {
    /// Records of committed transactions.
    pub counts: Counts,
    /// Records read, those of aborted transactions included.
    pub consumed: u64,
    /// Records handed to the producer, likewise, by [`Destination`].
    pub sent: [u64; Destination::ALL.len()],
    /// Transactions committed.
    pub commits: u64,
    /// Transactions aborted, by [`AbortCause`].
    pub aborts: [u64; AbortCause::ALL.len()],
    /// Assignments received.
    pub rebalances: u64,
    /// Offsets from the last commit to the end, by assigned partition.
    pub lag: BTreeMap<Partition, i64>,
    /// Seconds from the timestamps of committed records to their commits.
    pub delays: Histogram,
    /// Seconds that ends of transactions took: of those that committed, then by [`AbortCause`].
    pub ended: [Histogram; 1 + AbortCause::ALL.len()],
    /// Seconds that records took, of one in 64, by the code of the reason if they became dead letters.
    pub process: BTreeMap<Option<&'static str>, Histogram>,
    /// Seconds that committed transactions took.
    pub committed: Histogram,
    /// Seconds that aborted transactions took.
    pub aborted: Histogram,
    /// Records of committed transactions.
    pub records: Histogram,
}

impl Default for Figures {
    fn default() -> Self {
        Self {
            counts: Counts::default(),
            consumed: 0,
            sent: Default::default(),
            commits: 0,
            aborts: Default::default(),
            rebalances: 0,
            lag: BTreeMap::new(),
            delays: Histogram::new(DELAY_BOUNDS),
            ended: std::array::from_fn(|_| Histogram::new(OPERATION_BOUNDS)),
            process: BTreeMap::from([(None, Histogram::new(PROCESS_BOUNDS))]),
            committed: Histogram::new(TRANSACTION_BOUNDS),
            aborted: Histogram::new(TRANSACTION_BOUNDS),
            records: Histogram::new(RECORDS_BOUNDS),
        }
    }
}

impl Figures {
    /// Adds the figures of another worker. A partition has one reader, so nothing of the lag is added twice.
    #[must_use]
    pub fn plus(mut self, other: Self) -> Self {
        self.counts.add(&other.counts);
        self.consumed += other.consumed;
        self.sent.iter_mut().zip(other.sent).for_each(|(all, more)| *all += more);
        self.commits += other.commits;
        self.aborts.iter_mut().zip(other.aborts).for_each(|(all, more)| *all += more);
        self.rebalances += other.rebalances;
        self.lag.extend(other.lag);
        self.delays.add(&other.delays);
        self.ended.iter_mut().zip(&other.ended).for_each(|(all, more)| all.add(more));
        for (reason, durations) in &other.process {
            self.process_by(*reason).add(durations);
        }
        self.committed.add(&other.committed);
        self.aborted.add(&other.aborted);
        self.records.add(&other.records);
        self
    }
}

/// The figures at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Records read in committed transactions.
    pub read: u64,
    /// Records written in committed transactions, by [`Destination`].
    pub written: [u64; Destination::ALL.len()],
    /// Transactions committed.
    pub commits: u64,
    /// Transactions aborted.
    pub aborts: u64,
    /// Assignments received.
    pub rebalances: u64,
}

impl From<&Figures> for Totals {
    fn from(figures: &Figures) -> Self {
        Self {
            read: figures.counts.read,
            written: figures.counts.written,
            commits: figures.commits,
            aborts: figures.aborts.iter().sum(),
            rebalances: figures.rebalances,
        }
    }
}

impl Default for WorkerStatus {
    fn default() -> Self {
        Self::new(None)
    }
}

impl WorkerStatus {
    /// Makes the status of a worker that has done nothing yet.
    #[must_use]
    pub fn new(meters: Option<Meters>) -> Self {
        Self {
            started: Instant::now(),
            alive: AtomicU64::new(0),
            steps: AtomicU64::new(0),
            is_assigned: AtomicBool::new(false),
            is_committing: AtomicBool::new(true),
            figures: Mutex::default(),
            meters,
        }
    }

    pub(super) fn touch(&self) {
        self.alive.store(self.now(), Ordering::Relaxed);
    }

    /// Counts a thing that the worker is about to do.
    pub fn step(&self) {
        // There is one writer.
        self.steps.store(self.steps.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
    }

    pub(super) fn assigned(&self, is_assigned: bool) {
        self.is_assigned.store(is_assigned, Ordering::Relaxed);
        let mut figures = self.lock();
        if is_assigned {
            figures.rebalances += 1;
        } else {
            figures.lag.clear();
        }
    }

    /// Notes whether the worker's transactions commit, or were aborted one after another.
    pub(super) fn commits(&self, is_committing: bool) {
        self.is_committing.store(is_committing, Ordering::Relaxed);
    }

    /// Counts a committed transaction: its records, how late they are, and how long it took.
    pub(super) fn committed(
        &self,
        counts: &Counts,
        delays: impl Iterator<Item = (Duration, u64)> + Clone,
        took: Duration,
    ) {
        self.touch();
        let mut figures = self.lock();
        figures.counts.add(counts);
        delays.clone().for_each(|(delay, count)| figures.delays.record_many(delay.as_secs_f64(), count));
        figures.commits += 1;
        figures.committed.record(took.as_secs_f64());
        figures.records.record(counts.read as f64);
        figures.count_handed(counts);
        drop(figures);
        if let Some(meters) = &self.meters {
            delays.for_each(|(delay, count)| meters.delayed(delay, count));
            meters.transaction("committed", took);
            meters.records(counts.read);
        }
    }

    /// Counts an aborted one: its records come again.
    pub(super) fn aborted(&self, counts: &Counts, cause: AbortCause, took: Duration) {
        let mut figures = self.lock();
        figures.aborts[cause as usize] += 1;
        figures.aborted.record(took.as_secs_f64());
        figures.count_handed(counts);
        drop(figures);
        if let Some(meters) = &self.meters {
            meters.transaction("aborted", took);
        }
    }

    /// Takes how long the end of a transaction took, and why it was aborted if it was.
    pub(super) fn ended(&self, took: Duration, aborted_by: Option<AbortCause>) {
        let index = aborted_by.map_or(0, |cause| 1 + cause as usize);
        self.lock().ended[index].record(took.as_secs_f64());
        if let Some(meters) = &self.meters {
            meters.ended(took, aborted_by.map(AbortCause::name));
        }
    }

    /// Takes how long one record took, and why it became a dead letter if it did.
    pub(super) fn processed(&self, took: Duration, reason: Option<DeadLetterReason>) {
        let reason = reason.map(DeadLetterReason::code);
        self.lock().process_by(reason).record(took.as_secs_f64());
        if let Some(meters) = &self.meters {
            meters.processed(took, reason);
        }
    }

    pub(super) fn lags(&self, lag: BTreeMap<Partition, i64>) {
        self.lock().lag = lag;
    }

    /// Milliseconds since the worker last polled or committed.
    #[must_use]
    pub fn silent_ms(&self) -> u64 {
        self.now().saturating_sub(self.alive.load(Ordering::Relaxed))
    }

    /// The things that the worker has begun; 0 until it starts.
    #[must_use]
    pub fn steps(&self) -> u64 {
        self.steps.load(Ordering::Relaxed)
    }

    /// Whether the group has given the worker its share, even an empty one.
    #[must_use]
    pub fn is_assigned(&self) -> bool {
        self.is_assigned.load(Ordering::Relaxed)
    }

    /// Whether the worker's transactions commit; `false` after several aborts in a row for which no record is to blame.
    #[must_use]
    pub fn is_committing(&self) -> bool {
        self.is_committing.load(Ordering::Relaxed)
    }

    /// Reads the figures, all at one moment.
    #[must_use]
    pub fn figures(&self) -> Figures {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Figures> {
        // Figures are numbers: a panic elsewhere leaves none half written.
        self.figures.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

impl Figures {
    fn process_by(&mut self, reason: Option<&'static str>) -> &mut Histogram {
        self.process.entry(reason).or_insert_with(|| Histogram::new(PROCESS_BOUNDS))
    }

    fn count_handed(&mut self, counts: &Counts) {
        self.consumed += counts.read;
        self.sent.iter_mut().zip(counts.written).for_each(|(all, more)| *all += more);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_became_a_dead_letter_is_timed_by_its_reason() {
        let (one, other) = (WorkerStatus::default(), WorkerStatus::default());
        one.processed(Duration::from_micros(7), None);
        for status in [&one, &other] {
            status.processed(Duration::from_micros(9), Some(DeadLetterReason::InvalidJson));
        }
        let process = one.figures().plus(other.figures()).process;
        let counts: Vec<_> = process.iter().map(|(reason, durations)| (*reason, durations.count())).collect();
        assert_eq!(counts, [(None, 1), (Some("INVALID_JSON"), 2)]);
    }
}
