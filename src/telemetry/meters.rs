//! The histograms for the collector.

use std::{sync::Arc, time::Duration};

use opentelemetry::{
    KeyValue,
    metrics::{Histogram, Meter, MeterProvider as _},
};
use opentelemetry_sdk::metrics::SdkMeterProvider;

use super::{
    instruments::{Kind, METRICS},
    scope,
    tracer::Names,
};

/// The histograms of the exporter, which takes each value by itself. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Meters {
    delay: Histogram<f64>,
    process: Histogram<f64>,
    process_labels: Arc<[KeyValue]>,
    operation: Histogram<f64>,
    operation_labels: Arc<[KeyValue]>,
    transaction: Histogram<f64>,
    records: Histogram<f64>,
}

impl Meters {
    /// Makes the histograms of the table.
    #[must_use]
    pub fn new(provider: &SdkMeterProvider, names: &Names) -> Self {
        let meter = provider.meter_with_scope(scope());
        let labels = |operation| {
            [
                KeyValue::new("messaging.system.name", "kafka"),
                KeyValue::new("messaging.operation.name", operation),
                KeyValue::new("messaging.destination.name", names.input.clone()),
                KeyValue::new("messaging.consumer.group.name", names.group.clone()),
            ]
        };
        let settles = [KeyValue::new("messaging.operation.type", "settle")];
        Self {
            delay: histogram(&meter, "ticket_router.ticket.delay"),
            process: histogram(&meter, "messaging.process.duration"),
            process_labels: labels("process").into(),
            operation: histogram(&meter, "messaging.client.operation.duration"),
            operation_labels: labels("commit").into_iter().chain(settles).collect(),
            transaction: histogram(&meter, "ticket_router.transaction.duration"),
            records: histogram(&meter, "ticket_router.transaction.records"),
        }
    }

    /// Takes how late `count` records are.
    pub fn delayed(&self, delay: Duration, count: u64) {
        for _ in 0..count {
            self.delay.record(delay.as_secs_f64(), &[]);
        }
    }

    /// Takes how long the end of a transaction took, and why it was aborted if it was.
    pub fn ended(&self, took: Duration, aborted_by: Option<&'static str>) {
        let aborted_by = aborted_by.map(|cause| KeyValue::new("error.type", cause));
        let labels: Vec<_> = self.operation_labels.iter().cloned().chain(aborted_by).collect();
        self.operation.record(took.as_secs_f64(), &labels);
    }

    /// Takes how long a transaction took.
    pub fn transaction(&self, outcome: &'static str, took: Duration) {
        self.transaction.record(took.as_secs_f64(), &[KeyValue::new("outcome", outcome)]);
    }

    /// Takes how many records a transaction had.
    pub fn records(&self, records: u64) {
        self.records.record(records as f64, &[]);
    }

    /// Takes how long one record took, and the code of the reason if it became a dead letter.
    pub fn processed(&self, took: Duration, dead_letter_reason: Option<&'static str>) {
        let reason = dead_letter_reason.map(|code| KeyValue::new("error.type", code));
        let labels: Vec<_> = self.process_labels.iter().cloned().chain(reason).collect();
        self.process.record(took.as_secs_f64(), &labels);
    }
}

fn histogram(meter: &Meter, name: &'static str) -> Histogram<f64> {
    let metric = METRICS.iter().find(|metric| metric.name == name).expect("the name is in the table");
    let Kind::Histogram(bounds) = metric.kind else { unreachable!("`{name}` is a histogram") };
    meter
        .f64_histogram(name)
        .with_unit(metric.unit)
        .with_description(metric.description)
        .with_boundaries(bounds.to_vec())
        .build()
}
