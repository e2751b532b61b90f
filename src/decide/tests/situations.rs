//! Every situation, and the catalog and the tickets that make it so.

use super::oracle::{
    AskingPublisher, Asks, Elected, Id, Model, Offer, Partner, PartnerToo, ProviderIs, Situation, Who,
};
use crate::{
    catalog::{self, Draft, Encodings, Record, Snapshot},
    proto::v1::{self, partner::TechnicalSupport},
};

/// The contract's categories, without their prefix, one for no category, and one from the future.
pub const CATEGORIES: [&str; 16] = [
    "NONE",
    "BILLING",
    "SUBSCRIPTION_MANAGEMENT",
    "ACCOUNT_SETUP",
    "PAYMENT",
    "USER_SUPPORT",
    "BREAK_FIX",
    "OFFER_MANAGEMENT",
    "TRANSACTION",
    "ACCOUNT_SUPPORT",
    "DEPLOYMENT",
    "PROVISIONING",
    "PUBLISHER_CONTACT",
    "PARTNER_ENABLEMENT",
    "OTHER",
    "UNKNOWN",
];
/// How many of them a record can list.
const LISTED: i32 = 15;
const ASKS: [Asks; 5] = [Asks::Customer, Asks::Partner, Asks::Publisher, Asks::Missing, Asks::Unknown];
const MODELS: [Model; 5] = [Model::Direct, Model::Provider, Model::Reseller, Model::Unsaid, Model::Unknown];
const ELECTED: [Elected; 4] = [Elected::Nothing, Elected::Refer, Elected::Coordinate, Elected::Unknown];
const PROVIDERS: [ProviderIs; 8] = [
    ProviderIs::NotNamed,
    ProviderIs::NotInCatalog,
    ProviderIs::Refers,
    ProviderIs::Coordinates,
    ProviderIs::NoProvider,
    ProviderIs::WithoutModel,
    ProviderIs::WithUnknownModel,
    ProviderIs::ElectsUnknown,
];
/// A number that no enum has in this version.
const FROM_THE_FUTURE: i32 = 77;
const IDS: [Id; 3] = [Id::Absent, Id::Present, Id::NotInCatalog];
const PUBLISHERS: [AskingPublisher; 4] =
    [AskingPublisher::Same, AskingPublisher::Other, AskingPublisher::NotInCatalog, AskingPublisher::Missing];
const PARTNERS_TOO: [PartnerToo; 4] =
    [PartnerToo::Absent, PartnerToo::Same, PartnerToo::Other, PartnerToo::NotInCatalog];

/// The ids that a ticket of the situation has; empty for none.
#[derive(Clone, Default, Debug)]
pub struct Ids {
    pub requester: String,
    pub partner: String,
    pub offer: String,
}

fn offers() -> Vec<Offer> {
    let mut offers = vec![Offer::Absent, Offer::NotInCatalog];
    for azure_based in [None, Some(false), Some(true)] {
        for (first_party, publisher) in [
            (false, Id::Present),
            (false, Id::NotInCatalog),
            (true, Id::Present),
            (true, Id::NotInCatalog),
            // Only Microsoft's own offers may name no publisher.
            (true, Id::Absent),
        ] {
            offers.push(Offer::Present { azure_based, first_party, publisher });
        }
    }
    offers
}

fn partners() -> Vec<Partner> {
    let mut partners = Vec::new();
    for model in MODELS {
        for elected in ELECTED {
            for provider in PROVIDERS {
                partners.extend([false, true].map(|hands_on| Partner { model, elected, provider, hands_on }));
            }
        }
    }
    partners
}

/// Visits every situation once.
pub fn for_each(mut visit: impl FnMut(&Situation)) {
    let (offers, partners) = (offers(), partners());
    for asks in ASKS {
        // Dimensions that a role does not have stand still.
        let publishers = if asks == Asks::Publisher { &PUBLISHERS[..] } else { &PUBLISHERS[..1] };
        let partners_too = if asks == Asks::Partner { &PARTNERS_TOO[..] } else { &PARTNERS_TOO[..1] };
        for &offer in &offers {
            for &partner in &partners {
                for partner_id in IDS {
                    for &partner_too in partners_too {
                        for &publisher in publishers {
                            for category in CATEGORIES {
                                visit(&Situation {
                                    asks,
                                    category,
                                    offer,
                                    partner,
                                    partner_id,
                                    partner_too,
                                    publisher,
                                });
                            }
                        }
                    }
                }
            }
        }
    }
}

/// The id of the record of such a partner; `category` is that of the ticket, which the record lists or not.
fn partner_id(partner: &Partner, category: usize) -> String {
    let Partner { model, elected, provider, hands_on } = partner;
    format!("{model:?}-{elected:?}-{provider:?}-{hands_on}-{category}")
}

fn provider_id(provider: ProviderIs) -> &'static str {
    match provider {
        ProviderIs::NotNamed => "",
        ProviderIs::NotInCatalog => "ghost-provider",
        ProviderIs::Refers => "provider-refers",
        ProviderIs::Coordinates => "provider-coordinates",
        ProviderIs::NoProvider => "no-provider",
        ProviderIs::WithoutModel => "modelless",
        ProviderIs::WithUnknownModel => "of-an-unknown-model",
        ProviderIs::ElectsUnknown => "provider-elects-unknown",
    }
}

fn offer_id(offer: Offer) -> String {
    match offer {
        Offer::Absent => String::new(),
        Offer::NotInCatalog => "ghost-offer".to_owned(),
        Offer::Present { azure_based, first_party, publisher } => {
            format!("{azure_based:?}-{first_party}-{publisher:?}")
        }
    }
}

