//! Each incoming record against what came out for it.

use std::collections::HashMap;

use anyhow::{Context, Result, ensure};
use rdkafka::{Message, message::BorrowedMessage};
use ticket_router_proof::{
    topics::{DEAD_LETTER, INCOMING, MICROSOFT, OUTGOING, PARTNER, PUBLISHER, TRIAGE},
    world::World,
};
use xxhash_rust::xxh3::xxh3_64;

use crate::{
    oracle::{Owner, Policy, owner},
    read::{self, Seen, Shown, header, number},
    timeline::Timeline,
    wire,
};

const EXAMPLES: usize = 5;
const OWNERS: [&str; 5] =
    ["OWNER_PARTNER", "OWNER_PUBLISHER", "OWNER_MICROSOFT_COMMERCE", "OWNER_UNSPECIFIED", ""];

/// An incoming record.
pub struct Input {
    pub partition: i32,
    pub offset: i64,
    pub timestamp: i64,
    key: u64,
    value: u64,
    /// Nothing for what is no ticket.
    ticket: Option<Expected>,
}

struct Expected {
    digest: u64,
    owners: Owners,
}

/// Who may own a ticket: mostly the same whatever the catalog's state and the policy.
enum Owners {
    Same(u8, u64),
    /// By state of the catalog, then by policy.
    Differ(Box<[[(u8, u64); 2]; 2]>),
}

/// Something that is wrong: how often, and the first examples.
#[derive(Default)]
pub struct Findings {
    pub count: u64,
    pub examples: Vec<String>,
}

/// What was found.
#[derive(Default)]
pub struct Verdict {
    pub records: u64,
    pub partitions: usize,
    pub written: [u64; OUTGOING.len()],
    /// In no outgoing topic.
    pub lost: Findings,
    /// There more than once.
    pub duplicated: Findings,
    /// Overtook an earlier record of its key within a topic.
    pub out_of_order: Findings,
    /// In a topic, or assigned to a party, that was right under no catalog and policy in force at that time.
    pub wrong_owner: Findings,
    /// Other bytes, key, timestamp or headers than the incoming record's.
    pub changed: Findings,
    /// From no incoming record.
    pub unknown: Findings,
    /// Shown to the concurrent reader and not to the final one, or the other way round.
    pub vanished: Findings,
    pub open_transactions: Findings,
    /// Tickets that were dead letters while their topic was forbidden.
    pub refused_meanwhile: u64,
    /// The oldest catalog that a decision was made with: how long before the ticket was sent it had been replaced, in milliseconds.
    pub oldest_catalog_ms: i64,
    /// Tickets whose owner depends on which catalog was in force.
    pub sensitive: u64,
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

/// Reads everything, and judges it.
pub fn judge(
    bootstrap: &str,
    world: &World,
    timeline: &Timeline,
    seen: &Seen,
    open: Vec<String>,
) -> Result<(Verdict, Vec<Input>)> {
    let inputs = read_inputs(bootstrap, world)?;
    let mut verdict = Verdict { records: inputs.len() as u64, ..Verdict::default() };
    verdict.partitions = inputs.iter().map(|it| it.partition).max().map_or(0, |it| it as usize + 1);
    let mut times = vec![0_u8; inputs.len()];
    let mut shown = Shown::new();
    for (topic, name) in OUTGOING.iter().enumerate() {
        // The last incoming offset by key and incoming partition, and the outgoing partition that the key went to.
        let mut last = HashMap::new();
        let mut weigh = |message: &BorrowedMessage<'_>| {
            let place = format!("{name}/{}@{}", message.partition(), message.offset());
            shown
                .entry((topic, message.partition()))
                .or_default()
                .push((message.offset(), read::digest(message)));
            let found = number(message).and_then(|number| Some((number, inputs.get(number)?)));
            let Some((number, input)) = found else {
                verdict.unknown.add(|| place);
                return Ok(());
            };
            times[number] = times[number].saturating_add(1);
            let seen_at = seen.at.get(number).copied().filter(|at| *at > 0).unwrap_or(i64::MAX);
            let record = Record { topic, message, number, input, place, seen_at };
            record.weigh(&mut verdict, timeline);
            let (partition, offset) = (message.partition(), input.offset);
            if let Some((other, before)) = last.insert((input.key, input.partition), (partition, offset))
                && (other != partition || before > offset)
            {
                verdict.out_of_order.add(|| format!("{}: offset {offset} follows {before}", record.place));
            }
            Ok(())
        };
        verdict.written[topic] = read::read(bootstrap, name, &mut weigh)?;
    }
    for (number, (input, times)) in inputs.iter().zip(times).enumerate() {
        let text = || format!("record {number}, {INCOMING}/{}@{}", input.partition, input.offset);
        match times {
            0 => verdict.lost.add(text),
            1 => {}
            _ => verdict.duplicated.add(|| format!("{}: {times} times", text())),
        }
    }
    compare(&seen.shown, &shown, &mut verdict.vanished);
    if seen.repeated > 0 {
        verdict.vanished.add(|| format!("{} offsets came again to the concurrent reader", seen.repeated));
    }
    for partition in open {
        verdict.open_transactions.add(|| partition);
    }
    Ok((verdict, inputs))
}

