<<<<<<< HEAD
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
=======
//! Everything that speaks to Kafka. No other folder knows librdkafka.

pub mod check;
pub mod clients;
pub mod context;
pub mod create;
pub mod identity;
pub mod offsets;
>>>>>>> 7d28dbf (config, topics: check the cluster before the first ticket, create what is missing)
