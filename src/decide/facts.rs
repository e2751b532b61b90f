//! What the policy asks for, read from ticket and records; and the triage that comes before any rule.

use super::records::{Records, named};
use crate::{
    catalog::{Partner, Snapshot},
    policy::{Case, Election, Fact},
    proto::v1::{
        decision::TriageReason,
        partner::{Model, TechnicalSupport},
        ticket::{Category, requester::Role},
    },
    ticket::{Coded, Ticket},
};

/// The facts of a ticket that can be put to the policy.
#[derive(Clone, Debug)]
pub struct Facts<'a> {
    /// The values of the policy's columns.
    pub case: Case<'a>,
    /// The partner that owns what is the partner's to own; `Err` says why it cannot be told, `Ok(None)` that
    /// none is named.
    pub assigned: Result<Option<&'a Partner>, TriageReason>,
}

impl<'a> Facts<'a> {
    /// Reads the facts.
    ///
    /// # Errors
    ///
    /// The reason why the ticket is triage whatever the policy says: the first of those that hold, in the order of
    /// [`TriageReason`].
    pub fn of(
        ticket: &'a Ticket<'a>,
        records: &Records<'a>,
        catalog: &'a Snapshot,
    ) -> Result<Self, TriageReason> {
        let requester = match ticket.role {
            Coded::Unknown => return Err(TriageReason::UnknownRole),
            Coded::Known(Role::Unspecified) => return Err(TriageReason::MissingRole),
            Coded::Known(role) => role,
        };
        let Coded::Known(category) = ticket.category else {
            return Err(TriageReason::UnknownCategory);
        };
        if requester != Role::Customer && ticket.requester_id.is_empty() {
            return Err(TriageReason::MissingRequester);
        }
        known_ids(requester, category, ticket, records, catalog)?;
        contradictions(requester, ticket, records)?;

        let assigned = assigned_partner(requester, category, records);
        let case = Case {
            requester,
            category,
            severity: ticket.severity,
            model: match records.partner {
                None => Fact::Absent(TriageReason::MissingPartner),
                Some(partner) => fact(partner.model(), TriageReason::MissingModel),
            },
            technical_support: match assigned {
                Err(reason) => Fact::Absent(reason),
                Ok(None) => Fact::Known(Election::NoPartner),
                Ok(Some(partner)) => match partner.technical_support() {
                    Some(TechnicalSupport::Coordinate) => Fact::Known(Election::Coordinate),
                    // One that has elected nothing refers.
                    Some(_) => Fact::Known(Election::Refer),
                    None => Fact::Absent(TriageReason::UnknownTechnicalSupport),
                },
            },
            azure_based: match records.offer {
                None => Fact::Absent(TriageReason::MissingOffer),
                Some(offer) => fact(offer.azure_based(), TriageReason::IncompleteOffer),
            },
            source: ticket.source,
            attributes: &ticket.attributes,
            offer: ticket.offer_id,
            publisher: match (records.offer, requester) {
                (Some(offer), _) => offer.publisher_id(),
                (None, Role::Publisher) => ticket.requester_id,
                (None, _) => "",
            },
            partner: if requester == Role::Partner { ticket.requester_id } else { ticket.partner_id },
        };
        Ok(Self { case, assigned })
    }
}

fn fact<T>(value: Option<T>, reason: TriageReason) -> Fact<T> {
    value.map_or(Fact::Absent(reason), Fact::Known)
}

/// Refuses ids that the catalog lacks, whether a rule would need them or not: nothing is guessed around.
fn known_ids(
    requester: Role,
    category: Category,
    ticket: &Ticket<'_>,
    records: &Records<'_>,
    catalog: &Snapshot,
) -> Result<(), TriageReason> {
    if named(ticket.offer_id).is_some() && records.offer.is_none() {
        return Err(TriageReason::UnknownOffer);
    }
    let offer_publisher_is_unknown = records.publisher.is_none()
        && records.offer.is_some_and(|offer| named(offer.publisher_id()).is_some());
    // A publisher that is just being onboarded is in no catalog yet.
    let may_be_new = is_commerce(category) && ticket.offer_id.is_empty();
    let requester_is_unknown =
        requester == Role::Publisher && !may_be_new && catalog.publisher(ticket.requester_id).is_none();
    if offer_publisher_is_unknown || requester_is_unknown {
        return Err(TriageReason::UnknownPublisher);
    }
    // Of a partner's ticket the records have the partner that asks, of all others the one that is named.
    let named_partner_is_unknown = named(ticket.partner_id).is_some_and(|id| match requester {
        Role::Partner => catalog.partner(id).is_none(),
        _ => records.partner.is_none(),
    });
    if named_partner_is_unknown || (requester == Role::Partner && records.partner.is_none()) {
        return Err(TriageReason::UnknownPartner);
    }
    Ok(())
}

/// Refuses what the rules of ownership are not for, or what contradicts itself.
fn contradictions(requester: Role, ticket: &Ticket<'_>, records: &Records<'_>) -> Result<(), TriageReason> {
    if records.offer.is_some_and(|offer| offer.is_first_party()) {
        return Err(TriageReason::FirstPartyOffer);
    }
    if requester == Role::Publisher
        && records.offer.is_some_and(|offer| offer.publisher_id() != ticket.requester_id)
    {
        return Err(TriageReason::RequesterNotPublisher);
    }
    if requester == Role::Partner && named(ticket.partner_id).is_some_and(|id| id != ticket.requester_id) {
        return Err(TriageReason::ContradictoryPartner);
    }
    Ok(())
}

/// The categories of Microsoft's commerce system (S6).
const fn is_commerce(category: Category) -> bool {
    matches!(
        category,
        Category::Billing
            | Category::SubscriptionManagement
            | Category::AccountSetup
            | Category::Payment
            | Category::OfferManagement
            | Category::Transaction
            | Category::AccountSupport
    )
}

/// The ticket's partner. For a customer's ticket, the partner's provider if a reseller has left the category
/// to it (S8).
fn assigned_partner<'a>(
    requester: Role,
    category: Category,
    records: &Records<'a>,
) -> Result<Option<&'a Partner>, TriageReason> {
    let Some(partner) = records.partner else {
        return Ok(None);
    };
    if requester != Role::Customer || !partner.handles(category) {
        return Ok(Some(partner));
    }
    match partner.model() {
        Some(Model::IndirectReseller) => provider_of(partner, records.provider).map(Some),
        Some(_) => Ok(Some(partner)),
        // Only a reseller leaves anything to a provider, and the record does not say whether it is one.
        None => Err(TriageReason::MissingModel),
    }
}

/// The indirect provider of a partner, given the record that its `providerId` names.
pub(super) fn provider_of<'a>(
    partner: &Partner,
    provider: Option<&'a Partner>,
) -> Result<&'a Partner, TriageReason> {
    if partner.provider_id().is_empty() {
        return Err(TriageReason::MissingProvider);
    }
    match provider {
        None => Err(TriageReason::UnknownProvider),
        Some(provider) if provider.model() == Some(Model::IndirectProvider) => Ok(provider),
        Some(_) => Err(TriageReason::InvalidProvider),
    }
}
