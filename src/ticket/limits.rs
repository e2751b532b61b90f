//! How large a ticket may be.

/// The limits of one record; what exceeds them is a dead letter with the reason named at each.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Bytes of a record's value (`RECORD_TOO_LARGE`).
    pub max_record_bytes: usize,
    /// Messages, objects and arrays inside each other, the ticket itself being the first (`TOO_DEEP`).
    pub max_depth: usize,
    /// Bytes of each id, and of the source (`ID_TOO_LONG`).
    pub max_id_bytes: usize,
    /// Entries of the ticket's attributes as they were written, repeats included (`TOO_MANY_ATTRIBUTES`).
    pub max_attributes: usize,
    /// Bytes of one attribute, name and value together (`ATTRIBUTE_TOO_LARGE`).
    pub max_attribute_bytes: usize,
    /// Headers of a record (`TOO_MANY_HEADERS`); counted by whoever holds the headers.
    pub max_headers: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_record_bytes: 1_048_576,
            max_depth: 32,
            max_id_bytes: 1024,
            max_attributes: 64,
            max_attribute_bytes: 4096,
            max_headers: 64,
        }
    }
}

impl Limits {
    /// Nothing is too large: for a payload that a reader with the real limits has seen already.
    pub(crate) const NONE: Self = Self {
        max_record_bytes: usize::MAX,
        max_depth: usize::MAX,
        max_id_bytes: usize::MAX,
        max_attributes: usize::MAX,
        max_attribute_bytes: usize::MAX,
        max_headers: usize::MAX,
    };
}
