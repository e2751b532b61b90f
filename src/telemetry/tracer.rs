//! Spans of traced tickets, by OpenTelemetry's conventions for messaging.

use std::{
    borrow::Cow,
    sync::Arc,
    time::{Duration, SystemTime},
};

use opentelemetry::{
    InstrumentationScope, KeyValue,
    trace::{Link, SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceId, TraceState},
};
use opentelemetry_sdk::trace::{IdGenerator, RandomIdGenerator, SpanData, SpanEvents, SpanLinks};

use super::{
    context::{self, LEN},
    export::Spans,
    sampling::Sampling,
    scope,
};
use crate::{
    config::{Client, Config},
    route::Destination,
};

/// Most links of a span, by the specification. The span counts those beyond it.
const MAX_LINKS: usize = 128;

/// Makes the spans of a service. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Tracer(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    sampling: Sampling,
    ids: RandomIdGenerator,
    spans: Arc<Spans>,
    scope: InstrumentationScope,
    names: Names,
}

/// The names that stand in every span.
#[derive(Clone, Debug)]
pub struct Names {
    /// The input topic.
    pub input: String,
    /// The output topics, by [`Destination`].
    pub outputs: [String; Destination::ALL.len()],
    /// The consumer group.
    pub group: String,
    /// The `client.id` of the consumers.
    pub consumer_id: String,
    /// The `client.id` of the producers.
    pub producer_id: String,
    /// Host and port of the broker, if one alone is configured: the clients do not say which of several they used.
    pub broker: Option<(String, u16)>,
}

impl Names {
    /// Returns the names of a config.
    #[must_use]
    pub fn of(config: &Config) -> Self {
        Self {
            input: config.topics.incoming.clone(),
            outputs: config.topics.outputs().map(|(_, name)| name.to_owned()),
            group: config.kafka.group_id.clone(),
            consumer_id: config.kafka.client_id(Client::Consumer).to_owned(),
            producer_id: config.kafka.client_id(Client::Producer).to_owned(),
            broker: config.kafka.single_broker().map(|(host, port)| (host.to_owned(), port)),
        }
    }
}

/// A traced ticket, from its arrival until the router hands it to the producer.
#[derive(Clone, Debug)]
pub struct Traced {
    trace_id: TraceId,
    parent: Option<SpanId>,
    process: SpanId,
    send: SpanId,
    arrived: SystemTime,
    sending: SystemTime,
}

/// What became of a traced ticket. All words are from closed lists.
#[derive(Clone, Debug)]
pub struct Outcome<'o> {
    /// The input partition.
    pub partition: i32,
    /// The offset in it.
    pub offset: i64,
    /// Bytes of the incoming value.
    pub size: usize,
    /// Where it went.
    pub destination: Destination,
    /// The rule that decided.
    pub rule: Option<&'o str>,
    /// Why it is in triage.
    pub triage_reason: Option<&'static str>,
    /// Why it is a dead letter.
    pub dead_letter_reason: Option<&'static str>,
    /// What the producer said, if it refused the record.
    pub send_error: Option<String>,
}

/// The traced tickets of one transaction.
#[derive(Debug, Default)]
pub struct Batch {
    links: Vec<Link>,
    traced: usize,
}

impl Traced {
    /// The `traceparent` of the outgoing record: the span that sends it is the parent of its consumer's span.
    #[must_use]
    pub fn traceparent(&self) -> [u8; LEN] {
        context::format(self.trace_id, self.send)
    }

    /// Whether the incoming context is valid, and its `tracestate` with it.
    #[must_use]
    pub const fn continues(&self) -> bool {
        self.parent.is_some()
    }

    /// Notes that the router hands the record to the producer now.
    pub fn sending(&mut self) {
        self.sending = SystemTime::now();
    }
}

impl Tracer {
    /// Makes a tracer that hands its spans to `spans`.
    #[must_use]
    pub fn new(sampling: Sampling, spans: Arc<Spans>, names: Names) -> Self {
        Self(Arc::new(Inner { sampling, ids: RandomIdGenerator::default(), spans, scope: scope(), names }))
    }

    /// Begins the trace of a record that has just arrived, if it is to be traced.
    #[must_use]
    pub fn begin(&self, traceparent: Option<&[u8]>) -> Option<Traced> {
        let Inner { sampling, ids, .. } = &*self.0;
        let origin = sampling.decide(traceparent, ids)?;
        let now = SystemTime::now();
        Some(Traced {
            trace_id: origin.trace_id,
            parent: origin.parent,
            process: ids.new_span_id(),
            send: ids.new_span_id(),
            arrived: now,
            sending: now,
        })
    }

