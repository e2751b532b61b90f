//! Rules between settings. Each names all keys that it concerns.

use std::collections::BTreeMap;

use tracing_subscriber::EnvFilter;

use super::problem::Problem;
use super::{CatalogFrom, Client, Config, Mechanism, Security, refusal};

/// Room that a routed ticket needs beyond the ticket itself, at least: three catalog records, the decision and
/// the headers of a small catalog.
const LEAST_ROOM_BYTES: usize = 16_384;
const LEAST_MARGIN_MS: u64 = 1000;

pub(super) fn check(config: &Config) -> Vec<Problem> {
    let mut found = Found(Vec::new());
    topics(config, &mut found);
    times(config, &mut found);
    limits(config, &mut found);
    security(&config.kafka.security, &mut found);
    passthrough(config, &mut found);
    if let Err(error) = EnvFilter::try_new(&config.log.level) {
        found.add("log.level", format!("is not a level or a filter: {error}"));
    }
    if config.telemetry.endpoint.as_ref().is_some_and(|it| it.contains('@')) {
        found
            .add("telemetry.endpoint", "must not hold a log-in: use `OTEL_EXPORTER_OTLP_HEADERS`".to_owned());
    }
    found.0
}

struct Found(Vec<Problem>);

impl Found {
    fn add(&mut self, key: &str, text: String) {
        self.0.push(Problem { key: key.to_owned(), origin: String::new(), text });
    }

    fn unless(&mut self, holds: bool, key: &str, text: impl FnOnce() -> String) {
        if !holds {
            self.add(key, text());
        }
    }
}

fn topics(config: &Config, found: &mut Found) {
    let mut seen = BTreeMap::new();
    let mut all = vec![("topics.incoming", config.topics.incoming.as_str())];
    all.extend(config.topics.outputs());
    all.extend(config.catalog.compacted());
    for (key, name) in all {
        let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        found.unless(name.chars().all(legal) && name != "." && name != "..", key, || {
            format!(
                "is `{}`; a topic's name is made of letters, digits, `.`, `_` and `-`",
                name.escape_debug()
            )
        });
        if let Some(other) = seen.insert(name, key) {
            found.add(key, format!("and `{other}` both name the topic `{name}`; each needs its own"));
        }
    }
    match (config.catalog.from, &config.catalog.folder) {
        (CatalogFrom::Folder, None) => {
            found.add("catalog.from", "is `folder`, so `catalog.folder` must name one".to_owned());
        }
        (CatalogFrom::Topics, Some(_)) => {
            found.add(
                "catalog.folder",
                "is set, but `catalog.from` is `topics`; set `catalog.from` to `folder`".to_owned(),
            );
        }
        _ => {}
    }
}

fn times(config: &Config, found: &mut Found) {
    let (kafka, transaction) = (&config.kafka, &config.worker.transaction);
    let (session, heartbeat) = (kafka.session_timeout_ms, kafka.heartbeat_interval_ms);
    found.unless(heartbeat * 3 <= session, "kafka.heartbeat_interval_ms", || {
        format!("is {heartbeat}; at most a third of `kafka.session_timeout_ms` ({session}), or one lost heartbeat costs the partitions")
    });
    let poll = kafka.max_poll_interval_ms;
    found.unless(poll >= session, "kafka.max_poll_interval_ms", || {
        format!("is {poll}; at least `kafka.session_timeout_ms` ({session})")
    });
    let (age, timeout) = (transaction.max_age_ms, transaction.timeout_ms);
    found.unless(timeout >= age + LEAST_MARGIN_MS, "worker.transaction.timeout_ms", || {
        format!("is {timeout}; at least `worker.transaction.max_age_ms` ({age}) + {LEAST_MARGIN_MS}, or the broker aborts healthy transactions")
    });
    found.unless(poll > timeout, "kafka.max_poll_interval_ms", || {
        format!("is {poll}; above `worker.transaction.timeout_ms` ({timeout}), or a slow commit costs the partitions")
    });
    let stale = config.http.stale_after_ms;
    found.unless(stale > timeout, "http.stale_after_ms", || {
        format!("is {stale}; above `worker.transaction.timeout_ms` ({timeout}), or a slow commit takes a healthy copy out of service")
    });
    let start = config.startup.deadline_ms;
    found.unless(start == 0 || start >= LEAST_MARGIN_MS, "startup.deadline_ms", || {
        format!("is {start}; 0 waits without end, anything else is at least {LEAST_MARGIN_MS}")
    });
    let grace = config.shutdown.grace_ms;
    found.unless(grace > age, "shutdown.grace_ms", || {
        format!("is {grace}; above `worker.transaction.max_age_ms` ({age}), or no transaction can be finished in it")
    });
}

