//! What is seen from outside: one trace from helpdesk to owner, figures that agree with what was written, and nothing of what people wrote.

use std::time::{Duration, Instant};

use opentelemetry_proto::tonic::trace::v1::{Span, span::SpanKind};
use serde_json::json;

use crate::{
    checker::{self, Watch},
    support::{
        collector::{Collector, attribute, down, hanging},
        load,
        router::Settings,
        tickets::{Encoding, prepared, ticket, ticket_bytes},
        topics::{Destination, Outbound, Topics},
        wait::wait_for,
    },
};

const SAMPLED: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const UNSAMPLED: &str = "00-1bf7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00";
const FIGURES_DEADLINE: Duration = Duration::from_secs(20);

/// Settings that export to a collector, metrics every second.
fn exporting(topics: &Topics, endpoint: &str, sampler: &str) -> Settings {
    let mut settings = Settings::new(topics);
    settings
        .set("telemetry.endpoint", endpoint)
        .set("telemetry.sampler", sampler)
        .environment("OTEL_METRIC_EXPORT_INTERVAL", 1_000)
        .environment("OTEL_BSP_SCHEDULE_DELAY", 200);
    settings
}

fn publisher_ticket(key: &str) -> Outbound {
    Outbound::new(key, ticket_bytes(&ticket(&format!("id-of-{key}"), Destination::Publisher), Encoding::Json))
}

fn traceparents(record: &checker::Record) -> Vec<&str> {
    let found = record.headers.iter().filter(|(name, _)| name == "traceparent");
    found
        .map(|(_, value)| value.as_deref().expect("a traceparent has a value"))
        .map(|value| std::str::from_utf8(value).expect("a traceparent is ASCII"))
        .collect()
}

fn named<'s>(spans: &'s [Span], name: &str) -> &'s Span {
    spans.iter().find(|span| span.name == name).unwrap_or_else(|| panic!("no span is named `{name}`"))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn one_trace_runs_from_the_helpdesk_to_the_owners_record_and_the_commit_is_linked_to_it() {
    let (topics, source) = prepared(1);
    let collector = Collector::start();
    let mut router = exporting(&topics, &collector.endpoint(), "parentbased_always_off").start("router");
    let mut watch = Watch::new(&topics);
    let record = publisher_ticket("k")
        .header("traceparent", "00-ffffffffffffffffffffffffffffffff-ffffffffffffffff-00")
        .header("traceparent", SAMPLED)
        .header("tracestate", "vendor=value")
        .header("helpdesk-event", "7");
    source.send_all(&topics.incoming(), &[record]);
    let (topic, sent) = watch.wait_for_key("k");
    let spans = collector.wait_for_spans(3);
    assert_eq!(spans.len(), 3);

    let process = named(&spans, &format!("process {}", topics.incoming()));
    assert_eq!(hex(&process.trace_id), "0af7651916cd43dd8448eb211c80319c");
    assert_eq!(hex(&process.parent_span_id), "b7ad6b7169203331");
    assert_eq!(process.kind, SpanKind::Consumer as i32);
    for (name, value) in [
        ("messaging.system.name", "kafka"),
        ("messaging.operation.name", "process"),
        ("messaging.operation.type", "process"),
        ("messaging.destination.name", topics.incoming().as_str()),
        ("messaging.destination.partition.id", "0"),
        ("messaging.consumer.group.name", topics.group().as_str()),
        ("kafka.offset", "0"),
        ("messaging.client.id", "ticket-router"),
        ("ticket_router.owner", "publisher"),
        ("ticket_router.rule", sent.header("ticket-router.rule").unwrap()),
    ] {
        assert_eq!(attribute(process, name).as_deref(), Some(value), "{name}");
    }

    let send = named(&spans, &format!("send {topic}"));
    assert_eq!((&send.trace_id, &send.parent_span_id), (&process.trace_id, &process.span_id));
    assert_eq!(send.kind, SpanKind::Producer as i32);
    assert_eq!(attribute(send, "messaging.operation.type").as_deref(), Some("send"));
    assert!(send.start_time_unix_nano >= process.start_time_unix_nano);
    let traceparent = format!("00-{}-{}-01", hex(&send.trace_id), hex(&send.span_id));
    assert_eq!(traceparents(&sent), [traceparent.as_str()]);
    assert_eq!(sent.header("tracestate"), Some("vendor=value"));
    assert_eq!(sent.header("helpdesk-event"), Some("7"));

    let commit = named(&spans, &format!("commit {}", topics.incoming()));
    assert_ne!(commit.trace_id, process.trace_id);
    assert_eq!(attribute(commit, "messaging.operation.type").as_deref(), Some("settle"));
    assert_eq!(attribute(commit, "messaging.batch.message_count").as_deref(), Some("1"));
    let links: Vec<_> = commit.links.iter().map(|link| (&link.trace_id, &link.span_id)).collect();
    assert_eq!(links, [(&process.trace_id, &process.span_id)]);

    wait_for("the collector has the figures", FIGURES_DEADLINE, || {
        let is_told = collector.counter("ticket_router.tickets") == Some(1)
            && collector.histogram_count("ticket_router.transaction.duration") == Some(1);
        is_told.then_some(())
    });
    router.terminate();
    assert!(router.wait_for_end().success());
    assert!(collector.log_lines() > 3);
}

