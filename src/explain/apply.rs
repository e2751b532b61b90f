//! Making a change, and saying it in words.

use super::{
    change::Change,
    words::{ticked, value_name},
    world::{World, made_up},
};
use crate::{
    policy::Policy,
    proto::v1::{
        self,
        partner::{Model, TechnicalSupport},
        ticket::requester::Role,
    },
    ticket::Coded,
};

impl Change {
    /// Makes the change and says it in words that go after "if"; none where it changes nothing or makes no sense here.
    pub(super) fn apply(&self, policy: &Policy, world: &mut World) -> Option<String> {
        match self {
            Self::OfferKnown | Self::PublisherKnown | Self::PartnerKnown => self.complete_catalog(world),
            Self::ThirdParty | Self::AzureBased(_) | Self::OtherOffer | Self::OtherPublisher => {
                self.change_offer(world)
            }
            Self::Provider | Self::Model(_) | Self::Elects(_) | Self::HandedOn(_) | Self::OtherPartner => {
                self.change_partner(world)
            }
            Self::Role(role) => change_role(*role, world),
            Self::OwnOffer | Self::PartnerAgrees | Self::RequesterNamed => self.change_requester(world),
            Self::OfferNamed | Self::PartnerNamed | Self::PartnerNotNamed => self.change_names(world),
            Self::Severity(_) | Self::Source(_) | Self::Attribute(..) | Self::Category(_) => {
                self.change_ticket(policy, world)
            }
        }
    }

    fn complete_catalog(&self, world: &mut World) -> Option<String> {
        match self {
            Self::OfferKnown if !world.offer_id.is_empty() && world.offer.is_none() => {
                world.offer = Some(some_offer(&world.offer_id));
                world.publishers.insert(made_up::PUBLISHER.to_owned());
                Some(format!("the catalog had offer {}", ticked(&world.offer_id)))
            }
            Self::PublisherKnown => {
                let of_offer = world.offer.as_ref().map(|offer| &offer.publisher_id);
                let asks = (world.role == Coded::Known(Role::Publisher)).then_some(&world.requester_id);
                let id = of_offer.or(asks)?.clone();
                (!id.is_empty() && world.publishers.insert(id.clone()))
                    .then(|| format!("the catalog had publisher {}", ticked(&id)))
            }
            Self::PartnerKnown => {
                let id = world.ticket_partner().to_owned();
                if id.is_empty() || world.partners.contains_key(&id) {
                    return None;
                }
                world.partners.insert(id.clone(), some_partner(&id));
                Some(format!("the catalog had partner {}", ticked(&id)))
            }
            _ => None,
        }
    }

    fn change_offer(&self, world: &mut World) -> Option<String> {
        let offer = world.offer.as_mut()?;
        let name = format!("offer {}", ticked(&offer.id));
        match self {
            Self::ThirdParty if offer.first_party => {
                offer.first_party = false;
                if offer.publisher_id.is_empty() {
                    offer.publisher_id = made_up::PUBLISHER.to_owned();
                    world.publishers.insert(made_up::PUBLISHER.to_owned());
                }
                Some(format!("{name} were a third party's (firstParty)"))
            }
            Self::AzureBased(answer) if offer.azure_based != Some(*answer) => {
                offer.azure_based = Some(*answer);
                let not = if *answer { "" } else { "not " };
                let name = if offer.id == made_up::OFFER { "it" } else { &name };
                Some(format!("{name} were {not}Azure-based (azureBased)"))
            }
            Self::OtherOffer if offer.id != made_up::OFFER => {
                offer.id = made_up::OFFER.to_owned();
                world.offer_id = made_up::OFFER.to_owned();
                Some(format!("it were not about {name}, but about another one like it"))
            }
            Self::OtherPublisher
                if !offer.publisher_id.is_empty() && offer.publisher_id != made_up::PUBLISHER =>
            {
                let old = std::mem::replace(&mut offer.publisher_id, made_up::PUBLISHER.to_owned());
                if world.role == Coded::Known(Role::Publisher) {
                    world.requester_id = made_up::PUBLISHER.to_owned();
                }
                world.publishers.insert(made_up::PUBLISHER.to_owned());
                Some(format!("the publisher were not {}, but another one", ticked(&old)))
            }
            _ => None,
        }
    }

