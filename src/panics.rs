//! What a panic may say.

use std::panic;

use crate::{console::tell, telemetry::Repeats};

/// One record after another may fail in the same way.
static PANICS: Repeats = Repeats::new();

/// Makes panics say, in the log or on standard error, where they happened and not what they say: the message of a failed slice or parse quotes its input, and
/// that may be a ticket.
pub fn guard_panics() {
    panic::set_hook(Box::new(|info| {
        let place = info.location().map_or_else(|| "an unknown place".to_owned(), ToString::to_string);
        let thread = std::thread::current();
        let thread = thread.name().unwrap_or("unnamed");
        if tracing::dispatcher::has_been_set() {
            let Some(left_out) = PANICS.admit() else { return };
            tracing::error!(
                code = "PANICKED",
                left_out,
                "thread `{thread}` panicked at {place}; please report this with the version and the place"
            );
        } else {
            tell!(
                "error: thread `{thread}` panicked at {place}; please report this with the version and the place"
            );
        }
    }));
}
