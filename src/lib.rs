//! Decides who owns a marketplace support ticket, and hands it over exactly once.
//!
//! The modules in the order in which a ticket passes through them: [`ticket`] reads its bytes, [`catalog`] knows what
//! they name, [`policy`] says what follows, [`decide`] turns that into a party, and [`encode`] puts the bytes of the
//! routed ticket together; [`route`] is all of it for one record. The program around them is private: [`main`].

// They panic when the output cannot be written: see `console`.
#![warn(clippy::print_stdout, clippy::print_stderr)]

// The contracts.
pub mod proto;

mod nearest;

// The core: pure, without clock, file or socket.
pub mod catalog;
pub mod decide;
pub mod encode;
pub mod explain;
pub mod policy;
pub mod route;
pub mod ticket;

// The edge.
#[cfg(feature = "kafka")]
mod cli;
#[cfg(feature = "kafka")]
mod commands;
#[cfg(feature = "kafka")]
mod config;
#[cfg(feature = "kafka")]
mod console;
#[cfg(feature = "kafka")]
mod folder;
#[cfg(feature = "kafka")]
mod http;
#[cfg(feature = "kafka")]
mod kafka;
#[cfg(feature = "kafka")]
mod metrics;
#[cfg(feature = "kafka")]
mod panics;
#[cfg(feature = "kafka")]
mod repeats;
#[cfg(feature = "kafka")]
mod service;
#[cfg(feature = "kafka")]
mod telemetry;
#[cfg(feature = "kafka")]
mod version;

#[cfg(test)]
mod tests;

/// Runs the program: reads the command line, does what it says, and returns the exit code.
#[cfg(feature = "kafka")]
#[must_use]
pub fn main() -> std::process::ExitCode {
    panics::guard_panics();
    cli::main()
}
