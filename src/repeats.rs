//! Log lines that repeat.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Most lines of one kind in one window.
const LINES_PER_WINDOW: u32 = 5;
const WINDOW: Duration = Duration::from_secs(10);

/// Holds back repeats of one kind of line: while a broker is down, every client reports it several times a second.
///
/// At most 5 lines pass in 10 seconds; the next one that passes says how many were held back.
#[derive(Debug, Default)]
pub struct Repeats(Mutex<Window>);

#[derive(Debug, Default)]
struct Window {
    since: Option<Instant>,
    passed: u32,
    held_back: u64,
}

impl Repeats {
    /// Makes a limit that has let nothing pass yet.
    #[must_use]
    pub const fn new() -> Self {
        Self(Mutex::new(Window { since: None, passed: 0, held_back: 0 }))
    }

    /// Says whether a line may be logged now, and if so, how many were held back before it.
    pub fn admit(&self) -> Option<u64> {
        self.admit_at(Instant::now())
    }

    fn admit_at(&self, now: Instant) -> Option<u64> {
        let mut window = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if window.since.is_none_or(|since| now.duration_since(since) >= WINDOW) {
            window.since = Some(now);
            window.passed = 0;
        }
        if window.passed == LINES_PER_WINDOW {
            window.held_back += 1;
            return None;
        }
        window.passed += 1;
        Some(std::mem::take(&mut window.held_back))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_cut_and_the_next_line_says_by_how_much() {
        let repeats = Repeats::new();
        let start = Instant::now();
        let passed = (0..100).filter(|_| repeats.admit_at(start).is_some()).count();
        assert_eq!(passed, LINES_PER_WINDOW as usize);
        assert_eq!(repeats.admit_at(start + WINDOW), Some(95));
        assert_eq!(repeats.admit_at(start + WINDOW), Some(0));
    }
}
