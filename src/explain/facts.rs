//! What was known about a ticket, and where it came from.

use super::{
    Fact, Origin,
    words::{ticked, value_name},
};
use crate::{
    catalog::Partner,
    decide::{Facts, Records},
    policy::{Election, Fact as Value, Policy, Rule},
    proto::v1::{decision::TriageReason, partner::TechnicalSupport, ticket::requester::Role},
    ticket::{Coded, Ticket},
};

/// Lists the facts of a ticket in the order of the policy's columns; `known` is none where the ticket is
/// triage before any rule is asked.
pub(super) fn facts(
    policy: &Policy,
    ticket: &Ticket<'_>,
    records: &Records<'_>,
    known: Option<&Facts<'_>>,
    rule: Option<&Rule>,
) -> Vec<Fact> {
    let mut list = List { rule, facts: Vec::new() };
    list.coded("requester", role(ticket), "requester.role", "the ticket does not say who asks");
    list.coded("category", category(ticket), "category", "the ticket has no category");
    let severity = value_name(ticket.severity.as_str_name(), "SEVERITY_");
    list.coded("severity", Some(severity), "severity", "the ticket is not rated");
    list.parties(ticket, records);
    list.model(records);
    if let Some(facts) = known {
        list.assigned(ticket, records, facts);
        list.election(records, facts);
    }
    list.azure_based(records);
    list.text("source", ticket.source, "source", "the ticket does not say where it comes from");
    for (name, value) in policy.attributes().iter().zip(ticket.attributes.iter()) {
        let place = format!("attributes.{name}");
        list.text(
            &format!("attribute.{name}"),
            value.unwrap_or_default(),
            &place,
            "the ticket does not have it",
        );
    }
    list.facts
}

fn unknown_value(partner: &Partner, field: &str) -> String {
    format!("partner {}: {field}: a value that this version does not know", ticked(partner.id()))
}

/// The requester's role; none where it is not known.
pub(super) fn role(ticket: &Ticket<'_>) -> Option<String> {
    match ticket.role {
        Coded::Known(role) => Some(value_name(role.as_str_name(), "ROLE_")),
        Coded::Unknown => None,
    }
}

/// The category; none where it is not known.
pub(super) fn category(ticket: &Ticket<'_>) -> Option<String> {
    match ticket.category {
        Coded::Known(category) => Some(value_name(category.as_str_name(), "CATEGORY_")),
        Coded::Unknown => None,
    }
}

struct List<'r> {
    rule: Option<&'r Rule>,
    facts: Vec<Fact>,
}

