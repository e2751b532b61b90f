//! Why a record goes to the dead-letter topic.

use std::fmt::{self, Write};

use super::Limits;

/// Why a record is a dead letter: a closed list, part of the contract.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum DeadLetterReason {
    /// The record's value is null or empty.
    EmptyValue,
    /// The record's value is larger than `limits.max_record_bytes`.
    RecordTooLarge,
    /// The record has more headers than `limits.max_headers`.
    TooManyHeaders,
    /// The `content-type` header names a format that is neither JSON nor protobuf.
    UnsupportedContentType,
    /// The value begins like a Confluent frame, but is not one of a single top-level message.
    InvalidFraming,
    /// The value is an envelope around a ticket, or an event of another kind, and none that is opened.
    Envelope,
    /// The value is compressed, or in a format that is neither JSON nor protobuf.
    UnsupportedFormat,
    /// Text is not UTF-8.
    InvalidUtf8,
    /// The value is not one well-formed JSON object.
    InvalidJson,
    /// A JSON object has the same key twice, or a field under both of its names.
    DuplicateKey,
    /// The value is not a well-formed protobuf message, or a known field has the wrong wire type.
    InvalidProtobuf,
    /// A known field that decides has a value of the wrong type or out of range.
    InvalidField,
    /// Objects, arrays or groups lie deeper inside each other than `limits.max_depth`.
    TooDeep,
    /// The ticket has more attributes than `limits.max_attributes`.
    TooManyAttributes,
    /// An attribute is larger than `limits.max_attribute_bytes`.
    AttributeTooLarge,
    /// The ticket has no id.
    MissingId,
    /// An id, or the source, is longer than `limits.max_id_bytes`.
    IdTooLong,
    /// The routed ticket would be larger than the broker takes.
    OutputTooLarge,
    /// The ticket's topic takes no record without a key, and the record has none.
    MissingRecordKey,
    /// The ticket's topic takes no records at the moment: it is gone, or the router may not write to it.
    TopicClosed,
    /// The record made at least three transactions fail.
    Poison,
    /// The router itself failed on the record.
    RouterFailed,
    /// The dead letter itself would not fit: it carries key, headers, origin and digest instead of the bytes.
    DeadLetterTruncated,
}

impl DeadLetterReason {
    /// Every reason, in the order of the documentation.
    pub const ALL: [Self; 23] = [
        Self::EmptyValue,
        Self::RecordTooLarge,
        Self::TooManyHeaders,
        Self::UnsupportedContentType,
        Self::InvalidFraming,
        Self::Envelope,
        Self::UnsupportedFormat,
        Self::InvalidUtf8,
        Self::InvalidJson,
        Self::DuplicateKey,
        Self::InvalidProtobuf,
        Self::InvalidField,
        Self::TooDeep,
        Self::TooManyAttributes,
        Self::AttributeTooLarge,
        Self::MissingId,
        Self::IdTooLong,
        Self::OutputTooLarge,
        Self::MissingRecordKey,
        Self::TopicClosed,
        Self::Poison,
        Self::RouterFailed,
        Self::DeadLetterTruncated,
    ];

