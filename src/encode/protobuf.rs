//! The routed ticket in protobuf's wire format.

use prost::encoding::{WireType, encode_key, encode_varint};

use super::{DecisionId, text::TextTable, wanted_contacts};
use crate::{
    decide::{Assignee, Decided, Ruling},
    policy::Policy,
    ticket::Format,
};

/// Field numbers of `RoutedTicket`.
mod routed {
    pub const TICKET: u32 = 1;
    pub const OFFER: u32 = 2;
    pub const PUBLISHER: u32 = 3;
    pub const PARTNER: u32 = 4;
    pub const PROVIDER: u32 = 5;
    pub const DECISION: u32 = 6;
}

/// Field numbers of `Decision`, `Contact` and `Next`.
mod decision {
    pub const OWNER: u32 = 1;
    pub const ASSIGNEE_ID: u32 = 2;
    pub const CONTACTS: u32 = 6;
    pub const NEXT: u32 = 7;
    pub const TRIAGE_REASON: u32 = 8;
    pub const DECISION_ID: u32 = 10;
    pub const CONTACT_KIND: u32 = 1;
    pub const CONTACT_ADDRESS: u32 = 2;
}

pub(super) fn write(out: &mut Vec<u8>, ticket: &[u8], decided: &Decided<'_>, decision: &[u8]) {
    let records = &decided.records;
    let encoded = Format::Protobuf;
    push_bytes(out, routed::TICKET, ticket);
    for (field, record) in [
        (routed::OFFER, records.offer.map(|it| it.encoded(encoded))),
        (routed::PUBLISHER, records.publisher.map(|it| it.encoded(encoded))),
        (routed::PARTNER, records.partner.map(|it| it.encoded(encoded))),
        (routed::PROVIDER, records.provider.map(|it| it.encoded(encoded))),
    ] {
        if let Some(record) = record {
            push_bytes(out, field, record);
        }
    }
    push_bytes(out, routed::DECISION, decision);
}

pub(super) fn write_decision(
    out: &mut Vec<u8>,
    policy: &Policy,
    texts: &TextTable,
    decided: &Decided<'_>,
    id: DecisionId,
) {
    match &decided.ruling {
        Ruling::Owned { rule, assignee, next } => {
            push_party(out, *assignee);
            out.extend_from_slice(texts.of_rule(*rule));
            let wanted = wanted_contacts(policy, &decided.ruling);
            for contact in decided.records.contacts(wanted, Format::Protobuf) {
                let length = 2 + bytes_len(contact.address);
                encode_key(decision::CONTACTS, WireType::LengthDelimited, out);
                encode_varint(length as u64, out);
                push_enum(out, decision::CONTACT_KIND, contact.kind as i32);
                push_bytes(out, decision::CONTACT_ADDRESS, contact.address);
            }
            if let Some(next) = next {
                encode_key(decision::NEXT, WireType::LengthDelimited, out);
                encode_varint(party_len(*next) as u64, out);
                push_party(out, *next);
            }
        }
        Ruling::Triage { reason, rule } => {
            out.extend_from_slice(texts.of_triage(*reason, *rule));
            push_enum(out, decision::TRIAGE_REASON, *reason as i32);
        }
    }
    out.extend_from_slice(texts.version());
    push_bytes(out, decision::DECISION_ID, id.as_bytes());
}

/// `owner` and `assignee_id` have the same numbers in `Decision` and `Next`.
fn push_party(out: &mut Vec<u8>, party: Assignee<'_>) {
    push_enum(out, decision::OWNER, party.owner() as i32);
    if !party.id().is_empty() {
        push_bytes(out, decision::ASSIGNEE_ID, party.id().as_bytes());
    }
}

fn party_len(party: Assignee<'_>) -> usize {
    2 + if party.id().is_empty() { 0 } else { bytes_len(party.id().as_bytes()) }
}

/// The enums of a decision have fewer than 128 values and field numbers below 16: two bytes.
fn push_enum(out: &mut Vec<u8>, field: u32, number: i32) {
    encode_key(field, WireType::Varint, out);
    encode_varint(number.unsigned_abs().into(), out);
}

fn push_bytes(out: &mut Vec<u8>, field: u32, bytes: &[u8]) {
    encode_key(field, WireType::LengthDelimited, out);
    encode_varint(bytes.len() as u64, out);
    out.extend_from_slice(bytes);
}

fn bytes_len(bytes: &[u8]) -> usize {
    1 + prost::encoding::encoded_len_varint(bytes.len() as u64) + bytes.len()
}
