//! From the bytes of a record to the record.

use prost::Message as _;

use super::{
    Encodings, InvalidRecord, Kind, MAX_RECORD_BYTES, Offer, Partner, Publisher, Quoted, Record,
    RefusedAddress, UnknownValue,
    address::clean,
    key::disguised,
    survey::{invalid_json, survey},
    unknown,
};
use crate::ticket::{Format, Payload};

/// A record that was read, and what it said besides.
#[derive(Clone, Debug)]
pub struct Decoded<R> {
    /// The record.
    pub record: R,
    /// Keys of its JSON that the contract does not have: of a newer writer, or a slip of the pen. The first 8.
    pub unknown_fields: Vec<UnknownField>,
    /// Values of its enums that this version does not know: of a newer writer, or a slip of the pen.
    pub unknown_values: Vec<UnknownValue>,
    /// Addresses that the record was taken without, since nobody should be shown them.
    pub refused_addresses: Vec<RefusedAddress>,
}

/// A key of a record's JSON that the contract does not have.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UnknownField {
    /// Its path, as it was found; the key is cut after 64 characters.
    pub path: String,
    /// The field that has this name except for capitals and underscores.
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
            let mut message = R::Message::decode(payload.bytes)
                .map_err(|source| InvalidRecord::Protobuf { detail: source.to_string() })?;
            let refused_addresses = clean::<R>(&mut message);
            let record = R::build(&message, encodings)?;
            let unknown_values = if record.is_odd() { unknown::list::<R>(&message) } else { Vec::new() };
            Ok(Decoded { record, unknown_fields: Vec::new(), unknown_values, refused_addresses })
        }
    }
}

fn read_json<R: Record>(json: &[u8], encodings: Encodings) -> Result<Decoded<R>, InvalidRecord> {
    let survey = survey(json, R::SHAPE)?;
    let mut unknown_values = Vec::new();
    let message =
        if survey.is_odd { read_odd::<R>(json, &mut unknown_values) } else { serde_json::from_slice(json) };
    let mut message: R::Message = message.map_err(|source| invalid_json(&source))?;
    let refused_addresses = clean::<R>(&mut message);
    let record = R::build_named(&message, &unknown_values, encodings)?;
    Ok(Decoded { record, unknown_fields: survey.unknown_fields, unknown_values, refused_addresses })
}

#[cold]
fn read_odd<R: Record>(json: &[u8], unknown: &mut Vec<UnknownValue>) -> serde_json::Result<R::Message> {
    let cleaned;
    (cleaned, *unknown) = unknown::clean(serde_json::from_slice(json)?, R::SHAPE);
    let mut message = serde_json::from_value(cleaned)?;
    unknown::restore::<R>(&mut message, unknown);
    Ok(message)
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
    /// Removes the record of this kind whose id the key is: a null value (tombstone).
    Remove(Kind, Vec<u8>),
}

impl Change {
    /// Reads one record of the topic that holds `kind`; no payload stands for a null value. Returns the addresses
    /// that the record was taken without, too.
    ///
    /// # Errors
    /// What is wrong with the record, or that its key is not its id.
    pub fn read(
        kind: Kind,
        key: Option<&[u8]>,
        payload: Option<Payload<'_>>,
        encodings: Encodings,
    ) -> Result<(Self, Vec<RefusedAddress>), InvalidRecord> {
        let key = key.ok_or(InvalidRecord::Key)?;
        let Some(payload) = payload else {
            return Ok((Self::Remove(kind, key.to_owned()), Vec::new()));
        };
        match kind {
            Kind::Offer => keyed(key, payload, encodings, Self::Offer),
            Kind::Publisher => keyed(key, payload, encodings, Self::Publisher),
            Kind::Partner => keyed(key, payload, encodings, Self::Partner),
        }
    }
}

fn keyed<R: Record>(
    key: &[u8],
    payload: Payload<'_>,
    encodings: Encodings,
    change: fn(R) -> Change,
) -> Result<(Change, Vec<RefusedAddress>), InvalidRecord> {
    let Decoded { record, refused_addresses, .. } = read::<R>(payload, encodings)?;
    if record.id().as_bytes() == key {
        return Ok((change(record), refused_addresses));
    }
    Err(mismatch(key, record.id()))
}

#[cold]
fn mismatch(key: &[u8], id: &str) -> InvalidRecord {
    let form = disguised(key).into_iter().find(|form| form.id == id);
    if form.is_none() && std::str::from_utf8(key).is_err() {
        return InvalidRecord::Key;
    }
    InvalidRecord::KeyMismatch {
        key: Quoted(&String::from_utf8_lossy(key)).to_string(),
        id: Quoted(id).to_string(),
        how: form.map_or_else(String::new, |form| format!(" (the id {})", form.how)),
    }
}
