//! Exit codes, after `sysexits.h`.

use std::{error::Error, process::ExitCode};

use crate::console::tell;

/// Something failed.
pub const FAILED: u8 = 1;
/// Usage or config.
pub const USAGE: u8 = 64;
/// Bad policy or catalog.
pub const DATA: u8 = 65;
/// The broker is not as it must be.
pub const BROKER: u8 = 78;

/// Prints an error of usage or config, and returns its exit code.
pub fn usage(error: &(impl Error + ?Sized)) -> ExitCode {
    tell!("error: {error}");
    let mut source = error.source();
    while let Some(cause) = source {
        tell!("  because: {cause}");
        source = cause.source();
    }
    ExitCode::from(USAGE)
}
