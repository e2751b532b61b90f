//! The log: to standard error, and to the collector if log lines are exported.

use std::io::stderr;

use anyhow::Context as _;
use opentelemetry_appender_tracing::layer::OpenTelemetryTracingBridge;
use opentelemetry_sdk::logs::SdkLoggerProvider;
use tracing::Metadata;
use tracing_subscriber::{
    EnvFilter, Layer, filter::FilterFn, layer::SubscriberExt as _, util::SubscriberInitExt as _,
};

use crate::{
    config::{Log, LogFormat},
    console::is_coloured,
};

/// Sends the log to standard error, as text or JSON, and to `collector` if there is one.
///
/// A line that cannot be written is lost: reporting that on the same standard error would end the process.
///
/// # Errors
///
/// `log.level` is not a filter.
pub fn start(config: &Log, collector: Option<&SdkLoggerProvider>) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(&config.level)
        .with_context(|| format!("`log.level` = `{}` is not a filter", config.level))?;
    let lines = tracing_subscriber::fmt::layer().with_writer(stderr).log_internal_errors(false);
    let lines = match config.format {
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
        LogFormat::Text => lines.with_ansi(is_coloured(&stderr())).boxed(),
    };
    let exported = collector
        .map(|provider| OpenTelemetryTracingBridge::new(provider).with_filter(FilterFn::new(is_exported)));
    tracing_subscriber::registry().with(filter).with(lines).with(exported).init();
    Ok(())
}

/// The exporters' own lines do not go through the exporters, or a collector that is down would cause endless lines.
fn is_exported(line: &Metadata<'_>) -> bool {
    let target = line.target();
    !target.starts_with("ticket_router::telemetry") && !target.starts_with("opentelemetry")
}
