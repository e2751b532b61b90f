//! Who owns a ticket of a run: the oracle of the core's own tests, asked about a ticket and a catalog. It is written from the document of
//! ownership alone, row by row, and knows no policy file, no decision table, and nothing of the router's types.

#[path = "../../../src/decide/tests/oracle.rs"]
mod document;

use ticket_router_proof::{
    judge::Ticket,
    topics::{MICROSOFT, PARTNER, PUBLISHER, TRIAGE},
    world::{Catalog, Partner},
};

use self::document::{
    Answer, AskingPublisher, Asks, Elected, Id, Model, Offer, PartnerToo, ProviderIs, Situation, Who, read,
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

/// The topic of a ticket, and whom it is assigned to there.
pub fn owner(ticket: &Ticket, catalog: &Catalog, policy: Policy) -> Owner {
    let triage = || (TRIAGE, String::new());
    let offer_publisher =
        || catalog.offers.get(&ticket.offer).map_or_else(triage, |it| (PUBLISHER, it.publisher_id.clone()));
    let Answer::Owned { row, who, .. } = read(&situation(ticket, catalog)) else { return triage() };
    if row == 11 && policy == Policy::ContactsAtPublisher {
        return offer_publisher();
    }
    let partner = partner_of(ticket);
    match who {
        Who::OfferPublisher => offer_publisher(),
        Who::AskingPublisher => (PUBLISHER, ticket.requester.clone()),
        Who::Partner => (PARTNER, partner.to_owned()),
        Who::Provider => (PARTNER, catalog.partners[partner].provider_id.clone()),
        Who::Microsoft => (MICROSOFT, String::new()),
    }
}

/// The id of the partner that the situation is about.
fn partner_of(ticket: &Ticket) -> &str {
    if ticket.role == Some("ROLE_PARTNER") { &ticket.requester } else { &ticket.partner }
}

fn situation(ticket: &Ticket, catalog: &Catalog) -> Situation {
    let id = |id: &str, is_known: bool| match (id, is_known) {
        ("", _) => Id::Absent,
        (_, true) => Id::Present,
        (_, false) => Id::NotInCatalog,
    };
    let category = ticket.category.unwrap_or("CATEGORY_UNKNOWN");
    let offer = catalog.offers.get(&ticket.offer);
    let partner_id = partner_of(ticket);
    Situation {
        asks: match ticket.role {
            Some("ROLE_CUSTOMER") => Asks::Customer,
            Some("ROLE_PARTNER") => Asks::Partner,
            Some("ROLE_PUBLISHER") => Asks::Publisher,
            Some(_) => Asks::Missing,
            None => Asks::Unknown,
        },
        category: match category {
            "CATEGORY_UNSPECIFIED" => "NONE",
            named => named.trim_start_matches("CATEGORY_"),
        },
        offer: match (ticket.offer.as_str(), offer) {
            ("", _) => Offer::Absent,
            (_, None) => Offer::NotInCatalog,
            (_, Some(it)) => Offer::Present {
                azure_based: it.azure_based,
                first_party: it.first_party,
                publisher: id(&it.publisher_id, catalog.publishers.contains_key(&it.publisher_id)),
            },
        },
        partner: partner(catalog.partners.get(partner_id).unwrap_or(&Partner::default()), category, catalog),
        partner_id: id(partner_id, catalog.partners.contains_key(partner_id)),
        partner_too: match ticket.partner.as_str() {
            "" => PartnerToo::Absent,
            named if !catalog.partners.contains_key(named) => PartnerToo::NotInCatalog,
            named if named == ticket.requester => PartnerToo::Same,
            _ => PartnerToo::Other,
        },
        publisher: match ticket.requester.as_str() {
            "" => AskingPublisher::Missing,
            asking if !catalog.publishers.contains_key(asking) => AskingPublisher::NotInCatalog,
            asking if offer.is_some_and(|it| it.publisher_id == asking) => AskingPublisher::Same,
            _ => AskingPublisher::Other,
        },
    }
}

fn partner(record: &Partner, category: &str, catalog: &Catalog) -> document::Partner {
    let provider = match (record.provider_id.as_str(), catalog.partners.get(&record.provider_id)) {
        ("", _) => ProviderIs::NotNamed,
        (_, None) => ProviderIs::NotInCatalog,
        (_, Some(it)) => match (model(it), elected(it)) {
            (Model::Provider, Elected::Coordinate) => ProviderIs::Coordinates,
            (Model::Provider, Elected::Unknown) => ProviderIs::ElectsUnknown,
            (Model::Provider, _) => ProviderIs::Refers,
            (Model::Unsaid, _) => ProviderIs::WithoutModel,
            (Model::Unknown, _) => ProviderIs::WithUnknownModel,
            _ => ProviderIs::NoProvider,
        },
    };
    let hands_on = record.provider_handles.iter().any(|it| it == category);
    document::Partner { model: model(record), elected: elected(record), provider, hands_on }
}

fn model(partner: &Partner) -> Model {
    match partner.model.as_str() {
        "" => Model::Unsaid,
        "MODEL_DIRECT_BILL" => Model::Direct,
        "MODEL_INDIRECT_PROVIDER" => Model::Provider,
        "MODEL_INDIRECT_RESELLER" => Model::Reseller,
        _ => Model::Unknown,
    }
}

fn elected(partner: &Partner) -> Elected {
    match partner.technical_support.as_str() {
        "" => Elected::Nothing,
        "TECHNICAL_SUPPORT_REFER" => Elected::Refer,
        "TECHNICAL_SUPPORT_COORDINATE" => Elected::Coordinate,
        _ => Elected::Unknown,
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
