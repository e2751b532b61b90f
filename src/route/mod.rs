//! One record in, one record out: all of the core for one ticket.
//!
//! ```
//! use std::sync::Arc;
//!
//! use ticket_router::{
//!     catalog::Snapshot,
//!     policy::Policy,
//!     route::{Destination, OutputFormat, Router},
//!     ticket::{BadRecord, Limits},
//! };
//!
//! let catalog = Snapshot::default();
//! let mut router = Router::new(Arc::new(Policy::builtin()), Limits::default(), OutputFormat::Json);
//! let routed = router.route(&catalog, Some(b"application/json"), Some(br#"{"id":"T-1"}"#))?;
//! assert_eq!((routed.ticket_id, routed.destination), ("T-1", Destination::Triage));
//! # Ok::<(), BadRecord>(())
//! ```

mod destination;
#[cfg(test)]
mod documented;
mod output;
mod recoded;
#[cfg(test)]
mod tests;

pub use destination::{Destination, PerDestination};
pub use output::{OutputFormat, media_type};

use std::sync::Arc;

use crate::{
    catalog::{Encodings, Snapshot},
    decide::{self, Assignee, Ruling},
    encode::{DecisionId, Encoder, Hex, decision_id},
    policy::{Policy, RuleIndex},
    proto::v1::decision::{Owner, TriageReason},
    ticket::{BadRecord, Format, Limits, Note, Opened, Reader},
};
use recoded::Recoded;

/// Routes tickets one after another; each worker has its own.
///
/// It keeps its buffers, so that routing allocates nothing once they have grown to the size of the tickets.
#[derive(Debug)]
pub struct Router {
    policy: Arc<Policy>,
    policy_version: Hex,
    output: OutputFormat,
    reader: Reader,
    json: Encoder,
    protobuf: Encoder,
    rewritten: Vec<u8>,
    value: Vec<u8>,
    /// The last ticket was written in the format it came in.
    is_as_it_came: bool,
}

/// A routed ticket, ready to be sent.
#[derive(Clone, Copy, Debug)]
pub struct Routed<'r> {
    /// The ticket's id at its source.
    pub ticket_id: &'r str,
    /// Where it goes.
    pub destination: Destination,
    /// The encoded `RoutedTicket`.
    pub value: &'r [u8],
    /// The format of `value`.
    pub format: Format,
    /// Who owns the ticket; unspecified in triage.
    pub owner: Owner,
    /// The rule that decided; empty if no rule was applied.
    pub rule: &'r str,
    /// Its place in the policy.
    pub rule_index: Option<RuleIndex>,
    /// Why the ticket is in triage; unspecified if it has an owner.
    pub triage_reason: TriageReason,
    /// The decision's identity.
    pub decision_id: DecisionId,
    /// The policy that decided.
    pub policy_version: Hex,
    /// The attributes of the CloudEvent that the ticket came in, in structured mode: they travel on as
    /// headers.
    pub event: &'r [(String, String)],
}

impl Router {
    /// Makes a router for one policy.
    #[must_use]
    pub fn new(policy: Arc<Policy>, limits: Limits, output: OutputFormat) -> Self {
        Self {
            policy_version: Hex::new(policy.version()),
            reader: Reader::new(limits, policy.attributes().to_vec()),
            json: Encoder::new(Format::Json, &policy),
            protobuf: Encoder::new(Format::Protobuf, &policy),
            policy,
            output,
            rewritten: Vec::new(),
            value: Vec::with_capacity(4096),
            is_as_it_came: true,
        }
    }

    /// Routes the value of one record.
    ///
    /// `content_type` is the record's last header of that name.
    ///
    /// # Errors
    ///
    /// A record that is not a ticket: it belongs in the dead-letter topic, with the reason.
    pub fn route<'r>(
        &'r mut self,
        catalog: &'r Snapshot,
        content_type: Option<&[u8]>,
        value: Option<&'r [u8]>,
    ) -> Result<Routed<'r>, BadRecord> {
        let output = self.output;
        // One pass reads it, and rewrites it if the output has another format.
        let Opened { ticket, payload, event } =
            self.reader.open(content_type, value, |format| output.format(format), &mut self.rewritten)?;
        let decided = decide::decide(&self.policy, catalog, &ticket);
        let id = decision_id(&self.policy, payload.bytes, &decided.records);

        let (destination, owner, rule, triage_reason) = summary(&decided.ruling);
        // In triage a ticket stays as it came, so that it can be sent again.
        let format =
            if destination == Destination::Triage { payload.format } else { output.format(payload.format) };
        self.is_as_it_came = format == payload.format;
        let bytes = if self.is_as_it_came { payload.bytes } else { &self.rewritten };
        let encoder = match format {
            Format::Json => &mut self.json,
            Format::Protobuf => &mut self.protobuf,
        };
        if format == output.format(payload.format) {
            encoder.encode(&self.policy, bytes, &decided, id, &mut self.value);
        } else {
            let recoded = Recoded::of(&decided.records, format);
            encoder.encode(&self.policy, bytes, &recoded.decided(&decided.ruling), id, &mut self.value);
        }
        Ok(Routed {
            ticket_id: ticket.id,
            destination,
            value: &self.value,
            format,
            owner,
            rule: rule.map_or("", |rule| &self.policy.rule(rule).id),
            rule_index: rule,
            triage_reason,
            decision_id: id,
            policy_version: self.policy_version,
            event,
        })
    }

    /// What is odd about the ticket that was routed last, by field.
    pub fn notes(&self) -> impl Iterator<Item = (Note, &str)> {
        let is_as_it_came = self.is_as_it_came;
        self.reader.notes().iter().filter(move |(note, _)| !(is_as_it_came && *note == Note::Dropped))
    }
}

fn summary(ruling: &Ruling<'_>) -> (Destination, Owner, Option<RuleIndex>, TriageReason) {
    match *ruling {
        Ruling::Owned { rule, assignee, .. } => {
            let destination = match assignee {
                Assignee::Partner(_) => Destination::Partner,
                Assignee::Publisher(_) => Destination::Publisher,
                Assignee::MicrosoftCommerce => Destination::MicrosoftCommerce,
            };
            (destination, assignee.owner(), Some(rule), TriageReason::Unspecified)
        }
        Ruling::Triage { reason, rule } => (Destination::Triage, Owner::Unspecified, rule, reason),
    }
}

impl OutputFormat {
    /// The encodings that the catalog must keep for this output.
    #[must_use]
    pub const fn encodings(self) -> Encodings {
        Encodings {
            json: matches!(self, Self::Json | Self::Same),
            protobuf: matches!(self, Self::Protobuf | Self::Same),
        }
    }
}
