//! Records of the outgoing topics, as a person or a program reads them.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use prost::Message as _;
use serde_json::{Value, json};

use crate::{
    kafka::tail::Seen,
    proto::{Timestamp, v1::RoutedTicket},
};

/// Reads a routed ticket. In triage a ticket is in the format it came in; the first byte tells.
///
/// # Errors
///
/// It is none: why, in words.
pub fn routed(value: &[u8]) -> Result<RoutedTicket, String> {
    if value.starts_with(b"{") {
        return serde_json::from_slice(value).map_err(|error| error.to_string());
    }
    RoutedTicket::decode(value).map_err(|error| error.to_string())
}

/// A header that the router wrote about a record which is no ticket: `reason`, `detail`, `partition`, `offset`.
pub fn error_header(seen: &Seen, name: &str) -> String {
    seen.header(&format!("ticket-router.error.{name}")).unwrap_or_default().to_owned()
}

/// Shortens the name of an enum's value to words: `TRIAGE_REASON_UNKNOWN_OFFER` to `unknown offer`.
pub fn word(name: &str, prefix: &str) -> String {
    match name.strip_prefix(prefix).unwrap_or(name) {
        "UNSPECIFIED" => "none".to_owned(),
        known => known.to_lowercase().replace('_', " "),
    }
}

/// Text of a ticket, fit for a terminal.
pub fn shown(text: &str) -> String {
    let shown =
        |it: char| if matches!(it, '\'' | '"') { it.to_string() } else { it.escape_debug().to_string() };
    text.chars().map(shown).collect()
}

/// The time of a record in UTC.
pub fn time(seen: &Seen) -> Option<String> {
    let millis = seen.timestamp?;
    let nanos = i32::try_from(millis.rem_euclid(1_000)).unwrap_or_default() * 1_000_000;
    Some(Timestamp { seconds: millis.div_euclid(1_000), nanos }.to_string())
}

/// A record as one JSON object. A routed ticket is `value`, whatever format it is written in; what is none has `error`,
/// and its bytes as they are.
pub fn to_json(seen: &Seen, is_dead_letter: bool) -> Value {
    let mut object = json!({
        "topic": seen.topic,
        "partition": seen.partition,
        "offset": seen.offset,
        "timestamp": time(seen),
        "key": seen.key.as_deref().map(String::from_utf8_lossy),
    });
    let value = if is_dead_letter {
        let error = ["reason", "detail", "topic", "partition", "offset"]
            .map(|name| (name.to_owned(), Value::from(error_header(seen, name))));
        object["error"] = Value::Object(error.into_iter().filter(|(_, it)| it != "").collect());
        None
    } else if seen.value.starts_with(b"{") {
        serde_json::from_slice(&seen.value).ok()
    } else {
        routed(&seen.value).ok().and_then(|routed| serde_json::to_value(routed).ok())
    };
    match (value, std::str::from_utf8(&seen.value)) {
        (Some(value), _) => object["value"] = value,
        (None, Ok(raw)) => object["raw"] = raw.into(),
        (None, Err(_)) => object["rawBase64"] = BASE64_STANDARD.encode(&seen.value).into(),
    }
    object
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_are_shown_as_they_are_and_what_moves_a_cursor_is_not() {
        assert_eq!(
            shown("the partner's \"own\"\u{1b}[2J\u{202e}"),
            "the partner's \"own\"\\u{1b}[2J\\u{202e}"
        );
    }
}
