//! The reference page of the metrics, made from their table.

use std::fmt::Write;

use crate::telemetry::{Kind, METRICS, Metric, Values};

const INTRODUCTION: &str = "\
# Metrics

<!-- Made from the table in src/telemetry/instruments.rs: change it, then run `UPDATE_DOCS=1 cargo test --lib metrics::`. -->

`GET /metrics` on the port of `http.listen` shows all metrics to Prometheus.
With an endpoint in `[telemetry]`, the same figures go to an OpenTelemetry collector ([telemetry.md](telemetry.md)).
Each metric has two names: one for OpenTelemetry, and one on the page for Prometheus.

- Figures of records count *committed* transactions, unless the text says otherwise: the router reads aborted records again.
- The router adds all figures of a transaction at once.
  So on every page `ticket_router_records_read_total` is the sum of `ticket_router_records_written_total`, and
  `ticket_router_records_unaccounted` is 0.
  The router counts the two sides apart: a record when it reads it, and the result when the producer has accepted it.
- Labels are closed sets. None holds an id, a key, or anything that somebody wrote into a ticket, except the names of at most 50 fields.
- A figure that does not exist yet, such as the lag before the first assignment, is left out.
";

/// Returns the page, in Markdown.
#[must_use]
pub fn reference() -> String {
    let mut page = INTRODUCTION.to_owned();
    for metric in METRICS {
        describe(metric, &mut page);
    }
    page
}

fn describe(metric: &Metric, page: &mut String) {
    let kind = match metric.kind {
        Kind::Counter => "counter".to_owned(),
        Kind::Gauge => "gauge".to_owned(),
        Kind::Info => "gauge, always 1".to_owned(),
        Kind::Histogram(bounds) => {
            let bounds: Vec<_> = bounds.iter().map(|bound| format!("{bound}")).collect();
            format!("histogram with the bounds {}", bounds.join(", "))
        }
    };
    let unit = match metric.unit {
        "" => String::new(),
        "s" => ", in seconds".to_owned(),
        "By" => ", in bytes".to_owned(),
        unit => format!(", in {}s", unit.trim_matches(['{', '}'])),
    };
    // Writing into a string does not fail.
    let _ = write!(
        page,
        "\n## `{}`\n\n`{}` at OpenTelemetry; *{kind}{unit}*\n\n{}\n",
        metric.prometheus_name(),
        metric.name,
        metric.description
    );
    for (number, label) in metric.labels.iter().enumerate() {
        let values = match &label.values {
            Values::Words(words) => {
                words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
            }
            Values::Codes(text) | Values::Set(text) => (*text).to_owned(),
        };
        let gap = if number == 0 { "\n" } else { "" };
        let _ = writeln!(page, "{gap}- `{}`: {values}", label.prometheus_name());
    }
}
