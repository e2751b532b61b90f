//! What becomes of a record.

use rdkafka::error::RDKafkaErrorCode;

use crate::{
    policy::RuleIndex,
    proto::v1::decision::TriageReason,
    route::{Destination, Routed},
    ticket::DeadLetterReason,
};

/// What a record becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// A ticket with an owner, by a rule.
    Owned(Destination, RuleIndex),
    /// A ticket in triage.
    Triage(TriageReason, Option<RuleIndex>),
    /// A dead letter.
    DeadLetter(DeadLetterReason),
}

impl Fate {
    /// What a routed ticket becomes.
    #[must_use]
    pub fn of(routed: &Routed<'_>) -> Self {
        match routed.rule_index {
            Some(rule) if routed.triage_reason == TriageReason::Unspecified => {
                Self::Owned(routed.destination, rule)
            }
            rule => Self::Triage(routed.triage_reason, rule),
        }
    }

    /// Where it goes.
    #[must_use]
    pub const fn destination(self) -> Destination {
        match self {
            Self::Owned(destination, _) => destination,
            Self::Triage(..) => Destination::Triage,
            Self::DeadLetter(_) => Destination::DeadLetter,
        }
    }
}

/// What became of a record, and what the producer said to it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sent {
    pub(super) fate: Fate,
    /// Why the producer did not take it.
    pub(super) error: Option<RDKafkaErrorCode>,
}
