//! From a record's value to the ticket's own bytes and their format.

use super::{reason::quote_bytes, BadRecord, DeadLetterReason as Reason, Limits};

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
