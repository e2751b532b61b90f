//! Rewrites a ticket in the other format, for a router whose output format is not its input's.

mod json;
mod protobuf;

use super::{
    BadRecord, Format, Limits, Payload,
    grammar::{Scratch, read_into},
    raw::Raw,
    sink::{Attribute, Code, Sink, Text, Time},
};
use crate::proto::Timestamp;

/// Appends the ticket in format `to`: protobuf in the order of the fields, or canonical ProtoJSON. A ticket
/// that is in that format already is checked and copied as it is.
///
/// It is read by the very grammars of [`Reader`](super::Reader), so it takes what a reader takes, but without
/// limits. Unknown fields have no place in the other format and are dropped, as are values of known fields
/// that are no such value there; text that is none becomes the JSON text as it was written. An unknown enum
/// number is kept as a number, an unknown enum name becomes the number −1, which no version will ever know:
/// unspecified would say that the ticket has no category, and a ticket taken back from triage would be given
/// an owner.
///
/// For one ticket; [`Reader::open`](super::Reader::open) reads and rewrites many without allocating.
/// Nothing is appended if it fails.
///
/// # Errors
/// As [`Reader::read`](super::Reader::read).
pub fn transcode(payload: Payload<'_>, to: Format, out: &mut Vec<u8>) -> Result<(), BadRecord> {
    let mut whole = Whole::default();
    read_into(payload, &Limits::NONE, &mut Scratch::default(), &mut whole)?;
    if payload.format == to {
        out.extend_from_slice(payload.bytes);
    } else {
        whole.write(to, out);
    }
    Ok(())
}

/// Stands for an enum name that this version does not know.
const UNKNOWN_NAME: i32 = -1;

/// The sink that keeps all fields, borrowed.
#[derive(Default, Debug)]
pub(super) struct Whole<'a> {
    texts: [Raw<'a>; Text::ALL.len()],
    codes: [i32; 3],
    created_at: Option<Timestamp>,
    updated_at: Option<Timestamp>,
    revision: u64,
    has_requester: bool,
    attributes: Vec<Attribute<'a>>,
}

/// Room for attributes that is kept from one ticket to the next.
pub(super) type Room = Vec<Attribute<'static>>;

impl<'a> Whole<'a> {
    /// Uses the room for its attributes.
    pub(super) fn new(room: Room) -> Self {
        Self { attributes: recycle(room), ..Self::default() }
    }

    /// Appends the ticket in a format, and gives the room back.
    pub(super) fn write(mut self, to: Format, out: &mut Vec<u8>) -> Room {
        // By name, as a map has them. Of equal names the last counts; the order among them is kept by the sort.
        self.attributes.sort_by(|(one, _), (other, _)| one.order(other));
        self.attributes.dedup_by(|later, earlier| {
            let is_same = later.0.order(&earlier.0).is_eq();
            if is_same {
                earlier.1 = later.1;
            }
            is_same
        });
        match to {
            Format::Protobuf => protobuf::write(&self, out),
            Format::Json => json::write(&self, out),
        }
        recycle(self.attributes)
    }

    fn get(&self, field: Text) -> Raw<'a> {
        self.texts[field as usize]
    }

    fn get_code(&self, field: Code) -> i32 {
        self.codes[field as usize]
    }
}

/// An empty vector in the place of another one: nothing is borrowed any more, and the standard library keeps the
/// allocation.
fn recycle<'b>(mut attributes: Vec<Attribute<'_>>) -> Vec<Attribute<'b>> {
    attributes.clear();
    attributes.into_iter().map(|_| Attribute::default()).collect()
}

impl<'a> Sink<'a> for Whole<'a> {
    const REWRITES: bool = true;

    #[inline]
    fn text(&mut self, field: Text, value: impl FnOnce() -> Raw<'a>) {
        self.texts[field as usize] = value();
    }

    fn code(&mut self, field: Code, number: Option<i32>) {
        self.codes[field as usize] = number.unwrap_or(UNKNOWN_NAME);
    }

    fn attribute(&mut self, attribute: impl FnOnce() -> Attribute<'a>) {
        self.attributes.push(attribute());
    }

    fn requester(&mut self) {
        self.has_requester = true;
    }

    fn time(&mut self, field: Time, value: Timestamp) {
        match field {
            Time::CreatedAt => self.created_at = Some(value),
            Time::UpdatedAt => self.updated_at = Some(value),
        }
    }

    fn revision(&mut self, value: u64) {
        self.revision = value;
    }
}
