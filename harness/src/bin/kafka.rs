//! A Kafka to work with: one broker on a port of this machine, until Ctrl-C. `just kafka` runs it.
//!
//!     cargo run -p ticket-router-harness --bin kafka -- 9092

use std::{env, fs, process, thread};

use anyhow::{Context, Result};
use ticket_router_harness::{Cluster, Layout, RIGHTS, at_the_end, kafka_version};

const DEFAULT_PORT: &str = "9092";

fn main() -> Result<()> {
    let port = env::args().nth(1).unwrap_or_else(|| DEFAULT_PORT.to_owned());
    let port = port.parse().with_context(|| format!("`{port}` is not a port"))?;
    let folder = env::temp_dir().join(format!("ticket-router-kafka-{}", process::id()));
    fs::create_dir(&folder).with_context(|| format!("cannot create `{}`", folder.display()))?;
    at_the_end(&format!("rm -rf '{}'", folder.display()));
    let layout = Layout { port: Some(port), settings: RIGHTS.to_owned(), ..Layout::small(&folder) };
    let cluster = Cluster::start(&layout)
        .with_context(|| format!("Kafka does not start on port {port}: is another program using it?"))?;
    println!(
        "Kafka {} listens on {}; Ctrl-C stops it and deletes its data.",
        kafka_version(),
        cluster.bootstrap()
    );
    loop {
        thread::park();
    }
}
