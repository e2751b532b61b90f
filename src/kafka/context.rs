<<<<<<< HEAD
//! What librdkafka tells a worker between calls.

use std::{
    collections::VecDeque,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use rdkafka::{
    TopicPartitionList,
    client::ClientContext,
    consumer::{BaseConsumer, Consumer, ConsumerContext},
    error::{KafkaError, RDKafkaErrorCode},
    message::{DeliveryResult, Message},
    producer::{NoCustomPartitioner, ProducerContext},
    types::RDKafkaRespErr,
};

use super::machine::{Partition, SendFault};

/// A change of the assignment that the worker has not answered yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rebalance {
    /// The group gives these partitions.
    Given(Vec<Partition>),
    /// The group takes all partitions back.
    Taken {
        /// Others may own them already.
        lost: bool,
    },
}

/// The context of the input consumer: it puts rebalances aside for the worker, which answers them between two polls.
///
/// librdkafka waits for the answer, and polling goes on meanwhile on the same thread; so a transaction can be ended before its partitions are given up, and no
/// state is shared with a callback.
#[derive(Debug, Default)]
pub struct InputContext {
    rebalances: Mutex<VecDeque<Rebalance>>,
    is_closing: AtomicBool,
}

impl InputContext {
    /// Takes the oldest rebalance that waits for an answer.
    pub fn take_rebalance(&self) -> Option<Rebalance> {
        lock(&self.rebalances).pop_front()
    }

    /// From now on partitions are given up at once: the consumer is about to be dropped and nothing is in flight.
    pub fn close(&self) {
        self.is_closing.store(true, Ordering::Relaxed);
    }
}

impl ClientContext for InputContext {}

impl ConsumerContext for InputContext {
    fn rebalance(&self, consumer: &BaseConsumer<Self>, kind: RDKafkaRespErr, partitions: &mut TopicPartitionList) {
        if self.is_closing.load(Ordering::Relaxed) {
            if let Err(error) = consumer.unassign() {
                tracing::warn!(%error, "could not give the partitions up while leaving the group");
            }
            return;
        }
        let rebalance = if kind == RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS {
            Rebalance::Given(partitions.elements().iter().map(|it| it.partition()).collect())
        } else {
            Rebalance::Taken { lost: consumer.assignment_lost() }
        };
        lock(&self.rebalances).push_back(rebalance);
    }
}

/// The first record of a transaction that was not delivered.
#[derive(Clone, Debug)]
pub struct Undelivered {
    /// Whether the record is to blame.
    pub fault: SendFault,
    /// Topic and error, for a dead letter and for the log.
    pub text: String,
}

/// The context of the transactional producer: it remembers failed deliveries.
#[derive(Debug, Default)]
pub struct OutputContext {
    has_failed: AtomicBool,
    first: Mutex<Option<Undelivered>>,
}

impl OutputContext {
    /// Takes the first failure since the last call.
    pub fn take_failure(&self) -> Option<Undelivered> {
        if !self.has_failed.swap(false, Ordering::AcqRel) {
            return None;
        }
        lock(&self.first).take()
    }
}

impl ClientContext for OutputContext {}

impl ProducerContext<NoCustomPartitioner> for OutputContext {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): Self::DeliveryOpaque) {
        let Err((error, record)) = result else { return };
        let code = error.rdkafka_error_code().unwrap_or(RDKafkaErrorCode::Unknown);
        // An abort purges what is queued: that is no failure of its own.
        if matches!(code, RDKafkaErrorCode::PurgeQueue | RDKafkaErrorCode::PurgeInflight) {
            return;
        }
        let mut first = lock(&self.first);
        let is_worse = first.as_ref().is_none_or(|it| it.fault == SendFault::Undelivered);
        let fault = send_fault(code);
        if is_worse && (first.is_none() || fault == SendFault::Refused) {
            *first = Some(Undelivered { fault, text: format!("topic `{}`: {}", record.topic(), describe(error)) });
        }
        drop(first);
        self.has_failed.store(true, Ordering::Release);
    }
}

fn describe(error: &KafkaError) -> String {
    error.rdkafka_error_code().map_or_else(|| error.to_string(), |code| code.to_string())
}

