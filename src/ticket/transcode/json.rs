//! A ticket as canonical ProtoJSON, as the generated mapping writes its message; but that refuses enum numbers
//! without a name.

use serde::{Serialize, Serializer, ser::SerializeMap};

use super::Whole;
use crate::{
    proto::v1::ticket::{Category, Severity, requester::Role},
    ticket::{
        raw::Raw,
        sink::{Attribute, Code, Text},
    },
};

pub(super) fn write(ticket: &Whole<'_>, out: &mut Vec<u8>) {
    serde_json::to_writer(out, &Canonical(ticket)).expect("a checked ticket has a JSON text");
}

struct Canonical<'w, 'a>(&'w Whole<'a>);

impl Serialize for Canonical<'_, '_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let ticket = self.0;
        let mut map = serializer.serialize_map(None)?;
        text(&mut map, "id", ticket.get(Text::Id))?;
        text(&mut map, "source", ticket.get(Text::Source))?;
        message(&mut map, "createdAt", ticket.created_at.as_ref())?;
        message(&mut map, "updatedAt", ticket.updated_at.as_ref())?;
        if ticket.revision != 0 {
            map.serialize_entry("revision", &ticket.revision.to_string())?;
        }
        message(&mut map, "requester", ticket.has_requester.then_some(&Requester(ticket)))?;
        text(&mut map, "partnerId", ticket.get(Text::PartnerId))?;
        text(&mut map, "offerId", ticket.get(Text::OfferId))?;
        text(&mut map, "planId", ticket.get(Text::PlanId))?;
        text(&mut map, "subscriptionId", ticket.get(Text::SubscriptionId))?;
        let (category, severity) = (ticket.get_code(Code::Category), ticket.get_code(Code::Severity));
        code(&mut map, "category", category, |category: Category| category.as_str_name())?;
        code(&mut map, "severity", severity, |severity: Severity| severity.as_str_name())?;
        text(&mut map, "language", ticket.get(Text::Language))?;
        text(&mut map, "subject", ticket.get(Text::Subject))?;
        text(&mut map, "body", ticket.get(Text::Body))?;
        let attributes = Attributes(&ticket.attributes);
        message(&mut map, "attributes", (!ticket.attributes.is_empty()).then_some(&attributes))?;
        map.end()
    }
}

struct Requester<'w, 'a>(&'w Whole<'a>);

impl Serialize for Requester<'_, '_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        code(&mut map, "role", self.0.get_code(Code::Role), |role: Role| role.as_str_name())?;
        text(&mut map, "id", self.0.get(Text::RequesterId))?;
        text(&mut map, "displayName", self.0.get(Text::DisplayName))?;
        text(&mut map, "email", self.0.get(Text::Email))?;
        map.end()
    }
}

struct Attributes<'w, 'a>(&'w [Attribute<'a>]);

impl Serialize for Attributes<'_, '_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name.to_text(), value.to_text())))
    }
}

fn text<M: SerializeMap>(map: &mut M, name: &'static str, value: Raw<'_>) -> Result<(), M::Error> {
    if value.is_empty() { Ok(()) } else { map.serialize_entry(name, &value.to_text()) }
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
