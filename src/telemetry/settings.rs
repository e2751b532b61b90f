//! What is exported and where to: the `[telemetry]` table of the config, and the standard variables where it says nothing.

use std::{path::PathBuf, time::Duration};

use super::sampling::Sampling;
use crate::config::{self, Exporter, Sampler};

const DEFAULT_ENDPOINT: &str = "http://localhost:4318";
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);
const DEFAULT_RATIO: f64 = 0.01;
const DEFAULT_QUEUE: usize = 2_048;

/// What is exported. Nothing at all: the default.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settings {
    /// Where traces go, and which are recorded.
    pub traces: Option<(Target, Sampling)>,
    /// Where metrics go.
    pub metrics: Option<Target>,
    /// Where log lines go.
    pub logs: Option<Target>,
}

/// Where one signal goes.
#[derive(Clone, Debug, PartialEq)]
pub struct Target {
    /// The full URL.
    pub url: String,
    /// How long one request may take.
    pub timeout: Duration,
    /// A file with the certificates to trust, in PEM; the system's where there is none.
    pub certificate: Option<PathBuf>,
    /// How many spans or log lines may wait.
    pub queue: usize,
}

/// A setting of the telemetry that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{name}` is `{value}`; {allowed}")]
pub struct Refused {
    /// The variable or the key.
    pub name: String,
    /// What it is.
    pub value: String,
    /// What it may be.
    pub allowed: String,
}

impl Settings {
    /// Resolves the table and the variables that `variable` gives; an empty variable counts as unset.
    ///
    /// # Errors
    ///
    /// A value that the router cannot honour.
    pub fn resolve(
        table: &config::Telemetry,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, Refused> {
        let source = Source { table, variable: &|name| variable(name).filter(|it| !it.trim().is_empty()) };
        if source.get("OTEL_SDK_DISABLED").is_some_and(|it| it.trim().eq_ignore_ascii_case("true")) {
            return Ok(Self::default());
        }
        let traces = source.target("TRACES", "BSP", table.traces)?;
        Ok(Self {
            traces: traces.map(|it| Ok((it, source.sampling()?))).transpose()?,
            metrics: source.target("METRICS", "", table.metrics)?,
            logs: source.target("LOGS", "BLRP", table.logs)?,
        })
    }

    /// Whether anything is exported.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.traces.is_some() || self.metrics.is_some() || self.logs.is_some()
    }
}

struct Source<'s> {
    table: &'s config::Telemetry,
    variable: &'s dyn Fn(&str) -> Option<String>,
}

