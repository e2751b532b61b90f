//! The fast reading of a ticket and the plain one agree: on tickets of every shape, and on what is left of them
//! after some damage.

use std::collections::BTreeMap;

use proptest::{collection::vec, prelude::*, sample::select};
use prost::Message;

use super::{
    Format, Limits, Payload, Reader,
    plain::{Plain, compare},
    transcode,
};
use crate::proto::{Timestamp, v1};

/// A change to some bytes: where (of 65,536 parts), how, and with which byte.
type Damage = (u16, u8, u8);

fn damaged(mut bytes: Vec<u8>, damage: &[Damage]) -> Vec<u8> {
    for (place, how, byte) in damage {
        let at = usize::from(*place) * bytes.len() / 65_536;
        match how % 5 {
            _ if bytes.is_empty() => bytes.push(*byte),
            0 => bytes[at] = *byte,
            1 => bytes[at] ^= 1 << (byte % 8),
            2 => bytes.insert(at, *byte),
            3 => drop(bytes.remove(at)),
            _ => bytes.truncate(at),
        }
    }
    bytes
}

fn damage() -> impl Strategy<Value = Vec<Damage>> {
    let byte = prop_oneof![any::<u8>(), select(b"\"\\{}[]:,0-e.u \n".to_vec())];
    // One in two stays whole, and few are cut short: a cut hides what comes behind it.
    let how = prop_oneof![9 => 0..4_u8, 1 => Just(4_u8)];
    prop_oneof![Just(Vec::new()), vec((any::<u16>(), how, byte), 1..4)]
}

/// A JSON string, its quotes included.
fn string() -> impl Strategy<Value = String> {
    let piece = select(vec![
        "a",
        "T-1",
        "zendesk/contoso",
        "ñandú",
        "漢字",
        "😀",
        "\\n",
        "\\\"",
        "\\\\",
        "\\/",
        "\\u00e9",
        "\\u0000",
        "\\ud83d\\ude00",
        "\\ud83d",
        "a plain run of text that is longer than a few words of eight bytes each",
        "\u{202e}",
        " ",
        "1",
        "tier",
    ]);
    vec(piece, 0..4).prop_map(|pieces| format!("\"{}\"", pieces.concat()))
}

fn scalar() -> impl Strategy<Value = String> {
    prop_oneof![
        string(),
        select(vec![
            "null",
            "true",
            "false",
            "0",
            "-0",
            "1",
            "2.0",
            "3e0",
            "14",
            "99",
            "-1",
            "1.5",
            "1e400",
            "01",
            "2147483648",
            "18446744073709551615",
            "18446744073709551616",
            "NaN",
            "\"7\"",
            "\"7.0\"",
            "\" 7\"",
            "\"\"",
            "\"CATEGORY_BILLING\"",
            "\"ROLE_PARTNER\"",
            "\"SEVERITY_C\"",
            "\"CATEGORY_NEW\"",
            "\"2026-11-22T18:00:00Z\"",
            "\"2026-11-22T18:00:00.123456789+05:30\"",
            "\"2026-02-30T18:00:00Z\"",
            "\"9999-12-31T23:59:59-01:00\"",
        ])
        .prop_map(str::to_owned),
    ]
}

fn value() -> impl Strategy<Value = String> {
    scalar().prop_recursive(4, 24, 5, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(|values| format!("[{}]", values.join(","))),
            object(string(), inner),
        ]
    })
}

fn object(
    name: impl Strategy<Value = String>,
    value: impl Strategy<Value = String>,
) -> impl Strategy<Value = String> {
    (vec((name, value), 0..5), select(vec!["", " ", "\n\t"])).prop_map(|(members, space)| {
        let members: Vec<_> =
            members.iter().map(|(name, value)| format!("{name}{space}:{space}{value}")).collect();
        format!("{{{space}{}{space}}}", members.join(&format!("{space},")))
    })
}

