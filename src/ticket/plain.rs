//! An independent plain reading of a ticket, by serde_json and prost into owned values: what the fast reader is
//! held against, in tests and under the fuzzer. Not part of the library.

use std::{collections::BTreeMap, fmt};

use prost::Message;
use serde::{
    Deserialize, Deserializer,
    de::{self, MapAccess, SeqAccess, Visitor},
};

use crate::{
    proto::{
        Timestamp,
        v1::ticket::{Category, Severity, requester::Role},
    },
    ticket::{Coded, Format, Limits, Payload, Reader, Ticket},
};

/// The attributes that [`compare`] has the reader borrow.
const DECLARED: [&str; 3] = ["tier", "región", "quote\""];

/// What the plain reading says of a payload.
#[derive(Debug)]
pub enum Reading {
    /// It is a ticket with these values.
    Ticket(Box<Plain>),
    /// It is none.
    Refused(String),
    /// serde_json cannot say: it holds numbers as `f64`.
    Unsure,
}

/// A ticket's values that a decision looks at.
#[derive(PartialEq, Debug)]
pub struct Plain {
    texts: [String; 5],
    role: Option<Role>,
    category: Option<Category>,
    severity: Severity,
    attributes: Vec<Option<String>>,
}

impl Plain {
    /// The same values of a fast reading.
    pub fn of(ticket: &Ticket<'_>) -> Self {
        fn known<T>(coded: Coded<T>) -> Option<T> {
            match coded {
                Coded::Known(value) => Some(value),
                Coded::Unknown => None,
            }
        }
        Self {
            texts: [ticket.id, ticket.source, ticket.requester_id, ticket.partner_id, ticket.offer_id]
                .map(str::to_owned),
            role: known(ticket.role),
            category: known(ticket.category),
            severity: ticket.severity,
            attributes: ticket.attributes.iter().map(|value| value.map(str::to_owned)).collect(),
        }
    }
}

/// Reads a payload in both ways, and panics if they disagree. Returns whether it is a ticket.
pub fn compare(payload: Payload<'_>) -> bool {
    let limits = Limits::default();
    let mut reader = Reader::new(limits, DECLARED.map(str::to_owned).to_vec());
    let fast = reader.read(payload).map(|ticket| Plain::of(&ticket));
    let plain = match payload.format {
        Format::Json => json(payload.bytes, &limits),
        Format::Protobuf => protobuf(payload.bytes, &limits),
    };
    match (&fast, &plain) {
        (Ok(fast), Reading::Ticket(plain)) => assert_eq!(*fast, **plain),
        (Err(_), Reading::Refused(_)) | (_, Reading::Unsure) => {}
        (_, Reading::Refused(why)) => {
            panic!("only the plain reading refuses: {why}; the fast one is {fast:?}")
        }
        (Err(bad), Reading::Ticket(plain)) => {
            panic!("only the fast reading refuses: {bad}; the plain one is {plain:?}")
        }
    }
    fast.is_ok()
}

/// Reads protobuf with prost.
pub fn protobuf(bytes: &[u8], limits: &Limits) -> Reading {
    let wire = match WireTicket::decode(bytes) {
        Ok(wire) => wire,
        Err(error) => return Reading::Refused(error.to_string()),
    };
    let ids =
        [&wire.id, &wire.source, &wire.partner_id, &wire.offer_id, &wire.plan_id, &wire.subscription_id];
    let requester = wire.requester.unwrap_or_default();
    if wire.id.is_empty()
        || ids.into_iter().chain([&requester.id]).any(|id| id.len() > limits.max_id_bytes)
        || wire.attributes.len() > limits.max_attributes
        || wire
            .attributes
            .iter()
            .any(|entry| entry.key.len() + entry.value.len() > limits.max_attribute_bytes)
    {
        return Reading::Refused("a limit or field".to_owned());
    }
    let attributes: BTreeMap<_, _> =
        wire.attributes.into_iter().map(|entry| (entry.key, entry.value)).collect();
    Reading::Ticket(Box::new(Plain {
        texts: [wire.id, wire.source, requester.id, wire.partner_id, wire.offer_id],
        role: Role::try_from(requester.role).ok(),
        category: Category::try_from(wire.category).ok(),
        severity: Severity::try_from(wire.severity).unwrap_or_default(),
        attributes: DECLARED.iter().map(|name| attributes.get(*name).cloned()).collect(),
    }))
}

