//! The topics of a run: created and filled.

use std::{
    fs::File,
    io::{BufRead, BufReader},
};

use anyhow::{Context as _, Result};
use rdkafka::{
    admin::{NewTopic, TopicReplication},
    producer::BaseRecord,
};
use ticket_router_harness::{Sender, create_topics};

use crate::{
    Bench,
    data::{Data, Format, Tickets},
};

/// The compacted topics of the catalog, with their files.
pub const CATALOG: [(&str, &str); 3] = [
    ("catalog.offers", "offers.jsonl"),
    ("catalog.publishers", "publishers.jsonl"),
    ("catalog.partners", "partners.jsonl"),
];
/// Of what fills the topics: it is not measured, and sends large batches.
const FAST: [(&str, &str); 2] = [("linger.ms", "20"), ("batch.size", "1000000")];

/// Creates topics whose names are free.
pub fn create(bootstrap: &str, names: &[&str], partitions: i32, cleanup: &str) -> Result<()> {
    let new =
        |name| NewTopic::new(name, partitions, TopicReplication::Fixed(1)).set("cleanup.policy", cleanup);
    create_topics(bootstrap, &names.iter().map(|name| new(name)).collect::<Vec<_>>())
}

/// Fills the catalog's topics.
pub fn load_catalog(bootstrap: &str, data: &Data) -> Result<()> {
    let sender = Sender::new(bootstrap, &FAST)?;
    for (topic, file) in CATALOG {
        create(bootstrap, &[topic], 1, "compact")?;
        let file = BufReader::with_capacity(1 << 20, File::open(data.catalog.join(file))?);
        for line in file.lines() {
            let line = line?;
            let id = line.strip_prefix(r#"{"id":""#).and_then(|rest| rest.split('"').next());
            let id = id.context("the generator writes the id first")?;
            sender.send(BaseRecord::to(topic).key(id).payload(&line))?;
        }
    }
    sender.flush()
}

/// The topics that hold the backlog.
pub struct Input {
    pub json: String,
    pub protobuf: String,
}

impl Input {
    pub fn topic(&self, format: Format) -> &str {
        match format {
            Format::Json => &self.json,
            Format::Protobuf => &self.protobuf,
        }
    }
}

/// Makes the backlog in both formats.
pub fn load_tickets(bench: &Bench) -> Result<Input> {
    let input = Input { json: "backlog.json".to_owned(), protobuf: "backlog.protobuf".to_owned() };
    let bootstrap = &bench.broker.bootstrap;
    create(bootstrap, &[&input.json, &input.protobuf], bench.partitions, "delete")?;
    let sender = Sender::new(bootstrap, &FAST)?;
    for format in [Format::Json, Format::Protobuf] {
        let tickets: &Tickets = bench.data.tickets(format);
        for index in 0..tickets.len() {
            let record = BaseRecord::to(input.topic(format));
            sender.send(record.key(tickets.key(index)).payload(tickets.get(index)))?;
        }
    }
    sender.flush()?;
    Ok(input)
}
