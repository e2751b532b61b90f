//! The catalog's topics as people, other programs and brokers leave them.

use std::{fs, path::Path, time::Duration};

use prost::Message;
use rdkafka::producer::{BaseRecord, Producer, ThreadedProducer};
use serde_json::{Value, json};
use ticket_router::proto::v1::{RoutedTicket, decision::TriageReason};

use crate::{
    broker::Broker,
    checker::Watch,
    support::{
        router::{Router, Settings},
        tickets::{Encoding, load_catalog, offer, offer_record, prepared, ticket, ticket_bytes},
        topics::{Destination, Outbound, Source, Topics},
        wait::wait_for,
    },
};

const DATA: Option<i32> = Some(65);
const BROKER: Option<i32> = Some(78);
const DONE: Option<i32> = Some(0);
/// A few looks at the brokers, on a busy machine.
pub const NOTICED: Duration = Duration::from_secs(60);

/// Topics with the small catalog, and one ticket after the other about an offer.
pub struct Probe {
    pub topics: Topics,
    source: Source,
    watch: Watch,
    asked: usize,
}

impl Probe {
    pub fn new() -> Self {
        let (topics, source) = prepared(1);
        let watch = Watch::new(&topics);
        Self { topics, source, watch, asked: 0 }
    }

    pub fn offers(&self, records: &[Outbound]) {
        self.source.send_all(&self.topics.offers(), records);
    }

    pub fn ask(&mut self, offer: &str) -> RoutedTicket {
        self.asked += 1;
        let id = format!("probe-{}", self.asked);
        let mut ticket = ticket(&id, Destination::Publisher);
        ticket["offerId"] = json!(offer);
        let bytes = ticket_bytes(&ticket, Encoding::Protobuf);
        self.source.send_all(&self.topics.incoming(), &[Outbound::new(id.as_str(), bytes)]);
        let (_, record) = self.watch.wait_for_key(&id);
        RoutedTicket::decode(record.value.as_deref().unwrap_or_default()).expect("protobuf is the default")
    }

    fn wait_for_unknown(&mut self, offer: &str) {
        wait_for("the offer is unknown", NOTICED, || {
            let decision = self.ask(offer).decision?;
            (decision.triage_reason() == TriageReason::UnknownOffer).then_some(())
        });
    }

    fn wait_for_title(&mut self, offer: &str, title: &str) {
        wait_for("the offer has its new title", NOTICED, || {
            (self.ask(offer).offer?.title == title).then_some(())
        });
    }
}

fn titled(id: &str, title: &str) -> Value {
    let mut offer = offer();
    offer["id"] = json!(id);
    offer["title"] = json!(title);
    offer
}

fn record(id: &str, title: &str) -> Outbound {
    offer_record(&titled(id, title), Encoding::Json)
}

fn age(router: &Router) -> f64 {
    router.figure("ticket_router_catalog_age_seconds").unwrap_or_default()
}

fn bad_offers(router: &Router) -> Option<f64> {
    router.figure("ticket_router_catalog_bad{kind=\"offer\"}")
}

fn path(folder: &Path) -> &str {
    folder.to_str().expect("the folder's name is UTF-8")
}

const SAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/samples/catalog");

#[test]
fn nothing_but_topics_create_creates_a_topic() {
    let broker: &Broker = Box::leak(Box::new(Broker::private_with("auto.create.topics.enable=true\n")));
    let topics = Topics::only_named(broker);
    let settings = Settings::new(&topics);
    let folder = settings.dir().join("exported");
    let commands: [&[&str]; 6] = [
        &["topics", "check"],
        &["catalog", "check"],
        &["catalog", "load", SAMPLES],
        &["catalog", "export", path(&folder)],
        &["catalog", "remove", "offer", "contoso.backup"],
        &["run"],
    ];
    for command in commands {
        let said = settings.run_to(BROKER, command);
        assert!(said.contains(&topics.offers()) && said.contains("does not exist"), "{command:?}: {said}");
    }
    assert!(!folder.exists());
    assert_eq!(topics.present(), Vec::<String>::new());

    let (code, said) = settings.run(&["topics", "create", "--partitions", "1"]);
    assert_eq!((code, topics.present().len()), (DONE, 9), "{said}");
    let said = settings.run_to(DONE, &["catalog", "load", SAMPLES]);
    assert!(said.contains("catalog remove"), "{said}");

    // An outgoing topic that is deleted under a running router stays deleted.
    let source = Source::new(broker);
    load_catalog(&source, &topics);
    let mut router = settings.start("router");
    router.wait_until_ready();
    let mut watch = Watch::new(&topics);
    topics.delete(Destination::Publisher);
    let bytes = ticket_bytes(&ticket("lost", Destination::Publisher), Encoding::Json);
    source.send_all(&topics.incoming(), &[Outbound::new("lost", bytes)]);
    let (topic, _) = watch.wait_for_key("lost");
    assert_eq!(topic, topics.outgoing(Destination::DeadLetter));
    assert!(!topics.present().contains(&topics.outgoing(Destination::Publisher)));
}