/// `Ticket` with its map as the entries that are on the wire, so that they can be counted.
#[derive(Clone, PartialEq, Message)]
struct WireTicket {
    #[prost(string, tag = "1")]
    id: String,
    #[prost(string, tag = "2")]
    source: String,
    #[prost(message, optional, tag = "3")]
    created_at: Option<Timestamp>,
    #[prost(message, optional, tag = "4")]
    updated_at: Option<Timestamp>,
    #[prost(uint64, tag = "5")]
    revision: u64,
    #[prost(message, optional, tag = "6")]
    requester: Option<WireRequester>,
    #[prost(string, tag = "7")]
    partner_id: String,
    #[prost(string, tag = "8")]
    offer_id: String,
    #[prost(string, tag = "9")]
    plan_id: String,
    #[prost(string, tag = "10")]
    subscription_id: String,
    #[prost(int32, tag = "11")]
    category: i32,
    #[prost(int32, tag = "12")]
    severity: i32,
    #[prost(string, tag = "13")]
    language: String,
    #[prost(string, tag = "14")]
    subject: String,
    #[prost(string, tag = "15")]
    body: String,
    #[prost(message, repeated, tag = "16")]
    attributes: Vec<WireEntry>,
}

#[derive(Clone, PartialEq, Message)]
struct WireRequester {
    #[prost(int32, tag = "1")]
    role: i32,
    #[prost(string, tag = "2")]
    id: String,
    #[prost(string, tag = "3")]
    display_name: String,
    #[prost(string, tag = "4")]
    email: String,
}

#[derive(Clone, PartialEq, Message)]
struct WireEntry {
    #[prost(string, tag = "1")]
    key: String,
    #[prost(string, tag = "2")]
    value: String,
}

/// Reads JSON with serde_json.
pub fn json(bytes: &[u8], limits: &Limits) -> Reading {
    let value = match serde_json::from_slice::<Value>(bytes) {
        Ok(value) => value,
        // Such a number is well-formed JSON, but no `f64`.
        Err(error) if error.to_string().starts_with("number out of range") => return Reading::Unsure,
        Err(error) => return Reading::Refused(error.to_string()),
    };
    // As it is written a value is no longer than all of the text.
    let is_short = bytes.len() <= limits.max_attribute_bytes;
    match ticket(value, limits, is_short) {
        Ok(plain) => Reading::Ticket(Box::new(plain)),
        Err(Some(what)) => Reading::Refused(what),
        Err(None) => Reading::Unsure,
    }
}

/// Any JSON, but no object with a key twice.
enum Value {
    Null,
    Bool(bool),
    Whole(i128),
    Float(f64),
    Text(String),
    List(Vec<Self>),
    Object(BTreeMap<String, Self>),
}

impl Value {
    fn depth(&self) -> usize {
        match self {
            Self::List(values) => 1 + values.iter().map(Self::depth).max().unwrap_or(0),
            Self::Object(values) => 1 + values.values().map(Self::depth).max().unwrap_or(0),
            _ => 0,
        }
    }
}

/// `None`: cannot say.
type Doubt = Option<String>;

fn refused<T>(what: &str) -> Result<T, Doubt> {
    Err(Some(what.to_owned()))
}

fn ticket(value: Value, limits: &Limits, is_short: bool) -> Result<Plain, Doubt> {
    if value.depth() > limits.max_depth {
        return refused("depth");
    }
    let Value::Object(mut fields) = value else { return refused("no object") };
    let mut requester = match take(&mut fields, "requester", "requester")? {
        None => BTreeMap::new(),
        Some(Value::Object(fields)) => fields,
        Some(_) => return refused("requester"),
    };
    let mut unsure = false;
    let mut doubtful = |result: Result<Option<i128>, Doubt>| match result {
        Err(None) => {
            unsure = true;
            Ok(None)
        }
        other => other,
    };

    let id = id(&mut fields, "id", "id", limits)?;
    let source = self::id(&mut fields, "source", "source", limits)?;
    let requester_id = self::id(&mut requester, "id", "id", limits)?;
    let partner_id = self::id(&mut fields, "partnerId", "partner_id", limits)?;
    let offer_id = self::id(&mut fields, "offerId", "offer_id", limits)?;
    for (name, other) in [("planId", "plan_id"), ("subscriptionId", "subscription_id")] {
        // They decide nothing: whatever is no id stays as it is.
        if matches!(take(&mut fields, name, other)?, Some(Value::Text(id)) if id.len() > limits.max_id_bytes)
        {
            return refused(name);
        }
    }
    for (name, other) in [("createdAt", "created_at"), ("updatedAt", "updated_at")] {
        take(&mut fields, name, other)?;
    }
    take(&mut requester, "displayName", "display_name")?;
    let mut number = |value: Option<Value>, of_name: fn(&str) -> Option<i32>| match value {
        Some(Value::Text(name)) if name.is_empty() => Ok(Some(0)),
        Some(Value::Text(name)) => Ok(of_name(&name)),
        value => match doubtful(whole(value))?.unwrap_or(0).try_into() {
            Ok(number) => Ok(Some(number)),
            Err(_) => refused("enum"),
        },
    };
    let role =
        number(take(&mut requester, "role", "role")?, |name| Role::from_str_name(name).map(i32::from))?;
    let category = number(take(&mut fields, "category", "category")?, |name| {
        Category::from_str_name(name).map(i32::from)
    })?;
    // What is no severity counts as not rated.
    let severity = match number(take(&mut fields, "severity", "severity")?, |name| {
        Severity::from_str_name(name).map(i32::from)
    }) {
        Err(Some(_)) => None,
        other => other?,
    };
    let attributes = attributes(take(&mut fields, "attributes", "attributes")?, limits, is_short)?;
    if id.is_empty() {
        return refused("id");
    }
    if unsure {
        return Err(None);
    }
    Ok(Plain {
        texts: [id, source, requester_id, partner_id, offer_id],
        role: role.and_then(|number| Role::try_from(number).ok()),
        category: category.and_then(|number| Category::try_from(number).ok()),
        severity: severity.and_then(|number| Severity::try_from(number).ok()).unwrap_or_default(),
        attributes: DECLARED.iter().map(|name| attributes.get(*name).cloned()).collect(),
    })
}

