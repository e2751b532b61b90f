//! The checker catches routers that are broken, and acquits a sound one. Each has a broker of its own.

use std::{fs, path::Path, process::Command};

use serde_json::Value;

/// Lets a control route, and gives the checker's findings that are not zero.
#[track_caller]
fn findings_of(flaw: &str) -> Vec<(String, u64)> {
    let folder = tempfile::tempdir().expect("the folder for temporary files can be written");
    // The checker is found beside the program.
    assert!(Path::new(env!("CARGO_BIN_EXE_ticket-router-proof-checker")).is_file());
    let output = Command::new(env!("CARGO_BIN_EXE_ticket-router-proof"))
        .args(["control", "--flaw", flaw, "--folder"])
        .arg(folder.path().join("run"))
        .output()
        .expect("cargo built the program");
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    let figures =
        fs::read(folder.path().join("run/figures.json")).unwrap_or_else(|error| panic!("{error}\n{said}"));
    let figures: Value = serde_json::from_slice(&figures).expect("figures are JSON");
    assert_eq!(figures["records"], 600, "{said}");
    let found: Vec<_> = figures["findings"]
        .as_object()
        .expect("findings have names")
        .iter()
        .map(|(name, count)| (name.clone(), count.as_u64().expect("a count is a number")))
        .filter(|(_, count)| *count > 0)
        .collect();
    assert_eq!(output.status.code(), Some(i32::from(!found.is_empty())), "{said}");
    found
}

#[track_caller]
fn assert_found(flaw: &str, wanted: &str, at_least: u64) {
    let found = findings_of(flaw);
    assert!(found.iter().any(|(name, count)| name == wanted && *count >= at_least), "{found:?}");
}

#[test]
fn a_sound_router_is_acquitted_under_the_faults_of_the_others() {
    assert_eq!(findings_of("none"), []);
}

#[test]
fn a_router_that_ignores_send_errors_is_caught() {
    assert_eq!(findings_of("ignores-send-errors"), [("lost".to_owned(), 6)]);
}

#[test]
fn a_router_that_does_not_rewind_after_an_abort_is_caught() {
    assert_found("never-rewinds", "lost", 50);
}

#[test]
fn a_router_that_commits_by_itself_is_caught() {
    assert_found("commits-by-itself", "lost", 1);
}

#[test]
fn a_router_that_writes_and_commits_apart_is_caught() {
    assert_found("writes-twice", "duplicated", 1);
}

#[test]
fn a_router_that_reorders_is_caught() {
    assert_found("reorders", "out of order", 50);
}

#[test]
fn a_router_that_leaves_a_transaction_open_is_caught() {
    assert_found("leaves-open", "open transactions", 1);
}

#[test]
fn a_router_that_loses_headers_is_caught() {
    assert_eq!(findings_of("loses-headers"), [("changed".to_owned(), 12)]);
}

#[test]
fn a_router_that_misroutes_is_caught() {
    assert_found("misroutes", "wrong owner", 12);
}
