//! What goes in, and what comes out where.

use std::{
    collections::BTreeMap,
    fs,
    process::{Command, Stdio},
};

use prost::Message;
use serde_json::Value;
use ticket_router::proto::v1::RoutedTicket;

use crate::{
    checker::{self, Watch},
    support::{
        load,
        router::Settings,
        tickets::{Encoding, offer_record, partner_record, prepared, publisher_record, ticket, ticket_bytes},
        topics::{Destination, Outbound, Source, Topics},
    },
};

/// The folder of the sample catalog and tickets.
const SAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/samples");
const OWNED: [Destination; 4] =
    [Destination::Partner, Destination::Publisher, Destination::MicrosoftCommerce, Destination::Triage];

#[test]
fn each_ticket_goes_to_its_owner_with_its_key_its_timestamp_and_its_headers() {
    let (topics, source) = prepared(3);
    let mut router = Settings::new(&topics).start("router");
    let mut watch = Watch::new(&topics);
    load::send(&source, &topics, 0..100);
    watch.wait_for(100);
    checker::assert_clean(&topics, &watch, 100, load::destination);
    router.terminate();
    assert!(router.wait_for_end().success());
}

#[test]
fn headers_say_who_owns_a_ticket_and_why_and_reserved_ones_do_not_travel_on() {
    let (topics, source) = prepared(1);
    let _router = Settings::new(&topics).start("router");
    let mut watch = Watch::new(&topics);
    let traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let record = Outbound::new("k", ticket_bytes(&ticket("T-1", Destination::Publisher), Encoding::Json))
        .header("content-type", "text/plain")
        .header("content-type", "application/json; charset=utf-8")
        .header("traceparent", traceparent)
        .header("ticket-router.owner", "OWNER_MICROSOFT_COMMERCE")
        .header("ticket-router.note", "not yours")
        .at(1_772_000_000_123);
    source.send_all(&topics.incoming(), &[record]);

    let (topic, record) = watch.wait_for_key("k");
    assert_eq!(topic, topics.outgoing(Destination::Publisher));
    assert_eq!(record.timestamp, Some(1_772_000_000_123));
    let routed = RoutedTicket::decode(record.value.as_deref().unwrap()).unwrap();
    let decision = routed.decision.unwrap();
    assert_eq!(decision.assignee_id, "contoso");
    assert_eq!(routed.offer.unwrap().id, "contoso.backup");
    assert_eq!(routed.partner.unwrap().id, "northwind");

    let mut headers: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (name, value) in &record.headers {
        headers.entry(name).or_default().push(std::str::from_utf8(value.as_deref().unwrap()).unwrap());
    }
    let expected = BTreeMap::from([
        ("content-type", vec!["application/protobuf"]),
        ("traceparent", vec![traceparent]),
        ("ticket-router.owner", vec!["OWNER_PUBLISHER"]),
        ("ticket-router.rule", vec![decision.rule.as_str()]),
        ("ticket-router.decision-id", vec![decision.decision_id.as_str()]),
        ("ticket-router.policy-version", vec![decision.policy_version.as_str()]),
    ]);
    assert_eq!(headers, expected);
}

#[test]
fn the_service_and_the_route_command_say_the_same_of_every_sample() {
    let topics = Topics::create(3);
    let source = Source::new(topics.broker());
    load_samples(&source, &topics);
    let _router = Settings::new(&topics).set("output.format", "json").start("router");
    let mut watch = Watch::new(&topics);
    let lines: Vec<Vec<u8>> = ["tickets.jsonl", "bad-tickets.jsonl"]
        .iter()
        .flat_map(|file| sample(file).split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect::<Vec<_>>())
        .filter(|line| !line.trim_ascii().is_empty())
        .collect();
    for (n, line) in lines.iter().enumerate() {
        let record =
            Outbound::new(format!("line-{n}"), line.clone()).header("content-type", "application/json");
        source.send(&topics.incoming(), &record);
    }
    source.flush();
    let expected = route_command(&lines);
    assert_eq!(expected.len(), lines.len());
    watch.wait_for(lines.len());

    for (n, expected) in expected.iter().enumerate() {
        let (topic, record) = watch.wait_for_key(&format!("line-{n}"));
        let expected_topic = expected["topic"].as_str().unwrap();
        assert!(topic.ends_with(expected_topic), "line {n} went to {topic}, not {expected_topic}");
        if topic == topics.outgoing(Destination::DeadLetter) {
            assert_eq!(
                record.header("ticket-router.error.reason"),
                expected["error"]["reason"].as_str(),
                "line {n}"
            );
            assert_eq!(record.value.as_ref(), Some(&lines[n]), "line {n}");
        } else {
            let value: Value = serde_json::from_slice(record.value.as_deref().unwrap()).unwrap();
            assert_eq!(value, expected["value"], "line {n}");
        }
    }
}

#[test]
fn a_ticket_is_written_in_the_encoding_it_came_in_where_the_config_says_same() {
    let (topics, source) = prepared(1);
    let _router = Settings::new(&topics).set("output.format", "same").start("router");
    let mut watch = Watch::new(&topics);
    for (encoding, media_type) in
        [(Encoding::Json, "application/json"), (Encoding::Protobuf, "application/protobuf")]
    {
        for destination in OWNED {
            let id = format!("{encoding:?}-{}", destination.word());
            let ticket = ticket_bytes(&ticket(&id, destination), encoding);
            source.send_all(&topics.incoming(), &[Outbound::new(id.as_str(), ticket.clone())]);
            let (topic, record) = watch.wait_for_key(&id);
            assert_eq!(topic, topics.outgoing(destination));
            assert_eq!(record.header("content-type"), Some(media_type), "{id}");
            let value = record.value.unwrap();
            assert!(
                value.windows(ticket.len()).any(|part| part == ticket),
                "{id} is not there as it came in"
            );
        }
    }
}

/// Puts the sample catalog into the topics, partners as protobuf and the rest as JSON.
fn load_samples(source: &Source, topics: &Topics) {
    let load = |file: &str, topic: String, record: fn(&Value, Encoding) -> Outbound, encoding| {
        for line in sample(file).split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            let value = serde_json::from_slice(line).expect("a sample of the catalog is JSON");
            source.send(&topic, &record(&value, encoding));
        }
    };
    load("catalog/offers.jsonl", topics.offers(), offer_record, Encoding::Json);
    load("catalog/publishers.jsonl", topics.publishers(), publisher_record, Encoding::Json);
    load("catalog/partners.jsonl", topics.partners(), partner_record, Encoding::Protobuf);
    source.flush();
}

/// The lines that `ticket-router route` makes of the lines given.
fn route_command(lines: &[Vec<u8>]) -> Vec<Value> {
    let dir = tempfile::tempdir().expect("the folder for temporary files can be written");
    let input = dir.path().join("tickets.jsonl");
    fs::write(&input, lines.join(&b'\n')).expect("the test's folder can be written");
    let output = Command::new(env!("CARGO_BIN_EXE_ticket-router"))
        .args(["route", "--catalog"])
        .arg(format!("{SAMPLES}/catalog"))
        .stdin(fs::File::open(&input).expect("the file was just written"))
        .stderr(Stdio::inherit())
        .output()
        .expect("cargo built the router");
    assert!(output.status.success());
    let lines = output.stdout.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    lines.map(|line| serde_json::from_slice(line).expect("`route` prints a JSON object a line")).collect()
}

fn sample(file: &str) -> Vec<u8> {
    fs::read(format!("{SAMPLES}/{file}")).unwrap_or_else(|error| panic!("sample {file}: {error}"))
}
