//! The commands, one file each, and what they share.
//!
//! Each has `run(self, io: &mut Io) -> Ended`: results go to `io.out`, messages to `io.err`, and a refusal is a
//! [`exit::Failure`] that `cli::main` tells.

pub mod catalog;
pub mod config;
pub mod data;
pub mod demo;
pub mod exit;
pub mod explain;
pub mod findings;
pub mod health;
mod input;
pub mod io;
pub mod policy;
pub mod route;
mod routed;
pub mod run;
pub mod send;
pub mod tail;
pub mod topics;
