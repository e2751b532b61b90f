//! Rewrites a ticket in the other format: the slow path, for a router whose output format is not its input's.

use std::collections::BTreeMap;

use prost::Message;
use serde::{Serialize, Serializer, ser::SerializeMap};

use super::{
    BadRecord, Format, Limits, Payload, json, protobuf,
    raw::Raw,
    reader::hint,
    sink::{Code, Sink, Text, Time},
};
use crate::proto::{
    Timestamp, v1,
    v1::ticket::{Category, Requester, Severity, requester::Role},
};

/// Appends the ticket in format `to`: protobuf in the order of the fields, or canonical ProtoJSON. A ticket
/// that is in that format already is checked and copied as it is.
///
/// It is read by the very grammars of [`Reader`](super::Reader), so it takes what a reader takes, whose limits
/// are not checked again. Unknown fields have no place in the other format and are dropped; an unknown enum
/// number is kept as a number, an unknown enum name, which has no number, becomes unspecified.
///
/// Nothing is appended if it fails.
///
/// # Errors
/// As [`Reader::read`](super::Reader::read).
pub fn transcode(payload: Payload<'_>, to: Format, out: &mut Vec<u8>) -> Result<(), BadRecord> {
    let mut whole = Whole::default();
    match payload.format {
        Format::Json => json::read(payload.bytes, &Limits::NONE, &mut json::Scratch::default(), &mut whole),
        Format::Protobuf => protobuf::read(payload.bytes, &Limits::NONE, &mut whole),
    }
    .map_err(|bad| if payload.format == Format::Protobuf { hint(*bad, payload.bytes) } else { *bad })?;
    if payload.format == to {
        out.extend_from_slice(payload.bytes);
        return Ok(());
    }
    match to {
        Format::Protobuf => whole.0.encode(out).expect("a vector takes all bytes"),
        Format::Json => {
            serde_json::to_writer(out, &Canonical(&whole.0)).expect("a checked ticket has a JSON text")
        }
    }
    Ok(())
}

/// The sink that keeps all fields.
#[derive(Default)]
struct Whole(v1::Ticket);

impl Whole {
    fn part(&mut self) -> &mut Requester {
        self.0.requester.get_or_insert_default()
    }
}

impl<'a> Sink<'a> for Whole {
    fn text(&mut self, field: Text, value: Raw<'a>) {
        let place = match field {
            Text::Id => &mut self.0.id,
            Text::Source => &mut self.0.source,
            Text::PartnerId => &mut self.0.partner_id,
            Text::OfferId => &mut self.0.offer_id,
            Text::PlanId => &mut self.0.plan_id,
            Text::SubscriptionId => &mut self.0.subscription_id,
            Text::Language => &mut self.0.language,
            Text::Subject => &mut self.0.subject,
            Text::Body => &mut self.0.body,
            Text::RequesterId => &mut self.part().id,
            Text::DisplayName => &mut self.part().display_name,
            Text::Email => &mut self.part().email,
        };
        *place = value.to_text().into_owned();
    }

    fn code(&mut self, field: Code, number: Option<i32>) {
        let number = number.unwrap_or_default();
        match field {
            Code::Role => self.part().role = number,
            Code::Category => self.0.category = number,
            Code::Severity => self.0.severity = number,
        }
    }

    fn attribute(&mut self, name: Raw<'a>, value: Raw<'a>) {
        self.0.attributes.insert(name.to_text().into_owned(), value.to_text().into_owned());
    }

    fn requester(&mut self) {
        self.part();
    }

    fn time(&mut self, field: Time, value: impl FnOnce() -> Timestamp) {
        match field {
            Time::CreatedAt => self.0.created_at = Some(value()),
            Time::UpdatedAt => self.0.updated_at = Some(value()),
        }
    }

    fn revision(&mut self, value: u64) {
        self.0.revision = value;
    }
}

/// Canonical ProtoJSON. The generated mapping would do but for enum numbers without a name, which it refuses.
struct Canonical<'a, T>(&'a T);

impl Serialize for Canonical<'_, v1::Ticket> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let ticket = self.0;
        let mut map = serializer.serialize_map(None)?;
        text(&mut map, "id", &ticket.id)?;
        text(&mut map, "source", &ticket.source)?;
        message(&mut map, "createdAt", ticket.created_at.as_ref())?;
        message(&mut map, "updatedAt", ticket.updated_at.as_ref())?;
        if ticket.revision != 0 {
            map.serialize_entry("revision", &ticket.revision.to_string())?;
        }
        message(&mut map, "requester", ticket.requester.as_ref().map(Canonical).as_ref())?;
        text(&mut map, "partnerId", &ticket.partner_id)?;
        text(&mut map, "offerId", &ticket.offer_id)?;
        text(&mut map, "planId", &ticket.plan_id)?;
        text(&mut map, "subscriptionId", &ticket.subscription_id)?;
        code(&mut map, "category", ticket.category, |category: Category| category.as_str_name())?;
        code(&mut map, "severity", ticket.severity, |severity: Severity| severity.as_str_name())?;
        text(&mut map, "language", &ticket.language)?;
        text(&mut map, "subject", &ticket.subject)?;
        text(&mut map, "body", &ticket.body)?;
        let attributes: &BTreeMap<String, String> = &ticket.attributes;
        message(&mut map, "attributes", (!attributes.is_empty()).then_some(attributes))?;
        map.end()
    }
}

impl Serialize for Canonical<'_, Requester> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        code(&mut map, "role", self.0.role, |role: Role| role.as_str_name())?;
        text(&mut map, "id", &self.0.id)?;
        text(&mut map, "displayName", &self.0.display_name)?;
        text(&mut map, "email", &self.0.email)?;
        map.end()
    }
}

fn text<M: SerializeMap>(map: &mut M, name: &'static str, value: &str) -> Result<(), M::Error> {
    if value.is_empty() { Ok(()) } else { map.serialize_entry(name, value) }
}

fn message<M: SerializeMap>(
    map: &mut M,
    name: &'static str,
    value: Option<&impl Serialize>,
) -> Result<(), M::Error> {
    value.map_or(Ok(()), |value| map.serialize_entry(name, value))
}

fn code<M: SerializeMap, T: TryFrom<i32>>(
    map: &mut M,
    field: &'static str,
    number: i32,
    name: fn(T) -> &'static str,
) -> Result<(), M::Error> {
    match T::try_from(number) {
        _ if number == 0 => Ok(()),
        Ok(value) => map.serialize_entry(field, name(value)),
        Err(_) => map.serialize_entry(field, &number),
    }
}
