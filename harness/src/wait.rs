//! The one place that waits for something to become true.

use std::{
    thread,
    time::{Duration, Instant},
};

use anyhow::{Result, bail};

const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// Asks again and again until there is an answer; returns `None` once the deadline has passed.
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
/// # Errors
/// The deadline has passed (the error says what was waited for), or `answer` fails.
pub fn wait_for<T>(
    what: &str,
    deadline: Duration,
    mut answer: impl FnMut() -> Result<Option<T>>,
) -> Result<T> {
    match try_wait(deadline, || answer().transpose()) {
        Some(found) => found,
        None => bail!("waited {deadline:?} in vain until {what}"),
    }
}
