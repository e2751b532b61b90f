//! The time, read rarely.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// The clock is read once for this number of records.
const RECORDS_PER_CLOCK_READING: u32 = 32;

/// A clock that is read when something may have taken time, not for every record.
pub(super) struct Clock {
    started: Instant,
    now: Duration,
    wall_ms: i64,
    records: u32,
}

impl Clock {
    pub(super) fn new() -> Self {
        Self { started: Instant::now(), now: Duration::ZERO, wall_ms: wall_ms(), records: 0 }
    }

    pub(super) fn now(&self) -> Duration {
        self.now
    }

    /// The time of day, in milliseconds since 1970. It may jump.
    pub(super) fn wall_ms(&self) -> i64 {
        self.wall_ms
    }

    pub(super) fn read(&mut self) {
        self.now = self.started.elapsed();
        self.wall_ms = wall_ms();
        self.records = 0;
    }

    pub(super) fn record(&mut self) {
        self.records += 1;
        if self.records >= RECORDS_PER_CLOCK_READING {
            self.read();
        }
    }
}

fn wall_ms() -> i64 {
    // A clock before 1970 is as wrong as one in the year 292,000,000.
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
