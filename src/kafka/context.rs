//! What every client reports on the side: log lines, errors of connections, and its wish for a token.

use std::collections::HashMap;
use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use base64::{
    Engine,
    alphabet::URL_SAFE,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use rdkafka::ClientContext;
use rdkafka::client::{Client, OAuthToken};
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::ConsumerContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::DeliveryResult;
use rdkafka::producer::{NoCustomPartitioner, ProducerContext};

use super::{clients::ClientRefused, ffi};
use crate::config::{Mechanism, Security};

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
        // The end of a partition comes this way too, and is none.
        if error.rdkafka_error_code() == Some(RDKafkaErrorCode::PartitionEOF) {
            return;
        }
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

    /// Gives a client its token where it logs in with OAUTHBEARER. A client asks for its first one only when it is polled, so one that makes requests
    /// before, or is never polled, would not be let in.
    ///
    /// # Errors
    /// There is no token, or librdkafka does not take it.
    pub fn log_in<C: ClientContext>(&self, client: &Client<C>) -> Result<(), ClientRefused> {
        if self.security.mechanism != Some(Mechanism::OauthBearer) {
            return Ok(());
        }
        let refused = |detail| ClientRefused::Setting {
            client: "client that logs in with OAUTHBEARER",
            table: "`kafka.security.token_file`",
            detail,
        };
        let token = self.token().map_err(|error| refused(error.to_string()))?;
        ffi::set_oauth_token(client, &token).map_err(refused)
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

/// Reads the claims of a JWT (RFC 7519), whose parts are base64url (RFC 4648, section 5); some writers pad them.
fn claims(token: &str) -> Option<serde_json::Value> {
    const LENIENT: GeneralPurpose = GeneralPurpose::new(
        &URL_SAFE,
        GeneralPurposeConfig::new()
            .with_decode_padding_mode(DecodePaddingMode::Indifferent)
            .with_decode_allow_trailing_bits(true),
    );
    let payload = LENIENT.decode(token.split('.').nth(1)?).ok()?;
    serde_json::from_slice(&payload).ok()
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
