//! The SDK's exporters, with bounded queues before them and a count of what is lost.

use std::{sync::Arc, time::Duration};

use opentelemetry::InstrumentationScope;
use opentelemetry_otlp::{
    Compression, ExporterBuildError, LogExporter as OtlpLogs, MetricExporter as OtlpMetrics, Protocol,
    SpanExporter as OtlpSpans, WithExportConfig, WithHttpConfig,
};
use opentelemetry_sdk::{
    Resource,
    error::OTelSdkResult,
    logs::{
        BatchConfigBuilder as LogBatches, BatchLogProcessor, LogBatch, LogExporter, LogProcessor,
        SdkLogRecord,
    },
    metrics::{Temporality, data::ResourceMetrics, exporter::PushMetricExporter},
    trace::{BatchConfigBuilder as SpanBatches, BatchSpanProcessor, SpanData, SpanExporter, SpanProcessor},
};

use super::{
    client::{CertificateUnusable, Client},
    dropped::{Dropped, Room, Signal},
    settings::Target,
};

/// An exporter cannot be created.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    /// The certificates of the collector.
    #[error(transparent)]
    Certificate(#[from] CertificateUnusable),
    /// The SDK refuses the settings.
    #[error("the OTLP exporter refuses its settings")]
    Exporter(#[from] ExporterBuildError),
}

/// Takes spans that have ended, and exports them from a thread of its own. Never waits.
#[derive(Debug)]
pub struct Spans {
    processor: BatchSpanProcessor,
    room: Room,
}

impl Spans {
    /// Starts the exporter of traces.
    ///
    /// # Errors
    ///
    /// The settings do not allow it.
    pub fn start(target: &Target, resource: &Resource, dropped: &Arc<Dropped>) -> Result<Self, Unusable> {
        let exporter = towards(target, OtlpSpans::builder().with_http())?.build()?;
        let batches = SpanBatches::default()
            .with_max_queue_size(target.queue)
            .with_max_export_batch_size(target.batch)
            .with_scheduled_delay(target.delay);
        Ok(Self::with(exporter, target.queue, batches, resource, dropped))
    }

    /// Starts with any exporter.
    pub(crate) fn with(
        exporter: impl SpanExporter + 'static,
        queue: usize,
        batches: SpanBatches,
        resource: &Resource,
        dropped: &Arc<Dropped>,
    ) -> Self {
        let room = Room::new(Signal::Spans, queue, dropped);
        let mut processor = BatchSpanProcessor::builder(Counted { inner: exporter, room: room.clone() })
            .with_batch_config(batches.build())
            .build();
        processor.set_resource(resource);
        Self { processor, room }
    }

    /// Hands over a span that has ended.
    pub fn end(&self, span: SpanData) {
        if self.room.enter() {
            self.processor.on_end(span);
        }
    }

    /// Exports what waits, and ends. Counts what is left after `timeout`.
    pub fn shut_down(&self, timeout: Duration) {
        if let Err(error) = self.processor.shutdown_with_timeout(timeout) {
            self.room.abandon(&error);
        }
    }
}

/// Takes log lines, and exports them from a thread of its own. Never waits.
#[derive(Debug)]
pub struct Lines {
    processor: BatchLogProcessor,
    room: Room,
}

impl Lines {
    /// Starts the exporter of log lines.
    ///
    /// # Errors
    ///
    /// The settings do not allow it.
    pub fn start(target: &Target, dropped: &Arc<Dropped>) -> Result<Self, Unusable> {
        let exporter = towards(target, OtlpLogs::builder().with_http())?.build()?;
        let room = Room::new(Signal::Logs, target.queue, dropped);
        let batches = LogBatches::default()
            .with_max_queue_size(target.queue)
            .with_max_export_batch_size(target.batch)
            .with_scheduled_delay(target.delay)
            .build();
        let processor = BatchLogProcessor::builder(Counted { inner: exporter, room: room.clone() })
            .with_batch_config(batches)
            .build();
        Ok(Self { processor, room })
    }
}

impl LogProcessor for Lines {
    fn emit(&self, line: &mut SdkLogRecord, scope: &InstrumentationScope) {
        if self.room.enter() {
            self.processor.emit(line, scope);
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.processor.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.processor.shutdown_with_timeout(timeout).inspect_err(|error| self.room.abandon(error))
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.processor.set_resource(resource);
    }
}

/// Makes the exporter of metrics.
///
/// # Errors
///
/// The settings do not allow it.
pub fn metrics(target: &Target, dropped: &Arc<Dropped>) -> Result<impl PushMetricExporter, Unusable> {
    let inner = towards(target, OtlpMetrics::builder().with_http())?.build()?;
    Ok(Counted { inner, room: Room::new(Signal::Metrics, 0, dropped) })
}

fn towards<B: WithHttpConfig + WithExportConfig>(target: &Target, builder: B) -> Result<B, Unusable> {
    let client = Client::new(target)?;
    let builder = builder
        .with_http_client(client)
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(&target.url)
        .with_timeout(target.timeout);
    Ok(if target.is_compressed { builder.with_compression(Compression::Gzip) } else { builder })
}

/// An exporter that gives back room, and counts what it could not export.
#[derive(Debug)]
struct Counted<E> {
    inner: E,
    room: Room,
}

impl<E: SpanExporter> SpanExporter for Counted<E> {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let count = batch.len();
        self.room.leave(count);
        self.inner.export(batch).await.inspect_err(|error| self.room.lost(count, error))
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.inner.set_resource(resource);
    }
}

impl<E: LogExporter> LogExporter for Counted<E> {
    async fn export(&self, batch: LogBatch<'_>) -> OTelSdkResult {
        let count = batch.iter().count();
        self.room.leave(count);
        self.inner.export(batch).await.inspect_err(|error| self.room.lost(count, error))
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.inner.set_resource(resource);
    }
}

impl<E: PushMetricExporter> PushMetricExporter for Counted<E> {
    async fn export(&self, metrics: &ResourceMetrics) -> OTelSdkResult {
        self.inner.export(metrics).await.inspect_err(|error| self.room.lost(1, error))
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.inner.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn temporality(&self) -> Temporality {
        self.inner.temporality()
    }
}
