//! Whether the router is ready, and what is missing.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use crate::{
    catalog::{Catalog, CatalogWriter},
    config::Config,
    encode::Hex,
    kafka::{
        context::Watch,
        feed::FeedStatus,
        worker::{Figures, Totals, WorkerStatus},
    },
    policy::Policy,
    telemetry::{Dropped, Names, Telemetry},
};

/// What readiness and figures are read from, from before the first question to the brokers to the end of the process.
pub struct Health {
    /// What the start waits for; `None` once the service runs.
    awaited: Mutex<Option<String>>,
    /// The catalog.
    pub feed: Arc<FeedStatus>,
    /// The workers.
    pub workers: Vec<Arc<WorkerStatus>>,
    /// A worker that has neither polled nor committed for longer than this is stuck.
    pub stale_after: Duration,
    /// The catalog's records.
    pub catalog: Catalog,
    /// What the Kafka clients report.
    pub watch: Arc<Watch>,
    /// The policy in use.
    pub policy: Arc<Policy>,
    /// Its version, as headers have it.
    pub policy_version: String,
    /// Topics and group.
    pub names: Names,
    /// What telemetry was dropped.
    pub dropped: Arc<Dropped>,
}

impl fmt::Debug for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Health").field("missing", &self.missing()).finish_non_exhaustive()
    }
}

impl Health {
    /// Returns the health of a router that starts, and the writer of its catalog.
    #[must_use]
    pub fn new(config: &Config, policy: &Arc<Policy>, telemetry: &Telemetry) -> (Arc<Self>, CatalogWriter) {
        let (catalog, writer) = Catalog::new(config.output.format.encodings());
        let names = Names::of(config);
        let meters = telemetry.meters(&names);
        let health = Arc::new(Self {
            awaited: Mutex::new(Some("the router starts".to_owned())),
            feed: Arc::default(),
            workers: (0..config.worker.count).map(|_| Arc::new(WorkerStatus::new(meters.clone()))).collect(),
            stale_after: config.http.stale_after(),
            catalog,
            watch: Watch::new(&config.kafka.security),
            policy: Arc::clone(policy),
            policy_version: Hex::new(policy.version()).to_string(),
            names,
            dropped: telemetry.dropped(),
        });
        (health, writer)
    }

    /// Says what the start waits for.
    pub fn awaits(&self, what: String) {
        *self.awaited.lock().unwrap_or_else(PoisonError::into_inner) = Some(what);
    }

    /// The service runs: from now on catalog and workers decide whether it is ready.
    pub(super) fn runs(&self) {
        *self.awaited.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// The figures of all workers together.
    #[must_use]
    pub fn totals(&self) -> Totals {
        Totals::from(&self.figures())
    }

    /// All figures of all workers together.
    #[must_use]
    pub fn figures(&self) -> Figures {
        self.workers.iter().map(|it| it.figures()).fold(Figures::default(), Figures::plus)
    }

    /// Lists what keeps the router from being ready; empty when it is.
    #[must_use]
    pub fn missing(&self) -> Vec<String> {
        if let Some(awaited) = &*self.awaited.lock().unwrap_or_else(PoisonError::into_inner) {
            return vec![awaited.clone()];
        }
        let mut missing = Vec::new();
        if !self.feed.is_restored() {
            missing.push(format!("the catalog is being restored, {} records so far", self.feed.applied()));
            return missing;
        }
        for (number, worker) in self.workers.iter().enumerate() {
            let silent_ms = worker.silent_ms();
            if !worker.is_assigned() {
                missing.push(format!("worker {number} has no assignment from its consumer group yet"));
            } else if u128::from(silent_ms) > self.stale_after.as_millis() {
                missing.push(format!("worker {number} has neither polled nor committed for {silent_ms} ms"));
            } else if !worker.is_committing() {
                missing.push(format!(
                    "worker {number} cannot commit: its last transactions were all aborted, the log says why"
                ));
            }
        }
        missing
    }
}
