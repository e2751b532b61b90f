//! Keys of records on catalog topics. A key is the id itself; what else people's tools write is recognised,
//! to say so.

/// What a key stands for that is no id as it is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Disguised {
    /// How it differs from the id, in words that go after it.
    pub how: &'static str,
    /// The id that is probably meant.
    pub id: String,
}

/// Looks for ids that a key may stand for: in JSON quotes, behind a Confluent frame, with white space around
/// it.
#[must_use]
pub fn disguised(key: &[u8]) -> Vec<Disguised> {
    let mut found = plain(key, "in JSON quotes", "with white space around it");
    // The frame: a zero byte and the number of a schema.
    if let [0, _, _, _, _, framed @ ..] = key {
        let how = "behind a Confluent frame";
        found.extend(text(framed).map(|id| Disguised { how, id }));
        found.extend(plain(framed, how, how));
        found.extend(text(behind_length(framed)).map(|id| Disguised { how, id }));
        // A protobuf message begins with its place in the schema, here the first, then the tag of its first
        // field.
        if let [0, 0x0a, message @ ..] = framed {
            found.extend(message.get(1..).and_then(text).map(|id| Disguised { how, id }));
        }
    }
    found
}

fn plain(key: &[u8], quoted: &'static str, padded: &'static str) -> Vec<Disguised> {
    let unquoted = serde_json::from_slice::<String>(key).ok().map(|id| Disguised { how: quoted, id });
    let trimmed = key.trim_ascii();
    let padded = (trimmed.len() < key.len()).then_some(padded);
    let trimmed = padded.and_then(|how| Some(Disguised { how, id: text(trimmed)? }));
    unquoted.into_iter().chain(trimmed).collect()
}

fn text(bytes: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(bytes).ok()?;
    (!text.is_empty()).then(|| text.to_owned())
}

/// Takes off the length that Avro writes before a string; empty if there is none that fits.
fn behind_length(bytes: &[u8]) -> &[u8] {
    let length = bytes.iter().position(|byte| byte & 0x80 == 0).map_or(bytes.len(), |last| last + 1);
    let (length, text) = bytes.split_at(length);
    let varint = length.iter().rev().fold(0_u64, |value, byte| value << 7 | u64::from(byte & 0x7f));
    // A zigzag number: twice the length.
    if varint == 2 * text.len() as u64 { text } else { &[] }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_tools_make_of_an_id_is_recognised() {
        let framed = |bytes: &[u8]| [&[0, 0, 0, 0, 7], bytes].concat();
        let cases: [(&[u8], &str); 8] = [
            (b"\"contoso.backup\"", "in JSON quotes"),
            (b" \"contoso.backup\"\n", "in JSON quotes"),
            (b"contoso.backup\n", "with white space around it"),
            (&framed(b"contoso.backup"), "behind a Confluent frame"),
            (&framed(b"\"contoso.backup\""), "behind a Confluent frame"),
            (&framed(b"\x1ccontoso.backup"), "behind a Confluent frame"),
            (&framed(b"\x00\x0a\x0econtoso.backup"), "behind a Confluent frame"),
            (b"\tcontoso.backup", "with white space around it"),
        ];
        for (key, how) in cases {
            let wanted = Disguised { how, id: "contoso.backup".to_owned() };
            assert!(disguised(key).contains(&wanted), "{key:?}: {:?}", disguised(key));
        }
    }

    #[test]
    fn an_id_that_is_long_has_two_bytes_of_length() {
        let id = "x".repeat(100);
        let key = [&[0, 0, 0, 0, 1, 0xc8, 0x01], id.as_bytes()].concat();
        assert!(disguised(&key).iter().any(|it| it.id == id));
    }

    #[test]
    fn a_plain_id_is_not_disguised() {
        for key in [&b"contoso.backup"[..], b"", b"\"", b"\0", b"\0\0\0\0\0", b"12"] {
            assert_eq!(disguised(key), [], "{key:?}");
        }
    }
}
