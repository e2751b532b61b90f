//! Whether the router is ready, and what is missing.

use std::{fmt, sync::Arc, time::Duration};

use crate::{
    catalog::Catalog,
    kafka::{
        context::Watch,
        feed::FeedStatus,
        worker::{Figures, Totals, WorkerStatus},
    },
    policy::Policy,
    telemetry::{Dropped, Names},
};

/// What readiness and figures are read from.
pub struct Health {
    /// The catalog.
    pub feed: Arc<FeedStatus>,
    /// The workers.
    pub workers: Vec<Arc<WorkerStatus>>,
    /// A worker that has neither polled nor committed for so long is stuck.
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
