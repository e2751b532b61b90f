//! From a record's value to the ticket's own bytes and their format.

use super::{BadRecord, DeadLetterReason as Reason, Limits, reason::quote_bytes};

/// How a ticket is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Format {
    /// ProtoJSON.
    Json,
    /// The protobuf wire format.
    Protobuf,
}

/// The bytes of one ticket, without framing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Payload<'a> {
    /// How they are written.
    pub format: Format,
    /// The ticket; in JSON without byte order mark and surrounding white space, so from `{` to `}` once a
    /// [`Reader`](super::Reader) has accepted it.
    pub bytes: &'a [u8],
}

/// First byte of Confluent's wire format; can begin neither a JSON text nor a protobuf message.
const MAGIC: u8 = 0;
/// Magic byte and schema id.
const PREFIX_BYTES: usize = 5;
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

impl<'a> Payload<'a> {
    /// Finds the ticket in a record's value, by the `content-type` header (the last one) or else by the value's
    /// first byte.
    ///
    /// Without a header a byte order mark or white space in front of JSON is not looked through: by contract
    /// such a value is read as protobuf.
    ///
    /// # Errors
    /// `EMPTY_VALUE`, `RECORD_TOO_LARGE`, `UNSUPPORTED_CONTENT_TYPE`, `INVALID_FRAMING`.
    pub fn of(
        content_type: Option<&[u8]>,
        value: Option<&'a [u8]>,
        limits: &Limits,
    ) -> Result<Self, BadRecord> {
        let value = value.unwrap_or_default();
        if value.is_empty() {
            return Err(Reason::EmptyValue.with("the value is null or empty"));
        }
        if value.len() > limits.max_record_bytes {
            let detail = format!("the value has {} bytes, limit is {}", value.len(), limits.max_record_bytes);
            return Err(Reason::RecordTooLarge.with(detail));
        }
        let declared = content_type.map(format_of).transpose()?;
        let bytes = if value.first() == Some(&MAGIC) { unframe(value, declared)? } else { value };
        let format = match declared {
            Some(format) => format,
            None if bytes.first() == Some(&b'{') => Format::Json,
            None => Format::Protobuf,
        };
        let bytes = match format {
            Format::Json => bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes).trim_json(),
            Format::Protobuf => bytes,
        };
        Ok(Self { format, bytes })
    }
}

/// The format that a media type names (RFC 9110 §8.3): parameters and case do not count.
fn format_of(content_type: &[u8]) -> Result<Format, BadRecord> {
    const PROTOBUF: [&[u8]; 3] =
        [b"application/protobuf", b"application/x-protobuf", b"application/vnd.google.protobuf"];
    let media_type = content_type.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
    let suffix = media_type.iter().rposition(|byte| *byte == b'+').and_then(|at| media_type.get(at..));
    if media_type.eq_ignore_ascii_case(b"application/json")
        || (media_type.contains(&b'/') && suffix.is_some_and(|suffix| suffix.eq_ignore_ascii_case(b"+json")))
    {
        Ok(Format::Json)
    } else if PROTOBUF.iter().any(|name| media_type.eq_ignore_ascii_case(name)) {
        Ok(Format::Protobuf)
    } else {
        let found = quote_bytes(content_type);
        let detail =
            format!("`content-type` is {found}, expected `application/json` or `application/protobuf`");
        Err(Reason::UnsupportedContentType.with(detail))
    }
}

/// Takes off Confluent's frame: magic byte, schema id, and the message index `[0]` in its short form (0x00) or
/// as an array (length 1, index 0: 0x02 0x00). Frames of JSON schemas have no index.
fn unframe(value: &[u8], declared: Option<Format>) -> Result<&[u8], BadRecord> {
    let framed = value.get(PREFIX_BYTES..).unwrap_or_default();
    match framed {
        [0, payload @ ..] | [2, 0, payload @ ..] => Ok(payload),
        [b'{', ..] if declared != Some(Format::Protobuf) => Ok(framed),
        [b' ' | b'\t' | b'\n' | b'\r' | 0xef, ..] if declared == Some(Format::Json) => Ok(framed),
        [] => {
            let detail = format!("the frame has {} bytes, expected schema id and message index", value.len());
            Err(Reason::InvalidFraming.with(detail))
        }
        [first, ..] => {
            let detail = format!("the message index begins with byte {first:#04x}, expected the index [0]");
            Err(Reason::InvalidFraming.with(detail))
        }
    }
}

/// Says whether bytes that failed as protobuf are JSON behind white space or a byte order mark. Never a reason to
/// refuse them: a protobuf ticket whose id has 123 bytes begins with a new line and `{`.
pub(super) fn looks_like_json(bytes: &[u8]) -> bool {
    let text = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes).trim_json();
    text.len() < bytes.len() && text.first() == Some(&b'{') && text.last() == Some(&b'}')
}

trait TrimJson {
    /// Without the white space of RFC 8259 §2 on both sides.
    fn trim_json(&self) -> &Self;
}

