//! Writes the routed ticket by putting bytes that exist already one after another.
//!
//! The ticket's own bytes, the records as the catalog keeps them encoded, and a small decision: in protobuf a
//! length-delimited field each, in JSON text between braces. Nothing is parsed into objects and printed
//! again, so fields that this version does not know travel on.
//!
//! ```
//! use ticket_router::{
//!     catalog::Snapshot,
//!     decide::decide,
//!     encode::{Encoder, decision_id},
//!     policy::Policy,
//!     ticket::{BadRecord, Format, Limits, Payload, Reader},
//! };
//!
//! let bytes = br#"{"id":"T-1"}"#.as_slice();
//! let mut reader = Reader::new(Limits::default(), Vec::new());
//! let ticket = reader.read(Payload { format: Format::Json, bytes })?;
//! let (policy, catalog) = (Policy::builtin(), Snapshot::default());
//! let decided = decide(&policy, &catalog, &ticket);
//! let id = decision_id(&policy, bytes, &decided.records);
//!
//! let mut out = Vec::new();
//! Encoder::new(Format::Json, &policy).encode(&policy, bytes, &decided, id, &mut out);
//! assert!(out.starts_with(br#"{"ticket":{"id":"T-1"},"decision":{"#));
//! # Ok::<(), BadRecord>(())
//! ```

mod id;
mod json;
mod protobuf;
mod string;
mod text;

pub use id::{DecisionId, Hex, decision_id};
pub use text::{TextTable, reason_text};

use crate::{
    decide::{Decided, Ruling},
    policy::Policy,
    ticket::Format,
};

/// Writes routed tickets in one format, with the texts of one policy.
#[derive(Debug)]
pub struct Encoder {
    format: Format,
    texts: TextTable,
    /// The decision before it is put in place: in protobuf its length comes first.
    decision: Vec<u8>,
}

impl Encoder {
    /// Prepares the texts of a policy, which are the same in every ticket.
    #[must_use]
    pub fn new(format: Format, policy: &Policy) -> Self {
        Self { format, texts: TextTable::new(format, policy), decision: Vec::with_capacity(1024) }
    }

    /// The format that this encoder writes.
    #[must_use]
    pub const fn format(&self) -> Format {
        self.format
    }

    /// Writes the `RoutedTicket` into `out`, whose content is replaced.
    ///
    /// `ticket` is the ticket in the encoder's format: one JSON object, or one protobuf message.
    pub fn encode(
        &mut self,
        policy: &Policy,
        ticket: &[u8],
        decided: &Decided<'_>,
        id: DecisionId,
        out: &mut Vec<u8>,
    ) {
        out.clear();
        self.decision.clear();
        match self.format {
            Format::Json => json::write(out, policy, &self.texts, ticket, decided, id),
            Format::Protobuf => {
                protobuf::write_decision(&mut self.decision, policy, &self.texts, decided, id);
                protobuf::write(out, ticket, decided, &self.decision);
            }
        }
    }
}

/// The contacts that a ruling shows.
fn wanted_contacts<'p>(policy: &'p Policy, ruling: &Ruling<'_>) -> &'p [crate::catalog::OfferContact] {
    use crate::policy::Outcome;
    match ruling {
        Ruling::Triage { .. } => &[],
        Ruling::Owned { rule, .. } => match &policy.rule(*rule).outcome {
            Outcome::Owned(assignment) => &assignment.contacts,
            Outcome::Triage => &[],
        },
    }
}
