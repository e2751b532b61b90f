//! What can be seen from outside: traces, the table of metrics, logs, and the way to a collector.
//!
//! A worker counts in plain figures of its own, and adds them to those of the process once a transaction. Only traced
//! tickets have spans. Exports wait in bounded queues for threads of the SDK, and what does not fit is dropped and
//! counted: nothing here ever waits for a collector.
//!
//! Architecture Invariant: nothing of a ticket's text, ids or key gets into a span, a metric or a log line.
//! Labels are closed sets; names of fields, the only ones that tickets bring, are plain and bounded.

mod client;
mod context;
mod dropped;
mod export;
mod histogram;
mod instruments;
mod log;
mod meters;
mod sampling;
mod settings;
mod tracer;
mod variables;

#[cfg(test)]
mod tests;

pub use context::{LEN as TRACEPARENT_LEN, TRACEPARENT, TRACESTATE};
pub use dropped::{Dropped, Signal};
pub use histogram::Histogram;
#[cfg(test)]
pub use instruments::Values;
pub use instruments::{
    DELAY_BOUNDS, Kind, METRICS, Metric, OPERATION_BOUNDS, PROCESS_BOUNDS, RECORDS_BOUNDS, TRANSACTION_BOUNDS,
};
pub use log::start as start_log;
pub use meters::Meters;
pub use sampling::Sampling;
pub use settings::Settings;
pub use tracer::{Batch, Names, Outcome, Traced, Tracer};

use std::{
    sync::{Arc, mpsc},
    thread,
    time::{Duration, Instant},
};

use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_sdk::{
    Resource,
    logs::SdkLoggerProvider,
    metrics::{PeriodicReader, SdkMeterProvider},
    trace::{IdGenerator, RandomIdGenerator},
};

use self::{export::Unusable, instruments::SCHEMA_URL};
use crate::version::VERSION;

/// What is exported, and the way there.
#[derive(Debug, Default)]
pub struct Telemetry {
    dropped: Arc<Dropped>,
    traces: Option<(Arc<export::Spans>, Sampling)>,
    metrics: Option<SdkMeterProvider>,
    logs: Option<SdkLoggerProvider>,
}

impl Telemetry {
    /// Starts the exporters of the settings; with none of them, nothing is started. Returns why an exporter
    /// could not be made beside it. Whether the collector answers is not looked at.
    #[must_use]
    pub fn start(settings: &Settings) -> (Self, Vec<NotExported>) {
        let mut telemetry = Self::default();
        let mut failed = Vec::new();
        if !settings.is_on() {
            return (telemetry, failed);
        }
        let resource = resource();
        let dropped = &telemetry.dropped;
        if let Some((target, sampling)) = &settings.traces {
            let spans = export::Spans::start(target, &resource, dropped);
            telemetry.traces = keep(spans, "traces", &mut failed).map(|spans| (Arc::new(spans), *sampling));
        }
        if let Some(target) = &settings.metrics {
            let exporter = keep(export::metrics(target, dropped), "metrics", &mut failed);
            telemetry.metrics = exporter.map(|exporter| {
                let reader = PeriodicReader::builder(exporter).with_interval(settings.metric_interval);
                let provider = SdkMeterProvider::builder().with_resource(resource.clone());
                provider.with_reader(reader.build()).build()
            });
        }
        if let Some(target) = &settings.logs {
            let lines = keep(export::Lines::start(target, dropped), "logs", &mut failed);
            let provider = SdkLoggerProvider::builder().with_resource(resource);
            telemetry.logs = lines.map(|lines| provider.with_log_processor(lines).build());
        }
        (telemetry, failed)
    }

    /// Where log lines go, beside standard error.
    #[must_use]
    pub fn logs(&self) -> Option<&SdkLoggerProvider> {
        self.logs.as_ref()
    }

