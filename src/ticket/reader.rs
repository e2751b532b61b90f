//! Reads tickets: checks all of one and borrows what a decision needs.

use super::{
    BadRecord, Format, Limits, Payload, json,
    payload::looks_like_json,
    protobuf,
    raw::{Arena, Raw},
    sink::{Code, Sink, Text},
    view::{Attributes, Coded, Slots, Ticket},
};
use crate::proto::v1::ticket::{Category, Severity, requester::Role};

/// Reads one ticket after the other; each worker has its own.
///
/// It keeps its scratch space, so once that has grown to what the tickets need, reading allocates nothing.
#[derive(Debug)]
pub struct Reader {
    limits: Limits,
    attributes: Vec<String>,
    json: json::Scratch,
    text: Vec<u8>,
}

impl Reader {
    /// Makes a reader that also borrows the attributes of these names.
    #[must_use]
    pub fn new(limits: Limits, attributes: Vec<String>) -> Self {
        Self { limits, attributes, json: json::Scratch::default(), text: Vec::new() }
    }

    /// Checks the whole payload in one pass and borrows the fields that decide; those with JSON escapes are
    /// borrowed from the reader's scratch space.
    ///
    /// Whatever ProtoJSON or protobuf allow is taken: either name of a field, enum names or numbers, numbers
    /// as text, null for a default, unknown fields. More is refused than many parsers do: a JSON key twice in
    /// any object, a known field under both names.
    ///
    /// # Errors
    /// Each [`DeadLetterReason`](super::DeadLetterReason) from `INVALID_UTF8` to `ID_TOO_LONG`.
    pub fn read<'s>(&'s mut self, payload: Payload<'s>) -> Result<Ticket<'s>, BadRecord> {
        let mut kept = Kept::new(&self.attributes);
        match payload.format {
            Format::Json => {
                json::read(payload.bytes, &self.limits, &mut self.json, &mut kept).map_err(|bad| *bad)?
            }
            Format::Protobuf => {
                protobuf::read(payload.bytes, &self.limits, &mut kept)
                    .map_err(|bad| hint(*bad, payload.bytes))?;
            }
        }
        let needed = kept.texts().map(|raw| Arena::need(raw)).sum();
        if self.text.len() < needed {
            self.text.resize(needed, 0);
        }
        Ok(kept.resolve(Arena::new(&mut self.text)))
    }
}

/// Helps with the one mistake that the format's detection makes likely.
pub(super) fn hint(mut bad: BadRecord, bytes: &[u8]) -> BadRecord {
    if looks_like_json(bytes) {
        bad.detail.push_str(
            "; it looks like JSON: with leading white space or a byte order mark that needs the header \
             `content-type: application/json`",
        );
    }
    bad
}

/// The sink that keeps what a [`Ticket`] shows.
struct Kept<'a, 'n> {
    names: &'n [String],
    id: Raw<'a>,
    source: Raw<'a>,
    requester_id: Raw<'a>,
    partner_id: Raw<'a>,
    offer_id: Raw<'a>,
    role: Coded<Role>,
    category: Coded<Category>,
    severity: Severity,
    attributes: Slots<Option<Raw<'a>>>,
}

impl<'a, 'n> Kept<'a, 'n> {
    fn new(names: &'n [String]) -> Self {
        Self {
            names,
            id: Raw::default(),
            source: Raw::default(),
            requester_id: Raw::default(),
            partner_id: Raw::default(),
            offer_id: Raw::default(),
            role: Coded::Known(Role::Unspecified),
            category: Coded::Known(Category::Unspecified),
            severity: Severity::Unspecified,
            attributes: Slots::new(names.len()),
        }
    }

    fn texts(&self) -> impl Iterator<Item = &Raw<'a>> {
        [&self.id, &self.source, &self.requester_id, &self.partner_id, &self.offer_id]
            .into_iter()
            .chain(self.attributes.as_slice().iter().flatten())
    }

    fn resolve(self, mut arena: Arena<'a>) -> Ticket<'a> {
        let mut attributes = Slots::new(self.names.len());
        for (value, raw) in attributes.as_mut_slice().iter_mut().zip(self.attributes.as_slice()) {
            *value = raw.map(|raw| arena.text(raw));
        }
        Ticket {
            id: arena.text(self.id),
            source: arena.text(self.source),
            role: self.role,
            requester_id: arena.text(self.requester_id),
            partner_id: arena.text(self.partner_id),
            offer_id: arena.text(self.offer_id),
            category: self.category,
            severity: self.severity,
            attributes: Attributes::new(attributes),
        }
    }
}

impl<'a> Sink<'a> for Kept<'a, '_> {
    #[inline]
    fn text(&mut self, field: Text, value: Raw<'a>) {
        match field {
            Text::Id => self.id = value,
            Text::Source => self.source = value,
            Text::RequesterId => self.requester_id = value,
            Text::PartnerId => self.partner_id = value,
            Text::OfferId => self.offer_id = value,
            _ => {}
        }
    }

    fn code(&mut self, field: Code, number: Option<i32>) {
        match field {
            Code::Role => self.role = Coded::of(number),
            Code::Category => self.category = Coded::of(number),
            Code::Severity => {
                self.severity = number
                    .and_then(|number| Severity::try_from(number).ok())
                    .unwrap_or(Severity::Unspecified);
            }
        }
    }

    fn attribute(&mut self, name: Raw<'a>, value: Raw<'a>) {
        for (declared, slot) in self.names.iter().zip(self.attributes.as_mut_slice()) {
            if name.is(declared) {
                *slot = Some(value);
            }
        }
    }
}
