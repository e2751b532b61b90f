//! Tokens for OAUTHBEARER: read from a file, given to a client, and renewed before they end.
//!
//! rdkafka would answer librdkafka's request for a token itself, but without extensions, so we set tokens ourselves. A
//! client gets its first token when it is made ([`Watch::log_in`]), and a client that lives long gets new ones in time
//! ([`keep_logged_in`]).

use std::{
    sync::{
        Arc,
        mpsc::{self, RecvTimeoutError},
    },
    thread::{self, JoinHandle},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use base64::{
    Engine,
    alphabet::URL_SAFE,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use rdkafka::{
    ClientContext,
    client::Client,
    consumer::{BaseConsumer, Consumer as _, ConsumerContext},
    producer::{Producer as _, ProducerContext, ThreadedProducer},
};

use super::{clients::ClientRefused, context::Watch, ffi};
use crate::{
    config::{Mechanism, Security},
    repeats::Repeats,
};

/// The part of a token's life after which it is renewed, as Kafka's own clients do it.
const RENEW_AFTER: f64 = 0.8;
const SHORTEST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(86_400);
/// The file may be about to be replaced.
const RETRY_AFTER: Duration = Duration::from_secs(10);
/// Only librdkafka's debug log shows it.
const DEFAULT_PRINCIPAL: &str = "ticket-router";

static NOT_RENEWED: Repeats = Repeats::new();

/// A token, with what the brokers want beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// The token itself.
    pub value: String,
    /// Whose it is.
    pub principal: String,
    /// When it ends, in milliseconds since 1970.
    pub ends_ms: i64,
    /// SASL extensions, name and value.
    pub extensions: Vec<(String, String)>,
}

/// There is no token that could be used.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoToken {
    /// The file is not there.
    #[error("cannot read `kafka.security.token_file`: {0}")]
    File(String),
    /// No file is set.
    #[error("`kafka.security.token_file` is not set")]
    Unset,
    /// The file is empty.
    #[error("`kafka.security.token_file` names an empty file")]
    Empty,
    /// Nobody says how long the token lasts.
    #[error(
        "`kafka.security.token_file` does not hold a JWT with an `exp`; set `kafka.security.token_lifetime_ms` \
         to the time for which a token is good"
    )]
    NoEnd,
}

impl Token {
    /// Reads the token as the file has it now.
    ///
    /// # Errors
    ///
    /// There is none, or nothing says when it ends.
    pub fn read(security: &Security) -> Result<Self, NoToken> {
        let secret = security.read_token().map_err(|error| NoToken::File(error.source.to_string()))?;
        let secret = secret.ok_or(NoToken::Unset)?;
        let value = secret.reveal().trim();
        if value.is_empty() {
            return Err(NoToken::Empty);
        }
        let claims = claims(value).unwrap_or_default();
        let ends = claims.get("exp").and_then(serde_json::Value::as_f64);
        let ends_ms = match (ends, security.token_lifetime_ms) {
            (Some(seconds), _) => (seconds * 1000.0) as i64,
            (None, Some(lifetime)) => now_ms().saturating_add(i64::try_from(lifetime).unwrap_or(i64::MAX)),
            (None, None) => return Err(NoToken::NoEnd),
        };
        let principal = claims.get("sub").and_then(serde_json::Value::as_str).unwrap_or(DEFAULT_PRINCIPAL);
        Ok(Self {
            value: value.to_owned(),
            principal: principal.to_owned(),
            ends_ms,
            extensions: security.token_extensions.clone().into_iter().collect(),
        })
    }

    fn renew_in(&self) -> Duration {
        let left = u64::try_from(self.ends_ms.saturating_sub(now_ms())).unwrap_or(0);
        Duration::from_millis(left).mul_f64(RENEW_AFTER).clamp(SHORTEST_WAIT, LONGEST_WAIT)
    }
}

impl Watch {
    /// Gives a client its first token if it logs in with OAUTHBEARER. Without it the client would not be let
    /// in.
    ///
    /// # Errors
    ///
    /// There is no token, or librdkafka does not take it.
    pub fn log_in<C: ClientContext>(&self, client: &Client<C>) -> Result<(), ClientRefused> {
        if !self.has_tokens() {
            return Ok(());
        }
        renew(self, client).map(|_| ()).map_err(|detail| ClientRefused::Setting {
            client: "client that logs in with OAUTHBEARER",
            table: "`kafka.security.token_file`",
            detail,
        })
    }

    fn has_tokens(&self) -> bool {
        self.security().mechanism == Some(Mechanism::OauthBearer)
    }
}

/// A client that takes tokens.
pub trait LogIn: Send + Sync {
    /// Gives the client a token.
    ///
    /// # Errors
    ///
    /// What librdkafka does not like about it.
    fn set_token(&self, token: &Token) -> Result<(), String>;
}

impl<C: ClientContext> LogIn for Client<C> {
    fn set_token(&self, token: &Token) -> Result<(), String> {
        ffi::set_oauth_token(self, token)
    }
}

impl<C: ConsumerContext> LogIn for BaseConsumer<C> {
    fn set_token(&self, token: &Token) -> Result<(), String> {
        self.client().set_token(token)
    }
}

impl<C: ProducerContext + 'static> LogIn for ThreadedProducer<C> {
    fn set_token(&self, token: &Token) -> Result<(), String> {
        self.client().set_token(token)
    }
}

/// A client whose token is renewed until this is dropped. Then nothing holds on to the client any more.
#[derive(Debug)]
pub struct StaysLoggedIn(Option<(mpsc::Sender<()>, JoinHandle<()>)>);

/// Gives a client a token now, and a new one whenever that nears its end; nothing if it logs in otherwise.
pub fn keep_logged_in(watch: &Arc<Watch>, client: Arc<dyn LogIn>) -> StaysLoggedIn {
    if !watch.has_tokens() {
        return StaysLoggedIn(None);
    }
    let watch = Arc::clone(watch);
    let mut wait = renew_or_retry(&watch, &*client);
    let (dropped, waiting) = mpsc::channel::<()>();
    let thread = thread::spawn(move || {
        while waiting.recv_timeout(wait) == Err(RecvTimeoutError::Timeout) {
            wait = renew_or_retry(&watch, &*client);
        }
    });
    StaysLoggedIn(Some((dropped, thread)))
}

impl Drop for StaysLoggedIn {
    fn drop(&mut self) {
        if let Some((dropped, thread)) = self.0.take() {
            drop(dropped);
            // It does not panic, and there would be nothing to do if it did.
            let _ = thread.join();
        }
    }
}

fn renew_or_retry(watch: &Watch, client: &dyn LogIn) -> Duration {
    renew(watch, client).unwrap_or_else(|why| {
        if let Some(left_out) = NOT_RENEWED.admit() {
            tracing::warn!(
                code = "KAFKA_AUTHENTICATION",
                left_out,
                "no new token for the brokers, retrying: {why}"
            );
        }
        RETRY_AFTER
    })
}

/// Gives a client the token that is in the file now, and returns when to do it again.
fn renew(watch: &Watch, client: &dyn LogIn) -> Result<Duration, String> {
    let token = Token::read(watch.security()).map_err(|error| error.to_string())?;
    client.set_token(&token)?;
    Ok(token.renew_in())
}

fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// Reads the claims of a JWT (RFC 7519), whose parts are base64url (RFC 4648, section 5); some writers pad
/// them.
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
#[path = "token_tests.rs"]
mod tests;