/// All incoming records, by their numbers.
fn read_inputs(bootstrap: &str, world: &World) -> Result<Vec<Input>> {
    let mut found: Vec<Option<Input>> = Vec::new();
    read::read(bootstrap, INCOMING, |message| {
        let number = number(message).context("an incoming record has no number")?;
        let content_type = header(message, "content-type");
        let ticket = wire::ticket(message.payload(), content_type);
        let input = Input {
            partition: message.partition(),
            offset: message.offset(),
            timestamp: message.timestamp().to_millis().unwrap_or_default(),
            key: xxh3_64(message.key().unwrap_or_default()),
            value: xxh3_64(message.payload().unwrap_or_default()),
            ticket: ticket.map(|ticket| Expected { digest: ticket.digest, owners: owners(&ticket, world) }),
        };
        if found.len() <= number {
            found.resize_with(number + 1, || None);
        }
        ensure!(found[number].is_none(), "the load itself wrote record {number} twice");
        found[number] = Some(input);
        Ok(())
    })?;
    let numbered = found.into_iter().enumerate();
    numbered.map(|(number, it)| it.with_context(|| format!("the load itself lost record {number}"))).collect()
}

fn owners(ticket: &wire::Ticket, world: &World) -> Owners {
    let compact = |(topic, assignee): Owner| (topic as u8, xxh3_64(assignee.as_bytes()));
    let all = [0, 1].map(|state| {
        [Policy::AsWritten, Policy::ContactsAtPublisher]
            .map(|policy| compact(owner(ticket, &world.states[state], policy)))
    });
    let first = all[0][0];
    if all.iter().flatten().all(|it| *it == first) {
        Owners::Same(first.0, first.1)
    } else {
        Owners::Differ(Box::new(all))
    }
}

/// An outgoing record beside the one that it came from.
struct Record<'a> {
    topic: usize,
    message: &'a BorrowedMessage<'a>,
    number: usize,
    input: &'a Input,
    place: String,
    seen_at: i64,
}

