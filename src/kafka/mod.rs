//! Everything that speaks to Kafka: clients, what must be right on the broker, the catalog's feed, the worker.
//!
//! Architecture Invariant: `rdkafka` is used in this folder and nowhere else.
//!
//! | room | what is in it |
//! | --- | --- |
//! | `clients`, `connect`, `context`, `token`, `memory` | settings of clients, making them, what they report,
//! how they log in |
//! | `error` | how errors of librdkafka are sorted |
//! | `topics`, `create`, `limits` | the config's topics: what the brokers have, creating them, what they take |
//! | `offsets` | where each partition is read from |
//! | `check` | is the cluster as it must be |
//! | `identity` | the slot of this copy |
//! | `feed` | the catalog from its topics |
//! | `worker` | tickets in, tickets out |
//! | `sender`, `tail`, `embedded` | for the commands: a plain producer, a plain consumer, a broker inside the process |
//! | `ffi` | the librdkafka calls that the crate does not wrap |

pub mod check;
pub mod clients;
mod connect;
pub mod context;
pub mod create;
pub mod embedded;
mod error;
pub mod feed;
mod ffi;
pub mod identity;
pub mod limits;
mod memory;
pub mod offsets;
pub mod sender;
pub mod tail;
pub mod token;
pub mod topics;
pub mod worker;
