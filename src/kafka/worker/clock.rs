//! The time, read rarely.

use std::time::{Duration, Instant};

/// The clock is read once for so many records.
const RECORDS_PER_CLOCK_READING: u32 = 32;

/// A clock that is read when something may have taken time, not for every record.
pub(super) struct Clock {
    started: Instant,
    now: Duration,
    records: u32,
}

impl Clock {
    pub(super) fn new() -> Self {
        Self { started: Instant::now(), now: Duration::ZERO, records: 0 }
    }

    pub(super) fn now(&self) -> Duration {
        self.now
    }

    pub(super) fn read(&mut self) {
        self.now = self.started.elapsed();
        self.records = 0;
    }

    pub(super) fn record(&mut self) {
        self.records += 1;
        if self.records >= RECORDS_PER_CLOCK_READING {
            self.read();
        }
    }
}
