//! Explanations of the samples, as a person reads them.

use std::{fs, path::Path};

use super::{Given, explain, shown};
use crate::{
    catalog::Encodings,
    commands::{
        data::DataArgs,
        explain::{ExplainArgs, ExplainFormat},
        io::tests::run_at,
    },
    folder::load_folder,
    policy::{BUILTIN, Policy},
    ticket::{Limits, Payload, Reader},
};

/// What a policy can have besides the rules of ownership.
const EXCEPTIONS: &str = r#"
[[exception]]
id = "harborlight-bills-itself"
when = { offer = "harborlight.helpdesk", category = "billing", requester = "customer" }
overrides = ["customer-commerce"]
owner = "publisher"
assignee = "offer-publisher"
contacts = ["customer-support"]
reason = "Harborlight has agreed to answer questions on bills of its help desk itself."
"#;

/// An exception that asks for a source and an attribute.
const GOLD: &str = r#"
[attributes.tier]
values = ["gold"]

[[exception]]
id = "gold"
when = { source = "zendesk/contoso", "attribute.tier" = "gold", requester = "customer", category = "user-support" }
overrides = ["customer-user-support"]
owner = "partner"
assignee = "assigned-partner"
reason = "Contoso has promised its best customers that their partner answers."
"#;

fn sample(id: &str) -> String {
    let samples = include_str!("../../samples/tickets.jsonl");
    let is_wanted = |line: &&str| line.contains(&format!("\"id\":\"{id}\""));
    samples.lines().find(is_wanted).expect("the samples have the ticket").to_owned()
}

fn answer(ticket: &str, policy: Option<&str>, format: ExplainFormat) -> (u8, String) {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let file = folder.path().join("policy.toml");
    if let Some(policy) = policy {
        fs::write(&file, policy).expect("a file can be written");
    }
    let catalog = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/catalog");
    let command =
        ExplainArgs { file: None, data: DataArgs { catalog, policy: policy.map(|_| file) }, format };
    let (code, out, err) = run_at(96, ticket, |io| command.run(io));
    assert_eq!(err, "");
    (code, out)
}

fn text(ticket: &str) -> String {
    let (code, out) = answer(ticket, None, ExplainFormat::Text);
    assert_eq!(code, 0);
    out
}

fn billing(role: &str, more: &str) -> String {
    format!(
        r#"{{"id":"T-1","requester":{{"role":"{role}","id":"fabrikam"}},"category":"CATEGORY_BILLING"{more}}}"#
    )
}

#[test]
fn the_samples_read_well() {
    for id in [
        // Owners: the publisher, the partner, its provider, Microsoft.
        "CAS-001414",
        "SUP-001289",
        "ZD-001111",
        "FD-001559",
        "CAS-001425",
        "CAS-001421",
        "CAS-001512",
        // Triage: before any rule, for want of a value, by a rule without an owner.
        "CAS-001488",
        "FD-001578",
        "FD-001551",
        "ZD-001011",
        "ZD-001001",
    ] {
        let text = text(&sample(id));
        assert!(text.lines().all(|line| line.chars().count() <= 96), "{text}");
        insta::assert_snapshot!(id, text);
    }
}

#[test]
fn every_sample_can_be_explained() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/catalog");
    let catalog =
        load_folder(&folder, Encodings::PROTOBUF, |_| ()).expect("the samples can be read").snapshot;
    let policy = Policy::builtin();
    let limits = Limits::default();
    let mut reader = Reader::new(limits, Vec::new());
    for line in include_str!("../../samples/tickets.jsonl").lines() {
        let payload = Payload::of(None, Some(line.as_bytes()), &limits).expect("the line is JSON");
        let ticket = reader.read(payload).expect("the line is a ticket");
        let answer = explain(&policy, &catalog, &ticket, &Given::default());
        assert_eq!(answer.owner.is_none(), answer.topic == "tickets.triage", "{line}");
        assert_eq!(answer.owner.is_none(), answer.triage.is_some_and(|it| !it.fixes.is_empty()), "{line}");
        assert!(!answer.other_owners.is_empty(), "{line}");
    }
}

