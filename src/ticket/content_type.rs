//! What the `content-type` header says about a record's value.

use super::{BadRecord, DeadLetterReason as Reason, Format, reason::quote_bytes};

/// What a record says about its value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Declared {
    /// Nothing that helps: the bytes tell.
    Nothing,
    /// A ticket in this format.
    Ticket(Format),
    /// A CloudEvent in structured mode, with the ticket inside.
    Event,
}

/// Reads the header (RFC 9110 §8.3): parameters and case do not count, nor do the quotes or the encoding that
/// some clients put around every header.
///
/// # Errors
/// `UNSUPPORTED_CONTENT_TYPE` for a type that says something else, `ENVELOPE` for CloudEvents in a form that
/// is not opened.
pub(super) fn declared(content_type: Option<&[u8]>) -> Result<Declared, BadRecord> {
    match content_type {
        None => Ok(Declared::Nothing),
        // As nearly all write it.
        Some(b"application/json") => Ok(Declared::Ticket(Format::Json)),
        Some(b"application/protobuf") => Ok(Declared::Ticket(Format::Protobuf)),
        Some(content_type) => of_header(content_type),
    }
}

fn of_header(content_type: &[u8]) -> Result<Declared, BadRecord> {
    const PROTOBUF: [&[u8]; 3] =
        [b"application/protobuf", b"application/x-protobuf", b"application/vnd.google.protobuf"];
    /// Types that programs write when they do not know better.
    const VAGUE: [&[u8]; 5] =
        [b"", b"application/octet-stream", b"binary/octet-stream", b"text/json", b"text/plain"];
    const EVENT: &[u8] = b"application/cloudevents";

    let unwrapped = unquoted(unwrap_amqp(content_type).trim_ascii());
    let media_type = unwrapped.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
    let is = |name: &[u8]| media_type.eq_ignore_ascii_case(name);
    let suffix = media_type.iter().rposition(|byte| *byte == b'+').and_then(|at| media_type.get(at..));
    let is_json =
        media_type.contains(&b'/') && suffix.is_some_and(|suffix| suffix.eq_ignore_ascii_case(b"+json"));
    if is(b"application/cloudevents+json") {
        Ok(Declared::Event)
    } else if media_type.get(..EVENT.len()).is_some_and(|start| start.eq_ignore_ascii_case(EVENT)) {
        let found = quote_bytes(media_type);
        let detail = format!(
            "`content-type` is {found}: of CloudEvents, single ones in JSON (`application/cloudevents+json`) and binary \
             mode are read"
        );
        Err(Reason::Envelope.with(detail))
    } else if is(b"application/json") || is_json {
        Ok(Declared::Ticket(Format::Json))
    } else if PROTOBUF.iter().any(|name| is(name)) {
        Ok(Declared::Ticket(Format::Protobuf))
    } else if VAGUE.iter().any(|name| is(name)) {
        Ok(Declared::Nothing)
    } else {
        let found = quote_bytes(content_type);
        let detail =
            format!("`content-type` is {found}, expected `application/json` or `application/protobuf`");
        Err(Reason::UnsupportedContentType.with(detail))
    }
}

/// The text inside of an AMQP 1.0 string or symbol, as Azure Event Hubs writes the values of headers.
fn unwrap_amqp(value: &[u8]) -> &[u8] {
    let inside = match value {
        [0xa1 | 0xa3, len, inside @ ..] if usize::from(*len) == inside.len() => Some(inside),
        [0xb1 | 0xb3, a, b, c, d, inside @ ..]
            if u32::from_be_bytes([*a, *b, *c, *d]) as usize == inside.len() =>
        {
            Some(inside)
        }
        _ => None,
    };
    inside.unwrap_or(value)
}

/// The text inside of quotes, as Spring writes the values of headers.
fn unquoted(value: &[u8]) -> &[u8] {
    match value {
        [b'"', inside @ .., b'"'] => inside.trim_ascii(),
        _ => value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(content_type: &[u8]) -> Result<Declared, Reason> {
        declared(Some(content_type)).map_err(|bad| bad.reason)
    }

    #[test]
    fn a_content_type_counts_without_case_and_parameters() {
        for json in ["application/json", "Application/JSON; charset=utf-8", " a/b+JSON ;x"] {
            assert_eq!(of(json.as_bytes()), Ok(Declared::Ticket(Format::Json)), "{json}");
        }
        for name in ["application/protobuf", "APPLICATION/X-PROTOBUF", "application/vnd.google.protobuf;v=1"]
        {
            assert_eq!(of(name.as_bytes()), Ok(Declared::Ticket(Format::Protobuf)), "{name}");
        }
        assert_eq!(of(b" application/CloudEvents+json; charset=UTF-8"), Ok(Declared::Event));
        assert_eq!(declared(None), Ok(Declared::Nothing));
    }

    #[test]
    fn quotes_and_the_encoding_of_event_hubs_are_taken_off() {
        let json = Ok(Declared::Ticket(Format::Json));
        assert_eq!(of(b"\"application/json\""), json);
        assert_eq!(of(b"\" application/json;charset=UTF-8 \""), json);
        assert_eq!(of(b"\xa1\x10application/json"), json);
        assert_eq!(of(b"\xa3\x10application/json"), json);
        assert_eq!(of(b"\xb1\0\0\0\x10application/json"), json);
        assert_eq!(of(b"\xa1\x12\"application/json\""), json);
        assert_eq!(of(b"\xa1\x1capplication/cloudevents+json"), Ok(Declared::Event));
        assert_eq!(of(b"\xa1\0"), Ok(Declared::Nothing));
        assert_eq!(of(b"\"\""), Ok(Declared::Nothing));
        // A length that is not that of the text.
        assert_eq!(of(b"\xa1\x11application/json"), Err(Reason::UnsupportedContentType));
        assert_eq!(of(b"\xb1\0\0\0\x11application/json"), Err(Reason::UnsupportedContentType));
        assert_eq!(of(b"\xa1\x0fapplication/xml"), Err(Reason::UnsupportedContentType));
    }

    #[test]
    fn a_vague_type_is_as_good_as_none() {
        for vague in [
            "",
            "  ",
            "application/octet-stream",
            "text/json",
            "Text/Plain; charset=utf-8",
            ";",
            "binary/octet-stream",
        ] {
            assert_eq!(of(vague.as_bytes()), Ok(Declared::Nothing), "{vague}");
        }
    }

    #[test]
    fn a_type_that_says_something_else_is_refused() {
        for other in [
            "application/xml",
            "avro/binary",
            "application/jsonl",
            "+json",
            "json",
            "text/csv",
            "\"application/xml\"",
            "application/xml; a=application/json",
        ] {
            assert_eq!(of(other.as_bytes()), Err(Reason::UnsupportedContentType), "{other}");
        }
        for event in ["application/cloudevents-batch+json", "application/cloudevents+protobuf"] {
            assert_eq!(of(event.as_bytes()), Err(Reason::Envelope), "{event}");
        }
        let bad = declared(Some(b"a\n\xff")).expect_err("no media type");
        assert!(bad.detail.contains(r"`a\n\\xff`"), "{bad}");
    }
}
