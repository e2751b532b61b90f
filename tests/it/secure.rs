//! TLS and log-in, on a broker that asks for them.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};

use crate::{
    broker::{Broker, SCRAM_USER},
    checker::{self, Watch},
    support::{
        load,
        router::{READY_DEADLINE, Settings},
        tickets::load_catalog,
        topics::{Destination, Source, Topics},
        wait::wait_for,
    },
};

/// What a broker that is not as it must be is answered with.
const EXIT_BROKER: i32 = 78;
const RECORDS: usize = 50;

#[test]
fn a_router_talks_tls_and_logs_in_with_scram() {
    let topics = Topics::create_on(Broker::with_tls(), 2);
    let mut settings = Settings::new(&topics);
    scram(&mut settings, SCRAM_USER.1);
    routes(&topics, &settings);
}

#[test]
fn a_router_shows_its_certificate_where_the_broker_asks_for_one() {
    let topics = Topics::create_on(Broker::with_tls(), 2);
    let broker = topics.broker();
    let (certificate, key) = broker.certificates().client_files();
    let mut settings = Settings::new(&topics);
    settings
        .set("kafka.bootstrap_servers", broker.mutual_address())
        .set("kafka.security.protocol", "SSL")
        .set("kafka.security.ca_file", broker.certificates().authority_file().display().to_string())
        .set("kafka.security.cert_file", certificate.display().to_string())
        .set("kafka.security.key_file", key.display().to_string());
    routes(&topics, &settings);
}

#[test]
fn topics_are_made_and_a_router_routes_with_a_token() {
    let topics = Topics::create_on(Broker::with_tls(), 2);
    let mut settings = Settings::new(&topics);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is after 1970").as_secs();
    let part = |json: String| BASE64_URL_SAFE_NO_PAD.encode(json);
    let claims = format!(r#"{{"sub":"router","iat":{now},"exp":{}}}"#, now + 600);
    let token = format!("{}.{}.", part(r#"{"alg":"none"}"#.to_owned()), part(claims));
    let file = settings.dir().join("token");
    std::fs::write(&file, token).expect("the test's folder can be written");
    let broker = Broker::with_tls();
    settings
        .set("kafka.bootstrap_servers", broker.scram_address())
        .set("kafka.security.protocol", "SASL_SSL")
        .set("kafka.security.ca_file", broker.certificates().authority_file().display().to_string())
        .set("kafka.security.mechanism", "OAUTHBEARER")
        .set("kafka.security.token_file", file.display().to_string())
        .set("kafka.security.token_extensions.logicalCluster", "lkc-1");
    topics.delete(Destination::Triage);
    let created = format!("created `{}`", topics.outgoing(Destination::Triage));
    wait_for("the deleted topic is made again", READY_DEADLINE, || {
        let said = settings.run_to(Some(0), &["topics", "create"]);
        said.contains(&created).then_some(())
    });
    routes(&topics, &settings);
}

#[test]
fn a_wrong_password_ends_the_start_with_a_message_that_does_not_show_it() {
    let topics = Topics::create_on(Broker::with_tls(), 1);
    let mut settings = Settings::new(&topics);
    scram(&mut settings, "not-the-password");
    let mut router = settings.start("router");
    assert_eq!(router.wait_for_end().code(), Some(EXIT_BROKER));
    assert!(router.said().contains("kafka.security.username"), "the message names the setting");
    assert!(!router.said().contains("not-the-password"));
}

#[test]
fn a_broker_with_an_unknown_authority_is_refused() {
    let topics = Topics::create_on(Broker::with_tls(), 1);
    let mut settings = Settings::new(&topics);
    scram(&mut settings, SCRAM_USER.1);
    let stranger = Broker::with_tls().certificates().stranger_file();
    settings.set("kafka.security.ca_file", stranger.display().to_string());
    let mut router = settings.start("router");
    assert_eq!(router.wait_for_end().code(), Some(EXIT_BROKER));
    assert!(router.said().contains("kafka.security.ca_file"), "the message names the setting");
}

/// Lets a router log in as the user of the SCRAM listener.
pub fn scram(settings: &mut Settings, password: &str) {
    let broker = Broker::with_tls();
    let file = settings.dir().join("password");
    std::fs::write(&file, format!("{password}\n")).expect("the test's folder can be written");
    settings
        .set("kafka.bootstrap_servers", broker.scram_address())
        .set("kafka.security.protocol", "SASL_SSL")
        .set("kafka.security.ca_file", broker.certificates().authority_file().display().to_string())
        .set("kafka.security.mechanism", "SCRAM-SHA-512")
        .set("kafka.security.username", SCRAM_USER.0)
        .set("kafka.security.password_file", file.display().to_string());
}

#[track_caller]
fn routes(topics: &Topics, settings: &Settings) {
    let source = Source::new(topics.broker());
    load_catalog(&source, topics);
    let mut router = settings.start("router");
    router.wait_until_ready();
    let mut watch = Watch::new(topics);
    load::send(&source, topics, 0..RECORDS);
    watch.wait_for(RECORDS);
    checker::assert_clean(topics, &watch, RECORDS, load::destination);
}
