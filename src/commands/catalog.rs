//! `ticket-router catalog …`.

use std::{
    error::Error,
    io::{self, Write},
    path::{Path, PathBuf},
};

use super::{
    catalog_remove::{self, RemoveArgs},
    catalog_topics::{self, ExportArgs, TransferArgs},
    exit,
    topics::ConfigArgs,
};
use crate::{
    catalog::{Encodings, Finding, Level, check},
    folder::{Folder, load_folder},
};

/// What can be done with a catalog.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Check a folder of offers.jsonl, publishers.jsonl and partners.jsonl, or the catalog's topics.
    ///
    /// Findings go to stderr, a summary to stdout. Ends with 65 if a line or a record cannot be taken, 64 if
    /// a file cannot be read, 78 if a topic is missing or has several partitions.
    Check(CheckArgs),
    /// Write a folder to the catalog's topics.
    ///
    /// It removes nothing: a record that the topics have and the folder lacks stays. `catalog remove` removes
    /// it.
    Load(TransferArgs),
    /// Read the catalog's topics into a folder
    Export(ExportArgs),
    /// Remove records from the catalog's topics
    Remove(RemoveArgs),
}

/// Arguments of `catalog check`.
#[derive(Debug, clap::Args)]
pub struct CheckArgs {
    /// The folder
    #[arg(value_name = "DIR", conflicts_with_all = ["config", "overrides"])]
    folder: Option<PathBuf>,
    /// The topics are checked where no folder is given
    #[command(flatten)]
    config: ConfigArgs,
}

impl Command {
    /// Runs the command; returns its exit code.
    ///
    /// # Errors
    /// The brokers do not take or give the records, or `out` and `err` cannot be written.
    pub fn run(&self, out: &mut impl Write, err: &mut impl Write) -> anyhow::Result<u8> {
        match self {
            Self::Check(CheckArgs { folder: Some(folder), .. }) => {
                Ok(check_folder(folder, out, err)?.exit_code())
            }
            Self::Check(CheckArgs { config, .. }) if config.is_given() => {
                catalog_topics::check(config, out, err)
            }
            Self::Check(_) => {
                writeln!(err, "error: name a folder to check, or the topics with `--config FILE`")?;
                Ok(exit::USAGE)
            }
            Self::Load(args) => catalog_topics::load(args, out),
            Self::Export(args) => catalog_topics::export(args, out),
            Self::Remove(args) => catalog_remove::remove(args, out),
        }
    }
}

/// How a check ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Checked {
    /// Every line is a record; there may be warnings. Exit code 0.
    Good,
    /// Some lines are not. Exit code 65.
    Bad,
    /// A file is missing or cannot be read. Exit code 64.
    Unreadable,
}

impl Checked {
    /// Returns the exit code of the process.
    #[must_use]
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Good => 0,
            Self::Bad => 65,
            Self::Unreadable => 64,
        }
    }
}

/// Checks a catalog folder: every finding a line on `err`, a summary on `out`.
///
/// # Errors
/// Only those of writing; what is wrong with the folder is the outcome.
pub fn check_folder(folder: &Path, out: &mut impl Write, err: &mut impl Write) -> io::Result<Checked> {
    let mut written = Ok(());
    let mut warnings = 0_u64;
    let mut report = |finding: &Finding| {
        warnings += u64::from(finding.level() == Level::Warning);
        if written.is_ok() {
            written = writeln!(err, "{finding}");
        }
    };
    let read = load_folder(folder, Encodings::PROTOBUF, |finding| report(&finding));
    if let Ok(read) = &read {
        check(&read.snapshot).iter().for_each(report);
    }
    written?;
    match read {
        Ok(read) => {
            write_summary(&read, warnings, out)?;
            Ok(if read.errors() == 0 { Checked::Good } else { Checked::Bad })
        }
        Err(unreadable) => {
            let source = unreadable.source().map_or_else(String::new, |source| format!(": {source}"));
            writeln!(err, "error: {unreadable}{source}")?;
            Ok(Checked::Unreadable)
        }
    }
}

