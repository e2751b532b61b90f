//! How late tickets are: from a record's timestamp to the commit of its transaction.

use std::time::Duration;

/// The timestamps of the open transaction's records, in milliseconds since 1970; records of one producer's
/// batch often have the same.
#[derive(Debug, Default)]
pub(super) struct Delays(Vec<(i64, u64)>);

impl Delays {
    /// Takes a record with its timestamp. A record without one has no delay that anybody knows.
    pub(super) fn add(&mut self, timestamp_ms: Option<i64>) {
        let Some(timestamp_ms) = timestamp_ms else { return };
        match self.0.last_mut() {
            Some((last, count)) if *last == timestamp_ms => *count += 1,
            _ => self.0.push((timestamp_ms, 1)),
        }
    }

    /// Returns the delays of all records for a commit at `now_ms`, each with the number of records that have it.
    ///
    /// A record from the future, by another machine's clock, has none.
    pub(super) fn at(&self, now_ms: i64) -> impl Iterator<Item = (Duration, u64)> + Clone {
        self.0.iter().map(move |(timestamp_ms, count)| {
            let delay_ms = u64::try_from(now_ms.saturating_sub(*timestamp_ms)).unwrap_or(0);
            (Duration::from_millis(delay_ms), *count)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delay_is_the_time_from_the_timestamp_to_the_commit() {
        let mut delays = Delays::default();
        for timestamp in
            [Some(1_000), Some(1_000), None, Some(4_500), Some(1_000), Some(9_000), Some(i64::MIN)]
        {
            delays.add(timestamp);
        }
        let found: Vec<_> = delays.at(5_000).map(|(delay, count)| (delay.as_millis(), count)).collect();
        // The last one is as old as the numbers go.
        let oldest = u128::from(i64::MAX.unsigned_abs());
        assert_eq!(found, [(4_000, 2), (500, 1), (4_000, 1), (0, 1), (oldest, 1)]);
    }
}
