//! The contracts: Rust types of `proto/ticketrouter/v1`, with their ProtoJSON mapping.
//!
//! Generated at build time without protoc. The routing path does not build these messages, it copies their
//! bytes; they serve the catalog, the commands, transcoding, and tests.

mod timestamp;

pub use timestamp::Timestamp;

/// Package `ticketrouter.v1`.
#[allow(missing_docs, clippy::all, clippy::pedantic, clippy::unwrap_used)]
pub mod v1 {
    include!(concat!(env!("OUT_DIR"), "/contracts.rs"));
}
