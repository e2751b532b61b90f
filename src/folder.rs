//! A catalog as a folder of three files.

use std::{
    fs::File,
    io::{self, BufReader},
    path::{Path, PathBuf},
};

use thiserror::Error;

use crate::catalog::{Draft, Encodings, Finding, Kind, Loaded, Offer, Partner, Publisher, Snapshot, load};

/// A file of the folder cannot be read.
#[derive(Debug, Error)]
#[error("cannot read `{}`", path.display())]
pub struct Unreadable {
    /// The file.
    pub path: PathBuf,
    /// Why.
    pub source: io::Error,
}

/// A catalog that was read from a folder.
pub struct Folder {
    /// Its records.
    pub snapshot: Snapshot,
    /// What became of the lines of each file, in the order of [`Kind::ALL`].
    pub files: [(Kind, Loaded); 3],
}

impl Folder {
    /// Returns how many lines were left out.
    #[must_use]
    pub fn errors(&self) -> u64 {
        self.files.iter().map(|(_, loaded)| loaded.errors).sum()
    }
}

/// Reads `offers.jsonl`, `publishers.jsonl` and `partners.jsonl` of a folder. What is wrong with single lines goes
/// to `report` while they are read; the lines are left out.
///
/// # Errors
/// A file is missing, or cannot be read to its end.
pub fn load_folder(
    folder: &Path,
    encodings: Encodings,
    report: impl FnMut(Finding),
) -> Result<Folder, Unreadable> {
    let mut draft = Draft::new();
    let files = load_into(&mut draft, folder, encodings, report)?;
    Ok(Folder { snapshot: draft.finish(), files })
}

/// Reads a folder as [`load_folder`] does, into a draft: to replace a live catalog.
///
/// # Errors
/// As [`load_folder`]; the draft is then of no use.
pub fn load_into(
    draft: &mut Draft,
    folder: &Path,
    encodings: Encodings,
    mut report: impl FnMut(Finding),
) -> Result<[(Kind, Loaded); 3], Unreadable> {
    let mut files = Kind::ALL.map(|kind| (kind, Loaded::default()));
    for (kind, loaded) in &mut files {
        let name = kind.file_name();
        let path = folder.join(name);
        let read = |file: File| {
            let input = BufReader::with_capacity(256 * 1_024, file);
            match kind {
                Kind::Offer => load::<Offer>(name, input, encodings, draft, &mut report),
                Kind::Publisher => load::<Publisher>(name, input, encodings, draft, &mut report),
                Kind::Partner => load::<Partner>(name, input, encodings, draft, &mut report),
            }
        };
        *loaded = File::open(&path).and_then(read).map_err(|source| Unreadable { path, source })?;
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_missing_file_is_named() {
        let folder = tempfile::tempdir().expect("a folder can be made");
        fs::write(folder.path().join("offers.jsonl"), "").expect("a file can be written");
        let failed =
            load_folder(folder.path(), Encodings::JSON, |_| ()).err().expect("two files are missing");
        let expected = format!("cannot read `{}`", folder.path().join("publishers.jsonl").display());
        assert_eq!(failed.to_string(), expected);
        assert_eq!(failed.source.kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn a_folder_gives_its_records_and_its_findings() {
        let folder = tempfile::tempdir().expect("a folder can be made");
        for (name, text) in [
            ("offers.jsonl", "{\"id\":\"o\",\"publisherId\":\"p\"}\n{}\n"),
            ("publishers.jsonl", "{\"id\":\"p\"}\n"),
            ("partners.jsonl", "\n"),
        ] {
            fs::write(folder.path().join(name), text).expect("a file can be written");
        }
        let mut findings = Vec::new();
        let read = load_folder(folder.path(), Encodings::BOTH, |finding| findings.push(finding.to_string()))
            .expect("all files are there");
        assert_eq!(findings, ["offers.jsonl:2: error: `id` is missing, every record needs one"]);
        assert_eq!(read.errors(), 1);
        assert!(read.snapshot.offer("o").is_some() && read.snapshot.publisher("p").is_some());
    }
}
