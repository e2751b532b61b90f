//! The ownership rules a second time: procedural, by hand, from the text alone.
//!
//! It knows nothing of policies, tables, catalogs or the crate's types, and calls nothing of theirs.

/// Who asks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Asks {
    Customer,
    Partner,
    Publisher,
    Missing,
    Unknown,
}

/// A partner's model.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Model {
    Direct,
    Provider,
    Reseller,
    Unsaid,
    /// One of a newer writer: nothing may be guessed from it.
    Unknown,
}

/// What a partner has elected.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Elected {
    Nothing,
    Refer,
    Coordinate,
    /// Something of a newer writer, which is not "nothing".
    Unknown,
}

/// What the partner's record says of its provider, and the catalog of that one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ProviderIs {
    NotNamed,
    NotInCatalog,
    Refers,
    Coordinates,
    /// A direct-bill partner that coordinates.
    NoProvider,
    WithoutModel,
    WithUnknownModel,
    /// A provider, which has elected something of a newer writer.
    ElectsUnknown,
}

/// The record of the ticket's partner.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Partner {
    pub model: Model,
    pub elected: Elected,
    pub provider: ProviderIs,
    /// Whether `providerHandles` lists the ticket's category. It lists one of a newer writer in any case.
    pub hands_on: bool,
}

/// An id in the ticket.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Id {
    Absent,
    Present,
    NotInCatalog,
}

/// The publisher in `requester.id`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AskingPublisher {
    /// The offer's.
    Same,
    Other,
    NotInCatalog,
    Missing,
}

/// `partnerId` beside a partner that asks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PartnerToo {
    Absent,
    Same,
    Other,
    NotInCatalog,
}

/// The offer in the ticket.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Offer {
    Absent,
    NotInCatalog,
    Present { azure_based: Option<bool>, first_party: bool, publisher: Id },
}

/// Everything about a ticket that can matter.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Situation {
    pub asks: Asks,
    /// As in the contract, without its prefix; `NONE`, or `UNKNOWN`.
    pub category: &'static str,
    pub offer: Offer,
    pub partner: Partner,
    /// The id of the partner above: `requester.id` of a partner, `partnerId` of others.
    pub partner_id: Id,
    pub partner_too: PartnerToo,
    pub publisher: AskingPublisher,
}

/// A party, by its part.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Who {
    OfferPublisher,
    AskingPublisher,
    /// The partner of the situation.
    Partner,
    /// Its provider.
    Provider,
    Microsoft,
}

/// What the text says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Answer {
    Owned {
        row: u8,
        who: Who,
        contacts: &'static str,
        next: Option<Who>,
    },
    /// `row` where a row applies and is known.
    Triage {
        reason: &'static str,
        row: Option<u8>,
    },
}

fn is_technical(category: &str) -> bool {
    ["USER_SUPPORT", "BREAK_FIX"].contains(&category)
}

fn is_commerce(category: &str) -> bool {
    [
        "BILLING",
        "SUBSCRIPTION_MANAGEMENT",
        "ACCOUNT_SETUP",
        "PAYMENT",
        "OFFER_MANAGEMENT",
        "TRANSACTION",
        "ACCOUNT_SUPPORT",
    ]
    .contains(&category)
}

fn is_azure(category: &str) -> bool {
    ["DEPLOYMENT", "PROVISIONING"].contains(&category)
}

/// Reads the rules for one situation.
pub fn read(s: &Situation) -> Answer {
    if let Some(reason) = before_any_row(s) {
        return Answer::Triage { reason, row: None };
    }
    match s.asks {
        Asks::Customer => customer(s),
        Asks::Partner => partner(s),
        _ => publisher(s),
    }
}

