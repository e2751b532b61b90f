//! Single facts that could be otherwise.

use crate::{
    policy::{Policy, Rule},
    proto::v1::{
        partner::{Model, TechnicalSupport},
        ticket::{Category, Severity, requester::Role},
    },
};

/// A change of one fact of a ticket, or of a record that it concerns.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Change {
    /// The catalog has the offer that the ticket names, saying nothing more of it.
    OfferKnown,
    /// The catalog has the offer's publisher, or the one that asks.
    PublisherKnown,
    /// The catalog has the ticket's partner, saying nothing more of it.
    PartnerKnown,
    /// The offer is not Microsoft's own.
    ThirdParty,
    /// The publisher that asks is the offer's.
    OwnOffer,
    /// A partner that asks names no other.
    PartnerAgrees,
    /// The ticket says who asks.
    RequesterNamed,
    /// The ticket names an offer.
    OfferNamed,
    /// The ticket names a partner.
    PartnerNamed,
    /// The ticket names no partner.
    PartnerNotNamed,
    /// The provider of the ticket's partner is named, known and an indirect provider.
    Provider,
    /// The partner's model.
    Model(Model),
    /// What the assigned partner has elected.
    Elects(TechnicalSupport),
    /// Whether the partner leaves the category to its provider.
    HandedOn(bool),
    /// Whether the offer is Azure-based.
    AzureBased(bool),
    /// How urgent the ticket is.
    Severity(Severity),
    /// Where the ticket comes from; none is a source that no rule names.
    Source(Option<String>),
    /// A declared attribute, by its place.
    Attribute(usize, Option<String>),
    /// An offer like it, that no exception names.
    OtherOffer,
    /// A publisher like it.
    OtherPublisher,
    /// A partner like it.
    OtherPartner,
    /// Who asks.
    Role(Role),
    /// What about.
    Category(Category),
}

/// Lists the changes to try for a ticket that `rule` decides now; those that a person would think of first come first.
pub(super) fn candidates(policy: &Policy, rule: Option<&Rule>) -> Vec<Change> {
    use Change as C;
    let mut changes = vec![
        C::OfferKnown,
        C::PublisherKnown,
        C::PartnerKnown,
        C::ThirdParty,
        C::OwnOffer,
        C::PartnerAgrees,
        C::RequesterNamed,
        C::OfferNamed,
        C::PartnerNamed,
        C::Provider,
        C::AzureBased(true),
        C::AzureBased(false),
        C::Elects(TechnicalSupport::Coordinate),
        C::Elects(TechnicalSupport::Refer),
        C::HandedOn(true),
        C::HandedOn(false),
        C::Model(Model::DirectBill),
        C::Model(Model::IndirectProvider),
        C::Model(Model::IndirectReseller),
    ];
    let asks = |column: &str| {
        rule.is_some_and(|rule| rule.conditions.iter().any(|condition| condition.column == column))
    };
    for (column, other) in
        [("offer", C::OtherOffer), ("publisher", C::OtherPublisher), ("partner", C::OtherPartner)]
    {
        changes.extend(asks(column).then_some(other));
    }
    if policy.asks_for("severity") {
        let severities = (0..).map_while(|number| Severity::try_from(number).ok());
        changes.extend(severities.map(C::Severity));
    }
    if policy.asks_for("source") {
        changes.extend(policy.values("source").map(|source| C::Source(Some(source.to_owned()))));
        changes.push(C::Source(None));
    }
    for (place, name) in policy.attributes().iter().enumerate() {
        let value = |value: &str| Some(value.to_owned()).filter(|value| value != "none");
        changes.extend(policy.values(&format!("attribute.{name}")).map(|it| C::Attribute(place, value(it))));
    }
    changes.extend([Role::Customer, Role::Partner, Role::Publisher].map(C::Role));
    changes.extend((0..).map_while(|number| Category::try_from(number).ok()).map(C::Category));
    changes.push(C::PartnerNotNamed);
    changes
}
