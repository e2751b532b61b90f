//! The topics of one test.

use std::{
    collections::hash_map::RandomState,
    hash::{BuildHasher, Hasher},
    time::Duration,
};

use rdkafka::{
    Offset, TopicPartitionList,
    admin::{AdminClient, AdminOptions, AlterConfig, NewTopic, ResourceSpecifier, TopicReplication},
    client::DefaultClientContext,
    consumer::{BaseConsumer, Consumer},
    producer::{BaseRecord, Producer},
};
use ticket_router_harness::{Sender, add_partitions, create_topics, delete_topics, headers_of, options};
use ticket_router_proof::topics::{NUMBER, Names};

use crate::broker::Broker;

const ADMIN_TIMEOUT: Duration = Duration::from_secs(30);
/// Room for a ticket of the largest size together with what the router adds.
const MAX_MESSAGE_BYTES: &str = "4194304";

/// The five ends of a ticket's way.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Destination {
    Partner,
    Publisher,
    MicrosoftCommerce,
    Triage,
    DeadLetter,
}

impl Destination {
    pub const ALL: [Self; 5] =
        [Self::Partner, Self::Publisher, Self::MicrosoftCommerce, Self::Triage, Self::DeadLetter];

    /// The last word of the topic's name.
    pub fn word(self) -> &'static str {
        match self {
            Self::Partner => "partner",
            Self::Publisher => "publisher",
            Self::MicrosoftCommerce => "microsoft-commerce",
            Self::Triage => "triage",
            Self::DeadLetter => "dead-letter",
        }
    }
}

/// The six ticket topics and three catalog topics of one test, under a name that no other test has.
pub struct Topics {
    broker: &'static Broker,
    prefix: String,
}

impl Topics {
    /// Creates them on the shared broker; the ticket topics have the partitions given, the catalog topics
    /// one.
    pub fn create(partitions: i32) -> Self {
        Self::create_on(Broker::shared(), partitions)
    }

    /// Names for topics that nobody has created.
    pub fn only_named(broker: &'static Broker) -> Self {
        Self { broker, prefix: unique("it") }
    }

    /// Creates them on a broker that lives as long as the process.
    pub fn create_on(broker: &'static Broker, partitions: i32) -> Self {
        let topics = Self::only_named(broker);
        let names = topics.names();
        let catalog = [topics.offers(), topics.publishers(), topics.partners()];
        let tickets =
            [&names.incoming].into_iter().chain(&names.outgoing).map(|name| of_tickets(name, partitions));
        let all: Vec<_> = tickets.chain(catalog.iter().map(|name| of_catalog(name))).collect();
        create_topics(broker.bootstrap(), &all).expect("the topics' names are new");
        topics
    }

