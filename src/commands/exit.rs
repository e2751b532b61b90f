//! Exit codes, after `sysexits.h`.

use std::{error::Error, process::ExitCode};

use crate::{console::tell, kafka::check::Report};

/// Something failed.
pub const FAILED: u8 = 1;
/// Usage or config.
pub const USAGE: u8 = 64;
/// Bad policy or catalog.
pub const DATA: u8 = 65;
/// The brokers do not answer: try again later.
pub const TRY_LATER: u8 = 75;
/// The broker is not as it must be.
pub const BROKER: u8 = 78;

/// Returns the exit code of a check of the brokers.
pub fn of_check(report: &Report) -> u8 {
    match report {
        report if report.is_ok() => 0,
        report if report.is_outage() => TRY_LATER,
        _ => BROKER,
    }
}

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