/// The members of a ticket, each rather of its type than not.
fn json_ticket() -> impl Strategy<Value = String> {
    let texts = vec![
        "source",
        "partnerId",
        "partner_id",
        "offerId",
        "offer\\u0049d",
        "planId",
        "subscription_id",
        "language",
        "subject",
        "body",
    ];
    let others = vec![
        "createdAt",
        "updated_at",
        "revision",
        "requester",
        "category",
        "severity",
        "attributes",
        "new",
        "n\\u0065w",
    ];
    let requester = object(
        select(vec!["role", "id", "displayName", "display_name", "email", "new"])
            .prop_map(|name| format!("\"{name}\"")),
        scalar(),
    );
    let member = prop_oneof![
        6 => (select(texts), string()).prop_map(|(name, value)| format!("\"{name}\":{value}")),
        2 => requester.prop_map(|value| format!("\"requester\":{value}")),
        2 => object(string(), string()).prop_map(|value| format!("\"attributes\":{value}")),
        2 => (select(others), value()).prop_map(|(name, value)| format!("\"{name}\":{value}")),
        1 => (string(), value()).prop_map(|(name, value)| format!("{name}:{value}")),
    ];
    (vec(member, 0..7), string()).prop_map(|(mut members, id)| {
        members.insert(members.len() / 2, format!("\"id\":{id}"));
        format!("{{{}}}", members.join(","))
    })
}

fn timestamp() -> impl Strategy<Value = Option<Timestamp>> {
    let seconds = prop_oneof![9 => -62_135_596_800..253_402_300_800_i64, 1 => any::<i64>()];
    let nanos = prop_oneof![select(vec![0, 500_000_000, 1_000, 999_999_999]), -1..1_000_000_001];
    proptest::option::of((seconds, nanos).prop_map(|(seconds, nanos)| Timestamp { seconds, nanos }))
}

fn ticket() -> impl Strategy<Value = v1::Ticket> {
    let text = || prop_oneof![Just(String::new()), "[a-z\"\\\\\n]{0,12}", "\\PC{0,40}", any::<String>()];
    let attributes = vec((prop_oneof![Just("tier".to_owned()), text()], text()), 0..4);
    let number = || prop_oneof![4 => 0..16_i32, 1 => any::<i32>()];
    let requester =
        proptest::option::of((number(), text(), text(), text()).prop_map(
            |(role, id, display_name, email)| v1::ticket::Requester { role, id, display_name, email },
        ));
    (vec(text(), 9), timestamp(), timestamp(), any::<u64>(), requester, number(), number(), attributes)
        .prop_map(|(texts, created_at, updated_at, revision, requester, category, severity, attributes)| {
            let mut texts = texts.into_iter();
            let mut text = || texts.next().unwrap_or_default();
            v1::Ticket {
                id: text() + "1",
                source: text(),
                partner_id: text(),
                offer_id: text(),
                plan_id: text(),
                subscription_id: text(),
                language: text(),
                subject: text(),
                body: text(),
                created_at,
                updated_at,
                revision,
                requester,
                category,
                severity,
                attributes: attributes.into_iter().collect::<BTreeMap<_, _>>(),
            }
        })
}

/// Fields as they may lie on the wire, known and unknown, of any wire type.
fn wire_fields() -> impl Strategy<Value = Vec<u8>> {
    let field = (0..24_u32, prop_oneof![3 => Just(2_u32), 1 => 0..8_u32], vec(any::<u8>(), 0..9)).prop_map(
        |(number, wire, value)| {
            let mut bytes = Vec::new();
            prost::encoding::encode_varint(u64::from(number << 3 | wire), &mut bytes);
            if wire == 2 {
                bytes.push(u8::try_from(value.len()).unwrap_or_default());
            }
            bytes.extend(value);
            bytes
        },
    );
    vec(field, 0..5).prop_map(|fields| fields.concat())
}

fn payload(format: Format, bytes: &[u8]) -> Payload<'_> {
    Payload { format, bytes }
}

fn view(payload: Payload<'_>) -> Plain {
    let mut reader = Reader::new(Limits::NONE, vec!["tier".to_owned()]);
    Plain::of(&reader.read(payload).expect("a transcoded ticket is a ticket"))
}