    /// The tracer of a service, if traces are exported.
    #[must_use]
    pub fn tracer(&self, names: &Names) -> Option<Tracer> {
        let (spans, sampling) = self.traces.as_ref()?;
        Some(Tracer::new(*sampling, Arc::clone(spans), names.clone()))
    }

    /// The instruments of a service, if metrics are exported.
    #[must_use]
    pub fn meters(&self, names: &Names) -> Option<Meters> {
        self.metrics.as_ref().map(|provider| Meters::new(provider, names))
    }

    /// What was dropped so far.
    #[must_use]
    pub fn dropped(&self) -> Arc<Dropped> {
        Arc::clone(&self.dropped)
    }

    /// The provider of metrics, if they are exported.
    #[must_use]
    pub fn metrics(&self) -> Option<&SdkMeterProvider> {
        self.metrics.as_ref()
    }

    /// Exports what is left, and waits for at most `deadline`. What the collector has not accepted by then is lost.
    pub fn shut_down(self, deadline: Duration) {
        let until = Instant::now() + deadline;
        let (done, ended) = mpsc::channel();
        let mut running = 0;
        let mut spawn = |name: &str, work: Box<dyn FnOnce() + Send>| {
            let done = done.clone();
            let spawned = thread::Builder::new().name(name.to_owned()).spawn(move || {
                work();
                // After the deadline, nobody listens.
                let _ = done.send(());
            });
            running += usize::from(spawned.is_ok());
        };
        if let Some((spans, _)) = self.traces {
            spawn("flush-spans", Box::new(move || spans.shut_down(deadline)));
        }
        if let Some(provider) = self.metrics {
            spawn("flush-metrics", Box::new(move || drop(provider.shutdown_with_timeout(deadline))));
        }
        if let Some(provider) = self.logs {
            spawn("flush-logs", Box::new(move || drop(provider.shutdown_with_timeout(deadline))));
        }
        for _ in 0..running {
            if ended.recv_timeout(until.saturating_duration_since(Instant::now())).is_err() {
                tracing::warn!(
                    code = "TELEMETRY_FLUSH",
                    waited_ms = u64::try_from(deadline.as_millis()).unwrap_or(u64::MAX),
                    "the collector has not taken the last spans, metrics and log lines in time; they are lost"
                );
                return;
            }
        }
    }
}

/// An exporter that could not be made, of a signal that therefore stays here.
#[derive(Debug, thiserror::Error)]
#[error("{signal} are not exported")]
pub struct NotExported {
    signal: &'static str,
    #[source]
    error: Unusable,
}

fn keep<E>(exporter: Result<E, Unusable>, signal: &'static str, failed: &mut Vec<NotExported>) -> Option<E> {
    exporter.map_err(|error| failed.push(NotExported { signal, error })).ok()
}

/// The scope of spans and metrics, with the version of the conventions that they follow.
pub fn scope() -> InstrumentationScope {
    let scope = InstrumentationScope::builder("ticket-router").with_version(VERSION);
    scope.with_schema_url(SCHEMA_URL).build()
}

/// Who sends: by `OTEL_SERVICE_NAME` and `OTEL_RESOURCE_ATTRIBUTES`, else by defaults.
fn resource() -> Resource {
    let said = Resource::builder().build();
    let is_said = |name: &'static str| said.iter().any(|(key, _)| key.as_str() == name);
    let is_named = said
        .iter()
        .any(|(key, value)| key.as_str() == "service.name" && !value.as_str().starts_with("unknown_service"));
    let mut resource = Resource::builder().with_schema_url([], SCHEMA_URL);
    if !is_named {
        resource = resource.with_service_name("ticket-router");
    }
    if !is_said("service.version") {
        resource = resource.with_attribute(KeyValue::new("service.version", VERSION));
    }
    if !is_said("service.instance.id") {
        let id = RandomIdGenerator::default().new_trace_id().to_string();
        resource = resource.with_attribute(KeyValue::new("service.instance.id", id));
    }
    resource.build()
}
