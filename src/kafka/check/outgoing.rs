//! Does an outgoing topic take what the router writes, and keep it until somebody has read it?

use std::fmt;

use super::Report;
use crate::{
    config::Config,
    kafka::{
        limits::TopicLimits,
        topics::{TopicState, Use},
    },
};

/// A record waits for its batch, and clocks differ: closer limits refuse even the router's own time.
const CLOSEST_MS: i64 = 60_000;
/// Records that are deleted sooner are a warning: nobody may have looked by then.
const SHORT_RETENTION_MS: i64 = 24 * 3_600_000;
/// What a dead letter needs that has lost its key and its bytes: origin, reason and digests.
const LEAST_DEAD_LETTER_BYTES: usize = 8192;

/// Checks the settings of an outgoing topic, and keeps what the worker needs of them.
pub(super) fn check(config: &Config, topic: &TopicState, report: &mut Report) {
    let Some(settings) = topic.settings.as_ref().filter(|_| topic.purpose == Use::Output) else { return };
    let limits = TopicLimits::of(settings);
    compaction(topic, &limits, report);
    times(config, topic, &limits, report);
    retention(topic, &limits, report);
    room(config, topic, &limits, report);
    report.limits.insert(topic.name.clone(), limits);
}

fn is_dead_letter(topic: &TopicState) -> bool {
    topic.key == "topics.dead_letter"
}

fn compaction(topic: &TopicState, limits: &TopicLimits, report: &mut Report) {
    if !limits.is_compacted {
        return;
    }
    let (name, key) = (&topic.name, topic.key);
    let remedy = "set `cleanup.policy=delete` on the topic";
    if is_dead_letter(topic) {
        let text = format!(
            "topic `{name}` (`{key}`) is compacted: it refuses a bad record without a key, \
             and of bad records with the same key only the last stays"
        );
        report.error(text, remedy);
    } else {
        let text = format!(
            "topic `{name}` is compacted: of tickets with the same key only the last stays, \
             and tickets without a key become dead letters"
        );
        report.warning(text, remedy);
    }
}

fn times(config: &Config, topic: &TopicState, limits: &TopicLimits, report: &mut Report) {
    let name = &topic.name;
    if limits.has_broker_time {
        report.info(format!(
            "topic `{name}` has `message.timestamp.type=LogAppendTime`: its records have the brokers' time, \
             and the ticket's in a header"
        ));
        return;
    }
    for (setting, limit) in [
        ("message.timestamp.before.max.ms", limits.before_ms),
        ("message.timestamp.after.max.ms", limits.after_ms),
    ] {
        if limit >= CLOSEST_MS {
            continue;
        }
        let text = format!(
            "topic `{name}` (`{}`) has `{setting}={limit}`: it may refuse even the router's own time",
            topic.key
        );
        let remedy = format!("set `{setting}` on the topic to {CLOSEST_MS} or more");
        if is_dead_letter(topic) { report.error(text, remedy) } else { report.warning(text, remedy) }
    }
    let most = limits.kept(config.output.timestamp).max_age_ms();
    if (0..i64::MAX).contains(&most) {
        report.info(format!(
            "topic `{name}`: a ticket that is older than {} is written with the router's own time, \
             and its own in a header",
            Span(most)
        ));
    }
}

fn retention(topic: &TopicState, limits: &TopicLimits, report: &mut Report) {
    if limits.retention_ms < SHORT_RETENTION_MS {
        let (name, age) = (&topic.name, limits.retention_ms);
        report.warning(
            format!(
                "topic `{name}` has `retention.ms={age}`: what nobody has read within {} is deleted",
                Span(age)
            ),
            "set `retention.ms` on the topic to the longest time until somebody reads it",
        );
    }
}

fn room(config: &Config, topic: &TopicState, limits: &TopicLimits, report: &mut Report) {
    let (name, wanted) = (&topic.name, config.limits.max_output_bytes);
    let Some(most) = limits.max_bytes.filter(|most| *most < wanted) else { return };
    let setting =
        if topic.number("max.message.bytes") == Some(most) { "max.message.bytes" } else { "segment.bytes" };
    if is_dead_letter(topic) && most < LEAST_DEAD_LETTER_BYTES {
        report.error(
            format!(
                "topic `{name}` (`{}`) has `{setting}={most}`: even a dead letter without its bytes is too large",
                topic.key
            ),
            format!("set `{setting}={wanted}` on the topic, at least {LEAST_DEAD_LETTER_BYTES}"),
        );
        return;
    }
    report.warning(
        format!(
            "topic `{name}` has `{setting}={most}`, below `limits.max_output_bytes` ({wanted}): \
             larger records go to the dead-letter topic, or lose their bytes there"
        ),
        format!(
            "set `{setting}={wanted}` on the topic, or lower `limits.max_output_bytes` and \
             `limits.max_record_bytes`"
        ),
    );
}

/// Milliseconds as a person says them.
struct Span(i64);

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of = |unit: i64| self.0 as f64 / unit as f64;
        let (number, unit) = match self.0 {
            ..1_000 => return write!(f, "{} ms", self.0),
            1_000..120_000 => (of(1_000), "s"),
            120_000..7_200_000 => (of(60_000), "min"),
            7_200_000..172_800_000 => (of(3_600_000), "h"),
            _ => (of(86_400_000), "days"),
        };
        // One decimal where there is one.
        write!(f, "{} {unit}", (number * 10.0).round() / 10.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kafka::check::Severity;

    fn findings(key: &'static str, settings: &[(&str, &str)]) -> Vec<(Severity, String)> {
        let defaults = [("retention.ms", "-1"), ("message.timestamp.after.max.ms", "3600000")];
        let all = defaults.iter().chain(settings);
        let topic = TopicState {
            key,
            name: "t".to_owned(),
            purpose: Use::Output,
            partitions: 1,
            replicas: 1,
            missing: None,
            leaderless: Vec::new(),
            settings: Some(all.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()),
        };
        let mut report = Report::default();
        check(&Config::default(), &topic, &mut report);
        assert!(report.limits.contains_key("t"));
        report.findings.into_iter().map(|finding| (finding.severity, finding.text)).collect()
    }

    #[test]
    fn a_dead_letter_topic_that_cannot_take_each_dead_letter_is_an_error_and_another_topic_a_warning() {
        for (setting, value) in [
            ("cleanup.policy", "compact"),
            ("cleanup.policy", "delete,compact"),
            ("message.timestamp.before.max.ms", "1000"),
            ("message.timestamp.after.max.ms", "0"),
            ("max.message.bytes", "2000"),
        ] {
            for (key, severity) in [
                ("topics.dead_letter", Severity::Error),
                ("topics.triage", Severity::Warning),
                ("topics.partner", Severity::Warning),
            ] {
                let found = findings(key, &[(setting, value)]);
                let severest = found.iter().map(|(severity, _)| *severity).min();
                assert_eq!(severest, Some(severity), "{key} {setting}={value}: {found:?}");
            }
        }
    }

    #[test]
    fn a_topic_that_deletes_within_a_day_is_a_warning_that_says_when() {
        let short = findings("topics.partner", &[("retention.ms", "5400000")]);
        let warning = short.iter().find(|(severity, _)| *severity == Severity::Warning).unwrap();
        assert!(warning.1.contains("within 90 min is deleted"), "{warning:?}");
        let week = findings("topics.partner", &[("retention.ms", "604800000")]);
        assert_eq!(week.len(), 1);
        assert!(week[0].0 == Severity::Info && week[0].1.contains("older than 3.5 days"), "{week:?}");
        assert_eq!(findings("topics.partner", &[]), []);
    }
}
