//! Why a catalog record is refused.

use std::fmt;

use thiserror::Error;

/// Why a record cannot enter the catalog: the field, what was found and what is allowed.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum InvalidRecord {
    /// A required field is absent or empty.
    #[error("`{field}` is missing, {required}")]
    Missing {
        /// The field.
        field: &'static str,
        /// When it is required.
        required: &'static str,
    },
    /// An id is too long.
    #[error("`{field}` has {len} bytes, limit is {limit}")]
    IdTooLong {
        /// The field.
        field: &'static str,
        /// Its length in bytes.
        len: usize,
        /// The longest that is allowed.
        limit: usize,
    },
    /// A JSON value has a type that the field cannot have.
    #[error("`{field}` is {found}, allowed: {allowed}")]
    WrongType {
        /// The path of the field; `record` for the whole.
        field: String,
        /// The type of the value.
        found: &'static str,
        /// The type that is allowed.
        allowed: &'static str,
    },
    /// A JSON object has a key twice, perhaps in its two spellings.
    #[error("`{field}` is there twice")]
    DuplicateKey {
        /// The path of the field.
        field: String,
    },
    /// A duration is malformed, negative or beyond 315,576,000,000 s (protobuf's limit).
    #[error("`{field}` is {found}, allowed: 0s to 315576000000s with at most 9 decimal places")]
    Duration {
        /// The path of the field.
        field: String,
        /// The duration.
        found: String,
    },
    /// The record, or one of its encodings, is too large.
    #[error("{what} has {len} bytes, limit is {limit}")]
    TooLarge {
        /// What was measured.
        what: &'static str,
        /// Its length in bytes.
        len: usize,
        /// The largest that is allowed.
        limit: usize,
    },
    /// The record is not readable as JSON.
    #[error("invalid JSON: {detail}")]
    Json {
        /// The parser's message, with line and column.
        detail: String,
    },
    /// The record is not readable as protobuf.
    #[error("invalid protobuf: {detail}")]
    Protobuf {
        /// The decoder's message, which names message and field.
        detail: String,
    },
    /// The catalog has no room for the record.
    #[error(
        "the catalog is full: with this record it would take more than `limits.max_catalog_bytes` ({limit})"
    )]
    CatalogFull {
        /// The most memory that the catalog may take, in bytes.
        limit: usize,
    },
    /// The Kafka record has no key, or one that is not UTF-8.
    #[error("key is missing or not UTF-8, allowed: the record's `id`")]
    Key,
    /// The key of the Kafka record is not the id that its value has.
    #[error("key is {key}{how}, `id` is {id}; they must be equal")]
    KeyMismatch {
        /// The key, quoted.
        key: String,
        /// The id, quoted.
        id: String,
        /// How the key differs from the id, if it is the id in another form.
        how: String,
    },
    /// A removal names no record, but what it stands for does: the record would stay, and nobody would know.
    #[error(
        "a null value under the key {key}, which is {id} {how}, removes nothing: the record has the key {id}"
    )]
    RemovalKey {
        /// The key, quoted.
        key: String,
        /// The id of the record, quoted.
        id: String,
        /// How the key differs from the id.
        how: &'static str,
    },
}

impl InvalidRecord {
    /// Returns the path of the field concerned, `key` for the Kafka record's key, or nothing if it is the
    /// record as a whole.
    #[must_use]
    pub fn field(&self) -> Option<&str> {
        match self {
            Self::Missing { field, .. } | Self::IdTooLong { field, .. } => Some(field),
            Self::WrongType { field, .. } | Self::DuplicateKey { field } | Self::Duration { field, .. } => {
                Some(field)
            }
            Self::Key | Self::KeyMismatch { .. } | Self::RemovalKey { .. } => Some("key"),
            Self::TooLarge { .. } | Self::CatalogFull { .. } | Self::Json { .. } | Self::Protobuf { .. } => {
                None
            }
        }
    }
}

/// Prints text of foreign origin between back-ticks, with control, bidi and other invisible characters escaped,
/// cut after 64 characters.
#[derive(Clone, Copy, Debug)]
pub struct Quoted<'a>(pub &'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const MAX_CHARS: usize = 64;
        f.write_str("`")?;
        for character in self.0.chars().take(MAX_CHARS) {
            match character {
                '\'' | '"' => write!(f, "{character}")?,
                '`' => f.write_str("\\`")?,
                other => write!(f, "{}", other.escape_debug())?,
            }
        }
        f.write_str(if self.0.chars().nth(MAX_CHARS).is_some() { "…`" } else { "`" })
    }
}