#[test]
fn variables_that_cannot_be_honoured_are_told_and_the_rest_is_exported_with_gzip() {
    let (topics, source) = prepared(1);
    let collector = Collector::start();
    let mut settings = Settings::new(&topics);
    settings
        .environment("OTEL_EXPORTER_OTLP_ENDPOINT", collector.endpoint())
        .environment("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")
        .environment("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip")
        .environment("OTEL_EXPORTER_OTLP_LOGS_COMPRESSION", "snappy")
        .environment("OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE", "/nowhere/ca.pem")
        .environment("OTEL_METRICS_EXPORTER", "otlp,console")
        .environment("OTEL_METRIC_EXPORT_INTERVAL", "250")
        .environment("OTEL_BLRP_SCHEDULE_DELAY", "often");
    let mut router = settings.start("router");
    let mut watch = Watch::new(&topics);
    source.send_all(&topics.incoming(), &[publisher_ticket("k")]);
    watch.wait_for_key("k");
    wait_for("the collector has the figures", FIGURES_DEADLINE, || {
        (collector.counter("ticket_router.tickets") == Some(1)).then_some(())
    });
    router.terminate();
    assert!(router.wait_for_end().success());
    // `snappy` is not known, so the compression of all signals counts for the log, too.
    assert_eq!(collector.signals(true), ["logs", "metrics"].map(str::to_owned).into());
    assert!(collector.signals(false).is_empty());
    let said = router.said();
    let warned = said.lines().filter(|line| line.contains("TELEMETRY_SETTING")).collect::<Vec<_>>();
    assert_eq!(warned.len(), 5, "{warned:?}");
    for words in [
        ["OTEL_EXPORTER_OTLP_PROTOCOL", "`http/protobuf` is used"],
        ["OTEL_EXPORTER_OTLP_LOGS_COMPRESSION", "`OTEL_EXPORTER_OTLP_COMPRESSION` counts"],
        ["OTEL_METRICS_EXPORTER", "metrics are exported by `otlp` alone"],
        ["OTEL_BLRP_SCHEDULE_DELAY", "1000 is used"],
        ["traces are not exported", "/nowhere/ca.pem"],
    ] {
        let is_told = |line: &&str| words.iter().all(|word| line.contains(word));
        assert_eq!(warned.iter().copied().filter(is_told).count(), 1, "{words:?}: {warned:?}");
    }
}

#[test]
fn what_is_not_traced_carries_its_context_on_as_it_came() {
    let headers = [Some(UNSAMPLED), Some("nonsense"), None];
    let sampled_too = [Some(SAMPLED)];
    for (is_on, headers) in [(true, headers.as_slice()), (false, sampled_too.as_slice())] {
        let (topics, source) = prepared(1);
        let collector = Collector::start();
        let settings = if is_on {
            exporting(&topics, &collector.endpoint(), "parentbased_always_off")
        } else {
            Settings::new(&topics)
        };
        let mut router = settings.start("router");
        let mut watch = Watch::new(&topics);
        for (n, header) in headers.iter().enumerate() {
            let record = publisher_ticket(&format!("k{n}")).header("tracestate", "vendor=value");
            let record = header.iter().fold(record, |record, header| record.header("traceparent", *header));
            source.send_all(&topics.incoming(), &[record]);
            let (_, sent) = watch.wait_for_key(&format!("k{n}"));
            assert_eq!(traceparents(&sent), header.iter().copied().collect::<Vec<_>>());
            assert_eq!(sent.header("tracestate"), Some("vendor=value"));
        }
        router.terminate();
        assert!(router.wait_for_end().success());
        assert_eq!(collector.spans().len(), 0);
    }
}