    /// Ends both spans of a ticket.
    pub fn end(&self, traced: &Traced, outcome: &Outcome<'_>, batch: &mut Batch) {
        let now = SystemTime::now();
        let Inner { spans, names, .. } = &*self.0;
        batch.traced += 1;
        let context = recorded(traced.trace_id, traced.process);
        if batch.links.len() < MAX_LINKS {
            batch.links.push(Link::new(context.clone(), Vec::new(), 0));
        }

        let output = &names.outputs[outcome.destination as usize];
        let mut send = self.operation("send", "send", output, &names.producer_id);
        send.extend(outcome.send_error.clone().map(|it| KeyValue::new("error.type", it)));
        spans.end(SpanData {
            span_context: recorded(traced.trace_id, traced.send),
            parent_span_id: traced.process,
            span_kind: SpanKind::Producer,
            name: format!("send {output}").into(),
            start_time: traced.sending,
            end_time: now,
            attributes: send,
            status: outcome.send_error.clone().map_or(Status::Unset, Status::error),
            ..self.blank()
        });

        let mut attributes = self.operation("process", "process", &names.input, &names.consumer_id);
        attributes.extend([
            KeyValue::new("messaging.destination.partition.id", outcome.partition.to_string()),
            KeyValue::new("messaging.consumer.group.name", names.group.clone()),
            KeyValue::new("kafka.offset", outcome.offset),
            KeyValue::new("messaging.message.body.size", number(outcome.size)),
            KeyValue::new("ticket_router.destination", outcome.destination.label()),
        ]);
        attributes.extend(outcome.destination.owner().map(|it| KeyValue::new("ticket_router.owner", it)));
        attributes.extend(outcome.rule.map(|it| KeyValue::new("ticket_router.rule", it.to_owned())));
        attributes.extend(outcome.triage_reason.map(|it| KeyValue::new("ticket_router.triage_reason", it)));
        if let Some(reason) = outcome.dead_letter_reason {
            attributes.push(KeyValue::new("ticket_router.dead_letter_reason", reason));
            attributes.push(KeyValue::new("error.type", reason));
        }
        spans.end(SpanData {
            span_context: context,
            parent_span_id: traced.parent.unwrap_or(SpanId::INVALID),
            parent_span_is_remote: traced.parent.is_some(),
            span_kind: SpanKind::Consumer,
            name: format!("process {}", names.input).into(),
            start_time: traced.arrived,
            end_time: now,
            attributes,
            status: outcome.dead_letter_reason.map_or(Status::Unset, Status::error),
            ..self.blank()
        });
    }

    /// Records the span of a transaction's end, linked to its traced tickets; does nothing if there are none.
    pub fn settle(&self, batch: &mut Batch, records: u64, took: Duration, aborted: Option<&'static str>) {
        if batch.traced == 0 {
            return;
        }
        let now = SystemTime::now();
        let Inner { ids, spans, names, .. } = &*self.0;
        let mut attributes = self.operation("commit", "settle", &names.input, &names.producer_id);
        attributes.extend([
            KeyValue::new("messaging.consumer.group.name", names.group.clone()),
            KeyValue::new("messaging.batch.message_count", number(records)),
        ]);
        attributes.extend(aborted.map(|cause| KeyValue::new("error.type", cause)));
        let mut links = SpanLinks::default();
        links.dropped_count = u32::try_from(batch.traced - batch.links.len()).unwrap_or(u32::MAX);
        links.links = std::mem::take(&mut batch.links);
        batch.traced = 0;
        spans.end(SpanData {
            span_context: recorded(ids.new_trace_id(), ids.new_span_id()),
            span_kind: SpanKind::Client,
            name: format!("commit {}", names.input).into(),
            start_time: now - took,
            end_time: now,
            attributes,
            links,
            status: aborted.map_or(Status::Unset, |cause| Status::error(format!("aborted: {cause}"))),
            ..self.blank()
        });
    }

    fn operation(&self, name: &'static str, kind: &'static str, topic: &str, client: &str) -> Vec<KeyValue> {
        let mut attributes = Vec::with_capacity(16);
        attributes.extend([
            KeyValue::new("messaging.system.name", "kafka"),
            KeyValue::new("messaging.operation.name", name),
            KeyValue::new("messaging.operation.type", kind),
            KeyValue::new("messaging.destination.name", topic.to_owned()),
            KeyValue::new("messaging.client.id", client.to_owned()),
        ]);
        if let Some((host, port)) = &self.0.names.broker {
            attributes.push(KeyValue::new("server.address", host.clone()));
            attributes.push(KeyValue::new("server.port", i64::from(*port)));
        }
        attributes
    }

    fn blank(&self) -> SpanData {
        SpanData {
            span_context: SpanContext::NONE,
            parent_span_id: SpanId::INVALID,
            parent_span_is_remote: false,
            span_kind: SpanKind::Internal,
            name: Cow::Borrowed(""),
            start_time: SystemTime::UNIX_EPOCH,
            end_time: SystemTime::UNIX_EPOCH,
            attributes: Vec::new(),
            dropped_attributes_count: 0,
            events: SpanEvents::default(),
            links: SpanLinks::default(),
            status: Status::Unset,
            instrumentation_scope: self.0.scope.clone(),
        }
    }
}

/// Does not export the incoming `tracestate`: its content is not the router's.
fn recorded(trace_id: TraceId, span_id: SpanId) -> SpanContext {
    SpanContext::new(trace_id, span_id, TraceFlags::SAMPLED, false, TraceState::NONE)
}

fn number(count: impl TryInto<i64>) -> i64 {
    count.try_into().unwrap_or(i64::MAX)
}
