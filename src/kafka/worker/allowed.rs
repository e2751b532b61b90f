//! What each outgoing topic takes: what its settings said at the start, and what refusals have taught since.

use std::{fmt, time::Duration};

use super::{context::Refused, stamp::Stamp};
use crate::{kafka::limits::KeptTimes, route::Destination};

/// How long a lesson holds. Then the topic is tried again as its settings were, which costs some aborted
/// transactions if nothing has changed.
const LESSON_HOLDS_FOR: Duration = Duration::from_secs(300);
/// Each lesson about batches divides their size by this.
const BATCH_DIVISOR: usize = 4;
const TOPICS: usize = Destination::ALL.len();

/// What is known of one topic at the start.
#[derive(Clone, Copy, Debug)]
pub struct OutputLimits {
    /// The largest record that client and topic take, in bytes.
    pub max_record_bytes: usize,
    /// It refuses records without a key.
    pub needs_key: bool,
    /// The times of tickets that its records keep.
    pub kept: KeptTimes,
}

/// What a refusal has taught.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lesson {
    /// The topic refuses times of tickets.
    OwnTime,
    /// The topic refuses even the router's own time.
    NoTime,
    /// Batches must not be larger, in bytes.
    Batches(usize),
    /// Records must be smaller, in bytes.
    Records(usize),
    /// Dead letters must have a key.
    Key,
}

impl fmt::Display for Lesson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OwnTime => f.write_str("its records have the router's own time from now on"),
            Self::NoTime => f.write_str("its records have no time from now on"),
            Self::Batches(bytes) => write!(f, "at most {bytes} bytes at once are written to it from now on"),
            Self::Records(bytes) => {
                write!(f, "records of {bytes} bytes and more are too large for it from now on")
            }
            Self::Key => f.write_str("dead letters without a key have their origin as the key from now on"),
        }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Time {
    #[default]
    Ticket,
    Own,
    None,
}

/// What refusals of one topic have taught.
#[derive(Clone, Copy, Debug)]
struct Learnt {
    time: Time,
    max_record_bytes: usize,
    max_unsent_bytes: usize,
    needs_key: bool,
    until: Duration,
}

impl Learnt {
    const NOTHING: Self = Self {
        time: Time::Ticket,
        max_record_bytes: usize::MAX,
        max_unsent_bytes: usize::MAX,
        needs_key: false,
        until: Duration::MAX,
    };
}

/// What each outgoing topic takes.
#[derive(Debug)]
pub struct Allowed {
    known: [OutputLimits; TOPICS],
    learnt: [Learnt; TOPICS],
    /// The producer's own limit for a batch.
    max_batch_bytes: usize,
}

impl Allowed {
    pub fn new(known: [OutputLimits; TOPICS], max_batch_bytes: usize) -> Self {
        Self { known, learnt: [Learnt::NOTHING; TOPICS], max_batch_bytes }
    }

    /// Forgets lessons whose time is over.
    pub fn forget_old(&mut self, now: Duration) {
        for learnt in self.learnt.iter_mut().filter(|it| it.until <= now) {
            *learnt = Learnt::NOTHING;
        }
    }

    /// The time that a record is written with. Both times are milliseconds since 1970.
    pub fn stamp(&self, destination: Destination, ticket: Option<i64>, now_ms: i64) -> Stamp {
        let index = destination as usize;
        match self.learnt[index].time {
            Time::Ticket if ticket.is_none_or(|it| self.known[index].kept.contains(it, now_ms)) => {
                Stamp::kept(ticket)
            }
            Time::Ticket | Time::Own => Stamp::now(ticket),
            Time::None => Stamp::none(ticket),
        }
    }

    /// The largest record, in bytes.
    pub fn max_record_bytes(&self, destination: Destination) -> usize {
        let index = destination as usize;
        self.known[index].max_record_bytes.min(self.learnt[index].max_record_bytes)
    }

    /// Says whether a record must have a key.
    pub fn needs_key(&self, destination: Destination) -> bool {
        let index = destination as usize;
        self.known[index].needs_key || self.learnt[index].needs_key
    }

    /// Learns from what a topic refused. `None` if there is nothing left to do otherwise.
    ///
    /// Each lesson makes the next trial another one. After a few of them the topic takes the record, or the
    /// record is to blame.
    #[cold]
    pub fn learn(&mut self, destination: Destination, refused: &Refused, now: Duration) -> Option<Lesson> {
        let max_record_bytes = self.max_record_bytes(destination);
        let learnt = &mut self.learnt[destination as usize];
        let lesson = if refused.for_time {
            learnt.time = match learnt.time {
                Time::Ticket => Time::Own,
                Time::Own => Time::None,
                Time::None => return None,
            };
            if learnt.time == Time::Own { Lesson::OwnTime } else { Lesson::NoTime }
        } else if refused.too_large > 1 {
            // They may have been in one batch.
            let least = refused.too_large_bytes.min(self.max_batch_bytes).min(learnt.max_unsent_bytes)
                / BATCH_DIVISOR;
            if least == learnt.max_unsent_bytes {
                return None;
            }
            learnt.max_unsent_bytes = least;
            Lesson::Batches(least)
        } else if refused.too_large == 1 {
            if refused.too_large_bytes >= max_record_bytes {
                return None;
            }
            learnt.max_record_bytes = refused.too_large_bytes;
            Lesson::Records(refused.too_large_bytes)
        } else if refused.is_keyless && destination == Destination::DeadLetter && !learnt.needs_key {
            learnt.needs_key = true;
            Lesson::Key
        } else {
            return None;
        };
        learnt.until = now + LESSON_HOLDS_FOR;
        Some(lesson)
    }
}

