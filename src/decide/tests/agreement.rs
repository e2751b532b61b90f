//! The router agrees with the second reading, in every situation.

use std::{collections::BTreeMap, sync::Arc};

use prost::Message;

use super::{
    oracle::{Answer, Asks, Situation, Who, read},
    situations::{self, CATEGORIES, Ids, for_each, ids, party},
};
use crate::{
    catalog::Snapshot,
    decide::{Assignee, Decided, Ruling, decide},
    policy::{Outcome, Policy},
    proto::v1::{
        self, Decision,
        decision::{ContactKind, Owner, TriageReason},
        ticket::{Category, Severity, requester::Role},
    },
    route::{OutputFormat, Router},
    ticket::{Attributes, Coded, Format, Limits, Ticket},
};

/// The rows of the table of ownership, by the id of their rule.
const ROWS: [(&str, u8); 21] = [
    ("customer-user-support", 1),
    ("customer-break-fix", 2),
    ("customer-technical-coordinated", 3),
    ("customer-commerce", 4),
    ("customer-azure", 5),
    ("customer-other", 6),
    ("partner-user-support", 7),
    ("partner-break-fix", 8),
    ("reseller-commerce", 9),
    ("reseller-azure", 9),
    ("reseller-other", 9),
    ("partner-commerce", 10),
    ("partner-publisher-contact", 11),
    ("partner-azure-based", 12),
    ("partner-not-azure-based", 13),
    ("partner-other", 14),
    ("publisher-commerce", 15),
    ("publisher-azure-based", 16),
    ("publisher-not-azure-based", 17),
    ("publisher-own-support", 18),
    ("publisher-other", 19),
];

/// An answer in the words of the contract, whichever side gave it.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
struct Said {
    owner: String,
    assignee: String,
    contacts: String,
    next: Option<(String, String)>,
    triage: String,
    row: Option<u8>,
}

fn row(rule: &str) -> Option<u8> {
    ROWS.iter().find(|(id, _)| *id == rule).map(|&(_, row)| row)
}

fn expected(s: &Situation) -> Said {
    let named = |who: Who| {
        let (owner, id) = party(s, who);
        (owner.to_owned(), id)
    };
    match read(s) {
        Answer::Triage { reason, row } => {
            Said { triage: format!("TRIAGE_REASON_{reason}"), row, ..Default::default() }
        }
        Answer::Owned { row, who, contacts, next } => {
            let (owner, assignee) = named(who);
            // Each of the offers has all three contacts.
            let has_offer = !ids(s).offer.is_empty();
            let contacts = if has_offer { contacts.to_owned() } else { String::new() };
            Said { owner, assignee, contacts, next: next.map(named), row: Some(row), ..Default::default() }
        }
    }
}

fn letter(kind: ContactKind) -> char {
    match kind {
        ContactKind::CustomerSupport => 'c',
        ContactKind::Engineering => 'e',
        ContactKind::CspProgram => 'p',
        _ => '?',
    }
}

fn found(policy: &Policy, decided: &Decided<'_>) -> Said {
    let named =
        |assignee: Assignee<'_>| (assignee.owner().as_str_name().to_owned(), assignee.id().to_owned());
    match decided.ruling {
        Ruling::Triage { reason, rule } => Said {
            triage: reason.as_str_name().to_owned(),
            row: rule.and_then(|rule| row(&policy.rule(rule).id)),
            ..Default::default()
        },
        Ruling::Owned { rule, assignee, next } => {
            let Outcome::Owned(assignment) = &policy.rule(rule).outcome else {
                panic!("a triage rule cannot give an owner")
            };
            let contacts = decided.records.contacts(&assignment.contacts, Format::Json);
            let (owner, assignee) = named(assignee);
            Said {
                owner,
                assignee,
                contacts: contacts.map(|contact| letter(contact.kind)).collect(),
                next: next.map(named),
                row: row(&policy.rule(rule).id),
                ..Default::default()
            }
        }
    }
}

fn decoded(decision: &Decision) -> Said {
    let owner = |owner: Owner| match owner {
        Owner::Unspecified => String::new(),
        owner => owner.as_str_name().to_owned(),
    };
    let triage = match decision.triage_reason() {
        TriageReason::Unspecified => String::new(),
        reason => reason.as_str_name().to_owned(),
    };
    Said {
        owner: owner(decision.owner()),
        assignee: decision.assignee_id.clone(),
        contacts: decision.contacts.iter().map(|contact| letter(contact.kind())).collect(),
        next: decision.next.as_ref().map(|next| (owner(next.owner()), next.assignee_id.clone())),
        triage,
        row: row(&decision.rule),
    }
}

