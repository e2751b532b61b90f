//! What the operating system says of this process: its start, memory, processor time, descriptors and threads.

#[cfg(target_os = "linux")]
use std::sync::LazyLock;

#[cfg(target_os = "linux")]
use prometheus::{core::Collector, process_collector::ProcessCollector, proto::MetricType};

/// One for the life of the process, since it remembers the processor time that it has counted.
#[cfg(target_os = "linux")]
static COLLECTOR: LazyLock<ProcessCollector> = LazyLock::new(ProcessCollector::for_self);

/// Returns the figures under their names on the page for Prometheus; those that the system does not tell are left out.
#[cfg(target_os = "linux")]
pub fn figures() -> Vec<(String, f64)> {
    let mut figures = Vec::with_capacity(8);
    for family in COLLECTOR.collect() {
        let is_counter = family.get_field_type() == MetricType::COUNTER;
        for metric in family.get_metric() {
            let value =
                if is_counter { metric.get_counter().get_value() } else { metric.get_gauge().get_value() };
            // A gauge that could not be read stays at 0, which none of them can be.
            if is_counter || value > 0.0 {
                figures.push((family.name().to_owned(), value));
            }
        }
    }
    figures
}

/// Nothing: only Linux has `/proc`.
#[cfg(not(target_os = "linux"))]
pub fn figures() -> Vec<(String, f64)> {
    Vec::new()
}
