//! What to put right when a ticket is in triage, and where.

use super::{Fix, given::Given, words::ticked};
use crate::{
    catalog::Snapshot,
    decide::{Facts, Records},
    nearest::nearest,
    proto::v1::{decision::TriageReason, ticket::requester::Role},
    ticket::{Coded, Ticket},
};

/// Lists what would get the ticket out of triage; a person may still have to choose which.
pub(super) fn fixes(
    reason: TriageReason,
    ticket: &Ticket<'_>,
    given: &Given,
    records: &Records<'_>,
    catalog: &Snapshot,
    known: Option<&Facts<'_>>,
) -> Vec<Fix> {
    let fix = |place: &str, what: String| Fix { place: place.to_owned(), what };
    let partner = || ticked(records.partner.map_or("", |partner| partner.id()));
    let offer = || ticked(ticket.offer_id);
    match reason {
        TriageReason::Unspecified => Vec::new(),
        TriageReason::UnknownRole => vec![fix("ticket: requester.role", given.wrong_role())],
        TriageReason::MissingRole => vec![fix(
            "ticket: requester.role",
            "set ROLE_CUSTOMER, ROLE_PARTNER or ROLE_PUBLISHER".to_owned(),
        )],
        TriageReason::UnknownCategory => vec![fix("ticket: category", given.wrong_category())],
        TriageReason::MissingRequester => {
            vec![fix("ticket: requester.id", "set the id of the partner or publisher that asks".to_owned())]
        }
        TriageReason::UnknownOffer => vec![
            fix("ticket: offerId", misspelt(ticket.offer_id, catalog.offers().map(|it| it.id()))),
            fix("catalog: offers", format!("add {}, if it is an offer", offer())),
        ],
        TriageReason::UnknownPublisher => unknown_publisher(ticket, records, catalog),
        TriageReason::UnknownPartner => {
            let asks =
                ticket.role == Coded::Known(Role::Partner) && catalog.partner(ticket.requester_id).is_none();
            let (id, field) =
                if asks { (ticket.requester_id, "requester.id") } else { (ticket.partner_id, "partnerId") };
            vec![
                fix(&format!("ticket: {field}"), misspelt(id, catalog.partners().map(|it| it.id()))),
                fix("catalog: partners", format!("add {}, if it is a partner", ticked(id))),
            ]
        }
        TriageReason::FirstPartyOffer => vec![
            fix("elsewhere", "hand the ticket to Microsoft's support for its own products".to_owned()),
            fix(
                "catalog: offers",
                format!("if {} is a third party's, take firstParty off its record", offer()),
            ),
        ],
        TriageReason::RequesterNotPublisher => vec![
            fix(
                "ticket: requester.id",
                format!(
                    "check {}; the offer's publisher is {}",
                    ticked(ticket.requester_id),
                    ticked(records.offer.map_or("", |offer| offer.publisher_id()))
                ),
            ),
            fix("ticket: offerId", format!("check {}", offer())),
        ],
        TriageReason::ContradictoryPartner => vec![fix(
            "ticket: partnerId",
            format!(
                "clear {}, or set it to {}, the partner that asks",
                ticked(ticket.partner_id),
                ticked(ticket.requester_id)
            ),
        )],
        TriageReason::NoRule => vec![
            fix("ticket: category", "set the one that fits, if another fits better".to_owned()),
            fix("policy", "add a rule, if such tickets have an owner".to_owned()),
        ],
        TriageReason::MissingOffer => {
            vec![fix("ticket: offerId", "set the offer that the ticket is about".to_owned())]
        }
        TriageReason::MissingPartner => vec![fix(
            "ticket: partnerId",
            "set the customer's partner; a customer that bought without one is outside the rules".to_owned(),
        )],
        TriageReason::IncompleteOffer => {
            vec![fix("catalog: offers", format!("set azureBased of {} to true or false", offer()))]
        }
        TriageReason::MissingModel => {
            vec![fix("catalog: partners", format!("set the model of {}", partner()))]
        }
        TriageReason::MissingProvider => {
            vec![fix("catalog: partners", format!("set providerId of {}", partner()))]
        }
        TriageReason::UnknownTechnicalSupport => {
            let assigned = known.and_then(|facts| facts.assigned.ok().flatten());
            let id = assigned.or(records.partner).map_or("", |partner| partner.id());
            let what =
                format!("set technicalSupport of {} to what this version knows, or upgrade it", ticked(id));
            vec![fix("catalog: partners", what)]
        }
        TriageReason::UnknownProvider | TriageReason::InvalidProvider => {
            let provider = records.partner.map_or("", |partner| partner.provider_id());
            let what = if reason == TriageReason::UnknownProvider {
                format!("add {}, if it is a partner", ticked(provider))
            } else {
                format!("set the model of {} to MODEL_INDIRECT_PROVIDER, if it is one", ticked(provider))
            };
            let mut fixes = vec![
                fix(
                    "catalog: partners",
                    format!("check providerId of {}: it names {}", partner(), ticked(provider)),
                ),
                fix("catalog: partners", what),
            ];
            let handed_on = known.is_some_and(|facts| facts.assigned.is_err());
            if handed_on {
                fixes.push(fix(
                    "catalog: partners",
                    format!(
                        "take the category off providerHandles of {}, if it keeps such tickets",
                        partner()
                    ),
                ));
            }
            fixes
        }
    }
}

/// Names the known id that was probably meant.
fn misspelt<'c>(id: &str, known: impl Iterator<Item = &'c str>) -> String {
    match nearest(id, known, 1) {
        Some(meant) => format!("check {}; did you mean {}?", ticked(id), ticked(meant)),
        None => format!("check {}, it may be misspelt", ticked(id)),
    }
}

fn unknown_publisher(ticket: &Ticket<'_>, records: &Records<'_>, catalog: &Snapshot) -> Vec<Fix> {
    let fix = |place: &str, what: String| Fix { place: place.to_owned(), what };
    let publishers = || catalog.publishers().map(|it| it.id());
    let of_offer =
        records.offer.filter(|offer| records.publisher.is_none() && !offer.publisher_id().is_empty());
    let (check, id) = match of_offer {
        Some(offer) => {
            let id = offer.publisher_id();
            let mut what = format!("check publisherId of {}: it names {}", ticked(offer.id()), ticked(id));
            if let Some(meant) = nearest(id, publishers(), 1) {
                what.push_str(&format!("; did you mean {}?", ticked(meant)));
            }
            (fix("catalog: offers", what), id)
        }
        None => {
            let id = ticket.requester_id;
            (fix("ticket: requester.id", misspelt(id, publishers())), id)
        }
    };
    vec![check, fix("catalog: publishers", format!("add {}, if it is a publisher", ticked(id)))]
}