/// "Absent is not unknown", and the head of the list of reasons.
fn before_any_row(s: &Situation) -> Option<&'static str> {
    match s.asks {
        Asks::Unknown => return Some("UNKNOWN_ROLE"),
        Asks::Missing => return Some("MISSING_ROLE"),
        _ => {}
    }
    if s.category == "UNKNOWN" {
        return Some("UNKNOWN_CATEGORY");
    }
    let partner_asks = s.asks == Asks::Partner;
    let publisher_asks = s.asks == Asks::Publisher;
    if partner_asks && s.partner_id == Id::Absent || publisher_asks && s.publisher == AskingPublisher::Missing
    {
        return Some("MISSING_REQUESTER");
    }
    if s.offer == Offer::NotInCatalog {
        return Some("UNKNOWN_OFFER");
    }
    if matches!(s.offer, Offer::Present { publisher: Id::NotInCatalog, .. }) {
        return Some("UNKNOWN_PUBLISHER");
    }
    let onboards = is_commerce(s.category) && s.offer == Offer::Absent;
    if publisher_asks && s.publisher == AskingPublisher::NotInCatalog && !onboards {
        return Some("UNKNOWN_PUBLISHER");
    }
    if s.partner_id == Id::NotInCatalog || partner_asks && s.partner_too == PartnerToo::NotInCatalog {
        return Some("UNKNOWN_PARTNER");
    }
    if let Offer::Present { first_party: true, .. } = s.offer {
        return Some("FIRST_PARTY_OFFER");
    }
    if publisher_asks && s.offer != Offer::Absent && s.publisher != AskingPublisher::Same {
        return Some("REQUESTER_NOT_PUBLISHER");
    }
    if partner_asks && s.partner_too == PartnerToo::Other {
        return Some("CONTRADICTORY_PARTNER");
    }
    None
}

fn provider_problem(provider: ProviderIs) -> Option<&'static str> {
    match provider {
        ProviderIs::NotNamed => Some("MISSING_PROVIDER"),
        ProviderIs::NotInCatalog => Some("UNKNOWN_PROVIDER"),
        ProviderIs::NoProvider | ProviderIs::WithoutModel | ProviderIs::WithUnknownModel => {
            Some("INVALID_PROVIDER")
        }
        ProviderIs::Refers | ProviderIs::Coordinates | ProviderIs::ElectsUnknown => None,
    }
}

/// The offer's publisher, where the ticket names an offer.
fn offer_publisher(s: &Situation) -> Option<Who> {
    (s.offer != Offer::Absent).then_some(Who::OfferPublisher)
}

/// Whom a partner turns to about deployment and provisioning, rows 5 and 9.
fn by_azure(s: &Situation) -> Option<Who> {
    let Offer::Present { azure_based, .. } = s.offer else { return None };
    Some(if azure_based? { Who::Microsoft } else { Who::OfferPublisher })
}

fn customer(s: &Situation) -> Answer {
    // The assigned partner, or why it cannot be told.
    let assigned = if s.partner_id == Id::Absent {
        Ok(None)
    } else if !s.partner.hands_on {
        Ok(Some(Who::Partner))
    } else {
        match s.partner.model {
            Model::Reseller => provider_problem(s.partner.provider).map_or(Ok(Some(Who::Provider)), Err),
            Model::Direct | Model::Provider => Ok(Some(Who::Partner)),
            // Only a reseller's provider handles anything, and whether it is one is not said.
            Model::Unsaid | Model::Unknown => Err("MISSING_MODEL"),
        }
    };
    if is_technical(s.category) {
        return customer_technical(s, assigned);
    }
    let row = match s.category {
        category if is_commerce(category) => 4,
        category if is_azure(category) => 5,
        _ => 6,
    };
    let who = match assigned {
        Err(reason) => return Answer::Triage { reason, row: Some(row) },
        Ok(None) => return Answer::Triage { reason: "MISSING_PARTNER", row: Some(row) },
        Ok(Some(who)) => who,
    };
    let otherwise = match row {
        4 => Some(Who::Microsoft),
        5 => by_azure(s),
        _ => offer_publisher(s),
    };
    let next = match (who, s.partner.model) {
        // The provider that a reseller left it to is not a reseller.
        (Who::Provider, _) => otherwise,
        (_, Model::Reseller) if provider_problem(s.partner.provider).is_none() => Some(Who::Provider),
        (_, Model::Reseller | Model::Unsaid | Model::Unknown) => None,
        (_, Model::Direct | Model::Provider) => otherwise,
    };
    let contacts = match row {
        4 => "",
        5 => "e",
        _ => "p",
    };
    Answer::Owned { row, who, contacts, next }
}

