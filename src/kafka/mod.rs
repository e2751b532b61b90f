//! Everything that speaks to Kafka: the worker, the catalog's feed, and their clients.
//!
//! Architecture Invariant: `rdkafka` is used in this folder and nowhere else.

mod context;
mod error;
mod faults;
mod feed;
mod ffi;
mod machine;
mod outgoing;
mod start;
mod status;
mod worker;

pub use context::{InputContext, OutputContext};
pub use error::WorkerError;
pub use faults::Faults;
pub use feed::{Feed, FeedError, FeedStatus};
pub use machine::Settings as TransactionSettings;
pub use start::NewGroup;
pub use status::{Totals, WorkerStatus};
pub use worker::{Worker, WorkerSettings};
