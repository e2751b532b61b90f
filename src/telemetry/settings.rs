//! What is exported and where to: the `[telemetry]` table of the config, and the standard variables if it
//! says nothing.

use std::{ops::RangeInclusive, path::PathBuf, time::Duration};

use super::{
    sampling::Sampling,
    variables::{Ignored, Variables, is_url, items},
};
use crate::config::{self, Exporter, Sampler};

const DEFAULT_ENDPOINT: &str = "http://localhost:4318";
const DEFAULT_TIMEOUT_MS: u64 = 10_000;
const DEFAULT_RATIO: f64 = 0.01;
const DEFAULT_QUEUE: u64 = 2_048;
const DEFAULT_BATCH: u64 = 512;
const DEFAULT_SPAN_DELAY_MS: u64 = 5_000;
const DEFAULT_LOG_DELAY_MS: u64 = 1_000;
const DEFAULT_INTERVAL_MS: u64 = 60_000;

/// The longest time that makes sense, and that no clock overflows with: a day, in milliseconds.
const MAX_MS: u64 = 86_400_000;
/// Room for as many is taken at the start.
const MAX_QUEUE: u64 = 1_000_000;

/// What is exported. Nothing at all: the default.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settings {
    /// Where traces go, and which are recorded.
    pub traces: Option<(Target, Sampling)>,
    /// Where metrics go.
    pub metrics: Option<Target>,
    /// Where log lines go.
    pub logs: Option<Target>,
    /// Time between two exports of metrics.
    pub metric_interval: Duration,
}

/// Where one signal goes.
#[derive(Clone, Debug, PartialEq)]
pub struct Target {
    /// The full URL.
    pub url: String,
    /// How long one request may take.
    pub timeout: Duration,
    /// Whether requests are compressed with gzip.
    pub is_compressed: bool,
    /// A file with the certificates to trust, in PEM; the system's if there is none.
    pub certificate: Option<PathBuf>,
    /// How many spans or log lines may wait.
    pub queue: usize,
    /// How many of them go into one request at most.
    pub batch: usize,
    /// How long they wait at most.
    pub delay: Duration,
}

/// A setting of the table `[telemetry]` that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{name}` is `{value}`, but {allowed}")]
pub struct Refused {
    name: String,
    value: String,
    allowed: String,
}

impl Settings {
    /// Resolves the table, and the variables that `variable` gives; an empty variable counts as unset.
    /// Returns the variables that could not be honoured beside the settings.
    ///
    /// # Errors
    ///
    /// A value of the table that the router cannot honour.
    pub fn resolve(
        table: &config::Telemetry,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<(Self, Vec<Ignored>), Refused> {
        let source = Source { table, variables: Variables::new(&variable) };
        let settings = source.settings()?;
        Ok((settings, source.variables.into_ignored()))
    }

    /// Whether anything is exported.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.traces.is_some() || self.metrics.is_some() || self.logs.is_some()
    }
}

struct Source<'s> {
    table: &'s config::Telemetry,
    variables: Variables<'s>,
}

