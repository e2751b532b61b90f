//! The JSON of a ticket (ProtoJSON, RFC 8259): one pass that checks everything and builds nothing.

mod keys;
mod number;
mod scan;
mod skip;

use keys::{Key, Keys};
use scan::{Cursor, Kind};

use super::{
    limits::Limits,
    raw::Raw,
    reason::{DeadLetterReason as Reason, Fault},
    sink::{AttributeCheck, Code, Sink, Text, Time},
    utf8,
};
use crate::proto::{
    Timestamp,
    v1::ticket::{Category, Severity, requester::Role},
};

/// What a reader of JSON keeps between tickets, only to save allocations.
#[derive(Default, Debug)]
pub(super) struct Scratch {
    keys: Keys,
    /// Objects and arrays of an unknown field that are open.
    open: Vec<skip::Open>,
    /// A key or an enum's name without its escapes.
    name: String,
}

/// Reads one ticket: checks all of it, and hands its known fields to the sink.
pub(super) fn read<'a>(
    bytes: &'a [u8],
    limits: &Limits,
    scratch: &mut Scratch,
    sink: &mut impl Sink<'a>,
) -> Result<(), Fault> {
    // Checked once for all: what is cut out at quotes below is text.
    let text = utf8::text(bytes).map_err(|error| {
        Fault::from(
            Reason::InvalidUtf8.with(format!("the JSON text is not UTF-8 at byte {}", error.valid_up_to())),
        )
    })?;
    scratch.keys.clear();
    scratch.open.clear();
    let mut parser = Parser { cursor: Cursor::new(text), limits, scratch, sink, has_id: false };
    parser.ticket()?;
    parser.cursor.end()?;
    if !parser.has_id {
        return Err(Reason::MissingId.with("`id` is absent or empty").into());
    }
    Ok(())
}

struct Parser<'a, 'w, S> {
    cursor: Cursor<'a>,
    limits: &'w Limits,
    scratch: &'w mut Scratch,
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

impl<'a, S: Sink<'a>> Parser<'a, '_, S> {
    fn ticket(&mut self) -> Result<(), Fault> {
        match self.cursor.kind()? {
            Kind::Object => self.members(1, Field::of_ticket),
            kind => Err(self.cursor.syntax(&format!("the ticket must be an object, found {kind}"))),
        }
    }

    /// The members of an object of known fields, from its first byte.
    fn members(&mut self, depth: usize, field_of: impl Fn(&[u8]) -> Option<Field>) -> Result<(), Fault> {
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
                    self.skip(depth)?;
                }
            }
            more = self.cursor.next_member()?;
        }
        self.scratch.keys.close(mark, self.cursor.text())
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
            Field::Time(field) => self.time(field, value),
            Field::Code(code) => {
                self.named_code(code, value);
                Ok(())
            }
            Field::Revision => {
                let number = self.number_in(value);
                self.revision(number)
            }
            Field::Requester => Err(wrong_type("requester", "an object", kind)),
            Field::Attributes => Err(wrong_type("attributes", "an object", kind)),
        }
    }

    /// A field whose value is no string.
    fn other_field(&mut self, field: Field, kind: Kind) -> Result<(), Fault> {
        match (field, kind) {
            (_, Kind::Null) => self.cursor.literal(kind),
            (Field::Text(text), _) => Err(wrong_type(text.name(), "a string", kind)),
            (Field::Time(field), _) => Err(wrong_type(field.name(), "a string with an RFC 3339 time", kind)),
            (Field::Code(code), Kind::Number) => self.numbered_code(code),
            (Field::Code(code), _) => Err(wrong_type(code.name(), "a name or a number", kind)),
            (Field::Revision, Kind::Number) => {
                let number = number::integer(self.cursor.number()?);
                self.revision(number)
            }
            (Field::Revision, _) => Err(wrong_type("revision", "a number", kind)),
            (Field::Requester, Kind::Object) => {
                self.sink.requester();
                self.members(2, Field::of_requester)
            }
            (Field::Requester, _) => Err(wrong_type("requester", "an object", kind)),
            (Field::Attributes, Kind::Object) => self.attributes(),
            (Field::Attributes, _) => Err(wrong_type("attributes", "an object", kind)),
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

    fn time(&mut self, field: Time, value: Raw<'a>) -> Result<(), Fault> {
        let text = match value.as_plain() {
            Some(text) => text,
            None => self.unescaped(value),
        };
        let Some(time) = Timestamp::parse(text) else {
            let detail = format!("`{}` must be an RFC 3339 time from year 1 to 9999", field.name());
            return Err(Reason::InvalidField.with(detail).into());
        };
        self.sink.time(field, time);
        Ok(())
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
        self.sink.code(field, number);
    }

    fn numbered_code(&mut self, field: Code) -> Result<(), Fault> {
        let number = number::integer(self.cursor.number()?).and_then(|number| i32::try_from(number).ok());
        if number.is_none() {
            let detail = format!("`{}` must be a name or a 32-bit integer", field.name());
            return Err(Reason::InvalidField.with(detail).into());
        }
        self.sink.code(field, number);
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

    fn revision(&mut self, number: Option<i128>) -> Result<(), Fault> {
        let Some(revision) = number.and_then(|number| u64::try_from(number).ok()) else {
            return Err(Reason::InvalidField.with("`revision` must be an unsigned 64-bit integer").into());
        };
        self.sink.revision(revision);
        Ok(())
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
            if kind != Kind::String {
                return Err(wrong_type(&format!("attributes[{}]", name.quote()), "a string", kind));
            }
            let value = self.cursor.string()?;
            check.add(name.raw_len() + value.raw_len(), || (name, value))?;
            self.sink.attribute(|| (name, value));
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
