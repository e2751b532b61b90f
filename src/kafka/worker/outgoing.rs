//! The records that the router writes: headers of a routed ticket, and the dead letter.

use std::{collections::BTreeSet, fmt};

use xxhash_rust::xxh3::xxh3_128;

use super::incoming::{CONTENT_TYPE, Incoming, TraceHeaders};
use crate::{
    encode::Hex,
    kafka::ffi::{Headers, incoming_headers},
    proto::v1::decision::TriageReason,
    route::{Routed, media_type},
    telemetry::{TRACEPARENT, TRACESTATE},
    ticket::{BadRecord, DeadLetterReason},
};

/// The router's own headers begin with this; incoming ones of the name do not travel on.
const RESERVED: &[u8] = b"ticket-router.";

/// What a record costs beside key, value and headers: lengths, attributes, deltas, and its part of the batch.
const RECORD_OVERHEAD: usize = 128;
/// A key up to this size stays with a truncated dead letter.
const MAX_KEPT_KEY: usize = 64 * 1024;
/// What the record and the router's own headers take in a truncated dead letter, beside the detail and a
/// topic's name of 249 bytes.
const OWN_ROOM: usize = 2 * 1024;
/// A `tracestate` up to this size is carried on by everybody (W3C Trace Context, section 3.3.1.5).
const MAX_KEPT_TRACESTATE: usize = 512;

/// The size of a record in a batch, as an upper bound.
#[must_use]
pub fn record_size(key: Option<&[u8]>, value: Option<&[u8]>, headers: &Headers) -> usize {
    key.map_or(0, <[u8]>::len) + value.map_or(0, <[u8]>::len) + headers.bytes() + RECORD_OVERHEAD
}

/// The headers of a routed ticket: the incoming ones, those of the event that it came in, then the router's.
#[must_use]
pub fn routed_headers(incoming: &Incoming<'_>, count: usize, routed: &Routed<'_>) -> Headers {
    let mut headers = Headers::with_capacity(count + routed.event.len() + 7);
    copy_headers(&mut headers, incoming, |name| !name.eq_ignore_ascii_case(CONTENT_TYPE));
    // As CloudEvents' binary mode has them.
    for (name, value) in routed.event {
        headers.add(format!("ce_{name}").as_bytes(), Some(value.as_bytes()));
    }
    headers.add(CONTENT_TYPE, Some(media_type(routed.format).as_bytes()));
    headers.add(b"ticket-router.owner", Some(routed.owner.as_str_name().as_bytes()));
    if !routed.rule.is_empty() {
        headers.add(b"ticket-router.rule", Some(routed.rule.as_bytes()));
    }
    if routed.triage_reason != TriageReason::Unspecified {
        headers.add(b"ticket-router.triage-reason", Some(routed.triage_reason.as_str_name().as_bytes()));
    }
    headers.add(b"ticket-router.decision-id", Some(routed.decision_id.as_bytes()));
    headers.add(b"ticket-router.policy-version", Some(routed.policy_version.as_bytes()));
    headers
}

/// A dead letter: what came in, and why it could not be routed.
pub struct DeadLetter<'m> {
    /// The incoming key; `None` where there was none, or where it is too long to keep.
    pub key: Option<&'m [u8]>,
    /// The incoming bytes; `None` where they do not fit.
    pub value: Option<&'m [u8]>,
    /// The incoming headers, as far as they fit, with the reason.
    pub headers: Headers,
    /// The reason that stands in them.
    pub reason: DeadLetterReason,
}

impl<'m> DeadLetter<'m> {
    /// Makes the dead letter of a record, of at most `max_size` bytes.
    ///
    /// What does not fit is replaced by its digest, so that nothing blocks the partition: first the value,
    /// then the largest headers.
    #[must_use]
    pub fn new(incoming: &Incoming<'m>, bad: &BadRecord, max_size: usize) -> Self {
        let mut headers = Headers::with_capacity(16);
        copy_headers(&mut headers, incoming, |_| true);
        add_error(&mut headers, incoming, bad.reason, &bad.detail);
        if record_size(incoming.key, incoming.value, &headers) <= max_size {
            return Self { key: incoming.key, value: incoming.value, headers, reason: bad.reason };
        }

        Self::truncated(incoming, bad, max_size)
    }

