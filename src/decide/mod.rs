//! Who owns a ticket: the records it names, the facts they give, the policy's rule, the parties it means.
//!
//! A pure function of ticket, catalog and policy. Source of what is decided here rather than in the policy's table:
//! the sections on assigned partners and on absent values of the ownership rules.
//!
//! ```
//! use ticket_router::{
//!     catalog::Snapshot,
//!     decide::{Ruling, decide},
//!     policy::Policy,
//!     proto::v1::decision::TriageReason,
//!     ticket::{BadRecord, Format, Limits, Payload, Reader},
//! };
//!
//! let mut reader = Reader::new(Limits::default(), Vec::new());
//! let ticket = reader.read(Payload { format: Format::Json, bytes: br#"{"id":"T-1"}"# })?;
//! let (policy, catalog) = (Policy::builtin(), Snapshot::default());
//! let missing_role = Ruling::Triage { reason: TriageReason::MissingRole, rule: None };
//! assert_eq!(decide(&policy, &catalog, &ticket).ruling, missing_role);
//! # Ok::<(), BadRecord>(())
//! ```

mod contacts;
mod facts;
mod parties;
mod records;
#[cfg(test)]
mod tests;

pub use contacts::{Contact, ContactKind};
pub use facts::Facts;
pub use parties::{Assignee, Parties};
pub use records::Records;

use crate::{
    catalog::Snapshot,
    policy::{Outcome, Policy, RuleIndex, Verdict},
    proto::v1::decision::TriageReason,
    ticket::Ticket,
};

/// A ticket, decided: the catalog records it concerns and what follows from them.
#[derive(Clone, Debug)]
pub struct Decided<'a> {
    /// The records that the ticket names, as far as the catalog has them.
    pub records: Records<'a>,
    /// Owner or triage.
    pub ruling: Ruling<'a>,
}

/// What was decided.
#[derive(Clone, Debug, PartialEq)]
pub enum Ruling<'a> {
    /// The ticket has an owner.
    Owned {
        /// The rule that decided.
        rule: RuleIndex,
        /// Who is to solve it.
        assignee: Assignee<'a>,
        /// Who takes over if the assignee cannot; `None` if the rule or the catalog names nobody.
        next: Option<Assignee<'a>>,
    },
    /// A person must decide.
    Triage {
        /// Why.
        reason: TriageReason,
        /// The rule that applies, if that much is known.
        rule: Option<RuleIndex>,
    },
}

/// Decides who owns a ticket.
#[must_use]
pub fn decide<'a>(policy: &Policy, catalog: &'a Snapshot, ticket: &'a Ticket<'a>) -> Decided<'a> {
    let records = Records::of(ticket, catalog);
    let ruling = match Facts::of(ticket, &records, catalog) {
        Ok(facts) => rule(policy, ticket, &records, &facts),
        Err(reason) => Ruling::Triage { reason, rule: None },
    };
    Decided { records, ruling }
}

fn rule<'a>(policy: &Policy, ticket: &'a Ticket<'a>, records: &Records<'a>, facts: &Facts<'a>) -> Ruling<'a> {
    let index = match policy.decide(&facts.case) {
        Verdict::Rule(index) => index,
        Verdict::Absent(reason) => return Ruling::Triage { reason, rule: None },
    };
    let Outcome::Owned(assignment) = &policy.rule(index).outcome else {
        return Ruling::Triage { reason: TriageReason::NoRule, rule: Some(index) };
    };
    let parties = Parties { ticket, records, facts };
    match parties.party(assignment.assignee) {
        Ok(assignee) => Ruling::Owned { rule: index, assignee, next: parties.next(&assignment.next) },
        Err(reason) => Ruling::Triage { reason, rule: Some(index) },
    }
}
