//! Whether the router is ready, and what is missing.

use std::{sync::Arc, time::Duration};

use crate::kafka::{
    feed::FeedStatus,
    worker::{Totals, WorkerStatus},
};

/// What readiness is read from.
#[derive(Debug)]
pub struct Health {
    /// The catalog.
    pub feed: Arc<FeedStatus>,
    /// The workers.
    pub workers: Vec<Arc<WorkerStatus>>,
    /// A worker that has neither polled nor committed for so long is stuck.
    pub stale_after: Duration,
}

impl Health {
    /// The figures of all workers together.
    #[must_use]
    pub fn totals(&self) -> Totals {
        self.workers.iter().map(|it| it.totals()).fold(Totals::default(), Totals::plus)
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
            }
        }
        missing
    }
}
