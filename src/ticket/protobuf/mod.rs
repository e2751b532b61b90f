//! The wire format of a ticket, read as prost and the other protobuf libraries read it: the last value of a
//! field counts, parts of a message that comes in parts are merged, unknown fields are passed over.

mod wire;

use wire::{Cursor, Wire};

use super::{
    limits::Limits,
    notes::{Note, Notes},
    reason::{DeadLetterReason as Reason, Fault},
    sink::{AttributeCheck, Code, Sink, Text, Time},
    utf8::Checked,
};
use crate::proto::Timestamp;

/// Reads one ticket: checks all of it, and hands its known fields to the sink. Returns whether its id cannot
/// be a ticket: the first field of a routed ticket is one.
pub(super) fn read<'a, S: Sink<'a>>(
    bytes: &'a [u8],
    limits: &Limits,
    notes: &mut Notes,
    sink: &mut S,
) -> Result<bool, Fault> {
    let mut fields = Fields::default();
    let mut attributes = AttributeCheck::new(limits);
    let mut cursor = Cursor::new(bytes, limits.max_depth);
    cursor.open(1)?;
    while let Some((number, wire)) = cursor.key()? {
        match number {
            1 => fields.text(Text::Id, &mut cursor, wire)?,
            2 => fields.text(Text::Source, &mut cursor, wire)?,
            3 => fields.created_at = Some(read_time(Time::CreatedAt, fields.created_at, &mut cursor, wire)?),
            4 => fields.updated_at = Some(read_time(Time::UpdatedAt, fields.updated_at, &mut cursor, wire)?),
            5 => fields.revision = Some(cursor.number("revision", wire)?),
            6 => fields.requester::<S>(&mut cursor, wire, notes)?,
            7 => fields.text(Text::PartnerId, &mut cursor, wire)?,
            8 => fields.text(Text::OfferId, &mut cursor, wire)?,
            9 => fields.text(Text::PlanId, &mut cursor, wire)?,
            10 => fields.text(Text::SubscriptionId, &mut cursor, wire)?,
            11 => fields.code(Code::Category, &mut cursor, wire)?,
            12 => fields.code(Code::Severity, &mut cursor, wire)?,
            13 => fields.text(Text::Language, &mut cursor, wire)?,
            14 => fields.text(Text::Subject, &mut cursor, wire)?,
            15 => fields.text(Text::Body, &mut cursor, wire)?,
            16 => {
                let (name, value) = read_attribute(&mut cursor, wire)?;
                attributes.add(name.len() + value.len(), || (name.text(), value.text()))?;
                sink.attribute(|| (name.text(), value.text()));
            }
            _ => {
                cursor.skip(number, wire, 1)?;
                if S::REWRITES {
                    note_unknown("", number, notes);
                }
            }
        }
    }
    let is_certain = fields.texts[Text::Id as usize].first() != Some(ID_KEY);
    fields.hand_over(limits, notes, sink)?;
    Ok(is_certain)
}

/// The key of a ticket's first field, its id; as a character it is a line's end.
const ID_KEY: u8 = 0x0a;

/// Notes a field that has no name here, and so no place in JSON.
#[cold]
fn note_unknown(path: &'static str, number: u32, notes: &mut Notes) {
    notes.add(Note::Dropped, path, &format!("field_{number}"));
}

/// The last values so far.
#[derive(Default)]
struct Fields<'a> {
    texts: [Checked<'a>; Text::ALL.len()],
    codes: [Option<i32>; 3],
    created_at: Option<Timestamp>,
    updated_at: Option<Timestamp>,
    revision: Option<u64>,
    has_requester: bool,
}

impl<'a> Fields<'a> {
    fn text(&mut self, field: Text, cursor: &mut Cursor<'a>, wire: Wire) -> Result<(), Fault> {
        self.texts[field as usize] = cursor.text(|| field.name(), wire)?;
        Ok(())
    }

    /// Open enums: what does not fit into 32 bits is cut, as everywhere in protobuf.
    fn code(&mut self, field: Code, cursor: &mut Cursor<'a>, wire: Wire) -> Result<(), Fault> {
        self.codes[field as usize] = Some(cursor.number(field.name(), wire)? as i32);
        Ok(())
    }

    fn requester<S: Sink<'a>>(
        &mut self,
        cursor: &mut Cursor<'a>,
        wire: Wire,
        notes: &mut Notes,
    ) -> Result<(), Fault> {
        let mut inside = cursor.message("requester", wire)?;
        inside.open(2)?;
        self.has_requester = true;
        while let Some((number, wire)) = inside.key()? {
            match number {
                1 => self.code(Code::Role, &mut inside, wire)?,
                2 => self.text(Text::RequesterId, &mut inside, wire)?,
                3 => self.text(Text::DisplayName, &mut inside, wire)?,
                4 => self.text(Text::Email, &mut inside, wire)?,
                _ => {
                    inside.skip(number, wire, 2)?;
                    if S::REWRITES {
                        note_unknown("requester.", number, notes);
                    }
                }
            }
        }
        Ok(())
    }

    fn hand_over<S: Sink<'a>>(self, limits: &Limits, notes: &mut Notes, sink: &mut S) -> Result<(), Fault> {
        if self.texts[Text::Id as usize].len() == 0 {
            return Err(Reason::MissingId.with("`id` is absent or empty").into());
        }
        for (field, value) in Text::ALL.into_iter().zip(self.texts) {
            // Empty is absent.
            if value.len() > 0 {
                field.check(value.len(), || value.text(), limits)?;
                sink.text(field, || value.text());
            }
        }
        for (field, value) in [(Time::CreatedAt, self.created_at), (Time::UpdatedAt, self.updated_at)] {
            match value {
                Some(value) if value.is_in_range() => sink.time(field, value),
                // It decides nothing, and JSON cannot write it.
                Some(_) => {
                    notes.add(Note::OddValue, "", field.name());
                    if S::REWRITES {
                        notes.add(Note::Dropped, "", field.name());
                    }
                }
                None => {}
            }
        }
        for (field, number) in [Code::Role, Code::Category, Code::Severity].into_iter().zip(self.codes) {
            if number.is_some() {
                sink.code(field, number);
            }
        }
        if self.has_requester {
            sink.requester();
        }
        if let Some(revision) = self.revision {
            sink.revision(revision);
        }
        Ok(())
    }
}

/// A timestamp, on top of what came of it before.
fn read_time(
    field: Time,
    before: Option<Timestamp>,
    cursor: &mut Cursor<'_>,
    wire: Wire,
) -> Result<Timestamp, Fault> {
    let mut time = before.unwrap_or_default();
    let mut inside = cursor.message(field.name(), wire)?;
    inside.open(2)?;
    while let Some((number, wire)) = inside.key()? {
        match number {
            1 => time.seconds = inside.number("seconds", wire)? as i64,
            2 => time.nanos = inside.number("nanos", wire)? as i32,
            _ => inside.skip(number, wire, 2)?,
        }
    }
    Ok(time)
}

/// An entry of the map; name or value are empty if they are absent.
fn read_attribute<'a>(cursor: &mut Cursor<'a>, wire: Wire) -> Result<(Checked<'a>, Checked<'a>), Fault> {
    let (mut name, mut value) = Default::default();
    let mut inside = cursor.message("attributes", wire)?;
    inside.open(2)?;
    while let Some((number, wire)) = inside.key()? {
        match number {
            1 => name = inside.text(|| "attributes.key", wire)?,
            2 => value = inside.text(|| "attributes.value", wire)?,
            _ => inside.skip(number, wire, 2)?,
        }
    }
    Ok((name, value))
}