impl List<'_> {
    fn push(&mut self, column: &str, value: Option<String>, origin: Origin, place: impl Into<String>) {
        let condition =
            self.rule.and_then(|rule| rule.conditions.iter().find(|condition| condition.column == column));
        self.facts.push(Fact {
            column: column.to_owned(),
            value,
            wanted: condition.map(|condition| condition.words.clone()),
            origin,
            place: place.into(),
        });
    }

    fn absent(&mut self, column: &str, why: impl Into<String>) {
        self.push(column, None, Origin::Absent, why);
    }

    /// A coded field of the ticket: `none` is a value.
    fn coded(&mut self, column: &str, value: Option<String>, field: &str, unsaid: &str) {
        match value.as_deref() {
            None => {
                let why = format!("{field}: a value that this version does not know");
                self.push(column, None, Origin::Ticket, why);
            }
            Some("none") => self.push(column, value, Origin::Absent, unsaid),
            Some(_) => self.push(column, value, Origin::Ticket, field),
        }
    }

    fn text(&mut self, column: &str, value: &str, field: &str, unsaid: &str) {
        if value.is_empty() {
            self.absent(column, unsaid);
        } else {
            self.push(column, Some(value.to_owned()), Origin::Ticket, field);
        }
    }

    fn parties(&mut self, ticket: &Ticket<'_>, records: &Records<'_>) {
        let lacks = |found: bool| if found { "" } else { "; the catalog does not have it" };
        if ticket.offer_id.is_empty() {
            self.absent("offer", "the ticket names no offer");
        } else {
            let place = format!("offerId{}", lacks(records.offer.is_some()));
            self.push("offer", Some(ticket.offer_id.to_owned()), Origin::Ticket, place);
        }
        let found = lacks(records.publisher.is_some());
        match records.offer {
            Some(offer) if !offer.publisher_id().is_empty() => {
                let place = format!("offer {}: publisherId{found}", ticked(offer.id()));
                self.push("publisher", Some(offer.publisher_id().to_owned()), Origin::Catalog, place);
            }
            None if ticket.role == Coded::Known(Role::Publisher) && !ticket.requester_id.is_empty() => {
                let place = format!("requester.id{found}");
                self.push("publisher", Some(ticket.requester_id.to_owned()), Origin::Ticket, place);
            }
            _ => self.absent("publisher", "neither ticket nor offer names one"),
        }
        let found = lacks(records.partner.is_some());
        let (id, field) = match ticket.role {
            Coded::Known(Role::Partner) => (ticket.requester_id, "requester.id"),
            _ => (ticket.partner_id, "partnerId"),
        };
        self.text("partner", id, &format!("{field}{found}"), "the ticket names no partner");
    }

    fn model(&mut self, records: &Records<'_>) {
        match records.partner.map(|partner| (partner, partner.model())) {
            None => self.absent("model", "no record of a partner"),
            Some((partner, None)) if partner.has_unknown_model() => {
                self.absent("model", unknown_value(partner, "model"));
            }
            Some((partner, None)) => {
                self.absent("model", format!("partner {} does not say", ticked(partner.id())))
            }
            Some((partner, Some(model))) => {
                let value = value_name(model.as_str_name(), "MODEL_");
                self.push(
                    "model",
                    Some(value),
                    Origin::Catalog,
                    format!("partner {}: model", ticked(partner.id())),
                );
            }
        }
    }

    /// Whose election counts, and who owns what is the customer's partner's to own.
    fn assigned(&mut self, ticket: &Ticket<'_>, records: &Records<'_>, facts: &Facts<'_>) {
        if facts.case.requester != Role::Customer {
            return;
        }
        match facts.assigned {
            Err(_) => {
                self.absent("assigned-partner", "its provider handles the category, and cannot be told")
            }
            Ok(None) => self.absent("assigned-partner", "the ticket names no partner"),
            Ok(Some(assigned)) if records.partner.is_some_and(|partner| partner.id() != assigned.id()) => {
                let place =
                    format!("partner {}: providerHandles has the category", ticked(ticket.partner_id));
                self.push("assigned-partner", Some(assigned.id().to_owned()), Origin::Catalog, place);
            }
            Ok(Some(assigned)) => {
                self.push("assigned-partner", Some(assigned.id().to_owned()), Origin::Ticket, "partnerId");
            }
        }
    }

    fn election(&mut self, records: &Records<'_>, facts: &Facts<'_>) {
        let column = "technical-support";
        match facts.case.technical_support {
            Value::Absent(TriageReason::UnknownTechnicalSupport) => {
                let assigned = facts.assigned.ok().flatten();
                assigned
                    .into_iter()
                    .for_each(|it| self.absent(column, unknown_value(it, "technicalSupport")));
            }
            Value::Absent(_) => self.absent(column, "the assigned partner cannot be told"),
            Value::Known(Election::NoPartner) => {
                self.push(
                    column,
                    Some("no-partner".to_owned()),
                    Origin::Absent,
                    "the ticket names no partner",
                );
            }
            Value::Known(Election::Refer | Election::Coordinate) => {
                let assigned: Option<&Partner> = facts.assigned.ok().flatten().or(records.partner);
                let Some(partner) = assigned else { return };
                let place = format!("partner {}: technicalSupport", ticked(partner.id()));
                let (value, origin, place) = match partner.technical_support() {
                    None => return,
                    Some(TechnicalSupport::Coordinate) => ("coordinate", Origin::Catalog, place),
                    Some(TechnicalSupport::Refer) => ("refer", Origin::Catalog, place),
                    Some(TechnicalSupport::Unspecified) => {
                        let place = format!("partner {} has elected nothing", ticked(partner.id()));
                        ("refer", Origin::Default, place)
                    }
                };
                self.push(column, Some(value.to_owned()), origin, place);
            }
        }
    }

    fn azure_based(&mut self, records: &Records<'_>) {
        match records.offer.map(|offer| (offer, offer.azure_based())) {
            None => self.absent("azure-based", "no record of an offer"),
            Some((offer, None)) => {
                self.absent("azure-based", format!("offer {} does not say", ticked(offer.id())))
            }
            Some((offer, Some(answer))) => {
                let value = if answer { "yes" } else { "no" };
                let place = format!("offer {}: azureBased", ticked(offer.id()));
                self.push("azure-based", Some(value.to_owned()), Origin::Catalog, place);
            }
        }
    }
}