/// Sorts delivery errors: those that the same record will meet again, and those of the moment.
#[must_use]
pub fn send_fault(code: RDKafkaErrorCode) -> SendFault {
    match code {
        RDKafkaErrorCode::MessageSizeTooLarge
        | RDKafkaErrorCode::InvalidMessage
        | RDKafkaErrorCode::InvalidMessageSize
        | RDKafkaErrorCode::MessageBatchTooLarge
        | RDKafkaErrorCode::InvalidTimestamp
        | RDKafkaErrorCode::InvalidRecord
        | RDKafkaErrorCode::PolicyViolation
        | RDKafkaErrorCode::UnknownTopic
        | RDKafkaErrorCode::UnknownTopicOrPartition
        | RDKafkaErrorCode::UnknownPartition
        | RDKafkaErrorCode::InvalidTopic
        | RDKafkaErrorCode::TopicAuthorizationFailed => SendFault::Refused,
        _ => SendFault::Undelivered,
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is behind these locks is replaced whole, so a panic elsewhere leaves it usable.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
=======
//! What every client reports on the side: log lines, errors of connections, and its wish for a token.

use std::collections::HashMap;
use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::ClientContext;
use rdkafka::client::OAuthToken;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::ConsumerContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::DeliveryResult;
use rdkafka::producer::{NoCustomPartitioner, ProducerContext};

use crate::config::Security;

// A cluster that is down makes every client say so several times a second.
const LINES_PER_WINDOW: u32 = 5;
const WINDOW: Duration = Duration::from_secs(10);

/// The side channel of all clients of one config: hands log lines on at a limited rate, and keeps the last error
/// of each kind, so that a check can tell the cause of a silence.
#[derive(Debug)]
pub struct Watch {
    security: Security,
    errors: Mutex<HashMap<i32, String>>,
    rates: Mutex<HashMap<String, Rate>>,
}

#[derive(Debug)]
struct Rate {
    since: Instant,
    lines: u32,
    left_out: u32,
}

impl Watch {
    /// Makes the side channel for clients that log in as `security` says.
    pub fn new(security: &Security) -> Arc<Self> {
        Arc::new(Self { security: security.clone(), errors: Mutex::default(), rates: Mutex::default() })
    }

    /// Returns the last error of this kind, as librdkafka tells it.
    pub fn last(&self, code: RDKafkaErrorCode) -> Option<String> {
        self.errors.lock().unwrap_or_else(PoisonError::into_inner).get(&(code as i32)).cloned()
    }

    /// Hands on a line of librdkafka's log ([`ClientContext::log`]).
    pub fn log(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        // A listener that speaks another protocol just closes the connection, and that comes as a line only.
        if facility == "FAIL" && line.contains("Disconnected") {
            let text = line.rsplit("]: ").next().unwrap_or(line).to_owned();
            let mut errors = self.errors.lock().unwrap_or_else(PoisonError::into_inner);
            errors.entry(RDKafkaErrorCode::BrokerTransportFailure as i32).or_insert(text);
        }
        let Some(left_out) = self.admit(facility) else { return };
        match level {
            RDKafkaLogLevel::Emerg | RDKafkaLogLevel::Alert | RDKafkaLogLevel::Critical => {
                tracing::error!(target: "librdkafka", facility, left_out, "{line}");
            }
            // What librdkafka calls an error it also retries, so nothing is lost and nobody has to act yet.
            RDKafkaLogLevel::Error | RDKafkaLogLevel::Warning => {
                tracing::warn!(target: "librdkafka", facility, left_out, "{line}");
            }
            RDKafkaLogLevel::Notice | RDKafkaLogLevel::Info => {
                tracing::info!(target: "librdkafka", facility, left_out, "{line}");
            }
            RDKafkaLogLevel::Debug => tracing::debug!(target: "librdkafka", facility, left_out, "{line}"),
        }
    }

    /// Keeps an error of the client as a whole ([`ClientContext::error`]), and logs it at a limited rate.
    pub fn error(&self, error: &KafkaError, reason: &str) {
        if let Some(code) = error.rdkafka_error_code() {
            let mut errors = self.errors.lock().unwrap_or_else(PoisonError::into_inner);
            errors.insert(code as i32, reason.to_owned());
        }
        if let Some(left_out) = self.admit("error") {
            tracing::warn!(target: "librdkafka", left_out, "{reason}");
        }
    }

    /// Reads the token for OAUTHBEARER from its file ([`ClientContext::generate_oauth_token`]).
    ///
    /// # Errors
    /// Where there is no such file, or what it holds is not a JWT that says when it ends.
    pub fn token(&self) -> Result<OAuthToken, Box<dyn Error>> {
        let secret = self.security.read_token()?.ok_or("`kafka.security.token_file` is not set")?;
        let token = secret.reveal().trim();
        let claims = claims(token).ok_or("`kafka.security.token_file` does not hold a JWT")?;
        let ends = claims.get("exp").and_then(serde_json::Value::as_f64);
        let ends = ends.ok_or("the token in `kafka.security.token_file` has no `exp`")?;
        let name = claims.get("sub").and_then(serde_json::Value::as_str).unwrap_or("ticket-router");
        Ok(OAuthToken {
            token: token.to_owned(),
            principal_name: name.to_owned(),
            lifetime_ms: (ends * 1000.0) as i64,
        })
    }

    /// Says whether a line of this kind may be logged now, and if so, how many were left out before it.
    fn admit(&self, kind: &str) -> Option<u32> {
        let now = Instant::now();
        let mut rates = self.rates.lock().unwrap_or_else(PoisonError::into_inner);
        let rate = rates.entry(kind.to_owned()).or_insert(Rate { since: now, lines: 0, left_out: 0 });
        if now.duration_since(rate.since) >= WINDOW {
            rate.since = now;
            rate.lines = 0;
        }
        if rate.lines == LINES_PER_WINDOW {
            rate.left_out += 1;
            return None;
        }
        rate.lines += 1;
        Some(std::mem::take(&mut rate.left_out))
    }
}

/// The context of a client that needs nothing but a [`Watch`].
#[derive(Clone, Debug)]
pub struct Context(pub Arc<Watch>);

impl ClientContext for Context {
    const ENABLE_REFRESH_OAUTH_TOKEN: bool = true;

    fn log(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        self.0.log(level, facility, line);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.0.error(&error, reason);
    }

    fn generate_oauth_token(&self, _: Option<&str>) -> Result<OAuthToken, Box<dyn Error>> {
        self.0.token()
    }
}

impl ConsumerContext for Context {}

impl ProducerContext<NoCustomPartitioner> for Context {
    type DeliveryOpaque = ();

    fn delivery(&self, _: &DeliveryResult<'_>, (): Self::DeliveryOpaque) {}
}

fn claims(token: &str) -> Option<serde_json::Value> {
    let payload = token.split('.').nth(1)?;
    serde_json::from_slice(&from_base64_url(payload)?).ok()
}

/// Decodes base64url without padding (RFC 4648, section 5).
fn from_base64_url(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() * 3 / 4);
    let (mut held, mut bits) = (0_u32, 0);
    for letter in text.trim_end_matches('=').bytes() {
        let six = match letter {
            b'A'..=b'Z' => letter - b'A',
            b'a'..=b'z' => letter - b'a' + 26,
            b'0'..=b'9' => letter - b'0' + 52,
            b'-' => 62,
            b'_' => 63,
            _ => return None,
        };
        held = (held << 6) | u32::from(six);
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push((held >> bits) as u8);
            held &= (1 << bits) - 1;
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_file_gives_the_token_its_subject_and_its_end() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("token");
        // {"alg":"none"} . {"sub":"router","exp":1700000000}
        let jwt = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJyb3V0ZXIiLCJleHAiOjE3MDAwMDAwMDB9.c2ln";
        std::fs::write(&file, format!("{jwt}\n")).unwrap();
        let security = Security { token_file: Some(file.clone()), ..Security::default() };
        let token = Watch::new(&security).token().unwrap();
        assert_eq!((token.token.as_str(), token.principal_name.as_str()), (jwt, "router"));
        assert_eq!(token.lifetime_ms, 1_700_000_000_000);
        std::fs::write(&file, "canary").unwrap();
        let error = Watch::new(&security).token().err().unwrap().to_string();
        assert!(error.contains("JWT") && !error.contains("canary"), "{error}");
    }

    #[test]
    fn a_flood_of_lines_is_cut() {
        let watch = Watch::new(&Security::default());
        let admitted = (0..100).filter(|_| watch.admit("FAIL").is_some()).count();
        assert_eq!(admitted, LINES_PER_WINDOW as usize);
        assert_eq!(watch.admit("OTHER"), Some(0));
    }
}
>>>>>>> 7d28dbf (config, topics: check the cluster before the first ticket, create what is missing)
