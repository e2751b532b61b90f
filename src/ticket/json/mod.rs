//! The JSON of a ticket (ProtoJSON, RFC 8259): one pass that checks everything and builds nothing.

mod keys;
mod number;
mod odd;
mod outline;
mod scan;
mod skip;

use keys::{Key, Keys};
use scan::Cursor;

use super::{
    limits::Limits,
    notes::{Note, Notes},
    raw::Raw,
    reason::{DeadLetterReason as Reason, Fault},
    sink::{AttributeCheck, Code, Sink, Text, Time},
    utf8,
};
use crate::proto::{
    Timestamp,
    v1::ticket::{Category, Severity, requester::Role},
};

pub(super) use outline::{Member, first_element, members};
pub(super) use scan::Kind;

/// What a reader of JSON keeps between tickets, only to save allocations.
#[derive(Default, Debug)]
pub(super) struct Scratch {
    keys: Keys,
    /// Objects and arrays of an unknown field that are open.
    open: Vec<skip::Open>,
    /// A key or an enum's name without its escapes.
    name: String,
}

/// Reads one ticket: checks all of it, and hands its known fields to the sink. Returns whether it has a field
/// that nothing but a ticket has; one without may be an envelope.
pub(super) fn read<'a>(
    bytes: &'a [u8],
    limits: &Limits,
    scratch: &mut Scratch,
    notes: &mut Notes,
    sink: &mut impl Sink<'a>,
) -> Result<bool, Fault> {
    let mut parser = Parser::new(bytes, limits, scratch, notes, sink)?;
    let seen = parser.ticket()?;
    parser.cursor.end()?;
    if !parser.has_id {
        return Err(Reason::MissingId.with("`id` is absent or empty").into());
    }
    Ok(seen & Field::OF_TICKETS_ONLY != 0)
}

struct Parser<'a, 'w, S> {
    cursor: Cursor<'a>,
    limits: &'w Limits,
    scratch: &'w mut Scratch,
    notes: &'w mut Notes,
    sink: &'w mut S,
    has_id: bool,
}

/// A known field of the ticket or its requester.
#[derive(Clone, Copy)]
enum Field {
    Text(Text),
    Time(Time),
    Code(Code),
    Revision,
    Requester,
    Attributes,
}

impl Field {
    /// The set of fields that no event has at its top. Their names are no names of CloudEvents' attributes,
    /// or their values are objects, which attributes never are.
    const OF_TICKETS_ONLY: u32 = Self::Requester.bit()
        | Self::Attributes.bit()
        | Self::Text(Text::PartnerId).bit()
        | Self::Text(Text::OfferId).bit()
        | Self::Text(Text::PlanId).bit()
        | Self::Text(Text::SubscriptionId).bit();

    /// Its place in the set of fields seen.
    const fn bit(self) -> u32 {
        1 << match self {
            Self::Text(text) => text as u32,
            Self::Time(time) => 16 + time as u32,
            Self::Code(code) => 20 + code as u32,
            Self::Revision => 24,
            Self::Requester => 25,
            Self::Attributes => 26,
        }
    }

    /// By its name, canonical or as in the `.proto` file; by length first, so that no more than a few names are
    /// compared.
    fn of_ticket(name: &[u8]) -> Option<Self> {
        Some(match name.len() {
            2 if name == b"id" => Self::Text(Text::Id),
            4 if name == b"body" => Self::Text(Text::Body),
            6 if name == b"source" => Self::Text(Text::Source),
            6 if name == b"planId" => Self::Text(Text::PlanId),
            7 if name == b"offerId" => Self::Text(Text::OfferId),
            7 if name == b"subject" => Self::Text(Text::Subject),
            7 if name == b"plan_id" => Self::Text(Text::PlanId),
            8 if name == b"category" => Self::Code(Code::Category),
            8 if name == b"severity" => Self::Code(Code::Severity),
            8 if name == b"language" => Self::Text(Text::Language),
            8 if name == b"revision" => Self::Revision,
            8 if name == b"offer_id" => Self::Text(Text::OfferId),
            9 if name == b"createdAt" => Self::Time(Time::CreatedAt),
            9 if name == b"updatedAt" => Self::Time(Time::UpdatedAt),
            9 if name == b"requester" => Self::Requester,
            9 if name == b"partnerId" => Self::Text(Text::PartnerId),
            10 if name == b"attributes" => Self::Attributes,
            10 if name == b"created_at" => Self::Time(Time::CreatedAt),
            10 if name == b"updated_at" => Self::Time(Time::UpdatedAt),
            10 if name == b"partner_id" => Self::Text(Text::PartnerId),
            14 if name == b"subscriptionId" => Self::Text(Text::SubscriptionId),
            15 if name == b"subscription_id" => Self::Text(Text::SubscriptionId),
            _ => return None,
        })
    }

