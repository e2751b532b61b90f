//! `ticket-router route`: tickets in, routed tickets out, one line each, without Kafka.

use std::{
    io::{self, BufRead, BufReader, BufWriter, Write},
    path::PathBuf,
    sync::Arc,
};

use base64::{Engine, prelude::BASE64_STANDARD};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;

use super::{
    data::DataArgs,
    exit::{Ended, Exit},
    input::{Piece, Tickets, open},
    io::Io,
};
use crate::{
    catalog::{Encodings, Snapshot},
    console::count,
    policy::Policy,
    route::{Destination, OutputFormat, Routed, Router},
    ticket::{BadRecord, Limits},
};

/// A line is judged as `run` judges a record without the header.
const CONTENT_TYPE: Option<&[u8]> = None;
/// What some editors begin a file with. It belongs to the file, not to the first line.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The progress line is renewed after this many tickets.
const PROGRESS_EVERY: u64 = 8_192;
const BUFFER: usize = 1 << 20;

/// Route tickets without Kafka: JSON in, one line out for each ticket
#[derive(Debug, clap::Args)]
pub struct RouteArgs {
    /// The file of the tickets, one a line or printed over several; standard input without it
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    #[command(flatten)]
    data: DataArgs,
}

impl RouteArgs {
    /// Routes the input, and shows how far it is on a terminal.
    ///
    /// # Errors
    ///
    /// Policy or catalog cannot be loaded, or reading and writing failed.
    pub fn run(self, io: &mut Io<'_>) -> Ended {
        let (policy, catalog) = self.data.load(Encodings::JSON, |_| true, io)?;
        let progress = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr()).with_style(
            ProgressStyle::with_template("{human_pos} tickets, {per_sec}, {elapsed}")
                .expect("the template is well formed"),
        );
        let Io { input, out, err, .. } = io;
        let input = BufReader::with_capacity(BUFFER, open(self.file.as_deref(), *input)?);
        let output = BufWriter::with_capacity(BUFFER, &mut **out);
        let counts = route(Arc::new(policy), &catalog, input, output, |counts| {
            if counts.lines.is_multiple_of(PROGRESS_EVERY) {
                progress.set_position(counts.lines);
            }
        })?;
        progress.finish_and_clear();
        let written =
            Destination::ALL.map(|it| format!(" {} {}", it.default_topic(), counts.written[it as usize]));
        writeln!(err, "{}:{}", count(counts.lines, "ticket"), written.concat())?;
        Ok(Exit::Done)
    }
}

/// What became of the lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Counts {
    /// Lines read, blank ones aside.
    lines: u64,
    /// Lines written, by [`Destination`].
    written: [u64; Destination::ALL.len()],
}

/// A line that cannot be read as a ticket, as it goes out.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DeadLine<'l> {
    topic: &'static str,
    key: Option<&'l str>,
    error: Error<'l>,
    #[serde(skip_serializing_if = "Option::is_none")]
    raw: Option<&'l str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    raw_base64: Option<String>,
}

#[derive(Serialize)]
struct Error<'l> {
    reason: &'static str,
    detail: &'l str,
}

/// Routes each line of `input`, in order, in constant memory: of a line that is longer than a record may be,
/// only its size is kept. `seen` is called with the counts after each line.
fn route(
    policy: Arc<Policy>,
    catalog: &Snapshot,
    mut input: impl BufRead,
    mut output: impl Write,
    mut seen: impl FnMut(&Counts),
) -> io::Result<Counts> {
    let limits = Limits::default();
    let mut router = Router::new(policy, limits, OutputFormat::Json);
    let mut counts = Counts::default();
    let mut line = Vec::new();
    if input.fill_buf()?.starts_with(BYTE_ORDER_MARK) {
        input.consume(BYTE_ORDER_MARK.len());
    }
    let mut tickets = Tickets::new(input, limits.max_record_bytes);
    while let Some(piece) = tickets.next(&mut line)? {
        let routed = match piece {
            Piece::Whole => router.route(catalog, CONTENT_TYPE, Some(&line)),
            Piece::TooLong(len) => Err(BadRecord::too_large(len, &limits)),
        };
        let destination = match routed {
            Ok(routed) => {
                write_routed(&mut output, &routed)?;
                routed.destination
            }
            Err(bad) => {
                write_dead(&mut output, (piece == Piece::Whole).then_some(&line), &bad)?;
                Destination::DeadLetter
            }
        };
        output.write_all(b"\n")?;
        counts.lines += 1;
        counts.written[destination as usize] += 1;
        seen(&counts);
    }
    output.flush()?;
    Ok(counts)
}

fn write_routed(output: &mut impl Write, routed: &Routed<'_>) -> io::Result<()> {
    write!(output, "{{\"topic\":\"{}\",\"key\":", routed.destination.default_topic())?;
    serde_json::to_writer(&mut *output, routed.ticket_id)?;
    output.write_all(b",\"value\":")?;
    output.write_all(routed.value)?;
    output.write_all(b"}")
}

fn write_dead(output: &mut impl Write, line: Option<&Vec<u8>>, bad: &BadRecord) -> io::Result<()> {
    let raw = line.and_then(|line| std::str::from_utf8(line).ok());
    let dead = DeadLine {
        topic: Destination::DeadLetter.default_topic(),
        key: None,
        error: Error { reason: bad.reason.code(), detail: &bad.detail },
        raw,
        raw_base64: line.filter(|_| raw.is_none()).map(|line| BASE64_STANDARD.encode(line)),
    };
    Ok(serde_json::to_writer(output, &dead)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::samples;

    fn route_lines(lines: &[u8]) -> Vec<serde_json::Value> {
        let mut out = Vec::new();
        let policy = Arc::new(Policy::builtin());
        route(policy, &samples::catalog(), lines, &mut out, |_| {}).expect("memory can be read and written");
        out.split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty())
            .map(|line| serde_json::from_slice(line).expect("a line is JSON"))
            .collect()
    }

    #[test]
    fn a_line_that_is_too_long_is_a_dead_letter_without_its_bytes() {
        let long = format!("{{\"id\":\"T-1\",\"body\":\"{}\"}}", "x".repeat(1_048_576));
        let fits = format!("{{\"id\":\"T-2\",\"body\":\"{}\"}}", "x".repeat(1_048_576 - 22));
        assert_eq!(fits.len(), 1_048_576);
        let out = route_lines(format!("{long}\n{fits}\n").as_bytes());
        assert_eq!(out[0]["error"]["reason"], "RECORD_TOO_LARGE");
        let detail = format!("the value has {} bytes, limit is 1048576", long.len());
        assert_eq!(out[0]["error"]["detail"], detail);
        assert!(out[0].get("raw").is_none() && out[0].get("rawBase64").is_none());
        assert_eq!(out[1]["key"], "T-2");
    }

    #[test]
    fn lines_that_are_no_tickets_say_what_they_are() {
        let reasons: Vec<_> = route_lines(
            b"\xef\xbb\xbf{\"id\":\"1\"}\n[{\"id\":\"1\"}]\n\"{}\"\n\x1f\x8b\x08\n {\"id\":\"1\"}\n",
        )
        .iter()
        .map(|line| line["error"]["reason"].as_str().unwrap_or_default().to_owned())
        .collect();
        assert_eq!(reasons, ["", "INVALID_JSON", "INVALID_JSON", "UNSUPPORTED_FORMAT", "INVALID_JSON"]);
    }
}
