//! Reads tickets: checks all of one and borrows what a decision needs.

use super::{
    BadRecord, Format, Limits, Payload, json,
    payload::looks_like_json,
    protobuf,
    raw::{Arena, Raw},
    sink::{Attribute, Code, Sink, Text, Time},
    transcode::{Room, Whole},
    view::{Attributes, Coded, Slots, Ticket},
};
use crate::proto::{
    Timestamp,
    v1::ticket::{Category, Severity, requester::Role},
};

/// Reads one ticket after the other; each worker has its own.
///
/// It keeps its scratch space, so once that has grown to what the tickets need, reading allocates nothing.
#[derive(Debug)]
pub struct Reader {
    limits: Limits,
    attributes: Vec<String>,
    json: json::Scratch,
    text: Vec<u8>,
    room: Room,
}

impl Reader {
    /// Makes a reader that also borrows the attributes of these names.
    #[must_use]
    pub fn new(limits: Limits, attributes: Vec<String>) -> Self {
        Self { limits, attributes, json: json::Scratch::default(), text: Vec::new(), room: Room::new() }
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
        read_into(payload, &self.limits, &mut self.json, &mut kept)?;
        Ok(kept.resolve(&mut self.text))
    }

    /// Reads as [`read`](Self::read) does, and in the same pass rewrites the ticket: appends it to `out` in the format
    /// that is not its own, as [`transcode`](super::transcode) does. Nothing is appended if it fails.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn read_as<'s>(
        &'s mut self,
        payload: Payload<'s>,
        to: Format,
        out: &mut Vec<u8>,
    ) -> Result<Ticket<'s>, BadRecord> {
        if payload.format == to {
            let ticket = self.read(payload)?;
            out.extend_from_slice(payload.bytes);
            return Ok(ticket);
        }
        let whole = Whole::new(std::mem::take(&mut self.room));
        let mut both = Both(Kept::new(&self.attributes), whole);
        read_into(payload, &self.limits, &mut self.json, &mut both)?;
        let Both(kept, whole) = both;
        self.room = whole.write(to, out);
        Ok(kept.resolve(&mut self.text))
    }
}

/// Checks the whole payload and hands its fields to a sink.
pub(super) fn read_into<'a>(
    payload: Payload<'a>,
    limits: &Limits,
    scratch: &mut json::Scratch,
    sink: &mut impl Sink<'a>,
) -> Result<(), BadRecord> {
    match payload.format {
        Format::Json => json::read(payload.bytes, limits, scratch, sink).map_err(|bad| *bad),
        Format::Protobuf => {
            protobuf::read(payload.bytes, limits, sink).map_err(|bad| hint(*bad, payload.bytes))
        }
    }
}

/// Helps with the one mistake that the format's detection makes likely.
#[cold]
fn hint(mut bad: BadRecord, bytes: &[u8]) -> BadRecord {
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

    fn resolve(self, room: &'a mut Vec<u8>) -> Ticket<'a> {
        let needed = self.texts().map(|raw| Arena::need(raw)).sum();
        if room.len() < needed {
            room.resize(needed, 0);
        }
        let mut arena = Arena::new(room);
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
    fn text(&mut self, field: Text, value: impl FnOnce() -> Raw<'a>) {
        let place = match field {
            Text::Id => &mut self.id,
            Text::Source => &mut self.source,
            Text::RequesterId => &mut self.requester_id,
            Text::PartnerId => &mut self.partner_id,
            Text::OfferId => &mut self.offer_id,
            _ => return,
        };
        *place = value();
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

    #[inline]
    fn attribute(&mut self, attribute: impl FnOnce() -> Attribute<'a>) {
        if self.names.is_empty() {
            return;
        }
        let (name, value) = attribute();
        for (declared, slot) in self.names.iter().zip(self.attributes.as_mut_slice()) {
            if name.is(declared) {
                *slot = Some(value);
            }
        }
    }
}

/// Two sinks that both take everything.
struct Both<A, B>(A, B);

impl<'a, A: Sink<'a>, B: Sink<'a>> Sink<'a> for Both<A, B> {
    #[inline]
    fn text(&mut self, field: Text, value: impl FnOnce() -> Raw<'a>) {
        let value = value();
        self.0.text(field, || value);
        self.1.text(field, || value);
    }

    fn code(&mut self, field: Code, number: Option<i32>) {
        self.0.code(field, number);
        self.1.code(field, number);
    }

    fn attribute(&mut self, attribute: impl FnOnce() -> Attribute<'a>) {
        let attribute = attribute();
        self.0.attribute(|| attribute);
        self.1.attribute(|| attribute);
    }

    fn requester(&mut self) {
        self.0.requester();
        self.1.requester();
    }

    fn time(&mut self, field: Time, value: Timestamp) {
        self.0.time(field, value);
        self.1.time(field, value);
    }

    fn revision(&mut self, value: u64) {
        self.0.revision(value);
        self.1.revision(value);
    }
}
