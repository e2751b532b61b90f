//! Makes tickets: every role, every category, both formats, what is missing, what is unknown, and what is no ticket.

use serde_json::{Value, json};
use ticket_router_proof::{
    contract::{CATEGORIES, ROLES},
    world::{Catalog, MAX_RECORD_BYTES},
};

use crate::random::Random;

/// A number that no version knows.
const ALIEN: usize = 99;
const POISON_ONE_IN: usize = 100;

/// A record for the incoming topic.
pub struct Incoming {
    pub key: String,
    pub value: Option<Vec<u8>>,
    pub content_type: Option<&'static str>,
}

/// The facts of a ticket.
struct Facts {
    id: String,
    role: usize,
    requester: String,
    partner: String,
    offer: String,
    category: usize,
    body: String,
}

/// Which tickets are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mix {
    /// All kinds.
    All,
    /// Well-formed ones in JSON that belong to a partner, for routers that can do no more.
    Plain,
}

pub fn make(number: u64, keys: usize, mix: Mix, catalog: &Catalog, random: &mut Random) -> Incoming {
    let key = format!("case-{}", random.below(keys));
    let facts = match mix {
        Mix::All => facts(number, catalog, random),
        Mix::Plain => plain(number),
    };
    let is_json = mix == Mix::Plain || random.one_in(2);
    let value = if is_json { in_json(&facts).to_string().into_bytes() } else { in_protobuf(&facts) };
    let named = if is_json { "application/json" } else { "application/protobuf" };
    let content_type = random.one_in(2).then_some(named);
    if mix == Mix::All && random.one_in(POISON_ONE_IN) {
        return poison(key, &in_json(&facts), random);
    }
    Incoming { key, value: Some(value), content_type }
}

fn poison(key: String, ticket: &Value, random: &mut Random) -> Incoming {
    let mut ticket = ticket.clone();
    let text = ticket.to_string();
    let (value, content_type) = match random.below(5) {
        0 => (Some(text.as_bytes()[..text.len() / 2].to_vec()), Some("application/json")),
        1 => (Some(Vec::new()), None),
        2 => (None, None),
        3 => (Some(text.into_bytes()), Some("text/csv")),
        _ => {
            ticket["body"] = "x".repeat(MAX_RECORD_BYTES).into();
            (Some(ticket.to_string().into_bytes()), None)
        }
    };
    Incoming { key, value, content_type }
}

fn plain(number: u64) -> Facts {
    Facts {
        id: format!("T-{number}"),
        role: 1,
        requester: "customer-1".to_owned(),
        partner: "partner-0".to_owned(),
        offer: "offer-1".to_owned(),
        category: 1,
        // One of a hundred is larger than some of the controls can send.
        body: "x".repeat(if number % 100 == 7 { 8_000 } else { 0 }),
    }
}

fn facts(number: u64, catalog: &Catalog, random: &mut Random) -> Facts {
    let id = |all: Vec<&String>, random: &mut Random| match random.below(40) {
        0 => "unknown-1".to_owned(),
        1 | 2 => String::new(),
        _ => (*random.pick(&all)).clone(),
    };
    let offer = id(catalog.offers.keys().collect(), random);
    let partner = id(catalog.partners.keys().collect(), random);
    let role = match random.below(100) {
        0 => 0,
        1 => ALIEN,
        2..=59 => 1,
        60..=84 => 2,
        _ => 3,
    };
    let (requester, partner) = match role {
        2 => {
            let named = match random.below(10) {
                0 => "partner-1".to_owned(),
                1..=4 => partner.clone(),
                _ => String::new(),
            };
            (partner, named)
        }
        3 => {
            let own = catalog
                .offers
                .get(&offer)
                .map_or_else(|| "publisher-3".to_owned(), |it| it.publisher_id.clone());
            let requester = match random.below(20) {
                0 => String::new(),
                1 => "publisher-7".to_owned(),
                2 => "unknown-2".to_owned(),
                _ => own,
            };
            (requester, String::new())
        }
        _ => (format!("customer-{}", random.below(1000)), partner),
    };
    let category = if random.one_in(100) { ALIEN } else { random.below(CATEGORIES.len()) };
    let body = "It fails. ".repeat(random.below(60));
    Facts { id: format!("T-{number}"), role, requester, partner, offer, category, body }
}

fn in_json(facts: &Facts) -> Value {
    let word = |all: &[&str], n: usize| all.get(n).map_or("SOMETHING_NEW", |it| *it).to_owned();
    let mut ticket = json!({
        "id": facts.id,
        "source": "zendesk/fabrikam",
        "requester": { "role": word(&ROLES, facts.role), "id": facts.requester },
        "category": word(&CATEGORIES, facts.category),
        "severity": "SEVERITY_B",
        "subject": "Help",
        "body": facts.body,
    });
    for (name, value) in [("partnerId", &facts.partner), ("offerId", &facts.offer)] {
        if !value.is_empty() {
            ticket[name] = Value::String(value.clone());
        }
    }
    ticket
}

fn in_protobuf(facts: &Facts) -> Vec<u8> {
    let mut requester = Vec::new();
    number(&mut requester, 1, facts.role);
    text(&mut requester, 2, facts.requester.as_bytes());
    let mut ticket = Vec::new();
    text(&mut ticket, 1, facts.id.as_bytes());
    text(&mut ticket, 2, b"zendesk/fabrikam");
    text(&mut ticket, 6, &requester);
    text(&mut ticket, 7, facts.partner.as_bytes());
    text(&mut ticket, 8, facts.offer.as_bytes());
    number(&mut ticket, 11, facts.category);
    number(&mut ticket, 12, 2);
    text(&mut ticket, 14, b"Help");
    text(&mut ticket, 15, facts.body.as_bytes());
    ticket
}

fn number(into: &mut Vec<u8>, field: u8, value: usize) {
    if value > 0 {
        into.push(field << 3);
        varint(into, value);
    }
}

fn text(into: &mut Vec<u8>, field: u8, value: &[u8]) {
    if !value.is_empty() {
        into.push(field << 3 | 2);
        varint(into, value.len());
        into.extend_from_slice(value);
    }
}

fn varint(into: &mut Vec<u8>, mut value: usize) {
    while value >= 0x80 {
        into.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    into.push(value as u8);
}
