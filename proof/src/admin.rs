//! Topics and rights.

use std::{
    thread,
    time::{Duration, Instant},
};

use anyhow::{Result, bail, ensure};
use futures_executor::block_on;
use rdkafka::{
    ClientConfig, TopicPartitionList,
    admin::{AdminClient, AdminOptions, NewPartitions, NewTopic, TopicReplication},
    client::DefaultClientContext,
    consumer::{BaseConsumer, Consumer},
    error::{KafkaError, RDKafkaErrorCode},
    producer::{BaseProducer, BaseRecord, Producer},
    topic_partition_list::Offset,
};
use ticket_router_harness::{Cluster, run};
use ticket_router_proof::{
    topics::{INCOMING, OFFERS, OUTGOING, PARTNERS, PUBLISHERS},
    world::World,
};

use crate::{marketplace::changed, routers::USER};

const TIMEOUT: Duration = Duration::from_secs(60);
const ASK_TIMEOUT: Duration = Duration::from_secs(5);

/// Makes all topics.
pub fn create_topics(cluster: &Cluster, partitions: i32) -> Result<()> {
    let replicas = if cluster.size() >= 3 { 3 } else { 1 };
    let new = |name, partitions| NewTopic::new(name, partitions, TopicReplication::Fixed(replicas));
    let in_sync = if cluster.size() >= 3 { "2" } else { "1" };
    let tickets = [INCOMING]
        .into_iter()
        .chain(OUTGOING)
        .map(|name| new(name, partitions).set("max.message.bytes", "4194304").set("retention.ms", "-1"));
    let catalog =
        [OFFERS, PUBLISHERS, PARTNERS].into_iter().map(|name| new(name, 1).set("cleanup.policy", "compact"));
    let all: Vec<_> = tickets.chain(catalog).map(|topic| topic.set("min.insync.replicas", in_sync)).collect();
    let names: Vec<_> = all.iter().map(|topic| topic.name).collect();
    // A cluster of several nodes may not know yet that they are all there.
    let started = Instant::now();
    loop {
        let results = block_on(admin(cluster)?.create_topics(&all, &options()))?;
        let refused = results.into_iter().find_map(|result| match result {
            Err((_, RDKafkaErrorCode::TopicAlreadyExists)) | Ok(_) => None,
            Err((name, code)) => Some(format!("the topic {name} could not be made: {code}")),
        });
        match refused {
            None => return wait_until_led(cluster, &names),
            Some(why) if started.elapsed() > TIMEOUT => bail!(why),
            Some(_) => thread::sleep(Duration::from_millis(500)),
        }
    }
}

/// The controller knows a new topic before the brokers lead it.
fn wait_until_led(cluster: &Cluster, names: &[&str]) -> Result<()> {
    let client: BaseConsumer = ClientConfig::new().set("bootstrap.servers", cluster.bootstrap()).create()?;
    let started = Instant::now();
    for name in names {
        while let Err(error) = client.fetch_watermarks(name, 0, ASK_TIMEOUT) {
            ensure!(started.elapsed() < TIMEOUT, "{name} has no leader: {error}");
            thread::sleep(Duration::from_millis(50));
        }
    }
    Ok(())
}

pub fn add_partitions(cluster: &Cluster, partitions: i32) -> Result<()> {
    let more = NewPartitions::new(INCOMING, usize::try_from(partitions)?);
    for result in block_on(admin(cluster)?.create_partitions([&more], &options()))? {
        if let Err((name, code)) = result {
            bail!("{name} gets no more partitions: {code}");
        }
    }
    Ok(())
}

/// Forbids the routers to write to a topic, or allows it again.
pub fn forbid(cluster: &Cluster, topic: &str, is_forbidden: bool) -> Result<()> {
    let how: &[&str] = if is_forbidden { &["--add"] } else { &["--remove", "--force"] };
    run(cluster.tool("org.apache.kafka.tools.AclCommand").args(how).args([
        "--deny-principal",
        &format!("User:{}", USER.0),
        "--operation",
        "Write",
        "--topic",
        topic,
    ]))?;
    Ok(())
}

/// Writes the records of the catalog.
pub struct CatalogWriter {
    producer: BaseProducer,
}

impl CatalogWriter {
    pub fn new(cluster: &Cluster) -> Result<Self> {
        let mut config = ClientConfig::new();
        config
            .set("bootstrap.servers", cluster.bootstrap())
            .set("enable.idempotence", "true")
            .set("message.timeout.ms", "0")
            .set("partitioner", "murmur2_random");
        Ok(Self { producer: config.create()? })
    }

    /// Writes everything.
    pub fn load(&self, world: &World, state: usize) -> Result<()> {
        let catalog = &world.states[state];
        for it in catalog.offers.values() {
            self.send(OFFERS, &it.id, &serde_json::to_vec(it)?)?;
        }
        for it in catalog.publishers.values() {
            self.send(PUBLISHERS, &it.id, &serde_json::to_vec(it)?)?;
        }
        for it in catalog.partners.values() {
            self.send(PARTNERS, &it.id, &serde_json::to_vec(it)?)?;
        }
        Ok(self.producer.flush(TIMEOUT)?)
    }

    /// Writes what differs from the other state.
    pub fn flip(&self, world: &World, state: usize) -> Result<()> {
        let (offers, partners) = changed(world, state);
        for it in offers {
            self.send(OFFERS, &it.id, &serde_json::to_vec(it)?)?;
        }
        for it in partners {
            self.send(PARTNERS, &it.id, &serde_json::to_vec(it)?)?;
        }
        Ok(self.producer.flush(2 * TIMEOUT)?)
    }

    fn send(&self, topic: &str, key: &str, value: &[u8]) -> Result<()> {
        self.producer.poll(Duration::ZERO);
        self.producer.send(BaseRecord::to(topic).key(key).payload(value)).map_err(|(error, _)| error)?;
        Ok(())
    }
}

/// Sees how far the group has committed, without being its member.
pub struct Progress(BaseConsumer);

impl Progress {
    pub fn new(cluster: &Cluster, group: &str) -> Result<Self> {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", cluster.bootstrap()).set("group.id", group);
        // Otherwise the broker does not answer while a transaction holds offsets.
        config.set("isolation.level", "read_uncommitted");
        Ok(Self(config.create()?))
    }

    /// How many records of the incoming topic the group has not committed.
    pub fn behind(&self) -> Result<i64, KafkaError> {
        let metadata = self.0.fetch_metadata(Some(INCOMING), ASK_TIMEOUT)?;
        let mut asked = TopicPartitionList::new();
        for partition in metadata.topics().iter().flat_map(|it| it.partitions()) {
            asked.add_partition(INCOMING, partition.id());
        }
        let mut behind = 0;
        for it in self.0.committed_offsets(asked, ASK_TIMEOUT)?.elements() {
            it.error()?;
            let (_, high) = self.0.fetch_watermarks(INCOMING, it.partition(), ASK_TIMEOUT)?;
            behind += high - if let Offset::Offset(offset) = it.offset() { offset } else { 0 };
        }
        Ok(behind)
    }
}

fn admin(cluster: &Cluster) -> Result<AdminClient<DefaultClientContext>> {
    Ok(ClientConfig::new().set("bootstrap.servers", cluster.bootstrap()).create()?)
}

fn options() -> AdminOptions {
    AdminOptions::new().operation_timeout(Some(TIMEOUT)).request_timeout(Some(TIMEOUT))
}
