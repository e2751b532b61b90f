//! Who owns a ticket, written from the document of ownership alone, row by row. It knows no policy file and no decision table.

use ticket_router_proof::{
    judge::Ticket,
    topics::{MICROSOFT, PARTNER, PUBLISHER, TRIAGE},
    world::{Catalog, Partner},
};

/// A topic, and the party that the ticket is assigned to.
pub type Owner = (usize, String);

/// The policy's variants that a run uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    AsWritten,
    /// A partner that asks how to reach a publisher is sent to the publisher, not to Microsoft (row 11).
    ContactsAtPublisher,
}

const COMMERCE: [&str; 7] = [
    "CATEGORY_BILLING",
    "CATEGORY_SUBSCRIPTION_MANAGEMENT",
    "CATEGORY_ACCOUNT_SETUP",
    "CATEGORY_PAYMENT",
    "CATEGORY_OFFER_MANAGEMENT",
    "CATEGORY_TRANSACTION",
    "CATEGORY_ACCOUNT_SUPPORT",
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Technical,
    Commerce,
    Azure,
    PublisherContact,
    Enablement,
    Other,
}

/// The topic of a ticket, and whom it is assigned to there.
pub fn owner(ticket: &Ticket, catalog: &Catalog, policy: Policy) -> Owner {
    decided(ticket, catalog, policy).unwrap_or_else(|| (TRIAGE, String::new()))
}

/// Nothing is triage.
fn decided(ticket: &Ticket, catalog: &Catalog, policy: Policy) -> Option<Owner> {
    let role = ticket.role?;
    let category = ticket.category?;
    let class = class(category);
    let offer = match ticket.offer.as_str() {
        "" => None,
        id => Some(catalog.offers.get(id)?),
    };
    if offer.is_some_and(|it| it.first_party || !catalog.publishers.contains_key(&it.publisher_id)) {
        return None;
    }
    let named = match ticket.partner.as_str() {
        "" => None,
        id => Some(catalog.partners.get(id)?),
    };
    let publisher = || Some((PUBLISHER, offer?.publisher_id.clone()));
    let microsoft = Some((MICROSOFT, String::new()));
    match role {
        "ROLE_CUSTOMER" => {
            let assigned = match named {
                Some(it) if it.model == RESELLER && it.provider_handles.iter().any(|it| it == category) => {
                    Some(provider(it, catalog)?)
                }
                it => it,
            };
            let refers = assigned.is_none_or(|it| it.technical_support != "TECHNICAL_SUPPORT_COORDINATE");
            if class == Class::Technical && refers {
                publisher()
            } else {
                Some((PARTNER, assigned?.id.clone()))
            }
        }
        "ROLE_PARTNER" => {
            let asking = catalog.partners.get(&ticket.requester)?;
            if named.is_some_and(|it| it.id != asking.id) {
                return None;
            }
            match (class, asking.model.as_str()) {
                (Class::Technical, _) => publisher(),
                (_, RESELLER) => Some((PARTNER, provider(asking, catalog)?.id.clone())),
                (_, "") => None,
                (Class::Commerce, _) => microsoft,
                (Class::PublisherContact, _) => match policy {
                    Policy::AsWritten => microsoft,
                    Policy::ContactsAtPublisher => publisher(),
                },
                (Class::Azure, _) => {
                    if offer?.azure_based? {
                        microsoft
                    } else {
                        publisher()
                    }
                }
                (Class::Enablement | Class::Other, _) => publisher(),
            }
        }
        "ROLE_PUBLISHER" => {
            let asking = ticket.requester.as_str();
            let is_onboarding = class == Class::Commerce && offer.is_none();
            let is_unknown = !catalog.publishers.contains_key(asking) && !is_onboarding;
            if asking.is_empty() || is_unknown || offer.is_some_and(|it| it.publisher_id != asking) {
                return None;
            }
            let itself = Some((PUBLISHER, asking.to_owned()));
            match class {
                Class::Commerce => microsoft,
                Class::Azure => {
                    if offer?.azure_based? {
                        microsoft
                    } else {
                        itself
                    }
                }
                Class::Technical | Class::Enablement => itself,
                Class::PublisherContact | Class::Other => None,
            }
        }
        _ => None,
    }
}

const RESELLER: &str = "MODEL_INDIRECT_RESELLER";

fn provider<'a>(reseller: &Partner, catalog: &'a Catalog) -> Option<&'a Partner> {
    let provider = catalog.partners.get(&reseller.provider_id)?;
    (provider.model == "MODEL_INDIRECT_PROVIDER").then_some(provider)
}

fn class(category: &str) -> Class {
    match category {
        "CATEGORY_USER_SUPPORT" | "CATEGORY_BREAK_FIX" => Class::Technical,
        "CATEGORY_DEPLOYMENT" | "CATEGORY_PROVISIONING" => Class::Azure,
        "CATEGORY_PUBLISHER_CONTACT" => Class::PublisherContact,
        "CATEGORY_PARTNER_ENABLEMENT" => Class::Enablement,
        it if COMMERCE.contains(&it) => Class::Commerce,
        _ => Class::Other,
    }
}

