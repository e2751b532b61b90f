//! Callbacks that all clients share: log lines and connection errors.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::ConsumerContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::DeliveryResult;
use rdkafka::producer::{NoCustomPartitioner, ProducerContext};

use crate::config::Security;
use crate::repeats::Repeats;

/// The callbacks of all clients of one config. Forwards log lines at a limited rate, and keeps the last error of each
/// kind, so that a check can report why a broker is silent.
#[derive(Debug)]
pub struct Watch {
    security: Security,
    errors: Mutex<HashMap<i32, String>>,
    counts: [AtomicU64; ErrorKind::ALL.len()],
    repeats: Mutex<HashMap<String, Repeats>>,
}

/// A kind of error that a client reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// A connection failed.
    Transport,
    /// No broker can be reached.
    AllBrokersDown,
    /// A log-in failed, or a certificate.
    Authentication,
    /// A right is missing.
    Authorization,
    /// Any other.
    Other,
}

impl ErrorKind {
    /// All kinds, in the order of their numbers.
    pub const ALL: [Self; 5] =
        [Self::Transport, Self::AllBrokersDown, Self::Authentication, Self::Authorization, Self::Other];

    /// The word in labels.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Transport => "transport",
            Self::AllBrokersDown => "all_brokers_down",
            Self::Authentication => "authentication",
            Self::Authorization => "authorization",
            Self::Other => "other",
        }
    }

    /// The reason code in log lines.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Transport => "KAFKA_TRANSPORT",
            Self::AllBrokersDown => "KAFKA_ALL_BROKERS_DOWN",
            Self::Authentication => "KAFKA_AUTHENTICATION",
            Self::Authorization => "KAFKA_AUTHORIZATION",
            Self::Other => "KAFKA_ERROR",
        }
    }
}

impl Watch {
    /// Makes the callbacks for clients that log in as `security` says.
    pub fn new(security: &Security) -> Arc<Self> {
        Arc::new(Self {
            security: security.clone(),
            errors: Mutex::default(),
            counts: Default::default(),
            repeats: Mutex::default(),
        })
    }

    /// Counts the errors of a kind that clients have reported so far.
    pub fn errors(&self, kind: ErrorKind) -> u64 {
        self.counts[kind as usize].load(Ordering::Relaxed)
    }

    /// Returns the last error of this kind, in librdkafka's words.
    pub fn last(&self, code: RDKafkaErrorCode) -> Option<String> {
        self.errors.lock().unwrap_or_else(PoisonError::into_inner).get(&(code as i32)).cloned()
    }

    /// Forwards a line of librdkafka's log ([`ClientContext::log`]).
    pub fn log(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        // A listener with another protocol just closes the connection; only a log line reports that.
        if facility == "FAIL" && line.contains("Disconnected") {
            let text = line.rsplit("]: ").next().unwrap_or(line).to_owned();
            let mut errors = self.errors.lock().unwrap_or_else(PoisonError::into_inner);
            errors.entry(RDKafkaErrorCode::BrokerTransportFailure as i32).or_insert(text);
        }
        let Some(left_out) = self.admit(facility) else { return };
        match level {
            RDKafkaLogLevel::Emerg | RDKafkaLogLevel::Alert | RDKafkaLogLevel::Critical => {
                tracing::error!(target: "librdkafka", code = "KAFKA_CLIENT", facility, left_out, "{line}");
            }
            // librdkafka retries what it calls an error, so nothing is lost and nobody has to act yet.
            RDKafkaLogLevel::Error | RDKafkaLogLevel::Warning => {
                tracing::warn!(target: "librdkafka", code = "KAFKA_CLIENT", facility, left_out, "{line}");
            }
            RDKafkaLogLevel::Notice | RDKafkaLogLevel::Info => {
                tracing::info!(target: "librdkafka", facility, left_out, "{line}");
            }
            RDKafkaLogLevel::Debug => tracing::debug!(target: "librdkafka", facility, left_out, "{line}"),
        }
    }

    /// Keeps an error of the client as a whole ([`ClientContext::error`]), and logs it at a limited rate.
    pub fn error(&self, error: &KafkaError, reason: &str) {
        // The end of a partition also arrives here, and is not an error.
        if error.rdkafka_error_code() == Some(RDKafkaErrorCode::PartitionEOF) {
            return;
        }
        if let Some(code) = error.rdkafka_error_code() {
            let mut errors = self.errors.lock().unwrap_or_else(PoisonError::into_inner);
            errors.insert(code as i32, reason.to_owned());
        }
        let kind = super::error::kind(error.rdkafka_error_code());
        self.counts[kind as usize].fetch_add(1, Ordering::Relaxed);
        if let Some(left_out) = self.admit(kind.code()) {
            tracing::warn!(target: "librdkafka", code = kind.code(), left_out, "{reason}");
        }
    }

    /// How these clients log in.
    pub fn security(&self) -> &Security {
        &self.security
    }

    /// Whether a line of this kind may be logged now, and how many were left out before it.
    fn admit(&self, kind: &str) -> Option<u64> {
        let mut repeats = self.repeats.lock().unwrap_or_else(PoisonError::into_inner);
        match repeats.get(kind) {
            Some(repeats) => repeats.admit(),
            None => repeats.entry(kind.to_owned()).or_default().admit(),
        }
    }
}

/// The context of a client that needs nothing but a [`Watch`].
#[derive(Clone, Debug)]
pub struct Context(pub Arc<Watch>);

impl ClientContext for Context {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        self.0.log(level, facility, line);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.0.error(&error, reason);
    }
}

impl ConsumerContext for Context {}

impl ProducerContext<NoCustomPartitioner> for Context {
    type DeliveryOpaque = ();

    fn delivery(&self, _: &DeliveryResult<'_>, (): Self::DeliveryOpaque) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_lines_is_cut_for_each_kind_by_itself() {
        let watch = Watch::new(&Security::default());
        assert!((0..100).filter(|_| watch.admit("FAIL").is_some()).count() < 10);
        assert_eq!(watch.admit("OTHER"), Some(0));
    }

    #[test]
    fn errors_are_counted_by_kind_and_the_end_of_a_partition_is_none() {
        let watch = Watch::new(&Security::default());
        for code in [
            RDKafkaErrorCode::BrokerTransportFailure,
            RDKafkaErrorCode::AllBrokersDown,
            RDKafkaErrorCode::TopicAuthorizationFailed,
            RDKafkaErrorCode::PartitionEOF,
        ] {
            watch.error(&KafkaError::Global(code), "why");
        }
        assert_eq!(ErrorKind::ALL.map(|kind| watch.errors(kind)), [1, 1, 0, 1, 0]);
    }
}
