//! From the bytes of a record to a ticket: what format they are in, a borrowed view of the few fields that a
//! decision needs, and the proof that all the rest is valid.
//!
//! ```text
//! record value -> Payload::of -> Reader::read -> Ticket
//!                        \---- transcode ----> the ticket in the other format
//! ```
//!
//! A ticket is looked at, not built: one pass over its bytes checks them and borrows the fields of [`Ticket`];
//! the bytes themselves are what travels on. A record that fails is data, not a fault: [`BadRecord`] says why.

#[cfg(test)]
mod differential;
mod json;
mod limits;
mod payload;
#[cfg(test)]
mod plain;
mod protobuf;
mod raw;
mod reader;
mod reason;
mod sink;
#[cfg(test)]
mod tests;
mod transcode;
mod utf8;
mod view;

pub use limits::Limits;
pub use payload::{Format, Payload};
pub use reader::Reader;
pub use reason::{BadRecord, DeadLetterReason, quote};
pub use transcode::transcode;
pub use view::{Attributes, Coded, Ticket};
