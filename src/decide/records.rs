//! The catalog records that a ticket concerns.

use crate::{
    catalog::{Offer, Partner, Publisher, Snapshot},
    proto::v1::ticket::requester::Role,
    ticket::{Coded, Ticket},
};

/// The records that a ticket names, as far as the catalog has them.
#[derive(Clone, Copy, Debug)]
pub struct Records<'a> {
    /// The offer that the ticket is about.
    pub offer: Option<&'a Offer>,
    /// The publisher of that offer; if there is none, the publisher that asks.
    pub publisher: Option<&'a Publisher>,
    /// The partner that asks, or else the one that the ticket names.
    pub partner: Option<&'a Partner>,
    /// The provider that this partner's record names.
    pub provider: Option<&'a Partner>,
}

impl<'a> Records<'a> {
    /// Looks up what the ticket names.
    #[must_use]
    pub fn of(ticket: &Ticket<'_>, catalog: &'a Snapshot) -> Self {
        let offer = named(ticket.offer_id).and_then(|id| catalog.offer(id));
        let publisher_id = match (offer, ticket.role) {
            (Some(offer), _) => offer.publisher_id(),
            (None, Coded::Known(Role::Publisher)) => ticket.requester_id,
            (None, _) => "",
        };
        let partner_id = match ticket.role {
            Coded::Known(Role::Partner) => ticket.requester_id,
            _ => ticket.partner_id,
        };
        let partner = named(partner_id).and_then(|id| catalog.partner(id));
        Self {
            offer,
            publisher: named(publisher_id).and_then(|id| catalog.publisher(id)),
            partner,
            provider: partner.and_then(|it| named(it.provider_id())).and_then(|id| catalog.partner(id)),
        }
    }
}

/// An id that is there at all.
pub(super) fn named(id: &str) -> Option<&str> {
    (!id.is_empty()).then_some(id)
}
