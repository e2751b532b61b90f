//! A checker that cannot fail proves nothing: three routers, each broken in one way that real ones are, and a sound one under the same faults.

use std::time::Duration;

use prost::Message as _;
use rdkafka::{
    Message, Offset,
    consumer::{BaseConsumer, Consumer},
    error::KafkaError,
    message::{BorrowedMessage, Header, OwnedHeaders},
    producer::{BaseRecord, DefaultProducerContext, Producer, ThreadedProducer},
    topic_partition_list::TopicPartitionList,
};
use ticket_router::proto::v1::{Decision, RoutedTicket, decision::Owner};

use crate::{
    checker::{self, Input, Verdict, Watch, read_topic},
    support::{
        tickets::{Encoding, ticket, ticket_bytes},
        topics::{Destination, Outbound, Source, Topics, unique},
        wait::wait_for,
    },
};

const RECORDS: usize = 600;
/// The offset behind the last of them.
const END: i64 = RECORDS as i64;
const BATCH: usize = 50;
const ABORT_EVERY: usize = 5;
/// What the producer of a control refuses; one record of a hundred is larger.
const LARGEST: usize = 4_000;
const TIMEOUT: Duration = Duration::from_secs(30);

/// In what way a control is broken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Flaw {
    None,
    IgnoresSendErrors,
    NeverRewinds,
    CommitsByItself,
}

#[test]
fn the_checker_acquits_a_sound_router_under_the_faults_of_the_others() {
    let verdict = try_router(Flaw::None);
    verdict.assert_clean(RECORDS);
}

#[test]
fn the_checker_catches_a_router_that_ignores_send_errors() {
    let verdict = try_router(Flaw::IgnoresSendErrors);
    assert_eq!(verdict.lost.len(), RECORDS / 100, "one record of a hundred is too large\n{verdict}");
    assert!(verdict.duplicated.is_empty(), "{verdict}");
}

#[test]
fn the_checker_catches_a_router_that_does_not_rewind_after_an_abort() {
    let verdict = try_router(Flaw::NeverRewinds);
    assert!(verdict.lost.len() >= BATCH, "at least one transaction was aborted\n{verdict}");
}

#[test]
fn the_checker_catches_a_router_that_commits_by_itself() {
    let verdict = try_router(Flaw::CommitsByItself);
    assert!(!verdict.lost.is_empty(), "it died with records that it had committed and not sent\n{verdict}");
}

#[test]
fn the_checker_sees_repeats_disorder_wrong_owners_lost_headers_and_open_transactions() {
    let topics = Topics::create(1);
    let source = Source::new(topics.broker());
    let incoming = ["first", "second", "third", "fourth"]
        .map(|id| Outbound::new("k", ticket_bytes(&ticket(id, Destination::Partner), Encoding::Json)).at(7));
    source.send_all(&topics.incoming(), &incoming);
    let records = read_topic(topics.broker(), &topics.incoming());

    let open = Control::producer(&topics, &unique("open"));
    open.init_transactions(TIMEOUT).unwrap();
    open.begin_transaction().unwrap();
    let partner = topics.outgoing(Destination::Partner);
    let unheaded = |value: Vec<u8>| Outbound::new("k", value).at(7);
    let headed = |n: usize, owner: Owner| {
        let names = ["rule", "decision-id", "policy-version"].map(|name| format!("ticket-router.{name}"));
        let plain = unheaded(answer(records[n].value.as_deref(), owner))
            .header("content-type", "application/protobuf")
            .header("ticket-router.owner", owner.as_str_name());
        names.iter().fold(plain, |record, name| record.header(name, "x"))
    };
    let [first, second] = [0, 1].map(|n| headed(n, Owner::Partner));
    source.send_all(
        &partner,
        &[second, first.clone(), first, unheaded(answer(records[3].value.as_deref(), Owner::Partner))],
    );
    source.send_all(&topics.outgoing(Destination::Publisher), &[headed(2, Owner::Publisher)]);
    let late = open.send(BaseRecord::to(&partner).key("k").payload("never committed"));
    late.map_err(|(error, _)| error).unwrap();
    open.flush(TIMEOUT).unwrap();

    let verdict =
        checker::judge_after(Duration::ZERO, &topics, &Watch::new(&topics), |_| Destination::Partner);
    assert_eq!(verdict.duplicated.len(), 1, "{verdict}");
    assert_eq!(verdict.out_of_order.len(), 1, "{verdict}");
    assert_eq!(verdict.wrong_owner.len(), 1, "{verdict}");
    assert_eq!(verdict.malformed.len(), 5, "five headers are missing\n{verdict}");
    assert_eq!(verdict.open_transactions, [format!("{partner}/0")], "{verdict}");
}

