//! What could not be exported: counted, and logged at a limited rate.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
};

use crate::repeats::Repeats;

/// A kind of telemetry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// Spans.
    Spans,
    /// Log lines.
    Logs,
    /// Exports of all metrics at one moment. Nothing is lost for good, since the next export holds the totals again.
    Metrics,
}

impl Signal {
    /// All signals, in the order of their numbers.
    pub const ALL: [Self; 3] = [Self::Spans, Self::Logs, Self::Metrics];

    /// The name in labels and log lines.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Spans => "spans",
            Self::Logs => "logs",
            Self::Metrics => "metrics",
        }
    }
}

/// Counts what was dropped, by signal.
#[derive(Debug, Default)]
pub struct Dropped([Lane; Signal::ALL.len()]);

#[derive(Debug, Default)]
struct Lane {
    total: AtomicU64,
    repeats: Repeats,
}

impl Dropped {
    /// Counts, and logs why.
    pub fn add(&self, signal: Signal, count: usize, cause: &dyn fmt::Display) {
        let lane = &self.0[signal as usize];
        let total = lane.total.fetch_add(count as u64, Ordering::Relaxed) + count as u64;
        if let Some(left_out) = lane.repeats.admit() {
            tracing::warn!(
                code = "TELEMETRY_DROPPED",
                signal = signal.name(),
                total,
                %cause,
                left_out,
                "telemetry was dropped, tickets are routed all the same"
            );
        }
    }

    /// How many were dropped so far.
    #[must_use]
    pub fn total(&self, signal: Signal) -> u64 {
        self.0[signal as usize].total.load(Ordering::Relaxed)
    }
}

/// The room in the queue before an exporter. The SDK's own queues also drop what does not fit, but do not say how much.
#[derive(Clone, Debug)]
pub struct Room {
    signal: Signal,
    waiting: Arc<AtomicUsize>,
    limit: usize,
    dropped: Arc<Dropped>,
}

impl Room {
    /// Makes the room for a queue of `limit`.
    #[must_use]
    pub fn new(signal: Signal, limit: usize, dropped: &Arc<Dropped>) -> Self {
        Self { signal, waiting: Arc::default(), limit, dropped: Arc::clone(dropped) }
    }

    /// Takes a place; `false` if there is none, which is counted.
    #[must_use]
    pub fn enter(&self) -> bool {
        if self.waiting.fetch_add(1, Ordering::Relaxed) < self.limit {
            return true;
        }
        self.waiting.fetch_sub(1, Ordering::Relaxed);
        self.dropped.add(self.signal, 1, &"the queue is full: the collector is down, slow, or sees too much");
        false
    }

    /// Gives back the places of what the exporter has taken.
    pub fn leave(&self, count: usize) {
        self.waiting.fetch_sub(count, Ordering::Relaxed);
    }

    /// Counts what the exporter had taken and could not deliver.
    pub fn lost(&self, count: usize, cause: &dyn fmt::Display) {
        self.dropped.add(self.signal, count, cause);
    }

    /// Counts everything that still waits: nobody will export it.
    pub fn abandon(&self, cause: &dyn fmt::Display) {
        let left = self.waiting.swap(0, Ordering::Relaxed);
        if left > 0 {
            self.dropped.add(self.signal, left, cause);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_finds_no_room_is_counted_and_room_comes_back() {
        let dropped = Arc::new(Dropped::default());
        let room = Room::new(Signal::Spans, 2, &dropped);
        let entered: Vec<_> = (0..5).map(|_| room.enter()).collect();
        assert_eq!(entered, [true, true, false, false, false]);
        assert_eq!(dropped.total(Signal::Spans), 3);
        room.leave(2);
        assert!(room.enter());
        room.lost(7, &"refused");
        room.abandon(&"too late");
        assert_eq!(dropped.total(Signal::Spans), 3 + 7 + 1);
        assert_eq!(dropped.total(Signal::Logs), 0);
    }
}
