//! Makes the catalog of a run.

use ticket_router_proof::world::{Catalog, Offer, Partner, Publisher, World};

const OFFERS: usize = 120;
const PUBLISHERS: usize = 20;
const PARTNERS: usize = 36;
/// Every so many offers and partners flip.
const FLIPS_EVERY: usize = 4;

const MODELS: [&str; 3] = ["MODEL_DIRECT_BILL", "MODEL_INDIRECT_PROVIDER", "MODEL_INDIRECT_RESELLER"];
const DIRECT: usize = 0;
const PROVIDER: usize = 1;
const RESELLER: usize = 2;

pub fn make() -> World {
    World { states: [0, 1].map(catalog) }
}

/// The ids of the records that differ between the states, with what they are in the state wanted.
pub fn changed(world: &World, state: usize) -> (Vec<&Offer>, Vec<&Partner>) {
    let [now, other] = [&world.states[state], &world.states[1 - state]];
    let offers = now.offers.values().filter(|it| other.offers.get(&it.id) != Some(it)).collect();
    let partners = now.partners.values().filter(|it| other.partners.get(&it.id) != Some(it)).collect();
    (offers, partners)
}

fn catalog(state: usize) -> Catalog {
    let offers = (0..OFFERS).map(|n| offer(n, state)).map(|it| (it.id.clone(), it));
    let partners = (0..PARTNERS).map(|n| partner(n, state)).map(|it| (it.id.clone(), it));
    let publishers =
        (0..PUBLISHERS).map(|n| Publisher { id: publisher_id(n), name: format!("Publisher {n}") });
    Catalog {
        offers: offers.collect(),
        partners: partners.collect(),
        publishers: publishers.map(|it| (it.id.clone(), it)).collect(),
    }
}

fn publisher_id(n: usize) -> String {
    format!("publisher-{n}")
}

fn offer(n: usize, state: usize) -> Offer {
    let mut offer = Offer {
        id: format!("offer-{n}"),
        publisher_id: publisher_id(n % PUBLISHERS),
        title: format!("Offer {n}"),
        azure_based: Some(n.is_multiple_of(2)),
        first_party: false,
    };
    match n % 24 {
        // Its publisher is in no catalog.
        5 => offer.publisher_id = format!("nobody-{n}"),
        11 => offer.azure_based = None,
        17 => {
            offer.first_party = true;
            offer.publisher_id = String::new();
        }
        _ if n.is_multiple_of(FLIPS_EVERY) => offer.azure_based = Some(state == 0),
        _ => {}
    }
    offer
}

fn partner(n: usize, state: usize) -> Partner {
    let model = n % 3;
    let mut partner = Partner {
        id: format!("partner-{n}"),
        name: format!("Partner {n}"),
        model: MODELS[model].to_owned(),
        technical_support: ["TECHNICAL_SUPPORT_COORDINATE", "TECHNICAL_SUPPORT_REFER", ""][n / 3 % 3]
            .to_owned(),
        ..Partner::default()
    };
    if model == RESELLER {
        partner.provider_id = format!("partner-{}", n - RESELLER + PROVIDER);
        match n / 3 {
            3 => partner.provider_id = String::new(),
            5 => partner.provider_id = "partner-nowhere".to_owned(),
            7 => partner.provider_id = format!("partner-{}", n - RESELLER + DIRECT),
            n if n % 2 == 0 => {
                let handled = ["CATEGORY_BILLING", "CATEGORY_USER_SUPPORT", "CATEGORY_UNSPECIFIED"];
                partner.provider_handles = handled.map(str::to_owned).to_vec();
            }
            _ => {}
        }
    }
    if model == DIRECT && n / 3 == 4 {
        partner.model = String::new();
    }
    if n.is_multiple_of(FLIPS_EVERY) {
        let elections = ["TECHNICAL_SUPPORT_COORDINATE", "TECHNICAL_SUPPORT_REFER"];
        partner.technical_support = elections[state].to_owned();
    }
    partner
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_two_states_differ_in_some_offers_and_partners_only() {
        let world = make();
        let (offers, partners) = changed(&world, 1);
        assert!(offers.len() > 10 && offers.len() < OFFERS / 2, "{}", offers.len());
        assert!(partners.len() > 5 && partners.len() < PARTNERS / 2, "{}", partners.len());
        assert_eq!(world.states[0].publishers, world.states[1].publishers);
    }
}
