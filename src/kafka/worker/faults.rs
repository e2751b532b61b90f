//! Faults that the tests of the guarantees inject into a real worker.

/// What is to go wrong on purpose. Set by environment variables, so that no configuration file can hold it.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    abort_every: Option<u64>,
    panic_on_key: Option<String>,
}

impl Faults {
    /// Reads `TICKET_ROUTER_FAULT_ABORT_EVERY` (every n-th transaction is aborted) and `TICKET_ROUTER_FAULT_PANIC_ON_KEY` (routing the record with this
    /// key panics).
    #[must_use]
    pub fn from_env() -> Self {
        let faults = Self {
            abort_every: std::env::var("TICKET_ROUTER_FAULT_ABORT_EVERY").ok().and_then(|it| it.parse().ok()),
            panic_on_key: std::env::var("TICKET_ROUTER_FAULT_PANIC_ON_KEY").ok(),
        };
        if faults.abort_every.is_some() || faults.panic_on_key.is_some() {
            tracing::warn!(?faults, "faults are injected on purpose: this is a test");
        }
        faults
    }

    pub(super) fn aborts(&self, transaction: u64) -> bool {
        self.abort_every.is_some_and(|every| every > 0 && transaction.is_multiple_of(every))
    }

    pub(super) fn before_route(&self, key: Option<&[u8]>) {
        if let Some(fatal) = &self.panic_on_key {
            assert!(key != Some(fatal.as_bytes()), "a fault was injected");
        }
    }
}