/// Lets a control route some records under its fault until it has read them all, and judges.
fn try_router(flaw: Flaw) -> Verdict {
    let topics = Topics::create(1);
    let source = Source::new(topics.broker());
    for n in 0..RECORDS {
        let mut ticket = ticket(&format!("ticket-{n}"), Destination::Partner);
        if n % 100 == 7 {
            ticket["body"] = "x".repeat(2 * LARGEST).into();
        }
        source.send(
            &topics.incoming(),
            &Outbound::new(format!("key-{}", n % 7), ticket_bytes(&ticket, Encoding::Json)),
        );
    }
    source.flush();
    let watch = Watch::new(&topics);
    match flaw {
        Flaw::CommitsByItself => {
            // The first one dies in the middle; the second goes on from what the first committed.
            run_committing_by_itself(&topics, Some(RECORDS / 2));
            run_committing_by_itself(&topics, None);
        }
        _ => Control::new(&topics, flaw).run(),
    }
    let large = |input: &Input| input.record.value.as_ref().is_some_and(|value| value.len() > LARGEST);
    checker::judge(&topics, &watch, |input| match flaw {
        Flaw::None if large(input) => Destination::DeadLetter,
        _ => Destination::Partner,
    })
}

/// What a control writes: the incoming ticket, and a decision.
fn answer(ticket: Option<&[u8]>, owner: Owner) -> Vec<u8> {
    let ticket = serde_json::from_slice(ticket.expect("the test's tickets have a value"));
    let decision = Decision { owner: owner.into(), ..Decision::default() };
    RoutedTicket {
        ticket: Some(ticket.expect("the test's tickets are tickets")),
        decision: Some(decision),
        ..RoutedTicket::default()
    }
    .encode_to_vec()
}

/// A little router with transactions, after the loop that is known to work; every fifth transaction is aborted.
struct Control<'a> {
    topics: &'a Topics,
    flaw: Flaw,
    consumer: BaseConsumer,
    producer: ThreadedProducer<DefaultProducerContext>,
}

impl<'a> Control<'a> {
    fn new(topics: &'a Topics, flaw: Flaw) -> Self {
        let consumer = consumer(topics, "false");
        let producer = Self::producer(topics, &topics.group());
        producer.init_transactions(TIMEOUT).expect("the broker takes the transactional id");
        Self { topics, flaw, consumer, producer }
    }

    fn producer(topics: &Topics, id: &str) -> ThreadedProducer<DefaultProducerContext> {
        let mut config = topics.broker().client();
        config.set("transactional.id", id).set("message.max.bytes", LARGEST.to_string());
        config.set("retry.backoff.ms", "10").set("partitioner", "murmur2_random");
        config.create().expect("the settings of the producer are known to librdkafka")
    }

    fn run(&self) {
        let mut transactions = 0;
        wait_for("a control has read everything", TIMEOUT, || {
            let batch = batch(&self.consumer);
            let (first, last) = (batch.first()?.offset, batch.last()?.offset);
            transactions += 1;
            self.producer.begin_transaction().expect("no transaction is open");
            for outgoing in &batch {
                self.send(outgoing);
            }
            if transactions % ABORT_EVERY != 0 {
                self.commit(last + 1);
            } else {
                self.producer.abort_transaction(TIMEOUT).expect("the broker aborts");
                if self.flaw != Flaw::NeverRewinds {
                    let topic = self.topics.incoming();
                    self.consumer
                        .seek(&topic, 0, Offset::Offset(first), TIMEOUT)
                        .expect("the partition is assigned");
                    return None;
                }
            }
            (last + 1 == END).then_some(())
        });
    }

    fn send(&self, outgoing: &Outgoing) {
        let topic = self.topics.outgoing(Destination::Partner);
        let headers = outgoing.routed_headers();
        let produced = produce(&self.producer, &topic, outgoing, Some(&outgoing.value), headers);
        if produced.is_err() && self.flaw == Flaw::None {
            let dead_letter = self.topics.outgoing(Destination::DeadLetter);
            let headers = outgoing.dead_headers(&self.topics.incoming());
            produce(&self.producer, &dead_letter, outgoing, None, headers).expect("a dead letter is small");
        }
    }

    fn commit(&self, next: i64) {
        let mut offsets = TopicPartitionList::new();
        let topic = self.topics.incoming();
        offsets.add_partition_offset(&topic, 0, Offset::Offset(next)).expect("the offset is one");
        let group = self.consumer.group_metadata().expect("the consumer is in a group");
        self.producer
            .send_offsets_to_transaction(&offsets, &group, TIMEOUT)
            .expect("the broker takes offsets");
        self.producer.commit_transaction(TIMEOUT).expect("the broker commits");
    }
}

