//! The one place where tests wait.

use std::time::Duration;

pub use ticket_router_harness::try_wait;

/// Asks again and again until there is an answer.
///
/// # Panics
/// When the deadline has passed: says what was waited for.
#[track_caller]
pub fn wait_for<T>(what: &str, deadline: Duration, answer: impl FnMut() -> Option<T>) -> T {
    try_wait(deadline, answer).unwrap_or_else(|| panic!("waited {deadline:?} for this, in vain: {what}"))
}