#[test]
fn an_export_never_replaces_records_by_nothing_unless_it_is_told_to() {
    let probe = Probe::new();
    let settings = Settings::new(&probe.topics);
    let folder = settings.dir().join("exported");
    let export = ["catalog", "export", path(&folder)];
    settings.run_to(DONE, &export);
    let files = || {
        let names =
            fs::read_dir(&folder).expect("the folder is there").map(|it| it.expect("it lists").path());
        let mut files: Vec<_> = names.map(|it| (fs::read_to_string(&it).expect("it reads"), it)).collect();
        files.sort();
        files
    };
    let exported = files();
    assert_eq!(exported.len(), 3);
    assert!(exported.iter().all(|(text, _)| text.lines().count() == 1), "{exported:?}");

    let mut misspelt = Settings::new(&probe.topics);
    misspelt.set("catalog.topics.offers", format!("{}s", probe.topics.offers()));
    for command in [&export[..], &["catalog", "load", path(&folder)], &["catalog", "check"], &["run"]] {
        let said = misspelt.run_to(BROKER, command);
        assert!(said.contains("does not exist"), "{command:?}: {said}");
    }
    assert_eq!(files(), exported);

    probe.topics.delete_named(&probe.topics.offers());
    probe.topics.create_catalog_again(&probe.topics.offers());
    let said = settings.run_to(DATA, &export);
    assert!(said.contains("--force") && said.contains("offers.jsonl"), "{said}");
    assert_eq!(files(), exported);
    settings.run_to(DONE, &["catalog", "export", path(&folder), "--force"]);
    assert_eq!(fs::read_to_string(folder.join("offers.jsonl")).expect("it is there"), "");
    assert_eq!(files().len(), 3);
}

#[test]
fn a_catalog_topic_with_several_partitions_is_refused_and_under_a_router_the_catalog_grows_old() {
    let mut probe = Probe::new();
    let settings = Settings::new(&probe.topics);
    let mut router = settings.start("router");
    router.wait_until_ready();
    probe.topics.grow(&probe.topics.offers(), 3);
    wait_for("the catalog grows old", NOTICED, || (age(&router) > 10.0).then_some(()));
    assert!(router.said().contains("CATALOG_TOPIC") && router.said().contains("has 3 partitions"));
    assert!(probe.ask("contoso.backup").offer.is_some(), "what is known is used");

    let folder = settings.dir().join("exported");
    let commands: [&[&str]; 5] = [
        &["topics", "check"],
        &["catalog", "check"],
        &["catalog", "load", SAMPLES],
        &["catalog", "export", path(&folder)],
        &["run"],
    ];
    for command in commands {
        let said = settings.run_to(BROKER, command);
        let words = [probe.topics.offers().as_str(), "has 3 partitions", "catalog load"].map(str::to_owned);
        assert!(words.iter().all(|word| said.contains(word)), "{command:?}: {said}");
    }
}

#[test]
fn a_catalog_topic_that_is_created_again_is_read_from_its_beginning_and_leaves_no_ghosts() {
    let mut probe = Probe::new();
    let ghosts: Vec<_> = (0..5).map(|n| record(&format!("ghost-{n}"), "Ghost")).collect();
    probe.offers(&ghosts);
    let mut router = Settings::new(&probe.topics).start("router");
    router.wait_until_ready();
    assert_eq!(probe.ask("ghost-0").offer.expect("it is known").title, "Ghost");

    let offers = probe.topics.offers();
    probe.topics.delete_named(&offers);
    probe.topics.create_catalog_again(&offers);
    // Longer than the old one, so that no offset is out of range; what matters comes before the old end.
    let mut records = vec![record("contoso.backup", "Created again")];
    records.extend((0..20).map(|n| record(&format!("new-{n}"), "New")));
    probe.offers(&records);
    probe.wait_for_title("contoso.backup", "Created again");
    probe.wait_for_unknown("ghost-0");
    assert_eq!(router.figure("ticket_router_catalog_records{kind=\"offer\"}"), Some(21.0));

    // It is followed from there on.
    probe.offers(&[record("contoso.backup", "Followed")]);
    probe.wait_for_title("contoso.backup", "Followed");
    wait_for("the catalog is current", NOTICED, || (age(&router) < 6.0).then_some(()));
    assert!(router.said().contains("CATALOG_RECREATED") && !router.has_ended());
}