/// A little router that leaves its offsets to librdkafka, which commits what was polled, sent or not. Routes until the group has committed the end, or
/// until it dies in the middle of a batch.
fn run_committing_by_itself(topics: &Topics, dies_after: Option<usize>) {
    let consumer = consumer(topics, "true");
    let mut config = topics.broker().client();
    config.set("partitioner", "murmur2_random").set("message.max.bytes", (4 * LARGEST).to_string());
    let producer: ThreadedProducer<DefaultProducerContext> =
        config.create().expect("the settings of the producer are known to librdkafka");
    let mut sent = 0;
    wait_for("a control has committed everything", TIMEOUT, || {
        let batch = batch(&consumer);
        let dies = dies_after.is_some_and(|most| sent + batch.len() > most);
        let kept = if dies { batch.len() / 2 } else { batch.len() };
        for outgoing in &batch[..kept] {
            let produced = produce(
                &producer,
                &topics.outgoing(Destination::Partner),
                outgoing,
                Some(&outgoing.value),
                outgoing.routed_headers(),
            );
            produced.expect("the producer takes it");
        }
        sent += kept;
        let committed = consumer.committed(TIMEOUT).ok()?.elements().first()?.offset();
        (dies || committed == Offset::Offset(END)).then_some(())
    });
    producer.flush(TIMEOUT).expect("the broker takes the records");
}

/// A record on its way through a control.
struct Outgoing {
    key: Vec<u8>,
    value: Vec<u8>,
    timestamp: Option<i64>,
    partition: i32,
    offset: i64,
}

fn produce(
    producer: &ThreadedProducer<DefaultProducerContext>,
    topic: &str,
    outgoing: &Outgoing,
    value: Option<&Vec<u8>>,
    headers: OwnedHeaders,
) -> Result<(), KafkaError> {
    let mut record = BaseRecord::<[u8], [u8]>::to(topic).key(&outgoing.key);
    record.payload = value.map(Vec::as_slice);
    record.timestamp = outgoing.timestamp;
    record.headers = Some(headers);
    producer.send(record).map_err(|(error, _)| error)
}

impl Outgoing {
    fn routed_headers(&self) -> OwnedHeaders {
        let owner = Owner::Partner.as_str_name();
        let names = ["rule", "decision-id", "policy-version"].map(|name| format!("ticket-router.{name}"));
        let headers = header(OwnedHeaders::new(), "content-type", "application/protobuf");
        let headers = header(headers, "ticket-router.owner", owner);
        names.iter().fold(headers, |headers, name| header(headers, name, "x"))
    }

    /// Those of a dead letter without its bytes.
    fn dead_headers(&self, topic: &str) -> OwnedHeaders {
        [
            ("reason", "DEAD_LETTER_TRUNCATED"),
            ("detail", "too large for this router"),
            ("topic", topic),
            ("partition", &self.partition.to_string()),
            ("offset", &self.offset.to_string()),
        ]
        .iter()
        .fold(OwnedHeaders::new(), |headers, (name, value)| {
            header(headers, &format!("ticket-router.error.{name}"), value)
        })
    }
}

impl From<&BorrowedMessage<'_>> for Outgoing {
    fn from(message: &BorrowedMessage<'_>) -> Self {
        Self {
            key: message.key().map(<[u8]>::to_vec).expect("the test's records have keys"),
            value: answer(message.payload(), Owner::Partner),
            timestamp: message.timestamp().to_millis(),
            partition: message.partition(),
            offset: message.offset(),
        }
    }
}

fn header(headers: OwnedHeaders, key: &str, value: &str) -> OwnedHeaders {
    headers.insert(Header { key, value: Some(value) })
}

fn consumer(topics: &Topics, auto_commit: &str) -> BaseConsumer {
    let mut config = topics.broker().client();
    config.set("group.id", topics.group()).set("auto.offset.reset", "earliest");
    config.set("enable.auto.commit", auto_commit).set("isolation.level", "read_committed");
    config.set("session.timeout.ms", "6000").set("fetch.wait.max.ms", "50");
    config.set("auto.commit.interval.ms", "100");
    let consumer: BaseConsumer =
        config.create().expect("the settings of the consumer are known to librdkafka");
    consumer.subscribe(&[&topics.incoming()]).expect("the topic's name is one");
    consumer
}

/// The next records, if there are any.
fn batch(consumer: &BaseConsumer) -> Vec<Outgoing> {
    let mut batch = Vec::new();
    while batch.len() < BATCH {
        match consumer.poll(Duration::from_millis(50)) {
            Some(Ok(message)) => batch.push(Outgoing::from(&message)),
            // A group that is still forming; the deadline of the caller bounds it.
            Some(Err(_)) => {}
            None => break,
        }
    }
    batch
}
