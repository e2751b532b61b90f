//! A ticket and the records it concerns, as they are or as they could be.

use std::collections::{BTreeMap, BTreeSet};

use prost::Message;

use crate::{
    catalog::{Draft, Encodings, Offer, Partner, Publisher, Record, Snapshot},
    decide::{Assignee, Ruling, decide},
    policy::{Policy, RuleIndex},
    proto::v1::{
        self,
        decision::Owner,
        partner::Model,
        ticket::{Category, Severity, requester::Role},
    },
    ticket::{Attributes, Coded, Format, Ticket},
};

/// Ids of parties that a ticket could name. No ticket has them: a NUL comes first.
pub(super) mod made_up {
    pub(crate) const OFFER: &str = "\0offer";
    pub(crate) const PUBLISHER: &str = "\0publisher";
    pub(crate) const PARTNER: &str = "\0partner";
    pub(crate) const PROVIDER: &str = "\0provider";
    pub(crate) const SOURCE: &str = "\0source";
}

/// Everything that a decision about one ticket looks at.
#[derive(Clone)]
pub(super) struct World {
    pub role: Coded<Role>,
    pub requester_id: String,
    pub partner_id: String,
    pub offer_id: String,
    pub category: Coded<Category>,
    pub severity: Severity,
    pub source: String,
    pub attributes: Vec<Option<String>>,
    /// The offer that is named, if the catalog has it.
    pub offer: Option<v1::Offer>,
    /// The publishers that the catalog has.
    pub publishers: BTreeSet<String>,
    /// The partners that the catalog has.
    pub partners: BTreeMap<String, v1::Partner>,
}

/// An owner, and by which rule.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Owned {
    pub owner: Owner,
    pub id: String,
    pub rule: RuleIndex,
}

impl World {
    /// The world as it is.
    pub(super) fn of(ticket: &Ticket<'_>, catalog: &Snapshot) -> Self {
        let offer = catalog
            .offer(ticket.offer_id)
            .and_then(|it| v1::Offer::decode(it.encoded(Format::Protobuf)).ok());
        let mut publishers = BTreeSet::new();
        for id in [Some(ticket.requester_id), offer.as_ref().map(|it| it.publisher_id.as_str())]
            .into_iter()
            .flatten()
        {
            publishers.extend(catalog.publisher(id).map(|it| it.id().to_owned()));
        }
        let mut partners = BTreeMap::new();
        let named = [ticket.requester_id, ticket.partner_id].into_iter().filter_map(|id| catalog.partner(id));
        for partner in named.flat_map(|it| [Some(it), catalog.partner(it.provider_id())]).flatten() {
            if let Ok(message) = v1::Partner::decode(partner.encoded(Format::Protobuf)) {
                partners.insert(partner.id().to_owned(), message);
            }
        }
        Self {
            role: ticket.role,
            requester_id: ticket.requester_id.to_owned(),
            partner_id: ticket.partner_id.to_owned(),
            offer_id: ticket.offer_id.to_owned(),
            category: ticket.category,
            severity: ticket.severity,
            source: ticket.source.to_owned(),
            attributes: ticket.attributes.iter().map(|value| value.map(str::to_owned)).collect(),
            offer,
            publishers,
            partners,
        }
    }

    /// Decides the ticket in this world; none for triage.
    pub(super) fn decide(&self, policy: &Policy) -> Option<Owned> {
        let kept = Encodings::PROTOBUF;
        let mut draft = Draft::new();
        if let Some(offer) = &self.offer {
            draft.upsert(Offer::build(offer, kept).ok()?);
        }
        for id in &self.publishers {
            draft.upsert(
                Publisher::build(&v1::Publisher { id: id.clone(), ..Default::default() }, kept).ok()?,
            );
        }
        for partner in self.partners.values() {
            draft.upsert(Partner::build(partner, kept).ok()?);
        }
        let catalog = draft.finish();
        let attributes: Vec<Option<&str>> = self.attributes.iter().map(Option::as_deref).collect();
        let ticket = Ticket {
            id: "as it could be",
            source: &self.source,
            role: self.role,
            requester_id: &self.requester_id,
            partner_id: &self.partner_id,
            offer_id: &self.offer_id,
            category: self.category,
            severity: self.severity,
            attributes: Attributes::of(&attributes),
        };
        match decide(policy, &catalog, &ticket).ruling {
            Ruling::Owned { rule, assignee, .. } => Some(Owned::new(assignee, rule)),
            Ruling::Triage { .. } => None,
        }
    }

    /// The id of the ticket's partner: the one that asks, or else the one that is named.
    pub(super) fn ticket_partner(&self) -> &str {
        if self.role == Coded::Known(Role::Partner) { &self.requester_id } else { &self.partner_id }
    }

    /// The record of the ticket's partner.
    pub(super) fn partner(&self) -> Option<&v1::Partner> {
        self.partners.get(self.ticket_partner())
    }

    /// The record of the ticket's partner, to be changed.
    pub(super) fn partner_mut(&mut self) -> Option<&mut v1::Partner> {
        let id = self.ticket_partner().to_owned();
        self.partners.get_mut(&id)
    }

    /// Says whether the ticket's partner leaves the category to its provider.
    pub(super) fn is_handed_on(&self) -> bool {
        let Coded::Known(category) = self.category else { return false };
        self.partner().is_some_and(|it| {
            it.model() == Model::IndirectReseller && it.provider_handles.contains(&category.into())
        })
    }

    /// The record of the partner whose election counts, to be changed.
    pub(super) fn assigned_mut(&mut self) -> Option<&mut v1::Partner> {
        let id = match self.partner() {
            Some(partner) if self.is_handed_on() => partner.provider_id.clone(),
            _ => self.ticket_partner().to_owned(),
        };
        self.partners.get_mut(&id)
    }
}

impl Owned {
    pub(super) fn new(assignee: Assignee<'_>, rule: RuleIndex) -> Self {
        Self { owner: assignee.owner(), id: assignee.id().to_owned(), rule }
    }

    /// Says whether both are the same party, by whatever rule.
    pub(super) fn is_same_party(&self, other: &Self) -> bool {
        self.owner == other.owner && self.id == other.id
    }
}
