//! The catalog changes while the router runs.

use serde_json::json;
use ticket_router::proto::v1::{RoutedTicket, decision::TriageReason};

use crate::{
    catalog_topics::{NOTICED, Probe},
    support::{
        router::{Router, Settings},
        tickets::{Encoding, offer, offer_record},
        topics::Outbound,
        wait::wait_for,
    },
};

#[test]
fn an_offer_that_is_removed_sends_its_tickets_to_triage_until_it_is_back() {
    let (mut probe, _router) = start();
    assert_eq!(probe.ask("contoso.backup").offer.unwrap().title, "Contoso Backup");

    probe.offers(&[Outbound::tombstone("contoso.backup")]);
    ask_until(&mut probe, "the offer is unknown", |routed| {
        triage_reason(routed) == TriageReason::UnknownOffer
    });

    probe.offers(&[offer_record(&offer(), Encoding::Protobuf)]);
    ask_until(&mut probe, "the offer is known again", |routed| {
        triage_reason(routed) == TriageReason::Unspecified
    });
}

#[test]
fn a_changed_offer_changes_the_tickets_that_come_after() {
    let (mut probe, _router) = start();
    probe.ask("contoso.backup");
    let mut changed = offer();
    changed["firstParty"] = json!(true);
    probe.offers(&[offer_record(&changed, Encoding::Json)]);
    ask_until(&mut probe, "the offer is Microsoft's own", |routed| {
        triage_reason(routed) == TriageReason::FirstPartyOffer
    });
}

#[test]
fn a_bad_catalog_record_is_reported_and_leaves_the_last_good_one_in_place() {
    let (mut probe, router) = start();
    probe.ask("contoso.backup");
    let mut renamed = offer();
    renamed["title"] = json!("Contoso Backup 2");
    let mut foreign = renamed.clone();
    foreign["id"] = json!("contoso.restore");
    let bad = [
        Outbound::new("contoso.backup", "{\"id\": \"contoso.backup\", \"title\""),
        Outbound::new("contoso.backup", foreign.to_string()),
        Outbound::new("contoso.backup", [0xff_u8; 7]),
    ];
    probe.offers(&bad);
    // The good record has the same key, so it is read after the bad ones.
    probe.offers(&[offer_record(&renamed, Encoding::Json)]);
    ask_until(&mut probe, "the good record after the bad ones counts", |routed| {
        let offer = routed.offer.as_ref().expect("a bad record did not remove the offer");
        offer.title == "Contoso Backup 2"
    });
    let said = router.said();
    let reported =
        said.lines().filter(|line| line.contains("WARN") && line.contains("contoso.backup")).count();
    assert!(reported >= bad.len(), "the log names each bad record");
}

/// A running router, and what sends it one ticket after the other to see what it knows.
fn start() -> (Probe, Router) {
    let probe = Probe::new();
    let router = Settings::new(&probe.topics).start("router");
    (probe, router)
}

fn ask_until(probe: &mut Probe, what: &str, claim: impl Fn(&RoutedTicket) -> bool) {
    wait_for(what, NOTICED, || claim(&probe.ask("contoso.backup")).then_some(()));
}

fn triage_reason(routed: &RoutedTicket) -> TriageReason {
    routed.decision.as_ref().expect("every routed ticket has a decision").triage_reason()
}
