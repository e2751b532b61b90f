//! `ticket-router tail`: what comes out of the router, for a person or a program to see.

use std::{
    io::{self, Write},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use clap::{Args, ValueEnum};

use super::{
    config::ConfigArgs,
    exit::{Ended, Exit, Failure, OrExit as _},
    io::Io,
    routed::{error_header, routed, shown, time, to_json, word},
    run::Signals,
};
use crate::{
    config::Config,
    kafka::{
        check::check_topics,
        tail::{From, Seen, Tail},
        topics::Use,
    },
    nearest::nearest,
    proto::{
        Timestamp,
        v1::decision::{Owner, TriageReason},
    },
};

/// How long to wait for a record before looking whether to end.
const WAIT: Duration = Duration::from_millis(200);

/// Show what comes out of the router: routed tickets and dead letters
///
/// Reads the outgoing topics without a consumer group, and only what committed transactions wrote. Ctrl-C ends it.
#[derive(Args, Clone, Debug)]
pub struct TailArgs {
    /// The topics: partner, publisher, microsoft-commerce, triage, dead-letter, or their own names; all of
    /// them if left out
    #[arg(value_name = "TOPIC")]
    topics: Vec<String>,
    /// Start with the oldest record
    #[arg(long, conflicts_with_all = ["last", "since"])]
    from_beginning: bool,
    /// Start with the last N records
    #[arg(long, value_name = "N", conflicts_with = "since", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    last: Option<u32>,
    /// Start with the records of a time: `2026-11-25T17:00:00Z`, or `15m` ago (s, m, h, d)
    #[arg(long, value_name = "WHEN", value_parser = since)]
    since: Option<i64>,
    /// End after N records
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    max: Option<u64>,
    /// End if no record comes for this long: `10s` (s, m, h, d)
    #[arg(long, value_name = "TIME", value_parser = duration)]
    idle: Option<Duration>,
    /// How a record is shown
    #[arg(long, value_enum, default_value_t)]
    format: TailFormat,
    #[command(flatten)]
    config: ConfigArgs,
}

/// How a record is shown.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, ValueEnum)]
pub enum TailFormat {
    /// A line for people: time, topic, id, owner, rule
    #[default]
    Text,
    /// A JSON object a line, with the whole routed ticket whatever format it is written in
    Json,
}

impl TailArgs {
    /// Shows records until there are enough.
    ///
    /// # Errors
    ///
    /// The settings are refused, a topic is not there, or it cannot be read.
    pub fn run(self, io: &mut Io<'_>) -> Ended {
        let config = self.config.load(io)?;
        let topics = named(&config, &self.topics)?;
        let wanted: Vec<_> = topics.iter().map(|&(key, name)| (key, name, Use::Incoming)).collect();
        let report = check_topics(&config, &wanted).or_exit(Exit::Usage)?;
        io.tell_findings(&report)?;
        let names: Vec<&str> = topics.iter().map(|&(_, name)| name).collect();
        let from = match (self.from_beginning, self.last, self.since) {
            (true, ..) => From::Beginning,
            (_, Some(count), _) => From::Last(count as usize),
            (_, _, Some(time)) => From::Since(time),
            _ => From::Now,
        };
        let mut tail = Tail::new(&config, &names, from)?;
        let widest = names.iter().map(|name| name.len()).max().unwrap_or(0);
        let is_told_to_end = signalled()?;
        let mut left = self.max.unwrap_or(u64::MAX);
        let mut last = Instant::now();
        let is_idle = |last: Instant| self.idle.is_some_and(|idle| last.elapsed() >= idle);
        while left > 0 && !is_idle(last) && !is_told_to_end.load(Relaxed) {
            let Some(seen) = tail.next(WAIT)? else { continue };
            let is_dead_letter = seen.topic == config.topics.dead_letter;
            match self.format {
                TailFormat::Text => line(&seen, is_dead_letter, widest, io.out)?,
                TailFormat::Json => writeln!(io.out, "{}", to_json(&seen, is_dead_letter))?,
            }
            io.out.flush()?;
            left -= 1;
            last = Instant::now();
        }
        Ok(Exit::Done)
    }
}

/// Turns true when a signal asks the process to end.
fn signalled() -> io::Result<Arc<AtomicBool>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut signals = runtime.block_on(async { Signals::new() })?;
    let flag = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&flag);
    thread::spawn(move || {
        runtime.block_on(signals.next());
        told.store(true, Relaxed);
    });
    Ok(flag)
}

