//! A genuine Kafka: the one that the environment names, or one that is started here.

use std::{path::Path, time::Duration};

use anyhow::Result;
use ticket_router_harness::{Cluster, Layout, Process, external};

/// A broker that answers.
pub struct Broker {
    pub bootstrap: String,
    own: Option<Cluster>,
}

impl Broker {
    /// Finds the broker, or starts one with its log below `folder`.
    pub fn start(folder: &Path) -> Result<Self> {
        if let Some(bootstrap) = external()? {
            return Ok(Self { bootstrap, own: None });
        }
        let own = Cluster::start(&Layout {
            java: ["-Xms1g", "-Xmx1g"].map(str::to_owned).to_vec(),
            settings: "log.segment.delete.delay.ms=1000\n".to_owned(),
            ..Layout::small(folder)
        })?;
        Ok(Self { bootstrap: own.bootstrap(), own: Some(own) })
    }

    /// CPU time of the broker, if it was started here.
    pub fn cpu(&self) -> Result<Option<Duration>> {
        self.own.as_ref().and_then(|it| it.process(0)).map(Process::cpu).transpose()
    }
}
