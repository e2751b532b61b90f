//! What becomes of a whole record: envelopes, and what is no ticket at all.

use super::{DeadLetterReason as Reason, *};

const TICKET: &str = r#"{"id":"T-1","requester":{"role":"ROLE_CUSTOMER"},"offerId":"o-1"}"#;

struct Record {
    ticket: String,
    bytes: Vec<u8>,
    event: Vec<(String, String)>,
}

fn open(content_type: Option<&str>, value: &[u8]) -> Result<Record, BadRecord> {
    let (mut reader, mut out) = (Reader::new(Limits::default(), Vec::new()), Vec::new());
    let opened = reader.open(content_type.map(str::as_bytes), Some(value), |format| format, &mut out)?;
    Ok(Record {
        ticket: opened.ticket.id.to_owned(),
        bytes: opened.payload.bytes.to_vec(),
        event: opened.event.to_vec(),
    })
}

#[track_caller]
fn refusal(content_type: Option<&str>, value: &[u8]) -> (Reason, String) {
    let bad = open(content_type, value).map(|record| record.ticket).expect_err("it must be refused");
    assert!(bad.detail.len() < 300 && !bad.detail.contains("T-1"), "{bad}");
    (bad.reason, bad.detail)
}

fn event(members: &str) -> String {
    format!(r#"{{"specversion":"1.0","id":"e-1","source":"/desk","type":"created"{members}}}"#)
}

#[test]
fn a_cloud_event_is_opened_by_its_content_type_or_its_attributes() {
    let spaced = TICKET.replacen('{', "{ ", 1);
    let text = event(&format!(
        r#","time":"2026-11-20T09:00:00Z","desk\u0041":"a\"b","level":5,"off":null,"data": {spaced} "#
    ));
    for content_type in [None, Some("application/json"), Some("application/cloudevents+json; charset=utf-8")]
    {
        let record = open(content_type, text.as_bytes()).expect("it is opened");
        assert_eq!((record.ticket.as_str(), record.bytes.as_slice()), ("T-1", spaced.as_bytes()));
        let event: Vec<_> = record.event.iter().map(|(name, value)| (&**name, &**value)).collect();
        let expected = [
            ("specversion", "1.0"),
            ("id", "e-1"),
            ("source", "/desk"),
            ("type", "created"),
            ("time", "2026-11-20T09:00:00Z"),
            ("deskA", "a\"b"),
            ("level", "5"),
        ];
        assert_eq!(event, expected);
    }
    // What an attribute may be called, and what a ticket's field is called.
    let text =
        event(&format!(r#","category":"desk","severity":"high","subject":"tickets/1","data":{TICKET}"#));
    assert_eq!(open(None, text.as_bytes()).expect("it is opened").bytes, TICKET.as_bytes());
    // With a ticket's field at its top it is an event only if its content type says so.
    let text = event(&format!(r#","requester":{{}},"data":{TICKET}"#));
    assert_eq!(open(None, text.as_bytes()).expect("it is a ticket").ticket, "e-1");
    let event_type = Some("application/cloudevents+json");
    assert_eq!(open(event_type, text.as_bytes()).expect("it is opened").ticket, "T-1");
    // A ticket as deep as a ticket may be.
    let deep = format!(r#"{{"id":"T-1","x":{}{}}}"#, "[".repeat(31), "]".repeat(31));
    open(None, event(&format!(r#","data":{deep}"#)).as_bytes()).expect("the envelope does not count");
}

#[test]
fn the_data_of_an_event_may_be_in_base64() {
    use base64::{Engine, prelude::BASE64_STANDARD};
    let of = |data: &[u8], more: &str| {
        event(&format!(r#","data_base64":"{}"{more}"#, BASE64_STANDARD.encode(data)))
    };
    let wire: &[u8] = b"\x0a\x03T-1\x42\x03o-1";
    let framed = [b"\0\0\0\0\x07\0", wire].concat();
    for (data, more, bytes) in [
        (TICKET.as_bytes(), "", TICKET.as_bytes()),
        (TICKET.as_bytes(), r#","datacontenttype":"application/json""#, TICKET.as_bytes()),
        (TICKET.as_bytes(), r#","datacontenttype":"text/plain""#, TICKET.as_bytes()),
        (wire, "", wire),
        (wire, r#","datacontenttype":"application/protobuf""#, wire),
        (&framed, r#","datacontenttype":"application/x-protobuf""#, wire),
    ] {
        let record = open(None, of(data, more).as_bytes()).expect("it is opened");
        assert_eq!((record.ticket.as_str(), record.bytes.as_slice()), ("T-1", bytes), "{more}");
        assert!(record.event.iter().all(|(name, _)| name != "datacontenttype" && name != "data_base64"));
    }
    let unpadded = of(wire, "").replace('=', "");
    assert_eq!(open(None, unpadded.as_bytes()).expect("padding does not matter").bytes, wire);
    let (reason, detail) = refusal(None, of(b"<a/>", r#","datacontenttype":"application/xml""#).as_bytes());
    assert_eq!(reason, Reason::UnsupportedContentType);
    assert!(detail.contains("datacontenttype"), "{detail}");
    let (reason, detail) = refusal(None, of(b"\x1f\x8b\x08\0", "").as_bytes());
    assert_eq!(reason, Reason::UnsupportedFormat);
    assert!(detail.contains("CloudEvent") && detail.contains("gzip"), "{detail}");
}

#[test]
fn an_event_without_a_ticket_says_what_it_lacks() {
    for (members, says) in [
        (String::new(), "no data"),
        (r#","data":null"#.to_owned(), "no data"),
        (r#","data_base64":"""#.to_owned(), "no data"),
        (format!(r#","data":"{}""#, TICKET.replace('"', "\\\"")), "inside of a string"),
        (format!(r#","data":[{TICKET}]"#), "an array"),
        (r#","data":7"#.to_owned(), "a number"),
        (r#","data_base64":"%%%""#.to_owned(), "not base64"),
        (r#","data_base64":7"#.to_owned(), "no text"),
        (format!(r#","data":{TICKET},"data_base64":"e30=""#), "both"),
        (format!(r#","data":{}"#, event(&format!(r#","data":{TICKET}"#))), "inside of a CloudEvent"),
        (r#","data":{"id":"x","eventType":"a","eventTime":"b","data":{}}"#.to_owned(), "Event Grid"),
    ] {
        let (reason, detail) = refusal(None, event(&members).as_bytes());
        assert_eq!(reason, Reason::Envelope, "{members}");
        assert!(detail.contains(says), "{members}: {detail}");
    }
    let (reason, detail) = refusal(None, event(r#","data":{"subject":"x"}"#).as_bytes());
    assert_eq!((reason, detail.contains("CloudEvent")), (Reason::MissingId, true), "{detail}");
    let old = event(&format!(r#","data":{TICKET}"#)).replace("1.0", "0.3");
    assert!(refusal(None, old.as_bytes()).1.contains("another version"));
    let (reason, detail) =
        refusal(None, format!(r#"{{"specversion":"1.0","id":"e","source":"s","data":{TICKET}}}"#).as_bytes());
    assert_eq!((reason, detail.contains("`type`")), (Reason::Envelope, true), "{detail}");
    for batch in ["application/cloudevents-batch+json", "application/cloudevents+protobuf"] {
        assert_eq!(refusal(Some(batch), event("").as_bytes()).0, Reason::Envelope);
    }
}

#[test]
fn a_ticket_with_further_fields_is_no_envelope() {
    for further in [
        r#""specversion":"1.0","type":"incident","data":{"id":"x","requester":{}}"#,
        r#""eventType":"a","eventTime":"b","data":{}"#,
        r#""detail-type":"a","detail":{"id":"x","offerId":"y"}"#,
        r#""schema":{},"payload":{"id":"x","category":1}"#,
        r#""op":"c","after":{"id":"x","partnerId":"y"}"#,
        r#""ticket":{"id":"x","requester":{}},"decision":{}"#,
    ] {
        for own in [r#""requester":null"#, r#""offerId":"o""#, r#""attributes":{}"#, r#""partner_id":"p""#] {
            let text = format!(r#"{{"id":"T-1","source":"s",{own},{further}}}"#);
            assert_eq!(
                open(None, text.as_bytes()).expect("it is a ticket").bytes,
                text.as_bytes(),
                "{further}"
            );
        }
    }
    for bare in [
        r#"{"id":"T-1"}"#,
        r#"{"id":"T-1","source":"s","subject":"a","body":"b","type":"incident","data":{"id":"x"}}"#,
        r#"{"id":"T-1","specversion":"1.0","source":"s","type":"t","requester":{}}"#,
        r#"{"id":"T-1","payload":"x","message":"y","detail":{"id":7}}"#,
        r#"{"id":"T-1","related":{"id":"x","category":"CATEGORY_BILLING"}}"#,
    ] {
        assert_eq!(open(None, bare.as_bytes()).expect("it is a ticket").ticket, "T-1", "{bare}");
    }
    // The content type alone makes no event.
    let event_type = Some("application/cloudevents+json");
    assert_eq!(open(event_type, TICKET.as_bytes()).expect("it is a ticket").ticket, "T-1");
}

#[test]
fn any_other_envelope_is_named() {
    for (text, says) in [
        (
            r#"{"id":"1","topic":"/s","subject":"t","eventType":"a","eventTime":"b","data":{},"dataVersion":"1"}"#,
            "Event Grid",
        ),
        (
            r#"{"version":"0","id":"1","detail-type":"a","source":"s","account":"1","time":"t","detail":{}}"#,
            "EventBridge",
        ),
        (r#"{"Type":"Notification","MessageId":"1","TopicArn":"a","Message":"{}"}"#, "SNS"),
        (
            r#"{"account_id":1,"id":"1","time":"t","type":"a","subject":"zen:ticket:1","zendesk_event_version":"2022","detail":{},"event":{}}"#,
            "Zendesk",
        ),
        (
            r#"{"type":"notification_event","app_id":"a","topic":"t","id":"n","data":{"item":{}},"created_at":1}"#,
            "Intercom",
        ),
        (r#"{"eventId":1,"subscriptionId":2,"portalId":3,"objectId":4}"#, "HubSpot"),
        (r#"{"before":null,"after":{"id":1},"source":{"name":"x"},"op":"c","ts_ms":1}"#, "Debezium"),
        (r#"{"schema":{"type":"struct"},"payload":{"id":"1"}}"#, "Kafka Connect"),
        (r#"{"timestamp":1,"webhookEvent":"jira:issue_created","issue":{"id":"1"}}"#, "Jira"),
        (r#"{"ticket":{"id":1,"number":"2"},"article":{}}"#, "Zammad"),
        (r#"{"freshdesk_webhook":{"ticket_id":1}}"#, "Freshdesk"),
        (r#"{"MessageName":"Create","PrimaryEntityName":"incident","InputParameters":[]}"#, "Dataverse"),
        (r#"{"ChangeEventHeader":{},"Subject":"a"}"#, "Salesforce"),
        (r#"{"ticket":{"id":"1"},"decision":{"owner":"OWNER_PARTNER"}}"#, "routed ticket"),
        (r#"{"topic":"tickets.triage","key":"1","value":{"ticket":{"id":"1"}}}"#, "ticket-router route"),
        (r#"{"type":"ticket.created","id":"e","data":{"id":"1","requester":{"role":1}}}"#, "`data`"),
        (r#"{"event":{"id":"1","offer_id":"o"}}"#, "`event`"),
        (r#"[{"eventId":1,"portalId":3}]"#, "a list of events, the first a HubSpot event"),
        (r#"[{"id":"1","eventType":"a","eventTime":"b"}]"#, "Event Grid"),
    ] {
        for content_type in [None, Some("application/json"), Some("text/plain")] {
            let (reason, detail) = refusal(content_type, text.as_bytes());
            assert_eq!(reason, Reason::Envelope, "{text}: {detail}");
            assert!(detail.contains(says), "{text}: {detail}");
        }
    }
    let batch = format!("[{}]", event(&format!(r#","data":{TICKET}"#)));
    assert!(refusal(None, batch.as_bytes()).1.contains("a CloudEvent"));
}

#[test]
fn a_routed_ticket_in_protobuf_is_no_ticket() {
    use crate::proto::v1::{Decision, Offer, RoutedTicket, Ticket};
    use prost::Message;
    let ticket = Some(Ticket { id: "T-1".into(), ..Ticket::default() });
    let decision = Some(Decision { decision_id: "0123456789abcdef".repeat(2), ..Decision::default() });
    let offer = Some(Offer { id: "o-1".into(), publisher_id: "p".into(), ..Offer::default() });
    for offer in [None, offer] {
        let routed =
            RoutedTicket { ticket: ticket.clone(), offer, decision: decision.clone(), ..Default::default() };
        let (reason, detail) = refusal(None, &routed.encode_to_vec());
        assert_eq!((reason, detail.contains("routed ticket")), (Reason::Envelope, true), "{detail}");
    }
    // An id may begin with a line's end all the same.
    let ticket = Ticket { id: "\n\u{3}abc".into(), ..Ticket::default() };
    open(None, &ticket.encode_to_vec()).expect("it is a ticket");
}

#[test]
fn what_is_no_ticket_says_what_it_is() {
    let utf16: Vec<u8> = TICKET.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let utf16_be: Vec<u8> = TICKET.encode_utf16().flat_map(u16::to_be_bytes).collect();
    let twice = format!("\"{}\"", TICKET.replace('"', "\\\""));
    let list = format!("[{TICKET}]");
    let (json, format) = (Reason::InvalidJson, Reason::UnsupportedFormat);
    let cases: [(&[u8], Reason, &str); 24] = [
        (list.as_bytes(), json, "a JSON list"),
        (b"[]", json, "an empty JSON list"),
        (b"[1,2]", json, "a JSON list"),
        (twice.as_bytes(), json, "encoded twice"),
        (b"\"hello\"", json, "a JSON string"),
        (b"null", json, "null"),
        (b"true", json, "a JSON boolean"),
        (b"42", json, "a JSON number"),
        (b"Subject: Wrong invoice", json, "plain text"),
        (b"\x1f\x8b\x08\0\0\0\0\0", format, "gzip"),
        (b"\x28\xb5\x2f\xfd\x04\0", format, "zstd"),
        (b"\x04\x22\x4d\x18\x60", format, "lz4"),
        (b"\x78\x9c\xab\x56", format, "zlib"),
        (b"\xff\x06\0\0sNaPpY\x01", format, "snappy"),
        (b"<?xml version=\"1.0\"?><ticket/>", format, "XML"),
        (b"<!DOCTYPE html><html></html>", format, "HTML"),
        (b"Obj\x01\x04\x14avro.codec", format, "Avro"),
        (b"\xff\xfe{\0}\0", format, "UTF-16"),
        (b"\xfe\xff\0{\0}", format, "UTF-16"),
        (&utf16, format, "UTF-16"),
        (&utf16_be, format, "UTF-16"),
        (b"eyJpZCI6IlQtMSJ9", format, "base64"),
        (b"id=T-1&source=desk", format, "a form"),
        (b"\xac\xed\0\x05sr\0", format, "Java"),
    ];
    for (value, reason, says) in cases {
        for content_type in [None, Some("application/json"), Some("application/octet-stream")] {
            let (found, detail) = refusal(content_type, value);
            assert_eq!(found, reason, "{value:?}: {detail}");
            assert!(detail.contains(says), "{value:?}: {detail}");
        }
    }
    for text in ["\n{\"id\":\"1\"}", "\u{feff}{\"id\":\"1\"}", "  {\"id\":\"1\"}\n"] {
        let (reason, detail) = refusal(None, text.as_bytes());
        assert_eq!((reason, detail.contains("content-type: application/json")), (json, true), "{detail}");
        open(Some("application/json"), text.as_bytes()).expect("the header says what it is");
    }
    let (reason, detail) = refusal(Some("application/protobuf"), TICKET.as_bytes());
    assert_eq!((reason, detail.contains("looks like JSON")), (Reason::InvalidProtobuf, true), "{detail}");
    // Protobuf that is cut off stays protobuf.
    assert_eq!(refusal(None, b"\x0a\x20abc").0, Reason::InvalidProtobuf);
    assert_eq!(refusal(None, b"\0\0\0\0\x07\x04").0, Reason::InvalidFraming);
}
