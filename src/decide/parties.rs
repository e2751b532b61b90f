//! Whom a rule means: from the policy's words to an id.

use super::{Facts, Records, facts::provider_of};
use crate::{
    catalog::Partner,
    policy::{Next, Party},
    proto::v1::{
        decision::{Owner, TriageReason},
        partner::Model,
        ticket::requester::Role,
    },
    ticket::{Coded, Ticket},
};

/// A party that can own a ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Assignee<'a> {
    /// The CSP partner with this id.
    Partner(&'a str),
    /// The publisher with this id.
    Publisher(&'a str),
    /// Microsoft's support for its commerce system.
    MicrosoftCommerce,
}

impl<'a> Assignee<'a> {
    /// The role in which the party owns.
    #[must_use]
    pub const fn owner(self) -> Owner {
        match self {
            Self::Partner(_) => Owner::Partner,
            Self::Publisher(_) => Owner::Publisher,
            Self::MicrosoftCommerce => Owner::MicrosoftCommerce,
        }
    }

    /// The id of the partner or publisher; empty for Microsoft.
    #[must_use]
    pub const fn id(self) -> &'a str {
        match self {
            Self::Partner(id) | Self::Publisher(id) => id,
            Self::MicrosoftCommerce => "",
        }
    }
}

/// What the words of a rule refer to in one ticket.
#[derive(Clone, Copy, Debug)]
pub struct Parties<'t, 'a> {
    /// The ticket.
    pub ticket: &'t Ticket<'a>,
    /// Its records.
    pub records: &'t Records<'a>,
    /// Its facts.
    pub facts: &'t Facts<'a>,
}

impl<'a> Parties<'_, 'a> {
    /// Finds the party.
    ///
    /// # Errors
    ///
    /// The reason why it cannot be told who that is.
    pub fn party(&self, party: Party) -> Result<Assignee<'a>, TriageReason> {
        match party {
            Party::OfferPublisher => self
                .records
                .offer
                .map(|offer| Assignee::Publisher(offer.publisher_id()))
                .ok_or(TriageReason::MissingOffer),
            Party::RequestingPublisher => {
                self.requester(Role::Publisher).map(Assignee::Publisher).ok_or(TriageReason::MissingRequester)
            }
            Party::RequestingPartner => {
                self.requester(Role::Partner).map(Assignee::Partner).ok_or(TriageReason::MissingRequester)
            }
            Party::AssignedPartner => self.assigned().map(|partner| Assignee::Partner(partner.id())),
            Party::Provider => self.provider().map(|partner| Assignee::Partner(partner.id())),
            Party::MicrosoftCommerce => Ok(Assignee::MicrosoftCommerce),
        }
    }

    /// Finds who takes over; `None` if that would be a party that neither ticket nor catalog names.
    #[must_use]
    pub fn next(&self, next: &Next) -> Option<Assignee<'a>> {
        self.party(self.chosen(next)?).ok()
    }

    /// Nobody if the catalog does not state a fact that is asked for: any party would be a guess.
    fn chosen(&self, next: &Next) -> Option<Party> {
        if let Some(party) = next.if_reseller
            && self.assigned().ok()?.model()? == Model::IndirectReseller
        {
            return Some(party);
        }
        if next.if_azure_based.is_none() && next.if_not_azure_based.is_none() {
            return next.otherwise;
        }
        let chosen =
            if self.records.offer?.azure_based()? { next.if_azure_based } else { next.if_not_azure_based };
        chosen.or(next.otherwise)
    }

    fn requester(&self, role: Role) -> Option<&'a str> {
        (self.ticket.role == Coded::Known(role)).then_some(self.ticket.requester_id)
    }

    fn assigned(&self) -> Result<&'a Partner, TriageReason> {
        self.facts.assigned?.ok_or(TriageReason::MissingPartner)
    }

    /// The provider of the assigned partner. Where a reseller's tickets went to its provider already, that is nobody.
    fn provider(&self) -> Result<&'a Partner, TriageReason> {
        provider_of(self.assigned()?, self.records.provider)
    }
}
