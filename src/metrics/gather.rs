//! All figures of the service at one moment, in the order of the table.

use opentelemetry::KeyValue;

use super::process;
use crate::{
    catalog::Kind as CatalogKind,
    kafka::{
        context::ErrorKind,
        worker::{AbortCause, FieldNames, Figures},
    },
    policy::Outcome,
    proto::v1::decision::{Owner, TriageReason},
    route::Destination,
    service::Health,
    telemetry::{Histogram, METRICS, Metric, Names, Signal},
    ticket::{DeadLetterReason, Note},
    version::{Build, REVISION, VERSION},
};

/// One metric with its points.
#[derive(Debug)]
pub struct Family {
    /// Which one.
    pub metric: &'static Metric,
    /// One for each combination of labels that there is.
    pub points: Vec<Point>,
}

/// One figure.
#[derive(Debug)]
pub struct Point {
    /// The values of the labels, in the order of the table.
    pub labels: Vec<String>,
    /// The figure.
    pub value: Value,
}

/// What a figure is.
#[derive(Debug)]
pub enum Value {
    /// A count or a gauge.
    Number(f64),
    /// A distribution.
    Histogram(Histogram),
}

impl Family {
    /// The labels of a point, named as at OpenTelemetry.
    pub fn attributes(&self, point: &Point) -> Vec<KeyValue> {
        let pairs = self.metric.labels.iter().zip(&point.labels).filter(|(_, value)| !value.is_empty());
        pairs.map(|(label, value)| KeyValue::new(label.name, value.clone())).collect()
    }
}

/// Gathers all metrics, except those that have no figure yet.
#[must_use]
pub fn gather(health: &Health) -> Vec<Family> {
    // Read each worker once: figures that belong together are of one moment.
    let figures = health.figures();
    let process = process::figures();
    METRICS
        .iter()
        .map(|metric| {
            let points = if metric.name.starts_with("process.") {
                of_process(metric, &process)
            } else {
                points(metric.name, health, &figures)
            };
            Family { metric, points }
        })
        .filter(|family| !family.points.is_empty())
        .collect()
}

fn points(name: &str, health: &Health, figures: &Figures) -> Vec<Point> {
    let counts = &figures.counts;
    match name {
        "ticket_router.tickets" => tickets(health, &counts.tickets),
        "ticket_router.triage" => triage(health, figures),
        "ticket_router.dead_letters" => DeadLetterReason::ALL
            .into_iter()
            .map(|reason| number([reason.code()], counts.dead_letters[reason as usize]))
            .collect(),
        "ticket_router.fields.odd" => [(Note::OddValue, "value"), (Note::Misspelt, "name")]
            .into_iter()
            .flat_map(|(note, what)| {
                fields(figures, note).map(move |(field, count)| number([&field, what], count))
            })
            .collect(),
        "ticket_router.fields.dropped" => {
            fields(figures, Note::Dropped).map(|(field, count)| number([&field], count)).collect()
        }
        "ticket_router.ticket.delay" => vec![histogram([], &figures.delays)],
        "ticket_router.records.read" => vec![number([], counts.read)],
        "ticket_router.records.written" => {
            Destination::ALL.into_iter().map(|it| number([it.label()], counts.written[it as usize])).collect()
        }
        "ticket_router.records.unaccounted" => {
            let written: u64 = counts.written.iter().sum();
            vec![gauge([], counts.read as f64 - written as f64)]
        }
        "ticket_router.consumer.lag" => figures
            .lag
            .iter()
            .map(|(partition, lag)| gauge([partition.to_string().as_str()], *lag as f64))
            .collect(),
        "ticket_router.transaction.duration" => {
            vec![histogram(["committed"], &figures.committed), histogram(["aborted"], &figures.aborted)]
        }
        "ticket_router.transaction.records" => vec![histogram([], &figures.records)],
        "ticket_router.transaction.aborts" => AbortCause::ALL
            .into_iter()
            .map(|cause| number([cause.name()], figures.aborts[cause as usize]))
            .collect(),
        "ticket_router.rebalances" => vec![number([], figures.rebalances)],
        "ticket_router.catalog.records" => {
            let records = health.catalog.snapshot().counts();
            CatalogKind::ALL.into_iter().map(|kind| number([word(kind)], records.of(kind) as u64)).collect()
        }
        "ticket_router.catalog.size" => vec![number([], health.catalog.snapshot().bytes() as u64)],
        "ticket_router.catalog.limit" => {
            health.feed.max_bytes().map(|bytes| number([], bytes)).into_iter().collect()
        }
        "ticket_router.catalog.skipped" => {
            CatalogKind::ALL.into_iter().map(|kind| number([word(kind)], health.feed.skipped(kind))).collect()
        }
        "ticket_router.catalog.bad" => CatalogKind::ALL
            .into_iter()
            .map(|kind| number([word(kind)], health.feed.bad_keys(kind)))
            .collect(),
        "ticket_router.catalog.age" => seconds(health.feed.age()),
        "ticket_router.catalog.restore.duration" => seconds(health.feed.restore_took()),
        "ticket_router.policy.info" => vec![number([health.policy_version.as_str()], 1)],
        "ticket_router.build.info" => {
            let Build { librdkafka, openssl } = Build::of_process();
            vec![number([VERSION, REVISION, &librdkafka, &openssl], 1)]
        }
        "ticket_router.ready" => vec![number([], u64::from(health.missing().is_empty()))],
        "ticket_router.kafka.errors" => {
            ErrorKind::ALL.into_iter().map(|kind| number([kind.name()], health.watch.errors(kind))).collect()
        }
        "ticket_router.telemetry.dropped" => Signal::ALL
            .into_iter()
            .map(|signal| number([signal.name()], health.dropped.total(signal)))
            .collect(),
        "messaging.client.consumed.messages" => {
            vec![number(["kafka", "poll", &health.names.input, &health.names.group], figures.consumed)]
        }
        "messaging.client.sent.messages" => Destination::ALL
            .into_iter()
            .map(|it| {
                number(["kafka", "send", &health.names.outputs[it as usize]], figures.sent[it as usize])
            })
            .collect(),
        "messaging.client.operation.duration" => {
            let causes = AbortCause::ALL.map(|cause| (cause.name(), &figures.ended[1 + cause as usize]));
            std::iter::once(("", &figures.ended[0]))
                .chain(causes.into_iter().filter(|(_, durations)| durations.count() > 0))
                .map(|(cause, durations)| {
                    let Names { input, group, .. } = &health.names;
                    histogram(["kafka", "commit", "settle", input, group, cause], durations)
                })
                .collect()
        }
        "messaging.process.duration" => {
            let Names { input, group, .. } = &health.names;
            let by_reason = figures.process.iter();
            by_reason
                .map(|(reason, durations)| {
                    histogram(["kafka", "process", input, group, reason.unwrap_or_default()], durations)
                })
                .collect()
        }
        name => unreachable!("`{name}` is in the table and nobody gathers it"),
    }
}

