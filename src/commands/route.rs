//! `ticket-router route`: tickets in, routed tickets out, one line each, without Kafka.

use std::{
    io::{self, BufRead, Write},
    sync::Arc,
};

use base64::{Engine, prelude::BASE64_STANDARD};
use serde::Serialize;

use crate::{
    catalog::Snapshot,
    policy::Policy,
    route::{Destination, OutputFormat, Routed, Router},
    ticket::{BadRecord, Limits},
};

/// A line is JSON, whatever it begins with.
const CONTENT_TYPE: Option<&[u8]> = Some(b"application/json");

/// What became of the lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Lines read, blank ones aside.
    pub lines: u64,
    /// Lines written, by [`Destination`].
    pub written: [u64; Destination::ALL.len()],
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

/// Routes each line of `input`, in order, in constant memory. `seen` is called with the counts after each line.
///
/// # Errors
///
/// Reading or writing failed.
pub fn route(
    policy: Arc<Policy>,
    catalog: &Snapshot,
    mut input: impl BufRead,
    mut output: impl Write,
    mut seen: impl FnMut(&Counts),
) -> io::Result<Counts> {
    let mut router = Router::new(policy, Limits::default(), OutputFormat::Json);
    let mut counts = Counts::default();
    let mut line = Vec::new();
    loop {
        line.clear();
        if input.read_until(b'\n', &mut line)? == 0 {
            output.flush()?;
            return Ok(counts);
        }
        let line = line.strip_suffix(b"\n").unwrap_or(&line);
        if line.trim_ascii().is_empty() {
            continue;
        }
        let destination = match router.route(catalog, CONTENT_TYPE, Some(line)) {
            Ok(routed) => {
                write_routed(&mut output, &routed)?;
                routed.destination
            }
            Err(bad) => {
                write_dead(&mut output, line, &bad)?;
                Destination::DeadLetter
            }
        };
        output.write_all(b"\n")?;
        counts.lines += 1;
        counts.written[destination as usize] += 1;
        seen(&counts);
    }
}

fn write_routed(output: &mut impl Write, routed: &Routed<'_>) -> io::Result<()> {
    write!(output, "{{\"topic\":\"{}\",\"key\":", routed.destination.default_topic())?;
    serde_json::to_writer(&mut *output, routed.ticket_id)?;
    output.write_all(b",\"value\":")?;
    output.write_all(routed.value)?;
    output.write_all(b"}")
}

fn write_dead(output: &mut impl Write, line: &[u8], bad: &BadRecord) -> io::Result<()> {
    let raw = std::str::from_utf8(line).ok();
    let dead = DeadLine {
        topic: Destination::DeadLetter.default_topic(),
        key: None,
        error: Error { reason: bad.reason.code(), detail: &bad.detail },
        raw,
        raw_base64: raw.is_none().then(|| BASE64_STANDARD.encode(line)),
    };
    Ok(serde_json::to_writer(output, &dead)?)
}
