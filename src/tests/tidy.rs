//! The source reads as if one hand had written it: heads, comments, imports, rooms and plain words.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use super::purity::{paths, program_files, program_text};

const MAX_COMMENT: usize = 120;

/// Phrases that a reader has to translate first.
const BANNED: [&str; 10] = [
    "be it",
    "is none of",
    "is told so",
    "made anew",
    "must not be had",
    "not to be had",
    "of its own accord",
    "once more than",
    "so many",
    "whoever",
];

#[test]
fn every_file_begins_with_what_it_is_for() {
    assert_none(&files("src", "rs"), |text| {
        (!text.starts_with("//! ")).then(|| text.lines().next().unwrap_or_default().to_owned())
    });
}

// rustfmt breaks the code itself, and never a comment.
#[test]
fn no_comment_is_too_wide() {
    assert_none(&files("src", "rs"), |text| {
        let is_wide = |line: &&str| {
            let is_comment = line.trim_start().starts_with("//");
            is_comment && !line.contains("://") && line.chars().count() > MAX_COMMENT
        };
        text.lines().find(is_wide).map(str::to_owned)
    });
}

#[test]
fn the_standard_library_is_used_in_one_place() {
    assert_none(&files("src", "rs"), |text| {
        text.lines().filter(|line| line.starts_with("use std::")).nth(1).map(str::to_owned)
    });
}

#[test]
fn the_words_are_plain() {
    let read = [files("src", "rs"), files("docs", "md"), vec![root().join("README.md")]].concat();
    assert_none(&read, |text| {
        let words: Vec<_> = text.split(|it: char| !it.is_alphanumeric()).map(str::to_lowercase).collect();
        let spaced = format!(" {} ", words.join(" "));
        BANNED.into_iter().find(|phrase| spaced.contains(&format!(" {phrase} "))).map(str::to_owned)
    });
}

#[test]
fn no_rooms_need_each_other_in_a_circle() {
    let source = root().join("src");
    let mut needs: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for file in program_files(&source) {
        let text = fs::read_to_string(&file).expect("the file can be read");
        let place = file.strip_prefix(&source).expect("it is one of the sources").with_extension("");
        let room = place.iter().next().expect("it has a name").to_string_lossy().into_owned();
        let used = paths(program_text(&text)).into_iter();
        let rooms =
            used.filter_map(|path| Some(path.strip_prefix("crate::")?.split("::").next()?.to_owned()));
        needs.entry(room.clone()).or_default().extend(rooms.filter(|it| *it != room));
    }
    assert!(needs.len() > 10, "only {} rooms were read", needs.len());
    // A room that needs no room that is left is in no circle.
    loop {
        let rooms: BTreeSet<String> = needs.keys().cloned().collect();
        needs.retain(|_, needed| needed.iter().any(|it| rooms.contains(it)));
        if needs.len() == rooms.len() {
            break;
        }
    }
    assert_eq!(needs, BTreeMap::new(), "these rooms are in a circle, or need one that is");
}

/// Fails with each file in which something is found, except this one: it holds what it looks for.
fn assert_none(files: &[PathBuf], find: impl Fn(&str) -> Option<String>) {
    let mut found = Vec::new();
    for file in files.iter().filter(|file| !file.ends_with("tests/tidy.rs")) {
        let text = fs::read_to_string(file).expect("the file can be read");
        found.extend(find(&text).map(|what| format!("{}: {what}", file.display())));
    }
    assert_eq!(found, Vec::<String>::new());
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The files of a folder whose names end like this; at least one.
fn files(folder: &str, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    collect(&root().join(folder), extension, &mut found);
    assert!(!found.is_empty(), "{folder} has no .{extension}");
    found
}

fn collect(folder: &Path, extension: &str, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("the folder can be read") {
        let path = entry.expect("the folder can be read").path();
        if path.is_dir() {
            collect(&path, extension, found);
        } else if path.extension().is_some_and(|it| it == extension) {
            found.push(path);
        }
    }
}
