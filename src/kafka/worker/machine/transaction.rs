//! The open transaction, as the machine sees it.

use std::{collections::BTreeMap, time::Duration};

use super::{Offset, Partition};

/// An open transaction.
#[derive(Debug)]
pub(super) struct Transaction {
    pub(super) began: Duration,
    /// Records that were polled for it.
    pub(super) records: usize,
    pub(super) spans: BTreeMap<Partition, Span>,
    /// How far the consumer had come when it began, markers and aborted records behind the last ticket included.
    passed: BTreeMap<Partition, Offset>,
    pub(super) stage: Stage,
    /// Whether the offsets that were sent last are those behind its last record.
    pub(super) is_in_step: bool,
    /// When the machine first tried to end it.
    pub(super) finishing: Option<Duration>,
    /// Whether one of its records was refused.
    pub(super) blamed: bool,
}

/// The records of one partition in a transaction.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    pub(super) first: Offset,
    /// The offset after the last record.
    pub(super) next: Offset,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Its first offsets must be sent before any of its records.
    ///
    /// The coordinator answers neither request until it is done with the transaction before. librdkafka
    /// repeats the request for offsets after `retry.backoff.ms`, and the one for a record's partition after
    /// 20 ms. And if a transaction that the coordinator does not know is aborted, the producer is lost: so
    /// the coordinator learns of it before any of its topics can be refused.
    Begun,
    Open,
    /// It takes no more records.
    Ending,
    Doomed,
}

impl Transaction {
    pub(super) fn new(began: Duration, passed: BTreeMap<Partition, Offset>) -> Self {
        Self {
            began,
            records: 0,
            spans: BTreeMap::new(),
            passed,
            stage: Stage::Begun,
            is_in_step: false,
            finishing: None,
            blamed: false,
        }
    }

    /// Adds a record.
    pub(super) fn take(&mut self, (partition, offset): (Partition, Offset)) {
        let span = self.spans.entry(partition).or_insert(Span { first: offset, next: offset });
        span.next = offset + 1;
        self.records += 1;
        self.is_in_step = false;
    }

    /// The offsets to commit with it.
    pub(super) fn offsets(&self) -> Vec<(Partition, Offset)> {
        let mut offsets = self.passed.clone();
        for (&partition, span) in &self.spans {
            let next = offsets.entry(partition).or_insert(span.next);
            *next = span.next.max(*next);
        }
        offsets.into_iter().collect()
    }
}
