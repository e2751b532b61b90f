//! Reads tickets and routed tickets: only the few fields that the checker asks for, by the numbers and names of the contracts.

use serde_json::Value;
use xxhash_rust::xxh3::xxh3_64;

use crate::{
    contract::{CATEGORIES, ROLES},
    world::MAX_RECORD_BYTES,
};

const OWNERS: [&str; 4] =
    ["OWNER_UNSPECIFIED", "OWNER_PARTNER", "OWNER_PUBLISHER", "OWNER_MICROSOFT_COMMERCE"];

/// What decides about a ticket.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ticket {
    pub id: String,
    /// A role's name; none for one that is not known.
    pub role: Option<&'static str>,
    pub requester: String,
    pub partner: String,
    pub offer: String,
    /// A category's name; none for one that is not known.
    pub category: Option<&'static str>,
    /// Of everything that is in the ticket.
    pub digest: u64,
    pub is_json: bool,
}

/// What is kept of a ticket to compare it with another.
pub(super) struct Digests {
    facts: u64,
    all: u64,
    is_json: bool,
}

impl Ticket {
    pub(super) fn digests(&self) -> Digests {
        let Self { id, role, requester, partner, offer, category, digest, is_json } = self;
        let facts = format!("{:?}", (id, role, requester, partner, offer, category));
        Digests { facts: xxh3_64(facts.as_bytes()), all: *digest, is_json: *is_json }
    }
}

impl Digests {
    /// Whether both are of one ticket. Nothing but the facts can be compared between two formats.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.facts == other.facts && (self.is_json != other.is_json || self.all == other.all)
    }
}

/// What the router says about a ticket.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Routed {
    pub ticket: Ticket,
    pub owner: Option<&'static str>,
    pub assignee: String,
}

/// A ticket; nothing where the record is none.
pub(super) fn ticket(value: Option<&[u8]>, content_type: Option<&str>) -> Option<Ticket> {
    let value = value?;
    if value.is_empty() || value.len() > MAX_RECORD_BYTES {
        return None;
    }
    match content_type {
        None if value[0] == b'{' => json_ticket(&serde_json::from_slice(value).ok()?),
        Some("application/json") => json_ticket(&serde_json::from_slice(value).ok()?),
        None | Some("application/protobuf") => protobuf_ticket(value),
        Some(_) => None,
    }
}

