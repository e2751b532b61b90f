//! Topics and rights.

use anyhow::Result;
use rdkafka::{
    admin::{NewTopic, TopicReplication},
    producer::BaseRecord,
};
use serde::Serialize;
use ticket_router_harness::{Cluster, Sender, acls, create_topics, run};
use ticket_router_proof::{
    topics::{INCOMING, OFFERS, OUTGOING, PARTNERS, PUBLISHERS},
    world::World,
};

use crate::{marketplace::changed, routers::USER};

/// Creates all topics.
pub fn create_all(cluster: &Cluster, partitions: i32) -> Result<()> {
    let (replicas, in_sync) = if cluster.size() >= 3 { (3, "2") } else { (1, "1") };
    let new = |name, partitions| NewTopic::new(name, partitions, TopicReplication::Fixed(replicas));
    let tickets = [INCOMING]
        .into_iter()
        .chain(OUTGOING)
        .map(|name| new(name, partitions).set("max.message.bytes", "4194304").set("retention.ms", "-1"));
    let catalog =
        [OFFERS, PUBLISHERS, PARTNERS].into_iter().map(|name| new(name, 1).set("cleanup.policy", "compact"));
    let all: Vec<_> = tickets.chain(catalog).map(|topic| topic.set("min.insync.replicas", in_sync)).collect();
    create_topics(&cluster.bootstrap(), &all)
}

/// Forbids the routers to write to a topic, or allows it again.
pub fn forbid(cluster: &Cluster, topic: &str, is_forbidden: bool) -> Result<()> {
    let how: &[&str] = if is_forbidden { &["--add"] } else { &["--remove", "--force"] };
    let user = format!("User:{}", USER.0);
    let what = ["--deny-principal", &user, "--operation", "Write", "--topic", topic];
    run(acls(&cluster.bootstrap())?.args(how).args(what)).map(drop)
}

/// Writes the records of the catalog.
pub struct CatalogWriter(Sender);

impl CatalogWriter {
    pub fn new(cluster: &Cluster) -> Result<Self> {
        Ok(Self(Sender::new(&cluster.bootstrap(), &[("message.timeout.ms", "0")])?))
    }

    /// Writes everything.
    pub fn load(&self, world: &World, state: usize) -> Result<()> {
        let catalog = &world.states[state];
        catalog.offers.iter().try_for_each(|(id, it)| self.send(OFFERS, id, it))?;
        catalog.publishers.iter().try_for_each(|(id, it)| self.send(PUBLISHERS, id, it))?;
        catalog.partners.iter().try_for_each(|(id, it)| self.send(PARTNERS, id, it))?;
        self.0.flush()
    }

    /// Writes what differs from the other state.
    pub fn flip(&self, world: &World, state: usize) -> Result<()> {
        let (offers, partners) = changed(world, state);
        offers.into_iter().try_for_each(|it| self.send(OFFERS, &it.id, it))?;
        partners.into_iter().try_for_each(|it| self.send(PARTNERS, &it.id, it))?;
        self.0.flush()
    }

    fn send(&self, topic: &str, key: &str, value: &impl Serialize) -> Result<()> {
        self.0.send(BaseRecord::to(topic).key(key).payload(&serde_json::to_vec(value)?))
    }
}
