//! From the bytes of a record to a ticket: what format they are in, a borrowed view of the few fields that a
//! decision needs, and the proof that all the rest is valid.
//!
//! ```text
//! record value -> Payload::of -> Reader::read -> Ticket
//!                        \---- transcode ----> the ticket in the other format
//! ```
//!
//! [`Reader::open`] does all of that for a record, takes the ticket out of a CloudEvent, and says of what is
//! no ticket what it looks like.
//!
//! A ticket is viewed, not built: one pass over its bytes checks them and borrows the fields of [`Ticket`];
//! the bytes themselves are what travels on. A record that fails is data, not a fault: [`BadRecord`] says why.
//!
//! ```
//! use ticket_router::ticket::{BadRecord, Format, Limits, Payload, Reader};
//!
//! let bytes = br#"{"id":"T-1","offerId":"crm","subject":"Charged twice"}"#;
//! let mut reader = Reader::new(Limits::default(), Vec::new());
//! let ticket = reader.read(Payload { format: Format::Json, bytes })?;
//! assert_eq!((ticket.id, ticket.offer_id), ("T-1", "crm"));
//! # Ok::<(), BadRecord>(())
//! ```

mod content_type;
mod diagnose;
#[cfg(test)]
mod differential;
mod envelope;
mod grammar;
mod json;
mod limits;
mod notes;
mod payload;
#[cfg(test)]
mod plain;
mod protobuf;
mod raw;
mod reader;
mod reason;
#[cfg(test)]
mod records;
mod sink;
#[cfg(test)]
mod tests;
mod time;
mod transcode;
mod utf8;
mod view;

pub use limits::Limits;
pub use notes::{Note, Notes, OTHER as OTHER_FIELD};
pub use payload::{Format, Payload};
pub use reader::{Opened, Reader};
pub use reason::{BadRecord, DeadLetterReason, quote};
pub use transcode::transcode;
pub use view::{Attributes, Coded, Ticket};
