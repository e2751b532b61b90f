//! Values that hold a ticket, or an event that is not a ticket. Nothing here runs for a value that is surely a
//! ticket.

mod event;
mod known;

pub(super) use event::Event;

use prost::Message;

use super::{
    BadRecord, DeadLetterReason as Reason, Format, Limits, Payload,
    diagnose::diagnose,
    json::{self, Kind, Member},
};
use crate::proto::v1;

/// What a value turns out to be.
pub(super) enum Look<'a> {
    /// No envelope: a ticket, or nothing that is known here.
    None,
    /// A CloudEvent in structured mode.
    Event(Vec<Member<'a>>),
    /// An envelope that is not opened, with the dead letter.
    Envelope(BadRecord),
}

/// Looks at a value that is perhaps an envelope: nothing that only a ticket has was found in it, or it could
/// not be read as a ticket, with this error, or its content type says that it is an event.
#[cold]
pub(super) fn look<'a>(
    payload: Payload<'a>,
    error: Option<&BadRecord>,
    is_declared: bool,
    limits: &Limits,
) -> Look<'a> {
    if payload.format == Format::Protobuf {
        return if is_routed(payload.bytes) { Look::Envelope(refused(known::ROUTED)) } else { Look::None };
    }
    let Ok(members) = json::members(payload.bytes, limits) else { return Look::None };
    match event::recognise(&members, is_declared) {
        event::Recognised::Whole => return Look::Event(members),
        event::Recognised::Lacks(attribute) => {
            return Look::Envelope(refused(&format!(
                "a CloudEvent whose `{attribute}` is absent or no text"
            )));
        }
        event::Recognised::No => {}
    }
    // A ticket may have any further field. One without an id is a dead letter in any case: the only question
    // is why.
    let is_no_ticket = error.is_some_and(|bad| bad.reason == Reason::MissingId);
    if !is_no_ticket && members.iter().any(|member| known::TICKET_FIELDS.iter().any(|it| member.name.is(it)))
    {
        return Look::None;
    }
    known::name(&members, is_no_ticket, limits).map_or(Look::None, |what| Look::Envelope(refused(&what)))
}

impl Look<'_> {
    /// Refuses an envelope inside of a CloudEvent.
    pub(super) fn inside_event(self) -> Result<(), BadRecord> {
        match self {
            Self::None => Ok(()),
            Self::Event(_) => Err(refused("a CloudEvent inside of a CloudEvent")),
            Self::Envelope(mut bad) => {
                bad.detail.push_str(", inside of a CloudEvent");
                Err(bad)
            }
        }
    }
}

/// The error of what a CloudEvent holds.
pub(super) fn of_data(bad: BadRecord, data: &[u8]) -> BadRecord {
    let mut bad = diagnose(bad, data);
    bad.detail.insert_str(0, "in the data of a CloudEvent: ");
    bad
}

/// Says in one word what elements of a list look like, if they are events.
pub(super) fn of_element(element: &str, limits: &Limits) -> Option<String> {
    let members = json::members(element.as_bytes(), limits).ok()?;
    match event::recognise(&members, false) {
        event::Recognised::Whole => Some("a CloudEvent".to_owned()),
        _ => known::name(&members, false, limits),
    }
}

fn refused(what: &str) -> BadRecord {
    Reason::Envelope.with(format!("it looks like {what}; send the ticket itself, or a CloudEvent around it"))
}

/// Says whether a message is what this router writes: a ticket and a decision about it.
fn is_routed(bytes: &[u8]) -> bool {
    let Ok(routed) = v1::RoutedTicket::decode(bytes) else { return false };
    let is_decided = routed.decision.is_some_and(|decision| {
        decision.decision_id.len() == 32 && decision.decision_id.bytes().all(|byte| byte.is_ascii_hexdigit())
    });
    is_decided && routed.ticket.is_some_and(|ticket| !ticket.id.is_empty())
}

fn find<'m, 'a>(members: &'m [Member<'a>], name: &str) -> Option<&'m Member<'a>> {
    members.iter().find(|member| member.name.is(name) && member.kind != Kind::Null)
}
