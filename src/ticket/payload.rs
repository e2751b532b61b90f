//! From a record's value to the ticket's own bytes and their format.

use super::{
    BadRecord, DeadLetterReason as Reason, Limits,
    content_type::{Declared, declared},
    diagnose,
};

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
    /// Finds the message in a record's value, by the `content-type` header (the last one) or else by the
    /// value's first byte.
    ///
    /// Without a header a byte order mark or white space in front of JSON is not looked through: by contract
    /// such a value is read as protobuf. A CloudEvent is not opened: [`Reader::open`](super::Reader::open)
    /// does so.
    ///
    /// # Errors
    /// `EMPTY_VALUE`, `RECORD_TOO_LARGE`, `UNSUPPORTED_CONTENT_TYPE`, `INVALID_FRAMING`, `ENVELOPE`.
    pub fn of(
        content_type: Option<&[u8]>,
        value: Option<&'a [u8]>,
        limits: &Limits,
    ) -> Result<Self, BadRecord> {
        let value = check_size(value, limits)?;
        Self::declared(declared(content_type)?, value)
    }

    /// Finds the message in a value whose size has been checked.
    pub(super) fn declared(declared: Declared, value: &'a [u8]) -> Result<Self, BadRecord> {
        let declared = match declared {
            Declared::Nothing => None,
            Declared::Ticket(format) => Some(format),
            Declared::Event => Some(Format::Json),
        };
        let bytes = if value.first() == Some(&MAGIC) { unframe(value, declared)? } else { value };
        let format = match declared {
            Some(format) => format,
            None if bytes.first() == Some(&b'{') => Format::Json,
            None => Format::Protobuf,
        };
        let bytes = match format {
            Format::Json => trim_json(bytes),
            Format::Protobuf => bytes,
        };
        Ok(Self { format, bytes })
    }
}

/// Refuses a value that is missing, or too large to be read.
pub(super) fn check_size<'a>(value: Option<&'a [u8]>, limits: &Limits) -> Result<&'a [u8], BadRecord> {
    let value = value.unwrap_or_default();
    if value.is_empty() {
        return Err(Reason::EmptyValue.with("the value is null or empty"));
    }
    if value.len() > limits.max_record_bytes {
        return Err(BadRecord::too_large(value.len() as u64, limits));
    }
    Ok(value)
}

/// Takes off Confluent's frame: magic byte, schema id, and the message index `[0]` in its short form (0x00) or
/// as an array (length 1, index 0: 0x02 0x00). Frames of JSON schemas have no index.
fn unframe(value: &[u8], declared: Option<Format>) -> Result<&[u8], BadRecord> {
    let framed = value.get(PREFIX_BYTES..).unwrap_or_default();
    match framed {
        [0, payload @ ..] | [2, 0, payload @ ..] => Ok(payload),
        [b'{', ..] if declared != Some(Format::Protobuf) => Ok(framed),
        [b' ' | b'\t' | b'\n' | b'\r' | 0xef, ..] if declared == Some(Format::Json) => Ok(framed),
        _ => Err(no_frame(value, framed)),
    }
}

#[cold]
fn no_frame(value: &[u8], framed: &[u8]) -> BadRecord {
    let detail = match framed.first() {
        None => format!("the frame has {} bytes, expected schema id and message index", value.len()),
        Some(first) => format!("the message index begins with byte {first:#04x}, expected the index [0]"),
    };
    diagnose::diagnose(Reason::InvalidFraming.with(detail), value)
}

/// JSON without a byte order mark, and without the white space of RFC 8259 §2 on both sides.
pub(super) fn trim_json(bytes: &[u8]) -> &[u8] {
    let bytes = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes);
    let is_space = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
    let start = bytes.iter().position(|byte| !is_space(byte)).unwrap_or(bytes.len());
    let end = bytes.iter().rposition(|byte| !is_space(byte)).map_or(start, |last| last + 1);
    bytes.get(start..end).unwrap_or_default()
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
    fn a_content_type_decides_before_the_first_byte() {
        for json in ["application/json", "application/cloudevents+json"] {
            assert_eq!(of(Some(json), b"\xef\xbb\xbf \t\r\n{}\n"), Ok((Format::Json, &b"{}"[..])), "{json}");
        }
        assert_eq!(of(Some("application/protobuf"), b"{}"), Ok((Format::Protobuf, &b"{}"[..])));
        assert_eq!(of(Some("text/plain"), b"{}"), Ok((Format::Json, &b"{}"[..])));
        assert_eq!(of(Some("text/plain"), b"\x0a\x011"), Ok((Format::Protobuf, &b"\x0a\x011"[..])));
        assert_eq!(of(Some("application/xml"), b"{}"), Err(Reason::UnsupportedContentType));
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
