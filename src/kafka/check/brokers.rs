//! Do the brokers answer, and do they let the router in?

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use rdkafka::{consumer::Consumer as _, error::RDKafkaErrorCode};

use super::advertised::{Unreachable, unreachable};
use super::{Awaits, Consumer, Deadline, Finding, PATIENCE, Report, Severity, reader};
use crate::{
    config::Config,
    console::count,
    kafka::{
        clients::{ClientRefused, check_settings},
        context::Watch,
    },
};

/// The longest that one attempt takes, and the pause between attempts.
const MAX_ATTEMPT: Duration = Duration::from_millis(500);
/// How often the log says what the router waits for.
const TELL_EVERY: Duration = Duration::from_secs(60);
const ADVERTISED: &str = "correct `advertised.listeners` of that broker, or how this machine resolves the name and \
                          reaches the address";

/// Connects to the cluster, and retries until the deadline: brokers that are away may come back.
///
/// A refused log-in or an untrusted certificate does not get better by itself, so it ends the check at once.
/// Brokers that answer, and name addresses at which nobody answers, get [`PATIENCE`].
pub(super) fn connect(
    config: &Config,
    watch: &Arc<Watch>,
    deadline: Deadline,
    awaits: Awaits<'_>,
    report: &mut Report,
) -> Result<Option<Consumer>, ClientRefused> {
    check_settings(config)?;
    let consumer = reader(config, watch)?;
    if let Err(error) = watch.log_in(consumer.client()) {
        report.error(
            format!("cannot log in without a token: {error}"),
            "write a token that has not expired to `kafka.security.token_file`",
        );
        return Ok(None);
    }
    let servers = &config.kafka.bootstrap_servers;
    let mut lost = Vec::new();
    let mut lost_since = None;
    let mut told: Option<Instant> = None;
    loop {
        // Errors are events, and only a poll hands them out.
        while consumer.poll(Duration::ZERO).is_some() {}
        let answer = consumer.fetch_metadata(Some(&config.topics.incoming), MAX_ATTEMPT.min(deadline.step()));
        while consumer.poll(Duration::from_millis(20)).is_some() {}
        lost.clear();
        if let Ok(metadata) = answer {
            lost = unreachable(servers, &metadata, deadline);
            let brokers = metadata.brokers().len();
            if lost.is_empty() || lost.len() < brokers {
                report.info(format!("connected to `{servers}`, {}", count(brokers as u64, "broker")));
                for broker in lost {
                    report.warning(
                        format!("a broker cannot be reached at its own address {broker}"),
                        ADVERTISED,
                    );
                }
                return Ok(Some(consumer));
            }
        }
        let refused = [RDKafkaErrorCode::Authentication, RDKafkaErrorCode::SSL];
        let is_refused = refused.iter().any(|code| watch.last(*code).is_some());
        lost_since = if lost.is_empty() { None } else { lost_since.or_else(|| Some(Instant::now())) };
        let is_lost = lost_since.is_some_and(|since| since.elapsed() >= PATIENCE);
        let (severity, text, remedy) = if is_refused || lost.is_empty() {
            explain(config, watch)
        } else {
            (Severity::Error, unreachable_brokers(servers, &lost), ADVERTISED.to_owned())
        };
        if is_refused || is_lost || deadline.is_over() {
            report.findings.push(Finding { severity, text, remedy });
            return Ok(None);
        }
        if told.is_none_or(|at| at.elapsed() >= TELL_EVERY) {
            told = Some(Instant::now());
            tracing::warn!(code = "BROKERS_AWAITED", "waiting: {text}; {remedy}");
        }
        awaits(text);
        if !lost.is_empty() {
            drop(consumer.poll(MAX_ATTEMPT));
        }
    }
}

fn unreachable_brokers(servers: &str, lost: &[Unreachable]) -> String {
    let named: Vec<_> = lost.iter().map(ToString::to_string).collect();
    format!(
        "`{servers}` answers, but no broker can be reached from here at the address that it names for \
         itself: {}",
        named.join(", ")
    )
}

/// Turns librdkafka's last errors into one line and its remedy, the most telling one first.
fn explain(config: &Config, watch: &Watch) -> (Severity, String, String) {
    let last = |code| watch.last(code).map(|reason| shortened(&reason));
    let servers = &config.kafka.bootstrap_servers;
    if let Some(reason) = last(RDKafkaErrorCode::Authentication) {
        let remedy = "correct `kafka.security.username`, its password, `token_file` or `mechanism`, or have the user created";
        return (Severity::Error, format!("the brokers refused the log-in: {reason}"), remedy.to_owned());
    }
    if let Some(reason) = last(RDKafkaErrorCode::SSL) {
        return (Severity::Error, format!("no TLS connection: {reason}"), tls_remedy(&reason).to_owned());
    }
    if let Some(reason) = last(RDKafkaErrorCode::Resolve) {
        let remedy =
            "correct the host names in `kafka.bootstrap_servers`, or the name server of this machine";
        return (Severity::Outage, format!("`{servers}` is not known: {reason}"), remedy.to_owned());
    }
    let closed = ["bootstrap: Disconnected", "Broken pipe", "Connection reset"];
    match last(RDKafkaErrorCode::BrokerTransportFailure).or_else(|| last(RDKafkaErrorCode::OperationTimedOut))
    {
        Some(reason) if closed.iter().any(|word| reason.contains(word)) => (
            Severity::Error,
            format!("`{servers}` closes the connection: {reason}"),
            "if the listener uses TLS or requires a log-in, set `kafka.security.protocol` accordingly"
                .to_owned(),
        ),
        Some(reason) if reason.contains("SSL handshake") => {
            (Severity::Error, format!("no TLS connection: {reason}"), tls_remedy(&reason).to_owned())
        }
        Some(reason) => (
            Severity::Outage,
            format!("no broker of `{servers}` can be reached: {reason}"),
            "start the broker, correct `kafka.bootstrap_servers`, or open the network to it".to_owned(),
        ),
        None => (
            Severity::Outage,
            format!("no broker of `{servers}` answers"),
            "check the brokers and the network between, or raise `startup.deadline_ms`".to_owned(),
        ),
    }
}

fn tls_remedy(reason: &str) -> &'static str {
    if reason.contains("PLAINTEXT broker listener") || reason.contains("wrong version number") {
        "the listener does not use TLS: set `kafka.security.protocol` to PLAINTEXT or SASL_PLAINTEXT, or use its TLS port"
    } else if reason.contains("certificate verify failed")
        || reason.contains("certificate could not be verified")
    {
        "set `kafka.security.ca_file` to the certificate authority that signed the brokers' certificates"
    } else if reason.contains("certificate required") || reason.contains("bad certificate") {
        "the brokers require a client certificate that they trust: set `kafka.security.cert_file` and `kafka.security.key_file`"
    } else {
        "check `kafka.security`, and the certificates of the brokers"
    }
}

/// Leaves out what librdkafka adds for itself: ` (after 3ms in state CONNECT)`, and the parts after it.
fn shortened(reason: &str) -> String {
    reason.split(" (after ").next().unwrap_or(reason).trim().to_owned()
}