impl Source<'_> {
    fn settings(&self) -> Result<Settings, Refused> {
        if self.is_disabled() {
            return Ok(Settings::default());
        }
        self.variables.check_others();
        let traces = self.target("TRACES", Some("BSP"), self.table.traces)?;
        let sampling = self.sampling();
        let interval = one("OTEL_METRIC_EXPORT_INTERVAL");
        Ok(Settings {
            traces: traces.map(|target| (target, sampling)),
            metrics: self.target("METRICS", None, self.table.metrics)?,
            logs: self.target("LOGS", Some("BLRP"), self.table.logs)?,
            metric_interval: self.milliseconds(&interval, DEFAULT_INTERVAL_MS),
        })
    }

    fn is_disabled(&self) -> bool {
        let read = |value: &str| value.to_ascii_lowercase().parse::<bool>().ok();
        let name = one("OTEL_SDK_DISABLED");
        self.variables.first(&name, "it must be `true` or `false`", "`false` is used", read).unwrap_or(false)
    }

    fn target(
        &self,
        signal: &str,
        processor: Option<&str>,
        wish: Option<Exporter>,
    ) -> Result<Option<Target>, Refused> {
        let endpoint = self.endpoint(signal)?;
        let is_exported = match wish {
            Some(wish) => wish == Exporter::Otlp,
            None => self.exporter(signal).unwrap_or(endpoint.is_some()),
        };
        self.check_protocol(signal);
        let queue =
            self.processor(processor, "MAX_QUEUE_SIZE", "a whole number", 1..=MAX_QUEUE, DEFAULT_QUEUE);
        let batch = self.processor(
            processor,
            "MAX_EXPORT_BATCH_SIZE",
            "a whole number, at most the size of the queue",
            1..=queue,
            DEFAULT_BATCH.min(queue),
        );
        let delay = self.processor(
            processor,
            "SCHEDULE_DELAY",
            "a number of milliseconds",
            1..=MAX_MS,
            if signal == "LOGS" { DEFAULT_LOG_DELAY_MS } else { DEFAULT_SPAN_DELAY_MS },
        );
        let whole = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        let target = Target {
            url: endpoint.unwrap_or_else(|| joined(DEFAULT_ENDPOINT, signal)),
            timeout: self.milliseconds(&of_signal(signal, "TIMEOUT"), DEFAULT_TIMEOUT_MS),
            is_compressed: self.is_compressed(signal),
            certificate: of_signal(signal, "CERTIFICATE")
                .iter()
                .find_map(|name| self.variables.get(name))
                .map(Into::into),
            queue: whole(queue),
            batch: whole(batch),
            delay: Duration::from_millis(delay),
        };
        Ok(is_exported.then_some(target))
    }

    fn milliseconds(&self, names: &[String], default: u64) -> Duration {
        let number = self.variables.number(names, "a number of milliseconds", 1..=MAX_MS, default);
        Duration::from_millis(number)
    }

    /// A number of the processor that gathers what is exported; metrics are not gathered.
    fn processor(
        &self,
        processor: Option<&str>,
        what: &str,
        unit: &str,
        range: RangeInclusive<u64>,
        default: u64,
    ) -> u64 {
        let Some(processor) = processor else { return default };
        self.variables.number(&one(&format!("OTEL_{processor}_{what}")), unit, range, default)
    }

    fn check_protocol(&self, signal: &str) {
        let read = |value: &str| value.eq_ignore_ascii_case("http/protobuf").then_some(());
        let allowed = "ticket-router speaks `http/protobuf` only, which collectors take on port 4318";
        self.variables.first(&of_signal(signal, "PROTOCOL"), allowed, "`http/protobuf` is used", read);
    }

    fn is_compressed(&self, signal: &str) -> bool {
        let read = |value: &str| match value.to_ascii_lowercase().as_str() {
            "gzip" => Some(true),
            "none" => Some(false),
            _ => None,
        };
        let allowed = "ticket-router knows `gzip` and `none`";
        let names = of_signal(signal, "COMPRESSION");
        self.variables.first(&names, allowed, "nothing is compressed", read).unwrap_or(false)
    }

    /// The endpoint that is set: in the table, for the signal, or for all. Only one for all gets the signal's path.
    fn endpoint(&self, signal: &str) -> Result<Option<String>, Refused> {
        if let Some(value) = &self.table.endpoint {
            return match misuse(value) {
                None => Ok(Some(joined(value.trim(), signal))),
                Some((value, allowed)) => Err(Refused {
                    name: "telemetry.endpoint".to_owned(),
                    value: value.escape_debug().to_string(),
                    allowed: allowed.to_owned(),
                }),
            };
        }
        let own = format!("OTEL_EXPORTER_OTLP_{signal}_ENDPOINT");
        let all = "OTEL_EXPORTER_OTLP_ENDPOINT";
        let own_url = self.endpoint_variable(&own);
        Ok(own_url.or_else(|| {
            let url = self.endpoint_variable(all);
            url.map(|url| joined(&url, signal))
        }))
    }

    fn endpoint_variable(&self, name: &str) -> Option<String> {
        let value = self.variables.get(name)?;
        match misuse(&value) {
            None => Some(value.trim().to_owned()),
            Some((value, allowed)) => {
                self.variables.ignore(name, value, allowed, "it counts as not set");
                None
            }
        }
    }

    /// Whether `OTEL_…_EXPORTER` asks for the signal; nothing if it is not set.
    fn exporter(&self, signal: &str) -> Option<bool> {
        let name = format!("OTEL_{signal}_EXPORTER");
        let value = self.variables.get(&name)?;
        let words: Vec<_> = items(&value).map(str::to_ascii_lowercase).collect();
        // The page for Prometheus is there without being asked for.
        let is_known = |word: &String| {
            matches!(word.as_str(), "otlp" | "none") || (word.as_str(), signal) == ("prometheus", "METRICS")
        };
        let is_exported = words.iter().any(|word| word == "otlp");
        if !words.iter().all(is_known) {
            let signal = signal.to_lowercase();
            let instead = if is_exported {
                format!("{signal} are exported by `otlp` alone")
            } else {
                format!("{signal} are not exported")
            };
            self.variables.ignore(&name, &value, "ticket-router knows `otlp` and `none`", &instead);
        }
        (!words.is_empty()).then_some(is_exported)
    }

    fn sampling(&self) -> Sampling {
        let sampler = self.table.sampler.unwrap_or_else(|| {
            let allowed = "ticket-router knows `always_on`, `always_off`, `traceidratio`, and these after `parentbased_`";
            let otherwise = "`parentbased_traceidratio` is used";
            let named = |word: &str| named(&word.to_ascii_lowercase());
            let found = self.variables.first(&one("OTEL_TRACES_SAMPLER"), allowed, otherwise, named);
            found.unwrap_or(Sampler::ParentBasedTraceIdRatio)
        });
        match sampler {
            Sampler::AlwaysOn => Sampling::new(false, 1.0),
            Sampler::AlwaysOff => Sampling::new(false, 0.0),
            Sampler::TraceIdRatio => Sampling::new(false, self.ratio()),
            Sampler::ParentBasedAlwaysOn => Sampling::new(true, 1.0),
            Sampler::ParentBasedAlwaysOff => Sampling::new(true, 0.0),
            Sampler::ParentBasedTraceIdRatio => Sampling::new(true, self.ratio()),
        }
    }

    fn ratio(&self) -> f64 {
        self.table.sampler_ratio.unwrap_or_else(|| {
            let read = |value: &str| value.parse().ok().filter(|ratio| (0.0..=1.0).contains(ratio));
            let otherwise = format!("{DEFAULT_RATIO} is used");
            let name = one("OTEL_TRACES_SAMPLER_ARG");
            let found = self.variables.first(&name, "it must be a number from 0 to 1", &otherwise, read);
            found.unwrap_or(DEFAULT_RATIO)
        })
    }
}

