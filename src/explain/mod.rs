//! Why a ticket has its owner, for a person: the rule, its clause, every value and where it came from, and
//! the least that would have to differ for another owner.
//!
//! The answer comes from the same [`decide`](crate::decide) that the router runs, asked again about tickets
//! and records that differ a little. [`explain`] gives it as data, [`write_text`] words it for a terminal.

mod apply;
mod change;
mod clauses;
mod difference;
mod facts;
mod fixes;
mod given;
mod other;
mod text;
mod words;
mod world;

#[cfg(test)]
mod tests;

pub use difference::Difference;
pub use given::{Given, Unread};
pub use text::write_text;
pub use words::shown;

use serde::Serialize;

use crate::{
    catalog::Snapshot,
    decide::{Assignee, Decided, Facts, Parties, Ruling, decide},
    encode::{Hex, reason_text},
    policy::{Next, Outcome, Policy, Rule, Verdict},
    proto::v1::decision::TriageReason,
    route::Destination,
    ticket::{Format, Ticket},
};

/// Why one ticket goes where it goes. The field names are a contract: `docs/explain.md`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Explanation {
    /// The ticket's id at its source.
    pub ticket_id: String,
    /// Where the ticket comes from; empty where it does not say.
    pub source: String,
    /// The topic, by its default name.
    pub topic: &'static str,
    /// Who owns the ticket; none in triage.
    pub owner: Option<Named>,
    /// Why a person must decide; none where the ticket has an owner.
    pub triage: Option<Triage>,
    /// Why, in one sentence.
    pub reason: String,
    /// The rule that decided, if one did.
    pub rule: Option<Decisive>,
    /// Whom to turn to at the publisher, best first.
    pub contacts: Vec<ContactAt>,
    /// Whether the rule wants contacts; if so and there are none, the catalog has no address at all.
    pub contacts_are_wanted: bool,
    /// Who takes over if the owner cannot solve the ticket.
    pub next: Option<Named>,
    /// Whether the rule wants somebody to take over; if so and `next` is none, ticket and catalog do not name
    /// that party.
    pub next_is_wanted: bool,
    /// What was known, and where from.
    pub facts: Vec<Fact>,
    /// Fields of the ticket that the contract does not have.
    pub unread: Vec<Unread>,
    /// The least that would have to differ for another owner, by owner.
    pub other_owners: Vec<OtherOwner>,
    /// The policy that decided.
    pub policy_version: String,
}

/// A party, with its name.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Named {
    /// `OWNER_PARTNER`, `OWNER_PUBLISHER` or `OWNER_MICROSOFT_COMMERCE`.
    pub owner: &'static str,
    /// Its id; empty for Microsoft, and for a party that neither ticket nor catalog names.
    pub id: String,
    /// Its name in the catalog, or what it would be called.
    pub name: String,
}

/// Why a person must decide, and what would change that.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Triage {
    /// `TRIAGE_REASON_…`.
    pub reason: &'static str,
    /// What to put right, and where; any one of these can be enough.
    pub fixes: Vec<Fix>,
}

/// One thing to put right.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Fix {
    /// Where: ``ticket: `offerId` ``, `catalog: offers`.
    pub place: String,
    /// What to do there.
    pub what: String,
}

/// The rule that decided.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Decisive {
    /// Its id.
    pub id: String,
    /// The line of the policy file where it begins.
    pub line: usize,
    /// Whether it is a reading of a place where the source document leaves room.
    pub is_reading: bool,
    /// The clauses that it rests on.
    pub clauses: Vec<Clause>,
    /// For an exception: the rule that would decide without it.
    pub overridden: Option<Overridden>,
}

/// A clause of the source document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Clause {
    /// Its number: `S1`.
    pub id: String,
    /// What it says, in short; empty for a clause of another document.
    pub text: &'static str,
}

/// What an exception overrides.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Overridden {
    /// The rule's id.
    pub rule: String,
    /// Who would own the ticket by it; none for triage.
    pub owner: Option<Named>,
}

/// An address at the publisher.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ContactAt {
    /// `CONTACT_KIND_…`.
    pub kind: &'static str,
    /// The address, as the catalog has it.
    pub address: String,
}

/// A value that a rule can ask for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Fact {
    /// The column, as the policy file names it; `assigned-partner` is none.
    pub column: String,
    /// The value; none where it is absent.
    pub value: Option<String>,
    /// The values that the rule takes; none where the rule does not ask for it.
    pub wanted: Option<String>,
    /// Where the value comes from.
    pub origin: Origin,
    /// The field, or why there is no value.
    pub place: String,
}