#[test]
fn a_dead_letter_is_part_of_the_trace_and_says_its_reason() {
    let (topics, source) = prepared(1);
    let collector = Collector::start();
    let _router = exporting(&topics, &collector.endpoint(), "always_on").start("router");
    let mut watch = Watch::new(&topics);
    source.send_all(&topics.incoming(), &[Outbound::new("k", "{\"id\":").header("traceparent", SAMPLED)]);
    let (topic, sent) = watch.wait_for_key("k");
    assert_eq!(topic, topics.outgoing(Destination::DeadLetter));
    let spans = collector.wait_for_spans(3);
    let process = named(&spans, &format!("process {}", topics.incoming()));
    assert_eq!(attribute(process, "error.type").as_deref(), Some("INVALID_JSON"));
    assert_eq!(attribute(process, "ticket_router.owner"), None);
    let send = named(&spans, &format!("send {}", topics.outgoing(Destination::DeadLetter)));
    let traceparent = format!("00-{}-{}-01", hex(&send.trace_id), hex(&send.span_id));
    assert_eq!(traceparents(&sent), [traceparent.as_str()]);
}

#[test]
fn a_collector_that_is_down_or_hangs_loses_no_ticket_and_holds_nothing_up() {
    const TICKETS: usize = 10_000;
    let run = |endpoint: Option<String>| {
        let (topics, source) = prepared(3);
        load::send(&source, &topics, 0..TICKETS);
        let settings = match &endpoint {
            Some(endpoint) => exporting(&topics, endpoint, "always_on"),
            None => Settings::new(&topics),
        };
        let mut router = settings.start("router");
        router.wait_until_ready();
        let start = Instant::now();
        let mut watch = Watch::new(&topics);
        watch.wait_for(TICKETS);
        let took = start.elapsed();
        checker::assert_clean(&topics, &watch, TICKETS, load::destination);
        if endpoint.is_some() {
            wait_for("dropped spans are counted", FIGURES_DEADLINE, || {
                let dropped = router.figure("ticket_router_telemetry_dropped_total{signal=\"spans\"}")?;
                (dropped > 1_000.0).then_some(())
            });
            assert!(router.said().contains("TELEMETRY_DROPPED"), "{}", router.said());
        }
        assert_eq!(router.figure("ticket_router_records_unaccounted"), Some(0.0));
        let start = Instant::now();
        router.terminate();
        assert!(router.wait_for_end().success());
        (took, start.elapsed())
    };
    let (without, _) = run(None);
    for endpoint in [down(), hanging()] {
        let (took, ending) = run(Some(endpoint));
        // Here every ticket is traced, on a machine that does other things as well.
        assert!(took < without * 3 + Duration::from_secs(5), "{took:?} against {without:?}");
        assert!(ending < Duration::from_secs(10), "the flush has its deadline: {ending:?}");
    }
}

#[test]
fn the_metrics_page_agrees_with_what_was_written_at_every_moment() {
    const TICKETS: usize = 5_000;
    let (topics, source) = prepared(3);
    let mut settings = Settings::new(&topics);
    settings.set("worker.transaction.max_records", 500).environment("TICKET_ROUTER_FAULT_ABORT_EVERY", 3);
    let mut router = settings.start("router");
    router.wait_until_ready();
    assert_eq!(router.figure("ticket_router_ready"), Some(1.0));
    let mut watch = Watch::new(&topics);
    load::send(&source, &topics, 0..TICKETS);
    let page = wait_for("all tickets are counted", Duration::from_secs(60), || {
        let page = router.page("/metrics")?;
        assert_adds_up(&page);
        (value(&page, "ticket_router_records_read_total") == TICKETS as f64).then_some(page)
    });
    watch.wait_for(TICKETS);
    let each = (TICKETS / 5) as f64;
    for destination in Destination::ALL {
        let name = format!("ticket_router_records_written_total{{destination=\"{}\"}}", destination.word());
        assert_eq!(value(&page, &name), each, "{name}");
    }
    assert_eq!(value(&page, "ticket_router_dead_letters_total{reason=\"INVALID_JSON\"}"), each);
    assert_eq!(sum(&page, "ticket_router_tickets_total{"), 3.0 * each);
    assert_eq!(sum(&page, "ticket_router_triage_total{"), each);
    assert!(value(&page, "ticket_router_transaction_aborts_total{cause=\"injected\"}") > 0.0);
    assert!(sum(&page, "messaging_client_consumed_messages_total{") > TICKETS as f64);
    assert!(sum(&page, "messaging_process_duration_seconds_count{") > 10.0);
    for kind in ["offer", "publisher", "partner"] {
        assert_eq!(value(&page, &format!("ticket_router_catalog_records{{kind=\"{kind}\"}}")), 1.0);
    }
    wait_for("the lag is gone", FIGURES_DEADLINE, || {
        let page = router.page("/metrics")?;
        (page.matches("ticket_router_consumer_lag{").count() == 3
            && sum(&page, "ticket_router_consumer_lag{") == 0.0)
            .then_some(())
    });
    wait_for("the catalog is known to be current", FIGURES_DEADLINE, || {
        let [age, before] = [(); 2].map(|()| router.figure("ticket_router_catalog_age_seconds"));
        (age? <= before? && age? < 6.5).then_some(())
    });
    assert!(value(&page, "process_resident_memory_bytes") > 1e6);
    assert!(value(&page, "process_start_time_seconds") > 1.7e9);
    assert_eq!(router.health(&[]), (Some(0), "live\n".to_owned()));
    assert_eq!(router.health(&["--ready"]), (Some(0), "ready\n".to_owned()));
    router.terminate();
    router.wait_for_end();
    let (code, said) = router.health(&[]);
    assert_eq!(
        (code, said.starts_with("error: no answer from http://127.0.0.1:")),
        (Some(1), true),
        "{said}"
    );
}

