//! `tools/resend.py`: what was a ticket is sent again byte for byte, and nothing else is sent.

use std::process::Command;

use crate::{
    checker::{Record, Watch, read_topic},
    support::{
        python::python,
        router::Settings,
        tickets::{Encoding, prepared, ticket, ticket_bytes},
        topics::{Destination, Outbound, Topics},
    },
};

#[test]
fn a_ticket_is_sent_again_byte_for_byte_and_what_holds_none_is_refused_with_its_origin() {
    let (topics, source) = prepared(1);
    let mut settings = Settings::new(&topics);
    settings.set("limits.max_record_bytes", 100_000).set("limits.max_output_bytes", 200_000);
    let mut router = settings.start("router");
    let mut watch = Watch::new(&topics);
    let triage = ticket_bytes(&ticket("triage", Destination::Triage), Encoding::Protobuf);
    let incoming = [
        Outbound::new("bad", "{\"id\":\"bad\",").header("helpdesk-event", "7"),
        Outbound::new("triage", triage.clone()).header("content-type", "application/x-protobuf"),
        Outbound::new("huge", vec![b'x'; 1_000_000]),
        Outbound::tombstone("null"),
        Outbound::new("empty", ""),
    ];
    source.send_all(&topics.incoming(), &incoming);
    let records = ["bad", "triage", "huge", "null", "empty"].map(|key| watch.wait_for_key(key));
    router.terminate();
    assert!(router.wait_for_end().success());

    let [bad, of_triage, huge, null, empty] = records;
    let from = |offset: u32| format!("topic {}, partition 0, offset {offset}", topics.incoming());
    for (record, words) in [
        (&huge, ["does not hold the ticket", &from(2)]),
        (&null, ["EMPTY_VALUE", &from(3)]),
        (&empty, ["EMPTY_VALUE", &from(4)]),
    ] {
        let (code, said) = resend(&topics, &record.0, record.1.offset);
        assert_eq!(code, Some(1), "{said}");
        assert!(words.iter().all(|word| said.contains(word)) && !said.contains("Traceback"), "{said}");
    }
    // The router did not write the incoming topic, and offset 99 is not there.
    for (topic, offset, word) in [
        (topics.incoming(), 0, "the router did not write this record"),
        (topics.outgoing(Destination::DeadLetter), 99, "nothing was read"),
        (format!("{}-missing", topics.incoming()), 0, "missing"),
    ] {
        let (code, said) = resend(&topics, &topic, offset);
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains(word) && !said.contains("Traceback"), "{said}");
    }
    assert_eq!(read_topic(topics.broker(), &topics.incoming()).len(), incoming.len(), "nothing was sent");

    for (topic, record) in [&bad, &of_triage] {
        let (code, said) = resend(&topics, topic, record.offset);
        assert_eq!(code, Some(0), "{said}");
    }
    let all = read_topic(topics.broker(), &topics.incoming());
    let [first, second] = &all[incoming.len()..] else { panic!("two were sent: {all:?}") };
    assert_eq!(first.value.as_deref(), Some(b"{\"id\":\"bad\",".as_slice()));
    assert_eq!(first.key.as_deref(), Some(b"bad".as_slice()));
    assert_eq!(first.header("helpdesk-event"), Some("7"));
    assert_eq!(second.value.as_deref(), Some(triage.as_slice()));
    assert!(all.iter().all(|record| !has_own_header(record)), "the router's own headers stay behind");
}

fn has_own_header(record: &Record) -> bool {
    record.headers.iter().any(|(name, _)| name.starts_with("ticket-router."))
}

/// Runs the tool for a record of partition 0; gives its exit code, and what it said.
fn resend(topics: &Topics, topic: &str, offset: i64) -> (Option<i32>, String) {
    let output = Command::new(python())
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tools/resend.py"))
        .args(["--to", &topics.incoming(), topics.broker().bootstrap(), topic, "0", &offset.to_string()])
        .output()
        .expect("Python was just installed");
    let said = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8_lossy(&said).into_owned())
}