#[cfg(test)]
mod tests {
    use ticket_router_proof::world::{Offer, Publisher};

    use super::*;

    fn catalog() -> Catalog {
        let mut catalog = Catalog::default();
        for (id, azure_based) in [("azure", Some(true)), ("elsewhere", Some(false)), ("silent", None)] {
            let offer =
                Offer { id: id.into(), publisher_id: "contoso".into(), azure_based, ..Offer::default() };
            catalog.offers.insert(id.into(), offer);
        }
        catalog.publishers.insert("contoso".into(), Publisher { id: "contoso".into(), name: String::new() });
        for (id, model, election) in [
            ("direct", "MODEL_DIRECT_BILL", "TECHNICAL_SUPPORT_COORDINATE"),
            ("provider", "MODEL_INDIRECT_PROVIDER", "TECHNICAL_SUPPORT_REFER"),
            ("reseller", "MODEL_INDIRECT_RESELLER", "TECHNICAL_SUPPORT_COORDINATE"),
        ] {
            let mut partner = Partner {
                id: id.into(),
                model: model.into(),
                technical_support: election.into(),
                ..Partner::default()
            };
            if id == "reseller" {
                partner.provider_id = "provider".into();
                partner.provider_handles = vec!["CATEGORY_BILLING".into(), "CATEGORY_BREAK_FIX".into()];
            }
            catalog.partners.insert(id.into(), partner);
        }
        catalog
    }

    /// Role, requester, partner, offer, category; and the owner of the row of the document's table.
    #[test]
    fn tickets_go_where_the_document_says() {
        for (row, [role, requester, partner, offer, category], topic, assignee) in [
            (1, ["CUSTOMER", "c", "provider", "azure", "USER_SUPPORT"], PUBLISHER, "contoso"),
            (2, ["CUSTOMER", "c", "reseller", "azure", "BREAK_FIX"], PUBLISHER, "contoso"),
            (3, ["CUSTOMER", "c", "direct", "azure", "BREAK_FIX"], PARTNER, "direct"),
            (4, ["CUSTOMER", "c", "reseller", "azure", "BILLING"], PARTNER, "provider"),
            (5, ["CUSTOMER", "c", "direct", "azure", "DEPLOYMENT"], PARTNER, "direct"),
            (6, ["CUSTOMER", "c", "direct", "", "UNSPECIFIED"], PARTNER, "direct"),
            (7, ["PARTNER", "reseller", "", "azure", "USER_SUPPORT"], PUBLISHER, "contoso"),
            (9, ["PARTNER", "reseller", "", "", "PAYMENT"], PARTNER, "provider"),
            (10, ["PARTNER", "direct", "direct", "", "PAYMENT"], MICROSOFT, ""),
            (11, ["PARTNER", "provider", "", "azure", "PUBLISHER_CONTACT"], MICROSOFT, ""),
            (12, ["PARTNER", "direct", "", "azure", "PROVISIONING"], MICROSOFT, ""),
            (13, ["PARTNER", "direct", "", "elsewhere", "PROVISIONING"], PUBLISHER, "contoso"),
            (14, ["PARTNER", "direct", "", "azure", "OTHER"], PUBLISHER, "contoso"),
            (15, ["PUBLISHER", "new", "", "", "OFFER_MANAGEMENT"], MICROSOFT, ""),
            (16, ["PUBLISHER", "contoso", "", "azure", "DEPLOYMENT"], MICROSOFT, ""),
            (17, ["PUBLISHER", "contoso", "", "elsewhere", "DEPLOYMENT"], PUBLISHER, "contoso"),
            (18, ["PUBLISHER", "contoso", "", "", "BREAK_FIX"], PUBLISHER, "contoso"),
            (19, ["PUBLISHER", "contoso", "", "azure", "OTHER"], TRIAGE, ""),
            (12, ["PARTNER", "direct", "", "silent", "PROVISIONING"], TRIAGE, ""),
            (4, ["CUSTOMER", "c", "direct", "unknown", "BILLING"], TRIAGE, ""),
            (4, ["CUSTOMER", "c", "", "azure", "BILLING"], TRIAGE, ""),
            (10, ["PARTNER", "direct", "provider", "", "BILLING"], TRIAGE, ""),
            (15, ["PUBLISHER", "new", "", "azure", "BILLING"], TRIAGE, ""),
        ] {
            let ticket = Ticket {
                role: Some(Box::leak(format!("ROLE_{role}").into_boxed_str())),
                requester: requester.into(),
                partner: partner.into(),
                offer: offer.into(),
                category: Some(Box::leak(format!("CATEGORY_{category}").into_boxed_str())),
                ..Ticket::default()
            };
            let got = owner(&ticket, &catalog(), Policy::AsWritten);
            assert_eq!(got, (topic, assignee.to_owned()), "row {row}: {ticket:?}");
        }
    }
}
