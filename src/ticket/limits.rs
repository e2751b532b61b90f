//! How large a ticket, a routed ticket and the catalog may be.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How large a ticket, a routed ticket and the catalog may be.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Largest value of an incoming record, in bytes, after decompression.
    ///
    /// A value above what the incoming topic accepts has no effect. A larger ticket goes to the dead-letter topic.
    #[schemars(range(min = 1024, max = 104_857_600))]
    pub max_record_bytes: usize,

    /// Largest record that the router writes, in bytes: the ticket, the catalog's records, the decision,
    /// headers.
    ///
    /// At least `limits.max_record_bytes` + 16384. A larger routed ticket goes to the dead-letter topic. The
    /// outgoing topics should have the same `max.message.bytes`; if one has less, that is its limit. Sets
    /// `message.max.bytes` of the producers.
    #[schemars(range(min = 17_408, max = 209_715_200))]
    pub max_output_bytes: usize,

    /// Deepest nesting of objects, arrays and groups in a ticket.
    #[schemars(range(min = 4, max = 128))]
    pub max_depth: usize,

    /// Longest id, in bytes, of ticket, offer, publisher, partner and requester.
    #[schemars(range(min = 16, max = 32_768))]
    pub max_id_bytes: usize,

    /// Most attributes a ticket may have.
    #[schemars(range(min = 0, max = 10_000))]
    pub max_attributes: usize,

    /// Longest attribute, name and value together, in bytes.
    #[schemars(range(min = 16, max = 1_048_576))]
    pub max_attribute_bytes: usize,

    /// Most headers an incoming record may have.
    #[schemars(range(min = 0, max = 10_000))]
    pub max_headers: usize,

    /// Most memory that the records of the catalog may take, in bytes.
    ///
    /// A record takes the bytes of its encodings, and about 120 more. The router refuses a record beyond the limit
    /// as it refuses a bad one: it keeps the last good record of the same id, counts the key
    /// (`ticket_router_catalog_bad`), and does not stop. A full reload holds the old and the new catalog for a moment.
    #[schemars(range(min = 1_048_576, max = 1_099_511_627_776_u64))]
    pub max_catalog_bytes: usize,
}

impl Default for Limits {
    // The record limit is what a broker takes by default (1 MiB); the output limit leaves as much again.
    fn default() -> Self {
        Self {
            max_record_bytes: 1_048_576,
            max_output_bytes: 2_097_152,
            max_depth: 32,
            max_id_bytes: 1024,
            max_attributes: 64,
            max_attribute_bytes: 4096,
            max_headers: 64,
            max_catalog_bytes: 1_073_741_824,
        }
    }
}

impl Limits {
    /// Nothing is too large: for a payload that a reader with the real limits has seen already.
    pub(crate) const NONE: Self = Self {
        max_record_bytes: usize::MAX,
        max_output_bytes: usize::MAX,
        max_depth: usize::MAX,
        max_id_bytes: usize::MAX,
        max_attributes: usize::MAX,
        max_attribute_bytes: usize::MAX,
        max_headers: usize::MAX,
        max_catalog_bytes: usize::MAX,
    };
}
