//! Nobody reads on: `| head -1` ends a command quietly, and a service goes on without its log.

use std::{
    fs::File,
    io::{self, PipeWriter},
    path::PathBuf,
    process::{Child, Command, Output, Stdio},
};

use crate::{
    checker::Watch,
    support::{
        load,
        router::{EXIT_DEADLINE, Settings},
        tickets::prepared,
        wait::wait_for,
    },
};

#[test]
fn every_command_that_prints_ends_quietly_when_nobody_reads_its_output() {
    let catalog = sample("catalog").display().to_string();
    let catalog = catalog.as_str();
    // A port that nobody listens on: the answer is a line with what is wrong.
    let nowhere = ["--set", "kafka.bootstrap_servers=127.0.0.1:1", "--set", "startup.deadline_ms=1000"];
    for (words, input) in [
        (vec!["--help"], None),
        (vec!["--version"], None),
        (vec!["help", "run"], None),
        (vec!["completions", "bash"], None),
        (vec!["completions", "zsh"], None),
        (vec!["health", "--set", "http.listen=off"], None),
        (vec!["config", "check"], None),
        (vec!["config", "show"], None),
        (vec!["policy", "print"], None),
        (vec!["policy", "check"], None),
        (vec!["policy", "table"], None),
        (vec!["policy", "test"], None),
        (vec!["catalog", "check", catalog], None),
        (vec!["route", "--catalog", catalog], Some("tickets.jsonl")),
        (vec!["explain", "--catalog", catalog], Some("catalog/offers.jsonl")),
        ([&["topics", "check"], nowhere.as_slice()].concat(), None),
        (vec!["demo", "--tickets", "3"], None),
    ] {
        assert_quiet(&words, || {
            let mut command = Command::new(env!("CARGO_BIN_EXE_ticket-router"));
            let input = input.map(|name| File::open(sample(name)).expect("the samples are there"));
            command.args(&words).stdin(input.map_or_else(Stdio::null, Stdio::from));
            command
        });
    }
}

#[test]
fn a_message_that_cannot_be_written_does_not_change_the_exit_code() {
    for words in
        [vec!["no-such-command"], vec!["policy", "check", "/nowhere.toml"], vec!["run", "--set", "a.b=1"]]
    {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ticket-router"));
        let output = command.args(&words).stderr(closed()).output().expect("cargo built the router");
        assert_eq!(output.status.code(), Some(64), "{words:?}: {output:?}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_disk_that_is_full_is_an_error_all_the_same() {
    for words in [vec!["--help"], vec!["completions", "fish"], vec!["policy", "table"]] {
        let full = File::options().write(true).open("/dev/full").expect("Linux has it");
        let mut command = Command::new(env!("CARGO_BIN_EXE_ticket-router"));
        let output = command.args(&words).stdout(full).output().expect("cargo built the router");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{words:?}: {said}");
        assert!(said.starts_with("error: ") && !said.contains("panicked"), "{said}");
    }
}

#[test]
fn commands_on_brokers_end_quietly_and_a_router_goes_on_without_its_log() {
    let (topics, source) = prepared(1);
    let mut settings = Settings::new(&topics);
    settings.set("http.listen", "off");
    let folder = settings.dir().join("exported").display().to_string();
    let folder = folder.as_str();
    for words in [
        vec!["topics", "check"],
        vec!["topics", "create"],
        vec!["catalog", "export", folder],
        vec!["catalog", "load", folder],
    ] {
        assert_quiet(&words, || settings.command(&words));
    }

    let (reader, writer) = io::pipe().expect("a pipe can be made");
    let mut command = settings.command(&["run"]);
    command.stdout(writer.try_clone().expect("a pipe can be shared")).stderr(writer);
    let mut router = Running(command.spawn().expect("cargo built the router"));
    // Its own end, too.
    drop((command, reader));
    let mut watch = Watch::new(&topics);
    load::send(&source, &topics, 0..10);
    watch.wait_for(10);
    let id = router.0.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().expect("kill is there").success());
    let status = wait_for("the router ends", EXIT_DEADLINE, || router.0.try_wait().expect("it is a child"));
    assert!(status.success(), "{status}");
}

/// Runs a command with a closed pipe as its output, and once more with its messages in the same pipe.
#[track_caller]
fn assert_quiet(words: &[&str], command: impl Fn() -> Command) {
    let run = |command: &mut Command| command.output().expect("cargo built the router");
    let output = run(command().stdout(closed()));
    assert_eq!(output.status.code(), Some(0), "{words:?}: {output:?}");
    let Output { stderr, .. } = &output;
    let said = String::from_utf8_lossy(stderr).to_lowercase();
    assert!(["panicked", "broken pipe"].iter().all(|word| !said.contains(word)), "{words:?}: {said}");

    let both = closed();
    let output = run(command().stdout(both.try_clone().expect("a pipe can be shared")).stderr(both));
    assert_eq!(output.status.code(), Some(0), "{words:?} with its messages in the pipe: {:?}", output.status);
}

/// A pipe that nobody reads.
fn closed() -> PipeWriter {
    let (_, writer) = io::pipe().expect("a pipe can be made");
    writer
}

fn sample(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("samples").join(name)
}

/// A process that ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