fn limits(config: &Config, found: &mut Found) {
    let limits = &config.limits;
    let (record, output) = (limits.max_record_bytes, limits.max_output_bytes);
    found.unless(output >= record + LEAST_ROOM_BYTES, "limits.max_output_bytes", || {
        format!("is {output}; at least `limits.max_record_bytes` ({record}) + {LEAST_ROOM_BYTES}, since offer, publisher, partner and decision are added")
    });
    let attribute = limits.max_attribute_bytes;
    found.unless(attribute <= record, "limits.max_attribute_bytes", || {
        format!("is {attribute}; at most `limits.max_record_bytes` ({record})")
    });
    let id = limits.max_id_bytes;
    found.unless(id <= record, "limits.max_id_bytes", || {
        format!("is {id}; at most `limits.max_record_bytes` ({record})")
    });
}

fn security(security: &Security, found: &mut Found) {
    let protocol = security.protocol.as_str();
    let either_or = [
        ("password", security.password.is_some(), security.password_file.is_some()),
        ("key_password", security.key_password.is_some(), security.key_password_file.is_some()),
    ];
    for (key, value, file) in either_or {
        found.unless(!(value && file), &format!("kafka.security.{key}"), || {
            format!("and `kafka.security.{key}_file` are both set; one of them is enough")
        });
    }
    let tls_only = [
        ("ca_file", &security.ca_file),
        ("cert_file", &security.cert_file),
        ("key_file", &security.key_file),
    ];
    for (key, _) in tls_only.iter().filter(|(_, file)| file.is_some() && !security.protocol.is_tls()) {
        found.add(
            &format!("kafka.security.{key}"),
            format!("needs `kafka.security.protocol` SSL or SASL_SSL, which is {protocol}"),
        );
    }
    match (&security.cert_file, &security.key_file) {
        (Some(_), None) => {
            found.add("kafka.security.cert_file", "needs `kafka.security.key_file`".to_owned())
        }
        (None, Some(_)) => {
            found.add("kafka.security.key_file", "needs `kafka.security.cert_file`".to_owned())
        }
        _ => {}
    }
    for (key, file) in tls_only {
        if let Some(Err(error)) = file.as_ref().map(std::fs::File::open) {
            found.add(&format!("kafka.security.{key}"), format!("cannot be read: {error}"));
        }
    }
    let secrets = [security.read_password(), security.read_key_password(), security.read_token()];
    for error in secrets.into_iter().filter_map(Result::err) {
        found.add(error.key, format!("cannot be read: {}", error.source));
    }
    login(security, found);
}

fn login(security: &Security, found: &mut Found) {
    let protocol = security.protocol.as_str();
    let Some(mechanism) = security.mechanism else {
        found.unless(!security.protocol.is_sasl(), "kafka.security.protocol", || {
            format!("is {protocol}, so `kafka.security.mechanism` must say how to log in")
        });
        return;
    };
    found.unless(security.protocol.is_sasl(), "kafka.security.mechanism", || {
        format!("needs `kafka.security.protocol` SASL_SSL or SASL_PLAINTEXT, which is {protocol}")
    });
    let name = mechanism.as_str();
    extensions(security, found);
    let has_password = security.password.is_some() || security.password_file.is_some();
    if mechanism == Mechanism::OauthBearer {
        found.unless(security.token_file.is_some(), "kafka.security.mechanism", || {
            format!("is {name}, so `kafka.security.token_file` must be set")
        });
        found.unless(!has_password && security.username.is_none(), "kafka.security.username", || {
            format!("and `kafka.security.password` are not used with `kafka.security.mechanism` {name}")
        });
    } else {
        found.unless(has_password && security.username.is_some(), "kafka.security.mechanism", || {
            format!("is {name}, so `kafka.security.username` and `kafka.security.password` (or `password_file`) must be set")
        });
        let tokens = [
            ("token_file", security.token_file.is_some()),
            ("token_lifetime_ms", security.token_lifetime_ms.is_some()),
            ("token_extensions", !security.token_extensions.is_empty()),
        ];
        for (key, _) in tokens.iter().filter(|(_, is_set)| *is_set) {
            let key = format!("kafka.security.{key}");
            found.add(&key, format!("is not used with `kafka.security.mechanism` {name}"));
        }
    }
}

/// What SASL lets an extension be (RFC 7628, section 3.1); `auth` is the token itself.
fn extensions(security: &Security, found: &mut Found) {
    for (name, value) in &security.token_extensions {
        let key = format!("kafka.security.token_extensions.{name}");
        let is_name = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphabetic()) && name != "auth";
        found.unless(is_name, &key, || "is no name of an extension: letters only, and not `auth`".to_owned());
        let is_value = !value.is_empty() && value.chars().all(|c| matches!(c, ' '..='~'));
        found
            .unless(is_value, &key, || "has a value that is empty or not made of printable ASCII".to_owned());
    }
}

fn passthrough(config: &Config, found: &mut Found) {
    let kafka = &config.kafka;
    let maps = [
        (Client::All, &kafka.client),
        (Client::Consumer, &kafka.consumer),
        (Client::Producer, &kafka.producer),
    ];
    for (client, settings) in maps {
        for (name, value) in settings.iter() {
            if let Some(why) = refusal(name, value) {
                found.add(&format!("{}.{name}", client.key()), format!("cannot be set: {why}"));
            }
        }
    }
}
