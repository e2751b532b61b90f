//! The core is pure: it uses no Kafka, no runtime, no clock, no file and no socket.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

const CORE: [&str; 7] = ["ticket", "catalog", "policy", "decide", "encode", "route", "explain"];

/// What the core may not name, as the beginning of a path.
const FORBIDDEN: [&str; 26] = [
    "anyhow",
    "axum",
    "clap",
    "config",
    "crate::cli",
    "crate::commands",
    "crate::config",
    "crate::folder",
    "crate::http",
    "crate::kafka",
    "crate::metrics",
    "crate::service",
    "crate::telemetry",
    "indicatif",
    "jiff",
    "rdkafka",
    "rdkafka_sys",
    "std::env",
    "std::fs",
    "std::net",
    "std::process",
    "std::thread",
    "std::time",
    "tokio",
    "tracing",
    "tracing_subscriber",
];

#[test]
fn the_core_uses_nothing_of_the_world_outside() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    let mut files = 0;
    for folder in CORE {
        for file in program_files(&source.join(folder)) {
            files += 1;
            let text = fs::read_to_string(&file).expect("the file can be read");
            let used = paths(program_text(&text));
            let bad = used.iter().filter(|path| FORBIDDEN.iter().any(|forbidden| begins(path, forbidden)));
            found.extend(bad.map(|path| format!("{}: {path}", file.display())));
        }
    }
    assert!(files > 40, "only {files} files were read");
    assert_eq!(found, Vec::<String>::new());
}

#[test]
fn only_one_folder_names_the_kafka_client() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let folders = fs::read_dir(&source).expect("the sources are there");
    let folders = folders.map(|entry| entry.expect("the folder can be read").path());
    for folder in folders.filter(|path| path.is_dir() && !path.ends_with("kafka") && !path.ends_with("tests"))
    {
        for file in program_files(&folder) {
            let text = fs::read_to_string(&file).expect("the file can be read");
            let named = paths(program_text(&text)).into_iter().find(|path| begins(path, "rdkafka"));
            assert_eq!(named, None, "{}", file.display());
        }
    }
}

#[test]
fn nested_uses_are_seen_through() {
    let text = "//! use std::net;\nuse std::{\n    fs::{self, File},\n    io as stdio,\n};\nfn f() { let t = std::time::Instant::now(); }\n";
    let expected = ["std::fs", "std::fs::File", "std::io", "std::time::Instant::now"];
    assert_eq!(paths(text), expected.map(str::to_owned).into());
    assert!(begins("std::fs::File", "std::fs") && !begins("std::fsx", "std::fs"));
    let own = "crate::config::Config";
    assert!(begins(own, "crate::config") && !begins(own, "config"));
}

fn begins(path: &str, with: &str) -> bool {
    path.strip_prefix(with).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

/// The files of a folder that are in the program: not those of modules for tests.
pub(super) fn program_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut entries: Vec<PathBuf> = fs::read_dir(folder)
        .expect("the folder can be read")
        .map(|entry| entry.expect("the folder can be read").path())
        .collect();
    entries.sort();
    let mut for_tests = BTreeSet::new();
    for file in entries.iter().filter(|path| path.extension().is_some_and(|it| it == "rs")) {
        let text = fs::read_to_string(file).expect("the file can be read");
        let mut lines = text.lines();
        while let Some(line) = lines.next() {
            if line == "#[cfg(test)]"
                && let Some(module) =
                    lines.next().and_then(|line| line.strip_prefix("mod ")?.strip_suffix(';'))
            {
                for_tests.insert(module.to_owned());
            }
        }
    }
    for path in entries {
        let name = path.file_stem().map(|it| it.to_string_lossy().into_owned()).unwrap_or_default();
        if for_tests.contains(&name) || name == "snapshots" {
            continue;
        }
        if path.is_dir() {
            files.extend(program_files(&path));
        } else if path.extension().is_some_and(|it| it == "rs") {
            files.push(path);
        }
    }
    files
}

/// The text of a file before its tests.
pub(super) fn program_text(text: &str) -> &str {
    text.split_once("\n#[cfg(test)]\nmod tests {").map_or(text, |(program, _)| program)
}

/// Every path that is used, or named with at least two segments, in full.
pub(super) fn paths(text: &str) -> BTreeSet<String> {
    let code: Vec<&str> =
        text.lines().map(|line| line.split_once("//").map_or(line, |(code, _)| code)).collect();
    let code = code.join("\n");
    let mut paths = BTreeSet::new();
    let mut rest = code.as_str();
    while let Some((word, after)) = next_word(rest) {
        rest = after;
        if word == "use" {
            let (tree, after) = rest.split_once(';').unwrap_or((rest, ""));
            expand("", tree, &mut paths);
            rest = after;
        } else if word.contains("::") {
            paths.insert(word.trim_end_matches("::").to_owned());
        }
    }
    paths
}

fn next_word(text: &str) -> Option<(&str, &str)> {
    let is_part = |character: char| character.is_alphanumeric() || character == '_' || character == ':';
    let (_, text) = text.split_at_checked(text.find(is_part)?)?;
    Some(text.split_at(text.find(|character| !is_part(character)).unwrap_or(text.len())))
}

/// Writes out `a::{b, c::{self, d}}`.
fn expand(prefix: &str, tree: &str, paths: &mut BTreeSet<String>) {
    let tree = tree.trim();
    if let Some((head, members)) = tree.split_once('{') {
        let members = members.trim_end().strip_suffix('}').unwrap_or(members);
        let mut depth = 0;
        let parts = members.split(|character| {
            match character {
                '{' => depth += 1,
                '}' => depth -= 1,
                _ => {}
            }
            character == ',' && depth == 0
        });
        for part in parts {
            expand(&format!("{prefix}{head}"), part, paths);
        }
        return;
    }
    let name = tree.split(" as ").next().unwrap_or(tree).trim();
    match name {
        "" => {}
        "self" => drop(paths.insert(prefix.trim_end_matches("::").to_owned())),
        name => drop(paths.insert(format!("{prefix}{name}"))),
    }
}
