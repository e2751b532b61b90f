//! A copy that comes back under its name ends what it left open, and does not wait for it.

use std::time::Duration;

use rdkafka::{
    Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
    producer::{BaseRecord, DefaultProducerContext, Producer, ThreadedProducer},
};

use crate::{
    checker::{self, Watch},
    support::{
        load,
        router::Settings,
        tickets::prepared,
        topics::{Destination, Topics},
    },
};

const TIMEOUT: Duration = Duration::from_secs(30);
/// Much longer than a router may take to come back.
const LEFT_OPEN_FOR: &str = "600000";
const RECORDS: usize = 10;

#[test]
fn a_router_killed_just_before_a_commit_does_not_wait_for_its_own_transaction_to_time_out() {
    let (topics, source) = prepared(1);
    load::send(&source, &topics, 0..RECORDS);
    let mut settings = Settings::new(&topics);
    settings.set("kafka.instance", "killed");
    leave_open(&topics, &format!("{}-killed-0-0", topics.group()));

    let mut router = settings.start("router");
    router.wait_until_ready();
    let mut watch = Watch::new(&topics);
    watch.wait_for(RECORDS);
    checker::assert_clean(&topics, &watch, RECORDS, load::destination);
}

/// What a router leaves that is killed after it has sent its offsets: a record that nobody is to see, and offsets that nobody may read yet.
fn leave_open(topics: &Topics, transactional_id: &str) {
    let mut config = topics.broker().client();
    config.set("transactional.id", transactional_id).set("transaction.timeout.ms", LEFT_OPEN_FOR);
    let producer: ThreadedProducer<DefaultProducerContext> =
        config.create().expect("the settings of the producer are known to librdkafka");
    producer.init_transactions(TIMEOUT).expect("the broker takes the transactional id");
    producer.begin_transaction().expect("no transaction is open");
    let topic = topics.outgoing(Destination::Partner);
    let sent = producer.send(BaseRecord::to(&topic).key("k").payload("nobody is to see this"));
    sent.map_err(|(error, _)| error).expect("the producer takes it");
    producer.flush(TIMEOUT).expect("the broker takes it");

    let mut config = topics.broker().client();
    let consumer: BaseConsumer = config
        .set("group.id", topics.group())
        .create()
        .expect("the settings of the consumer are known to librdkafka");
    let mut offsets = TopicPartitionList::new();
    offsets
        .add_partition_offset(&topics.incoming(), 0, Offset::Offset(RECORDS as i64))
        .expect("the offset is one");
    let group = consumer.group_metadata().expect("a consumer with a group id has group metadata");
    producer.send_offsets_to_transaction(&offsets, &group, TIMEOUT).expect("the broker takes offsets");
    // Dropping it would end the transaction no more than a kill does, but it would take its time.
    std::mem::forget(producer);
}
