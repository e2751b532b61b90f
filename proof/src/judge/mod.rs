//! The judge: each incoming record against what came out for it.
//!
//! It reads the topics as any consumer would and shares no code with the router: its readers of both formats are its own. It tells
//! records apart by a number in a header, which whoever wrote them gave them. Where each belongs is for its caller to say.

mod seen;
mod wire;

use std::collections::HashMap;

use anyhow::{Context, Result, ensure};
use ticket_router_harness::{Record, read};
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

pub use self::{
    seen::{Seen, Shown},
    wire::{Routed, Ticket},
};
use crate::topics::{DEAD_LETTER, MICROSOFT, NUMBER, Names, OUTGOING, PARTNER, PUBLISHER, TRIAGE};

const EXAMPLES: usize = 5;
const OWNERS: [&str; 5] =
    ["OWNER_PARTNER", "OWNER_PUBLISHER", "OWNER_MICROSOFT_COMMERCE", "OWNER_UNSPECIFIED", ""];
/// The headers that the router must write: on every routed ticket, on one that has an owner, and on a dead letter.
const ROUTED_HEADERS: [&str; 3] =
    ["ticket-router.decision-id", "ticket-router.policy-version", "content-type"];
const OWNED_HEADERS: [&str; 2] = ["ticket-router.owner", "ticket-router.rule"];
const DEAD_HEADERS: [&str; 2] = ["ticket-router.error.reason", "ticket-router.error.detail"];

/// An incoming record.
pub struct Input {
    pub number: usize,
    pub partition: i32,
    pub offset: i64,
    pub timestamp: i64,
    key: u64,
    value: u64,
    headers: Headers,
    ticket: Option<wire::Digests>,
}

/// An outgoing record, and when the concurrent reader saw the first one of its number.
pub struct Output<'a> {
    /// Index into the outgoing topics.
    pub topic: usize,
    pub record: &'a Record,
    /// What it says as a routed ticket, if it is one.
    pub routed: Option<Routed>,
    /// Milliseconds since 1970; the largest number if it was never seen.
    pub seen_at: i64,
}

/// Where records belong.
pub trait Expectation {
    /// What is expected of one record, kept until its output is read.
    type Of;

    /// Says what is to be expected of an incoming record, which is a ticket or none.
    fn of(&self, input: &Input, ticket: Option<&Ticket>) -> Self::Of;

    /// Says why a record may not have come out where it did, or not with this decision.
    fn objection(&mut self, of: &Self::Of, input: &Input, output: &Output<'_>) -> Option<String>;
}

/// The topic is expected that a function gives for an incoming record.
impl<F: Fn(&Input) -> usize> Expectation for F {
    type Of = usize;

    fn of(&self, input: &Input, _: Option<&Ticket>) -> usize {
        self(input)
    }

