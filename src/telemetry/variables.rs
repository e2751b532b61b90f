//! The standard variables, `OTEL_…`. They are often set for every program of a cluster, so none of them stops
//! the router: a value that it cannot honour is ignored with one warning, as OpenTelemetry's specification
//! asks.

use std::{cell::RefCell, fmt, ops::RangeInclusive};

use ureq::http::{HeaderName, HeaderValue, Uri};

/// A variable that the router cannot honour.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ignored {
    /// Its name.
    pub name: String,
    value: String,
    allowed: String,
    instead: String,
}

impl fmt::Display for Ignored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, value, allowed, instead } = self;
        write!(f, "`{name}` is `{value}`, but {allowed}; the value is ignored, {instead}")
    }
}

/// Variables that ask for something that the router never does, and what it does instead.
const UNSUPPORTED: [(&str, &str); 5] = [
    ("OTEL_BSP_EXPORT_TIMEOUT", "`OTEL_EXPORTER_OTLP_TIMEOUT` limits a request"),
    ("OTEL_BLRP_EXPORT_TIMEOUT", "`OTEL_EXPORTER_OTLP_TIMEOUT` limits a request"),
    ("OTEL_METRIC_EXPORT_TIMEOUT", "`OTEL_EXPORTER_OTLP_TIMEOUT` limits a request"),
    ("OTEL_CONFIG_FILE", "the other variables and the table `[telemetry]` count"),
    ("OTEL_EXPERIMENTAL_CONFIG_FILE", "the other variables and the table `[telemetry]` count"),
];

/// Reads variables, and keeps in mind which it had to ignore.
pub struct Variables<'v> {
    variable: &'v dyn Fn(&str) -> Option<String>,
    ignored: RefCell<Vec<Ignored>>,
}

impl<'v> Variables<'v> {
    /// The variables that `variable` gives.
    pub fn new(variable: &'v dyn Fn(&str) -> Option<String>) -> Self {
        Self { variable, ignored: RefCell::default() }
    }

    /// One variable; an empty one counts as unset.
    pub fn get(&self, name: &str) -> Option<String> {
        (self.variable)(name).filter(|value| !value.trim().is_empty())
    }

    /// The first of the variables that is set and that `read` understands. The others are ignored; without
    /// any, the caller does what `otherwise` says.
    pub fn first<T>(
        &self,
        names: &[String],
        allowed: &str,
        otherwise: &str,
        read: impl Fn(&str) -> Option<T>,
    ) -> Option<T> {
        for (n, name) in names.iter().enumerate() {
            let Some(value) = self.get(name) else { continue };
            let found = read(value.trim());
            if found.is_some() {
                return found;
            }
            match names[n + 1..].iter().find(|later| self.get(later).is_some()) {
                Some(later) => self.ignore(name, &value, allowed, &format!("`{later}` counts")),
                None => self.ignore(name, &value, allowed, otherwise),
            }
        }
        None
    }

    /// A whole number out of a range.
    pub fn number(&self, names: &[String], unit: &str, range: RangeInclusive<u64>, default: u64) -> u64 {
        let allowed = format!("it must be {unit}, {} to {}", range.start(), range.end());
        let read = |value: &str| value.parse().ok().filter(|number| range.contains(number));
        self.first(names, &allowed, &format!("{default} is used"), read).unwrap_or(default)
    }

    /// Adds a warning about a variable, unless there is one already.
    pub fn ignore(&self, name: &str, value: &str, allowed: &str, instead: &str) {
        let mut ignored = self.ignored.borrow_mut();
        if ignored.iter().all(|known| known.name != name) {
            ignored.push(Ignored {
                name: name.to_owned(),
                value: value.trim().escape_debug().to_string(),
                allowed: allowed.to_owned(),
                instead: instead.to_owned(),
            });
        }
    }