#[test]
fn the_lag_of_a_router_that_cannot_keep_up_is_shown() {
    let (topics, source) = prepared(1);
    let mut settings = Settings::new(&topics);
    settings.set("worker.transaction.max_records", 1).set("limits.max_record_bytes", 100_000);
    let router = settings.start("router");
    load::send(&source, &topics, 0..3_000);
    wait_for("the lag is seen", Duration::from_secs(60), || {
        router.figure("ticket_router_consumer_lag{partition=\"0\"}").filter(|lag| *lag > 10.0)
    });
}

#[test]
fn nothing_of_what_people_wrote_is_in_any_log_metric_span_or_answer() {
    const ROUNDS: usize = 50;
    let (topics, source) = prepared(2);
    let collector = Collector::start();
    let mut settings = exporting(&topics, &collector.endpoint(), "always_on");
    settings.set("log.level", "trace").set("log.format", "json");
    // Whoever sets this variable sees its value in the log.
    settings.environment("TICKET_ROUTER_FAULT_PANIC_ON_KEY", "poison");
    let mut router = settings.start("router");
    router.wait_until_ready();
    let mut answers = Vec::new();
    let mut watch = Watch::new(&topics);
    let kinds = kinds();
    for round in 0..ROUNDS {
        for (n, kind) in kinds.iter().enumerate() {
            let mut record = kind.clone();
            if record.key.is_none() {
                record.key = Some(format!("{CANARY_KEY}-{round}-{n}").into_bytes());
            }
            source.send(&topics.incoming(), &record);
        }
        answers.extend(["/metrics", "/ready"].map(|path| router.page(path).unwrap_or_default()));
    }
    source.flush();
    let sent = ROUNDS * kinds.len();
    assert!(sent >= 1_000, "{sent}");
    watch.wait_for(sent);
    // Two spans for each record, as far as the queue held them.
    collector.wait_for_spans(1_000);
    answers.push(router.page("/metrics").unwrap_or_default());
    router.terminate();
    assert!(router.wait_for_end().success());

    let exported: Vec<u8> = collector.bytes().concat();
    let seen = [exported.as_slice(), router.said().as_bytes(), answers.concat().as_bytes()].concat();
    assert!(collector.log_lines() > 3 && !answers.concat().is_empty());
    for canary in [CANARY_KEY, CANARY_MAIL, CANARY_PHONE, CANARY_TOKEN, CANARY_NAME, CANARY_TEXT] {
        let found = seen.windows(canary.len()).position(|part| part == canary.as_bytes());
        let around =
            found.map(|at| String::from_utf8_lossy(&seen[at.saturating_sub(200)..at + 40]).into_owned());
        assert_eq!(around, None, "{canary}");
    }
}

const CANARY_KEY: &str = "canary-key-5d1";
const CANARY_MAIL: &str = "jane.canary@people.example";
const CANARY_PHONE: &str = "+49 30 901820-canary";
const CANARY_TOKEN: &str = "eyJhbGciOiJIUzI1NiJ9.Y2FuYXJ5.c2ln";
const CANARY_NAME: &str = "Jane Q. Canary";
const CANARY_TEXT: &str = "canary sings in the text";

