//! What a ticket may look like, reason by reason.

use prost::Message;

use super::{DeadLetterReason as Reason, plain::compare, *};
use crate::proto::{
    Timestamp, v1,
    v1::ticket::{Category, Severity, requester::Role},
};

const TICKET: &str = r#"{"id":"T-1","source":"zendesk/contoso","createdAt":"2026-11-22T18:00:00Z",
    "updatedAt":"2026-11-22T18:00:00.5+01:00","revision":"3","requester":{"role":"ROLE_CUSTOMER","id":"c-1",
    "displayName":"Ana","email":"ana@example.com"},"partnerId":"p-1","offerId":"o-1","planId":"gold",
    "subscriptionId":"s-1","category":"CATEGORY_BILLING","severity":"SEVERITY_B","language":"es-MX",
    "subject":"Factura","body":"¿Por qué?\n","attributes":{"tier":"a","región":"\u00f1","quote\"":""},
    "future":[1,{"a":null,"b":[true,false,-1.5e3]}]}"#;

fn reader() -> Reader {
    Reader::new(Limits::default(), vec!["tier".to_owned(), "región".to_owned()])
}

fn json(text: &str) -> Payload<'_> {
    Payload { format: Format::Json, bytes: text.as_bytes() }
}

fn protobuf(bytes: &[u8]) -> Payload<'_> {
    Payload { format: Format::Protobuf, bytes }
}

/// The reason for which a payload is refused; both readings must refuse it.
#[track_caller]
fn refusal(payload: Payload<'_>) -> Reason {
    compare(payload);
    let bad = reader().read(payload).expect_err("must be refused");
    assert!(!bad.detail.is_empty() && bad.detail.len() < 400, "{bad}");
    let mut out = Vec::new();
    if !matches!(
        bad.reason,
        Reason::TooDeep | Reason::TooManyAttributes | Reason::AttributeTooLarge | Reason::IdTooLong
    ) {
        assert_eq!(
            transcode(payload, Format::Protobuf, &mut out).expect_err("must be refused").reason,
            bad.reason
        );
    }
    assert!(out.is_empty());
    bad.reason
}

#[track_caller]
fn accepted(text: &str) -> v1::Ticket {
    assert!(compare(json(text)), "{text}: {:?}", reader().read(json(text)));
    let mut out = Vec::new();
    transcode(json(text), Format::Protobuf, &mut out).expect("what is read can be transcoded");
    assert!(compare(protobuf(&out)));
    v1::Ticket::decode(&*out).expect("transcoded tickets are protobuf")
}

#[test]
fn a_ticket_in_json_shows_the_fields_that_decide() {
    assert!(compare(json(TICKET)));
    let mut reader = reader();
    let ticket = reader.read(json(TICKET)).expect("a good ticket");
    assert_eq!(
        (ticket.id, ticket.source, ticket.requester_id, ticket.partner_id, ticket.offer_id),
        ("T-1", "zendesk/contoso", "c-1", "p-1", "o-1")
    );
    assert_eq!(ticket.role, Coded::Known(Role::Customer));
    assert_eq!(ticket.category, Coded::Known(Category::Billing));
    assert_eq!(ticket.severity, Severity::B);
    assert_eq!(*ticket.attributes, [Some("a"), Some("ñ")]);
}

