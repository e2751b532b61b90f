//! The borders that ARCHITECTURE.md draws, checked in the source text.

use std::{fs, path::Path};

/// The folders of the core.
const CORE: [&str; 7] = ["ticket", "catalog", "policy", "decide", "encode", "route", "explain"];
/// What only the edge may name: clients, runtimes, servers, logs, settings, clocks, files, sockets.
const EDGE: [&str; 14] = [
    "rdkafka::",
    "tokio::",
    "axum::",
    "tracing::",
    "config::",
    "crate::kafka",
    "crate::service",
    "crate::commands",
    "std::fs",
    "fs::",
    "std::net",
    "std::env",
    "Instant::now",
    "SystemTime",
];

/// Calls `look` with each line of code in a folder of `src`, and where it stands. What follows `#[cfg(test)]`, and files of tests, are left out.
fn each_line(folder: &Path, look: &mut impl FnMut(&str, String)) {
    for entry in fs::read_dir(folder).expect("the sources are there") {
        let path = entry.expect("the folder can be read").path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() {
            if name != "tests" {
                each_line(&path, look);
            }
        } else if name.ends_with(".rs")
            && !["tests.rs", "differential.rs", "simulation.rs", "purity.rs"].contains(&&*name)
        {
            let text = fs::read_to_string(&path).expect("a source is text");
            let code = text.lines().take_while(|line| line.trim() != "mod tests {");
            for (number, line) in code.enumerate().filter(|(_, line)| !line.trim_start().starts_with("//")) {
                look(line, format!("{}:{}", path.display(), number + 1));
            }
        }
    }
}

fn source(folder: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(folder)
}

#[test]
fn the_core_names_no_client_no_clock_no_file_and_no_socket() {
    for folder in CORE {
        each_line(&source(folder), &mut |line, place| {
            let named = EDGE.iter().find(|name| line.contains(**name));
            assert!(named.is_none(), "{place} names `{}`", named.unwrap_or(&""));
        });
    }
}

#[test]
fn only_one_folder_names_the_kafka_client() {
    let kafka = source("kafka");
    each_line(&source(""), &mut |line, place| {
        assert!(
            !line.contains("rdkafka::") || place.starts_with(&*kafka.to_string_lossy()),
            "{place} names the Kafka client"
        );
    });
}
