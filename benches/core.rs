//! The cost of the core on one ticket of about 1 KB, beside one scan of the same JSON by serde_json into
//! `IgnoredAny`: the machine changes, the ratio stays.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use serde::de::IgnoredAny;
use ticket_router::ticket::{Format, Limits, Payload, Reader, transcode};

/// A ticket as helpdesks send them: compact, text in Spanish, some line breaks, a few attributes.
const JSON: &str = concat!(
    r#"{"id":"ZD-2026-0048213","source":"zendesk/contoso","createdAt":"2026-11-20T09:14:52.318Z","#,
    r#""updatedAt":"2026-11-22T17:03:11Z","revision":"7","requester":{"role":"ROLE_CUSTOMER","#,
    r#""id":"cust-77120934","displayName":"María Fernández Ortega","email":"m.fernandez@example.com"},"#,
    r#""partnerId":"partner-es-00418","offerId":"fabrikam.backup-for-saas","planId":"business-annual","#,
    r#""subscriptionId":"9f1c6a52-7b7e-4c7e-9d0a-3f1f0e6f2a11","category":"CATEGORY_BREAK_FIX","#,
    r#""severity":"SEVERITY_B","language":"es-ES","subject":"La copia nocturna falla desde el martes","#,
    r#""body":"Hola,\n\nDesde el martes la copia nocturna termina con el error BK-2041 en dos de los cinco buzones. "#,
    r#"Hemos reiniciado el conector y renovado el consentimiento, pero el resultado es el mismo. "#,
    r#"El panel muestra la tarea como completada con advertencias y no indica el motivo. "#,
    r#"Adjuntamos el registro del conector de la última noche. ¿Pueden revisarlo?\n\nGracias,\nMaría","#,
    r#""attributes":{"tier":"gold","region":"westeurope","channel":"email","product-version":"4.12.0"}}"#,
);

fn decode(criterion: &mut Criterion) {
    let json = Payload { format: Format::Json, bytes: JSON.as_bytes() };
    let mut bytes = Vec::new();
    transcode(json, Format::Protobuf, &mut bytes).expect("the sample is a ticket");
    let protobuf = Payload { format: Format::Protobuf, bytes: &bytes };
    let mut reader = Reader::new(Limits::default(), vec!["tier".to_owned()]);
    let mut out = Vec::with_capacity(2 * JSON.len());

    let mut group = criterion.benchmark_group("decode");
    group.throughput(Throughput::Bytes(JSON.len() as u64));
    group.bench_function("reference: serde_json IgnoredAny", |bencher| {
        bencher.iter(|| serde_json::from_slice::<IgnoredAny>(black_box(JSON.as_bytes())).is_ok());
    });
    group.bench_function("json", |bencher| {
        bencher.iter(|| black_box(reader.read(black_box(json))).is_ok());
    });
    group.bench_function("protobuf", |bencher| {
        bencher.iter(|| black_box(reader.read(black_box(protobuf))).is_ok());
    });
    group.bench_function("transcode json to protobuf", |bencher| {
        bencher.iter(|| {
            out.clear();
            transcode(black_box(json), Format::Protobuf, &mut out).is_ok()
        });
    });
    group.bench_function("transcode protobuf to json", |bencher| {
        bencher.iter(|| {
            out.clear();
            transcode(black_box(protobuf), Format::Json, &mut out).is_ok()
        });
    });
    group.finish();
}

criterion_group!(core, decode);
criterion_main!(core);
