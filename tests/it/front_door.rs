//! The first hour on Kafka: a ticket is sent by hand, and comes out where everybody can see it.

use std::{fs, process::Stdio};

use serde_json::{Value, json};

use crate::support::{
    router::Settings,
    tickets::{load_catalog, ticket},
    topics::{Destination, Source, Topics},
};

const DONE: Option<i32> = Some(0);
const FAILED: Option<i32> = Some(1);
const USAGE: Option<i32> = Some(64);

/// Runs `tail` and gives its lines.
fn tail(settings: &Settings, arguments: &[&str]) -> Vec<String> {
    let words = [&["tail", "--idle", "60s"], arguments].concat();
    let output = settings.command(&words).output().expect("cargo built the router");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), DONE, "{words:?}: {said}");
    String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect()
}

#[test]
fn what_is_sent_by_hand_is_seen_where_it_was_routed_to() {
    let topics = Topics::create(3);
    load_catalog(&Source::new(topics.broker()), &topics);
    let settings = Settings::new(&topics);
    let _router = settings.start("router");

    // One ticket printed over several lines, one on a line.
    let printed = serde_json::to_string_pretty(&ticket("T-1", Destination::Publisher)).expect("it is JSON");
    let line = ticket("T-2", Destination::Partner);
    let file = settings.dir().join("tickets.json");
    fs::write(&file, format!("{printed}\n{line}\n")).expect("the test's folder can be written");
    let (code, said) = settings.run(&["send", file.to_str().expect("the name is UTF-8")]);
    assert_eq!(code, DONE, "{said}");
    for id in ["T-1", "T-2"] {
        assert!(said.contains(&format!("`{id}` is in {}, partition ", topics.incoming())), "{said}");
    }
    assert!(said.contains("2 tickets sent"), "{said}");

    // What is no ticket needs a key, and is a dead letter then.
    let nonsense = settings.dir().join("nonsense");
    fs::write(&nonsense, "no ticket\n").expect("the test's folder can be written");
    let nonsense = nonsense.to_str().expect("the name is UTF-8");
    let (code, said) = settings.run(&["send", nonsense]);
    assert_eq!(code, FAILED, "{said}");
    assert!(said.contains("--key") && said.contains("0 tickets sent"), "{said}");
    let (code, said) = settings.run(&["send", nonsense, "--key", "K"]);
    assert_eq!(code, DONE, "{said}");

    let records: Vec<Value> = tail(&settings, &["--from-beginning", "--max", "3", "--format", "json"])
        .iter()
        .map(|line| serde_json::from_str(line).expect(line))
        .collect();
    let of_key = |key: &str| records.iter().find(|it| it["key"] == key).expect(key);
    let (first, second, third) = (of_key("T-1"), of_key("T-2"), of_key("K"));
    assert_eq!(first["topic"], json!(topics.outgoing(Destination::Publisher)));
    assert_eq!(first["value"]["decision"]["assigneeId"], "contoso");
    assert_eq!(first["value"]["ticket"]["id"], "T-1");
    assert_eq!(second["value"]["decision"]["assigneeId"], "northwind");
    assert_eq!(third["error"]["reason"], "INVALID_JSON");
    assert_eq!(third["raw"], "no ticket");

    // For people: a line, of the topics that are named, and only the last ones.
    let lines = tail(&settings, &["publisher", "--last", "1", "--max", "1"]);
    assert!(lines[0].contains("T-1") && lines[0].contains("contoso"), "{lines:?}");
    let lines = tail(&settings, &["dead-letter", "--since", "1h", "--max", "1"]);
    assert!(lines[0].contains("INVALID_JSON"), "{lines:?}");

    let (code, said) = settings.run(&["tail", "triaje"]);
    assert_eq!(code, USAGE, "{said}");
    let mut stdin = settings.command(&["send"]);
    let output = stdin.stdin(Stdio::null()).output().expect("cargo built the router");
    assert_eq!((output.status.code(), output.stderr.as_slice()), (DONE, &b"0 tickets sent\n"[..]));
}