fn role(asks: Asks) -> Coded<Role> {
    match asks {
        Asks::Customer => Coded::Known(Role::Customer),
        Asks::Partner => Coded::Known(Role::Partner),
        Asks::Publisher => Coded::Known(Role::Publisher),
        Asks::Missing => Coded::Known(Role::Unspecified),
        Asks::Unknown => Coded::Unknown,
    }
}

fn category(name: &str) -> Coded<Category> {
    match name {
        "NONE" => Coded::Known(Category::Unspecified),
        name => Category::from_str_name(&format!("CATEGORY_{name}")).map_or(Coded::Unknown, Coded::Known),
    }
}

#[test]
fn every_situation_is_decided_as_the_text_says() {
    let policy = Policy::builtin();
    let catalog = situations::catalog();
    let categories: BTreeMap<&str, Coded<Category>> = CATEGORIES.map(|name| (name, category(name))).into();
    let mut count = 0_u32;
    for_each(|situation| {
        let Ids { requester, partner, offer } = ids(situation);
        let ticket = Ticket {
            id: "T-1",
            source: "test",
            role: role(situation.asks),
            requester_id: &requester,
            partner_id: &partner,
            offer_id: &offer,
            category: categories[situation.category],
            severity: Severity::Unspecified,
            attributes: Attributes::of(&[]),
        };
        let said = found(&policy, &decide(&policy, &catalog, &ticket));
        assert_eq!(said, expected(situation), "{situation:?}");
        count += 1;
    });
    assert!(count > 500_000, "{count}");
}

#[test]
fn the_bytes_of_a_routed_ticket_say_the_same_in_both_formats() {
    let catalog = situations::catalog();
    let mut router = Router::new(Arc::new(Policy::builtin()), Limits::default(), OutputFormat::Same);
    // A step that shares no factor with the number of values of any dimension: all of them come up together.
    let step = 211;
    let mut count = 0_u32;
    for_each(|situation| {
        count += 1;
        if count.is_multiple_of(step) {
            let expected = expected(situation);
            let from_protobuf = route_protobuf(&mut router, &catalog, situation);
            assert_eq!(decoded(&from_protobuf), expected, "{situation:?}");
            let from_json = route_json(&mut router, &catalog, situation);
            assert_eq!(decoded(&from_json), expected, "{situation:?}");
            let same = Decision { decision_id: from_protobuf.decision_id.clone(), ..from_json };
            assert_eq!(same, from_protobuf, "{situation:?}");
        }
    });
}

fn route_protobuf(router: &mut Router, catalog: &Snapshot, s: &Situation) -> Decision {
    const FROM_THE_FUTURE: i32 = 99;
    let Ids { requester, partner, offer } = ids(s);
    let role = match role(s.asks) {
        Coded::Known(role) => role.into(),
        Coded::Unknown => FROM_THE_FUTURE,
    };
    let category = match category(s.category) {
        Coded::Known(category) => category.into(),
        Coded::Unknown => FROM_THE_FUTURE,
    };
    let ticket = v1::Ticket {
        id: "T-1".to_owned(),
        requester: Some(v1::ticket::Requester { role, id: requester, ..Default::default() }),
        partner_id: partner,
        offer_id: offer,
        category,
        ..Default::default()
    };
    let bytes = ticket.encode_to_vec();
    let routed = router.route(catalog, None, Some(&bytes)).expect("the ticket is valid");
    let message = v1::RoutedTicket::decode(routed.value).expect("the router writes protobuf");
    assert_eq!(message.ticket.as_ref(), Some(&ticket));
    message.decision.expect("every routed ticket has a decision")
}

fn route_json(router: &mut Router, catalog: &Snapshot, s: &Situation) -> Decision {
    let Ids { requester, partner, offer } = ids(s);
    let mut asks = serde_json::json!({ "id": requester });
    match s.asks {
        Asks::Missing => {}
        Asks::Unknown => asks["role"] = "ROLE_AUDITOR".into(),
        asker => asks["role"] = format!("ROLE_{asker:?}").to_uppercase().into(),
    }
    let mut ticket =
        serde_json::json!({ "id": "T-1", "requester": asks, "partnerId": partner, "offerId": offer });
    if s.category != "NONE" {
        ticket["category"] = format!("CATEGORY_{}", s.category).into();
    }
    let bytes = ticket.to_string();
    let routed = router.route(catalog, None, Some(bytes.as_bytes())).expect("the ticket is valid");
    let mut value: serde_json::Value = serde_json::from_slice(routed.value).expect("the router writes JSON");
    assert_eq!(value["ticket"], ticket);
    serde_json::from_value(value["decision"].take()).expect("the decision is ProtoJSON")
}
