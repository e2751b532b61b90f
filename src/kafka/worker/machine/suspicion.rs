//! Which record makes transactions fail.

use std::collections::BTreeMap;

use super::{Handling, Offset, Partition, Transaction};

/// The search for a record that makes every transaction fail.
///
/// After two blamed aborts from the same first offset the records go one a transaction, so that the third abort has one record to blame.
#[derive(Debug, Default)]
pub(super) struct Suspicion {
    firsts: BTreeMap<Partition, Offset>,
    strikes: u32,
    /// Until where records go one by one.
    isolate_until: BTreeMap<Partition, Offset>,
    poison: Option<(Partition, Offset)>,
}

impl Suspicion {
    pub(super) fn is_isolating(&self) -> bool {
        !self.isolate_until.is_empty()
    }

    pub(super) fn handling(&self, record: (Partition, Offset)) -> Handling {
        if self.poison == Some(record) { Handling::Poison } else { Handling::Ordinary }
    }

    /// Draws the conclusion from an abort for which a record is to blame; `Err` where that record was a dead letter already.
    pub(super) fn blame(&mut self, aborted: &Transaction) -> Result<(), ()> {
        let firsts: BTreeMap<_, _> = aborted.spans.iter().map(|(&it, span)| (it, span.first)).collect();
        if self.is_isolating() {
            let suspect = firsts.first_key_value().map(|(&partition, &offset)| (partition, offset));
            if suspect.is_some() && suspect == self.poison {
                return Err(());
            }
            // The transaction that was open when isolation began may hold more than one record.
            if aborted.records == 1 {
                self.poison = suspect;
            }
            return Ok(());
        }
        let is_repeated = firsts.iter().any(|(partition, first)| self.firsts.get(partition) == Some(first));
        self.strikes = if is_repeated { self.strikes + 1 } else { 1 };
        self.firsts = firsts;
        if self.strikes >= 2 {
            self.isolate_until = aborted.spans.iter().map(|(&it, span)| (it, span.next)).collect();
        }
        Ok(())
    }

    pub(super) fn committed(&mut self, transaction: &Transaction) {
        if self.strikes == 0 {
            return;
        }
        for (partition, span) in &transaction.spans {
            self.firsts.remove(partition);
            if self.isolate_until.get(partition).is_some_and(|&end| end <= span.next) {
                self.isolate_until.remove(partition);
            }
        }
        self.poison = None;
        // A partition that was part of a failed transaction stays under suspicion while others go on.
        if self.isolate_until.is_empty() && self.firsts.is_empty() {
            *self = Self::default();
        }
    }
}
