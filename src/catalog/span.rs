//! Where a text lies within an encoding that the catalog has just written itself.

use std::ops::Range;

use memchr::{memchr_iter, memchr2};
use prost::encoding::{WireType, decode_key, decode_varint};

/// A range of a record's bytes. Empty at 0 where there is no text.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(super) struct Span {
    start: u32,
    len: u32,
}

impl Span {
    /// Makes a span of a range that lies within a record, so within `u32`.
    pub fn new(range: Range<usize>) -> Self {
        let narrow = |n: usize| u32::try_from(n).expect("a record is bounded far below 4 GiB");
        Self { start: narrow(range.start), len: narrow(range.len()) }
    }

    /// Returns the bytes.
    pub fn of(self, bytes: &[u8]) -> &[u8] {
        let start = self.start as usize;
        &bytes[start..start + self.len as usize]
    }
}

/// Finds the escaped text of the string field `name` in canonical ProtoJSON.
///
/// A plain search is enough: a quote within a string is escaped, so `":` follows nothing but a key, and no two
/// keys of a catalog record that are looked for have one name.
pub(super) fn in_json(json: &[u8], name: &str) -> Option<Range<usize>> {
    let start = memchr_iter(b'"', json).find_map(|quote| {
        let value = json[quote + 1..].strip_prefix(name.as_bytes())?.strip_prefix(b"\":\"".as_slice())?;
        Some(json.len() - value.len())
    })?;
    let mut at = start;
    loop {
        at += memchr2(b'"', b'\\', &json[at..])?;
        if json[at] == b'"' {
            return Some(start..at);
        }
        at += 2;
    }
}

/// Finds the length-delimited field at `path` (field numbers from the outermost message inwards) in protobuf.
pub(super) fn in_protobuf(message: &[u8], path: &[u32]) -> Option<Range<usize>> {
    let (&wanted, inner) = path.split_first()?;
    let mut rest = message;
    while !rest.is_empty() {
        let (number, wire_type) = decode_key(&mut rest).ok()?;
        match wire_type {
            WireType::Varint => drop(decode_varint(&mut rest).ok()?),
            WireType::LengthDelimited => {
                let len = usize::try_from(decode_varint(&mut rest).ok()?).ok()?;
                let start = message.len() - rest.len();
                let value = rest.get(..len)?;
                if number == wanted {
                    if inner.is_empty() {
                        return Some(start..start + len);
                    }
                    let found = in_protobuf(value, inner)?;
                    return Some(start + found.start..start + found.end);
                }
                rest = &rest[len..];
            }
            // No catalog message has fixed-width fields or groups.
            _ => return None,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_inside_a_string_is_not_mistaken_for_a_field() {
        let json =
            br#"{"id":"\"engineering\":\"x","title":"\"engineering","contacts":{"engineering":"a\"b\\"}}"#;
        let range = in_json(json, "engineering").expect("the field is there");
        assert_eq!(&json[range], br#"a\"b\\"#);
        assert_eq!(in_json(json, "cspProgram"), None);
    }

    #[test]
    fn a_nested_protobuf_field_is_found() {
        let message = [0x0a, 1, b'x', 0x28, 1, 0x3a, 5, 0x0a, 0, 0x12, 1, b'y'];
        assert_eq!(in_protobuf(&message, &[7, 2]), Some(11..12));
        assert_eq!(in_protobuf(&message, &[7, 3]), None);
        assert_eq!(in_protobuf(&message, &[1]), Some(2..3));
    }
}
