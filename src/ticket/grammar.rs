//! One pass over a payload by the grammar of its format.

use super::{BadRecord, Format, Limits, Payload, json, notes::Notes, protobuf, sink::Sink};

/// Whether what was read can be anything else.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Certainty {
    Ticket,
    PerhapsEnvelope,
}

/// What reading keeps between tickets.
#[derive(Default, Debug)]
pub(super) struct Scratch {
    json: json::Scratch,
    pub(super) notes: Notes,
}

/// Checks the whole payload and hands its fields to a sink.
pub(super) fn read_into<'a>(
    payload: Payload<'a>,
    limits: &Limits,
    scratch: &mut Scratch,
    sink: &mut impl Sink<'a>,
) -> Result<Certainty, BadRecord> {
    let Scratch { json, notes } = scratch;
    notes.clear();
    let is_certain = match payload.format {
        Format::Json => json::read(payload.bytes, limits, json, notes, sink),
        Format::Protobuf => protobuf::read(payload.bytes, limits, notes, sink),
    };
    Ok(if is_certain.map_err(|bad| *bad)? { Certainty::Ticket } else { Certainty::PerhapsEnvelope })
}