fn write_summary(read: &Folder, warnings: u64, out: &mut impl Write) -> io::Result<()> {
    let counts = read.snapshot.counts();
    for (kind, loaded) in &read.files {
        write!(out, "{}: {} kept of {}", kind.file_name(), counts.of(*kind), plural(loaded.lines, "line"))?;
        match loaded.errors {
            0 => writeln!(out)?,
            errors => writeln!(out, ", {errors} left out")?,
        }
    }
    writeln!(out, "{}, {}", plural(read.errors(), "error"), plural(warnings, "warning"))
}

pub(super) fn plural(count: u64, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fs};

    use super::*;
    use crate::proto::v1::Ticket;

    fn checked(files: &[(&str, &str)]) -> (Checked, String, String) {
        let folder = tempfile::tempdir().expect("a folder can be made");
        for (name, text) in files {
            fs::write(folder.path().join(name), text).expect("a file can be written");
        }
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let checked = check_folder(folder.path(), &mut out, &mut err).expect("memory can be written");
        let text = |bytes| String::from_utf8(bytes).expect("the report is UTF-8");
        (checked, text(out), text(err).replace(&folder.path().display().to_string(), "DIR"))
    }

    #[test]
    fn a_good_folder_may_have_warnings() {
        let (checked, out, err) = checked(&[
            ("offers.jsonl", r#"{"id":"o","publisherId":"p","azureBased":true}"#),
            ("publishers.jsonl", r#"{"id":"p","supportUri":"mailto:help@p.example"}"#),
            ("partners.jsonl", r#"{"id":"a","model":"MODEL_DIRECT_BILL","Name":"A"}"#),
        ]);
        assert_eq!(checked.exit_code(), 0);
        assert_eq!(
            err,
            "partners.jsonl:1: warning: unknown field `Name`, perhaps `name` is meant\n\
             offers.jsonl: warning: offer `o` names no contact, and its publisher only has a general `supportUri`\n"
        );
        assert_eq!(
            out,
            "offers.jsonl: 1 kept of 1 line\npublishers.jsonl: 1 kept of 1 line\n\
             partners.jsonl: 1 kept of 1 line\n0 errors, 2 warnings\n"
        );
    }

    #[test]
    fn a_line_that_cannot_be_taken_makes_a_bad_folder() {
        let (checked, out, err) = checked(&[
            ("offers.jsonl", ""),
            ("publishers.jsonl", "{\"id\":\"p\"}\n{"),
            ("partners.jsonl", ""),
        ]);
        assert_eq!(checked.exit_code(), 65);
        assert_eq!(err, "publishers.jsonl:2: error: invalid JSON: EOF while parsing an object at column 1\n");
        assert_eq!(
            out,
            "offers.jsonl: 0 kept of 0 lines\npublishers.jsonl: 1 kept of 2 lines, 1 left out\n\
             partners.jsonl: 0 kept of 0 lines\n1 error, 0 warnings\n"
        );
    }

    #[test]
    fn a_folder_without_a_file_cannot_be_read() {
        let (checked, out, err) = checked(&[("offers.jsonl", "")]);
        assert_eq!((checked.exit_code(), out.as_str()), (64, ""));
        assert!(err.starts_with("error: cannot read `DIR/publishers.jsonl`: No such file"), "{err}");
    }

    #[test]
    fn the_sample_catalog_is_good() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/catalog");
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let checked = check_folder(&folder, &mut out, &mut err).expect("memory can be written");
        let (out, err) = (String::from_utf8_lossy(&out), String::from_utf8_lossy(&err));
        assert_eq!(checked, Checked::Good, "{err}");
        // It has one of each fault that sends tickets to triage, so that the samples show them.
        assert!(out.ends_with("\n0 errors, 10 warnings\n"), "{out}{err}");
    }

    #[test]
    fn every_sample_ticket_is_a_ticket_with_an_id_of_its_own() {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/tickets.jsonl");
        let text = fs::read_to_string(file).expect("the samples are there");
        let tickets: Vec<Ticket> = text.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
        let ids: BTreeSet<_> = tickets.iter().map(|ticket| &ticket.id).collect();
        assert_eq!((tickets.len(), ids.len()), (300, 300));
    }
}