/// The system names its figures as Prometheus does, and does not know each of them everywhere.
fn of_process(metric: &Metric, figures: &[(String, f64)]) -> Vec<Point> {
    let name = metric.prometheus_name();
    figures.iter().filter(|(it, _)| *it == name).map(|(_, value)| gauge([], *value)).collect()
}

fn tickets(health: &Health, counts: &[u64]) -> Vec<Point> {
    let rules = health.policy.rules().iter().enumerate();
    rules
        .filter_map(|(index, rule)| {
            let Outcome::Owned(assignment) = &rule.outcome else { return None };
            let destination = match assignment.assignee.owner() {
                Owner::Partner => Destination::Partner,
                Owner::Publisher => Destination::Publisher,
                Owner::MicrosoftCommerce => Destination::MicrosoftCommerce,
                Owner::Unspecified => return None,
            };
            Some(number([destination.owner()?, &rule.id], counts.get(index).copied().unwrap_or(0)))
        })
        .collect()
}

/// Only what has happened: most reasons can meet no more than a few rules.
fn triage(health: &Health, figures: &Figures) -> Vec<Point> {
    let rules = health.policy.rules();
    let mut points = Vec::new();
    for (row, counts) in figures.counts.triage.iter().enumerate() {
        let rule = rules.get(row).map_or("none", |rule| &rule.id);
        for (reason, &count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
            let reason = i32::try_from(reason).ok().and_then(|it| TriageReason::try_from(it).ok());
            let reason = reason.unwrap_or(TriageReason::Unspecified).as_str_name();
            points.push(number([reason, rule], count));
        }
    }
    points
}

/// Only what has happened: the names come from tickets.
fn fields(figures: &Figures, note: Note) -> impl Iterator<Item = (String, u64)> {
    let counts = figures.counts.fields.iter().map(move |counts| counts[note as usize]).enumerate();
    let names = FieldNames::of_process();
    counts.filter(|(_, count)| *count > 0).map(|(number, count)| (names.name(number), count))
}

const fn word(kind: CatalogKind) -> &'static str {
    match kind {
        CatalogKind::Offer => "offer",
        CatalogKind::Publisher => "publisher",
        CatalogKind::Partner => "partner",
    }
}

fn number<const N: usize>(labels: [&str; N], value: u64) -> Point {
    gauge(labels, value as f64)
}

fn gauge<const N: usize>(labels: [&str; N], value: f64) -> Point {
    Point { labels: labels.map(str::to_owned).to_vec(), value: Value::Number(value) }
}

fn histogram<const N: usize>(labels: [&str; N], histogram: &Histogram) -> Point {
    Point { labels: labels.map(str::to_owned).to_vec(), value: Value::Histogram(histogram.clone()) }
}

fn seconds(time: Option<std::time::Duration>) -> Vec<Point> {
    time.map(|it| gauge([], it.as_secs_f64())).into_iter().collect()
}