    #[cold]
    fn truncated(incoming: &Incoming<'m>, bad: &BadRecord, max_size: usize) -> Self {
        let reason = DeadLetterReason::DeadLetterTruncated;
        let key = incoming.key.filter(|key| key.len() <= MAX_KEPT_KEY.min(max_size / 2));
        let room = max_size.saturating_sub(OWN_ROOM + bad.detail.len() + key.map_or(0, <[u8]>::len));
        let mut headers = Headers::with_capacity(16);
        let mut left_out = copy_headers_within(&mut headers, incoming, room);
        if let Some(mut trace) = incoming.trace {
            let tracestate = trace.tracestate.filter(|it| it.len() <= MAX_KEPT_TRACESTATE);
            left_out += usize::from(trace.tracestate != tracestate);
            trace.tracestate = tracestate;
            add_trace(&mut headers, &trace);
        }
        let detail = format!("{}: {}", bad.reason.code(), bad.detail);
        add_error(&mut headers, incoming, reason, &detail);
        if left_out > 0 {
            add_display(&mut headers, b"ticket-router.error.headers-left-out", left_out);
        }
        if let (Some(full), None) = (incoming.key, key) {
            add_digest(&mut headers, b"ticket-router.error.key-digest", full);
        }
        if let Some(value) = incoming.value {
            add_digest(&mut headers, b"ticket-router.error.digest", value);
            add_display(&mut headers, b"ticket-router.error.size", value.len());
        }
        Self { key, value: None, headers, reason }
    }
}

/// Copies the incoming headers as far as they fit, in their order, and returns how many were left out: the
/// largest.
fn copy_headers_within(headers: &mut Headers, incoming: &Incoming<'_>, room: usize) -> usize {
    let size = |name: &[u8], value: Option<&[u8]>| Headers::size(name.len(), value.map_or(0, <[u8]>::len));
    let mut sizes: Vec<_> = incoming_headers(incoming.headers)
        .enumerate()
        .filter(|(_, (name, _))| travels_on(incoming, name))
        .map(|(index, (name, value))| (size(name, value), index))
        .collect();
    // From the smallest on; of two alike, the one that came first stays.
    sizes.sort_unstable();
    let mut taken = 0;
    let fitting = sizes.iter().take_while(|(size, _)| {
        taken += size;
        taken <= room
    });
    let kept: BTreeSet<_> = fitting.map(|(_, index)| *index).collect();
    for (index, (name, value)) in incoming_headers(incoming.headers).enumerate() {
        if kept.contains(&index) {
            headers.add(name, value);
        }
    }
    sizes.len() - kept.len()
}

fn add_error(headers: &mut Headers, incoming: &Incoming<'_>, reason: DeadLetterReason, detail: &str) {
    headers.add(b"ticket-router.error.reason", Some(reason.code().as_bytes()));
    headers.add(b"ticket-router.error.detail", Some(detail.as_bytes()));
    headers.add(b"ticket-router.error.topic", Some(incoming.topic.as_bytes()));
    add_display(headers, b"ticket-router.error.partition", incoming.partition);
    add_display(headers, b"ticket-router.error.offset", incoming.offset);
}

fn add_digest(headers: &mut Headers, name: &[u8], bytes: &[u8]) {
    headers.add(name, Some(format!("xxh3-128:{}", Hex::new(xxh3_128(bytes))).as_bytes()));
}

fn add_display(headers: &mut Headers, name: &[u8], value: impl fmt::Display) {
    headers.add(name, Some(value.to_string().as_bytes()));
}

fn copy_headers(headers: &mut Headers, incoming: &Incoming<'_>, keep: impl Fn(&[u8]) -> bool) {
    for (name, value) in incoming_headers(incoming.headers) {
        if travels_on(incoming, name) && keep(name) {
            headers.add(name, value);
        }
    }
    if let Some(trace) = &incoming.trace {
        add_trace(headers, trace);
    }
}

fn travels_on(incoming: &Incoming<'_>, name: &[u8]) -> bool {
    let is_replaced = incoming.trace.is_some() && is_trace(name);
    !is_replaced && !name.starts_with(RESERVED)
}

fn add_trace(headers: &mut Headers, trace: &TraceHeaders<'_>) {
    headers.add(TRACEPARENT, Some(&trace.traceparent));
    if let Some(tracestate) = trace.tracestate {
        headers.add(TRACESTATE, Some(tracestate));
    }
}

fn is_trace(name: &[u8]) -> bool {
    name.eq_ignore_ascii_case(TRACEPARENT) || name.eq_ignore_ascii_case(TRACESTATE)
}
