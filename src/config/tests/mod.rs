//! Loading from each source, and the reference page.

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
};

use super::{
    CatalogFrom, Config, Listen, Passthrough, Refused, Sources, StartAt, docs::reference, rules,
    schema::json_schema, secret::Secret,
};

mod refusals;

/// Loads `text` as a file named `router.toml`, with variables and `--set` pairs.
fn load(text: &str, environment: &[(&str, &str)], overrides: &[&str]) -> Result<Config, Refused> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("router.toml");
    fs::write(&file, text).unwrap();
    let environment: HashMap<_, _> =
        environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let overrides: Vec<String> = overrides.iter().map(|pair| (*pair).to_owned()).collect();
    Config::load(&Sources { file: Some(&file), environment, overrides: &overrides })
        .map_err(|refused| without(&refused, folder.path()))
}

fn without(refused: &Refused, folder: &Path) -> Refused {
    let folder = format!("{}/", folder.display());
    let mut refused = refused.clone();
    for problem in &mut refused.problems {
        problem.origin = problem.origin.replace(&folder, "");
        problem.text = problem.text.replace(&folder, "");
    }
    refused
}

#[test]
fn defaults_are_valid_and_fit_a_broker_on_the_same_machine() {
    let config = load("", &[], &[]).unwrap();
    assert_eq!(config, Config::default());
    assert_eq!(config.kafka.bootstrap_servers, "localhost:9092");
    assert!(rules::check(&config).is_empty());
}

#[test]
fn the_environment_wins_over_the_file_and_the_command_line_over_both() {
    let file = "[kafka]\ngroup_id = 'file'\nbootstrap_servers = 'file:1'\n[worker]\ncount = 2\n";
    let environment = [
        ("TICKET_ROUTER__KAFKA__GROUP_ID", "environment"),
        ("TICKET_ROUTER__WORKER__COUNT", "3"),
        ("TICKET_ROUTER__HTTP__LISTEN", ""),
        ("TICKET_ROUTER_OTHER", "not ours"),
        ("PATH", "/bin"),
    ];
    let config = load(file, &environment, &["worker.count=4", "worker.start_new_group_at=latest"]).unwrap();
    assert_eq!(config.kafka.bootstrap_servers, "file:1");
    assert_eq!(config.kafka.group_id, "environment");
    assert_eq!(config.worker.count, 4);
    assert_eq!(config.worker.start_new_group_at, StartAt::Latest);
    assert_eq!(config.http, Config::default().http);
}

#[test]
fn librdkafka_settings_may_be_quoted_nested_or_underscored() {
    let file = "[kafka.consumer]\n\"fetch.min.bytes\" = 2\nfetch.wait.max.ms = 5\n[kafka.client]\nsocket.keepalive.enable = true\n";
    let environment = [("TICKET_ROUTER__KAFKA__PRODUCER__LINGER_MS", "7")];
    let config = load(file, &environment, &["kafka.producer.batch.num.messages=9"]).unwrap();
    let consumer = [("fetch.min.bytes", "2"), ("fetch.wait.max.ms", "5")];
    assert_eq!(config.kafka.consumer, consumer.into_iter().collect::<Passthrough>());
    assert_eq!(config.kafka.client.get("socket.keepalive.enable"), Some("true"));
    assert_eq!(config.kafka.producer.get("linger.ms"), Some("7"));
    assert_eq!(config.kafka.producer.get("batch.num.messages"), Some("9"));
}

#[test]
fn http_can_be_turned_off_and_a_folder_can_be_the_catalog() {
    let config =
        load("[http]\nlisten = 'off'\n[catalog]\nfrom = 'folder'\nfolder = 'catalog'\n", &[], &[]).unwrap();
    assert_eq!(config.http.listen, Listen::Off);
    assert_eq!(config.catalog.from, CatalogFrom::Folder);
    assert!(config.catalog.compacted().is_empty());
}

#[test]
fn a_secret_comes_from_the_file_a_file_of_its_own_or_the_environment() {
    let sasl = "[kafka.security]\nprotocol = 'SASL_SSL'\nmechanism = 'SCRAM-SHA-512'\nusername = 'router'\n";
    let secret = |config: Config| config.kafka.security.read_password().unwrap().unwrap();
    let in_file = load(&format!("{sasl}password = 'canary'\n"), &[], &[]).unwrap();
    assert_eq!(secret(in_file).reveal(), "canary");
    let variable = [("TICKET_ROUTER__KAFKA__SECURITY__PASSWORD", "canary")];
    assert_eq!(secret(load(sasl, &variable, &[]).unwrap()).reveal(), "canary");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("password");
    fs::write(&path, "canary\n").unwrap();
    let own_file = load(&format!("{sasl}password_file = '{}'\n", path.display()), &[], &[]).unwrap();
    assert_eq!(secret(own_file).reveal(), "canary");
}