    fn objection(&mut self, of: &usize, _: &Input, output: &Output<'_>) -> Option<String> {
        (*of != output.topic).then(|| format!("belongs to {}", OUTGOING[*of]))
    }
}

/// Something that is wrong: how often, and the first examples.
#[derive(Default, Debug)]
pub struct Findings {
    pub count: u64,
    pub examples: Vec<String>,
}

/// What was found.
#[derive(Default, Debug)]
pub struct Verdict {
    pub records: u64,
    pub written: [u64; OUTGOING.len()],
    /// In no outgoing topic.
    pub lost: Findings,
    /// There more than once.
    pub duplicated: Findings,
    /// Overtook an earlier record of its key within a topic.
    pub out_of_order: Findings,
    /// In a topic, or with a decision, that was not expected, or whose topic and decision contradict each other.
    pub wrong_owner: Findings,
    /// Other bytes, key, timestamp or headers than the incoming record's, or without a header that must be there.
    pub changed: Findings,
    /// From no incoming record.
    pub unknown: Findings,
    /// Shown to the concurrent reader and not to the final one, or the other way round.
    pub vanished: Findings,
    pub open_transactions: Findings,
}

impl Findings {
    fn add(&mut self, text: impl FnOnce() -> String) {
        self.count += 1;
        if self.examples.len() < EXAMPLES {
            self.examples.push(text());
        }
    }
}

impl Verdict {
    pub fn findings(&self) -> [(&'static str, &Findings); 8] {
        [
            ("lost", &self.lost),
            ("duplicated", &self.duplicated),
            ("out of order", &self.out_of_order),
            ("wrong owner", &self.wrong_owner),
            ("changed", &self.changed),
            ("from nowhere", &self.unknown),
            ("vanished", &self.vanished),
            ("open transactions", &self.open_transactions),
        ]
    }

    pub fn is_clean(&self) -> bool {
        self.findings().iter().all(|(_, it)| it.count == 0)
            && self.written.iter().sum::<u64>() == self.records
    }
}

/// Reads everything from the beginning once more, and judges it. `open` are the partitions with an open transaction: they are looked
/// for before, since a reader is not shown what lies behind one.
pub fn judge<E: Expectation>(
    bootstrap: &str,
    names: &Names,
    seen: &Seen,
    open: Vec<String>,
    expectation: &mut E,
) -> Result<(Verdict, Vec<Input>)> {
    let (inputs, expected) = read_inputs(bootstrap, &names.incoming, expectation)?;
    let mut verdict = Verdict { records: inputs.len() as u64, ..Verdict::default() };
    let mut times = vec![0_u8; inputs.len()];
    let mut shown = Shown::new();
    for (topic, name) in names.outgoing.iter().enumerate() {
        // The last incoming offset by key and incoming partition, and the outgoing partition that the key went to.
        let mut last = HashMap::new();
        verdict.written[topic] = read(bootstrap, name, "read_committed", |message| {
            let record = &Record::from(message);
            shown.entry((topic, record.partition)).or_default().push((record.offset, record.digest()));
            let place = format!("{name}/{}@{}", record.partition, record.offset);
            let Some(input) = number(record).and_then(|number| inputs.get(number)) else {
                verdict.unknown.add(|| place);
                return Ok(());
            };
            times[input.number] = times[input.number].saturating_add(1);
            let seen_at = seen.at.get(input.number).copied().filter(|at| *at > 0).unwrap_or(i64::MAX);
            let value = if topic == DEAD_LETTER { None } else { record.value.as_deref() };
            let output = Output { topic, record, routed: wire::routed(value), seen_at };
            let what = format!("{place}: record {}", input.number);
            for change in input.changes(&names.incoming, &output) {
                verdict.changed.add(|| format!("{what} {change}"));
            }
            let objections =
                [output.contradiction(), expectation.objection(&expected[input.number], input, &output)];
            for objection in objections.into_iter().flatten() {
                verdict.wrong_owner.add(|| format!("{what} {objection}"));
            }
            let (partition, offset) = (record.partition, input.offset);
            if let Some((other, before)) = last.insert((input.key, input.partition), (partition, offset))
                && (other != partition || before > offset)
            {
                verdict.out_of_order.add(|| format!("{what}, offset {offset}, follows {before}"));
            }
            Ok(())
        })?;
    }
    for (input, times) in inputs.iter().zip(times) {
        let text =
            || format!("record {}, {}/{}@{}", input.number, names.incoming, input.partition, input.offset);
        match times {
            0 => verdict.lost.add(text),
            1 => {}
            _ => verdict.duplicated.add(|| format!("{}: {times} times", text())),
        }
    }
    compare(names, &seen.shown, &shown, &mut verdict.vanished);
    if seen.repeated > 0 {
        verdict.vanished.add(|| format!("{} offsets came again to the concurrent reader", seen.repeated));
    }
    for partition in open {
        verdict.open_transactions.add(|| partition);
    }
    Ok((verdict, inputs))
}

/// The number that whoever wrote a record gave it.
fn number(record: &Record) -> Option<usize> {
    record.header(NUMBER)?.parse().ok()
}

/// All incoming records by their numbers, with what is expected of each.
fn read_inputs<E: Expectation>(
    bootstrap: &str,
    topic: &str,
    expectation: &E,
) -> Result<(Vec<Input>, Vec<E::Of>)> {
    let mut found: Vec<Option<(Input, E::Of)>> = Vec::new();
    read(bootstrap, topic, "read_committed", |message| {
        let record = Record::from(message);
        let number = number(&record).context("an incoming record has no number")?;
        let ticket = wire::ticket(record.value.as_deref(), record.header("content-type"));
        let input = Input {
            number,
            partition: record.partition,
            offset: record.offset,
            timestamp: record.timestamp.unwrap_or_default(),
            key: xxh3_64(record.key.as_deref().unwrap_or_default()),
            value: xxh3_64(record.value.as_deref().unwrap_or_default()),
            headers: Headers::of(&record),
            ticket: ticket.as_ref().map(Ticket::digests),
        };
        let of = expectation.of(&input, ticket.as_ref());
        if found.len() <= number {
            found.resize_with(number + 1, || None);
        }
        ensure!(found[number].is_none(), "record {number} was written twice to {topic}, not by the router");
        found[number] = Some((input, of));
        Ok(())
    })?;
    let numbered = found.into_iter().enumerate();
    numbered.map(|(number, it)| it.with_context(|| format!("record {number} is not in {topic}"))).collect()
}

impl Input {
    /// What is missing from an output, or was changed on the way.
    fn changes(&self, incoming: &str, output: &Output<'_>) -> Vec<String> {
        let Output { topic, record, routed, .. } = output;
        let is_dead = *topic == DEAD_LETTER;
        let mut changes = Vec::new();
        if xxh3_64(record.key.as_deref().unwrap_or_default()) != self.key {
            changes.push("has another key".to_owned());
        }
        // Times that a topic would refuse or soon delete are in a header.
        let stamped = record.header("ticket-router.timestamp").map(|it| it.parse().ok());
        if stamped.unwrap_or(record.timestamp) != Some(self.timestamp) {
            changes.push("has another timestamp".to_owned());
        }
        if !self.headers.travelled(&Headers::of(record), is_dead) {
            changes.push("lacks a header of the incoming record".to_owned());
        }
        let required: &[&[&str]] = match *topic {
            DEAD_LETTER => &[&DEAD_HEADERS],
            TRIAGE => &[&ROUTED_HEADERS],
            _ => &[&ROUTED_HEADERS, &OWNED_HEADERS],
        };
        let missing = required.iter().copied().flatten().filter(|name| record.header(name).is_none());
        changes.extend(missing.map(|name| format!("has no header `{name}`")));
        if is_dead {
            let of = |name: &str| record.header(&format!("ticket-router.error.{name}"));
            let origin = (of("topic"), of("partition"), of("offset"));
            let (partition, offset) = (self.partition.to_string(), self.offset.to_string());
            if origin != (Some(incoming), Some(&partition), Some(&offset)) {
                changes.push(format!("says that it comes from {origin:?}"));
            }
            if xxh3_64(record.value.as_deref().unwrap_or_default()) != self.value {
                changes.push("has other bytes".to_owned());
            }
        } else {
            match (routed, &self.ticket) {
                (None, _) => changes.push("is no routed ticket".to_owned()),
                (Some(routed), Some(own)) if !own.is_same(&routed.ticket.digests()) => {
                    changes.push("holds another ticket".to_owned());
                }
                _ => {}
            }
        }
        changes
    }
}

impl Output<'_> {
    /// What its decision or its header says other than its topic.
    fn contradiction(&self) -> Option<String> {
        let said = (self.routed.as_ref()?.owner, self.record.header("ticket-router.owner"));
        let name = OWNERS[self.topic];
        // In triage nobody is the owner, and there is no such header.
        (said.0 != Some(name) || said.1.is_some_and(|it| it != name)).then(|| format!("says {said:?}"))
    }
}

/// Digests of a record's headers, except the router's own.
struct Headers {
    /// A routed ticket has its own.
    content_types: Vec<u64>,
    others: Vec<u64>,
}

impl Headers {
    fn of(record: &Record) -> Self {
        let mut headers = Self { content_types: Vec::new(), others: Vec::new() };
        for (name, value) in record.headers.iter().filter(|(name, _)| !name.starts_with("ticket-router.")) {
            let seed = xxh3_64_with_seed(name.as_bytes(), u64::from(value.is_some()));
            let digest = xxh3_64_with_seed(value.as_deref().unwrap_or_default(), seed);
            let is_type = name == "content-type";
            if is_type { &mut headers.content_types } else { &mut headers.others }.push(digest);
        }
        headers
    }