/// Bytes that the producer was given in a transaction since it was last flushed, by topic.
#[derive(Debug, Default)]
pub(super) struct Unsent([usize; TOPICS]);

impl Unsent {
    /// Counts a record that is about to be sent; `true` if the producer must be flushed before.
    ///
    /// A producer's limit for batches is set when it is made. Only flushing keeps the batches of one topic smaller.
    pub(super) fn must_flush(&mut self, destination: Destination, bytes: usize, allowed: &Allowed) -> bool {
        let index = destination as usize;
        let unsent = self.0[index];
        self.0[index] += bytes;
        if unsent == 0 || self.0[index] <= allowed.learnt[index].max_unsent_bytes {
            return false;
        }
        self.0 = [0; TOPICS];
        self.0[index] = bytes;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{config::OutputTimestamp, kafka::limits::TopicLimits};

    const NOW: i64 = 1_772_000_000_000;
    const START: Duration = Duration::from_secs(1);

    fn allowed() -> Allowed {
        let kept = TopicLimits::default().kept(OutputTimestamp::Ticket);
        let known = OutputLimits { max_record_bytes: 2_000_000, needs_key: false, kept };
        Allowed::new([known; TOPICS], 1_000_000)
    }

    fn too_large(count: usize, bytes: usize) -> Refused {
        Refused { too_large: count, too_large_bytes: bytes, ..Refused::default() }
    }

    #[test]
    fn a_topic_that_refuses_a_time_gets_another_one_until_it_takes_any_and_for_a_while_only() {
        let mut allowed = allowed();
        let (old, time) = (Some(1_000), Refused { for_time: true, ..Refused::default() });
        let stamp = |allowed: &Allowed, ticket| allowed.stamp(Destination::Publisher, ticket, NOW);
        assert_eq!(stamp(&allowed, Some(NOW)), Stamp::kept(Some(NOW)));
        assert_eq!(stamp(&allowed, old), Stamp::now(old));
        assert_eq!(stamp(&allowed, None), Stamp::kept(None));
        assert_eq!(allowed.learn(Destination::Publisher, &time, START), Some(Lesson::OwnTime));
        assert_eq!(stamp(&allowed, Some(NOW)), Stamp::now(Some(NOW)));
        assert_eq!(allowed.stamp(Destination::Partner, Some(NOW), NOW), Stamp::kept(Some(NOW)));
        assert_eq!(allowed.learn(Destination::Publisher, &time, START), Some(Lesson::NoTime));
        assert_eq!(stamp(&allowed, old), Stamp::none(old));
        assert_eq!(allowed.learn(Destination::Publisher, &time, START), None);

        allowed.forget_old(START + LESSON_HOLDS_FOR - Duration::from_millis(1));
        assert_eq!(stamp(&allowed, old), Stamp::none(old));
        allowed.forget_old(START + LESSON_HOLDS_FOR);
        assert_eq!(stamp(&allowed, Some(NOW)), Stamp::kept(Some(NOW)));
    }

    #[test]
    fn batches_that_are_refused_get_smaller_and_are_flushed_before_they_grow_too_large() {
        let mut allowed = allowed();
        let topic = Destination::Partner;
        let mut unsent = Unsent::default();
        assert!((0..1_000).all(|_| !unsent.must_flush(topic, 5_000, &allowed)));
        assert_eq!(allowed.learn(topic, &too_large(600, 3_000_000), START), Some(Lesson::Batches(250_000)));
        assert_eq!(allowed.learn(topic, &too_large(40, 200_000), START), Some(Lesson::Batches(50_000)));
        let mut unsent = Unsent::default();
        let flushes = (0..1_000).filter(|_| unsent.must_flush(topic, 5_000, &allowed)).count();
        // 10 records fit.
        assert_eq!(flushes, 99);
        assert!((0..1_000).all(|_| !unsent.must_flush(Destination::Publisher, 5_000, &allowed)));
    }

    #[test]
    fn a_record_that_is_refused_alone_is_too_large_and_so_is_each_larger_one() {
        let mut allowed = allowed();
        let topic = Destination::Triage;
        assert_eq!(allowed.max_record_bytes(topic), 2_000_000);
        assert_eq!(allowed.learn(topic, &too_large(1, 300_000), START), Some(Lesson::Records(300_000)));
        assert_eq!(allowed.max_record_bytes(topic), 300_000);
        assert_eq!(allowed.learn(topic, &too_large(1, 300_000), START), None);
    }

    #[test]
    fn batches_of_large_records_end_as_single_ones() {
        let mut allowed = allowed();
        let topic = Destination::Triage;
        let mut unsent = 2_000_000;
        let mut lessons = 0;
        while let Some(Lesson::Batches(bytes)) = allowed.learn(topic, &too_large(2, unsent), START) {
            assert!(bytes < unsent);
            (unsent, lessons) = (bytes, lessons + 1);
        }
        // 250,000, 62,500, 15,625, 3,906, 976, 244, 61, 15, 3, 0.
        assert_eq!((unsent, lessons), (0, 10));
        let mut unsent = Unsent::default();
        assert!(!unsent.must_flush(topic, 10, &allowed) && unsent.must_flush(topic, 10, &allowed));
    }

    #[test]
    fn only_a_dead_letter_is_given_a_key() {
        let mut allowed = allowed();
        let keyless = Refused { is_keyless: true, ..Refused::default() };
        assert_eq!(allowed.learn(Destination::Publisher, &keyless, START), None);
        assert_eq!(allowed.learn(Destination::DeadLetter, &keyless, START), Some(Lesson::Key));
        assert!(allowed.needs_key(Destination::DeadLetter) && !allowed.needs_key(Destination::Publisher));
        assert_eq!(allowed.learn(Destination::DeadLetter, &keyless, START), None);
    }
}
