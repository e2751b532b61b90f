//! A ticket for each reason why a person must decide, and nothing else wrong with it.

use super::super::{Ruling, decide};
use crate::{
    catalog::{Draft, Encodings, Offer, Partner, Publisher, Record, Snapshot, read},
    policy::Policy,
    proto::v1::{self, decision::TriageReason, partner::Model},
    ticket::{Format, Limits, Payload, Reader},
};

fn catalog() -> Snapshot {
    let kept = Encodings::BOTH;
    let mut draft = Draft::new();
    let offers = [("crm", "contoso", Some(true)), ("unsaid", "contoso", None), ("orphan", "ghost", None)];
    for (id, publisher, azure_based) in offers {
        let message = v1::Offer {
            id: id.to_owned(),
            publisher_id: publisher.to_owned(),
            azure_based,
            ..Default::default()
        };
        draft.upsert(Offer::build(&message, kept).expect("the offer is valid"));
    }
    let own = v1::Offer { id: "own".to_owned(), first_party: true, ..Default::default() };
    draft.upsert(Offer::build(&own, kept).expect("the offer is valid"));
    for id in ["contoso", "other-publisher"] {
        let message = v1::Publisher { id: id.to_owned(), ..Default::default() };
        draft.upsert(Publisher::build(&message, kept).expect("the publisher is valid"));
    }
    for (id, model, provider) in [
        ("direct", Model::DirectBill, ""),
        ("unsaid", Model::Unspecified, ""),
        ("alone", Model::IndirectReseller, ""),
        ("lost", Model::IndirectReseller, "ghost"),
        ("crossed", Model::IndirectReseller, "direct"),
    ] {
        let message = v1::Partner {
            id: id.to_owned(),
            model: model.into(),
            provider_id: provider.to_owned(),
            ..Default::default()
        };
        draft.upsert(Partner::build(&message, kept).expect("the partner is valid"));
    }
    let newer = br#"{"id":"newer","model":"MODEL_DIRECT_BILL","technicalSupport":"TECHNICAL_SUPPORT_SHARE"}"#;
    let newer = read(Payload { format: Format::Json, bytes: newer }, kept).expect("the partner is valid");
    draft.upsert::<Partner>(newer.record);
    draft.finish()
}

/// The reason for a ticket; `None` if it has an owner.
fn reason(role: &str, requester: &str, category: &str, rest: &str) -> Option<TriageReason> {
    let ticket = format!(
        r#"{{"id":"1","requester":{{"role":"{role}","id":"{requester}"}},"category":"CATEGORY_{category}"{rest}}}"#
    );
    let mut reader = Reader::new(Limits::default(), Vec::new());
    let payload = Payload::of(None, Some(ticket.as_bytes()), &Limits::default()).expect("it is JSON");
    let catalog = catalog();
    let ticket = reader.read(payload).expect("it is a ticket");
    match decide(&Policy::builtin(), &catalog, &ticket).ruling {
        Ruling::Triage { reason, .. } => Some(reason),
        Ruling::Owned { .. } => None,
    }
}

fn customer(category: &str, rest: &str) -> Option<TriageReason> {
    reason("ROLE_CUSTOMER", "somebody", category, rest)
}

fn partner(id: &str, category: &str, rest: &str) -> Option<TriageReason> {
    reason("ROLE_PARTNER", id, category, rest)
}

fn publisher(id: &str, category: &str, rest: &str) -> Option<TriageReason> {
    reason("ROLE_PUBLISHER", id, category, rest)
}

const CRM: &str = r#","offerId":"crm""#;

#[test]
fn unknown_role_if_the_role_is_from_a_newer_writer() {
    assert_eq!(reason("ROLE_AUDITOR", "x", "BILLING", CRM), Some(TriageReason::UnknownRole));
}

#[test]
fn missing_role_if_the_ticket_does_not_say_who_asks() {
    assert_eq!(reason("ROLE_UNSPECIFIED", "x", "BILLING", CRM), Some(TriageReason::MissingRole));
}

