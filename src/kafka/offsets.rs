//! Where each partition of the input is read from, and when that cannot be told.

use crate::config::StartAt;

/// What the broker knows of one partition of the incoming topic, for one group.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct PartitionState {
    /// Number of the partition.
    pub partition: i32,
    /// The offset that the group committed, if it did.
    pub committed: Option<i64>,
    /// Offset of the oldest record that is still there (low watermark).
    pub low: i64,
    /// Offset of the next record to come (high watermark).
    pub high: i64,
}

/// Where to read one partition from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Start {
    /// At the offset that the group committed.
    Committed(i64),
    /// The group never committed anywhere: at the offset that `worker.start_new_group_at` means now. It is to be
    /// committed at once, for all partitions, so that a restart is not taken for a first start again.
    NewGroup(i64),
    /// The group committed elsewhere, so this partition is newer than the group: at its oldest record.
    NewPartition(i64),
    /// Tickets between the committed offset and the log are gone, or the log is another one.
    OutOfRange {
        /// The offset that the group committed.
        committed: i64,
        /// Offset of the oldest record.
        low: i64,
        /// Offset of the next record to come.
        high: i64,
    },
}

/// Decides where each partition starts, in the order given.
pub fn starts(partitions: &[PartitionState], new_group: StartAt) -> Vec<Start> {
    let is_new = partitions.iter().all(|partition| partition.committed.is_none());
    let start = |state: &PartitionState| match (state.committed, new_group) {
        (Some(offset), _) if (state.low..=state.high).contains(&offset) => Start::Committed(offset),
        (Some(committed), _) => Start::OutOfRange { committed, low: state.low, high: state.high },
        (None, _) if !is_new => Start::NewPartition(state.low),
        (None, StartAt::Earliest) => Start::NewGroup(state.low),
        (None, StartAt::Latest) => Start::NewGroup(state.high),
    };
    partitions.iter().map(start).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(committed: Option<i64>) -> PartitionState {
        PartitionState { partition: 0, committed, low: 10, high: 20 }
    }

    #[test]
    fn a_group_that_never_committed_starts_where_the_config_says() {
        assert_eq!(starts(&[state(None); 2], StartAt::Earliest), [Start::NewGroup(10); 2]);
        assert_eq!(starts(&[state(None)], StartAt::Latest), [Start::NewGroup(20)]);
    }

    #[test]
    fn a_partition_that_was_added_later_starts_at_its_beginning_whatever_the_config_says() {
        let found = starts(&[state(Some(15)), state(None)], StartAt::Latest);
        assert_eq!(found, [Start::Committed(15), Start::NewPartition(10)]);
    }

    #[test]
    fn an_offset_outside_the_log_is_never_replaced() {
        let lost = |committed| Start::OutOfRange { committed, low: 10, high: 20 };
        let found =
            starts(&[state(Some(9)), state(Some(10)), state(Some(20)), state(Some(21))], StartAt::Earliest);
        assert_eq!(found, [lost(9), Start::Committed(10), Start::Committed(20), lost(21)]);
    }
}
