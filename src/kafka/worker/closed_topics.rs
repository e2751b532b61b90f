//! Outgoing topics that take no records at the moment: a right was taken away, or the topic was deleted.

use std::time::Duration;

use crate::route::Destination;

/// How long a closed topic is not retried. Shorter: more aborted transactions while it is down.
/// Longer: more tickets become dead letters after it has recovered.
const NOT_RETRIED_FOR: Duration = Duration::from_secs(10);

/// The topics that have just refused a record three times: the records after it are spared the same trials.
#[derive(Debug, Default)]
pub struct ClosedTopics([Option<(Duration, String)>; Destination::ALL.len()]);

/// What is known of a topic.
#[derive(Debug, PartialEq, Eq)]
pub enum Door<'c> {
    /// Nothing is known against it.
    Open,
    /// Its time is over: it is to be checked now.
    Ajar,
    /// It refuses all records, with the reason.
    Closed(&'c str),
}

impl ClosedTopics {
    /// Closes a topic for a while.
    pub fn close(&mut self, destination: Destination, why: &str, now: Duration) {
        self.0[destination as usize] = Some((now + NOT_RETRIED_FOR, why.to_owned()));
    }

    /// What is known of a topic. One whose time is over is open afterwards.
    pub fn door(&mut self, destination: Destination, now: Duration) -> Door<'_> {
        let entry = &mut self.0[destination as usize];
        if entry.as_ref().is_some_and(|(until, _)| *until <= now) {
            *entry = None;
            return Door::Ajar;
        }
        entry.as_ref().map_or(Door::Open, |(_, why)| Door::Closed(why))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_closed_topic_is_left_alone_for_a_while_then_tried_once_more() {
        let mut closed = ClosedTopics::default();
        let at = Duration::from_secs;
        assert_eq!(closed.door(Destination::Partner, at(0)), Door::Open);
        closed.close(Destination::Partner, "why", at(5));
        assert_eq!(closed.door(Destination::Partner, at(14)), Door::Closed("why"));
        assert_eq!(closed.door(Destination::Publisher, at(14)), Door::Open);
        assert_eq!(closed.door(Destination::Partner, at(15)), Door::Ajar);
        assert_eq!(closed.door(Destination::Partner, at(15)), Door::Open);
    }
}