#[test]
fn unknown_category_if_the_category_is_from_a_newer_writer() {
    assert_eq!(customer("REFUND", r#","partnerId":"direct""#), Some(TriageReason::UnknownCategory));
}

#[test]
fn missing_requester_if_a_partner_or_publisher_asks_without_an_id() {
    assert_eq!(partner("", "BILLING", CRM), Some(TriageReason::MissingRequester));
    assert_eq!(publisher("", "BILLING", CRM), Some(TriageReason::MissingRequester));
    assert_eq!(reason("ROLE_CUSTOMER", "", "BILLING", r#","partnerId":"direct""#), None);
}

#[test]
fn unknown_offer_if_the_catalog_lacks_it_even_where_no_rule_needs_it() {
    assert_eq!(partner("direct", "BILLING", r#","offerId":"ghost""#), Some(TriageReason::UnknownOffer));
    assert_eq!(partner("direct", "BILLING", ""), None);
}

#[test]
fn unknown_publisher_if_the_catalog_lacks_the_offers_or_the_one_that_asks() {
    assert_eq!(partner("direct", "BILLING", r#","offerId":"orphan""#), Some(TriageReason::UnknownPublisher));
    assert_eq!(publisher("new-publisher", "USER_SUPPORT", ""), Some(TriageReason::UnknownPublisher));
    assert_eq!(publisher("new-publisher", "BILLING", CRM), Some(TriageReason::UnknownPublisher));
}

#[test]
fn a_publisher_that_is_just_being_onboarded_need_not_be_in_the_catalog() {
    assert_eq!(publisher("new-publisher", "OFFER_MANAGEMENT", ""), None);
}

#[test]
fn unknown_partner_if_the_catalog_lacks_the_named_or_the_asking_one() {
    let ghost = r#","partnerId":"ghost""#;
    assert_eq!(customer("USER_SUPPORT", ghost), Some(TriageReason::UnknownPartner));
    assert_eq!(partner("ghost", "USER_SUPPORT", CRM), Some(TriageReason::UnknownPartner));
    assert_eq!(publisher("contoso", "BILLING", ghost), Some(TriageReason::UnknownPartner));
}

#[test]
fn first_party_offer_if_the_offer_is_microsofts_own() {
    assert_eq!(partner("direct", "BILLING", r#","offerId":"own""#), Some(TriageReason::FirstPartyOffer));
}

#[test]
fn requester_not_publisher_if_a_publisher_asks_about_anothers_offer() {
    assert_eq!(publisher("other-publisher", "BILLING", CRM), Some(TriageReason::RequesterNotPublisher));
    assert_eq!(publisher("contoso", "BILLING", CRM), None);
}

#[test]
fn contradictory_partner_if_a_partner_that_asks_names_another() {
    assert_eq!(
        partner("direct", "BILLING", r#","partnerId":"alone""#),
        Some(TriageReason::ContradictoryPartner)
    );
    assert_eq!(partner("direct", "BILLING", r#","partnerId":"direct""#), None);
}

#[test]
fn no_rule_if_a_publisher_asks_what_the_document_does_not_speak_of() {
    for category in ["OTHER", "UNSPECIFIED", "PUBLISHER_CONTACT"] {
        assert_eq!(publisher("contoso", category, CRM), Some(TriageReason::NoRule), "{category}");
    }
}

#[test]
fn missing_offer_if_the_rule_needs_one_and_the_ticket_names_none() {
    assert_eq!(partner("direct", "USER_SUPPORT", ""), Some(TriageReason::MissingOffer));
    assert_eq!(partner("direct", "DEPLOYMENT", ""), Some(TriageReason::MissingOffer));
    assert_eq!(customer("BREAK_FIX", ""), Some(TriageReason::MissingOffer));
}

#[test]
fn missing_partner_if_the_customers_ticket_is_its_partners_and_names_none() {
    assert_eq!(customer("BILLING", CRM), Some(TriageReason::MissingPartner));
    assert_eq!(customer("USER_SUPPORT", CRM), None);
}

#[test]
fn incomplete_offer_if_the_rule_asks_whether_it_is_azure_based_and_its_record_does_not_say() {
    let unsaid = r#","offerId":"unsaid""#;
    assert_eq!(partner("direct", "PROVISIONING", unsaid), Some(TriageReason::IncompleteOffer));
    assert_eq!(publisher("contoso", "DEPLOYMENT", unsaid), Some(TriageReason::IncompleteOffer));
    assert_eq!(customer("PROVISIONING", r#","offerId":"unsaid","partnerId":"direct""#), None);
}

#[test]
fn missing_model_if_the_rule_asks_for_it_and_the_record_does_not_say() {
    assert_eq!(partner("unsaid", "BILLING", CRM), Some(TriageReason::MissingModel));
    assert_eq!(partner("unsaid", "USER_SUPPORT", CRM), None);
}

#[test]
fn unknown_technical_support_if_the_record_says_what_a_newer_writer_knows_and_only_for_technical_tickets_of_customers()
 {
    let newer = r#","partnerId":"newer","offerId":"crm""#;
    for category in ["USER_SUPPORT", "BREAK_FIX"] {
        assert_eq!(customer(category, newer), Some(TriageReason::UnknownTechnicalSupport), "{category}");
        assert_eq!(partner("newer", category, CRM), None, "{category}");
    }
    assert_eq!(customer("BILLING", newer), None);
    assert_eq!(partner("newer", "BILLING", CRM), None);
}

#[test]
fn missing_provider_if_a_reseller_names_none() {
    assert_eq!(partner("alone", "BILLING", CRM), Some(TriageReason::MissingProvider));
    assert_eq!(partner("alone", "USER_SUPPORT", CRM), None);
}

#[test]
fn unknown_provider_if_the_catalog_lacks_the_one_that_the_record_names() {
    assert_eq!(partner("lost", "BILLING", CRM), Some(TriageReason::UnknownProvider));
}

#[test]
fn invalid_provider_if_the_record_that_is_named_is_not_an_indirect_providers() {
    assert_eq!(partner("crossed", "OTHER", CRM), Some(TriageReason::InvalidProvider));
}