    fn change_partner(&self, world: &mut World) -> Option<String> {
        let handed_on = world.is_handed_on();
        if let Self::Provider = self {
            return give_provider(world);
        }
        if let Self::Elects(election) = self {
            let customer_asks = world.role == Coded::Known(Role::Customer);
            let partner = world.assigned_mut().filter(|_| customer_asks)?;
            let elected = TechnicalSupport::try_from(partner.technical_support);
            let coordinates = *election == TechnicalSupport::Coordinate;
            if elected.is_ok_and(|it| (it == TechnicalSupport::Coordinate) == coordinates) {
                return None;
            }
            partner.set_technical_support(*election);
            let what =
                if coordinates { "coordinated technical support" } else { "referred technical tickets" };
            return Some(format!("{} {what} (technicalSupport)", partner_words(&partner.id)));
        }
        let Coded::Known(category) = world.category else { return None };
        let customer_asks = world.role == Coded::Known(Role::Customer);
        let partner = world.partner_mut()?;
        let name = partner_words(&partner.id);
        match self {
            Self::Model(model) if partner.model() != *model => {
                partner.set_model(*model);
                let model = match model {
                    Model::DirectBill => "a direct-bill partner",
                    Model::IndirectProvider => "an indirect provider",
                    _ => "an indirect reseller",
                };
                Some(format!("{name} were {model} (model)"))
            }
            Self::HandedOn(true)
                if customer_asks && !handed_on && partner.model() == Model::IndirectReseller =>
            {
                partner.provider_handles.push(category.into());
                Some(format!("{name} left the category to its provider (providerHandles)"))
            }
            Self::HandedOn(false) if customer_asks && handed_on => {
                partner.provider_handles.retain(|&it| it != i32::from(category));
                Some(format!("{name} did not leave the category to its provider (providerHandles)"))
            }
            Self::OtherPartner if partner.id != made_up::PARTNER => {
                let old = partner.id.clone();
                let other = v1::Partner { id: made_up::PARTNER.to_owned(), ..partner.clone() };
                world.partners.insert(made_up::PARTNER.to_owned(), other);
                for id in [&mut world.partner_id, &mut world.requester_id] {
                    if *id == old {
                        *id = made_up::PARTNER.to_owned();
                    }
                }
                Some(format!("the partner were not {}, but another one like it", ticked(&old)))
            }
            _ => None,
        }
    }

    fn change_requester(&self, world: &mut World) -> Option<String> {
        let of_offer = world.offer.as_ref().map(|offer| offer.publisher_id.clone());
        match (self, world.role) {
            (Self::OwnOffer, Coded::Known(Role::Publisher)) => {
                let id = of_offer.filter(|id| !id.is_empty() && *id != world.requester_id)?;
                let words = format!("its publisher {} asked (requester.id)", ticked(&id));
                world.requester_id = id;
                Some(words)
            }
            (Self::PartnerAgrees, Coded::Known(Role::Partner)) => {
                if world.partner_id.is_empty() || world.partner_id == world.requester_id {
                    return None;
                }
                let old = std::mem::take(&mut world.partner_id);
                Some(format!("it did not name partner {} too (partnerId)", ticked(&old)))
            }
            (Self::RequesterNamed, Coded::Known(role @ (Role::Partner | Role::Publisher)))
                if world.requester_id.is_empty() =>
            {
                world.requester_id =
                    if role == Role::Partner { asking_partner(world) } else { asking_publisher(world) };
                Some("it said who asks (requester.id)".to_owned())
            }
            _ => None,
        }
    }

    fn change_names(&self, world: &mut World) -> Option<String> {
        let is_partners = world.role == Coded::Known(Role::Partner);
        match self {
            Self::OfferNamed if world.offer_id.is_empty() => {
                let mut offer = some_offer(made_up::OFFER);
                if world.role == Coded::Known(Role::Publisher) {
                    offer.publisher_id.clone_from(&world.requester_id);
                }
                world.publishers.insert(offer.publisher_id.clone());
                made_up::OFFER.clone_into(&mut world.offer_id);
                world.offer = Some(offer);
                Some("it named its offer (offerId)".to_owned())
            }
            Self::PartnerNamed if world.partner_id.is_empty() && !is_partners => {
                made_up::PARTNER.clone_into(&mut world.partner_id);
                world.partners.insert(made_up::PARTNER.to_owned(), some_partner(made_up::PARTNER));
                Some("it named a partner (partnerId)".to_owned())
            }
            Self::PartnerNotNamed if !world.partner_id.is_empty() && !is_partners => {
                world.partner_id.clear();
                Some("it named no partner (partnerId)".to_owned())
            }
            _ => None,
        }
    }