impl TrimJson for [u8] {
    fn trim_json(&self) -> &Self {
        let is_space = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
        let start = self.iter().position(|byte| !is_space(byte)).unwrap_or(self.len());
        let end = self.iter().rposition(|byte| !is_space(byte)).map_or(start, |last| last + 1);
        self.get(start..end).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of<'a>(content_type: Option<&str>, value: &'a [u8]) -> Result<(Format, &'a [u8]), Reason> {
        Payload::of(content_type.map(str::as_bytes), Some(value), &Limits::default())
            .map(|payload| (payload.format, payload.bytes))
            .map_err(|bad| bad.reason)
    }

    #[test]
    fn an_empty_value_has_a_reason_whatever_its_type() {
        assert_eq!(of(None, b""), Err(Reason::EmptyValue));
        assert_eq!(of(Some("text/plain"), b""), Err(Reason::EmptyValue));
        let null = Payload::of(None, None, &Limits::default());
        assert_eq!(null.expect_err("null").reason, Reason::EmptyValue);
    }

    #[test]
    fn a_value_that_is_too_large_is_not_looked_at() {
        let limits = Limits { max_record_bytes: 2, ..Limits::default() };
        let bad = Payload::of(Some(b"text/plain"), Some(b"{} "), &limits).expect_err("three bytes");
        assert_eq!(bad.reason, Reason::RecordTooLarge);
        assert_eq!(bad.detail, "the value has 3 bytes, limit is 2");
        Payload::of(None, Some(b"{}"), &limits).expect("two bytes");
    }

    #[test]
    fn the_first_byte_decides_without_a_content_type() {
        assert_eq!(of(None, b"{}\r\n"), Ok((Format::Json, &b"{}"[..])));
        assert_eq!(of(None, b"\x0a\x011"), Ok((Format::Protobuf, &b"\x0a\x011"[..])));
        assert_eq!(of(None, b" {}"), Ok((Format::Protobuf, &b" {}"[..])));
    }

    #[test]
    fn a_content_type_counts_without_case_and_parameters() {
        for json in [
            "application/json",
            "Application/JSON; charset=utf-8",
            " application/cloudevents+json",
            "a/b+JSON ;x",
        ] {
            assert_eq!(of(Some(json), b"\xef\xbb\xbf \t\r\n{}\n"), Ok((Format::Json, &b"{}"[..])), "{json}");
        }
        for name in ["application/protobuf", "APPLICATION/X-PROTOBUF", "application/vnd.google.protobuf;v=1"]
        {
            assert_eq!(of(Some(name), b"{}"), Ok((Format::Protobuf, &b"{}"[..])), "{name}");
        }
        for other in
            ["", "text/plain", "application/jsonl", "+json", "json", "application/xml; a=application/json"]
        {
            assert_eq!(of(Some(other), b"{}"), Err(Reason::UnsupportedContentType), "{other}");
        }
        let bad = Payload::of(Some(b"a\n\xff"), Some(b"{}"), &Limits::default()).expect_err("no media type");
        assert!(bad.detail.contains(r"`a\n\\xff`"), "{bad}");
    }

    #[test]
    fn confluent_framing_is_taken_off() {
        let frames: [&[u8]; 2] = [b"\0\0\0\0\x07\0", b"\0\0\0\0\x07\x02\0"];
        for frame in frames {
            let (json, protobuf) = ([frame, b"{} "].concat(), [frame, b"\x0a\x011"].concat());
            assert_eq!(of(None, &json), Ok((Format::Json, &b"{}"[..])));
            assert_eq!(of(None, &protobuf), Ok((Format::Protobuf, &b"\x0a\x011"[..])));
            assert_eq!(of(Some("application/json"), &json), Ok((Format::Json, &b"{}"[..])));
            assert_eq!(
                of(Some("application/protobuf"), &protobuf),
                Ok((Format::Protobuf, &b"\x0a\x011"[..]))
            );
            assert_eq!(of(None, frame), Ok((Format::Protobuf, &b""[..])));
        }
        // Frames of JSON schemas have no message index.
        assert_eq!(of(None, b"\0\0\0\0\x07{}"), Ok((Format::Json, &b"{}"[..])));
        assert_eq!(of(Some("application/json"), b"\0\0\0\0\x07\n{}"), Ok((Format::Json, &b"{}"[..])));
    }

    #[test]
    fn a_frame_of_another_message_is_refused() {
        for frame in [
            &b"\0"[..],
            b"\0\0\0\0\x07",
            b"\0\0\0\0\x07\x02",
            b"\0\0\0\0\x07\x02\x02{}",
            b"\0\0\0\0\x07\x04\0\0{}",
        ] {
            assert_eq!(of(None, frame), Err(Reason::InvalidFraming), "{frame:x?}");
            assert_eq!(of(Some("application/json"), frame), Err(Reason::InvalidFraming), "{frame:x?}");
        }
        assert_eq!(of(Some("application/protobuf"), b"\0\0\0\0\x07{}"), Err(Reason::InvalidFraming));
    }
}
