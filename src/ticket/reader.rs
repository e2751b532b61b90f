//! Reads tickets: checks all of one and borrows what a decision needs.

use super::{
    BadRecord, Format, Limits, Payload,
    content_type::{Declared, declared},
    diagnose::diagnose,
    envelope::{self, Event, Look},
    grammar::{Certainty, Scratch, read_into},
    notes::Notes,
    payload::check_size,
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
    scratch: Scratch,
    text: Vec<u8>,
    room: Room,
    event: Event,
}

/// The ticket of a record, and how it came.
#[derive(Debug)]
pub struct Opened<'s> {
    /// The ticket.
    pub ticket: Ticket<'s>,
    /// Its own bytes: the record's, or what an envelope holds.
    pub payload: Payload<'s>,
    /// The attributes of the CloudEvent that it came in, in structured mode.
    pub event: &'s [(String, String)],
}

impl Reader {
    /// Makes a reader that also borrows the attributes of these names.
    #[must_use]
    pub fn new(limits: Limits, attributes: Vec<String>) -> Self {
        Self {
            limits,
            attributes,
            scratch: Scratch::default(),
            text: Vec::new(),
            room: Room::new(),
            event: Event::default(),
        }
    }

    /// Checks the whole payload in one pass and borrows the fields that decide; those with JSON escapes are
    /// borrowed from the reader's scratch space.
    ///
    /// Whatever ProtoJSON or protobuf allow is taken: either name of a field, enum names or numbers, numbers
    /// as text, null for a default, unknown fields. Of what decides nothing any value is taken, and noted if
    /// the contract does not have it. More is refused than many parsers do: a JSON key twice in
    /// any object, a known field under both names.
    ///
    /// # Errors
    /// Each [`DeadLetterReason`](super::DeadLetterReason) from `INVALID_UTF8` to `ID_TOO_LONG`.
    pub fn read<'s>(&'s mut self, payload: Payload<'s>) -> Result<Ticket<'s>, BadRecord> {
        let mut kept = Kept::new(&self.attributes);
        read_into(payload, &self.limits, &mut self.scratch, &mut kept)?;
        Ok(kept.resolve(&mut self.text))
    }

    /// Finds the ticket in a record's value, reads it as [`read`](Self::read) does, and in the same pass
    /// rewrites it into
    /// `out`, whose content is replaced, if `to` gives another format for the ticket's own.
    ///
    /// A CloudEvent in structured mode is opened: one by its content type, or by the four attributes that
    /// each must have. `content_type` is the record's last header of that name.
    ///
    /// # Errors
    /// Each [`DeadLetterReason`](super::DeadLetterReason) from `EMPTY_VALUE` to `ID_TOO_LONG`, except
    /// `TOO_MANY_HEADERS` for the record's own.
    pub fn open<'s>(
        &'s mut self,
        content_type: Option<&[u8]>,
        value: Option<&'s [u8]>,
        to: impl Fn(Format) -> Format,
        out: &mut Vec<u8>,
    ) -> Result<Opened<'s>, BadRecord> {
        let Self { limits, attributes, scratch, text, room, event } = self;
        event.clear();
        let value = check_size(value, limits)?;
        let declared = declared(content_type)?;
        let payload = Payload::declared(declared, value)?;
        let mut work = Work { limits, attributes, scratch, room, out };
        let is_event = declared == Declared::Event;
        let first = (!is_event).then(|| work.scan(payload, &to));
        let (kept, payload, event) = match first {
            Some(Ok((kept, Certainty::Ticket))) => (kept, payload, &*event),
            first => work.settle(payload, first, is_event, event, &to)?,
        };
        Ok(Opened { ticket: kept.resolve(text), payload, event: event.attributes() })
    }

    /// What is odd about the ticket that was read last.
    #[must_use]
    pub fn notes(&self) -> &Notes {
        &self.scratch.notes
    }
}

/// What reading found, and whether that is all there is to it.
type Scanned<'a, 'n> = (Kept<'a, 'n>, Certainty);

/// What one look at a payload works with.
struct Work<'w, 'n> {
    limits: &'w Limits,
    attributes: &'n [String],
    scratch: &'w mut Scratch,
    room: &'w mut Room,
    out: &'w mut Vec<u8>,
}

impl<'n> Work<'_, 'n> {
    /// Reads the payload, and rewrites it if the output has another format.
    fn scan<'a>(
        &mut self,
        payload: Payload<'a>,
        to: &impl Fn(Format) -> Format,
    ) -> Result<Scanned<'a, 'n>, BadRecord> {
        let mut kept = Kept::new(self.attributes);
        let to = to(payload.format);
        if payload.format == to {
            let certainty = read_into(payload, self.limits, self.scratch, &mut kept)?;
            return Ok((kept, certainty));
        }
        let whole = Whole::new(std::mem::take(self.room));
        let mut both = Both(kept, whole);
        let certainty = read_into(payload, self.limits, self.scratch, &mut both)?;
        let Both(kept, whole) = both;
        self.out.clear();
        *self.room = whole.write(to, self.out);
        Ok((kept, certainty))
    }

    /// Says what a payload is whose first look has not settled it.
    #[cold]
    fn settle<'s>(
        &mut self,
        payload: Payload<'s>,
        first: Option<Result<Scanned<'s, 'n>, BadRecord>>,
        is_event: bool,
        event: &'s mut Event,
        to: &impl Fn(Format) -> Format,
    ) -> Result<(Kept<'s, 'n>, Payload<'s>, &'s Event), BadRecord> {
        let error = first.as_ref().and_then(|first| first.as_ref().err());
        match envelope::look(payload, error, is_event, self.limits) {
            Look::None => match first.unwrap_or_else(|| self.scan(payload, to)) {
                Ok((kept, _)) => Ok((kept, payload, event)),
                Err(bad) => Err(diagnose(bad, payload.bytes)),
            },
            Look::Envelope(bad) => Err(bad),
            Look::Event(members) => {
                let data = event.open(&members, self.limits)?;
                let event = &*event;
                let payload = event.payload(data)?;
                Ok((self.scan_data(payload, to)?, payload, event))
            }
        }
    }

    /// Reads what a CloudEvent holds.
    fn scan_data<'a>(
        &mut self,
        payload: Payload<'a>,
        to: &impl Fn(Format) -> Format,
    ) -> Result<Kept<'a, 'n>, BadRecord> {
        let scanned = self.scan(payload, to);
        if let Ok((kept, Certainty::Ticket)) = scanned {
            return Ok(kept);
        }
        envelope::look(payload, scanned.as_ref().err(), false, self.limits).inside_event()?;
        scanned.map(|(kept, _)| kept).map_err(|bad| envelope::of_data(bad, payload.bytes))
    }
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
    fn decides(&self, attribute: Option<&Raw<'a>>) -> bool {
        attribute.map_or(!self.names.is_empty(), |attribute| self.names.iter().any(|name| attribute.is(name)))
    }

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
    const REWRITES: bool = A::REWRITES || B::REWRITES;

    fn decides(&self, attribute: Option<&Raw<'a>>) -> bool {
        self.0.decides(attribute) || self.1.decides(attribute)
    }

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