    fn travelled(&self, to: &Self, is_dead: bool) -> bool {
        let all = |from: &[u64], to: &[u64]| from.iter().all(|it| to.contains(it));
        all(&self.others, &to.others) && (!is_dead || all(&self.content_types, &to.content_types))
    }
}

fn compare(names: &Names, before: &Shown, after: &Shown, vanished: &mut Findings) {
    for ((topic, partition), earlier) in before {
        let later: HashMap<_, _> = after.get(&(*topic, *partition)).into_iter().flatten().copied().collect();
        for (offset, digest) in earlier {
            if later.get(offset) != Some(digest) {
                vanished.add(|| format!("{}/{partition}@{offset}", names.outgoing[*topic]));
            }
        }
    }
    let count = |shown: &Shown| shown.values().map(Vec::len).sum::<usize>();
    let (earlier, later) = (count(before), count(after));
    if later > earlier {
        vanished.add(|| format!("{} records were never shown to the concurrent reader", later - earlier));
    }
}

const _: () = assert!(PARTNER == 0 && PUBLISHER == 1 && MICROSOFT == 2 && TRIAGE == 3 && DEAD_LETTER == 4);

#[cfg(test)]
mod tests {
    use super::*;

    fn record(headers: &[(&str, &str)], value: &str) -> Record {
        let header = |(name, value): &(&str, &str)| ((*name).to_owned(), Some(value.as_bytes().to_vec()));
        Record {
            partition: 0,
            offset: 3,
            key: Some(b"k".to_vec()),
            value: Some(value.into()),
            headers: headers.iter().map(header).collect(),
            timestamp: Some(7),
        }
    }

