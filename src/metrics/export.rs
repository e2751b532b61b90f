//! The metrics for the collector: what the page shows, gathered once an export.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use opentelemetry::{
    KeyValue,
    metrics::{Meter, MeterProvider as _},
};
use opentelemetry_sdk::metrics::SdkMeterProvider;

use super::gather::{Family, Value, gather};
use crate::{
    service::Health,
    telemetry::{Kind, METRICS, Metric, scope},
};

/// The instruments of one export ask one after another, within this time.
const ONE_EXPORT: Duration = Duration::from_millis(500);

/// Exports the figures of `health`; the histograms are those that the workers record.
pub fn export(provider: &SdkMeterProvider, health: &Arc<Health>) {
    let meter = provider.meter_with_scope(scope());
    let gathered = Arc::new(Gathered { health: Arc::clone(health), last: Mutex::default() });
    for metric in METRICS {
        let gathered = Arc::clone(&gathered);
        observe(&meter, metric, move |each| gathered.each(metric, each));
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

/// The figures of one export, all of one moment.
struct Gathered {
    health: Arc<Health>,
    last: Mutex<Option<(Instant, Vec<Family>)>>,
}

impl Gathered {
    fn each(&self, metric: &Metric, each: &mut dyn FnMut(f64, &[KeyValue])) {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.as_ref().is_none_or(|(at, _)| at.elapsed() > ONE_EXPORT) {
            *last = Some((Instant::now(), gather(&self.health)));
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