/// The ids that make a ticket one of the situation.
pub fn ids(s: &Situation) -> Ids {
    let category = CATEGORIES.iter().position(|&it| it == s.category).expect("it is one of them");
    let partner = match s.partner_id {
        Id::Absent => String::new(),
        Id::NotInCatalog => "ghost-partner".to_owned(),
        Id::Present => partner_id(&s.partner, category % LISTED as usize),
    };
    let (requester, partner) = match s.asks {
        Asks::Customer => ("a-customer".to_owned(), partner),
        Asks::Missing | Asks::Unknown => ("somebody".to_owned(), partner),
        Asks::Partner => {
            let too = match s.partner_too {
                PartnerToo::Absent => String::new(),
                PartnerToo::Same => partner.clone(),
                PartnerToo::Other => "other-partner".to_owned(),
                PartnerToo::NotInCatalog => "other-ghost-partner".to_owned(),
            };
            (partner, too)
        }
        Asks::Publisher => {
            let requester = match s.publisher {
                AskingPublisher::Same => "contoso",
                AskingPublisher::Other => "other-publisher",
                AskingPublisher::NotInCatalog => "new-publisher",
                AskingPublisher::Missing => "",
            };
            (requester.to_owned(), partner)
        }
    };
    Ids { requester, partner, offer: offer_id(s.offer) }
}

/// The owner's part and id as the contract has them.
pub fn party(s: &Situation, who: Who) -> (&'static str, String) {
    let ids = ids(s);
    match who {
        Who::OfferPublisher => ("OWNER_PUBLISHER", "contoso".to_owned()),
        Who::AskingPublisher => ("OWNER_PUBLISHER", ids.requester),
        Who::Partner if s.asks == Asks::Partner => ("OWNER_PARTNER", ids.requester),
        Who::Partner => ("OWNER_PARTNER", ids.partner),
        Who::Provider => ("OWNER_PARTNER", provider_id(s.partner.provider).to_owned()),
        Who::Microsoft => ("OWNER_MICROSOFT_COMMERCE", String::new()),
    }
}

/// A catalog with the records of every situation.
pub fn catalog() -> Snapshot {
    let mut draft = Draft::new();
    let kept = Encodings::BOTH;
    for offer in offers() {
        if let Offer::Present { azure_based, first_party, publisher } = offer {
            let publisher_id = match publisher {
                Id::Absent => "",
                Id::Present => "contoso",
                Id::NotInCatalog => "ghost-publisher",
            };
            let contacts = v1::offer::Contacts {
                engineering: "e".to_owned(),
                customer_support: "c".to_owned(),
                csp_program: "p".to_owned(),
            };
            let message = v1::Offer {
                id: offer_id(offer),
                publisher_id: publisher_id.to_owned(),
                azure_based,
                first_party,
                contacts: Some(contacts),
                ..Default::default()
            };
            draft.upsert(catalog::Offer::build(&message, kept).expect("the offer is valid"));
        }
    }
    for id in ["contoso", "other-publisher"] {
        let message = v1::Publisher { id: id.to_owned(), ..Default::default() };
        draft.upsert(catalog::Publisher::build(&message, kept).expect("the publisher is valid"));
    }
    for message in partner_messages() {
        draft.upsert(catalog::Partner::build(&message, kept).expect("the partner is valid"));
    }
    draft.finish()
}

fn partner_messages() -> Vec<v1::Partner> {
    use v1::partner::Model as M;
    let numbered = |id: &str, model: i32, technical_support: i32| v1::Partner {
        id: id.to_owned(),
        model,
        technical_support,
        ..Default::default()
    };
    let fixed = |id: &str, model: M, elected: TechnicalSupport| numbered(id, model.into(), elected.into());
    let mut messages = vec![
        fixed("provider-refers", M::IndirectProvider, TechnicalSupport::Refer),
        fixed("provider-coordinates", M::IndirectProvider, TechnicalSupport::Coordinate),
        fixed("no-provider", M::DirectBill, TechnicalSupport::Coordinate),
        fixed("modelless", M::Unspecified, TechnicalSupport::Coordinate),
        numbered("of-an-unknown-model", FROM_THE_FUTURE, TechnicalSupport::Coordinate.into()),
        numbered("provider-elects-unknown", M::IndirectProvider.into(), FROM_THE_FUTURE),
        fixed("other-partner", M::DirectBill, TechnicalSupport::Refer),
    ];
    for partner in partners() {
        for category in 0..LISTED {
            let model = match partner.model {
                Model::Direct => M::DirectBill.into(),
                Model::Provider => M::IndirectProvider.into(),
                Model::Reseller => M::IndirectReseller.into(),
                Model::Unsaid => M::Unspecified.into(),
                Model::Unknown => FROM_THE_FUTURE,
            };
            let elected = match partner.elected {
                Elected::Nothing => TechnicalSupport::Unspecified.into(),
                Elected::Refer => TechnicalSupport::Refer.into(),
                Elected::Coordinate => TechnicalSupport::Coordinate.into(),
                Elected::Unknown => FROM_THE_FUTURE,
            };
            // Lists this one only, or all but this one; and one of a newer writer.
            let listed = (0..LISTED).filter(|&it| (it == category) == partner.hands_on);
            let handles = listed.chain([FROM_THE_FUTURE]).collect();
            messages.push(v1::Partner {
                provider_id: provider_id(partner.provider).to_owned(),
                provider_handles: handles,
                ..numbered(&partner_id(&partner, category as usize), model, elected)
            });
        }
    }
    messages
}
