//! What a panic may say.

use std::panic;

/// Makes panics print where they happened and not what they say: the message of a failed slice or parse quotes its input, and
/// that may be a ticket.
pub fn guard_panics() {
    panic::set_hook(Box::new(|info| {
        let place = info.location().map_or_else(|| "an unknown place".to_owned(), ToString::to_string);
        let thread = std::thread::current();
        eprintln!(
            "error: thread `{}` panicked at {place}; please report this with the version and the place",
            thread.name().unwrap_or("unnamed")
        );
    }));
}
