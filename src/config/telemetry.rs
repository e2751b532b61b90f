use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Traces, metrics and logs for an OpenTelemetry collector, by OTLP over HTTP.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Telemetry {
    /// Where the collector listens for OTLP over HTTP, such as `http://localhost:4318`.
    ///
    /// `/v1/traces`, `/v1/metrics` and `/v1/logs` are added. A collector that is down or slow costs no ticket and
    /// no speed: what does not fit into the queues is dropped and counted. Variable: `OTEL_EXPORTER_OTLP_ENDPOINT`.
    #[schemars(length(min = 1))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,

    /// Whether traces are exported. Variable: `OTEL_TRACES_EXPORTER`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub traces: Option<Exporter>,

    /// Whether metrics are exported. Variable: `OTEL_METRICS_EXPORTER`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metrics: Option<Exporter>,

    /// Whether log lines are exported, beside standard error. Variable: `OTEL_LOGS_EXPORTER`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logs: Option<Exporter>,

    /// Which tickets are traced. Default: `parentbased_traceidratio`. Variable: `OTEL_TRACES_SAMPLER`.
    ///
    /// A ticket that is not traced keeps its `traceparent` as it came.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sampler: Option<Sampler>,

    /// The part of the tickets that a sampler with a ratio takes, from 0 to 1. Default: 0.01. Variable:
    /// `OTEL_TRACES_SAMPLER_ARG`.
    ///
    /// Tracing a ticket costs about as much CPU as routing it.
    #[schemars(range(min = 0.0, max = 1.0))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sampler_ratio: Option<f64>,

    /// How long the way down waits for the collector to take what is left, in milliseconds.
    ///
    /// It comes after `shutdown.grace_ms`; both together should stay below what the supervisor waits.
    #[schemars(range(min = 0, max = 60_000))]
    pub flush_ms: u64,
}

impl Default for Telemetry {
    fn default() -> Self {
        Self {
            endpoint: None,
            traces: None,
            metrics: None,
            logs: None,
            sampler: None,
            sampler_ratio: None,
            flush_ms: 2_000,
        }
    }
}

impl Telemetry {
    /// Returns how long the way down waits for the collector.
    pub fn flush(&self) -> Duration {
        Duration::from_millis(self.flush_ms)
    }
}

/// Whether a signal is exported.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum Exporter {
    /// By OTLP.
    Otlp,
    /// Not at all.
    None,
}

/// Which tickets are traced.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum Sampler {
    /// All.
    AlwaysOn,
    /// None.
    AlwaysOff,
    /// By the trace id: the same part of the traces everywhere.
    #[serde(rename = "traceidratio")]
    TraceIdRatio,
    /// Those that the sender traced, and all that come without a context.
    #[serde(rename = "parentbased_always_on")]
    ParentBasedAlwaysOn,
    /// Those that the sender traced.
    #[serde(rename = "parentbased_always_off")]
    ParentBasedAlwaysOff,
    /// Those that the sender traced, and a part of those that come without a context.
    #[serde(rename = "parentbased_traceidratio")]
    ParentBasedTraceIdRatio,
}
