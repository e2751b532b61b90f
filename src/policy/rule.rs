//! Rules as they come out of a loaded policy.

use super::RuleIndex;
use crate::{catalog::OfferContact, proto::v1::decision::Owner};

/// A rule or an exception of a policy.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Rule {
    /// Names the rule; unique in its policy. Letters, digits, `-`, `_` and `.`, at most 64.
    pub id: String,
    /// What follows if it decides.
    pub outcome: Outcome,
    /// Why, in one sentence for a support agent.
    pub reason: String,
    /// Whether the source document leaves room here, and the rule is a reading of it.
    pub reading: bool,
    /// The clauses that it rests on.
    pub clauses: Vec<String>,
    /// The columns that it asks for, in column order; all others do not matter to it.
    pub conditions: Vec<Condition>,
    /// For an exception, the rules that it overrides; empty for a rule.
    pub overrides: Vec<RuleIndex>,
    /// The line of the policy file where it begins, from 1.
    pub line: usize,
}

impl Rule {
    /// Says whether this is an exception.
    #[must_use]
    pub fn is_exception(&self) -> bool {
        !self.overrides.is_empty()
    }
}

/// What a rule asks of one column.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Condition {
    /// The column, as the policy file names it.
    pub column: String,
    /// The values that meet the condition, in words: `user-support or break-fix`.
    pub words: String,
}

/// What follows from a rule.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// The ticket has an owner.
    Owned(Assignment),
    /// A person decides: TRIAGE_REASON_NO_RULE.
    Triage,
}

/// Who owns a ticket, and whom else to turn to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Assignment {
    /// Who is to solve it.
    pub assignee: Party,
    /// The contacts of the offer to show, best first (S9).
    pub contacts: Vec<OfferContact>,
    /// Who takes over if the assignee cannot solve it.
    pub next: Next,
}

/// A party, by the part that it plays for the ticket.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Party {
    /// The publisher of the offer.
    OfferPublisher,
    /// The publisher that asks.
    RequestingPublisher,
    /// The partner that the ticket is assigned to: the customer's, or its provider for the categories that it handles.
    AssignedPartner,
    /// The partner that asks.
    RequestingPartner,
    /// The indirect provider of the ticket's partner (S8).
    Provider,
    /// Microsoft's support for its commerce system (S6).
    MicrosoftCommerce,
}

impl Party {
    /// All parties.
    pub const ALL: [Self; 6] = [
        Self::OfferPublisher,
        Self::RequestingPublisher,
        Self::AssignedPartner,
        Self::RequestingPartner,
        Self::Provider,
        Self::MicrosoftCommerce,
    ];

    /// Returns the name in a policy file.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::OfferPublisher => "offer-publisher",
            Self::RequestingPublisher => "requesting-publisher",
            Self::AssignedPartner => "assigned-partner",
            Self::RequestingPartner => "requesting-partner",
            Self::Provider => "provider",
            Self::MicrosoftCommerce => "microsoft-commerce",
        }
    }

    /// Returns the kind of owner that the party is.
    #[must_use]
    pub fn owner(self) -> Owner {
        match self {
            Self::OfferPublisher | Self::RequestingPublisher => Owner::Publisher,
            Self::AssignedPartner | Self::RequestingPartner | Self::Provider => Owner::Partner,
            Self::MicrosoftCommerce => Owner::MicrosoftCommerce,
        }
    }
}

/// Who takes over if the owner cannot solve a ticket: the first of these that applies; nobody if none does.
///
/// A fact that is asked for and that the catalog does not state means nobody, since any party would be a guess.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Next {
    /// If the assigned partner is an indirect reseller (S8); [`Party::Provider`] is its provider.
    pub if_reseller: Option<Party>,
    /// If the offer is Azure-based (S6).
    pub if_azure_based: Option<Party>,
    /// If the offer is not Azure-based (S7).
    pub if_not_azure_based: Option<Party>,
    /// If none of the facts above is asked for, or none of them holds.
    pub otherwise: Option<Party>,
}

impl Next {
    /// Nobody takes over.
    pub const NOBODY: Self =
        Self { if_reseller: None, if_azure_based: None, if_not_azure_based: None, otherwise: None };

    /// This party takes over in every case.
    #[must_use]
    pub const fn to(party: Party) -> Self {
        Self { otherwise: Some(party), ..Self::NOBODY }
    }
}
