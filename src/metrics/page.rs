//! The page for Prometheus, in its text format 0.0.4.

use prometheus::{
    Encoder, TextEncoder,
    proto::{Bucket, Counter, Gauge, Histogram, LabelPair, Metric, MetricFamily, MetricType},
};

use super::gather::{Family, Point, Value};
use crate::telemetry::Kind;

/// The media type of the page.
pub const MEDIA_TYPE: &str = prometheus::TEXT_FORMAT;

/// Writes the page.
#[must_use]
pub fn page(families: &[Family]) -> String {
    let families: Vec<_> = families.iter().map(family).collect();
    let mut page = Vec::with_capacity(16 * 1024);
    TextEncoder::new().encode(&families, &mut page).expect("every family has a name and a point");
    String::from_utf8(page).expect("the encoder was given text")
}

fn family(family: &Family) -> MetricFamily {
    let mut made = MetricFamily::default();
    made.set_name(family.metric.prometheus_name());
    made.set_help(family.metric.description.to_owned());
    made.set_field_type(match family.metric.kind {
        Kind::Counter => MetricType::COUNTER,
        Kind::Gauge | Kind::Info => MetricType::GAUGE,
        Kind::Histogram(_) => MetricType::HISTOGRAM,
    });
    made.set_metric(family.points.iter().map(|point| metric(family, point)).collect());
    made
}

fn metric(family: &Family, point: &Point) -> Metric {
    let labels = family.metric.labels.iter().zip(&point.labels).filter(|(_, value)| !value.is_empty());
    let labels = labels.map(|(label, value)| {
        let mut pair = LabelPair::default();
        pair.set_name(label.prometheus_name());
        pair.set_value(value.clone());
        pair
    });
    let mut metric = Metric::from_label(labels.collect());
    match (&point.value, family.metric.kind) {
        (Value::Number(value), Kind::Counter) => {
            let mut counter = Counter::default();
            counter.set_value(*value);
            metric.set_counter(counter);
        }
        (Value::Number(value), _) => {
            let mut gauge = Gauge::default();
            gauge.set_value(*value);
            metric.set_gauge(gauge);
        }
        (Value::Histogram(values), _) => {
            let mut histogram = Histogram::default();
            histogram.set_sample_count(values.count());
            histogram.set_sample_sum(values.sum());
            let buckets = values.cumulative().map(|(bound, count)| {
                let mut bucket = Bucket::default();
                bucket.set_upper_bound(bound);
                bucket.set_cumulative_count(count);
                bucket
            });
            histogram.set_bucket(buckets.collect());
            metric.set_histogram(histogram);
        }
    }
    metric
}