fn one(name: &str) -> [String; 1] {
    [name.to_owned()]
}

/// The signal's own variable, and the one for all signals.
fn of_signal(signal: &str, what: &str) -> [String; 2] {
    [format!("OTEL_EXPORTER_OTLP_{signal}_{what}"), format!("OTEL_EXPORTER_OTLP_{what}")]
}

fn named(word: &str) -> Option<Sampler> {
    Some(match word {
        "always_on" => Sampler::AlwaysOn,
        "always_off" => Sampler::AlwaysOff,
        "traceidratio" => Sampler::TraceIdRatio,
        "parentbased_always_on" => Sampler::ParentBasedAlwaysOn,
        "parentbased_always_off" => Sampler::ParentBasedAlwaysOff,
        "parentbased_traceidratio" => Sampler::ParentBasedTraceIdRatio,
        _ => return None,
    })
}

fn joined(endpoint: &str, signal: &str) -> String {
    format!("{}/v1/{}", endpoint.trim_end_matches('/'), signal.to_lowercase())
}

/// What is wrong with an endpoint: the value as it may be shown, and what is allowed. What stands before an
/// `@` is a password.
fn misuse(value: &str) -> Option<(&str, &'static str)> {
    if value.contains('@') {
        return Some(("***", "it must not hold a log-in: use `OTEL_EXPORTER_OTLP_HEADERS`"));
    }
    (!is_url(value.trim())).then_some((value, "it must be a URL such as `http://localhost:4318`"))
}

#[cfg(test)]
#[path = "settings_tests.rs"]
mod tests;
