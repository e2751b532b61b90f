//! The metrics for the collector: what the page shows, gathered once an export.

use std::{
    sync::{Arc, Mutex, OnceLock, PoisonError, Weak},
    time::{Duration, Instant},
};

use opentelemetry::{
    KeyValue,
    metrics::{Histogram, Meter, MeterProvider as _},
};
use opentelemetry_sdk::metrics::SdkMeterProvider;

use super::{
    gather::{Family, Value, gather},
    instruments::{Kind, METRICS, Metric},
};
use crate::service::Health;

/// The instruments of one export ask one after another, within this time.
const ONE_EXPORT: Duration = Duration::from_millis(500);

/// The histograms of the exporter, which takes each value by itself. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Meters {
    process: Histogram<f64>,
    process_labels: Arc<[KeyValue]>,
    transaction: Histogram<f64>,
    records: Histogram<f64>,
}

impl Meters {
    /// Makes all instruments. Their figures are those of `health`, from when it is set until it is gone.
    #[must_use]
    pub fn new(provider: &SdkMeterProvider, health: &Arc<OnceLock<Weak<Health>>>, input: &str) -> Self {
        let meter = provider.meter("ticket-router");
        let gathered = Arc::new(Gathered { health: Arc::clone(health), last: Mutex::default() });
        for metric in METRICS {
            let gathered = Arc::clone(&gathered);
            observe(&meter, metric, move |each| gathered.each(metric, each));
        }
        let labels = [
            KeyValue::new("messaging.system", "kafka"),
            KeyValue::new("messaging.operation.name", "process"),
            KeyValue::new("messaging.destination.name", input.to_owned()),
        ];
        Self {
            process: histogram(&meter, "messaging.process.duration"),
            process_labels: labels.into(),
            transaction: histogram(&meter, "ticket_router.transaction.duration"),
            records: histogram(&meter, "ticket_router.transaction.records"),
        }
    }

    /// Takes how long a transaction took.
    pub fn transaction(&self, outcome: &'static str, took: Duration) {
        self.transaction.record(took.as_secs_f64(), &[KeyValue::new("outcome", outcome)]);
    }

    /// Takes how many records a transaction had.
    pub fn records(&self, records: u64) {
        self.records.record(records as f64, &[]);
    }

    /// Takes how long one record took.
    pub fn processed(&self, took: Duration) {
        self.process.record(took.as_secs_f64(), &self.process_labels);
    }
}

/// Makes the instrument of a metric that is asked for its figures; a histogram is not.
fn observe(
    meter: &Meter,
    metric: &'static Metric,
    ask: impl Fn(&mut dyn FnMut(f64, &[KeyValue])) + Send + Sync + 'static,
) {
    match metric.kind {
        Kind::Counter => {
            meter
                .u64_observable_counter(metric.name)
                .with_unit(metric.unit)
                .with_description(metric.description)
                .with_callback(move |observer| {
                    ask(&mut |value, labels| observer.observe(value as u64, labels));
                })
                .build();
        }
        Kind::Gauge | Kind::Info => {
            meter
                .f64_observable_gauge(metric.name)
                .with_unit(metric.unit)
                .with_description(metric.description)
                .with_callback(move |observer| ask(&mut |value, labels| observer.observe(value, labels)))
                .build();
        }
        Kind::Histogram(_) => {}
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

/// The figures of one export, all of one moment.
struct Gathered {
    health: Arc<OnceLock<Weak<Health>>>,
    last: Mutex<Option<(Instant, Vec<Family>)>>,
}

impl Gathered {
    fn each(&self, metric: &Metric, each: &mut dyn FnMut(f64, &[KeyValue])) {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.as_ref().is_none_or(|(at, _)| at.elapsed() > ONE_EXPORT) {
            let Some(health) = self.health.get().and_then(Weak::upgrade) else { return };
            *last = Some((Instant::now(), gather(&health)));
        }
        let families = last.as_ref().map(|(_, families)| families.as_slice()).unwrap_or_default();
        let Some(family) = families.iter().find(|family| family.metric.name == metric.name) else { return };
        for point in &family.points {
            if let Value::Number(value) = point.value {
                each(value, &family.attributes(point));
            }
        }
    }
}