impl Record<'_> {
    fn weigh(&self, verdict: &mut Verdict, timeline: &Timeline) {
        let Self { message, input, place, number, .. } = self;
        if xxh3_64(message.key().unwrap_or_default()) != input.key {
            verdict.changed.add(|| format!("{place}: record {number} has another key"));
        }
        // Times that a topic would refuse or soon delete are in a header.
        let stamped = header(message, "ticket-router.timestamp").map(|it| it.parse().ok());
        if stamped.unwrap_or(message.timestamp().to_millis()) != Some(input.timestamp) {
            verdict.changed.add(|| format!("{place}: record {number} has another timestamp"));
        }
        if self.topic == DEAD_LETTER {
            self.weigh_dead_letter(verdict, timeline);
        } else {
            self.weigh_routed(verdict, timeline);
        }
    }

    fn weigh_dead_letter(&self, verdict: &mut Verdict, timeline: &Timeline) {
        let Self { message, input, place, number, .. } = self;
        let of = |name: &str| header(message, &format!("ticket-router.error.{name}"));
        let origin = (of("topic"), of("partition"), of("offset"));
        let (partition, offset) = (input.partition.to_string(), input.offset.to_string());
        if origin != (Some(INCOMING), Some(&partition), Some(&offset)) {
            verdict.changed.add(|| format!("{place}: record {number} says that it comes from {origin:?}"));
        }
        if xxh3_64(message.payload().unwrap_or_default()) != input.value {
            verdict.changed.add(|| format!("{place}: record {number} has other bytes"));
        }
        let Some(expected) = &input.ticket else { return };
        let topics = expected.topics();
        let was_forbidden = of("reason") == Some("TOPIC_CLOSED")
            && topics.iter().any(|topic| timeline.was_forbidden(*topic, input.timestamp, self.seen_at));
        if was_forbidden {
            verdict.refused_meanwhile += 1;
        } else {
            let why = of("detail").unwrap_or_default();
            verdict
                .wrong_owner
                .add(|| format!("{place}: record {number} is a ticket, and a dead letter: {why}"));
        }
    }

    fn weigh_routed(&self, verdict: &mut Verdict, timeline: &Timeline) {
        let Self { message, input, place, number, topic, .. } = self;
        let Some(routed) = wire::routed(message.payload()) else {
            verdict.changed.add(|| format!("{place}: record {number} is no routed ticket"));
            return;
        };
        let Some(expected) = &input.ticket else {
            verdict.wrong_owner.add(|| format!("{place}: record {number} is no ticket, and has an owner"));
            return;
        };
        if routed.ticket.digest != expected.digest || routed.ticket.id != format!("T-{number}") {
            verdict.changed.add(|| format!("{place}: record {number} holds another ticket"));
        }
        let said = (routed.owner, header(message, "ticket-router.owner"));
        let name = OWNERS[*topic];
        // In triage nobody is the owner, and there is no such header.
        if said.0 != Some(name)
            || said.1.is_some_and(|it| it != name)
            || (said.1.is_none() && *topic != TRIAGE)
        {
            verdict.wrong_owner.add(|| format!("{place}: record {number} says {said:?}"));
        }
        for name in ["decision-id", "policy-version"] {
            if header(message, &format!("ticket-router.{name}")).is_none() {
                verdict.changed.add(|| format!("{place}: record {number} has no header `{name}`"));
            }
        }
        let version = header(message, "ticket-router.policy-version").unwrap_or_default();
        let Some(policy) = timeline.policy(version, input.timestamp, self.seen_at) else {
            verdict.wrong_owner.add(|| {
                format!("{place}: record {number} was decided by policy {version}, not in force then")
            });
            return;
        };
        let got = (*topic as u8, xxh3_64(routed.assignee.as_bytes()));
        let right = match &expected.owners {
            Owners::Same(topic, assignee) => (*topic, *assignee) == got,
            Owners::Differ(all) => {
                verdict.sensitive += u64::from(all[0][policy] != all[1][policy]);
                let matching = [0, 1].map(|state| all[state][policy] == got);
                match timeline.catalog_age(matching, input.timestamp, self.seen_at) {
                    Some(age) => {
                        verdict.oldest_catalog_ms = verdict.oldest_catalog_ms.max(age);
                        age <= timeline.catalog_grace_ms
                    }
                    None => false,
                }
            }
        };
        if !right {
            verdict.wrong_owner.add(|| {
                let ticket = &routed.ticket;
                format!(
                    "{place}: record {number}, assigned to `{}`, expected {:?}: {ticket:?}",
                    routed.assignee,
                    expected.topics()
                )
            });
        }
    }
}

impl Expected {
    /// The topics that the ticket may end in, whatever the time.
    fn topics(&self) -> Vec<usize> {
        match &self.owners {
            Owners::Same(topic, _) => vec![usize::from(*topic)],
            Owners::Differ(all) => {
                let mut topics: Vec<_> = all.iter().flatten().map(|(topic, _)| usize::from(*topic)).collect();
                topics.sort_unstable();
                topics.dedup();
                topics
            }
        }
    }
}

fn compare(before: &Shown, after: &Shown, vanished: &mut Findings) {
    for ((topic, partition), earlier) in before {
        let later: HashMap<_, _> = after.get(&(*topic, *partition)).into_iter().flatten().copied().collect();
        for (offset, digest) in earlier {
            if later.get(offset) != Some(digest) {
                vanished.add(|| format!("{}/{partition}@{offset}", OUTGOING[*topic]));
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