    /// Looks for variables that nothing here reads, but that somebody may have set in the belief that they
    /// count.
    pub fn check_others(&self) {
        for (name, instead) in UNSUPPORTED {
            if let Some(value) = self.get(name) {
                self.ignore(name, &value, "ticket-router does not support the variable", instead);
            }
        }
        for signal in ["", "TRACES_", "METRICS_", "LOGS_"] {
            for what in ["CLIENT_CERTIFICATE", "CLIENT_KEY"] {
                let name = format!("OTEL_EXPORTER_OTLP_{signal}{what}");
                if let Some(value) = self.get(&name) {
                    let allowed = "ticket-router shows no client certificate to a collector";
                    self.ignore(&name, &value, allowed, "requests are sent without it");
                }
            }
            self.check_headers(&format!("OTEL_EXPORTER_OTLP_{signal}HEADERS"));
        }
        self.check_propagators();
        self.check_attributes();
        self.check_word(
            "TEMPORALITY_PREFERENCE",
            &["cumulative", "delta", "lowmemory"],
            "`cumulative` is used",
        );
        let buckets = "explicit_bucket_histogram";
        self.check_word("DEFAULT_HISTOGRAM_AGGREGATION", &[buckets], "explicit buckets are used");
    }

    // The exporter reads the variable by itself, and skips what it does not understand.
    fn check_headers(&self, name: &str) {
        let Some(value) = self.get(name) else { return };
        let is_pair = |pair: &str| {
            pair.split_once('=').is_some_and(|(name, value)| {
                let value = value.trim();
                name.trim().parse::<HeaderName>().is_ok()
                    && !value.is_empty()
                    && value.parse::<HeaderValue>().is_ok()
            })
        };
        if !items(&value).all(is_pair) {
            // The values are tokens and passwords.
            self.ignore(
                name,
                "***",
                "it must be `name=value` pairs with commas between",
                "except for the good pairs",
            );
        }
    }

    fn check_propagators(&self) {
        let name = "OTEL_PROPAGATORS";
        let Some(value) = self.get(name) else { return };
        let words: Vec<_> = items(&value).map(str::to_ascii_lowercase).collect();
        let is_known = |word: &String| matches!(word.as_str(), "tracecontext" | "baggage");
        if !words.iter().all(is_known) || !words.iter().any(|word| word == "tracecontext") {
            let instead = "`tracecontext` is used, and all other headers travel on unchanged";
            self.ignore(name, &value, "ticket-router knows `tracecontext` and `baggage`", instead);
        }
    }

    fn check_attributes(&self) {
        let name = "OTEL_RESOURCE_ATTRIBUTES";
        let Some(value) = self.get(name) else { return };
        let is_pair = |pair: &str| pair.split_once('=').is_some_and(|(key, _)| !key.trim().is_empty());
        if !items(&value).all(is_pair) {
            let allowed = "it must be `key=value` pairs with commas between";
            self.ignore(name, &value, allowed, "except for the good pairs");
        }
    }

    // The exporter reads the first of these by itself, and skips what it does not understand.
    fn check_word(&self, what: &str, known: &[&str], otherwise: &str) {
        let names = [format!("OTEL_EXPORTER_OTLP_METRICS_{what}")];
        let allowed = format!("ticket-router knows `{}`", known.join("`, `"));
        self.first(&names, &allowed, otherwise, |value| {
            known.iter().any(|word| value.eq_ignore_ascii_case(word)).then_some(())
        });
    }

    /// What had to be ignored.
    pub fn into_ignored(self) -> Vec<Ignored> {
        self.ignored.into_inner()
    }
}

/// The items of a list.
pub fn items(list: &str) -> impl Iterator<Item = &str> {
    list.split(',').map(str::trim).filter(|item| !item.is_empty())
}

/// Returns whether a collector can have this address.
pub fn is_url(value: &str) -> bool {
    let Ok(uri) = value.parse::<Uri>() else { return false };
    matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some_and(|host| !host.is_empty())
}