#[test]
fn a_secret_is_never_shown() {
    let sasl = "[kafka.security]\nprotocol = 'SASL_SSL'\nmechanism = 'PLAIN'\nusername = 'router'\n";
    let config = load(&format!("{sasl}password = 'canary'\nkey_password = 'canary'\n"), &[], &[]).unwrap();
    let secret = Secret::new("canary");
    let shown = format!("{config:?} {config:#?} {} {secret:?} {secret}", config.redacted());
    assert!(shown.contains("***") && !shown.contains("canary"), "{shown}");

    let refusals = [
        load("[kafka.security]\npassword = 'canary\n", &[], &[]),
        load("[kafka.security]\npassword = ['canary']\n", &[], &[]),
        load("[kafka.security]\npassword = 'canary'\n", &[], &["kafka.security.password=canary"]),
        load("", &[], &["kafka.security.password canary"]),
        load("[kafka.client]\nsasl.password = 'canary'\nssl.key.pem = 'canary'\n", &[], &[]),
        load(
            "",
            &[("TICKET_ROUTER__KAFKA__SECURITY__PASWORD", "canary")],
            &["kafka.client.ssl.keystore.password=canary"],
        ),
    ];
    for refusal in refusals {
        let text = refusal.unwrap_err().to_string();
        assert!(!text.contains("canary"), "{text}");
    }
}

#[test]
fn the_redacted_settings_can_be_loaded_again() {
    let config = Config::default();
    assert_eq!(load(&config.redacted(), &[], &[]).unwrap(), config);
}

#[test]
fn the_examples_load() {
    for name in ["config/laptop.toml", "config/ticket-router.toml", "deploy/kubernetes/ticket-router.toml"] {
        let file = root().join(name);
        let text = fs::read_to_string(&file).unwrap();
        // The paths of the production example exist only where it is installed.
        let here: String = text
            .lines()
            .filter(|line| !line.contains("/etc/"))
            .fold(String::new(), |text, line| text + line + "\n");
        load(&here, &[("TICKET_ROUTER__KAFKA__SECURITY__PASSWORD", "x")], &[])
            .unwrap_or_else(|refused| panic!("{name}: {refused}"));
    }
}

#[test]
fn the_reference_page_and_the_schema_are_up_to_date() {
    let schema = serde_json::to_string_pretty(&json_schema()).unwrap() + "\n";
    for (name, made) in [("docs/configuration.md", reference()), ("docs/config.schema.json", schema)] {
        let file = root().join(name);
        if std::env::var_os("UPDATE_DOCS").is_some() {
            fs::write(&file, made).unwrap();
        } else {
            let kept = fs::read_to_string(&file).unwrap_or_default();
            assert!(kept == made, "{name} is stale: run `UPDATE_DOCS=1 cargo test --lib config::`");
        }
    }
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn a_variable_with_one_underscore_is_told_with_the_name_that_was_meant() {
    let names = [
        "TICKET_ROUTER_KAFKA__BOOTSTRAP_SERVERS",
        "TICKET_ROUTER_KAFKA_GROUP_ID",
        "TICKET_ROUTER_CONFIG",
        "TICKET_ROUTER__KAFKA__GROUP_ID",
    ];
    let environment = names.map(|name| (name.to_owned(), "x".to_owned())).into();
    let sources = Sources { environment, ..Default::default() };
    let expected = [
        ("TICKET_ROUTER_KAFKA_GROUP_ID", "TICKET_ROUTER__KAFKA__GROUP_ID".to_owned()),
        ("TICKET_ROUTER_KAFKA__BOOTSTRAP_SERVERS", "TICKET_ROUTER__KAFKA__BOOTSTRAP_SERVERS".to_owned()),
    ];
    assert_eq!(sources.misnamed(), expected);
}

#[test]
fn what_differs_from_the_defaults_is_all_that_is_told() {
    let mut config = Config::default();
    assert_eq!(config.changed(), "");
    config.kafka.group_id = "mine".to_owned();
    assert_eq!(config.changed(), "[kafka]\ngroup_id = \"mine\"\n");
}
