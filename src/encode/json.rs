//! The routed ticket as ProtoJSON.

use super::{DecisionId, string::push_string, text::TextTable, wanted_contacts};
use crate::{
    decide::{Assignee, Decided, Ruling},
    policy::Policy,
    ticket::Format,
};

pub(super) fn write(
    out: &mut Vec<u8>,
    policy: &Policy,
    texts: &TextTable,
    ticket: &[u8],
    decided: &Decided<'_>,
    id: DecisionId,
) {
    let records = &decided.records;
    out.extend_from_slice(b"{\"ticket\":");
    out.extend_from_slice(ticket);
    for (name, record) in [
        (b",\"offer\":".as_slice(), records.offer.map(|it| it.encoded(Format::Json))),
        (b",\"publisher\":".as_slice(), records.publisher.map(|it| it.encoded(Format::Json))),
        (b",\"partner\":".as_slice(), records.partner.map(|it| it.encoded(Format::Json))),
        (b",\"provider\":".as_slice(), records.provider.map(|it| it.encoded(Format::Json))),
    ] {
        if let Some(record) = record {
            out.extend_from_slice(name);
            out.extend_from_slice(record);
        }
    }
    out.extend_from_slice(b",\"decision\":");
    let start = out.len();
    match &decided.ruling {
        Ruling::Owned { rule, assignee, next } => {
            push_party(out, *assignee);
            out.extend_from_slice(texts.of_rule(*rule));
            push_contacts(out, policy, decided);
            if let Some(next) = next {
                out.extend_from_slice(b",\"next\":");
                let start = out.len();
                push_party(out, *next);
                open_brace(out, start);
                out.push(b'}');
            }
        }
        Ruling::Triage { reason, rule } => {
            out.extend_from_slice(texts.of_triage(*reason, *rule));
            out.extend_from_slice(b",\"triageReason\":\"");
            out.extend_from_slice(reason.as_str_name().as_bytes());
            out.push(b'"');
        }
    }
    open_brace(out, start);
    out.extend_from_slice(texts.version());
    out.extend_from_slice(b",\"decisionId\":\"");
    out.extend_from_slice(id.as_bytes());
    out.extend_from_slice(b"\"}}");
}

/// Every field is written with a comma before it; that of an object's first field becomes the object's brace.
fn open_brace(out: &mut [u8], start: usize) {
    out[start] = b'{';
}

fn push_party(out: &mut Vec<u8>, party: Assignee<'_>) {
    out.extend_from_slice(b",\"owner\":\"");
    out.extend_from_slice(party.owner().as_str_name().as_bytes());
    out.push(b'"');
    if !party.id().is_empty() {
        out.extend_from_slice(b",\"assigneeId\":");
        push_string(out, party.id());
    }
}

fn push_contacts(out: &mut Vec<u8>, policy: &Policy, decided: &Decided<'_>) {
    let wanted = wanted_contacts(policy, &decided.ruling);
    let mut any = false;
    for contact in decided.records.contacts(wanted, Format::Json) {
        out.extend_from_slice(if any { b"," } else { b",\"contacts\":[" });
        any = true;
        out.extend_from_slice(b"{\"kind\":\"");
        out.extend_from_slice(contact.kind.as_str_name().as_bytes());
        out.extend_from_slice(b"\",\"address\":\"");
        out.extend_from_slice(contact.address);
        out.extend_from_slice(b"\"}");
    }
    if any {
        out.push(b']');
    }
}
