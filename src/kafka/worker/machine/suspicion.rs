//! Which record makes transactions fail.

use std::collections::BTreeMap;

use super::{Handling, Offset, Partition, Transaction};

/// Factor by which each step of the search shrinks or grows transactions.
const SEARCH_FACTOR: usize = 4;

/// The search for a record that makes every transaction fail.
///
/// After two blamed aborts from the same first offset transactions get shorter with each abort, down to one
/// record: then that record is to blame. With each commit they get longer again. So the search in a
/// transaction of ten thousand records takes some ten aborts, not ten thousand commits.
#[derive(Debug, Default)]
pub(super) struct Suspicion {
    firsts: BTreeMap<Partition, Offset>,
    strikes: u32,
    /// Until where transactions are kept short.
    isolate_until: BTreeMap<Partition, Offset>,
    /// The most records in a transaction meanwhile.
    limit: usize,
    /// At most one culprit per partition. Several partitions can have one at once, because after a rewind
    /// their records come in any order.
    poison: BTreeMap<Partition, Offset>,
}

impl Suspicion {
    /// How many records a transaction may hold while the search goes on.
    pub(super) fn limit(&self) -> Option<usize> {
        self.is_isolating().then_some(self.limit)
    }

    fn is_isolating(&self) -> bool {
        !self.isolate_until.is_empty()
    }

    pub(super) fn handling(&self, (partition, offset): (Partition, Offset)) -> Handling {
        if self.poison.get(&partition) == Some(&offset) { Handling::Poison } else { Handling::Ordinary }
    }

    /// Draws the conclusion from an abort for which a record is to blame; `Err` where that record was a dead
    /// letter already.
    pub(super) fn blame(&mut self, aborted: &Transaction) -> Result<(), ()> {
        let firsts: BTreeMap<_, _> = aborted.spans.iter().map(|(&it, span)| (it, span.first)).collect();
        if self.is_isolating() {
            if aborted.records == 1
                && let Some((&partition, &offset)) = firsts.first_key_value()
                && self.poison.insert(partition, offset) == Some(offset)
            {
                return Err(());
            }
            self.limit = narrowed(aborted.records);
            return Ok(());
        }
        let is_repeated = firsts.iter().any(|(partition, first)| self.firsts.get(partition) == Some(first));
        self.strikes = if is_repeated { self.strikes + 1 } else { 1 };
        self.firsts = firsts;
        if self.strikes >= 2 {
            self.limit = narrowed(aborted.records);
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
            self.poison.remove(partition);
        }
        self.limit = self.limit.saturating_mul(SEARCH_FACTOR);
        // A partition that was part of a failed transaction stays under suspicion while others go on.
        if self.isolate_until.is_empty() && self.firsts.is_empty() {
            *self = Self::default();
        }
    }
}

fn narrowed(records: usize) -> usize {
    (records / SEARCH_FACTOR).max(1)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn transaction(records: &[(Partition, Offset)]) -> Transaction {
        let mut transaction = Transaction::new(Duration::ZERO, BTreeMap::new());
        records.iter().for_each(|record| transaction.take(*record));
        transaction
    }

    #[test]
    fn a_record_that_is_to_blame_is_remembered_while_other_partitions_go_on() {
        let mut suspicion = Suspicion::default();
        for _ in 0..2 {
            suspicion.blame(&transaction(&[(0, 10), (1, 20), (2, 30)])).unwrap();
        }
        suspicion.blame(&transaction(&[(1, 20)])).unwrap();
        // After a rewind the records of the other partitions come first.
        suspicion.committed(&transaction(&[(0, 10)]));
        suspicion.blame(&transaction(&[(2, 30)])).unwrap();
        assert_eq!(suspicion.handling((1, 20)), Handling::Poison);
        assert_eq!(suspicion.handling((2, 30)), Handling::Poison);
        assert_eq!(suspicion.handling((0, 11)), Handling::Ordinary);
        suspicion.committed(&transaction(&[(1, 20), (2, 30)]));
        assert_eq!(suspicion.handling((1, 20)), Handling::Ordinary);
    }

    #[test]
    fn a_dead_letter_counts_as_refused_only_where_it_was_alone() {
        let mut suspicion = Suspicion::default();
        for _ in 0..2 {
            suspicion.blame(&transaction(&[(0, 10), (1, 20)])).unwrap();
        }
        suspicion.blame(&transaction(&[(0, 10)])).unwrap();
        suspicion.blame(&transaction(&[(0, 10), (1, 20)])).unwrap();
        assert_eq!(suspicion.handling((0, 10)), Handling::Poison);
        assert!(suspicion.blame(&transaction(&[(0, 10)])).is_err());
    }
}
