//! From the bytes of a record to the record.

use prost::Message as _;

use super::{
    Encodings, InvalidRecord, Kind, MAX_RECORD_BYTES, Offer, Partner, Publisher, Quoted, Record,
    survey::{invalid_json, survey},
};
use crate::ticket::{Format, Payload};

/// A record that was read, and what it said besides.
#[derive(Clone, Debug)]
pub struct Decoded<R> {
    /// The record.
    pub record: R,
    /// Keys of its JSON that the contract does not have: of a newer writer, or a slip of the pen. The first 8.
    pub unknown_fields: Vec<UnknownField>,
}

/// A key of a record's JSON that the contract does not have.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UnknownField {
    /// Its path, as it was found; the key is cut after 64 characters.
    pub path: String,
    /// The field that has this name but for capitals and underscores.
    pub meant: Option<&'static str>,
}

/// Reads a record. Fields that this version does not know are passed over.
///
/// # Errors
/// The first thing that is wrong with it; see [`InvalidRecord`].
pub fn read<R: Record>(payload: Payload<'_>, encodings: Encodings) -> Result<Decoded<R>, InvalidRecord> {
    let (len, limit) = (payload.bytes.len(), MAX_RECORD_BYTES);
    if len > limit {
        return Err(InvalidRecord::TooLarge { what: "record", len, limit });
    }
    match payload.format {
        Format::Json => read_json(payload.bytes, encodings),
        Format::Protobuf => {
            let message = R::Message::decode(payload.bytes)
                .map_err(|source| InvalidRecord::Protobuf { detail: source.to_string() })?;
            Ok(Decoded { record: R::build(&message, encodings)?, unknown_fields: Vec::new() })
        }
    }
}

fn read_json<R: Record>(json: &[u8], encodings: Encodings) -> Result<Decoded<R>, InvalidRecord> {
    let survey = survey(json, R::SHAPE)?;
    let message = if survey.has_null {
        serde_json::from_slice(json).and_then(|value| serde_json::from_value(without_nulls(value)))
    } else {
        serde_json::from_slice(json)
    };
    let message: R::Message = message.map_err(|source| invalid_json(&source))?;
    Ok(Decoded { record: R::build(&message, encodings)?, unknown_fields: survey.unknown_fields })
}

/// Drops the fields that are `null`, which is how ProtoJSON may write an absent one.
fn without_nulls(value: serde_json::Value) -> serde_json::Value {
    use serde_json::Value;
    match value {
        Value::Object(fields) => {
            let present = fields.into_iter().filter(|(_, value)| !value.is_null());
            Value::Object(present.map(|(name, value)| (name, without_nulls(value))).collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(without_nulls).collect()),
        other => other,
    }
}

/// What one record of a catalog topic does to the catalog.
#[derive(Clone, Debug)]
pub enum Change {
    /// Adds or replaces an offer.
    Offer(Offer),
    /// Adds or replaces a publisher.
    Publisher(Publisher),
    /// Adds or replaces a partner.
    Partner(Partner),
    /// Removes the record of this kind and id: a null value (tombstone).
    Remove(Kind, String),
}

impl Change {
    /// Reads one record of the topic that holds `kind`; no payload stands for a null value.
    ///
    /// # Errors
    /// What is wrong with the record, or that its key is not its id.
    pub fn read(
        kind: Kind,
        key: Option<&[u8]>,
        payload: Option<Payload<'_>>,
        encodings: Encodings,
    ) -> Result<Self, InvalidRecord> {
        let key = key.and_then(|key| std::str::from_utf8(key).ok()).ok_or(InvalidRecord::Key)?;
        let Some(payload) = payload else {
            return Ok(Self::Remove(kind, key.to_owned()));
        };
        Ok(match kind {
            Kind::Offer => Self::Offer(keyed(key, payload, encodings)?),
            Kind::Publisher => Self::Publisher(keyed(key, payload, encodings)?),
            Kind::Partner => Self::Partner(keyed(key, payload, encodings)?),
        })
    }
}

fn keyed<R: Record>(key: &str, payload: Payload<'_>, encodings: Encodings) -> Result<R, InvalidRecord> {
    let record = read::<R>(payload, encodings)?.record;
    if record.id() == key {
        return Ok(record);
    }
    Err(InvalidRecord::KeyMismatch { key: Quoted(key).to_string(), id: Quoted(record.id()).to_string() })
}
