//! What an outgoing topic takes and how long it keeps it, as its settings say.

use std::collections::HashMap;

use crate::config::OutputTimestamp;

const MINUTE_MS: i64 = 60_000;
/// The strictest limit that is plausible if a setting cannot be read: Kafka's own for times ahead.
const UNKNOWN_MS: i64 = 60 * MINUTE_MS;

/// The settings of a topic that decide what it refuses and what it deletes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct TopicLimits {
    /// The largest batch, and so the largest record, in bytes after compression; `None` if that is not known.
    pub max_bytes: Option<usize>,
    /// Only the last record of a key stays, and a record without a key is refused.
    pub is_compacted: bool,
    /// The brokers replace each record's time by their own.
    pub has_broker_time: bool,
    /// How far a record's time may lie behind the broker's, in milliseconds.
    pub before_ms: i64,
    /// How far a record's time may lie ahead of the broker's, in milliseconds.
    pub after_ms: i64,
    /// The age at which records are deleted, by their own time, in milliseconds; `i64::MAX` if none is.
    pub retention_ms: i64,
}

impl Default for TopicLimits {
    /// A topic whose settings cannot be read: the strictest that is plausible.
    fn default() -> Self {
        Self {
            max_bytes: None,
            is_compacted: false,
            has_broker_time: false,
            before_ms: UNKNOWN_MS,
            after_ms: UNKNOWN_MS,
            retention_ms: UNKNOWN_MS,
        }
    }
}

impl TopicLimits {
    /// Reads the settings that the brokers have told.
    #[must_use]
    pub fn of(settings: &HashMap<String, String>) -> Self {
        let number = |name| settings.get(name).and_then(|value| value.parse::<i64>().ok());
        let text = |name| settings.get(name).map_or("", String::as_str);
        let policy = text("cleanup.policy");
        // Brokers before 4.0 have one limit for both directions. The stricter of two settings counts.
        let both = number("message.timestamp.difference.max.ms");
        let least = |one: Option<i64>, other: Option<i64>| [one, other].into_iter().flatten().min();
        // A batch must fit into a segment, too.
        let max_bytes = least(number("max.message.bytes"), number("segment.bytes"));
        let retention_ms = match number("retention.ms") {
            _ if policy == "compact" => i64::MAX,
            Some(..0) => i64::MAX,
            Some(age) => age,
            None => UNKNOWN_MS,
        };
        Self {
            max_bytes: max_bytes.map(|bytes| usize::try_from(bytes).unwrap_or_default()),
            is_compacted: policy.contains("compact"),
            has_broker_time: text("message.timestamp.type") == "LogAppendTime",
            before_ms: least(number("message.timestamp.before.max.ms"), both).unwrap_or(i64::MAX),
            after_ms: least(number("message.timestamp.after.max.ms"), both).unwrap_or(UNKNOWN_MS),
            retention_ms,
        }
    }

    /// Returns the times of tickets that records of this topic are written with.
    #[must_use]
    pub fn kept(&self, wanted: OutputTimestamp) -> KeptTimes {
        if self.has_broker_time || wanted == OutputTimestamp::Now {
            return KeptTimes::NONE;
        }
        // The clocks of router and broker differ a little, and a record waits for its batch.
        let with_margin = |limit: i64| less(limit, (limit / 2).min(MINUTE_MS));
        let half_retention = less(self.retention_ms, self.retention_ms / 2);
        KeptTimes {
            max_age_ms: with_margin(self.before_ms).min(half_retention),
            max_ahead_ms: with_margin(self.after_ms),
        }
    }
}

/// Takes a part away from a limit, if there is one.
const fn less(limit: i64, part: i64) -> i64 {
    if limit == i64::MAX { limit } else { limit - part }
}

/// The times that a record keeps on its way through the router, as distances from now.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct KeptTimes {
    max_age_ms: i64,
    max_ahead_ms: i64,
}

impl KeptTimes {
    /// No time is kept.
    pub const NONE: Self = Self { max_age_ms: -1, max_ahead_ms: -1 };

    /// Says whether a time is kept. Both are milliseconds since 1970.
    #[must_use]
    pub fn contains(&self, time: i64, now: i64) -> bool {
        let age = now.saturating_sub(time);
        // librdkafka takes the time 0 for "now", and Kafka has no times before 1970.
        time > 0 && age <= self.max_age_ms && age.saturating_neg() <= self.max_ahead_ms
    }