/// Where a value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Origin {
    /// A field of the ticket.
    Ticket,
    /// A field of a record of the catalog.
    Catalog,
    /// Nothing says so, and the contract has a default.
    Default,
    /// There is none.
    Absent,
}

/// The least that would have to differ for one other owner.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OtherOwner {
    /// That owner.
    pub owner: Named,
    /// Each is enough by itself: facts that would have to differ together, in words.
    pub ways: Vec<Vec<String>>,
    /// The same ways, as facts for programs.
    pub changes: Vec<Vec<Difference>>,
}

/// Says why a ticket goes where it goes.
///
/// `given` is what else stands in the ticket. `catalog` must keep the records in protobuf: names are read
/// from there. Takes milliseconds: it decides up to a thousand or two similar tickets.
#[must_use]
pub fn explain(policy: &Policy, catalog: &Snapshot, ticket: &Ticket<'_>, given: &Given) -> Explanation {
    let Decided { records, ruling } = decide(policy, catalog, ticket);
    let known = Facts::of(ticket, &records, catalog).ok();
    let name = |assignee: Assignee<'_>| words::named(catalog, assignee);
    let mut explanation = Explanation {
        ticket_id: ticket.id.to_owned(),
        source: ticket.source.to_owned(),
        topic: Destination::Triage.default_topic(),
        owner: None,
        triage: None,
        reason: String::new(),
        rule: None,
        contacts: Vec::new(),
        contacts_are_wanted: false,
        next: None,
        next_is_wanted: false,
        facts: Vec::new(),
        unread: given.unread.clone(),
        other_owners: other::other_owners(policy, catalog, ticket, &ruling),
        policy_version: Hex::new(policy.version()).to_string(),
    };
    let rule = match &ruling {
        Ruling::Owned { rule, assignee, next } => {
            let rule = policy.rule(*rule);
            explanation.topic = topic(*assignee);
            explanation.owner = Some(name(*assignee));
            explanation.next = next.map(name);
            explanation.reason.clone_from(&rule.reason);
            if let Outcome::Owned(assignment) = &rule.outcome {
                explanation.contacts_are_wanted = !assignment.contacts.is_empty();
                explanation.next_is_wanted = assignment.next != Next::NOBODY;
                explanation.contacts = records
                    .contacts(&assignment.contacts, Format::Protobuf)
                    .map(|contact| ContactAt {
                        kind: contact.kind.as_str_name(),
                        address: String::from_utf8_lossy(contact.address).into_owned(),
                    })
                    .collect();
            }
            Some(rule)
        }
        Ruling::Triage { reason, rule } => {
            let rule = rule.map(|rule| policy.rule(rule));
            explanation.reason = match rule {
                Some(rule) if *reason == TriageReason::NoRule => rule.reason.clone(),
                _ => reason_text(*reason).to_owned(),
            };
            let fixes = fixes::fixes(*reason, ticket, given, &records, catalog, known.as_ref());
            explanation.triage = Some(Triage { reason: reason.as_str_name(), fixes });
            rule
        }
    };
    explanation.facts = facts::facts(policy, ticket, &records, known.as_ref(), rule);
    explanation.rule = rule.map(|rule| Decisive {
        id: rule.id.clone(),
        line: rule.line,
        is_reading: rule.reading,
        clauses: rule
            .clauses
            .iter()
            .map(|id| Clause { id: id.clone(), text: clauses::summary(id) })
            .collect(),
        overridden: known.as_ref().and_then(|facts| {
            let parties = Parties { ticket, records: &records, facts };
            overridden(policy, rule, &parties, name)
        }),
    });
    explanation
}

/// What would decide if there were no exceptions.
fn overridden(
    policy: &Policy,
    rule: &Rule,
    parties: &Parties<'_, '_>,
    name: impl Fn(Assignee<'_>) -> Named,
) -> Option<Overridden> {
    if !rule.is_exception() {
        return None;
    }
    let Verdict::Rule(index) = policy.decide_without_exceptions(&parties.facts.case) else { return None };
    let without = policy.rule(index);
    let owner = match &without.outcome {
        Outcome::Owned(assignment) => parties.party(assignment.assignee).ok().map(name),
        Outcome::Triage => None,
    };
    Some(Overridden { rule: without.id.clone(), owner })
}

const fn topic(assignee: Assignee<'_>) -> &'static str {
    match assignee {
        Assignee::Partner(_) => Destination::Partner,
        Assignee::Publisher(_) => Destination::Publisher,
        Assignee::MicrosoftCommerce => Destination::MicrosoftCommerce,
    }
    .default_topic()
}
