//! W3C trace context, as the headers of a record hold it (<https://www.w3.org/TR/trace-context/>).

use opentelemetry::trace::{SpanId, TraceId};

/// The header that holds trace, span and flags.
pub const TRACEPARENT: &[u8] = b"traceparent";
/// The header that holds what tracing systems add.
pub const TRACESTATE: &[u8] = b"tracestate";
/// The length of a `traceparent` of version 00, and the least length of a later version.
pub const LEN: usize = 55;

const SAMPLED: u8 = 1;

/// A span that another program began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parent {
    /// The trace that it is part of.
    pub trace_id: TraceId,
    /// The span itself.
    pub span_id: SpanId,
    /// Whether it was recorded.
    pub is_sampled: bool,
}

/// Parses a `traceparent`. If it is malformed (`None`), ignore `tracestate` too.
///
/// Letters are in lower case, ids are not zero, and version `ff` does not exist. A later version may append fields
/// after `-`.
#[must_use]
pub fn parse(header: &[u8]) -> Option<Parent> {
    let (head, rest) = header.split_at_checked(LEN)?;
    let [version] = hex::<1>(&head[..2])?;
    let is_whole = match version {
        0 => rest.is_empty(),
        0xff => false,
        _ => rest.first().is_none_or(|byte| *byte == b'-'),
    };
    if !is_whole || [head[2], head[35], head[52]] != *b"---" {
        return None;
    }
    let trace_id = TraceId::from_bytes(hex(&head[3..35])?);
    let span_id = SpanId::from_bytes(hex(&head[36..52])?);
    let [flags] = hex::<1>(&head[53..])?;
    let is_valid = trace_id != TraceId::INVALID && span_id != SpanId::INVALID;
    is_valid.then_some(Parent { trace_id, span_id, is_sampled: flags & SAMPLED != 0 })
}

/// Returns whether the sender did not record the trace; `false` also if this is not a `traceparent`.
///
/// Fast path: most tickets stop here after one byte.
#[must_use]
pub fn is_plainly_unsampled(header: &[u8]) -> bool {
    header.len() >= LEN && digit(header[LEN - 1]).is_some_and(|flags| flags & SAMPLED == 0)
}

/// Writes the `traceparent` of a span that is recorded.
#[must_use]
pub fn format(trace_id: TraceId, span_id: SpanId) -> [u8; LEN] {
    let mut text = *b"00-00000000000000000000000000000000-0000000000000000-01";
    write_hex(&trace_id.to_bytes(), &mut text[3..35]);
    write_hex(&span_id.to_bytes(), &mut text[36..52]);
    text
}

fn hex<const N: usize>(text: &[u8]) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(text.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(bytes)
}

const fn digit(letter: u8) -> Option<u8> {
    match letter {
        b'0'..=b'9' => Some(letter - b'0'),
        b'a'..=b'f' => Some(letter - b'a' + 10),
        _ => None,
    }
}

fn write_hex(bytes: &[u8], text: &mut [u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for (byte, pair) in bytes.iter().zip(text.chunks_exact_mut(2)) {
        pair[0] = DIGITS[usize::from(byte >> 4)];
        pair[1] = DIGITS[usize::from(byte & 15)];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(range: impl std::slice::SliceIndex<str, Output = str>) -> &'static str {
        SAMPLED_ONE.get(range).expect("a header is ASCII")
    }

    const SAMPLED_ONE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[test]
    fn a_traceparent_is_read_and_written_alike() {
        let parent = parse(SAMPLED_ONE.as_bytes()).unwrap();
        assert_eq!(parent.trace_id.to_string(), "0af7651916cd43dd8448eb211c80319c");
        assert_eq!(parent.span_id.to_string(), "b7ad6b7169203331");
        assert!(parent.is_sampled);
        assert_eq!(format(parent.trace_id, parent.span_id), SAMPLED_ONE.as_bytes());
    }

    #[test]
    fn only_the_lowest_flag_says_that_a_trace_is_sampled() {
        for (flags, is_sampled) in [("00", false), ("01", true), ("02", false), ("03", true), ("ff", true)] {
            let header = format!("{}{flags}", part(..53));
            assert_eq!(parse(header.as_bytes()).unwrap().is_sampled, is_sampled, "{flags}");
            assert_eq!(is_plainly_unsampled(header.as_bytes()), !is_sampled, "{flags}");
        }
    }

    #[test]
    fn what_is_malformed_is_no_traceparent() {
        let long = format!("{SAMPLED_ONE}-x");
        for header in [
            "",
            "00",
            part(..54),
            &long,
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "0g-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "00_0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331_01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0x",
            " 0-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        ] {
            assert_eq!(parse(header.as_bytes()), None, "{header}");
        }
        assert_eq!(parse(&[0xff; 55]), None);
    }

    #[test]
    fn a_later_version_may_have_more_fields() {
        let same = parse(SAMPLED_ONE.as_bytes());
        for header in [format!("01{}", part(2..)), format!("01{}-more", part(2..))] {
            assert_eq!(parse(header.as_bytes()), same, "{header}");
        }
        assert_eq!(parse(format!("01{}.more", part(2..)).as_bytes()), None);
    }
}
