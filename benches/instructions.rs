//! What `benches/core.rs` measures, in instructions: they do not depend on the load of the machine, so a change
//! of a few per cent can be told. Needs valgrind, and `gungraun-runner` of the version of the crate.

#![expect(missing_docs, reason = "the macros of gungraun make public items without docs")]

mod sample;

use std::{hint::black_box, sync::Arc};

use gungraun::{library_benchmark, library_benchmark_group, main};
use sample::{JSON, Routing, Steps};
use serde::de::IgnoredAny;
use ticket_router::{
    decide::Decided,
    encode::DecisionId,
    ticket::{Format, Limits, Payload, Reader, transcode},
};

use Format::{Json, Protobuf};

#[library_benchmark]
fn reference() -> bool {
    serde_json::from_slice::<IgnoredAny>(black_box(JSON.as_bytes())).is_ok()
}

fn reading(format: Format) -> (Reader, Vec<u8>, Format) {
    let mut reader = Reader::new(Limits::default(), vec!["tier".to_owned()]);
    let bytes = sample::ticket(format);
    assert!(reader.read(Payload { format, bytes: &bytes }).is_ok(), "the sample is a ticket");
    (reader, bytes, format)
}

#[library_benchmark]
#[bench::json(args = (Json), setup = reading)]
#[bench::protobuf(args = (Protobuf), setup = reading)]
fn read((mut reader, bytes, format): (Reader, Vec<u8>, Format)) -> (Reader, Vec<u8>) {
    let _ = black_box(reader.read(Payload { format, bytes: &bytes }));
    (reader, bytes)
}

fn transcoding(from: Format, to: Format) -> (Vec<u8>, Format, Format, Vec<u8>) {
    (sample::ticket(from), from, to, Vec::with_capacity(2 * JSON.len()))
}

#[library_benchmark]
#[bench::json_to_protobuf(args = (Json, Protobuf), setup = transcoding)]
#[bench::protobuf_to_json(args = (Protobuf, Json), setup = transcoding)]
fn rewrite((bytes, format, to, mut out): (Vec<u8>, Format, Format, Vec<u8>)) -> (Vec<u8>, Vec<u8>) {
    let _ = black_box(transcode(Payload { format, bytes: &bytes }, to, &mut out));
    (bytes, out)
}

fn steps(format: Format) -> Steps {
    Steps::new(Arc::new(sample::catalog()), format)
}

#[library_benchmark]
#[bench::four_records(args = (Json), setup = steps)]
fn look_up(steps: Steps) -> (usize, Steps) {
    (steps.look_up(), steps)
}

#[library_benchmark]
#[bench::ticket(args = (Json), setup = steps)]
fn decide(steps: Steps) -> (Decided<'static>, Steps) {
    (steps.decide(), steps)
}

fn decided(format: Format) -> (Steps, Decided<'static>, DecisionId) {
    let steps = steps(format);
    let decided = steps.decide();
    let id = steps.identify(&decided);
    (steps, decided, id)
}

#[library_benchmark]
#[bench::json(args = (Json), setup = decided)]
fn identify((steps, decided, _): (Steps, Decided<'static>, DecisionId)) -> (DecisionId, Steps) {
    (steps.identify(&decided), steps)
}

#[library_benchmark]
#[bench::json(args = (Json), setup = decided)]
#[bench::protobuf(args = (Protobuf), setup = decided)]
fn encode((mut steps, decided, id): (Steps, Decided<'static>, DecisionId)) -> (usize, Steps) {
    (steps.encode(&decided, id), steps)
}

fn routing(input: Format, output: Format) -> Routing {
    Routing::new(Arc::new(sample::catalog()), input, output)
}

#[library_benchmark]
#[bench::json_to_json(args = (Json, Json), setup = routing)]
#[bench::json_to_protobuf(args = (Json, Protobuf), setup = routing)]
#[bench::protobuf_to_json(args = (Protobuf, Json), setup = routing)]
#[bench::protobuf_to_protobuf(args = (Protobuf, Protobuf), setup = routing)]
fn route(mut routing: Routing) -> (usize, Routing) {
    (routing.route(), routing)
}

library_benchmark_group!(
    name = core,
    benchmarks = [reference, read, rewrite, look_up, decide, identify, encode, route]
);
main!(library_benchmark_groups = core);
