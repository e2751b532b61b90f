//! The records that were polled and are not routed yet.

use std::collections::{VecDeque, vec_deque};

use super::Record;

/// A transaction begins when the records at hand take more than this, however few they are.
pub(super) const MAX_BYTES: usize = 8 << 20;

/// A queue of records, and the memory that they take.
#[derive(Debug)]
pub(super) struct AtHand<R> {
    records: VecDeque<R>,
    bytes: usize,
}

impl<R: Record> AtHand<R> {
    pub(super) fn new() -> Self {
        Self { records: VecDeque::new(), bytes: 0 }
    }

    pub(super) fn push(&mut self, record: R) {
        self.bytes += record.bytes();
        self.records.push_back(record);
    }

    pub(super) fn pop(&mut self) -> Option<R> {
        let record = self.records.pop_front()?;
        self.bytes -= record.bytes();
        Some(record)
    }

    pub(super) fn len(&self) -> usize {
        self.records.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// Whether the records take enough memory for a transaction to begin.
    pub(super) fn is_laden(&self) -> bool {
        self.bytes > MAX_BYTES
    }

    pub(super) fn iter(&self) -> vec_deque::Iter<'_, R> {
        self.records.iter()
    }

    pub(super) fn clear(&mut self) {
        self.records.clear();
        self.bytes = 0;
    }
}
