//! The table `telemetry`.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Traces, metrics and logs for an OpenTelemetry collector, by OTLP over HTTP.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Telemetry {
    /// Where the collector listens for OTLP over HTTP, such as `http://localhost:4318`.
    ///
    /// The router adds `/v1/traces`, `/v1/metrics` and `/v1/logs`. A collector that is down or slow costs no ticket and
    /// no speed: the router drops and counts what does not fit into its queues. Variable:
    /// `OTEL_EXPORTER_OTLP_ENDPOINT`.
    #[schemars(length(min = 1))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,

    /// Whether the router exports traces. Variable: `OTEL_TRACES_EXPORTER`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub traces: Option<Exporter>,

    /// Whether the router exports metrics. Variable: `OTEL_METRICS_EXPORTER`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metrics: Option<Exporter>,

    /// Whether the router exports log lines in addition to standard error. Variable: `OTEL_LOGS_EXPORTER`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logs: Option<Exporter>,

    /// Which tickets the router traces. Default: `parentbased_traceidratio`. Variable: `OTEL_TRACES_SAMPLER`.
    ///
    /// An untraced ticket keeps its `traceparent` as it came.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sampler: Option<Sampler>,

    /// The share of tickets that a sampler with a ratio traces, from 0 to 1. Default: 0.01. Variable:
    /// `OTEL_TRACES_SAMPLER_ARG`.
    ///
    /// Tracing a ticket costs about as much CPU as routing it.
    #[schemars(range(min = 0.0, max = 1.0))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sampler_ratio: Option<f64>,

    /// How long the router waits at shutdown for the collector to accept what is left, in milliseconds.
    ///
    /// This time comes after `shutdown.grace_ms`. The supervisor must wait longer than both together.
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
    /// Returns how long a shutdown waits for the collector.
    pub fn flush(&self) -> Duration {
        Duration::from_millis(self.flush_ms)
    }
}

/// Whether the router exports a signal.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum Exporter {
    /// By OTLP.
    Otlp,
    /// Not at all.
    None,
}

/// Which tickets the router traces.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum Sampler {
    /// All.
    AlwaysOn,
    /// None.
    AlwaysOff,
    /// A share, chosen by the trace id, so every program with this ratio chooses the same traces.
    #[serde(rename = "traceidratio")]
    TraceIdRatio,
    /// Those that the sender traced, and all that come without a context.
    #[serde(rename = "parentbased_always_on")]
    ParentBasedAlwaysOn,
    /// Those that the sender traced.
    #[serde(rename = "parentbased_always_off")]
    ParentBasedAlwaysOff,
    /// Those that the sender traced, and a share of those that come without a context.
    #[serde(rename = "parentbased_traceidratio")]
    ParentBasedTraceIdRatio,
}