/// Finds the topics that were named, each with the key of its setting.
fn named<'c>(config: &'c Config, words: &[String]) -> Result<Vec<(&'static str, &'c str)>, Failure> {
    let outputs = config.topics.outputs();
    if words.is_empty() {
        return Ok(outputs.to_vec());
    }
    let short = |key: &'static str| key.trim_start_matches("topics.").replace('_', "-");
    let mut found = Vec::new();
    for word in words {
        let output =
            outputs.iter().find(|(key, name)| *word == *name || short(key) == word.replace('_', "-"));
        let Some(output) = output else {
            let known: Vec<String> = outputs.iter().map(|(key, _)| short(key)).collect();
            let all = known.iter().map(String::as_str).chain(outputs.iter().map(|(_, name)| *name));
            let meant =
                nearest(word, all, 2).map_or_else(String::new, |meant| format!("; did you mean `{meant}`?"));
            let known = known.join(", ");
            return Err(Failure::usage(format!(
                "`{}` is not an outgoing topic{meant} There are {known}",
                word.escape_debug()
            )));
        };
        if !found.contains(output) {
            found.push(*output);
        }
    }
    Ok(found)
}

/// Time, topic, id, owner and why.
fn line(seen: &Seen, is_dead_letter: bool, widest: usize, out: &mut dyn Write) -> io::Result<()> {
    let (id, owner, why) = if is_dead_letter {
        let key = seen.key.as_deref().map(String::from_utf8_lossy).unwrap_or_default();
        (shown(&key), error_header(seen, "reason"), error_header(seen, "detail"))
    } else {
        words(seen)
    };
    let time = time(seen).unwrap_or_else(|| "-".to_owned());
    writeln!(out, "{time:<24}  {:<widest$}  {id:<12}  {owner:<24}  {}", seen.topic, shown(&why))
}

fn words(seen: &Seen) -> (String, String, String) {
    let routed = match routed(&seen.value) {
        Ok(routed) => routed,
        Err(error) => return ("?".to_owned(), "?".to_owned(), format!("not a routed ticket: {error}")),
    };
    let decision = routed.decision.unwrap_or_default();
    let id = shown(&routed.ticket.unwrap_or_default().id);
    match (decision.triage_reason(), decision.owner()) {
        (TriageReason::Unspecified, Owner::MicrosoftCommerce) => (id, "Microsoft".to_owned(), decision.rule),
        (TriageReason::Unspecified, _) => (id, shown(&decision.assignee_id), decision.rule),
        (reason, _) => (id, word(reason.as_str_name(), "TRIAGE_REASON_"), decision.reason),
    }
}

/// Reads a number with its unit.
fn duration(text: &str) -> Result<Duration, String> {
    let seconds = || {
        let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
        let unit = match unit {
            "s" => 1,
            "m" => 60,
            "h" => 3_600,
            "d" => 86_400,
            _ => return None,
        };
        number.parse::<u32>().ok().map(|number| u64::from(number) * unit)
    };
    seconds().map(Duration::from_secs).ok_or_else(|| "a whole number with s, m, h or d: `15m`".to_owned())
}

/// Reads a time, in milliseconds since 1970.
fn since(text: &str) -> Result<i64, String> {
    if let Some(time) = Timestamp::parse(text) {
        return Ok(time.seconds * 1_000 + i64::from(time.nanos / 1_000_000));
    }
    let ago = duration(text).map_err(|wrong| format!("a time such as `2026-11-25T17:00:00Z`, or {wrong}"))?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Ok(i64::try_from(now.saturating_sub(ago).as_millis()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::route::Destination;

    #[test]
    fn times_are_points_or_ago() {
        assert_eq!(since("1970-01-01T00:00:01.5Z"), Ok(1_500));
        assert_eq!(duration("15m"), Ok(Duration::from_secs(900)));
        assert_eq!(duration("2d"), Ok(Duration::from_secs(172_800)));
        for wrong in ["", "15", "m", "1.5h", "-1s", "1w", "1m "] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
        assert!(since("yesterday").is_err());
    }

    #[test]
    fn topics_have_words_and_names() {
        let config = Config::default();
        let words = |words: &[&str]| {
            let words: Vec<_> = words.iter().map(|&word| word.to_owned()).collect();
            named(&config, &words).map(|found| found.iter().map(|(_, name)| *name).collect::<Vec<_>>())
        };
        let found = words(&["triage", "tickets.triage", "dead_letter"]).expect("they are outgoing topics");
        assert_eq!(found, ["tickets.triage", "tickets.dead-letter"]);
        assert_eq!(words(&[]).expect("all of them").len(), Destination::ALL.len());
        let Err(Failure::Error(Exit::Usage, error)) = words(&["triaje"]) else { panic!("there is none") };
        assert!(error.to_string().contains("did you mean `triage`?"), "{error}");
    }
}
