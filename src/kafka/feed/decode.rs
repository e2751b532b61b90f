//! From the records of the catalog's topics to changes of the catalog.

use std::{panic::resume_unwind, thread};

use rdkafka::message::{BorrowedMessage, Message};

use super::take::quoted_key;
use crate::{
    catalog::{Change, Encodings, InvalidRecord, Kind, RefusedAddress},
    kafka::ffi::incoming_headers,
    repeats::Repeats,
    ticket::{BadRecord, Limits, Payload},
};

static REFUSED_ADDRESS: Repeats = Repeats::new();

/// Below this, decoding inline is faster than starting a thread.
const MIN_FOR_A_THREAD: usize = 500;

/// Decodes records in their order, many of them on all processors: a large catalog is read much faster than
/// it is decoded.
pub(super) fn decode(
    messages: &[(Kind, BorrowedMessage<'_>)],
    limits: &Limits,
    encodings: Encodings,
) -> Vec<Result<Change, Rejected>> {
    let decode_all = |part: &[(Kind, BorrowedMessage<'_>)]| -> Vec<_> {
        part.iter().map(|(kind, message)| decode_one(*kind, message, limits, encodings)).collect()
    };
    let processors = thread::available_parallelism().map_or(1, usize::from);
    let size = messages.len().div_ceil(processors).max(MIN_FOR_A_THREAD);
    if messages.len() <= size {
        return decode_all(messages);
    }
    thread::scope(|scope| {
        let (own, others) = messages.split_at(size);
        let others: Vec<_> = others.chunks(size).map(|part| scope.spawn(|| decode_all(part))).collect();
        let mut changes = decode_all(own);
        for other in others {
            changes.extend(other.join().unwrap_or_else(|panic| resume_unwind(panic)));
        }
        changes
    })
}

/// What is wrong with a record of a catalog topic.
#[derive(Debug, thiserror::Error)]
pub(super) enum Rejected {
    #[error(transparent)]
    Value(#[from] BadRecord),
    #[error(transparent)]
    Record(#[from] InvalidRecord),
}

fn decode_one(
    kind: Kind,
    message: &BorrowedMessage<'_>,
    limits: &Limits,
    encodings: Encodings,
) -> Result<Change, Rejected> {
    let content_type = incoming_headers(message.headers())
        .filter(|(name, _)| name.eq_ignore_ascii_case(b"content-type"))
        .last()
        .and_then(|(_, value)| value);
    let payload = match message.payload() {
        None => None,
        value => Some(Payload::of(content_type, value, limits)?),
    };
    let (change, refused) = Change::read(kind, message.key(), payload, encodings)?;
    for address in refused {
        log_refused(message, &address);
    }
    Ok(change)
}

#[cold]
fn log_refused(message: &BorrowedMessage<'_>, address: &RefusedAddress) {
    if let Some(left_out) = REFUSED_ADDRESS.admit() {
        tracing::warn!(
            code = "CATALOG_ADDRESS",
            topic = message.topic(),
            partition = message.partition(),
            offset = message.offset(),
            key = quoted_key(message),
            left_out,
            "a catalog record is taken without an address: {address}"
        );
    }
}
