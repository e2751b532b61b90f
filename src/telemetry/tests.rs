//! Metrics, traces and logs as a collector and Prometheus see them.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use opentelemetry::{Value, trace::SpanId};
use opentelemetry_sdk::{
    Resource,
    error::{OTelSdkError, OTelSdkResult},
    trace::{BatchConfigBuilder, SpanData, SpanExporter},
};

use super::{Batch, Dropped, Names, Outcome, Sampling, Signal, Tracer, export};
use crate::route::Destination;

fn names() -> Names {
    Names {
        input: "in".to_owned(),
        outputs: ["partner", "publisher", "commerce", "triage", "dead"].map(str::to_owned),
        group: "group".to_owned(),
        consumer_id: "reads".to_owned(),
        producer_id: "writes".to_owned(),
        broker: Some(("kafka".to_owned(), 9093)),
    }
}

/// Keeps spans, or fails.
#[derive(Clone, Debug)]
struct Memory {
    spans: Arc<Mutex<Vec<SpanData>>>,
    fails: bool,
}

impl SpanExporter for Memory {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        if self.fails {
            return Err(OTelSdkError::InternalFailure("down".to_owned()));
        }
        self.spans.lock().unwrap().extend(batch);
        Ok(())
    }
}

/// Traces this number of tickets, and gives their spans and how many were dropped.
fn traced(tickets: usize, fails: bool) -> (Vec<SpanData>, u64) {
    let dropped = Arc::new(Dropped::default());
    let memory = Memory { spans: Arc::default(), fails };
    let spans = Arc::new(export::Spans::with(
        memory.clone(),
        1_000,
        BatchConfigBuilder::default(),
        &Resource::builder().build(),
        &dropped,
    ));
    let tracer = Tracer::new(Sampling::new(true, 1.0), Arc::clone(&spans), names());
    let mut batch = Batch::default();
    for _ in 0..tickets {
        let traced = tracer.begin(None).expect("all are traced");
        let outcome = Outcome {
            partition: 3,
            offset: 4,
            size: 5,
            destination: Destination::Publisher,
            rule: Some("rule"),
            triage_reason: None,
            dead_letter_reason: None,
            send_error: None,
        };
        tracer.end(&traced, &outcome, &mut batch);
    }
    tracer.settle(&mut batch, 7, Duration::from_millis(5), None);
    spans.shut_down(Duration::from_secs(5));
    let kept = memory.spans.lock().unwrap().clone();
    (kept, dropped.total(Signal::Spans))
}

#[test]
fn the_commit_is_linked_to_the_tickets_up_to_the_limit_and_is_nobodys_child() {
    let (spans, dropped) = traced(200, false);
    assert_eq!((spans.len(), dropped), (401, 0));
    let commit = spans.iter().find(|span| span.name == "commit in").unwrap();
    assert_eq!((commit.links.len(), commit.links.dropped_count), (128, 72));
    assert_eq!(commit.parent_span_id, SpanId::INVALID);
    let processes: Vec<_> = spans.iter().filter(|span| span.name == "process in").collect();
    assert_eq!(processes.len(), 200);
    assert!(commit.links.iter().all(|link| processes.iter().any(|it| it.span_context == link.span_context)));
}

#[test]
fn spans_that_an_exporter_refuses_are_counted() {
    assert_eq!(traced(100, true), (Vec::new(), 201));
}

#[test]
fn spans_name_their_client_the_broker_and_the_size_of_the_ticket() {
    let (spans, _) = traced(1, false);
    let attribute = |span: &str, name: &str| {
        let span = spans.iter().find(|it| it.name == span).unwrap();
        span.attributes.iter().find(|it| it.key.as_str() == name).map(|it| it.value.clone())
    };
    for (span, client) in [("process in", "reads"), ("send publisher", "writes"), ("commit in", "writes")] {
        assert_eq!(attribute(span, "messaging.client.id"), Some(Value::from(client)), "{span}");
        assert_eq!(attribute(span, "server.address"), Some(Value::from("kafka")), "{span}");
        assert_eq!(attribute(span, "server.port"), Some(Value::I64(9093)), "{span}");
    }
    assert_eq!(attribute("process in", "messaging.message.body.size"), Some(Value::I64(5)));
}
