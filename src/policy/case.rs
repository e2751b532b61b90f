//! What a policy is asked, and what it answers.

use crate::proto::v1::{
    decision::TriageReason,
    partner::Model,
    ticket::{Category, Severity, requester::Role},
};

/// A ticket as a policy sees it: one value a column.
///
/// Ids that the ticket does not name are empty.
#[derive(Clone, Copy, Debug)]
pub struct Case<'a> {
    /// Who asks. A case without a role has no rule: see [`super::Policy::decide`].
    pub requester: Role,
    /// What about; unspecified is a value of its own, `none`.
    pub category: Category,
    /// How urgent; unspecified is a value of its own, `none`.
    pub severity: Severity,
    /// How the ticket's partner takes part in the program.
    pub model: Fact<Model>,
    /// What the assigned partner has elected for technical tickets (S4, S5).
    pub technical_support: Fact<Election>,
    /// Whether the solution runs on the customer's Azure (S6).
    pub azure_based: Fact<bool>,
    /// The system that the ticket comes from.
    pub source: &'a str,
    /// Values of the declared attributes, in the order of [`super::Policy::attributes`].
    pub attributes: &'a [Option<&'a str>],
    /// The offer's id, for exceptions.
    pub offer: &'a str,
    /// The publisher's id, for exceptions.
    pub publisher: &'a str,
    /// The id of the ticket's partner, for exceptions.
    pub partner: &'a str,
}

/// A value that the ticket or the catalog may leave unsaid.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fact<T> {
    /// The value.
    Known(T),
    /// The reason to give if the value turns out to be needed.
    Absent(TriageReason),
}

impl<T> Fact<T> {
    /// Returns the value, if there is one.
    pub fn known(self) -> Option<T> {
        match self {
            Self::Known(value) => Some(value),
            Self::Absent(_) => None,
        }
    }
}

/// What the assigned partner does with technical tickets (S4, S5).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Election {
    /// Refers them to the publisher; also if it has elected nothing.
    Refer,
    /// Coordinates technical support itself.
    Coordinate,
    /// The ticket names no partner.
    NoPartner,
}

/// What a policy says about a case.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// This rule (or exception) decides.
    Rule(RuleIndex),
    /// A value is absent that would change which rule decides; of several such values, the reason that comes first in
    /// the enum's order.
    Absent(TriageReason),
}

/// The place of a rule in [`super::Policy::rules`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct RuleIndex(pub(crate) u32);

impl RuleIndex {
    /// Returns the place as an index.
    #[must_use]
    pub fn get(self) -> usize {
        self.0 as usize
    }
}