    /// The code in the header `ticket-router.error.reason`.
    #[must_use]
    pub const fn code(self) -> &'static str {
        self.texts().0
    }

    /// One line for people: what it means.
    #[must_use]
    pub const fn description(self) -> &'static str {
        self.texts().1
    }

    const fn texts(self) -> (&'static str, &'static str) {
        match self {
            Self::EmptyValue => ("EMPTY_VALUE", "the record's value is null or empty"),
            Self::RecordTooLarge => {
                ("RECORD_TOO_LARGE", "the value is larger than `limits.max_record_bytes`")
            }
            Self::TooManyHeaders => {
                ("TOO_MANY_HEADERS", "the record has more headers than `limits.max_headers`")
            }
            Self::UnsupportedContentType => {
                ("UNSUPPORTED_CONTENT_TYPE", "the `content-type` header names neither JSON nor protobuf")
            }
            Self::InvalidFraming => {
                ("INVALID_FRAMING", "the value begins like a Confluent frame, but is not one of a ticket")
            }
            Self::Envelope => ("ENVELOPE", "the value is an envelope that the router does not open"),
            Self::UnsupportedFormat => {
                ("UNSUPPORTED_FORMAT", "the value is compressed, or neither JSON nor protobuf")
            }
            Self::InvalidUtf8 => ("INVALID_UTF8", "text is not UTF-8"),
            Self::InvalidJson => ("INVALID_JSON", "the value is not one well-formed JSON object"),
            Self::DuplicateKey => {
                ("DUPLICATE_KEY", "a JSON object has a key twice, or a field under both of its names")
            }
            Self::InvalidProtobuf => {
                ("INVALID_PROTOBUF", "the value is not a well-formed protobuf message of the ticket")
            }
            Self::InvalidField => {
                ("INVALID_FIELD", "a known field has a value of the wrong type or out of range")
            }
            Self::TooDeep => {
                ("TOO_DEEP", "objects, arrays or groups are nested deeper than `limits.max_depth`")
            }
            Self::TooManyAttributes => {
                ("TOO_MANY_ATTRIBUTES", "the ticket has more attributes than `limits.max_attributes`")
            }
            Self::AttributeTooLarge => {
                ("ATTRIBUTE_TOO_LARGE", "an attribute is larger than `limits.max_attribute_bytes`")
            }
            Self::MissingId => ("MISSING_ID", "the ticket has no id"),
            Self::IdTooLong => ("ID_TOO_LONG", "an id or the source is longer than `limits.max_id_bytes`"),
            Self::OutputTooLarge => ("OUTPUT_TOO_LARGE", "the routed ticket is larger than the broker takes"),
            Self::MissingRecordKey => {
                ("MISSING_RECORD_KEY", "the record has no key, and the ticket's topic is compacted")
            }
            Self::TopicClosed => {
                ("TOPIC_CLOSED", "the ticket's topic takes no records: it is gone, or may not be written")
            }
            Self::Poison => ("POISON", "the record made at least three transactions fail"),
            Self::RouterFailed => ("ROUTER_FAILED", "the router itself failed on the record"),
            Self::DeadLetterTruncated => (
                "DEAD_LETTER_TRUNCATED",
                "the dead letter did not fit: key, headers, origin and digest stand for the bytes",
            ),
        }
    }

    /// The reason together with what was found.
    pub(crate) fn with(self, detail: impl Into<String>) -> BadRecord {
        BadRecord { reason: self, detail: detail.into() }
    }
}

impl fmt::Display for DeadLetterReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// A record that cannot be routed: it goes to the dead-letter topic as it came.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{reason}: {detail}")]
pub struct BadRecord {
    /// The reason, for machines.
    pub reason: DeadLetterReason,
    /// What was found and what was allowed, for people; holds none of the ticket's text but keys and codes,
    /// and those through [`quote`].
    pub detail: String,
}

impl BadRecord {
    /// Refuses a value of this many bytes, for its size alone.
    #[must_use]
    pub fn too_large(len: u64, limits: &Limits) -> Self {
        let limit = limits.max_record_bytes;
        DeadLetterReason::RecordTooLarge.with(format!("the value has {len} bytes, limit is {limit}"))
    }
}

/// An error on the way through a ticket: one word wide, so that the good case does not pay for it.
pub(super) type Fault = Box<BadRecord>;

/// Characters of foreign text that a message shows.
const MAX_QUOTED: usize = 64;

/// Quotes foreign text for a message: control, bidi and other invisible characters escaped, cut to 64
/// characters, between back-ticks.
#[must_use]
pub fn quote(text: &str) -> String {
    let mut quoted = String::from("`");
    for (n, char) in text.chars().flat_map(char::escape_debug).enumerate() {
        if n == MAX_QUOTED {
            quoted.push('…');
            break;
        }
        quoted.push(char);
    }
    quoted.push('`');
    quoted
}

/// Quotes bytes that are perhaps not text, like [`quote`].
pub(super) fn quote_bytes(bytes: &[u8]) -> String {
    let mut text = String::new();
    for chunk in bytes.get(..bytes.len().min(4 * MAX_QUOTED + 4)).unwrap_or(bytes).utf8_chunks() {
        text.push_str(chunk.valid());
        for byte in chunk.invalid() {
            write!(text, "\\x{byte:02x}").expect("a string takes all text");
        }
    }
    quote(&text)
}