    fn of_requester(name: &[u8]) -> Option<Self> {
        Some(match name {
            b"role" => Self::Code(Code::Role),
            b"id" => Self::Text(Text::RequesterId),
            b"displayName" | b"display_name" => Self::Text(Text::DisplayName),
            b"email" => Self::Text(Text::Email),
            _ => return None,
        })
    }
}

impl<'a, 'w, S: Sink<'a>> Parser<'a, 'w, S> {
    fn new(
        bytes: &'a [u8],
        limits: &'w Limits,
        scratch: &'w mut Scratch,
        notes: &'w mut Notes,
        sink: &'w mut S,
    ) -> Result<Self, Fault> {
        // Checked once for all: what is cut out at quotes below is text.
        let text = utf8::text(bytes).map_err(|error| {
            Fault::from(
                Reason::InvalidUtf8
                    .with(format!("the JSON text is not UTF-8 at byte {}", error.valid_up_to())),
            )
        })?;
        scratch.keys.clear();
        scratch.open.clear();
        Ok(Self { cursor: Cursor::new(text), limits, scratch, notes, sink, has_id: false })
    }

    fn ticket(&mut self) -> Result<u32, Fault> {
        match self.cursor.kind()? {
            Kind::Object => self.members(1, Field::of_ticket),
            kind => Err(self.cursor.syntax(&format!("the ticket must be an object, found {kind}"))),
        }
    }

    /// The members of an object of known fields, from its first byte; returns the set of those that are
    /// there.
    fn members(&mut self, depth: usize, field_of: impl Fn(&[u8]) -> Option<Field>) -> Result<u32, Fault> {
        self.open(depth)?;
        let mark = self.scratch.keys.mark();
        let mut seen = 0_u32;
        let mut more = self.cursor.first_member()?;
        while more {
            let key = self.cursor.key()?;
            let field = match self.cursor.plain(key) {
                Some(name) => field_of(name),
                None => field_of(self.unescaped(self.cursor.name(key)).as_bytes()),
            };
            match field {
                Some(field) if seen & field.bit() != 0 => {
                    return Err(keys::duplicate(&self.cursor.name(key)));
                }
                Some(field) => {
                    seen |= field.bit();
                    self.field(field)?;
                }
                None => {
                    self.add_key(key);
                    self.note_unknown(depth, key);
                    self.skip(depth)?;
                }
            }
            more = self.cursor.next_member()?;
        }
        self.scratch.keys.close(mark, self.cursor.text())?;
        Ok(seen)
    }

    #[inline]
    fn field(&mut self, field: Field) -> Result<(), Fault> {
        let kind = self.cursor.kind()?;
        if kind != Kind::String {
            return self.other_field(field, kind);
        }
        let value = self.cursor.string()?;
        match field {
            Field::Text(text) => self.text(text, value),
            Field::Time(field) => {
                self.time(field, value);
                Ok(())
            }
            Field::Code(code) => {
                self.named_code(code, value);
                Ok(())
            }
            Field::Revision => {
                let number = self.number_in(value);
                self.revision(number, value.is_empty());
                Ok(())
            }
            Field::Requester => Err(wrong_type("requester", "an object", kind)),
            Field::Attributes => self.no_attributes(value.is_empty(), kind),
        }
    }

    /// A field whose value is no string.
    fn other_field(&mut self, field: Field, kind: Kind) -> Result<(), Fault> {
        match (field, kind) {
            (_, Kind::Null) => self.cursor.literal(kind),
            (Field::Requester, Kind::Object) => {
                self.sink.requester();
                self.members(2, Field::of_requester).map(drop)
            }
            (Field::Requester, _) => Err(wrong_type("requester", "an object", kind)),
            (Field::Attributes, Kind::Object) => self.attributes(),
            (Field::Code(code), Kind::Number) => {
                let number = self.cursor.number()?;
                self.numbered_code(code, number)
            }
            (Field::Revision, Kind::Number) => {
                let number = number::integer(self.cursor.number()?);
                self.revision(number, false);
                Ok(())
            }
            _ => self.odd_field(field, kind),
        }
    }

    #[inline]
    fn text(&mut self, field: Text, value: Raw<'a>) -> Result<(), Fault> {
        field.check(value.raw_len(), || value, self.limits)?;
        if field == Text::Id {
            self.has_id = !value.is_empty();
        }
        self.sink.text(field, || value);
        Ok(())
    }

    fn time(&mut self, field: Time, value: Raw<'a>) {
        let text = match value.as_plain() {
            Some(text) => text,
            None => self.unescaped(value),
        };
        match Timestamp::parse(text) {
            Some(time) => self.sink.time(field, time),
            None => self.odd_time(field, &value),
        }
    }

    fn named_code(&mut self, field: Code, value: Raw<'a>) {
        let name = match value.as_plain() {
            Some(name) => name,
            None => self.unescaped(value),
        };
        let number = match field {
            Code::Role => Role::from_str_name(name).map(i32::from),
            Code::Category => Category::from_str_name(name).map(i32::from),
            Code::Severity => Severity::from_str_name(name).map(i32::from),
        };
        if number.is_some() { self.sink.code(field, number) } else { self.odd_name(field, &value) }
    }

    fn numbered_code(&mut self, field: Code, number: &str) -> Result<(), Fault> {
        let number = number::integer(number).and_then(|number| i32::try_from(number).ok());
        match (number, field) {
            (Some(_), _) => self.sink.code(field, number),
            (None, Code::Severity) => self.unread(field.name()),
            (None, _) => {
                let detail = format!("`{}` must be a name or a 32-bit integer", field.name());
                return Err(Reason::InvalidField.with(detail).into());
            }
        }
        Ok(())
    }

    /// The integer in a string, as ProtoJSON writes those of 64 bits.
    fn number_in(&mut self, value: Raw<'a>) -> Option<i128> {
        let text = match value.as_plain() {
            Some(text) => text,
            None => self.unescaped(value),
        };
        let number = Cursor::new(text).number().ok()?;
        if number.len() == text.len() { number::integer(number) } else { None }
    }

    fn revision(&mut self, number: Option<i128>, is_empty: bool) {
        match number.and_then(|number| u64::try_from(number).ok()) {
            Some(revision) => self.sink.revision(revision),
            None if is_empty => self.notes.add(Note::OddValue, "", "revision"),
            None => self.unread("revision"),
        }
    }

    fn attributes(&mut self) -> Result<(), Fault> {
        self.open(2)?;
        let mark = self.scratch.keys.mark();
        let mut check = AttributeCheck::new(self.limits);
        let mut more = self.cursor.first_member()?;
        while more {
            let key = self.cursor.key()?;
            let name = self.cursor.name(key);
            self.add_key(key);
            let kind = self.cursor.kind()?;
            let value = match kind {
                Kind::String => Some(self.cursor.string()?),
                _ => self.odd_attribute(&name, kind)?,
            };
            let raw_len = name.raw_len() + value.map_or(0, |value| value.raw_len());
            check.add(raw_len, || (name, value.unwrap_or_default()))?;
            if let Some(value) = value {
                self.sink.attribute(|| (name, value));
            }
            more = self.cursor.next_member()?;
        }
        self.scratch.keys.close(mark, self.cursor.text())
    }

    fn add_key(&mut self, key: Key) {
        self.scratch.keys.add(key, self.cursor.text(), &mut self.scratch.name);
    }

    /// Enters an object or array at this depth.
    fn open(&self, depth: usize) -> Result<(), Fault> {
        if depth <= self.limits.max_depth {
            return Ok(());
        }
        let (at, limit) = (self.cursor.at(), self.limits.max_depth);
        Err(Reason::TooDeep.with(format!("nested deeper than {limit} at byte {at}")).into())
    }

    fn unescaped(&mut self, raw: Raw<'a>) -> &str {
        self.scratch.name.clear();
        raw.append_to(&mut self.scratch.name);
        &self.scratch.name
    }
}

#[cold]
fn wrong_type(field: &str, expected: &str, found: Kind) -> Fault {
    let field = if field.contains('`') { field.to_owned() } else { format!("`{field}`") };
    Reason::InvalidField.with(format!("{field} must be {expected}, found {found}")).into()
}