#[test]
fn names_and_numbers_may_be_written_as_protojson_allows() {
    let canonical = accepted(TICKET);
    let snake = TICKET
        .replace("createdAt", "created_at")
        .replace("updatedAt", "updated_at")
        .replace("displayName", "display_name")
        .replace("partnerId", "partner_id")
        .replace("offerId", "offer_id")
        .replace("planId", "plan_id")
        .replace("subscriptionId", "subscription_id")
        .replace("\"3\"", "3.0")
        .replace("\"CATEGORY_BILLING\"", "1e0")
        .replace("\"SEVERITY_B\"", "2")
        .replace("\"ROLE_CUSTOMER\"", "\"ROLE\\u005fCUSTOMER\"")
        .replace("\"id\"", "\"\\u0069d\"");
    assert_eq!(accepted(&snake), canonical);
    assert_eq!(accepted(r#"{"id":"1","revision":"1e2"}"#).revision, 100);
    assert_eq!(accepted(r#"{"id":"1","revision":18446744073709551615}"#).revision, u64::MAX);
}

#[test]
fn null_is_the_default_of_every_field() {
    let nulls = r#"{"id":"1","source":null,"createdAt":null,"revision":null,"requester":{"role":null,"id":null},
        "category":null,"severity":null,"body":null,"attributes":null,"partnerId":null}"#;
    assert_eq!(
        accepted(nulls),
        v1::Ticket {
            id: "1".into(),
            requester: Some(v1::ticket::Requester::default()),
            ..Default::default()
        }
    );
    assert_eq!(accepted(r#"{"id":"1","requester":null}"#).requester, None);
}

#[test]
fn escaped_texts_are_unescaped_one_beside_the_other() {
    let text = r#"{"id":"\ud83d\ude00\"\\\/\b\f\n\r\t","source":"\u0041\u00e9","attributes":{"ti\u0065r":"\n","región":"x"},
        "requester":{"id":"\u202e"},"offerId":"plain"}"#;
    assert!(compare(json(text)));
    let mut reader = reader();
    for _ in 0..2 {
        let ticket = reader.read(json(text)).expect("a good ticket");
        assert_eq!((ticket.id, ticket.source), ("😀\"\\/\u{8}\u{c}\n\r\t", "Aé"));
        assert_eq!((ticket.requester_id, ticket.offer_id), ("\u{202e}", "plain"));
        assert_eq!(*ticket.attributes, [Some("\n"), Some("x")]);
    }
}

#[test]
fn an_unknown_enum_name_stays_unknown_in_protobuf() {
    let limits = Limits::default();
    let json = br#"{"id":"t","requester":{"role":"ROLE_BROKER"},"category":"CATEGORY_ASTROLOGY"}"#;
    let payload = Payload { format: Format::Json, bytes: json };
    let mut protobuf = Vec::new();
    transcode(payload, Format::Protobuf, &mut protobuf).unwrap();
    let mut reader = Reader::new(limits, Vec::new());
    let ticket = reader.read(Payload { format: Format::Protobuf, bytes: &protobuf }).unwrap();
    assert_eq!((ticket.role, ticket.category), (Coded::Unknown, Coded::Unknown));
}

#[test]
fn an_unknown_enum_value_is_no_error() {
    let text = r#"{"id":"1","requester":{"role":"ROLE_ROBOT"},"category":99,"severity":"1"}"#;
    let whole = accepted(text);
    assert_eq!((whole.requester.expect("it has one").role, whole.category, whole.severity), (-1, 99, -1));
    let mut reader = reader();
    let ticket = reader.read(json(text)).expect("a good ticket");
    assert_eq!((ticket.role, ticket.category), (Coded::Unknown, Coded::Unknown));
    assert_eq!(ticket.severity, Severity::Unspecified);
}

#[test]
fn more_attributes_than_fit_in_place_can_be_declared() {
    let names: Vec<_> = (0..20).map(|n| format!("a{n}")).collect();
    let mut reader = Reader::new(Limits::default(), names);
    let ticket = reader.read(json(r#"{"id":"1","attributes":{"a19":"x\u0020y"}}"#)).expect("a good ticket");
    assert_eq!(ticket.attributes.len(), 20);
    assert_eq!(ticket.attributes.last(), Some(&Some("x y")));
}

#[test]
fn malformed_json_is_refused() {
    for text in [
        "",
        "{",
        "[]",
        "null",
        "\"a\"",
        "{}}",
        "{\"id\"}",
        "{\"id\":}",
        "{\"id\":\"1\",}",
        "{\"id\":\"1\"",
        "{\"id\":\"1",
        "{,\"id\":\"1\"}",
        "{\"id\":\"1\" \"source\":\"\"}",
        "{\"id\":\"1\"} x",
        "{'id':'1'}",
        "{\"id\":\"1\",\"x\":NaN}",
        "{\"id\":\"1\",\"x\":Infinity}",
        "{\"id\":\"1\",\"revision\":NaN}",
        "{\"id\":\"1\",\"x\":01}",
        "{\"id\":\"1\",\"x\":-}",
        "{\"id\":\"1\",\"x\":1.}",
        "{\"id\":\"1\",\"x\":.5}",
        "{\"id\":\"1\",\"x\":1e}",
        "{\"id\":\"1\",\"x\":+1}",
        "{\"id\":\"1\",\"x\":[1,]}",
        "{\"id\":\"1\",\"x\":[,]}",
        "{\"id\":\"1\",\"x\":[1}",
        "{\"id\":\"1\",\"x\":{\"a\":1]}",
        "{\"id\":\"1\",\"x\":tru}",
        "{\"id\":\"1\",\"x\":nulll}",
        "{\"id\":\"1\",\"x\":{\"a\"}}",
        "{\"id\":\"1\",\"x\":[\"a]}",
        "{\"id\":\"a\nb\"}",
        "{\"id\":\"a\u{0}b\"}",
        "{\"id\":\"1\",\"x\":\"\\x\"}",
        "{\"id\":\"1\",\"x\":\"\\u12g4\"}",
        "{\"id\":\"\\ud800\"}",
        "{\"id\":\"\\udc00\\ud800\"}",
        "{\"id\":\"\\ud800\\u0041\"}",
        "{\"id\":\"\\ud800\\ud800\"}",
        "{\"id\":\"1\",\"x\":\"\\u12",
        "{\"id\":\"1\"/**/}",
    ] {
        assert_eq!(refusal(json(text)), Reason::InvalidJson, "{text}");
    }
}

#[test]
fn every_truncation_of_a_json_ticket_is_refused() {
    for (end, _) in TICKET.char_indices() {
        let (start, _) = TICKET.split_at(end);
        assert_eq!(refusal(json(start)), Reason::InvalidJson, "{end}");
    }
}

#[test]
fn text_that_is_not_utf_8_is_refused() {
    for bytes in [
        &b"{\"id\":\"\xff\"}"[..],
        b"{\"id\":\"1\",\"x\":\"\xc3\"}",
        b"{\"id\":\"1\"\xa0}",
        b"{\"id\":\"\xed\xa0\x80\"}",
    ] {
        assert_eq!(refusal(Payload { format: Format::Json, bytes }), Reason::InvalidUtf8);
    }
    for bytes in [&b"\x0a\x01\xff"[..], b"\x0a\x011\x7a\x01\xff", b"\x0a\x011\x82\x01\x03\x0a\x01\xff"] {
        assert_eq!(refusal(protobuf(bytes)), Reason::InvalidUtf8);
    }
}

#[test]
fn a_key_twice_in_any_object_is_refused() {
    for text in [
        r#"{"id":"1","id":"1"}"#,
        r#"{"id":"1","\u0069d":"1"}"#,
        r#"{"id":"1","offerId":"a","offer_id":"a"}"#,
        r#"{"id":"1","offerId":null,"offer_id":null}"#,
        r#"{"id":"1","requester":{"display_name":"a","displayName":"a"}}"#,
        r#"{"id":"1","x":1,"y":2,"x":1}"#,
        r#"{"id":"1","x":1,"\u0078":1}"#,
        r#"{"id":"1","requester":{"x":1,"x":1}}"#,
        r#"{"id":"1","attributes":{"a":"1","b":"","\u0061":"1"}}"#,
        r#"{"id":"1","x":[[{"a":{"b":1,"c":{"b":1},"b":2}}]]}"#,
    ] {
        assert_eq!(refusal(json(text)), Reason::DuplicateKey, "{text}");
    }
    accepted(
        r#"{"id":"1","x":{"id":1,"x":{"id":[{"id":2},{"id":2}]}},"requester":{"id":"1"},"attributes":{"id":"1"}}"#,
    );
}

#[test]
fn a_value_that_decides_must_be_of_its_type() {
    for field in [
        r#""source":1.0"#,
        r#""source":-1"#,
        r#""source":["a"]"#,
        r#""partnerId":true"#,
        r#""offerId":1e2"#,
        r#""offer_id":{}"#,
        r#""requester":"a""#,
        r#""requester":[]"#,
        r#""requester":{"id":false}"#,
        r#""category":true"#,
        r#""category":1.5"#,
        r#""category":5000000000"#,
        r#""requester":{"role":[]}"#,
    ] {
        assert_eq!(refusal(json(&format!("{{\"id\":\"1\",{field}}}"))), Reason::InvalidField, "{field}");
    }
    for id in ["1.0", "1e3", "-1", "true", "[]", "{}"] {
        assert_eq!(refusal(json(&format!("{{\"id\":{id}}}"))), Reason::InvalidField, "{id}");
    }
    // Only to a policy that declares attributes.
    for attributes in [r#"["a"]"#, r#""a""#, "7", r#"{"tier":{}}"#, r#"{"tier":["a"]}"#] {
        let text = format!("{{\"id\":\"1\",\"attributes\":{attributes}}}");
        compare(json(&text));
        let bad = reader().read(json(&text)).expect_err("the policy declares attributes");
        assert_eq!(bad.reason, Reason::InvalidField, "{attributes}");
        Reader::new(Limits::default(), Vec::new()).read(json(&text)).expect("the policy declares none");
    }
}

#[test]
fn what_decides_nothing_keeps_no_ticket_back() {
    let noted = |field: &str| {
        let text = format!("{{\"id\":\"1\",{field}}}");
        let ticket = accepted(&text);
        let mut reader = Reader::new(Limits::default(), Vec::new());
        reader.read(json(&text)).expect("it was accepted");
        let notes: Vec<_> = reader.notes().iter().map(|(note, name)| (note, name.to_owned())).collect();
        (ticket, notes)
    };
    for (field, name) in [
        (r#""planId":{"id":7}"#, "planId"),
        (r#""subscriptionId":true"#, "subscriptionId"),
        (r#""language":["es"]"#, "language"),
        (r#""subject":12.50"#, "subject"),
        (r#""body":{"html":"<p>"}"#, "body"),
        (r#""requester":{"displayName":7}"#, "requester.displayName"),
        (r#""requester":{"email":["a@b"]}"#, "requester.email"),
        (r#""attributes":[]"#, "attributes"),
        (r#""attributes":[ ]"#, "attributes"),
        (r#""attributes":"""#, "attributes"),
        (r#""attributes":{"a":null}"#, "attributes"),
        (r#""attributes":{"a":1,"b":true,"c":[{}]}"#, "attributes"),
        (r#""severity":{"id":2}"#, "severity"),
        (r#""severity":1.5"#, "severity"),
        (r#""severity":"""#, "severity"),
        (r#""category":"""#, "category"),
        (r#""requester":{"role":""}"#, "requester.role"),
        (r#""revision":-1"#, "revision"),
        (r#""revision":18446744073709551616"#, "revision"),
        (r#""revision":" 1""#, "revision"),
        (r#""revision":"""#, "revision"),
        (r#""revision":"NaN""#, "revision"),
        (r#""revision":0.1"#, "revision"),
        (r#""revision":[true]"#, "revision"),
        (r#""createdAt":1"#, "createdAt"),
        (r#""createdAt":1789371669"#, "createdAt"),
        (r#""createdAt":"""#, "createdAt"),
        (r#""createdAt":"yesterday""#, "createdAt"),
        (r#""createdAt":{"seconds":1}"#, "createdAt"),
        (r#""createdAt":"0000-12-31T23:59:59Z""#, "createdAt"),
        (r#""updatedAt":"10000-01-01T00:00:00Z""#, "updatedAt"),
        (r#""updatedAt":"2026-11-20 09:00:00""#, "updatedAt"),
        (r#""updated_at":"2026-11-22T18:00:00""#, "updatedAt"),
        (r#""partnerId":42"#, "partnerId"),
    ] {
        assert_eq!(noted(field).1, [(Note::OddValue, name.to_owned())], "{field}");
    }
    for (field, name) in [
        (r#""offerID":"o""#, "offerId"),
        (r#""partner_ID":"p""#, "partnerId"),
        (r#""Category":"x""#, "category"),
        (r#""ID":"x""#, "id"),
        (r#""requester":{"Role":"x"}"#, "requester.role"),
        (r#""requester":{"display_Name":1}"#, "requester.displayName"),
    ] {
        assert_eq!(noted(field).1, [(Note::Misspelt, name.to_owned())], "{field}");
    }
    for field in [r#""offers":"o""#, r#""requester":{"category":"x"}"#, r#""créé":1"#, r#""revision":null"#]
    {
        assert_eq!(noted(field).1, [], "{field}");
    }
}

#[test]
fn odd_values_are_read_as_far_as_they_mean_something() {
    let ticket = accepted(
        r#"{"id":35436,"partnerId":7,"planId":[1, 2],"subject":12.50,"body":{"html": "\u0041"},"revision":-1,
        "createdAt":"2026-11-20T09:00:00.000+0000","updatedAt":"/Date(1789371669318)/","severity":"","category":"",
        "attributes":{"vip":true,"score":3.10,"csat":null,"tags":["a", "b"],"tier":"gold"}}"#,
    );
    assert_eq!((ticket.id.as_str(), ticket.partner_id.as_str()), ("35436", "7"));
    assert_eq!((ticket.plan_id.as_str(), ticket.subject.as_str()), ("[1, 2]", "12.50"));
    assert_eq!(ticket.body, r#"{"html": "\u0041"}"#);
    assert_eq!((ticket.category, ticket.severity, ticket.revision), (0, 0, 0));
    assert_eq!(ticket.created_at, Timestamp::parse("2026-11-20T09:00:00Z"));
    assert_eq!(ticket.updated_at, Timestamp::parse("2026-09-14T07:41:09.318Z"));
    let attributes: Vec<_> = ticket.attributes.iter().map(|(name, value)| (&**name, &**value)).collect();
    assert_eq!(attributes, [("score", "3.10"), ("tags", r#"["a", "b"]"#), ("tier", "gold"), ("vip", "true")]);

    // An attribute that the policy declares.
    let mut reader = reader();
    let ticket = reader.read(json(r#"{"id":"1","attributes":{"tier":7,"región":null}}"#)).expect("a ticket");
    assert_eq!(*ticket.attributes, [Some("7"), None]);
}

#[test]
fn a_time_out_of_range_in_protobuf_is_kept_and_noted() {
    for (seconds, nanos) in [(253_402_300_800, 0), (-62_135_596_801, 0), (0, -1), (0, 1_000_000_000)] {
        let created_at = Some(Timestamp { seconds, nanos });
        let ticket = v1::Ticket { id: "1".into(), created_at, ..Default::default() }.encode_to_vec();
        assert!(compare(protobuf(&ticket)));
        let (mut reader, mut out) = (reader(), Vec::new());
        reader.open(None, Some(&ticket), |_| Format::Json, &mut out).expect("it decides nothing");
        let notes: Vec<_> = reader.notes().iter().collect();
        assert_eq!(notes, [(Note::OddValue, "createdAt"), (Note::Dropped, "createdAt")]);
        assert_eq!(out, br#"{"id":"1"}"#);
    }
}

#[test]
fn what_another_format_has_no_place_for_is_noted_by_name() {
    let notes = |value: &[u8], to: Format| {
        let (mut reader, mut out) = (reader(), Vec::new());
        reader.open(None, Some(value), |_| to, &mut out).expect("a ticket");
        reader.notes().iter().map(|(note, name)| (note, name.to_owned())).collect::<Vec<_>>()
    };
    let text = br#"{"id":"1","requester":{"badge":1,"\u0063olour":2},"channel":"phone","offerID":"o","a b":1,
        "severity":"SEVERITY_X","createdAt":"soon","channel2":{"channel3":1}}"#;
    let expected = [
        (Note::Dropped, "requester.badge"),
        (Note::Dropped, "requester.colour"),
        (Note::Dropped, "channel"),
        (Note::Misspelt, "offerId"),
        (Note::Dropped, "offerID"),
        (Note::Dropped, "other"),
        (Note::Dropped, "severity"),
        (Note::OddValue, "createdAt"),
        (Note::Dropped, "createdAt"),
        (Note::Dropped, "channel2"),
    ]
    .map(|(note, name)| (note, name.to_owned()));
    assert_eq!(notes(text, Format::Protobuf), expected);
    let kept: Vec<_> = expected.into_iter().filter(|(note, _)| *note != Note::Dropped).collect();
    assert_eq!(notes(text, Format::Json), kept);

    let wire = b"\x0a\x011\x32\x02\x28\x01\xf8\x06\x01";
    assert_eq!(notes(wire, Format::Protobuf), []);
    let fields = ["requester.field_5", "field_111"].map(|name| (Note::Dropped, name.to_owned()));
    assert_eq!(notes(wire, Format::Json), fields);
}

#[test]
fn nesting_ends_at_the_limit() {
    let nested =
        |depth: usize| format!("{{\"id\":\"1\",\"x\":{}{}}}", "[".repeat(depth - 1), "]".repeat(depth - 1));
    accepted(&nested(32));
    assert_eq!(refusal(json(&nested(33))), Reason::TooDeep);
    assert_eq!(refusal(json(&nested(100_000))), Reason::TooDeep);
    assert_eq!(refusal(json(&format!("{{\"id\":\"1\",\"x\":{}", "{\"a\":".repeat(40)))), Reason::TooDeep);
    let mut out = Vec::new();
    transcode(json(&nested(100_000)), Format::Protobuf, &mut out)
        .expect("a reader with other limits may take it");

    let groups = |depth: usize| {
        [b"\x0a\x011".to_vec(), vec![0xfb; 0], b"\x9b\x06".repeat(depth), b"\x9c\x06".repeat(depth)].concat()
    };
    assert!(compare(protobuf(&groups(31))));
    assert_eq!(refusal(protobuf(&groups(120))), Reason::TooDeep);
}

#[test]
fn ids_are_there_and_not_too_long() {
    for text in ["{}", r#"{"id":""}"#, r#"{"id":null}"#, r#"{"requester":{"id":"1"}}"#] {
        assert_eq!(refusal(json(text)), Reason::MissingId);
    }
    assert_eq!(refusal(protobuf(b"")), Reason::MissingId);
    assert_eq!(refusal(protobuf(b"\x0a\x011\x0a\x00")), Reason::MissingId);
    let long = "é".repeat(512);
    for field in ["id", "source", "partnerId", "offer_id", "planId", "subscriptionId"] {
        let text = |value: &str| {
            format!(r#"{{"x":{{}},"{field}":"{value}"{}}}"#, if field == "id" { "" } else { r#","id":"1""# })
        };
        accepted(&text(&long));
        accepted(&text(&"\\u00e9".repeat(512)));
        assert_eq!(refusal(json(&text(&format!("{long}a")))), Reason::IdTooLong, "{field}");
        assert_eq!(
            refusal(json(&text(&format!("{}a", "\\u00e9".repeat(512))))),
            Reason::IdTooLong,
            "{field}"
        );
    }
    assert_eq!(refusal(json(&format!(r#"{{"id":"1","requester":{{"id":"{long}a"}}}}"#))), Reason::IdTooLong);
    let ticket = v1::Ticket { id: "1".into(), plan_id: format!("{long}a"), ..Default::default() };
    assert_eq!(refusal(protobuf(&ticket.encode_to_vec())), Reason::IdTooLong);
}

#[test]
fn attributes_have_limits() {
    let many = |count: usize| {
        let entries: Vec<_> = (0..count).map(|n| format!("\"a{n}\":\"\"")).collect();
        format!(r#"{{"id":"1","attributes":{{{}}}}}"#, entries.join(","))
    };
    accepted(&many(64));
    assert_eq!(refusal(json(&many(65))), Reason::TooManyAttributes);
    let large = |len: usize| format!(r#"{{"id":"1","attributes":{{"name":"{}"}}}}"#, "x".repeat(len));
    accepted(&large(4092));
    assert_eq!(refusal(json(&large(4093))), Reason::AttributeTooLarge);

    let attributes = [("name".to_owned(), "x".repeat(4093))].into();
    let ticket = v1::Ticket { id: "1".into(), attributes, ..Default::default() };
    assert_eq!(refusal(protobuf(&ticket.encode_to_vec())), Reason::AttributeTooLarge);
    let repeated = [b"\x0a\x011".to_vec(), b"\x82\x01\x00".repeat(65)].concat();
    assert_eq!(refusal(protobuf(&repeated)), Reason::TooManyAttributes);
}

#[test]
fn protobuf_that_is_not_well_formed_is_refused() {
    for bytes in [
        &b"\x08\x01"[..],                                         // id as a varint
        b"\x0d\x01\x00\x00\x00",                                  // id as 32 bits
        b"\x0a\x011\x5a\x01\x01",                                 // category as bytes
        b"\x0a\x011\x30\x01",                                     // requester as a varint
        b"\x0a\x05abc",                                           // shorter than it says
        b"\x0a\x011\x0a",                                         // no length
        b"\x0a\x011\x00\x01",                                     // field number 0
        b"\x0a\x011\xa6\x06\x01",                                 // wire type 6
        b"\x0a\x011\xa7\x06\x01",                                 // wire type 7
        b"\x0a\x011\x9b\x06",                                     // a group without an end
        b"\x0a\x011\x9c\x06",                                     // the end of no group
        b"\x0a\x011\x9b\x06\xa4\x06",                             // the end of another group
        b"\x0a\x011\x28\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", // more than 64 bits
        b"\x0a\x011\x28\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
        b"\x0a\x011\xff\xff\xff\xff\x7f\x01", // a key of more than 32 bits
        b"\x0a\x011\x32\x02\x12\x05abcde",    // the requester's id ends behind the requester
        b"\x0a\x011\x82\x01\x02\x08\x01",     // an attribute's name as a varint
    ] {
        assert_eq!(refusal(protobuf(bytes)), Reason::InvalidProtobuf, "{bytes:x?}");
    }
}

#[test]
fn the_last_value_counts_in_protobuf_and_messages_are_merged() {
    let bytes = b"\x0a\x01a\x0a\x01b\x32\x02\x08\x02\x32\x05\x12\x01p\x08\x01\x82\x01\x0a\x0a\x04tier\x12\x02no\x82\x01\x09\x12\x01y\x0a\x04tier\
        \xf8\x06\x01\x9b\x06\x08\x01\x9c\x06";
    assert!(compare(protobuf(bytes)));
    let mut reader = reader();
    let ticket = reader.read(protobuf(bytes)).expect("a good ticket");
    assert_eq!((ticket.id, ticket.requester_id, ticket.role), ("b", "p", Coded::Known(Role::Customer)));
    assert_eq!(*ticket.attributes, [Some("y"), None]);
    let mut out = Vec::new();
    transcode(protobuf(bytes), Format::Json, &mut out).expect("it was read");
    assert_eq!(
        String::from_utf8_lossy(&out),
        r#"{"id":"b","requester":{"role":"ROLE_CUSTOMER","id":"p"},"attributes":{"tier":"y"}}"#
    );
}

#[test]
fn a_body_of_ten_megabytes_is_read_where_the_limit_allows_it() {
    let text = format!(r#"{{"id":"1","body":"{}"}}"#, "ñ".repeat(5_000_000));
    assert!(compare(json(&text)));
    let bad =
        Payload::of(None, Some(text.as_bytes()), &Limits::default()).expect_err("larger than a megabyte");
    assert_eq!(bad.reason, Reason::RecordTooLarge);
}

#[test]
fn details_do_not_carry_control_or_bidi_characters() {
    let text =
        format!(r#"{{"id":"1","attributes":{{"\u202e\n{}":"{}"}}}}"#, "x".repeat(500), "y".repeat(4096));
    let bad = reader().read(json(&text)).expect_err("it is too large");
    assert!(bad.detail.contains(r"`\u{202e}\n"), "{bad}");
    assert!(bad.detail.chars().count() < 150 && !bad.detail.contains(['\u{202e}', '\n']), "{bad}");
}

#[test]
fn reasons_have_codes_of_their_own() {
    let mut codes: Vec<_> = Reason::ALL.iter().map(|reason| reason.code()).collect();
    assert!(
        codes
            .iter()
            .all(|code| code.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_' || byte == b'8'))
    );
    codes.sort_unstable();
    codes.dedup();
    assert_eq!(codes.len(), Reason::ALL.len());
    for reason in Reason::ALL {
        let name = format!("{reason:?}");
        assert_eq!(reason.code().replace('_', "").to_lowercase(), name.to_lowercase());
        assert!(!reason.description().is_empty() && !reason.description().contains('\n'));
    }
}