    /// A change that was made to a sound output, and what the judge says of it.
    type Change = (fn(&mut Record), &'static str);

    #[track_caller]
    fn assert_seen(topic: usize, sound: &Record, changes: &[Change]) {
        const TICKET: &str = r#"{"id":"T","category":"CATEGORY_BILLING"}"#;
        let record = record(&[("h", "1"), ("content-type", "application/json"), ("h", "2")], TICKET);
        let ticket = wire::ticket(record.value.as_deref(), None).as_ref().map(Ticket::digests);
        let (key, value) = (xxh3_64(b"k"), xxh3_64(TICKET.as_bytes()));
        let headers = Headers::of(&record);
        let input = Input { number: 0, partition: 0, offset: 3, timestamp: 7, key, value, headers, ticket };
        let changes_of = |record: &Record| {
            let routed = wire::routed(record.value.as_deref());
            input.changes("in", &Output { topic, record, routed, seen_at: 0 })
        };
        assert_eq!(changes_of(sound), Vec::<String>::new());
        for (change, says) in changes {
            let mut changed = sound.clone();
            change(&mut changed);
            let found = changes_of(&changed);
            assert!(found.len() == 1 && found[0].contains(says), "{says}: {found:?}");
        }
    }

    #[test]
    fn whatever_is_missing_from_a_routed_ticket_or_was_changed_is_seen() {
        let routed =
            r#"{"ticket":{"id":"T","category":"CATEGORY_BILLING"},"decision":{"owner":"OWNER_PARTNER"}}"#;
        let own = [ROUTED_HEADERS.as_slice(), &OWNED_HEADERS].concat();
        let mut sound = record(&[("h", "1"), ("h", "2")], routed);
        sound.headers.extend(own.iter().map(|name| ((*name).to_owned(), Some(b"x".to_vec()))));
        assert_seen(
            PARTNER,
            &sound,
            &[
                (|it| it.key = None, "another key"),
                (|it| it.timestamp = Some(8), "another timestamp"),
                (|it| drop(it.headers.remove(1)), "lacks a header"),
                (|it| it.headers[0].1 = None, "lacks a header"),
                (|it| drop(it.headers.pop()), "no header `ticket-router.rule`"),
                (|it| it.value = Some(b"{}".to_vec()), "no routed ticket"),
                (|it| it.value = Some(br#"{"ticket":{"id":"U"}}"#.to_vec()), "another ticket"),
            ],
        );
    }

    #[test]
    fn whatever_is_missing_from_a_dead_letter_or_was_changed_is_seen() {
        let own = [("reason", "R"), ("detail", "d"), ("topic", "in"), ("partition", "0"), ("offset", "3")];
        let mut sound = record(
            &[("h", "1"), ("h", "2"), ("content-type", "application/json")],
            r#"{"id":"T","category":"CATEGORY_BILLING"}"#,
        );
        let name = |it| format!("ticket-router.error.{it}");
        sound.headers.extend(own.iter().map(|(it, value)| (name(it), Some(value.as_bytes().to_vec()))));
        assert_seen(
            DEAD_LETTER,
            &sound,
            &[
                (|it| drop(it.headers.remove(2)), "lacks a header"),
                (|it| drop(it.headers.remove(3)), "no header `ticket-router.error.reason`"),
                (|it| it.headers[7].1 = Some(b"4".to_vec()), "comes from"),
                (|it| it.value = None, "other bytes"),
            ],
        );
    }
}
