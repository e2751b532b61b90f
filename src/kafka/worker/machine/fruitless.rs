//! Aborts in a row for which no record is to blame.

use std::time::Duration;

use super::Failure;

/// After this many aborts in a row a new producer is taken: it has a new epoch, and knows nothing of what went wrong.
const RENEW_EVERY: u32 = 5;
/// After this many aborts in a row, and as long a time, the worker gives up: its next start checks topics and
/// rights, and says what is wrong.
const GIVE_UP_AFTER: (u32, Duration) = (20, Duration::from_secs(30));

/// Counts the aborts since the last commit.
#[derive(Debug, Default)]
pub(super) struct Fruitless {
    /// The producer is to be replaced.
    pub(super) must_renew: bool,
    aborts: u32,
    since: Option<Duration>,
}

impl Fruitless {
    /// Counts an abort; an error if it is time to give up.
    pub(super) fn aborted(&mut self, now: Duration) -> Result<(), Failure> {
        self.aborts += 1;
        let since = *self.since.get_or_insert(now);
        let (aborts, time) = GIVE_UP_AFTER;
        if self.aborts >= aborts && now >= since + time {
            return Err(Failure::NoCommit);
        }
        self.must_renew |= self.aborts.is_multiple_of(RENEW_EVERY);
        Ok(())
    }

    /// Whether enough transactions in a row were aborted that the worker is not at work.
    pub(super) fn is_many(&self) -> bool {
        self.aborts >= RENEW_EVERY
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_producer_is_replaced_after_every_fifth_abort_and_in_the_end_the_worker_gives_up() {
        let mut fruitless = Fruitless::default();
        let mut renewals = 0;
        for second in 0..30 {
            fruitless.aborted(Duration::from_secs(second)).expect("30 s have not passed");
            renewals += u32::from(std::mem::take(&mut fruitless.must_renew));
        }
        assert_eq!(renewals, 6);
        assert_eq!(fruitless.aborted(Duration::from_secs(30)), Err(Failure::NoCommit));
    }

    #[test]
    fn many_aborts_in_a_short_time_are_no_reason_to_give_up() {
        let mut fruitless = Fruitless::default();
        for number in 1..=100 {
            assert_eq!(fruitless.aborted(Duration::from_secs(29)), Ok(()));
            assert_eq!(fruitless.is_many(), number >= 5);
        }
    }
}
