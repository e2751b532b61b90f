//! The figures against the table, the page for Prometheus and the reference page.

use std::{collections::BTreeSet, fs, path::PathBuf, sync::Arc, time::Duration};

use super::{gather, page, reference::reference};
use crate::{
    config::Config,
    policy::Policy,
    service::Health,
    telemetry::{Kind, METRICS, Telemetry, Values},
};

#[test]
fn the_reference_page_of_the_metrics_is_up_to_date() {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs/metrics.md");
    let made = reference();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&file, made).unwrap();
        return;
    }
    let kept = fs::read_to_string(&file).unwrap_or_default();
    assert!(kept == made, "docs/metrics.md is stale: run `UPDATE_DOCS=1 cargo test --lib metrics::`");
}

#[test]
fn no_two_metrics_have_one_name() {
    let names: BTreeSet<_> = METRICS.iter().map(|metric| metric.prometheus_name()).collect();
    assert_eq!(names.len(), METRICS.len());
}

/// A router that has just been started.
fn idle() -> Arc<Health> {
    Health::new(&Config::default(), &Arc::new(Policy::builtin()), &Telemetry::default()).0
}

#[test]
fn every_metric_is_gathered_with_all_of_its_labels() {
    let health = idle();
    health.feed.bound(1);
    health.feed.restored(Duration::from_secs(1));
    let families = gather(&health);
    let missing: Vec<_> = METRICS
        .iter()
        .map(|metric| metric.name)
        .filter(|name| cfg!(target_os = "linux") || !name.starts_with("process."))
        .filter(|name| families.iter().all(|family| family.metric.name != *name))
        .collect();
    // What has not happened yet.
    assert_eq!(
        missing,
        [
            "ticket_router.triage",
            "ticket_router.fields.odd",
            "ticket_router.fields.dropped",
            "ticket_router.consumer.lag",
            "ticket_router.catalog.age"
        ]
    );
    for family in &families {
        for point in &family.points {
            assert_eq!(point.labels.len(), family.metric.labels.len(), "{}", family.metric.name);
            for (label, value) in family.metric.labels.iter().zip(&point.labels) {
                if let Values::Words(words) = label.values {
                    assert!(words.contains(&value.as_str()), "{}: {value}", family.metric.name);
                }
            }
        }
    }
}

#[cfg(target_os = "linux")]
#[test]
fn the_figures_of_the_process_are_those_of_proc() {
    let page = page(&gather(&idle()));
    let figure = |name: &str| -> f64 {
        let line = page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.unwrap_or_else(|| panic!("no {name} in\n{page}")).parse().unwrap()
    };
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs_f64();
    // A test does not run for a day, and is no smaller than a MiB.
    assert!((now - 86_400.0..=now + 1.0).contains(&figure("process_start_time_seconds")));
    assert!(figure("process_resident_memory_bytes") > f64::from(1 << 20));
    assert!(figure("process_open_fds") >= 3.0);
    assert!(figure("process_threads") >= 2.0);
    assert!(page.contains("# TYPE process_cpu_seconds_total counter"));
}

#[test]
fn the_page_is_as_prometheus_wants_it() {
    let page = page(&gather(&idle()));
    for line in [
        "# TYPE ticket_router_tickets_total counter",
        "ticket_router_records_unaccounted 0",
        "ticket_router_dead_letters_total{reason=\"INVALID_JSON\"} 0",
        "ticket_router_transaction_aborts_total{cause=\"lost\"} 0",
        "ticket_router_transaction_duration_seconds_bucket{outcome=\"committed\",le=\"+Inf\"} 0",
        "ticket_router_ready 0",
        "ticket_router_ticket_delay_seconds_bucket{le=\"5\"} 0",
        "messaging_client_operation_duration_seconds_count{messaging_system=\"kafka\",messaging_operation_name=\"commit\",\
         messaging_operation_type=\"settle\",messaging_destination_name=\"tickets.incoming\",\
         messaging_consumer_group_name=\"ticket-router\"} 0",
    ] {
        assert!(page.lines().any(|found| found == line), "`{line}` is not in\n{page}");
    }
    for metric in METRICS {
        let name = metric.prometheus_name();
        assert!(metric.description.ends_with('.'), "{name}");
        assert_eq!(name.ends_with("_total"), metric.kind == Kind::Counter, "{name}");
        assert!(name.chars().all(|it| it.is_ascii_lowercase() || it == '_'), "{name}");
    }
}
