//! What a reader is shown while routers write.

use std::collections::BTreeMap;

use ticket_router_harness::Record;

use super::number;
use crate::now_ms;

/// Digests by topic and partition, with their offsets.
pub type Shown = BTreeMap<(usize, i32), Vec<(i64, u64)>>;

/// What the concurrent reader saw.
#[derive(Default)]
pub struct Seen {
    pub shown: Shown,
    /// When each record's first output arrived here, by its number: milliseconds since 1970, 0 if it did not.
    pub at: Vec<i64>,
    /// Between the record's own timestamp and its arrival here, in milliseconds.
    pub latencies: Vec<i64>,
    /// Offsets that came again, or out of order, to one reader that never seeks.
    pub repeated: u64,
}

impl Seen {
    /// Takes down a record of an outgoing topic.
    pub fn enter(&mut self, topic: usize, record: &Record) {
        let now = now_ms();
        let shown = self.shown.entry((topic, record.partition)).or_default();
        if shown.last().is_some_and(|(offset, _)| *offset >= record.offset) {
            self.repeated += 1;
            return;
        }
        shown.push((record.offset, record.digest()));
        if let Some(number) = number(record) {
            self.at.resize(self.at.len().max(number + 1), 0);
            if self.at[number] == 0 {
                self.at[number] = now;
            }
        }
        self.latencies.extend(record.timestamp.map(|sent| now - sent));
    }
}
