//! Figures: each as a JSON line when it is there, and in the end one table with medians and ratios.

use std::{
    fmt::Write as _,
    fs::{self, File},
    io::Write as _,
    path::Path,
    time::Duration,
};

use anyhow::Result;
use serde_json::{Value, json};

use crate::{
    backlog::Backlog,
    contender::{self, Contender, Kind},
    data::Format,
    latency::Latency,
    restore::Restore,
};

/// All figures of a run of the benchmark.
pub struct Report {
    lines: File,
    backlogs: Vec<Backlog>,
    latencies: Vec<Latency>,
    restores: Vec<Restore>,
}

impl Report {
    /// Begins a file of raw figures.
    pub fn create(path: &Path) -> Result<Self> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let lines = File::create(path)?;
        Ok(Self { lines, backlogs: Vec::new(), latencies: Vec::new(), restores: Vec::new() })
    }

    pub fn backlog(&mut self, figures: Backlog) -> Result<()> {
        let line = json!({
            "what": "backlog",
            "contender": figures.contender.name,
            "round": figures.round,
            "records": figures.records,
            "firstOutputSeconds": figures.first_output.as_secs_f64(),
            "perSecond": figures.per_second,
            "cpuSeconds": figures.cpu.as_secs_f64(),
            "cpuMicrosPerTicket": micros(figures.cpu, figures.records),
            "steadyCpuMicrosPerTicket": micros(figures.steady_cpu.0, figures.steady_cpu.1),
            "brokerCpuMicrosPerTicket": figures.broker_cpu.map(|it| micros(it, figures.records)),
            "peakMb": figures.peak_mb,
            "meanValueBytes": figures.output.mean_value_bytes,
            "meanHeaderBytes": figures.output.mean_header_bytes,
        });
        self.backlogs.push(figures);
        self.line(&line)
    }

    pub fn latency(&mut self, figures: Latency) -> Result<()> {
        let line = json!({
            "what": "latency",
            "contender": figures.contender.name,
            "round": figures.round,
            "records": figures.records,
            "p50Ms": figures.p50_ms,
            "p99Ms": figures.p99_ms,
            "maxMs": figures.max_ms,
            "cpuMicrosPerTicket": micros(figures.cpu, figures.records),
            "idleMb": figures.idle_mb,
            "idleCpuSeconds": figures.idle_cpu.as_secs_f64(),
        });
        self.latencies.push(figures);
        self.line(&line)
    }

    pub fn restore(&mut self, figures: Restore) -> Result<()> {
        let line = json!({
            "what": "restore",
            "contender": figures.name,
            "round": figures.round,
            "records": figures.records,
            "seconds": figures.took.as_secs_f64(),
            "firstOutputSeconds": figures.first_output.map(|it| it.as_secs_f64()),
            "cpuSeconds": figures.cpu.as_secs_f64(),
            "peakMb": figures.peak_mb,
            "residentMb": figures.resident_mb,
        });
        self.restores.push(figures);
        self.line(&line)
    }

    fn line(&mut self, line: &Value) -> Result<()> {
        eprintln!("{line}");
        writeln!(self.lines, "{line}")?;
        Ok(())
    }

    /// Medians of the rounds, in Markdown.
    pub fn table(&self) -> String {
        let mut out = String::new();
        let done = "writing to a string does not fail";
        if !self.backlogs.is_empty() {
            out.push_str(
                "| contender | tickets/s | × limit | CPU µs/ticket | × limit | after the first output | × limit | broker µs/ticket | peak MB | − limit | start to first output | value bytes |\n\
                 | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n",
            );
            for contender in contender::ALL {
                if let Some(row) = self.backlog_row(contender) {
                    writeln!(out, "{row}").expect(done);
                }
            }
        }
        if !self.latencies.is_empty() {
            out.push_str(
                "\n| contender at 1,000 tickets/s | p50 ms | p99 ms | max ms | CPU µs/ticket | idle MB | idle CPU % |\n\
                 | --- | --- | --- | --- | --- | --- | --- |\n",
            );
            for contender in contender::ALL {
                let of = |figure: fn(&Latency) -> f64| {
                    let mine = self.latencies.iter().filter(|it| it.contender.name == contender.name);
                    median(mine.map(figure).collect())
                };
                let Some(p50) = of(|it| it.p50_ms) else { continue };
                let rest = [
                    of(|it| it.p99_ms),
                    of(|it| it.max_ms),
                    of(|it| micros(it.cpu, it.records)),
                    of(|it| it.idle_mb),
                    of(|it| it.idle_cpu.as_secs_f64() / 3.0 * 100.0),
                ]
                .map(|it| format!("{:.1}", it.unwrap_or_default()));
                writeln!(out, "| {} | {p50:.1} | {} |", contender.name, rest.join(" | ")).expect(done);
            }
        }
        if !self.restores.is_empty() {
            out.push_str(
                "\n| restore | records | seconds | records/s | start to first output s | CPU s | peak MB | resident MB |\n\
                 | --- | --- | --- | --- | --- | --- | --- | --- |\n",
            );
            for name in ["bare consumer", "router-json", "router-protobuf"] {
                let mine = || self.restores.iter().filter(|it| it.name == name);
                let Some(seconds) = median(mine().map(|it| it.took.as_secs_f64()).collect()) else {
                    continue;
                };
                let records = mine().map(|it| it.records).max().unwrap_or_default();
                let of = |figure: fn(&Restore) -> Option<f64>| {
                    median(mine().filter_map(figure).collect()).map_or(String::new(), |it| format!("{it:.1}"))
                };
                writeln!(
                    out,
                    "| {name} | {records} | {seconds:.2} | {:.0} | {} | {} | {} | {} |",
                    records as f64 / seconds,
                    of(|it| it.first_output.map(|it| it.as_secs_f64())),
                    of(|it| Some(it.cpu.as_secs_f64())),
                    of(|it| it.peak_mb),
                    of(|it| it.resident_mb),
                )
                .expect(done);
            }
        }
        out
    }

    fn backlog_row(&self, contender: &Contender) -> Option<String> {
        let of = |figure: fn(&Backlog) -> f64| self.backlog_median(contender.name, figure);
        let limit = |figure: fn(&Backlog) -> f64| {
            let limit = match contender.format {
                Format::Json => "limit-json",
                Format::Protobuf => "limit-protobuf",
            };
            (contender.kind != Kind::Limit).then(|| self.backlog_median(limit, figure)).flatten()
        };
        let ratio = |figure: fn(&Backlog) -> f64| match (of(figure), limit(figure)) {
            (Some(mine), Some(limit)) => format!("{:.2}", mine / limit),
            _ => String::new(),
        };
        let cpu: fn(&Backlog) -> f64 = |it| micros(it.cpu, it.records);
        let steady: fn(&Backlog) -> f64 = |it| micros(it.steady_cpu.0, it.steady_cpu.1);
        let broker: fn(&Backlog) -> f64 = |it| it.broker_cpu.map_or(f64::NAN, |cpu| micros(cpu, it.records));
        Some(format!(
            "| {} | {:.0} | {} | {:.2} | {} | {:.2} | {} | {:.1} | {:.0} | {} | {:.2} s | {:.0} |",
            contender.name,
            of(|it| it.per_second)?,
            ratio(|it| it.per_second),
            of(cpu)?,
            ratio(cpu),
            of(steady)?,
            ratio(steady),
            of(broker)?,
            of(|it| it.peak_mb)?,
            limit(|it| it.peak_mb)
                .zip(of(|it| it.peak_mb))
                .map_or(String::new(), |(limit, mine)| format!("{:+.0}", mine - limit)),
            of(|it| it.first_output.as_secs_f64())?,
            of(|it| it.output.mean_value_bytes)?,
        ))
    }

    fn backlog_median(&self, name: &str, figure: fn(&Backlog) -> f64) -> Option<f64> {
        median(self.backlogs.iter().filter(|it| it.contender.name == name).map(figure).collect())
    }
}

fn micros(cpu: Duration, records: usize) -> f64 {
    cpu.as_secs_f64() * 1e6 / records.max(1) as f64
}

fn median(mut figures: Vec<f64>) -> Option<f64> {
    figures.sort_unstable_by(f64::total_cmp);
    let middle = figures.len() / 2;
    match figures.len() {
        0 => None,
        odd if odd % 2 == 1 => Some(figures[middle]),
        _ => Some((figures[middle - 1] + figures[middle]) / 2.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_or_the_mean_of_the_two_in_the_middle() {
        assert_eq!(median(vec![3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(vec![4.0, 1.0, 2.0, 3.0]), Some(2.5));
        assert_eq!(median(Vec::new()), None);
    }
}
