//! The format of what is written.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ticket::Format;

/// Encoding of routed tickets.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum OutputFormat {
    /// Protobuf, `application/protobuf`.
    #[default]
    Protobuf,
    /// Canonical ProtoJSON, `application/json`.
    Json,
    /// The encoding that the ticket came in.
    Same,
}

impl OutputFormat {
    /// The format in which a ticket of format `input` is written.
    #[must_use]
    pub const fn format(self, input: Format) -> Format {
        match self {
            Self::Protobuf => Format::Protobuf,
            Self::Json => Format::Json,
            Self::Same => input,
        }
    }
}

/// The media type of a format, as in a `content-type` header.
#[must_use]
pub const fn media_type(format: Format) -> &'static str {
    match format {
        Format::Json => "application/json",
        Format::Protobuf => "application/protobuf",
    }
}
