//! The one place where tests wait.

use std::{
    thread,
    time::{Duration, Instant},
};

const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// Asks again and again until there is an answer, or nothing once the deadline has passed.
pub fn try_wait<T>(deadline: Duration, mut answer: impl FnMut() -> Option<T>) -> Option<T> {
    let start = Instant::now();
    loop {
        if let Some(found) = answer() {
            return Some(found);
        }
        if start.elapsed() >= deadline {
            return None;
        }
        thread::sleep(POLL_INTERVAL);
    }
}

/// Asks again and again until there is an answer.
///
/// # Panics
/// When the deadline has passed: says what was waited for.
#[track_caller]
pub fn wait_for<T>(what: &str, deadline: Duration, answer: impl FnMut() -> Option<T>) -> T {
    try_wait(deadline, answer).unwrap_or_else(|| panic!("waited {deadline:?} for this, in vain: {what}"))
}
