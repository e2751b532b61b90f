//! What is known of the catalog's feed.

use std::{
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use crate::catalog::Kind;

/// How the catalog is.
#[derive(Debug, Default)]
pub struct FeedStatus {
    is_restored: AtomicBool,
    applied: AtomicU64,
    skipped: [AtomicU64; Kind::ALL.len()],
    bad: [AtomicU64; Kind::ALL.len()],
    /// Zero: there is no limit.
    max_bytes: AtomicU64,
    times: Mutex<Times>,
}

#[derive(Debug, Default)]
struct Times {
    /// How long restoring took.
    restore: Option<Duration>,
    /// When the catalog was last known to hold all that its topics hold.
    current: Option<Instant>,
}

impl FeedStatus {
    /// Whether every record that the topics held at the start is in the catalog.
    #[must_use]
    pub fn is_restored(&self) -> bool {
        self.is_restored.load(Ordering::Acquire)
    }

    /// Records read and taken in.
    #[must_use]
    pub fn applied(&self) -> u64 {
        self.applied.load(Ordering::Relaxed)
    }

    /// Records that were bad: the last good one of the same key stayed.
    #[must_use]
    pub fn rejected(&self) -> u64 {
        Kind::ALL.into_iter().map(|kind| self.skipped(kind)).sum()
    }

    /// The same of one kind.
    #[must_use]
    pub fn skipped(&self, kind: Kind) -> u64 {
        self.skipped[kind as usize].load(Ordering::Relaxed)
    }

    /// Keys of one kind whose newest record is bad.
    #[must_use]
    pub fn bad_keys(&self, kind: Kind) -> u64 {
        self.bad[kind as usize].load(Ordering::Relaxed)
    }

    /// The most memory that the records may take, in bytes; `None` for a folder.
    #[must_use]
    pub fn max_bytes(&self) -> Option<u64> {
        Some(self.max_bytes.load(Ordering::Relaxed)).filter(|bytes| *bytes > 0)
    }

    /// How long ago the catalog was known to hold all that its topics hold; `None` for a folder, and before
    /// it is restored.
    #[must_use]
    pub fn age(&self) -> Option<Duration> {
        self.times().current.map(|at| at.elapsed())
    }

    /// How long restoring took, once it is done.
    #[must_use]
    pub fn restore_took(&self) -> Option<Duration> {
        self.times().restore
    }

    /// Notes that a record was taken in.
    pub(super) fn apply(&self) {
        self.applied.fetch_add(1, Ordering::Relaxed);
    }

    /// Notes that a record was bad.
    pub(super) fn skip(&self, kind: Kind) {
        self.skipped[kind as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// Notes how many keys have a bad record as their newest.
    pub(super) fn bad(&self, kind: Kind, keys: u64) {
        self.bad[kind as usize].store(keys, Ordering::Relaxed);
    }

    /// Notes the most memory that the records may take, in bytes.
    pub fn bound(&self, bytes: usize) {
        self.max_bytes.store(bytes as u64, Ordering::Relaxed);
    }

    /// Notes that the catalog held all that its topics held at this moment.
    pub(super) fn current(&self, at: Instant) {
        self.times().current = Some(at);
    }

    fn times(&self) -> MutexGuard<'_, Times> {
        self.times.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that the catalog is complete, and how long that took.
    pub fn restored(&self, took: Duration) {
        self.times().restore = Some(took);
        self.is_restored.store(true, Ordering::Release);
    }
}
