//! What the report of a panic may say.

use std::panic;

use crate::{console::tell, repeats::Repeats};

/// What to do about a bug.
const REPORT: &str = "this is a bug: report it as an issue of the ticket-router repository, with this place and \
                      the version, never with a ticket";
/// One record after another may fail in the same way.
static PANICS: Repeats = Repeats::new();

/// Reports where a panic happened, in the log or on standard error, and never its message: that can quote its input,
/// which may be a ticket.
pub fn guard_panics() {
    panic::set_hook(Box::new(|info| {
        let place = info.location().map_or_else(|| "an unknown place".to_owned(), ToString::to_string);
        let thread = std::thread::current();
        let thread = thread.name().unwrap_or("unnamed");
        if tracing::dispatcher::has_been_set() {
            let Some(left_out) = PANICS.admit() else { return };
            tracing::error!(code = "PANICKED", left_out, "thread `{thread}` panicked at {place}; {REPORT}");
        } else {
            tell!("error: thread `{thread}` panicked at {place}; {REPORT}");
        }
    }));
}