    /// The greatest age that is kept, in milliseconds.
    #[must_use]
    pub fn max_age_ms(&self) -> i64 {
        self.max_age_ms
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000;
    const DAY: i64 = 24 * HOUR;
    const NOW: i64 = 1_772_000_000_000;
    /// As a broker of Kafka 4 tells them of a topic with nothing of its own.
    const DEFAULTS: &[(&str, &str)] = &[
        ("cleanup.policy", "delete"),
        ("max.message.bytes", "1048588"),
        ("segment.bytes", "1073741824"),
        ("message.timestamp.type", "CreateTime"),
        ("message.timestamp.before.max.ms", "9223372036854775807"),
        ("message.timestamp.after.max.ms", "3600000"),
        ("retention.ms", "604800000"),
    ];

    fn limits(changes: &[(&str, &str)]) -> TopicLimits {
        let all = DEFAULTS.iter().chain(changes);
        TopicLimits::of(&all.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    /// Whether times of these distances from now are kept; those ahead are negative.
    fn keeps(limits: &TopicLimits, ages: &[i64]) -> Vec<bool> {
        let kept = limits.kept(OutputTimestamp::Ticket);
        ages.iter().map(|age| kept.contains(NOW - age, NOW)).collect()
    }

    #[test]
    fn a_time_is_kept_if_the_topic_takes_it_and_does_not_delete_it_soon() {
        let ages = [0, 3 * DAY, 4 * DAY, -50 * 60_000, -2 * HOUR];
        assert_eq!(keeps(&limits(&[]), &ages), [true, true, false, true, false]);
        let for_ever = limits(&[("retention.ms", "-1")]);
        assert_eq!(keeps(&for_ever, &[300 * DAY, NOW - 1, NOW]), [true, true, false]);
        let an_hour_back = limits(&[("message.timestamp.before.max.ms", "3600000")]);
        assert_eq!(keeps(&an_hour_back, &[50 * 60_000, HOUR]), [true, false]);
        let compacted = limits(&[("cleanup.policy", "compact")]);
        assert_eq!(keeps(&compacted, &[30 * DAY]), [true]);
        let compacted_and_deleted = limits(&[("cleanup.policy", "compact,delete")]);
        assert_eq!(keeps(&compacted_and_deleted, &[30 * DAY]), [false]);
    }

    #[test]
    fn the_limit_of_older_brokers_holds_in_both_directions() {
        let older = limits(&[("message.timestamp.difference.max.ms", "600000")]);
        assert_eq!((older.before_ms, older.after_ms), (600_000, 600_000));
    }

    #[test]
    fn no_time_is_kept_where_the_brokers_or_the_settings_give_another() {
        let append_time = limits(&[("message.timestamp.type", "LogAppendTime")]);
        assert_eq!(keeps(&append_time, &[0, 1, -1]), [false; 3]);
        assert_eq!(limits(&[]).kept(OutputTimestamp::Now), KeptTimes::NONE);
    }

    #[test]
    fn a_topic_that_cannot_be_looked_at_keeps_what_no_plausible_limit_refuses() {
        let unknown = TopicLimits::default();
        assert_eq!(keeps(&unknown, &[29 * 60_000, 31 * 60_000, -50 * 60_000]), [true, false, true]);
        assert_eq!(TopicLimits::of(&HashMap::new()).max_bytes, None);
    }

    #[test]
    fn the_ends_of_the_range_are_no_overflow() {
        let wide =
            limits(&[("retention.ms", "-1"), ("message.timestamp.after.max.ms", "9223372036854775807")]);
        assert_eq!(wide.after_ms, i64::MAX);
        let kept = wide.kept(OutputTimestamp::Ticket);
        assert!(!kept.contains(i64::MIN, NOW) && kept.contains(NOW + 99 * DAY, NOW));
        let none =
            limits(&[("message.timestamp.after.max.ms", "0"), ("message.timestamp.before.max.ms", "0")]);
        assert_eq!(keeps(&none, &[0, 1, -1]), [true, false, false]);
    }

    #[test]
    fn a_batch_fits_into_message_limit_and_segment() {
        assert_eq!(limits(&[]).max_bytes, Some(1_048_588));
        assert_eq!(limits(&[("segment.bytes", "100000")]).max_bytes, Some(100_000));
    }
}
