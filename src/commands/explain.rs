//! `ticket-router explain`: why a ticket has its owner, for a person.

use std::{
    error::Error,
    fs,
    io::{self, Read, Write},
    path::PathBuf,
};

use serde::Serialize;

use super::{
    exit,
    input::{self, Piece},
};
use crate::{
    catalog::{Encodings, Level},
    explain::{Explanation, explain, write_text},
    folder::load_folder,
    policy::Policy,
    route::Destination,
    ticket::{BadRecord, Limits, Reader},
};

/// The input is judged as `run` judges a record without the header.
const CONTENT_TYPE: Option<&[u8]> = None;

/// Say why a ticket, read as JSON from stdin, has its owner.
///
/// The rule, its clause, each value and where it came from, and the least that would have to differ for another owner. Ends
/// with 1 if the input is not a ticket.
#[derive(Clone, Debug, clap::Args)]
pub struct Explain {
    /// The folder of offers.jsonl, publishers.jsonl and partners.jsonl.
    #[arg(long, value_name = "DIR")]
    pub catalog: PathBuf,
    /// The policy file; the built-in policy without it.
    #[arg(long, value_name = "FILE")]
    pub policy: Option<PathBuf>,
    /// How the answer is laid out.
    #[arg(long, value_enum, default_value_t)]
    pub format: ExplainFormat,
}

/// How an explanation is laid out.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, clap::ValueEnum)]
pub enum ExplainFormat {
    /// For a terminal.
    #[default]
    Text,
    /// For a program: see `docs/explain.md`.
    Json,
}

/// The answer about input that is not a ticket.
#[derive(Serialize)]
struct DeadLetter<'b> {
    topic: &'static str,
    error: DeadLetterError<'b>,
}

#[derive(Serialize)]
struct DeadLetterError<'b> {
    reason: &'static str,
    meaning: &'static str,
    detail: &'b str,
}

impl Explain {
    /// Explains the ticket of `input` on `out`, in lines of at most `width` columns. Returns the exit code: 0; 1 for input
    /// that is not a ticket, with the reason; 64 for a file that cannot be read, 65 for a policy that is refused.
    ///
    /// Lines of the catalog that cannot be taken are named on `err` and left out.
    ///
    /// # Errors
    ///
    /// Only those of `input` and of writing.
    pub fn run(
        &self,
        width: usize,
        coloured: bool,
        input: &mut dyn Read,
        out: &mut dyn Write,
        err: &mut dyn Write,
    ) -> io::Result<u8> {
        let policy = match self.load_policy(coloured, err)? {
            Ok(policy) => policy,
            Err(code) => return Ok(code),
        };
        let mut findings = Vec::new();
        let folder = load_folder(&self.catalog, Encodings::PROTOBUF, |finding| findings.push(finding));
        for finding in findings.iter().filter(|finding| finding.level() == Level::Error) {
            writeln!(err, "{finding}")?;
        }
        let catalog = match folder {
            Ok(folder) => folder.snapshot,
            Err(unreadable) => {
                let source = unreadable.source().map_or_else(String::new, |source| format!(": {source}"));
                writeln!(err, "error: {unreadable}{source}")?;
                return Ok(exit::USAGE);
            }
        };
        let limits = Limits::default();
        let mut reader = Reader::new(limits, policy.attributes().to_vec());
        let (mut value, mut unused) = (Vec::new(), Vec::new());
        let opened = match input::all(input, limits.max_record_bytes, &mut value)? {
            Piece::Whole => reader.open(CONTENT_TYPE, Some(&value), |format| format, &mut unused),
            Piece::TooLong(len) => Err(BadRecord::too_large(len, &limits)),
        };
        match opened {
            Ok(opened) => {
                self.write(&explain(&policy, &catalog, &opened.ticket), width, out)?;
                Ok(0)
            }
            Err(bad) => {
                self.write_bad(&bad, out)?;
                Ok(exit::FAILED)
            }
        }
    }

    fn write(&self, explanation: &Explanation, width: usize, out: &mut dyn Write) -> io::Result<()> {
        match self.format {
            ExplainFormat::Text => write_text(explanation, width, out),
            ExplainFormat::Json => write_json(explanation, out),
        }
    }

    fn write_bad(&self, bad: &BadRecord, out: &mut dyn Write) -> io::Result<()> {
        let (topic, meaning) = (Destination::DeadLetter.default_topic(), bad.reason.description());
        match self.format {
            ExplainFormat::Text => {
                writeln!(out, "Not a ticket: it goes to {topic}.")?;
                writeln!(out, "Reason     {}: {meaning}", bad.reason)?;
                writeln!(out, "Found      {}", bad.detail)
            }
            ExplainFormat::Json => {
                let error = DeadLetterError { reason: bad.reason.code(), meaning, detail: &bad.detail };
                write_json(&DeadLetter { topic, error }, out)
            }
        }
    }

    fn load_policy(&self, coloured: bool, err: &mut dyn Write) -> io::Result<Result<Policy, u8>> {
        let Some(file) = &self.policy else { return Ok(Ok(Policy::builtin())) };
        let name = file.display().to_string();
        let text = match fs::read_to_string(file) {
            Ok(text) => text,
            Err(error) => {
                writeln!(err, "error: cannot read `{name}`: {error}")?;
                return Ok(Err(exit::USAGE));
            }
        };
        match Policy::load(&name, &text) {
            Ok(policy) => Ok(Ok(policy)),
            Err(refused) => {
                writeln!(err, "{}", refused.render(coloured))?;
                Ok(Err(exit::DATA))
            }
        }
    }
}

fn write_json(value: &impl Serialize, out: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, value)?;
    writeln!(out)
}