/// A record of every kind, with canaries wherever somebody can write something.
fn kinds() -> Vec<Outbound> {
    let full = |destination| {
        let mut ticket = ticket(&format!("id-{CANARY_KEY}"), destination);
        for (field, text) in [("subject", CANARY_TEXT), ("body", CANARY_TOKEN), ("source", CANARY_NAME)] {
            ticket[field] = json!(text);
        }
        for field in ["planId", "subscriptionId"] {
            ticket[field] = json!(CANARY_KEY);
        }
        ticket["requester"]["displayName"] = json!(CANARY_NAME);
        ticket["requester"]["email"] = json!(CANARY_MAIL);
        ticket["attributes"] = json!({ "phone": CANARY_PHONE, CANARY_TEXT: CANARY_TOKEN });
        ticket["unknownField"] = json!(CANARY_TEXT);
        ticket
    };
    let with = |field: &str, value: serde_json::Value| {
        let mut ticket = full(Destination::Partner);
        ticket[field] = value;
        ticket.to_string().into_bytes()
    };
    let mut values: Vec<Vec<u8>> = Vec::new();
    for destination in
        [Destination::Partner, Destination::Publisher, Destination::MicrosoftCommerce, Destination::Triage]
    {
        values.push(full(destination).to_string().into_bytes());
        let mut known = full(destination);
        known.as_object_mut().expect("a ticket is an object").remove("unknownField");
        values.push(ticket_bytes(&known, Encoding::Protobuf));
    }
    values.extend([
        with("offerId", json!(CANARY_KEY)),
        with("partnerId", json!(CANARY_NAME)),
        with("category", json!(CANARY_TEXT)),
        with("revision", json!(CANARY_TEXT)),
        with("createdAt", json!(CANARY_PHONE)),
        with("id", json!("")),
        with("id", json!(CANARY_TOKEN.repeat(60))),
        with("attributes", json!({ "phone": CANARY_PHONE.repeat(500) })),
        with("attributes", (0..80).map(|n| (format!("{CANARY_MAIL}{n}"), json!(CANARY_NAME))).collect()),
        format!("{{\"{CANARY_TEXT}\":\"{CANARY_MAIL}\",\"{CANARY_TEXT}\":1}}").into_bytes(),
        format!("{{\"subject\":\"{CANARY_TEXT}\"").into_bytes(),
        format!("{{\"subject\":\"{CANARY_TEXT}\",\"body\":{}", "[".repeat(100)).into_bytes(),
        [CANARY_NAME.as_bytes(), &[0xff, 0xfe]].concat(),
        Vec::new(),
    ]);
    let mut records: Vec<_> = values
        .into_iter()
        .map(|value| {
            let record = Outbound { value: Some(value), ..Outbound::default() };
            record
                .header("traceparent", SAMPLED)
                .header("tracestate", format!("vendor={CANARY_TOKEN}"))
                .header("baggage", format!("name={CANARY_MAIL}"))
                .header(CANARY_TEXT, CANARY_PHONE)
                .header("ticket-router.note", CANARY_NAME)
        })
        .collect();
    records[0] = records[0].clone().header("content-type", format!("text/{CANARY_TEXT}"));
    records[1] = records[1].clone().header("traceparent", CANARY_TEXT);
    let mut poison = Outbound::new("poison", with("subject", json!(CANARY_TEXT)));
    poison.headers = records[2].headers.clone();
    records.push(poison);
    records
}

fn value(page: &str, name_and_labels: &str) -> f64 {
    let found =
        page.lines().find_map(|line| line.strip_prefix(name_and_labels)?.strip_prefix(' ')?.parse().ok());
    found.unwrap_or_else(|| panic!("`{name_and_labels}` is not on the page"))
}

fn sum(page: &str, beginning: &str) -> f64 {
    let lines = page.lines().filter(|line| line.starts_with(beginning));
    lines.map(|line| line.rsplit(' ').next().and_then(|it| it.parse::<f64>().ok()).expect("a figure")).sum()
}

/// Read is routed, triaged and dead-lettered, whenever one looks.
#[track_caller]
fn assert_adds_up(page: &str) {
    let read = value(page, "ticket_router_records_read_total");
    let decided =
        ["tickets", "triage", "dead_letters"].map(|it| sum(page, &format!("ticket_router_{it}_total{{")));
    assert_eq!(value(page, "ticket_router_records_unaccounted"), 0.0);
    assert_eq!(sum(page, "ticket_router_records_written_total{"), read);
    assert_eq!(decided.iter().sum::<f64>(), read);
}