#[test]
fn a_catalog_with_an_open_transaction_is_not_current_until_it_ends() {
    let mut probe = Probe::new();
    let offers = probe.topics.offers();
    let mut config = probe.topics.broker().client();
    config.set("transactional.id", probe.topics.group()).set("transaction.timeout.ms", "120000");
    let writer: ThreadedProducer<_> = config.create().expect("librdkafka knows the settings");
    writer.init_transactions(NOTICED).expect("the broker has transactions");
    writer.begin_transaction().expect("none is open");
    let value = titled("hidden", "Hidden").to_string();
    writer.send(BaseRecord::to(&offers).key("hidden").payload(&value)).expect("the queue has room");
    writer.flush(NOTICED).expect("the broker takes the record");

    let mut router = Settings::new(&probe.topics).start("router");
    router.wait_until_ready();
    assert!(router.said().contains("CATALOG_HIDDEN"), "the restore says that it has not seen everything");
    assert!(age(&router) >= 10.0, "{}", age(&router));
    let before = age(&router);
    wait_for("the catalog grows older", NOTICED, || (age(&router) > before + 6.0).then_some(()));
    assert_eq!(probe.ask("hidden").offer, None);
    writer.commit_transaction(NOTICED).expect("the transaction is whole");
    probe.wait_for_title("hidden", "Hidden");
    wait_for("the catalog is current", NOTICED, || (age(&router) < 6.0).then_some(()));
}

#[test]
fn bad_records_are_counted_by_key_listed_and_removed() {
    let mut probe = Probe::new();
    let settings = Settings::new(&probe.topics);
    probe.offers(&[
        record("\"quoted\"", "The key is the id"),
        Outbound::new("broken", "{\"id\": \"broken\", \"azureBased\": \"yes\"}"),
        Outbound::new("broken", "{\"id\": \"broken\", \"azureBased\": \"no\"}"),
        Outbound::new("empty", ""),
        record("once-bad", "Good now"),
    ]);
    let framed = |id: &str| [&[0, 0, 0, 0, 9], id.as_bytes()].concat();
    for generation in 0..2 {
        let mut router = settings.start(&format!("router-{generation}"));
        router.wait_until_ready();
        if generation == 0 {
            assert_eq!(bad_offers(&router), Some(2.0), "a restart counts the same");
            // A removal under a key that is not the id itself would do nothing.
            probe.offers(&[Outbound::tombstone("\"contoso.backup\""), Outbound::tombstone(framed("quoted"))]);
            probe.offers(&[Outbound::tombstone(framed("contoso.backup"))]);
            // And one that removes nothing whatever it means.
            probe.offers(&[Outbound::tombstone("nothing")]);
        }
        wait_for("all bad keys are counted", NOTICED, || (bad_offers(&router) == Some(4.0)).then_some(()));
        assert!(probe.ask("contoso.backup").offer.is_some());
        router.terminate();
        router.wait_for_end();
    }

    let said = settings.run_to(DATA, &["catalog", "check"]);
    let lines: Vec<_> = said.lines().filter(|line| line.contains(": error: ")).collect();
    assert_eq!(lines.len(), 4, "{said}");
    for words in [
        ["partition 0 offset 3 key `broken`", "`azureBased` is a string"],
        ["partition 0 offset 4 key `empty`", "empty"],
        ["key `\"contoso.backup\"`", "in JSON quotes, removes nothing"],
        ["contoso.backup`: ", "behind a Confluent frame, removes nothing"],
    ] {
        assert!(lines.iter().any(|line| words.iter().all(|word| line.contains(word))), "{words:?}: {said}");
    }

    let remove =
        |code, more: &[&str]| settings.run_to(code, &[&["catalog", "remove", "offer"], more].concat());
    let said = remove(DATA, &["Contoso.Backup", "broken"]);
    assert!(said.contains("did you mean `contoso.backup`") && said.contains("nothing was removed"), "{said}");
    let said = remove(DONE, &["contoso.backup", "--dry-run"]);
    assert_eq!(said.matches("would remove").count(), 3, "{said}");
    settings.run_to(DATA, &["catalog", "check"]);

    let said = remove(DONE, &["contoso.backup", "broken", "empty"]);
    assert_eq!(said.matches("removed `").count(), 5, "{said}");
    settings.run_to(DONE, &["catalog", "check"]);
    let mut router = settings.start("router-at-last");
    router.wait_until_ready();
    assert_eq!(bad_offers(&router), Some(0.0));
    probe.wait_for_unknown("contoso.backup");
}
