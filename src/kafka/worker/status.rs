//! What a worker has done and how it is, for whoever asks.

use std::{
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    time::Instant,
};

use crate::route::Destination;

/// Figures of one worker. They count what is committed: what was read and aborted is read again.
#[derive(Debug)]
pub struct WorkerStatus {
    started: Instant,
    /// Milliseconds from `started` to the last poll or commit.
    alive: AtomicU64,
    is_assigned: AtomicBool,
    read: AtomicU64,
    written: [AtomicU64; Destination::ALL.len()],
    commits: AtomicU64,
    aborts: AtomicU64,
    rebalances: AtomicU64,
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

impl Totals {
    /// Adds the figures of another worker.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            read: self.read + other.read,
            written: std::array::from_fn(|index| self.written[index] + other.written[index]),
            commits: self.commits + other.commits,
            aborts: self.aborts + other.aborts,
            rebalances: self.rebalances + other.rebalances,
        }
    }
}

impl Default for WorkerStatus {
    fn default() -> Self {
        Self {
            started: Instant::now(),
            alive: AtomicU64::new(0),
            is_assigned: AtomicBool::new(false),
            read: AtomicU64::new(0),
            written: Default::default(),
            commits: AtomicU64::new(0),
            aborts: AtomicU64::new(0),
            rebalances: AtomicU64::new(0),
        }
    }
}

impl WorkerStatus {
    pub(super) fn touch(&self) {
        self.alive.store(self.now(), Ordering::Relaxed);
    }

    pub(super) fn assigned(&self, is_assigned: bool) {
        self.is_assigned.store(is_assigned, Ordering::Relaxed);
        if is_assigned {
            self.rebalances.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Counts a committed transaction; records read and records written are counted apart, so that they can be compared.
    pub(super) fn committed(&self, read: u64, written: &[u64; Destination::ALL.len()]) {
        self.touch();
        self.read.fetch_add(read, Ordering::Relaxed);
        for (total, count) in self.written.iter().zip(written) {
            total.fetch_add(*count, Ordering::Relaxed);
        }
        self.commits.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn aborted(&self) {
        self.aborts.fetch_add(1, Ordering::Relaxed);
    }

    /// Milliseconds since the worker last polled or committed.
    #[must_use]
    pub fn silent_ms(&self) -> u64 {
        self.now().saturating_sub(self.alive.load(Ordering::Relaxed))
    }

    /// Whether the group has given the worker its share, be it empty.
    #[must_use]
    pub fn is_assigned(&self) -> bool {
        self.is_assigned.load(Ordering::Relaxed)
    }

    /// Reads the figures.
    #[must_use]
    pub fn totals(&self) -> Totals {
        Totals {
            read: self.read.load(Ordering::Relaxed),
            written: std::array::from_fn(|index| self.written[index].load(Ordering::Relaxed)),
            commits: self.commits.load(Ordering::Relaxed),
            aborts: self.aborts.load(Ordering::Relaxed),
            rebalances: self.rebalances.load(Ordering::Relaxed),
        }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}