impl Source<'_> {
    fn get(&self, name: &str) -> Option<String> {
        (self.variable)(name)
    }

    /// The signal's own variable, or the one for all signals.
    fn of_signal(&self, signal: &str, what: &str) -> Option<(String, String)> {
        let names = [format!("OTEL_EXPORTER_OTLP_{signal}_{what}"), format!("OTEL_EXPORTER_OTLP_{what}")];
        names.into_iter().find_map(|name| self.get(&name).map(|value| (name, value)))
    }

    fn target(
        &self,
        signal: &str,
        processor: &str,
        wish: Option<Exporter>,
    ) -> Result<Option<Target>, Refused> {
        let endpoint = self.endpoint(signal)?;
        let is_exported = match wish {
            Some(wish) => wish == Exporter::Otlp,
            None => self.exporter(signal)?.unwrap_or(endpoint.is_some()),
        };
        if !is_exported {
            return Ok(None);
        }
        if let Some((name, value)) = self.of_signal(signal, "PROTOCOL")
            && value != "http/protobuf"
        {
            let allowed = "ticket-router speaks `http/protobuf` only, which collectors take on port 4318";
            return Err(refused(&name, &value, allowed));
        }
        if let Some((name, value)) = self.of_signal(signal, "COMPRESSION")
            && value != "none"
        {
            return Err(refused(&name, &value, "ticket-router does not compress: leave it out, or `none`"));
        }
        let timeout = match self.of_signal(signal, "TIMEOUT") {
            None => DEFAULT_TIMEOUT,
            Some((name, value)) => match value.trim().parse() {
                Ok(milliseconds @ 1..) => Duration::from_millis(milliseconds),
                _ => return Err(refused(&name, &value, "it is a number of milliseconds, 1 or more")),
            },
        };
        let name = format!("OTEL_{processor}_MAX_QUEUE_SIZE");
        let queue = match self.get(&name) {
            None => DEFAULT_QUEUE,
            Some(value) => match value.trim().parse() {
                Ok(queue @ 1..) => queue,
                _ => return Err(refused(&name, &value, "it is a whole number, 1 or more")),
            },
        };
        Ok(Some(Target {
            url: endpoint.unwrap_or_else(|| joined(DEFAULT_ENDPOINT, signal)),
            timeout,
            certificate: self.of_signal(signal, "CERTIFICATE").map(|(_, value)| value.into()),
            queue,
        }))
    }

    /// The endpoint that is set: in the table, for the signal, or for all. Only one for all gets the signal's path.
    fn endpoint(&self, signal: &str) -> Result<Option<String>, Refused> {
        if let Some(value) = &self.table.endpoint {
            return url("telemetry.endpoint", value).map(|it| Some(joined(it, signal)));
        }
        let own = format!("OTEL_EXPORTER_OTLP_{signal}_ENDPOINT");
        if let Some(value) = self.get(&own) {
            return url(&own, &value).map(|it| Some(it.to_owned()));
        }
        let name = "OTEL_EXPORTER_OTLP_ENDPOINT";
        self.get(name).map(|value| url(name, &value).map(|it| joined(it, signal))).transpose()
    }

    /// Whether `OTEL_…_EXPORTER` asks for the signal; nothing where it is not set.
    fn exporter(&self, signal: &str) -> Result<Option<bool>, Refused> {
        let name = format!("OTEL_{signal}_EXPORTER");
        let Some(value) = self.get(&name) else { return Ok(None) };
        let words: Vec<_> = value.split(',').map(str::trim).collect();
        // The page for Prometheus is there without being asked for.
        let is_known =
            |word: &&str| matches!(*word, "otlp" | "none") || (*word, signal) == ("prometheus", "METRICS");
        if !words.iter().all(is_known) {
            return Err(refused(&name, &value, "ticket-router knows `otlp` and `none`"));
        }
        Ok(Some(words.contains(&"otlp")))
    }

    fn sampling(&self) -> Result<Sampling, Refused> {
        let sampler = match (self.table.sampler, self.get("OTEL_TRACES_SAMPLER")) {
            (Some(sampler), _) => sampler,
            (None, None) => Sampler::ParentBasedTraceIdRatio,
            (None, Some(value)) => named(value.trim()).ok_or_else(|| {
                let allowed = "ticket-router knows `always_on`, `always_off`, `traceidratio`, and the same after `parentbased_`";
                refused("OTEL_TRACES_SAMPLER", &value, allowed)
            })?,
        };
        Ok(match sampler {
            Sampler::AlwaysOn => Sampling::new(false, 1.0),
            Sampler::AlwaysOff => Sampling::new(false, 0.0),
            Sampler::TraceIdRatio => Sampling::new(false, self.ratio()?),
            Sampler::ParentBasedAlwaysOn => Sampling::new(true, 1.0),
            Sampler::ParentBasedAlwaysOff => Sampling::new(true, 0.0),
            Sampler::ParentBasedTraceIdRatio => Sampling::new(true, self.ratio()?),
        })
    }

    fn ratio(&self) -> Result<f64, Refused> {
        let name = "OTEL_TRACES_SAMPLER_ARG";
        match (self.table.sampler_ratio, self.get(name)) {
            (Some(ratio), _) => Ok(ratio),
            (None, None) => Ok(DEFAULT_RATIO),
            (None, Some(value)) => match value.trim().parse() {
                Ok(ratio @ 0.0..=1.0) => Ok(ratio),
                _ => Err(refused(name, &value, "it is a number from 0 to 1")),
            },
        }
    }
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

/// Checks an endpoint. What stands before an `@` is a password, so such a value is not shown.
fn url<'v>(name: &str, value: &'v str) -> Result<&'v str, Refused> {
    let value = value.trim();
    if value.contains('@') {
        return Err(refused(name, "***", "it must not hold a log-in: use `OTEL_EXPORTER_OTLP_HEADERS`"));
    }
    let rest = value.strip_prefix("http://").or_else(|| value.strip_prefix("https://"));
    match rest {
        Some(rest) if !rest.is_empty() => Ok(value),
        _ => Err(refused(name, value, "it is a URL such as `http://localhost:4318`")),
    }
}

fn refused(name: &str, value: &str, allowed: &str) -> Refused {
    Refused { name: name.to_owned(), value: value.escape_debug().to_string(), allowed: allowed.to_owned() }
}

#[cfg(test)]
#[path = "settings_tests.rs"]
mod tests;
