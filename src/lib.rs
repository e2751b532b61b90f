//! Decides who owns a marketplace support ticket, and hands it over exactly once.
//!
//! The modules in the order in which a ticket passes through them: its bytes are read ([`ticket`]), what it names is looked up ([`catalog`]), the policy says what
//! follows ([`policy`]), that becomes a party ([`decide`]), and the bytes are put together anew ([`encode`]); [`route`] is all of it for one record. [`kafka`] does
//! so exactly once for every record of a topic, [`service`] is the process around it, and [`telemetry`] shows it to others.

// They panic when the output cannot be written: see `console`.
#![warn(clippy::print_stdout, clippy::print_stderr)]

// The contracts.
pub mod proto;

// The core: pure, without clock, file or socket.
pub mod ticket;

pub mod catalog;

pub mod policy;

pub mod decide;

pub mod encode;

pub mod route;

pub mod explain;

// The edge.
#[cfg(feature = "kafka")]
pub mod config;

#[cfg(feature = "kafka")]
pub mod telemetry;

#[cfg(feature = "kafka")]
pub mod kafka;

#[cfg(feature = "kafka")]
pub mod service;

#[cfg(feature = "kafka")]
mod http;

#[cfg(feature = "kafka")]
pub mod commands;

#[cfg(feature = "kafka")]
pub mod cli;

#[cfg(feature = "kafka")]
mod console;

#[cfg(feature = "kafka")]
mod panics;

#[cfg(test)]
mod tests;

#[cfg(feature = "kafka")]
pub use panics::guard_panics;