    pub fn broker(&self) -> &'static Broker {
        self.broker
    }

    /// Gives a topic these settings of its own, and no others.
    pub fn configure(&self, topic: &str, settings: &[(&str, &str)]) {
        let mut config = AlterConfig::new(ResourceSpecifier::Topic(topic));
        for (name, value) in settings {
            config = config.set(name, value);
        }
        admin(self.broker, async |admin, options| {
            let changed = admin.alter_configs([&config], options).await;
            for changed in changed.expect("the broker changes settings") {
                changed.expect("the topic and its settings are known");
            }
        });
    }

    /// Creates one outgoing topic again after [`Self::delete`], with one partition.
    pub fn create_again(&self, destination: Destination) {
        let name = self.outgoing(destination);
        create_topics(self.broker.bootstrap(), &[of_tickets(&name, 1)]).expect("the topic is gone");
    }

    /// Deletes one outgoing topic.
    pub fn delete(&self, destination: Destination) {
        self.delete_named(&self.outgoing(destination));
    }

    /// Creates a catalog topic again after [`Self::delete_named`].
    pub fn create_catalog_again(&self, name: &str) {
        create_topics(self.broker.bootstrap(), &[of_catalog(name)]).expect("the topic is gone");
    }

    /// Lets a topic grow to a number of partitions.
    pub fn grow(&self, name: &str, partitions: usize) {
        add_partitions(self.broker.bootstrap(), name, partitions).expect("the topic has fewer");
    }

    /// The topics of this test that the broker has.
    pub fn present(&self) -> Vec<String> {
        let client: BaseConsumer = self.broker.client().create().expect("librdkafka knows the settings");
        let metadata = client.fetch_metadata(None, ADMIN_TIMEOUT).expect("the broker lists its topics");
        let names = metadata.topics().iter().map(|it| it.name());
        names.filter(|name| name.starts_with(&self.prefix)).map(str::to_owned).collect()
    }

    /// Deletes a topic.
    pub fn delete_named(&self, name: &str) {
        delete_topics(self.broker.bootstrap(), &[name]).expect("the topic is there");
    }

    /// Deletes the records of the first partition of the incoming topic that come before `offset`, as retention does.
    pub fn delete_incoming_before(&self, offset: i64) {
        let mut before = TopicPartitionList::new();
        before
            .add_partition_offset(&self.incoming(), 0, Offset::Offset(offset))
            .expect("the offset is not negative");
        admin(self.broker, async |admin, options| {
            let deleted = admin.delete_records(&before, options).await.expect("the broker deletes records");
            assert!(deleted.elements().iter().all(|it| it.error().is_ok()), "{deleted:?}");
        });
    }

    /// A name for a group that no other test uses.
    pub fn group(&self) -> String {
        format!("{}-group", self.prefix)
    }

    pub fn incoming(&self) -> String {
        self.names().incoming
    }

    pub fn outgoing(&self, destination: Destination) -> String {
        let [partner, publisher, commerce, triage, dead_letter] = self.names().outgoing;
        match destination {
            Destination::Partner => partner,
            Destination::Publisher => publisher,
            Destination::MicrosoftCommerce => commerce,
            Destination::Triage => triage,
            Destination::DeadLetter => dead_letter,
        }
    }

    /// The names of the ticket topics.
    pub fn names(&self) -> Names {
        Names::prefixed(&format!("{}-", self.prefix))
    }

    pub fn offers(&self) -> String {
        self.named("catalog.offers")
    }

    pub fn publishers(&self) -> String {
        self.named("catalog.publishers")
    }

    pub fn partners(&self) -> String {
        self.named("catalog.partners")
    }

    fn named(&self, name: &str) -> String {
        format!("{}-{name}", self.prefix)
    }
}

impl Drop for Topics {
    fn drop(&mut self) {
        if !self.broker.is_external() {
            return;
        }
        let Names { incoming, outgoing } = self.names();
        let catalog = [self.offers(), self.publishers(), self.partners()];
        let names: Vec<_> = outgoing.iter().chain(&catalog).chain([&incoming]).map(String::as_str).collect();
        // What cannot be deleted is seen on the broker; the test has its result by now.
        let _ = delete_topics(self.broker.bootstrap(), &names);
    }
}

/// A topic of tickets.
fn of_tickets(name: &str, partitions: i32) -> NewTopic<'_> {
    NewTopic::new(name, partitions, TopicReplication::Fixed(1))
        .set("max.message.bytes", MAX_MESSAGE_BYTES)
        // Records keep the timestamps that tests give them, and old ones must stay.
        .set("retention.ms", "-1")
}

/// A topic of the catalog.
fn of_catalog(name: &str) -> NewTopic<'_> {
    NewTopic::new(name, 1, TopicReplication::Fixed(1)).set("cleanup.policy", "compact")
}

/// A name that no other test and no other run has.
pub fn unique(what: &str) -> String {
    format!("{what}-{:016x}", RandomState::new().build_hasher().finish())
}

fn admin(broker: &Broker, work: impl AsyncFnOnce(&AdminClient<DefaultClientContext>, &AdminOptions)) {
    let admin = ticket_router_harness::admin(broker.bootstrap()).expect("the address is one");
    tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime without drivers needs nothing")
        .block_on(work(&admin, &options()));
}

