//! `ticket-router explain`: why a ticket has its owner, for a person.

use std::{
    io::{self, Write},
    path::PathBuf,
};

use serde::{Serialize, de::IgnoredAny};

use super::{
    data::DataArgs,
    exit::{Ended, Exit},
    input::{self, Piece, Tickets, open},
    io::Io,
};
use crate::{
    catalog::{Encodings, Finding, Level},
    explain::{Explanation, Given, explain, write_text},
    route::Destination,
    ticket::{BadRecord, Limits, Reader},
};

/// The input is judged as `run` judges a record without the header.
const CONTENT_TYPE: Option<&[u8]> = None;

/// Say why a ticket has its owner.
///
/// The ticket is JSON from a file or standard input, in a line or printed over several; of several tickets,
/// each is explained. The rule, its clause, each value and where it came from, and the least that would have
/// to differ for another owner. Ends with 1 if the input is not a ticket.
#[derive(Clone, Debug, clap::Args)]
pub struct ExplainArgs {
    /// The file of the ticket; standard input without it.
    #[arg(value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// The catalog and the policy.
    #[command(flatten)]
    pub data: DataArgs,
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

impl ExplainArgs {
    /// Explains the ticket of the input. Lines of the catalog that cannot be taken are named and left out.
    ///
    /// # Errors
    ///
    /// Policy or catalog cannot be loaded, or reading and writing failed.
    pub fn run(self, io: &mut Io<'_>) -> Ended {
        let is_error = |finding: &_| Finding::level(finding) == Level::Error;
        let (policy, catalog) = self.data.load(Encodings::PROTOBUF, is_error, io)?;
        let limits = Limits::default();
        let mut reader = Reader::new(limits, policy.attributes().to_vec());
        let (mut value, mut unused) = (Vec::new(), Vec::new());
        let Io { input, out, width, .. } = io;
        let mut input = open(self.file.as_deref(), *input)?;
        let tickets = match input::all(&mut *input, limits.max_record_bytes, &mut value)? {
            Piece::Whole => split(&value, limits.max_record_bytes)?,
            Piece::TooLong(len) => {
                self.write_bad(&BadRecord::too_large(len, &limits), *out)?;
                return Ok(Exit::Failed);
            }
        };
        let mut exit = Exit::Done;
        for (index, ticket) in tickets.iter().enumerate() {
            if index > 0 && self.format == ExplainFormat::Text {
                writeln!(out, "\n{}\n", "-".repeat(40))?;
            }
            match reader.open(CONTENT_TYPE, Some(ticket), |format| format, &mut unused) {
                Ok(opened) => {
                    let explanation = explain(&policy, &catalog, &opened.ticket, &Given::of(opened.payload));
                    self.write(&explanation, usize::from(*width), *out)?;
                }
                Err(bad) => {
                    self.write_bad(&bad, *out)?;
                    exit = Exit::Failed;
                }
            }
        }
        Ok(exit)
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
}

/// Finds the tickets in the input: one piece of JSON, or anything else that is no JSON at all, is one.
fn split(value: &[u8], max_bytes: usize) -> io::Result<Vec<Vec<u8>>> {
    let is_one = serde_json::from_slice::<IgnoredAny>(value).is_ok();
    let mut found = Vec::new();
    if !is_one && value.starts_with(b"{") {
        let (mut tickets, mut ticket) = (Tickets::new(value, max_bytes), Vec::new());
        while tickets.next(&mut ticket)?.is_some() {
            found.push(ticket.clone());
        }
    }
    // Lines of something that is cut off or broken are not tickets of their own.
    let are_tickets =
        found.len() > 1 && found.iter().all(|it| serde_json::from_slice::<IgnoredAny>(it).is_ok());
    Ok(if are_tickets { found } else { vec![value.to_owned()] })
}

fn write_json(value: &impl Serialize, out: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, value)?;
    writeln!(out)
}
