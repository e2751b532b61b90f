//! Faults that the tests of the guarantees inject into a real worker. A release is built without them: `no_faults.rs`.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

/// What is to go wrong on purpose. Set by environment variables, so that no configuration file can hold it.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    abort_every: Option<u64>,
    panic_on_key: Option<String>,
    /// Every this many records, and how long.
    stall: Option<(u64, Duration)>,
    /// Records so far; counted only for the stalls.
    read: Arc<AtomicU64>,
}

impl Faults {
    /// Reads `TICKET_ROUTER_FAULT_ABORT_EVERY` (every n-th transaction is aborted) and
    /// `TICKET_ROUTER_FAULT_PANIC_ON_KEY` (routing the record with this key panics),
    /// `TICKET_ROUTER_FAULT_STALL_EVERY` and `TICKET_ROUTER_FAULT_STALL_MS` (every n-th record takes so
    /// long).
    #[must_use]
    pub fn from_env() -> Self {
        let number = |name: &str| std::env::var(name).ok().and_then(|it| it.parse().ok());
        let faults = Self {
            abort_every: number("TICKET_ROUTER_FAULT_ABORT_EVERY"),
            panic_on_key: std::env::var("TICKET_ROUTER_FAULT_PANIC_ON_KEY").ok(),
            stall: number("TICKET_ROUTER_FAULT_STALL_EVERY")
                .zip(number("TICKET_ROUTER_FAULT_STALL_MS").map(Duration::from_millis)),
            read: Arc::default(),
        };
        if faults.abort_every.is_some() || faults.panic_on_key.is_some() || faults.stall.is_some() {
            tracing::warn!(
                code = "FAULTS_INJECTED",
                ?faults,
                "faults are injected on purpose: this is a test"
            );
        }
        faults
    }

    pub(super) fn aborts(&self, transaction: u64) -> bool {
        self.abort_every.is_some_and(|every| every > 0 && transaction.is_multiple_of(every))
    }

    pub(super) fn before_route(&self, key: Option<&[u8]>) {
        if let Some((every, time)) = self.stall
            && every > 0
            && (self.read.fetch_add(1, Ordering::Relaxed) + 1).is_multiple_of(every)
        {
            thread::sleep(time);
        }
        if let Some(fatal) = &self.panic_on_key {
            assert!(key != Some(fatal.as_bytes()), "a fault was injected");
        }
    }
}
