//! `ticket-router catalog …`.

mod remove;
mod topics;

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
};

use self::{
    remove::RemoveArgs,
    topics::{ExportArgs, LoadArgs},
};
use super::{
    config::ConfigArgs,
    exit::{Ended, Exit, Failure, OrExit as _},
    findings::{CheckFormat, Finding as Found, Verdict},
    io::Io,
};
use crate::{
    catalog::{Encodings, Finding, Kind, Level, Snapshot, check},
    console::count,
    folder::{Folder, load_folder},
};

/// What can be done with a catalog.
#[derive(Debug, clap::Subcommand)]
pub enum CatalogCommand {
    Check(CheckArgs),
    Load(LoadArgs),
    Export(ExportArgs),
    Remove(RemoveArgs),
}

impl CatalogCommand {
    /// Runs the command.
    ///
    /// # Errors
    ///
    /// The catalog cannot be read or written, or the brokers are not as they must be.
    pub fn run(self, io: &mut Io<'_>) -> Ended {
        match self {
            Self::Check(args) => args.run(io),
            Self::Load(args) => args.run(io),
            Self::Export(args) => args.run(io),
            Self::Remove(args) => args.run(io),
        }
    }
}

/// Check a folder of offers.jsonl, publishers.jsonl and partners.jsonl, or the catalog's topics.
///
/// Findings go to stderr, a summary to stdout. The exit code is 65 if a line or a record cannot be taken, 64 if
/// a file cannot be read, 78 if a topic is missing or has several partitions.
#[derive(Debug, clap::Args)]
pub struct CheckArgs {
    /// The folder
    #[arg(value_name = "DIR", conflicts_with_all = ["config", "overrides"])]
    folder: Option<PathBuf>,
    /// The topics are checked if no folder is given
    #[command(flatten)]
    config: ConfigArgs,
    /// How the result is shown
    #[arg(long, value_enum, default_value_t)]
    format: CheckFormat,
}

impl CheckArgs {
    fn run(self, io: &mut Io<'_>) -> Ended {
        self.format.run(io, |io| self.check(io))
    }

    fn check(&self, io: &mut Io<'_>) -> Result<Verdict, Failure> {
        match &self.folder {
            Some(folder) => check_folder(folder, io),
            None if self.config.is_given() => topics::check(&self.config, io),
            None => Err(Failure::usage("name a folder to check, or the topics with `--config FILE`")),
        }
    }
}

/// Checks a catalog folder: every finding a line on `err`, a summary on `out`.
fn check_folder(folder: &Path, io: &mut Io<'_>) -> Result<Verdict, Failure> {
    let mut warnings = 0;
    let mut report = |finding: &Finding| {
        warnings += u64::from(finding.level() == Level::Warning);
        io.found(finding);
    };
    let read = load_folder(folder, Encodings::PROTOBUF, |finding| report(&finding)).or_exit(Exit::Usage)?;
    check(&read.snapshot).iter().for_each(report);
    for warning in empty(&read.snapshot) {
        warnings += 1;
        io.found(warning);
    }
    write_files(&read, io.out)?;
    let exit = if read.errors() == 0 { Exit::Done } else { Exit::Data };
    let summary = format!("{}, {}", count(read.errors(), "error"), count(warnings, "warning"));
    Ok(Verdict { exit, summary })
}

/// Makes a warning for each kind of record that a catalog lacks.
fn empty(snapshot: &Snapshot) -> Vec<Found> {
    let counts = snapshot.counts();
    let lacking = Kind::ALL.into_iter().filter(|&kind| counts.of(kind) == 0);
    lacking
        .map(|kind| {
            let what = kind.file_name().trim_end_matches(".jsonl");
            let text = format!("the catalog has no {what}: every ticket that names one goes to triage");
            Found::warning("no-records", text)
        })
        .collect()
}

fn write_files(read: &Folder, out: &mut dyn Write) -> io::Result<()> {
    let counts = read.snapshot.counts();
    for (kind, loaded) in &read.files {
        write!(out, "{}: {} kept of {}", kind.file_name(), counts.of(*kind), count(loaded.lines, "line"))?;
        match loaded.errors {
            0 => writeln!(out)?,
            errors => writeln!(out, ", {errors} left out")?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fs};

    use super::*;
    use crate::{commands::io::tests::run, proto::v1::Ticket};

    /// The exit code and both outputs of a check.
    fn checked(files: &[(&str, &str)]) -> (u8, String, String) {
        let folder = tempfile::tempdir().expect("a folder can be made");
        for (name, text) in files {
            fs::write(folder.path().join(name), text).expect("a file can be written");
        }
        let (code, out, err) = run(|io| CheckFormat::Text.run(io, |io| check_folder(folder.path(), io)));
        (code, out, err.replace(&folder.path().display().to_string(), "DIR"))
    }

    #[test]
    fn a_good_folder_may_have_warnings() {
        let (code, out, err) = checked(&[
            ("offers.jsonl", r#"{"id":"o","publisherId":"p","azureBased":true}"#),
            ("publishers.jsonl", r#"{"id":"p","supportUri":"mailto:help@p.example"}"#),
            ("partners.jsonl", r#"{"id":"a","model":"MODEL_DIRECT_BILL","Name":"A"}"#),
        ]);
        assert_eq!(code, 0);
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
    fn a_value_without_its_prefix_says_which_was_meant() {
        let (code, _, err) = checked(&[
            ("offers.jsonl", r#"{"id":"o","publisherId":"p","kind":"SaaS","azureBased":true}"#),
            ("publishers.jsonl", r#"{"id":"p"}"#),
            ("partners.jsonl", r#"{"id":"a","model":"DIRECT"}"#),
        ]);
        assert_eq!(code, 0);
        assert!(
            err.starts_with("offers.jsonl:1: warning: `kind` is `SaaS`, which this version does not know, perhaps `KIND_SAAS` is meant;"),
            "{err}"
        );
        assert!(
            err.contains(
                "\npartners.jsonl:1: warning: `model` is `DIRECT`, which this version does not know;"
            ),
            "{err}"
        );
    }

    #[test]
    fn a_line_that_cannot_be_taken_makes_a_bad_folder() {
        let (code, out, err) = checked(&[
            ("offers.jsonl", ""),
            ("publishers.jsonl", "{\"id\":\"p\"}\n{"),
            ("partners.jsonl", ""),
        ]);
        assert_eq!(code, 65);
        assert_eq!(
            err,
            "publishers.jsonl:2: error: invalid JSON: EOF while parsing an object at column 1\n\
             warning: the catalog has no offers: every ticket that names one goes to triage\n\
             warning: the catalog has no partners: every ticket that names one goes to triage\n"
        );
        assert_eq!(
            out,
            "offers.jsonl: 0 kept of 0 lines\npublishers.jsonl: 1 kept of 2 lines, 1 left out\n\
             partners.jsonl: 0 kept of 0 lines\n1 error, 2 warnings\n"
        );
    }

    #[test]
    fn a_folder_without_a_file_cannot_be_read() {
        let (code, out, err) = checked(&[("offers.jsonl", "")]);
        assert_eq!((code, out.as_str()), (64, ""));
        assert!(
            err.starts_with("error: cannot read `DIR/publishers.jsonl`\n  because: No such file"),
            "{err}"
        );
    }

    #[test]
    fn the_sample_catalog_is_good() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/catalog");
        let (code, out, err) = run(|io| CheckFormat::Text.run(io, |io| check_folder(&folder, io)));
        assert_eq!(code, 0, "{err}");
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
