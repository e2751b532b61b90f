//! What `examples/` teaches is true: a producer, a consumer that drops repeats, and a policy with an exception.

use std::{
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use serde_json::Value;
use ticket_router_harness::Process;

use crate::support::{
    python::python,
    router::Settings,
    tickets::{prepared, ticket},
    topics::{Destination, Topics},
    wait::wait_for,
};

/// Joining a group, on a busy machine.
const DEADLINE: Duration = Duration::from_secs(60);

#[test]
fn a_consumer_that_keeps_decision_ids_takes_each_ticket_once() {
    let (topics, _) = prepared(1);
    let _router = Settings::new(&topics).start("router");
    let dir = tempfile::tempdir().expect("the folder for temporary files can be written");
    let [first, second] = ["T-1", "T-2"].map(|id| ticket(id, Destination::Partner));
    // The helpdesk sends the first ticket twice.
    produce(&topics, &[&first, &second, &first]);

    let log = dir.path().join("consumer.log");
    let mut consumer = consume(&topics, "desk", dir.path(), &log);
    let taken = decisions(&log, 3);
    consumer.terminate();
    let status = consumer.wait_for_end(DEADLINE).expect("SIGTERM ends it");
    assert!(status.success(), "{}", consumer.log());
    let count = |kind: &str| taken.iter().filter(|(_, it)| it == kind).count();
    assert_eq!((count("new"), count("repeat")), (2, 1), "{taken:?}");

    // A group without offsets starts from the beginning, as after a reset of offsets.
    let again = dir.path().join("again.log");
    let _consumer = consume(&topics, "desk-after-a-reset", dir.path(), &again);
    let repeated = decisions(&again, 3);
    assert!(repeated.iter().all(|(_, kind)| kind == "repeat"), "{repeated:?}");
    let ids = |of: &[(String, String)]| of.iter().map(|(id, _)| id.clone()).collect::<Vec<_>>();
    assert_eq!(ids(&repeated), ids(&taken));
}

#[test]
fn the_policy_with_an_exception_is_proved_and_passes_its_cases() {
    let folder = examples().join("policy");
    let file = folder.join("ownership.toml");
    for (arguments, cases) in
        [(["policy", "check"], None), (["policy", "test"], Some(folder.join("cases.toml")))]
    {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ticket-router"));
        command.args(arguments).arg(&file);
        if let Some(cases) = cases {
            command.arg("--cases").arg(cases);
        }
        let output = command.output().expect("the program was just built");
        // `policy test` also fails if a rule has no case.
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&[output.stdout, output.stderr].concat())
        );
    }
}

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples")
}

/// Lets the producer send some tickets.
fn produce(topics: &Topics, tickets: &[&Value]) {
    let mut producer = Command::new(python())
        .arg(examples().join("producer.py"))
        .args([topics.broker().bootstrap(), &topics.incoming()])
        .stdin(Stdio::piped())
        .spawn()
        .expect("Python was just installed");
    let mut input = producer.stdin.take().expect("its input was asked for as a pipe");
    for ticket in tickets {
        writeln!(input, "{ticket}").expect("the producer reads to the end");
    }
    drop(input);
    assert!(producer.wait().is_ok_and(|status| status.success()), "the producer sends all tickets");
}

/// Starts the consumer on the partners' topic; each start in one folder has the same database.
fn consume(topics: &Topics, group: &str, dir: &Path, log: &Path) -> Process {
    let group = format!("{}-{group}", topics.group());
    let mut command = Command::new(python());
    command.arg(examples().join("consumer.py"));
    command.args([topics.broker().bootstrap(), &topics.outgoing(Destination::Partner), &group]);
    command.arg(dir.join("desk.db"));
    Process::start(&mut command, log).expect("Python was just installed")
}

/// Waits for the decisions that the consumer prints: the id, and whether it was new.
fn decisions(log: &Path, wanted: usize) -> Vec<(String, String)> {
    wait_for("the consumer's decisions", DEADLINE, || {
        let said = std::fs::read_to_string(log).unwrap_or_default();
        let decisions: Vec<_> = said
            .lines()
            .filter_map(|line| line.split_once(' '))
            .filter(|(_, kind)| ["new", "repeat"].contains(kind))
            .map(|(id, kind)| (id.to_owned(), kind.to_owned()))
            .collect();
        (decisions.len() >= wanted).then_some(decisions)
    })
}