/// A field under either name; `None` if it is absent or null.
fn take(fields: &mut BTreeMap<String, Value>, name: &str, other: &str) -> Result<Option<Value>, Doubt> {
    let value = fields.remove(name);
    let value = match (value, fields.remove(other)) {
        (Some(_), Some(_)) => return refused("both names"),
        (one, None) | (None, one) => one,
    };
    Ok(value.filter(|value| !matches!(value, Value::Null)))
}

fn id(
    fields: &mut BTreeMap<String, Value>,
    name: &str,
    other: &str,
    limits: &Limits,
) -> Result<String, Doubt> {
    let id = match take(fields, name, other)? {
        None => String::new(),
        Some(Value::Text(text)) => text,
        Some(Value::Whole(number)) if number >= 0 => number.to_string(),
        // Perhaps digits that are no 64 bits.
        Some(Value::Float(number)) if number >= 1.8e19 => return Err(None),
        Some(_) => return refused(name),
    };
    if id.len() > limits.max_id_bytes { refused(name) } else { Ok(id) }
}

fn whole(value: Option<Value>) -> Result<Option<i128>, Doubt> {
    match value {
        None => Ok(None),
        Some(Value::Whole(number)) => Ok(Some(number)),
        Some(Value::Float(number)) if (number - number.round()).abs() > 1e-3 => refused("fraction"),
        Some(Value::Float(_)) => Err(None),
        Some(Value::Text(text)) => match serde_json::from_str::<Value>(&text) {
            // serde_json passes over white space, which has no place inside the quotes.
            Ok(value @ (Value::Whole(_) | Value::Float(_))) if text.trim() == text => whole(Some(value)),
            Err(error) if error.to_string().starts_with("number out of range") => Err(None),
            _ => refused("number"),
        },
        Some(_) => refused("number"),
    }
}

fn attributes(
    value: Option<Value>,
    limits: &Limits,
    is_short: bool,
) -> Result<BTreeMap<String, String>, Doubt> {
    let entries = match value {
        None => return Ok(BTreeMap::new()),
        Some(Value::Object(entries)) => entries,
        Some(Value::List(values)) if values.is_empty() => return Ok(BTreeMap::new()),
        Some(Value::Text(text)) if text.is_empty() => return Ok(BTreeMap::new()),
        Some(_) => return refused("attributes"),
    };
    if entries.len() > limits.max_attributes {
        return refused("attributes");
    }
    let mut read = BTreeMap::new();
    for (name, value) in entries {
        let is_declared = DECLARED.contains(&name.as_str());
        let value = match value {
            Value::Null => None,
            Value::Text(value) => Some(value),
            Value::Bool(value) => Some(value.to_string()),
            Value::Whole(number) => Some(number.to_string()),
            // How it is written cannot be told.
            Value::Float(_) if is_declared || !is_short => return Err(None),
            Value::List(_) | Value::Object(_) if is_declared => return refused("attribute"),
            Value::List(_) | Value::Object(_) if !is_short => return Err(None),
            Value::Float(_) | Value::List(_) | Value::Object(_) => None,
        };
        if name.len() + value.as_ref().map_or(0, String::len) > limits.max_attribute_bytes {
            return refused("attribute");
        }
        read.extend(value.map(|value| (name, value)));
    }
    Ok(read)
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyValue)
    }
}

struct AnyValue;

impl<'de> Visitor<'de> for AnyValue {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON without duplicate keys")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Value, E> {
        Ok(Value::Whole(number.into()))
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Value, E> {
        Ok(Value::Whole(number.into()))
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Value, E> {
        Ok(Value::Float(number))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Value, E> {
        Ok(Value::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = seq.next_element()? {
            values.push(value);
        }
        Ok(Value::List(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut values = BTreeMap::new();
        while let Some((name, value)) = map.next_entry::<String, Value>()? {
            if values.insert(name, value).is_some() {
                return Err(de::Error::custom("duplicate key"));
            }
        }
        Ok(Value::Object(values))
    }
}
