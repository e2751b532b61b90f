//! A start while no broker answers: the router says what it waits for, and routes once the brokers are there.

use std::{net::TcpListener, process::Command};

use crate::{
    broker::Broker,
    checker::Watch,
    support::{
        router::{READY_DEADLINE, Settings},
        tickets::{Encoding, load_catalog, ticket, ticket_bytes},
        topics::{Destination, Outbound, Source, Topics},
        wait::wait_for,
    },
};

const EXIT_FAILED: i32 = 1;
const EXIT_TRY_LATER: i32 = 75;

#[test]
fn a_router_that_may_wait_says_for_what_and_routes_when_the_brokers_have_come() {
    let broker = Box::leak(Box::new(Broker::private()));
    let topics = Topics::create_on(broker, 1);
    let source = Source::new(broker);
    load_catalog(&source, &topics);
    broker.kill();

    let mut settings = Settings::new(&topics);
    settings.set("startup.deadline_ms", 0);
    let mut router = settings.start("router");
    let says = |words: &str| router.page("/ready").is_some_and(|page| page.contains(words));
    wait_for("the router says that no broker answers", READY_DEADLINE, || {
        says(&format!("not ready: no broker of `{}` can be reached", broker.bootstrap())).then_some(())
    });
    assert_eq!(router.page("/live").as_deref(), Some("live\n"));
    assert_eq!(router.figure("ticket_router_ready"), Some(0.0));
    wait_for("the router counts the errors", READY_DEADLINE, || {
        let errors = router.figure("ticket_router_kafka_errors_total{kind=\"all_brokers_down\"}");
        (errors > Some(0.0)).then_some(())
    });
    assert_eq!(router.health(&[]), (Some(0), "live\n".to_owned()));
    let (code, answer) = router.health(&["--ready"]);
    assert_eq!((code, answer.contains(broker.bootstrap())), (Some(EXIT_FAILED), true), "{answer}");
    assert!(router.said().contains("BROKERS_AWAITED"), "{}", router.said());

    broker.restart();
    router.wait_until_ready();
    let mut watch = Watch::new(&topics);
    let bytes = ticket_bytes(&ticket("late", Destination::Partner), Encoding::Json);
    source.send_all(&topics.incoming(), &[Outbound::new("k", bytes)]);
    let (topic, _) = watch.wait_for_key("k");
    assert_eq!(topic, topics.outgoing(Destination::Partner));
    router.terminate();
    assert!(router.wait_for_end().success());
}

/// Runs a command on brokers that are not there; gives the exit code, and what it said.
fn without_brokers(words: &[&str], listen: &str) -> (Option<i32>, String) {
    let state = tempfile::tempdir().expect("the folder for temporary files can be written");
    let output = Command::new(env!("CARGO_BIN_EXE_ticket-router"))
        .args(words)
        .args(["--set", "kafka.bootstrap_servers=127.0.0.1:1", "--set", "startup.deadline_ms=1000"])
        .args(["--set", &format!("kafka.state_dir={}", state.path().display())])
        .args(["--set", &format!("http.listen={listen}"), "--set", "http.next_ports=0"])
        .output()
        .expect("cargo built the router");
    let said = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8_lossy(&said).into_owned())
}

#[test]
fn brokers_that_stay_away_end_run_and_commands_with_a_code_that_says_try_later() {
    for words in [
        &["run"] as &[_],
        &["topics", "check"],
        &["topics", "create"],
        &["catalog", "load", "samples/catalog"],
    ] {
        let (code, said) = without_brokers(words, "off");
        assert_eq!(code, Some(EXIT_TRY_LATER), "{words:?}: {said}");
        assert!(said.contains("no broker of `127.0.0.1:1` can be reached"), "{words:?}: {said}");
    }
}

#[test]
fn a_port_that_is_taken_is_refused_before_the_brokers_are_asked() {
    let holder = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
    let taken = holder.local_addr().expect("a listener has an address").to_string();
    let (code, said) = without_brokers(&["run"], &taken);
    assert_eq!((code, said.contains(&taken)), (Some(EXIT_FAILED), true), "{said}");
    assert!(!said.contains("127.0.0.1:1`"), "{said}");
}

#[test]
fn a_deadline_that_is_neither_none_nor_a_second_is_refused() {
    let output = Command::new(env!("CARGO_BIN_EXE_ticket-router"))
        .args(["topics", "check", "--set", "startup.deadline_ms=999"])
        .output()
        .expect("cargo built the router");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!((output.status.code(), said.contains("startup.deadline_ms")), (Some(64), true), "{said}");
}