/// A routed ticket; nothing where the value is none.
pub(super) fn routed(value: Option<&[u8]>) -> Option<Routed> {
    let value = value?;
    if value.first() == Some(&b'{') {
        let json: Value = serde_json::from_slice(value).ok()?;
        let decision = &json["decision"];
        return Some(Routed {
            ticket: json_ticket(&json["ticket"])?,
            owner: known(&OWNERS, decision["owner"].as_str().unwrap_or(OWNERS[0])),
            assignee: text(&decision["assigneeId"]),
        });
    }
    let mut routed = Routed::default();
    for field in Fields(value) {
        match field? {
            (1, Part::Bytes(bytes)) => routed.ticket = protobuf_ticket(bytes)?,
            (6, Part::Bytes(bytes)) => {
                routed.owner = Some(OWNERS[0]);
                for field in Fields(bytes) {
                    match field? {
                        (1, Part::Number(n)) => routed.owner = numbered(&OWNERS, n),
                        (2, Part::Bytes(id)) => routed.assignee = String::from_utf8(id.to_vec()).ok()?,
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
    Some(routed)
}

fn json_ticket(json: &Value) -> Option<Ticket> {
    let id = json["id"].as_str()?.to_owned();
    let requester = &json["requester"];
    Some(Ticket {
        id,
        role: known(&ROLES, requester["role"].as_str().unwrap_or(ROLES[0])),
        requester: text(&requester["id"]),
        partner: text(&json["partnerId"]),
        offer: text(&json["offerId"]),
        category: known(&CATEGORIES, json["category"].as_str().unwrap_or(CATEGORIES[0])),
        // Members come in the order of their names.
        digest: xxh3_64(json.to_string().as_bytes()),
        is_json: true,
    })
}

fn protobuf_ticket(bytes: &[u8]) -> Option<Ticket> {
    let mut ticket = Ticket {
        role: Some(ROLES[0]),
        category: Some(CATEGORIES[0]),
        digest: xxh3_64(bytes),
        ..Ticket::default()
    };
    let owned = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).ok();
    for field in Fields(bytes) {
        match field? {
            (1, Part::Bytes(it)) => ticket.id = owned(it)?,
            (6, Part::Bytes(it)) => {
                for field in Fields(it) {
                    match field? {
                        (1, Part::Number(n)) => ticket.role = numbered(&ROLES, n),
                        (2, Part::Bytes(it)) => ticket.requester = owned(it)?,
                        _ => {}
                    }
                }
            }
            (7, Part::Bytes(it)) => ticket.partner = owned(it)?,
            (8, Part::Bytes(it)) => ticket.offer = owned(it)?,
            (11, Part::Number(n)) => ticket.category = numbered(&CATEGORIES, n),
            _ => {}
        }
    }
    (!ticket.id.is_empty()).then_some(ticket)
}

fn known(all: &[&'static str], name: &str) -> Option<&'static str> {
    all.iter().find(|it| **it == name).copied()
}

fn numbered(all: &[&'static str], number: u64) -> Option<&'static str> {
    all.get(usize::try_from(number).ok()?).copied()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

enum Part<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

/// The fields of a protobuf message, of the two wire types that the contracts use; nothing for any other byte.
struct Fields<'a>(&'a [u8]);

impl<'a> Iterator for Fields<'a> {
    type Item = Option<(u64, Part<'a>)>;

    fn next(&mut self) -> Option<Self::Item> {
        (!self.0.is_empty()).then(|| {
            let field = self.field();
            if field.is_none() {
                self.0 = &[];
            }
            field
        })
    }
}

impl<'a> Fields<'a> {
    fn field(&mut self) -> Option<(u64, Part<'a>)> {
        let tag = self.varint()?;
        let part = match tag & 7 {
            0 => Part::Number(self.varint()?),
            2 => {
                let len = usize::try_from(self.varint()?).ok()?;
                let (bytes, rest) = self.0.split_at_checked(len)?;
                self.0 = rest;
                Part::Bytes(bytes)
            }
            _ => return None,
        };
        Some((tag >> 3, part))
    }

    fn varint(&mut self) -> Option<u64> {
        let mut value = 0;
        for n in 0..10 {
            let (byte, rest) = self.0.split_first()?;
            self.0 = rest;
            value |= u64::from(byte & 0x7f) << (7 * n);
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_formats_say_the_same() {
        let json = br#"{"id":"T","requester":{"role":"ROLE_PARTNER","id":"p"},"offerId":"o","category":"CATEGORY_PAYMENT"}"#;
        let protobuf = b"\x0a\x01T\x32\x05\x08\x02\x12\x01p\x42\x01o\x58\x04";
        let [one, other] = [&json[..], protobuf].map(|it| ticket(Some(it), None).unwrap());
        assert!(one.digests().is_same(&other.digests()), "{one:?} {other:?}");
    }

    #[test]
    fn what_is_no_ticket_gives_none() {
        let large = vec![b' '; MAX_RECORD_BYTES + 1];
        for (value, content_type) in [
            (None, None),
            (Some(&b""[..]), None),
            (Some(b"{\"id\":"), Some("application/json")),
            (Some(b"{\"id\":\"T\"}"), Some("text/csv")),
            (Some(b"\x0a\x05T"), None),
            (Some(&large), None),
        ] {
            assert_eq!(ticket(value, content_type), None, "{value:?}");
        }
    }

    #[test]
    fn a_routed_ticket_says_who_owns_it() {
        let json = br#"{"ticket":{"id":"T"},"decision":{"owner":"OWNER_PARTNER","assigneeId":"p"}}"#;
        let protobuf = b"\x0a\x03\x0a\x01T\x32\x05\x08\x01\x12\x01p";
        for value in [&json[..], protobuf] {
            let routed = routed(Some(value)).unwrap();
            assert_eq!(
                (routed.ticket.id.as_str(), routed.owner, routed.assignee.as_str()),
                ("T", Some("OWNER_PARTNER"), "p")
            );
        }
    }
}
