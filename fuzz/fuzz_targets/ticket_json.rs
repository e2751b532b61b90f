//! The fast reading of a ticket and the plain one agree on any bytes.

#![no_main]

use libfuzzer_sys::fuzz_target;
use ticket_router::ticket::{Format, Payload};
use ticket_router_fuzz::plain;

fuzz_target!(|bytes: &[u8]| {
    plain::compare(Payload { format: Format::Json, bytes });
});