#[test]
fn an_exception_says_what_it_overrides() {
    let policy = format!("{BUILTIN}{EXCEPTIONS}");
    let ticket = billing("ROLE_CUSTOMER", r#","partnerId":"tres-puentes","offerId":"harborlight.helpdesk""#);
    let (code, out) = answer(&ticket, Some(&policy), ExplainFormat::Text);
    assert_eq!(code, 0);
    insta::assert_snapshot!(out);
}

#[test]
fn conditions_on_the_source_and_on_attributes_can_be_what_would_have_to_differ() {
    let policy = format!("{BUILTIN}{GOLD}");
    let ticket = |more: &str| {
        let offer = r#""partnerId":"alder-cloud","offerId":"harborlight.helpdesk","category":"CATEGORY_USER_SUPPORT""#;
        format!(r#"{{"id":"T-1","requester":{{"role":"ROLE_CUSTOMER"}},{offer}{more}}}"#)
    };
    let gold = ticket(r#","source":"zendesk/contoso","attributes":{"tier":"gold"}"#);
    let (_, out) = answer(&gold, Some(&policy), ExplainFormat::Text);
    assert!(out.contains("Owner      Alder Cloud Services (partner `alder-cloud`)"), "{out}");
    assert!(out.contains("attribute.tier  gold             ticket: attributes.tier"), "{out}");
    assert!(
        out.contains("if\n      it came from another source\n      or it had no attribute `tier`"),
        "{out}"
    );
    let (_, out) = answer(&ticket(r#","source":"zendesk/contoso""#), Some(&policy), ExplainFormat::Text);
    assert!(out.contains("or attribute `tier` were `gold`"), "{out}");
}

#[test]
fn an_explanation_in_json_is_stable() {
    let (code, out) = answer(&sample("CAS-001425"), None, ExplainFormat::Json);
    assert_eq!(code, 0);
    insta::assert_snapshot!(out);
}

#[test]
fn a_bad_ticket_is_explained_too() {
    let ticket = r#"{"id":"1","category":{"name":"billing"}}"#;
    let (code, out) = answer(ticket, None, ExplainFormat::Text);
    assert_eq!(code, 1);
    insta::assert_snapshot!(out);
    let (code, out) = answer(ticket, None, ExplainFormat::Json);
    assert_eq!(code, 1);
    insta::assert_snapshot!(out);
    assert!(answer("", None, ExplainFormat::Text).1.contains("EMPTY_VALUE"));
}

#[test]
fn a_missing_fact_is_named_together_with_the_record_that_lacks_it() {
    let unknown = text(&billing("ROLE_CUSTOMER", r#","offerId":"no-such-offer","partnerId":"alder-cloud""#));
    assert!(unknown.contains("catalog: offers: add `no-such-offer`, if it is an offer"), "{unknown}");
    assert!(unknown.contains("the catalog had offer `no-such-offer`"), "{unknown}");
    let missing = text(&billing("ROLE_CUSTOMER", ""));
    assert!(missing.contains("TRIAGE_REASON_MISSING_PARTNER"), "{missing}");
    assert!(
        missing.contains("- the partner that it would name, if\n      it named a partner (partnerId)"),
        "{missing}"
    );
}

#[test]
fn foreign_text_cannot_steer_the_terminal() {
    let ticket = billing("ROLE_CUSTOMER", r#","partnerId":"\u001b[31m\u202ered","source":"a\nb""#);
    let text = text(&ticket);
    assert!(text.contains(r"\u{1b}[31m\u{202e}red"), "{text}");
    assert!(text.contains(r"a\u{a}b"), "{text}");
    assert_eq!(shown("Müller’s \u{7f}\u{200f}"), r"Müller’s \u{7f}\u{200f}");
}

#[test]
fn a_file_that_is_not_there_is_a_usage_error_and_a_refused_policy_is_not() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let run = |catalog: &Path, policy: Option<&Path>| {
        let data = DataArgs { catalog: catalog.to_owned(), policy: policy.map(Path::to_owned) };
        let command = ExplainArgs { file: None, data, format: ExplainFormat::Text };
        run_at(80, "{}", |io| command.run(io)).0
    };
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/catalog");
    assert_eq!(run(folder.path(), None), 64);
    assert_eq!(run(&samples, Some(&folder.path().join("none.toml"))), 64);
    fs::write(folder.path().join("empty.toml"), "").expect("a file can be written");
    assert_eq!(run(&samples, Some(&folder.path().join("empty.toml"))), 65);
    assert_eq!(run(&samples, None), 1);
}

#[test]
fn what_was_meant_is_said_of_codes_fields_and_ids() {
    let ticket = |role: &str, category: &str, more: &str| {
        text(&format!(r#"{{"id":"T-1","requester":{{"role":"{role}"}},"category":"{category}"{more}}}"#))
    };
    let code = ticket("customer", "CATEGORY_BILLING", "");
    assert!(code.contains("`customer` is not known; did you mean ROLE_CUSTOMER?"), "{code}");
    let field = ticket("ROLE_CUSTOMER", "CATEGORY_BILLING", r#","offerID":"harborlight.helpdesk""#);
    assert!(field.contains("  - `offerID`: did you mean `offerId`?"), "{field}");
    let id = ticket("ROLE_CUSTOMER", "CATEGORY_BILLING", r#","offerId":"Harborlight.helpdesk""#);
    assert!(id.contains("check `Harborlight.helpdesk`; did you mean `harborlight.helpdesk`?"), "{id}");
    let partner = ticket("ROLE_CUSTOMER", "CATEGORY_BILLING", r#","partnerId":"alder-clout""#);
    assert!(partner.contains("check `alder-clout`; did you mean `alder-cloud`?"), "{partner}");
}

#[test]
fn each_of_several_tickets_is_explained_and_one_may_be_printed_over_several_lines() {
    let first = billing("ROLE_CUSTOMER", r#","partnerId":"alder-cloud""#);
    let printed = first.replace(',', ",\n  ");
    assert_eq!(text(&printed), text(&first));
    let both = text(&format!("{first}\n{}", sample("CAS-001425")));
    let owners = both.lines().filter(|line| line.starts_with("Owner  ")).count();
    assert!(owners == 2 && both.contains("`T-1`") && both.contains("`CAS-001425`"), "{both}");
}

#[test]
fn a_way_to_another_owner_is_facts_for_programs() {
    let ticket = billing("ROLE_CUSTOMER", r#","partnerId":"alder-cloud","offerId":"harborlight.helpdesk""#);
    let (_, out) = answer(&ticket, None, ExplainFormat::Json);
    let answer: serde_json::Value = serde_json::from_str(&out).expect("the answer is JSON");
    let owners = answer["otherOwners"].as_array().expect("a list");
    for owner in owners {
        let len = |name: &str| owner[name].as_array().map(Vec::len);
        assert_eq!(len("ways"), len("changes"), "{owner}");
    }
    let commerce = owners.iter().find(|it| it["owner"]["owner"] == "OWNER_MICROSOFT_COMMERCE");
    let way = &commerce.expect("a partner that asks has Microsoft")["changes"][0];
    let changed = |field: &str| {
        way.as_array().expect("a list").iter().find(|it| it["field"] == field).expect(field).clone()
    };
    let role = serde_json::json!(
        {"place": "ticket", "id": null, "field": "requester.role", "value": "ROLE_PARTNER"}
    );
    assert_eq!(changed("requester.role"), role);
    assert_eq!(changed("requester.id")["value"], "alder-cloud");
    let publisher = owners.iter().find(|it| it["owner"]["owner"] == "OWNER_PUBLISHER").expect("by category");
    let category = &publisher["changes"][0][0];
    assert_eq!((&category["place"], &category["field"]), (&"ticket".into(), &"category".into()));
    let values = category["value"].as_array().expect("several will do");
    assert!(values.contains(&"CATEGORY_BREAK_FIX".into()), "{values:?}");
}
