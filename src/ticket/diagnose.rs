//! Says of bytes that could not be read what they look like. Only after reading has failed: a protobuf ticket
//! may begin with almost any bytes.

use super::{
    BadRecord, DeadLetterReason as Reason, Limits,
    envelope::of_element,
    json::{Kind, first_element},
    payload::trim_json,
};

/// What bytes begin with, and what that is.
const MAGIC: [(&[u8], &str); 20] = [
    (b"\x1f\x8b", "compressed with gzip"),
    (b"\x28\xb5\x2f\xfd", "compressed with zstd"),
    (b"\x04\x22\x4d\x18", "compressed with lz4"),
    (b"\x02\x21\x4c\x18", "compressed with lz4"),
    (b"\xff\x06\x00\x00sNaPpY", "compressed with snappy"),
    (b"\x82SNAPPY\x00", "compressed with snappy"),
    (b"BZh", "compressed with bzip2"),
    (b"\xfd7zXZ\x00", "compressed with xz"),
    (b"PK\x03\x04", "a zip archive"),
    (b"Obj\x01", "an Avro file"),
    (b"\xc3\x01", "Avro"),
    (b"PAR1", "a Parquet file"),
    (b"\xac\xed\x00\x05", "a serialized Java object"),
    (b"%PDF", "a PDF file"),
    (b"\x00\x00\xfe\xff", "text in UTF-32"),
    (b"\xff\xfe\x00\x00", "text in UTF-32"),
    (b"\xff\xfe", "text in UTF-16"),
    (b"\xfe\xff", "text in UTF-16"),
    (b"\x89PNG", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
];

/// The same dead letter, or a better one if the bytes are something else.
#[cold]
pub(super) fn diagnose(bad: BadRecord, bytes: &[u8]) -> BadRecord {
    let (reason, what) = if let Some(what) = binary(bytes) {
        (Reason::UnsupportedFormat, what.to_owned())
    } else if trim_json(bytes).first() == Some(&b'{') {
        return behind_something(bad, bytes);
    } else if let Some(found) = json(bytes) {
        found
    } else if let Some(found) = text(bytes) {
        found
    } else {
        return bad;
    };
    reason.with(format!("the value looks like {what}"))
}

/// A JSON object: the detail says already what is wrong with it, unless it was read as protobuf.
fn behind_something(mut bad: BadRecord, bytes: &[u8]) -> BadRecord {
    let is_object = trim_json(bytes).last() == Some(&b'}');
    if !is_object || bad.reason != Reason::InvalidProtobuf && bad.reason != Reason::InvalidUtf8 {
        return bad;
    }
    if bytes.first() == Some(&b'{') {
        bad.detail.push_str("; it looks like JSON, and `content-type` says that it is protobuf");
        return bad;
    }
    Reason::InvalidJson.with(
        "the value looks like JSON behind white space or a byte order mark, which needs the header \
         `content-type: application/json`",
    )
}

fn binary(bytes: &[u8]) -> Option<&'static str> {
    if let Some((_, what)) = MAGIC.iter().find(|(magic, _)| bytes.starts_with(magic)) {
        return Some(what);
    }
    match bytes {
        [b'{' | b'[' | b'"' | b'<', 0, ..] | [0, b'{' | b'[' | b'"' | b'<', ..] => Some("text in UTF-16"),
        // RFC 1950 §2.2: deflate, with a check of the two bytes.
        [0x78, flags, ..] if (0x7800 + u16::from(*flags)).is_multiple_of(31) => Some("compressed with zlib"),
        _ => None,
    }
}

/// Any JSON but an object.
fn json(bytes: &[u8]) -> Option<(Reason, String)> {
    let json = trim_json(bytes);
    let found = |what: &str| Some((Reason::InvalidJson, what.to_owned()));
    match json.first()? {
        b'[' if json == b"[]" => found("an empty JSON list"),
        b'[' => match first_element(json)? {
            (Kind::Object, element) => match of_element(element, &Limits::NONE) {
                Some(what) => {
                    Some((Reason::Envelope, format!("a list of events, the first {what}; send one a record")))
                }
                None => found("a JSON list; send each ticket in a record of its own"),
            },
            _ => found("a JSON list, which holds no tickets"),
        },
        b'"' => {
            let inside: String = serde_json::from_slice(json).ok()?;
            if trim_json(inside.as_bytes()).first() == Some(&b'{') {
                return found("JSON inside of a JSON string: the ticket was encoded twice");
            }
            found("a JSON string")
        }
        _ => match serde_json::from_slice(json).ok()? {
            serde_json::Value::Null => found("the JSON value null"),
            serde_json::Value::Bool(_) => found("a JSON boolean"),
            serde_json::Value::Number(_) => found("a JSON number"),
            _ => None,
        },
    }
}

/// Text of people or of other formats.
fn text(bytes: &[u8]) -> Option<(Reason, String)> {
    let text = std::str::from_utf8(trim_json(bytes)).ok()?;
    let is_control = |char: char| char.is_control() && !matches!(char, '\t' | '\n' | '\r');
    if text.contains(is_control) || !text.contains(char::is_alphabetic) {
        return None;
    }
    let starts = |start: &str| text.get(..start.len()).is_some_and(|it| it.eq_ignore_ascii_case(start));
    let is_other = |what: &str| Some((Reason::UnsupportedFormat, what.to_owned()));
    if starts("<!doctype html") || starts("<html") {
        return is_other("HTML");
    }
    if starts("<") && text.ends_with('>') {
        return is_other("XML");
    }
    // What base64 makes of `{"`, and of the beginning of gzip.
    if (text.starts_with("eyJ") || text.starts_with("H4sI")) && text.bytes().all(is_base64) {
        return is_other("base64");
    }
    if text.contains('=') && !text.contains(char::is_whitespace) && text.bytes().all(is_form) {
        return is_other("a form, as browsers send it");
    }
    // Protobuf may begin with a line's end, and be cut off.
    if text.len() < bytes.len() && bytes.first() != text.as_bytes().first() {
        return None;
    }
    Some((Reason::InvalidJson, "plain text".to_owned()))
}

fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=' | b'-' | b'_' | b'\r' | b'\n')
}

fn is_form(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(byte, b'%' | b'&' | b'=' | b'+' | b'-' | b'_' | b'.' | b'*' | b'[' | b']')
}
