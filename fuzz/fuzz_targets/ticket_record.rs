//! Any bytes under any content type are a ticket, whose own bytes are one again, or a dead letter that says
//! why.

#![no_main]

use libfuzzer_sys::fuzz_target;
use ticket_router::ticket::{Format, Limits, Payload, Reader};
use ticket_router_fuzz::plain;

fuzz_target!(|input: (Option<&[u8]>, &[u8], bool)| {
    let (content_type, value, to_json) = input;
    let to = if to_json { Format::Json } else { Format::Protobuf };
    let (mut reader, mut out) = (Reader::new(Limits::default(), Vec::new()), Vec::new());
    let found = match reader.open(content_type, Some(value), |_| to, &mut out) {
        Ok(opened) => Some((opened.payload.format, opened.payload.bytes.to_vec())),
        Err(bad) => {
            assert!(!bad.detail.is_empty(), "{} has no detail", bad.reason);
            None
        }
    };
    let Some((format, bytes)) = found else { return };
    assert!(plain::compare(Payload { format, bytes: &bytes }), "what was opened is a ticket by itself");
    if format != to {
        // A plan can be written as something longer than an id.
        let limits = Limits { max_id_bytes: usize::MAX, ..Limits::default() };
        let again = Payload { format: to, bytes: &out };
        assert!(Reader::new(limits, Vec::new()).read(again).is_ok(), "what was rewritten is a ticket");
    }
});
