//! A ticket in protobuf's wire format, byte for byte as prost writes its message.

use prost::encoding::{
    WireType, encode_key, encode_varint, encoded_len_varint, int32, key_len, message, uint64,
};

use super::Whole;
use crate::ticket::{
    raw::Raw,
    sink::{Attribute, Code, Text},
};

/// The field number of the map.
const ATTRIBUTES: u32 = 16;
/// The field number of the requester.
const REQUESTER: u32 = 6;

pub(super) fn write(ticket: &Whole<'_>, out: &mut Vec<u8>) {
    push_text(1, ticket.get(Text::Id), out);
    push_text(2, ticket.get(Text::Source), out);
    for (number, time) in [(3, &ticket.created_at), (4, &ticket.updated_at)] {
        if let Some(time) = time {
            message::encode(number, time, out);
        }
    }
    if ticket.revision != 0 {
        uint64::encode(5, &ticket.revision, out);
    }
    if ticket.has_requester {
        push_requester(ticket, out);
    }
    push_text(7, ticket.get(Text::PartnerId), out);
    push_text(8, ticket.get(Text::OfferId), out);
    push_text(9, ticket.get(Text::PlanId), out);
    push_text(10, ticket.get(Text::SubscriptionId), out);
    push_code(11, ticket.get_code(Code::Category), out);
    push_code(12, ticket.get_code(Code::Severity), out);
    push_text(13, ticket.get(Text::Language), out);
    push_text(14, ticket.get(Text::Subject), out);
    push_text(15, ticket.get(Text::Body), out);
    for attribute in &ticket.attributes {
        push_attribute(*attribute, out);
    }
}

fn push_requester(ticket: &Whole<'_>, out: &mut Vec<u8>) {
    let role = ticket.get_code(Code::Role);
    let texts = [(2, Text::RequesterId), (3, Text::DisplayName), (4, Text::Email)]
        .map(|(number, field)| (number, ticket.get(field)));
    let role_len = if role == 0 { 0 } else { int32::encoded_len(1, &role) };
    let len = role_len + texts.iter().map(|(number, text)| text_len(*number, *text)).sum::<usize>();
    push_len(REQUESTER, len, out);
    push_code(1, role, out);
    for (number, text) in texts {
        push_text(number, text, out);
    }
}

/// An entry of a map: a message with the key as field 1 and the value as field 2.
fn push_attribute((name, value): Attribute<'_>, out: &mut Vec<u8>) {
    push_len(ATTRIBUTES, text_len(1, name) + text_len(2, value), out);
    push_text(1, name, out);
    push_text(2, value, out);
}

fn push_code(number: u32, code: i32, out: &mut Vec<u8>) {
    if code != 0 {
        int32::encode(number, &code, out);
    }
}

/// Empty text is the default, and not written.
fn push_text(number: u32, text: Raw<'_>, out: &mut Vec<u8>) {
    if !text.is_empty() {
        push_len(number, text.len(), out);
        text.push_to(out);
    }
}

fn text_len(number: u32, text: Raw<'_>) -> usize {
    if text.is_empty() {
        return 0;
    }
    let len = text.len();
    key_len(number) + encoded_len_varint(len as u64) + len
}

fn push_len(number: u32, len: usize, out: &mut Vec<u8>) {
    encode_key(number, WireType::LengthDelimited, out);
    encode_varint(len as u64, out);
}