fn customer_technical(s: &Situation, assigned: Result<Option<Who>, &'static str>) -> Answer {
    let assigned = match assigned {
        // Rows 1 to 3 ask what it has elected.
        Err(reason) => return Answer::Triage { reason, row: None },
        Ok(assigned) => assigned,
    };
    let elects_unknown = match assigned {
        None => false,
        Some(Who::Provider) => s.partner.provider == ProviderIs::ElectsUnknown,
        Some(_) => s.partner.elected == Elected::Unknown,
    };
    if elects_unknown {
        // Perhaps row 3, perhaps not.
        return Answer::Triage { reason: "UNKNOWN_TECHNICAL_SUPPORT", row: None };
    }
    let coordinates = match assigned {
        None => false,
        Some(Who::Provider) => s.partner.provider == ProviderIs::Coordinates,
        Some(_) => s.partner.elected == Elected::Coordinate,
    };
    if let (true, Some(who)) = (coordinates, assigned) {
        return Answer::Owned { row: 3, who, contacts: "ce", next: offer_publisher(s) };
    }
    let (row, contacts) = if s.category == "USER_SUPPORT" { (1, "c") } else { (2, "e") };
    match offer_publisher(s) {
        None => Answer::Triage { reason: "MISSING_OFFER", row: Some(row) },
        Some(who) => Answer::Owned { row, who, contacts, next: assigned },
    }
}

fn partner(s: &Situation) -> Answer {
    let by_publisher = |row, contacts| match offer_publisher(s) {
        None => Answer::Triage { reason: "MISSING_OFFER", row: Some(row) },
        Some(who) => Answer::Owned { row, who, contacts, next: None },
    };
    match s.category {
        "USER_SUPPORT" => return by_publisher(7, "c"),
        "BREAK_FIX" => return by_publisher(8, "e"),
        _ => {}
    }
    let microsoft = |row, contacts, next| Answer::Owned { row, who: Who::Microsoft, contacts, next };
    match s.partner.model {
        Model::Unsaid | Model::Unknown => {
            // Row 9, or one of 10 to 14: the model is needed. So is, of what may be row 12 or 13, whether the offer is
            // Azure-based; and the offer comes before the model in the list.
            let reason = match s.offer {
                Offer::Absent if is_azure(s.category) => "MISSING_OFFER",
                Offer::Present { azure_based: None, .. } if is_azure(s.category) => "INCOMPLETE_OFFER",
                _ => "MISSING_MODEL",
            };
            Answer::Triage { reason, row: None }
        }
        Model::Reseller => match provider_problem(s.partner.provider) {
            Some(reason) => Answer::Triage { reason, row: Some(9) },
            None => {
                let next = match s.category {
                    category if is_commerce(category) => Some(Who::Microsoft),
                    category if is_azure(category) => by_azure(s),
                    _ => offer_publisher(s),
                };
                Answer::Owned { row: 9, who: Who::Provider, contacts: "", next }
            }
        },
        Model::Direct | Model::Provider => match s.category {
            category if is_commerce(category) => microsoft(10, "", None),
            "PUBLISHER_CONTACT" => microsoft(11, "cep", offer_publisher(s)),
            category if is_azure(category) => match s.offer {
                Offer::Present { azure_based: Some(true), .. } => {
                    microsoft(12, "e", Some(Who::OfferPublisher))
                }
                Offer::Present { azure_based: Some(false), .. } => by_publisher(13, "e"),
                Offer::Present { azure_based: None, .. } => {
                    Answer::Triage { reason: "INCOMPLETE_OFFER", row: None }
                }
                _ => Answer::Triage { reason: "MISSING_OFFER", row: None },
            },
            _ => by_publisher(14, "p"),
        },
    }
}

fn publisher(s: &Situation) -> Answer {
    let itself = |row| Answer::Owned { row, who: Who::AskingPublisher, contacts: "", next: None };
    let microsoft = |row| Answer::Owned { row, who: Who::Microsoft, contacts: "", next: None };
    match s.category {
        category if is_commerce(category) => microsoft(15),
        category if is_azure(category) => match s.offer {
            Offer::Present { azure_based: Some(true), .. } => microsoft(16),
            Offer::Present { azure_based: Some(false), .. } => itself(17),
            Offer::Present { azure_based: None, .. } => {
                Answer::Triage { reason: "INCOMPLETE_OFFER", row: None }
            }
            _ => Answer::Triage { reason: "MISSING_OFFER", row: None },
        },
        category if is_technical(category) || category == "PARTNER_ENABLEMENT" => itself(18),
        _ => Answer::Triage { reason: "NO_RULE", row: Some(19) },
    }
}
