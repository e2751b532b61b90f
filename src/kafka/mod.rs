//! Everything that speaks to Kafka: clients, what must be right on the broker, the catalog's feed, the worker.
//!
//! Architecture Invariant: `rdkafka` is used in this folder and nowhere else.

pub mod context;

pub mod clients;

pub mod identity;

pub mod check;

pub mod create;

pub mod offsets;

pub mod limits;

mod ffi;

mod memory;

pub mod token;

pub mod feed;

pub mod worker;

// For the commands.
pub mod sender;

pub mod tail;

pub mod embedded;