/// The generated mapping drops enum numbers that have no name, where transcoding keeps them.
fn with_unknown_codes_of(mut generated: v1::Ticket, ticket: &v1::Ticket) -> v1::Ticket {
    let keep = |code: &mut i32, number: i32| *code = if *code == 0 { number } else { *code };
    keep(&mut generated.category, ticket.category);
    keep(&mut generated.severity, ticket.severity);
    if let (Some(generated), Some(requester)) = (&mut generated.requester, &ticket.requester) {
        keep(&mut generated.role, requester.role);
    }
    generated
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn both_readings_of_json_agree(text in json_ticket(), damage in damage()) {
        compare(payload(Format::Json, &damaged(text.into_bytes(), &damage)));
    }

    #[test]
    fn both_readings_of_protobuf_agree(ticket in ticket(), fields in wire_fields(), damage in damage()) {
        let bytes = [ticket.encode_to_vec(), fields].concat();
        compare(payload(Format::Protobuf, &damaged(bytes, &damage)));
    }

    #[test]
    fn a_ticket_in_json_means_the_same_in_protobuf(text in json_ticket()) {
        let json = payload(Format::Json, text.as_bytes());
        let (mut bytes, mut canonical, mut again) = (Vec::new(), Vec::new(), Vec::new());
        let accepted = Reader::new(Limits::NONE, Vec::new()).read(json).is_ok();
        prop_assert_eq!(transcode(json, Format::Protobuf, &mut bytes).is_ok(), accepted);
        if accepted {
            // The bytes are those that prost would write.
            let ticket = v1::Ticket::decode(bytes.as_slice()).expect("a transcoded ticket is a ticket");
            prop_assert_eq!(ticket.encode_to_vec(), bytes.as_slice());
            // Where the generated mapping takes the text, it is the same ticket.
            if let Ok(generated) = serde_json::from_str::<v1::Ticket>(&text) {
                prop_assert_eq!(with_unknown_codes_of(generated, &ticket), ticket);
            }
            let protobuf = payload(Format::Protobuf, &bytes);
            transcode(protobuf, Format::Json, &mut canonical).expect("a transcoded ticket is a ticket");
            prop_assert_eq!(view(protobuf), view(payload(Format::Json, &canonical)));
            transcode(payload(Format::Json, &canonical), Format::Protobuf, &mut again).expect("likewise");
            prop_assert_eq!(bytes, again);
        }
    }

    #[test]
    fn reading_and_rewriting_in_one_pass_is_reading_and_then_rewriting(texts in vec(json_ticket(), 2)) {
        let mut reader = Reader::new(Limits::default(), vec!["tier".to_owned()]);
        for text in &texts {
            let json = payload(Format::Json, text.as_bytes());
            let (mut in_one, mut bytes) = (Vec::new(), Vec::new());
            let content_type = Some(&b"application/json"[..]);
            let seen = reader.open(content_type, Some(text.as_bytes()), |_| Format::Protobuf, &mut in_one);
            let seen = seen.map(|opened| Plain::of(&opened.ticket));
            let read = reader.read(json).map(|ticket| Plain::of(&ticket));
            if read.is_ok() {
                transcode(json, Format::Protobuf, &mut bytes).expect("what is read can be transcoded");
                prop_assert_eq!(in_one, bytes);
            }
            prop_assert_eq!(seen.map_err(|bad| bad.reason), read.map_err(|bad| bad.reason));
        }
    }

    #[test]
    fn a_ticket_in_protobuf_means_the_same_in_canonical_json(mut ticket in ticket()) {
        let bytes = ticket.encode_to_vec();
        // JSON cannot write a time out of range.
        ticket.created_at = ticket.created_at.filter(Timestamp::is_in_range);
        ticket.updated_at = ticket.updated_at.filter(Timestamp::is_in_range);
        let protobuf = payload(Format::Protobuf, &bytes);
        let (mut json, mut again) = (Vec::new(), Vec::new());
        let accepted = Reader::new(Limits::NONE, Vec::new()).read(protobuf).is_ok();
        prop_assert_eq!(transcode(protobuf, Format::Json, &mut json).is_ok(), accepted);
        if accepted {
            prop_assert_eq!(view(protobuf), view(payload(Format::Json, &json)));
            transcode(payload(Format::Json, &json), Format::Protobuf, &mut again).expect("a transcoded ticket is a ticket");
            prop_assert_eq!(again, ticket.encode_to_vec());
            // Where every enum number has a name, the text is that of the generated mapping.
            if let Ok(generated) = serde_json::to_string(&ticket) {
                prop_assert_eq!(String::from_utf8_lossy(&json), generated);
            }
        }
    }
}