/// A record to produce; what is not said is left to Kafka.
#[derive(Clone, Default, Debug)]
pub struct Outbound {
    pub key: Option<Vec<u8>>,
    pub value: Option<Vec<u8>>,
    pub headers: Vec<(Vec<u8>, Option<Vec<u8>>)>,
    pub timestamp: Option<i64>,
}

impl Outbound {
    pub fn new(key: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) -> Self {
        Self { key: Some(key.into()), value: Some(value.into()), ..Self::default() }
    }

    /// A record that removes its key from a compacted topic.
    pub fn tombstone(key: impl Into<Vec<u8>>) -> Self {
        Self { key: Some(key.into()), ..Self::default() }
    }

    pub fn header(self, name: &str, value: impl Into<Vec<u8>>) -> Self {
        self.raw_header(name.as_bytes(), Some(value.into()))
    }

    /// A header as clients in other languages may send it: any bytes for a name, and perhaps no value.
    pub fn raw_header(mut self, name: &[u8], value: Option<Vec<u8>>) -> Self {
        self.headers.push((name.to_owned(), value));
        self
    }

    /// Gives it the number by which the checker knows it.
    pub fn number(self, number: usize) -> Self {
        self.header(NUMBER, number.to_string())
    }

    pub fn at(mut self, timestamp: i64) -> Self {
        self.timestamp = Some(timestamp);
        self
    }
}

/// Produces records as any client would: keys decide the partition, and everything is acknowledged.
pub struct Source(Sender);

impl Source {
    pub fn new(broker: &Broker) -> Self {
        Self::with(broker, &[])
    }

    /// A source with settings of its own.
    pub fn with(broker: &Broker, settings: &[(&str, &str)]) -> Self {
        let usual = [
            ("linger.ms", "2"),
            ("message.max.bytes", MAX_MESSAGE_BYTES),
            ("compression.codec", "lz4"),
            // A broker that was stopped remembers each producer's last batch only: with more in flight a retry could arrive twice.
            ("max.in.flight.requests.per.connection", "1"),
        ];
        let sender = Sender::new(broker.bootstrap(), &[&usual[..], settings].concat());
        Self(sender.expect("the settings of the producer are known to librdkafka"))
    }

    /// Hands over one record; it arrives some time after.
    pub fn send(&self, topic: &str, outbound: &Outbound) {
        let mut record = BaseRecord::<[u8], [u8]>::to(topic);
        record.key = outbound.key.as_deref();
        record.payload = outbound.value.as_deref();
        record.timestamp = outbound.timestamp;
        if !outbound.headers.is_empty() {
            record.headers = Some(headers_of(&outbound.headers));
        }
        self.0.send(record).expect("the producer takes a test's own record");
    }

    /// Waits until the broker has all.
    pub fn flush(&self) {
        self.0.flush().expect("the broker takes the test's records");
    }

    /// Sends some records in a transaction of their own. The source must have a `transactional.id`.
    pub fn in_transaction<'a>(
        &self,
        topic: &str,
        records: impl IntoIterator<Item = &'a Outbound>,
        commits: bool,
    ) {
        self.0.begin_transaction().expect("no transaction is open");
        self.send_all(topic, records);
        let ended = if commits {
            self.0.commit_transaction(ADMIN_TIMEOUT)
        } else {
            self.0.abort_transaction(ADMIN_TIMEOUT)
        };
        ended.expect("the broker ends the transaction");
    }

    /// Takes the source's `transactional.id`.
    pub fn init_transactions(&self) {
        self.0.init_transactions(ADMIN_TIMEOUT).expect("the broker takes the transactional id");
    }

    /// Sends some records and waits until the broker has them.
    pub fn send_all<'a>(&self, topic: &str, records: impl IntoIterator<Item = &'a Outbound>) {
        for record in records {
            self.send(topic, record);
        }
        self.flush();
    }
}
