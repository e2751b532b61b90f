//! A genuine Kafka: the one that the environment names, or one that is started here.

use std::{env, path::Path, time::Duration};

use anyhow::Result;
use ticket_router_harness::{Cluster, Layout, Process, wait_for_broker};

/// The variable that names a broker to use.
const ADDRESS: &str = "TICKET_ROUTER_TEST_KAFKA";

/// A broker that answers.
pub struct Broker {
    pub bootstrap: String,
    own: Option<Cluster>,
}

impl Broker {
    /// Finds the broker, or starts one with its log below `folder`.
    pub fn start(folder: &Path) -> Result<Self> {
        if let Ok(bootstrap) = env::var(ADDRESS) {
            wait_for_broker(&bootstrap, None, || Ok(()))?;
            return Ok(Self { bootstrap, own: None });
        }
        let own = Cluster::start(&Layout {
            nodes: 1,
            listeners: Vec::new(),
            folder: folder.to_owned(),
            data: folder.join("kafka"),
            java: ["-Xms1g", "-Xmx1g"].map(str::to_owned).to_vec(),
            settings: "log.segment.delete.delay.ms=1000\n",
        })?;
        Ok(Self { bootstrap: own.bootstrap(), own: Some(own) })
    }

    /// CPU time of the broker, if it was started here.
    pub fn cpu(&self) -> Result<Option<Duration>> {
        self.own.as_ref().and_then(|it| it.process(0)).map(Process::cpu).transpose()
    }
}
