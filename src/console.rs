//! What a command says to a person, and how it ends when nobody reads on.
//!
//! A reader may close the pipe after the first line, as `| head -1` does. A command then ends quietly with
//! exit code 0. Results go to standard output and report that error like any other; [`is_closed_pipe`] tells
//! it from the rest, and only `cli::main` asks. Messages go to standard error, and one that cannot be written
//! stops nothing.

use std::io::{self, Write};

/// Standard error, for messages. Writing to it never fails.
#[derive(Clone, Copy, Debug, Default)]
pub struct Messages;

impl Write for Messages {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // A message has no other place to go.
        let _ = io::stderr().write_all(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Prints one line on standard error, as `eprintln!` does, but without a panic when it cannot be written.
macro_rules! tell {
    ($($text:tt)*) => {{
        use std::io::Write as _;
        let _ = writeln!($crate::console::Messages, $($text)*);
    }};
}
pub(crate) use tell;

/// Returns whether what goes to this stream may have colours: it is a terminal, and neither `NO_COLOR` nor `TERM=dumb`
/// says no; or `CLICOLOR_FORCE` says yes. The choice is clap's, so that all output of the process agrees.
pub fn is_coloured(stream: &impl anstream::stream::RawStream) -> bool {
    anstream::AutoStream::choice(stream) != anstream::ColorChoice::Never
}

/// Counts things in words: `1 line`, `2 lines`, `1 entry`, `2 entries`.
pub fn count(number: impl Into<u64>, noun: &str) -> String {
    match (number.into(), noun.strip_suffix('y')) {
        (1, _) => format!("1 {noun}"),
        (number, Some(stem)) => format!("{number} {stem}ies"),
        (number, None) => format!("{number} {noun}s"),
    }
}

/// Returns whether a command failed only because nobody reads its output any more.
pub fn is_closed_pipe(error: &anyhow::Error) -> bool {
    let kind = |it: &io::Error| it.kind() == io::ErrorKind::BrokenPipe;
    error.chain().any(|cause| cause.downcast_ref::<io::Error>().is_some_and(kind))
}

#[cfg(test)]
mod tests {
    use anyhow::Context as _;

    use super::*;

    #[test]
    fn a_closed_pipe_is_found_below_what_it_broke_and_nothing_else_is() {
        let broken = |kind| Err::<(), _>(io::Error::from(kind)).context("standard output cannot be written");
        assert!(is_closed_pipe(&broken(io::ErrorKind::BrokenPipe).unwrap_err()));
        assert!(!is_closed_pipe(&broken(io::ErrorKind::StorageFull).unwrap_err()));
        assert!(!is_closed_pipe(&anyhow::anyhow!("broken pipe")));
    }
}
