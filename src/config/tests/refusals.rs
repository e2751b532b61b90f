//! What is refused, with the text that says why.

use insta::assert_snapshot;

use super::load;
use crate::config::{Config, Passthrough, refusal, rules};

fn refused(file: &str) -> String {
    load(file, &[], &[]).expect_err("it should be refused").to_string()
}

#[test]
fn a_key_that_is_no_setting_is_refused_with_what_was_meant() {
    assert_snapshot!(refused(
        "[kafka]\n\ngrup_id = 'x'\nsomething_else = 1\n[wroker]\ncount = 1\n[worker]\ngroup_id = 'x'\n"
    ));
    let environment = [("TICKET_ROUTER__KAFKA__BOOTSTRAP_SERVER", "x:1")];
    let error = load("", &environment, &["limits.max_record_byte=1"]).unwrap_err().to_string();
    assert_snapshot!(error);
    assert_snapshot!(refused("[topics]\nisv = 'tickets.isv'\n"));
}

#[test]
fn a_value_of_the_wrong_kind_is_refused_with_what_is_allowed() {
    assert_snapshot!(refused(
        "kafka = 1\n[worker]\ncount = 0\nstart_new_group_at = 'newest'\n[topics]\npublisher = ''\ntriage = ['x']\n[log]\nformat = 'xml'\nlevel = 'info=x=y'\n"
    ));
    assert_snapshot!(
        load("", &[("TICKET_ROUTER__WORKER__COUNT", "many")], &["shutdown.grace_ms=1.5"]).unwrap_err()
    );
    assert_snapshot!(refused("[http]\nlisten = 'localhost'\n"));
    assert_snapshot!(refused("[log]\nlevel = 'info=x=y'\n"));
}

#[test]
fn a_file_that_is_no_toml_or_not_there_is_refused_with_its_place() {
    assert_snapshot!(refused("[kafka]\ngroup_id = \n"));
    let missing = crate::config::Sources { file: Some("no/such.toml".as_ref()), ..Default::default() };
    assert_snapshot!(Config::load(&missing).unwrap_err());
}

#[test]
fn a_pair_that_is_no_pair_and_a_secret_on_the_command_line_are_refused() {
    let pairs = [
        "kafka.group_id",
        "kafka..x=1",
        "kafka.security.password=hunter2",
        "kafka.security.key_password=hunter2",
    ];
    assert_snapshot!(load("", &[], &pairs).unwrap_err());
}

#[test]
fn two_topics_of_one_name_are_refused() {
    assert_snapshot!(refused(
        "[topics]\npublisher = 'a'\npartner = 'a'\ntriage = 'a b'\n[catalog.topics]\noffers = 'tickets.incoming'\n"
    ));
}

#[test]
fn settings_that_contradict_each_other_are_refused_with_both_names() {
    assert_snapshot!(refused(
        "[kafka]\nsession_timeout_ms = 3000\nmax_poll_interval_ms = 2500\n[worker.transaction]\nmax_age_ms = 20000\n[http]\nstale_after_ms = 9000\n"
    ));
    assert_snapshot!(refused(
        "[limits]\nmax_record_bytes = 2048\nmax_output_bytes = 17409\nmax_id_bytes = 3000\n"
    ));
    assert_snapshot!(refused("[catalog]\nfrom = 'folder'\n"));
    assert_snapshot!(refused("[catalog]\nfolder = 'x'\n"));
}

#[test]
fn a_log_in_that_cannot_work_is_refused() {
    let security = |settings: &str| refused(&format!("[kafka.security]\n{settings}\n"));
    assert_snapshot!(security("ca_file = 'no-such'\ncert_file = 'no-such'"));
    assert_snapshot!(security("protocol = 'SASL_SSL'"));
    assert_snapshot!(security("mechanism = 'PLAIN'\nusername = 'x'"));
    assert_snapshot!(security("protocol = 'SASL_SSL'\nmechanism = 'OAUTHBEARER'\nusername = 'x'"));
    assert_snapshot!(security(
        "protocol = 'SASL_SSL'\nmechanism = 'SCRAM-SHA-256'\nusername = 'x'\npassword = 'x'\npassword_file = 'no-such'\ntoken_file = 'no-such'"
    ));
    assert_snapshot!(security("protocol = 'sasl_ssl'"));
}

#[test]
fn extensions_of_a_token_keep_their_case_and_are_refused_if_sasl_has_no_place_for_them() {
    let login =
        "[kafka.security]\nprotocol = 'SASL_SSL'\nmechanism = 'OAUTHBEARER'\ntoken_file = 'Cargo.toml'\n";
    let extensions = |settings: &str| format!("{login}[kafka.security.token_extensions]\n{settings}\n");
    let config = load(
        &extensions("logicalCluster = 'lkc-1'"),
        &[],
        &["kafka.security.token_extensions.identityPoolId=pool-1"],
    );
    let found: Vec<_> = config.unwrap().kafka.security.token_extensions.into_iter().collect();
    let expected = [("identityPoolId", "pool-1"), ("logicalCluster", "lkc-1")];
    assert_eq!(found, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    for (settings, key) in
        [("auth = 'x'", "auth"), ("pool_id = 'x'", "pool_id"), ("a = ''", "a"), ("a = \"x\\u0001\"", "a")]
    {
        let refused = refused(&extensions(settings));
        assert!(refused.contains(&format!("kafka.security.token_extensions.{key}")), "{refused}");
    }
    for settings in ["token_lifetime_ms = 5000", "token_extensions = { a = 'x' }"] {
        let plain =
            "[kafka.security]\nprotocol = 'SASL_SSL'\nmechanism = 'PLAIN'\nusername = 'x'\npassword = 'x'\n";
        assert!(
            refused(&format!("{plain}{settings}\n"))
                .contains("is not used with `kafka.security.mechanism` PLAIN")
        );
    }
}

#[test]
fn what_would_break_exactly_once_is_refused_with_the_reason() {
    let settings = [
        "acks=1",
        "enable.auto.commit=true",
        "enable.auto.offset.store=true",
        "enable.idempotence=false",
        "group.protocol=consumer",
        "isolation.level=read_uncommitted",
        "partition.assignment.strategy=cooperative-sticky",
        "auto.offset.reset=latest",
        "group.instance.id=x",
        "transactional.id=x",
        "allow.auto.create.topics=true",
        "sasl.password=x",
        "ssl.keystore.password=x",
        "socket_cb=x",
    ];
    let settings: Vec<String> = settings.iter().map(|pair| format!("kafka.client.{pair}")).collect();
    let settings: Vec<&str> = settings.iter().map(String::as_str).collect();
    assert_snapshot!(load("", &[], &settings).unwrap_err());
    assert_snapshot!(refused("[kafka.client]\nlinger.ms = 1\nlinger_ms = 2\n"));
}

#[test]
fn what_changes_nothing_may_be_passed_through() {
    assert_eq!(refusal("isolation.level", "read_committed"), None);
    assert_eq!(refusal("acks", "all"), None);
    let mut config = Config::default();
    config.kafka.producer = Passthrough::from_iter([("compression.type", "zstd")]);
    assert!(rules::check(&config).is_empty());
}
