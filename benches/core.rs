//! The time that the core takes for one ticket of about 1 KB, beside one scan of the same JSON by serde_json into
//! `IgnoredAny`: the machine changes, the ratio stays.

mod sample;

use std::{hint::black_box, sync::Arc};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use sample::{JSON, Routing, Steps};
use serde::de::IgnoredAny;
use ticket_router::ticket::{Format, Limits, Payload, Reader, transcode};

const FORMATS: [(&str, Format); 2] = [("json", Format::Json), ("protobuf", Format::Protobuf)];

fn decode(criterion: &mut Criterion) {
    let mut reader = Reader::new(Limits::default(), vec!["tier".to_owned()]);
    let mut out = Vec::with_capacity(2 * JSON.len());
    let mut group = criterion.benchmark_group("decode");
    group.throughput(Throughput::Bytes(JSON.len() as u64));
    group.bench_function("reference: serde_json IgnoredAny", |bencher| {
        bencher.iter(|| serde_json::from_slice::<IgnoredAny>(black_box(JSON.as_bytes())).is_ok());
    });
    for (name, format) in FORMATS {
        let bytes = sample::ticket(format);
        let payload = Payload { format, bytes: &bytes };
        group.bench_function(name, |bencher| {
            bencher.iter(|| black_box(reader.read(black_box(payload))).is_ok());
        });
    }
    for [(from, format), (to, other)] in [FORMATS, [FORMATS[1], FORMATS[0]]] {
        let bytes = sample::ticket(format);
        let payload = Payload { format, bytes: &bytes };
        group.bench_function(format!("transcode {from} to {to}"), |bencher| {
            bencher.iter(|| {
                out.clear();
                transcode(black_box(payload), other, &mut out).is_ok()
            });
        });
    }
    group.finish();
}

fn steps(criterion: &mut Criterion) {
    let catalog = Arc::new(sample::catalog());
    let steps = Steps::new(Arc::clone(&catalog), Format::Json);
    criterion.bench_function("look up four records", |bencher| bencher.iter(|| black_box(&steps).look_up()));
    criterion.bench_function("decide", |bencher| bencher.iter(|| black_box(&steps).decide()));
    let decided = steps.decide();
    criterion.bench_function("identify", |bencher| bencher.iter(|| steps.identify(black_box(&decided))));
    for (name, format) in FORMATS {
        let mut steps = Steps::new(Arc::clone(&catalog), format);
        let decided = steps.decide();
        let id = steps.identify(&decided);
        criterion.bench_function(&format!("encode {name}"), |bencher| {
            bencher.iter(|| steps.encode(black_box(&decided), id));
        });
    }
}

fn route(criterion: &mut Criterion) {
    let catalog = Arc::new(sample::catalog());
    let mut group = criterion.benchmark_group("route");
    group.bench_function("reference: serde_json IgnoredAny", |bencher| {
        bencher.iter(|| serde_json::from_slice::<IgnoredAny>(black_box(JSON.as_bytes())).is_ok());
    });
    for (from, input) in FORMATS {
        for (to, output) in FORMATS {
            let mut routing = Routing::new(Arc::clone(&catalog), input, output);
            group.bench_function(format!("{from} to {to}"), |bencher| {
                bencher.iter(|| black_box(&mut routing).route());
            });
        }
    }
    group.finish();
}

criterion_group!(core, decode, steps, route);
criterion_main!(core);