    fn change_ticket(&self, policy: &Policy, world: &mut World) -> Option<String> {
        match self {
            Self::Severity(severity) if world.severity != *severity => {
                world.severity = *severity;
                Some(format!("the severity were {}", value_name(severity.as_str_name(), "SEVERITY_")))
            }
            Self::Source(source) if source.as_ref() != Some(&world.source) => {
                world.source = source.clone().unwrap_or_else(|| made_up::SOURCE.to_owned());
                Some(source.as_ref().map_or_else(
                    || "it came from another source".to_owned(),
                    |source| format!("it came from source {}", ticked(source)),
                ))
            }
            Self::Attribute(place, value) => {
                let now = world.attributes.get_mut(*place).filter(|now| *now != value)?;
                now.clone_from(value);
                let name = ticked(&policy.attributes()[*place]);
                Some(match value {
                    Some(value) => format!("attribute {name} were {}", ticked(value)),
                    None => format!("it had no attribute {name}"),
                })
            }
            Self::Category(category) if world.category != Coded::Known(*category) => {
                world.category = Coded::Known(*category);
                Some(String::new())
            }
            _ => None,
        }
    }
}

/// Gives the ticket's partner a provider that is one.
fn give_provider(world: &mut World) -> Option<String> {
    let partner = world.partner()?.clone();
    let name = partner_words(&partner.id);
    if partner.provider_id.is_empty() {
        if let Some(partner) = world.partner_mut() {
            made_up::PROVIDER.clone_into(&mut partner.provider_id);
        }
        let mut provider = some_partner(made_up::PROVIDER);
        provider.set_model(Model::IndirectProvider);
        world.partners.insert(made_up::PROVIDER.to_owned(), provider);
        return Some(format!("{name} named its provider (providerId)"));
    }
    let id = partner.provider_id;
    if let Some(provider) = world.partners.get_mut(&id) {
        if provider.model() == Model::IndirectProvider {
            return None;
        }
        provider.set_model(Model::IndirectProvider);
        return Some(format!("partner {} were an indirect provider (model)", ticked(&id)));
    }
    let mut provider = some_partner(&id);
    provider.set_model(Model::IndirectProvider);
    world.partners.insert(id.clone(), provider);
    Some(format!("the catalog had provider {}", ticked(&id)))
}

/// Lets somebody else ask, about the same offer.
fn change_role(role: Role, world: &mut World) -> Option<String> {
    if world.role == Coded::Known(role) {
        return None;
    }
    match role {
        Role::Partner => {
            world.requester_id = asking_partner(world);
            world.partner_id.clear();
            world.role = Coded::Known(role);
            Some(match world.requester_id.as_str() {
                made_up::PARTNER => "a partner asked (requester.role)".to_owned(),
                id => format!("partner {} asked (requester.role)", ticked(id)),
            })
        }
        Role::Publisher => {
            world.requester_id = asking_publisher(world);
            world.role = Coded::Known(role);
            Some(match world.requester_id.as_str() {
                made_up::PUBLISHER => "a publisher asked (requester.role)".to_owned(),
                id => format!("publisher {} asked (requester.role)", ticked(id)),
            })
        }
        _ => {
            let mut words = "a customer asked (requester.role)".to_owned();
            if world.role == Coded::Known(Role::Partner) {
                world.partner_id.clone_from(&world.requester_id);
                words = format!("a customer of {} asked (requester.role)", ticked(&world.partner_id));
            }
            world.role = Coded::Known(role);
            Some(words)
        }
    }
}

/// The partner that would ask: the one that the ticket names, or any.
fn asking_partner(world: &mut World) -> String {
    let named =
        [&world.partner_id, &world.requester_id].into_iter().find(|id| world.partners.contains_key(*id));
    if let Some(id) = named {
        return id.clone();
    }
    world.partners.insert(made_up::PARTNER.to_owned(), some_partner(made_up::PARTNER));
    made_up::PARTNER.to_owned()
}

/// The publisher that would ask: the offer's, or any.
fn asking_publisher(world: &mut World) -> String {
    if let Some(offer) = world.offer.as_ref().filter(|offer| !offer.publisher_id.is_empty()) {
        return offer.publisher_id.clone();
    }
    if !world.publishers.contains(&world.requester_id) {
        world.publishers.insert(made_up::PUBLISHER.to_owned());
        return made_up::PUBLISHER.to_owned();
    }
    world.requester_id.clone()
}

/// A third party's offer whose record says no more than it must.
fn some_offer(id: &str) -> v1::Offer {
    v1::Offer { id: id.to_owned(), publisher_id: made_up::PUBLISHER.to_owned(), ..Default::default() }
}

/// A partner whose record says no more than it must.
fn some_partner(id: &str) -> v1::Partner {
    v1::Partner { id: id.to_owned(), ..Default::default() }
}

fn partner_words(id: &str) -> String {
    match id {
        made_up::PARTNER => "that partner".to_owned(),
        made_up::PROVIDER => "that provider".to_owned(),
        id => format!("partner {}", ticked(id)),
    }
}
