//! The catalog changes while the router runs.

use std::time::Duration;

use prost::Message;
use serde_json::json;
use ticket_router::proto::v1::{RoutedTicket, decision::TriageReason};

use crate::{
    checker::Watch,
    support::{
        router::{Router, Settings},
        tickets::{Encoding, load_catalog, offer, offer_record, ticket, ticket_bytes},
        topics::{Destination, Outbound, Source, Topics},
        wait::wait_for,
    },
};

const FOLLOW_DEADLINE: Duration = Duration::from_secs(20);

/// A running router, and one ticket after the other to see what it knows.
struct Probe {
    topics: Topics,
    source: Source,
    watch: Watch,
    router: Router,
    asked: usize,
}

#[test]
fn an_offer_that_is_removed_sends_its_tickets_to_triage_until_it_is_back() {
    let mut probe = Probe::start();
    assert_eq!(probe.ask().offer.unwrap().title, "Contoso Backup");

    probe.source.send_all(&probe.topics.offers(), &[Outbound::tombstone("contoso.backup")]);
    probe.ask_until("the offer is unknown", |routed| triage_reason(routed) == TriageReason::UnknownOffer);

    probe.source.send_all(&probe.topics.offers(), &[offer_record(&offer(), Encoding::Protobuf)]);
    probe.ask_until("the offer is known again", |routed| triage_reason(routed) == TriageReason::Unspecified);
}

#[test]
fn a_changed_offer_changes_the_tickets_that_come_after() {
    let mut probe = Probe::start();
    probe.ask();
    let mut changed = offer();
    changed["firstParty"] = json!(true);
    probe.source.send_all(&probe.topics.offers(), &[offer_record(&changed, Encoding::Json)]);
    probe.ask_until("the offer is Microsoft's own", |routed| {
        triage_reason(routed) == TriageReason::FirstPartyOffer
    });
}

#[test]
fn a_bad_catalog_record_is_reported_and_leaves_the_last_good_one_in_place() {
    let mut probe = Probe::start();
    probe.ask();
    let mut renamed = offer();
    renamed["title"] = json!("Contoso Backup 2");
    let mut foreign = renamed.clone();
    foreign["id"] = json!("contoso.restore");
    let bad = [
        Outbound::new("contoso.backup", "{\"id\": \"contoso.backup\", \"title\""),
        Outbound::new("contoso.backup", foreign.to_string()),
        Outbound::new("contoso.backup", [0xff_u8; 7]),
    ];
    probe.source.send_all(&probe.topics.offers(), &bad);
    // The good record has the same key, so it is read after the bad ones.
    probe.source.send_all(&probe.topics.offers(), &[offer_record(&renamed, Encoding::Json)]);
    probe.ask_until("the good record after the bad ones counts", |routed| {
        let offer = routed.offer.as_ref().expect("a bad record did not remove the offer");
        offer.title == "Contoso Backup 2"
    });
    let said = probe.router.said();
    let reported =
        said.lines().filter(|line| line.contains("WARN") && line.contains("contoso.backup")).count();
    assert!(reported >= bad.len(), "the log names each bad record");
}

impl Probe {
    fn start() -> Self {
        let topics = Topics::create(1);
        let source = Source::new(topics.broker());
        load_catalog(&source, &topics);
        let router = Settings::new(&topics).start("router");
        let watch = Watch::new(&topics);
        Self { topics, source, watch, router, asked: 0 }
    }

    /// Sends one more ticket of a customer about the offer, and gives what becomes of it.
    fn ask(&mut self) -> RoutedTicket {
        self.asked += 1;
        let id = format!("probe-{}", self.asked);
        let ticket = ticket_bytes(&ticket(&id, Destination::Publisher), Encoding::Protobuf);
        self.source.send_all(&self.topics.incoming(), &[Outbound::new(id.as_str(), ticket)]);
        let (_, record) = self.watch.wait_for_key(&id);
        RoutedTicket::decode(record.value.as_deref().unwrap_or_default())
            .expect("protobuf is the default format")
    }

    fn ask_until(&mut self, what: &str, claim: impl Fn(&RoutedTicket) -> bool) {
        wait_for(what, FOLLOW_DEADLINE, || claim(&self.ask()).then_some(()));
    }
}

fn triage_reason(routed: &RoutedTicket) -> TriageReason {
    routed.decision.as_ref().expect("every routed ticket has a decision").triage_reason()
}
