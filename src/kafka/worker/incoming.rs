//! A polled record, as its way through the worker needs it.

use rdkafka::message::{BorrowedHeaders, BorrowedMessage, Message};

use crate::{
    kafka::ffi::incoming_headers,
    telemetry::{TRACEPARENT, TRACEPARENT_LEN, TRACESTATE, Traced},
};

pub(super) const CONTENT_TYPE: &[u8] = b"content-type";

/// A polled record.
#[derive(Clone, Copy)]
pub(super) struct Incoming<'m> {
    pub(super) topic: &'m str,
    pub(super) partition: i32,
    pub(super) offset: i64,
    pub(super) key: Option<&'m [u8]>,
    pub(super) value: Option<&'m [u8]>,
    /// Milliseconds since 1970.
    pub(super) timestamp: Option<i64>,
    pub(super) headers: Option<&'m BorrowedHeaders>,
    /// The context of the outgoing record; `None` if the incoming one travels on.
    pub(super) trace: Option<TraceHeaders<'m>>,
}

/// The headers of a traced record, in place of the incoming ones.
#[derive(Clone, Copy)]
pub(super) struct TraceHeaders<'m> {
    /// The span that sends the record.
    pub(super) traceparent: [u8; TRACEPARENT_LEN],
    /// What other tracing systems added, as it came.
    pub(super) tracestate: Option<&'m [u8]>,
}

/// What one pass over the headers finds. If a name comes twice, the last value counts.
#[derive(Clone, Copy, Default)]
pub(super) struct Scanned<'m> {
    /// The number of headers.
    pub(super) count: usize,
    pub(super) content_type: Option<&'m [u8]>,
    pub(super) traceparent: Option<&'m [u8]>,
    pub(super) tracestate: Option<&'m [u8]>,
}

impl<'m> Incoming<'m> {
    /// The record of a message, with the headers that it was scanned for.
    pub(super) fn new(
        message: &'m BorrowedMessage<'_>,
        headers: Option<&'m BorrowedHeaders>,
        trace: Option<TraceHeaders<'m>>,
    ) -> Self {
        Self {
            topic: message.topic(),
            partition: message.partition(),
            offset: message.offset(),
            key: message.key(),
            value: message.payload(),
            timestamp: message.timestamp().to_millis(),
            headers,
            trace,
        }
    }

    /// Where the record came from, as a key for a topic that requires one.
    pub(super) fn origin(&self) -> String {
        format!("{}-{}@{}", self.topic, self.partition, self.offset)
    }
}

impl<'m> TraceHeaders<'m> {
    pub(super) fn of(traced: &Traced, scanned: &Scanned<'m>) -> Self {
        Self {
            traceparent: traced.traceparent(),
            tracestate: scanned.tracestate.filter(|_| traced.continues()),
        }
    }
}

impl<'m> Scanned<'m> {
    /// Passes over all headers once.
    pub(super) fn of(headers: Option<&'m BorrowedHeaders>) -> Self {
        let mut scanned = Self::default();
        for (name, value) in incoming_headers(headers) {
            match name.len() {
                12 if name.eq_ignore_ascii_case(CONTENT_TYPE) => scanned.content_type = value,
                11 if name.eq_ignore_ascii_case(TRACEPARENT) => scanned.traceparent = value,
                10 if name.eq_ignore_ascii_case(TRACESTATE) => scanned.tracestate = value,
                _ => {}
            }
            scanned.count += 1;
        }
        scanned
    }
}

const _: () = assert!(CONTENT_TYPE.len() == 12 && TRACEPARENT.len() == 11 && TRACESTATE.len() == 10);
