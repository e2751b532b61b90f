//! The judge: did each incoming record end in exactly one place, the right one, in order?
//!
//! It reads the topics as any consumer would and shares no code with the router's path: JSON is read by serde_json, protobuf by prost's generated
//! types, which the router uses for its catalog only. A routed ticket is known by its id, which a test gives to one record only; a dead letter by the
//! headers that say where it came from.

mod read;

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    time::Duration,
};

use prost::Message;
use serde_json::Value;
use ticket_router::proto::v1::{RoutedTicket, Ticket, decision::Owner};

pub use self::read::{Record, Watch, read_topic};
use crate::support::topics::{Destination, Topics};

/// Headers of a routed ticket; one in triage has no owner, and may have no rule.
const ROUTED_HEADERS: [&str; 3] =
    ["ticket-router.decision-id", "ticket-router.policy-version", "content-type"];
const OWNED_HEADERS: [&str; 2] = ["ticket-router.owner", "ticket-router.rule"];
const DEAD_HEADERS: [&str; 5] = [
    "ticket-router.error.reason",
    "ticket-router.error.detail",
    "ticket-router.error.topic",
    "ticket-router.error.partition",
    "ticket-router.error.offset",
];
/// The reason of a dead letter that had no room for the original.
const TRUNCATED: &str = "DEAD_LETTER_TRUNCATED";
/// Longer than the broker keeps a transaction of a router that died.
const CLOSED_DEADLINE: Duration = Duration::from_secs(25);

/// An incoming record.
pub struct Input {
    pub record: Record,
    /// The ticket's id; none where the value cannot be read.
    pub id: Option<String>,
}

/// What was found; each finding is a sentence. All are empty when the router kept its word.
#[derive(Default)]
pub struct Verdict {
    /// How many incoming records there were.
    pub records: usize,
    /// Incoming records that are in no outgoing topic.
    pub lost: Vec<String>,
    /// Incoming records that are there more than once.
    pub duplicated: Vec<String>,
    /// Records of one key that overtook each other within an outgoing topic.
    pub out_of_order: Vec<String>,
    /// Records in a topic that is not their owner's, or whose decision says something else than their topic.
    pub wrong_owner: Vec<String>,
    /// Records without a header that they must have, or whose key, timestamp, headers or bytes did not travel on.
    pub malformed: Vec<String>,
    /// Records that a concurrent reader was shown, and that a later reader is not.
    pub vanished: Vec<String>,
    /// Partitions whose last transaction never ended.
    pub open_transactions: Vec<String>,
}

impl Verdict {
    /// # Panics
    /// If anything was found, or if there were not so many incoming records: then the test did not do what it meant to.
    #[track_caller]
    pub fn assert_clean(&self, records: usize) {
        assert_eq!(self.records, records, "incoming records");
        assert!(self.findings().iter().all(|(_, found)| found.is_empty()), "{self}");
    }

    fn findings(&self) -> [(&'static str, &[String]); 7] {
        [
            ("lost", &self.lost),
            ("duplicated", &self.duplicated),
            ("out of order", &self.out_of_order),
            ("wrong owner", &self.wrong_owner),
            ("malformed", &self.malformed),
            ("vanished", &self.vanished),
            ("open transactions", &self.open_transactions),
        ]
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} incoming records", self.records)?;
        for (name, found) in self.findings() {
            writeln!(f, "{name}: {}", found.len())?;
            for finding in found.iter().take(5) {
                writeln!(f, "    {finding}")?;
            }
        }
        Ok(())
    }
}

/// Reads everything from the beginning once more, and judges it.
///
/// `expected` says where a record belongs; `watch` is a reader that ran meanwhile.
pub fn judge(topics: &Topics, watch: &Watch, expected: impl Fn(&Input) -> Destination) -> Verdict {
    judge_after(CLOSED_DEADLINE, topics, watch, expected)
}

/// The same, with another time for open transactions to end.
pub fn judge_after(
    deadline: Duration,
    topics: &Topics,
    watch: &Watch,
    expected: impl Fn(&Input) -> Destination,
) -> Verdict {
    let broker = topics.broker();
    // First of all: while a transaction is open, a reader is not shown what lies behind it.
    let open_transactions = read::open_transactions(broker, topics, deadline);
    let inputs = read_topic(broker, &topics.incoming()).into_iter().map(Input::from).collect();
    let outputs =
        Destination::ALL.map(|destination| (destination, read_topic(broker, &topics.outgoing(destination))));
    let mut verdict = weigh(&topics.incoming(), inputs, &outputs, expected);
    verdict.open_transactions = open_transactions;
    verdict.vanished = vanished(topics, watch, &outputs);
    verdict
}

fn weigh(
    incoming: &str,
    inputs: Vec<Input>,
    outputs: &[(Destination, Vec<Record>)],
    expected: impl Fn(&Input) -> Destination,
) -> Verdict {
    let mut verdict = Verdict { records: inputs.len(), ..Verdict::default() };
    let by_place: HashMap<_, _> = inputs.iter().map(|input| (input.place(), input)).collect();
    let by_id: HashMap<_, _> =
        inputs.iter().filter_map(|input| Some((input.id.as_deref()?, input))).collect();
    let with_id = inputs.iter().filter(|input| input.id.is_some()).count();
    assert_eq!(
        by_id.len(),
        with_id,
        "a test gives each ticket its own id, or the checker cannot tell them apart"
    );

    let mut times_seen: HashMap<(i32, i64), usize> = HashMap::new();
    for (destination, records) in outputs {
        // The last input of each key, with the partition that the key was written to.
        let mut last: BTreeMap<&[u8], (i32, i64)> = BTreeMap::new();
        for record in records {
            let name = format!("{}/{}@{}", destination.word(), record.partition, record.offset);
            let output = Output::read(*destination, record);
            let input = match &output.origin {
                Origin::Ticket(id) => by_id.get(id.as_str()),
                Origin::Place(topic, partition, offset) if topic == incoming => {
                    by_place.get(&(*partition, *offset))
                }
                Origin::Place(..) | Origin::Unknown => None,
            };
            let Some(input) = input else {
                verdict.malformed.push(format!("{name} comes from no incoming record: {:?}", output.origin));
                continue;
            };
            *times_seen.entry(input.place()).or_default() += 1;
            if expected(input) != *destination {
                verdict.wrong_owner.push(format!("{name} belongs to {}: {input}", expected(input).word()));
            }
            if let Some(owner) = output.owner.filter(|owner| *owner != owner_of(*destination)) {
                verdict.wrong_owner.push(format!("{name} says {}: {input}", owner.as_str_name()));
            }
            if let Some(header) = record.header("ticket-router.owner")
                && header != owner_of(*destination).as_str_name()
            {
                verdict.wrong_owner.push(format!("{name} has the owner `{header}` in its header: {input}"));
            }
            let faults = output.faults(*destination, record, input);
            verdict.malformed.extend(faults.into_iter().map(|fault| format!("{name} {fault}: {input}")));
            if let Some(key) = &record.key {
                let place = (record.partition, input.record.offset);
                if let Some((partition, before)) = last.insert(key, place)
                    && (partition != record.partition || before > input.record.offset)
                {
                    verdict
                        .out_of_order
                        .push(format!("{name} follows the record of offset {before}: {input}"));
                }
            }
        }
    }
    for input in &inputs {
        match times_seen.get(&input.place()).copied().unwrap_or_default() {
            0 => verdict.lost.push(input.to_string()),
            1 => {}
            times => verdict.duplicated.push(format!("{times} times: {input}")),
        }
    }
    verdict
}

fn vanished(topics: &Topics, watch: &Watch, outputs: &[(Destination, Vec<Record>)]) -> Vec<String> {
    let later: HashMap<_, _> = outputs
        .iter()
        .flat_map(|(destination, records)| {
            let topic = topics.outgoing(*destination);
            records.iter().map(move |record| ((topic.clone(), record.partition, record.offset), record))
        })
        .collect();
    let gone = watch.seen().iter().filter(|(place, record)| later.get(place) != Some(record));
    gone.map(|((topic, partition, offset), _)| format!("{topic}/{partition}@{offset}")).collect()
}

impl Input {
    fn place(&self) -> (i32, i64) {
        (self.record.partition, self.record.offset)
    }
}

impl From<Record> for Input {
    fn from(record: Record) -> Self {
        let value = record.value.as_deref().unwrap_or_default();
        let id = if value.starts_with(b"{") {
            let json: Option<Value> = serde_json::from_slice(value).ok();
            json.and_then(|ticket| ticket["id"].as_str().map(str::to_owned))
        } else {
            Ticket::decode(value).ok().map(|ticket| ticket.id)
        };
        Self { record, id: id.filter(|id| !id.is_empty()) }
    }
}

impl fmt::Display for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (partition, offset) = self.place();
        let key = self.record.key.as_deref().map(String::from_utf8_lossy);
        write!(f, "incoming/{partition}@{offset}, key {key:?}, ticket {:?}", self.id)
    }
}

/// How an outgoing record names the incoming one.
#[derive(Debug)]
enum Origin {
    Ticket(String),
    Place(String, i32, i64),
    Unknown,
}

/// What an outgoing record says of itself.
struct Output {
    origin: Origin,
    owner: Option<Owner>,
}

impl Output {
    fn read(destination: Destination, record: &Record) -> Self {
        if destination == Destination::DeadLetter {
            return Self { origin: dead_letter_origin(record).unwrap_or(Origin::Unknown), owner: None };
        }
        let value = record.value.as_deref().unwrap_or_default();
        let said = if value.starts_with(b"{") { said_in_json(value) } else { said_in_protobuf(value) };
        match said {
            Some((id, owner)) => Self { origin: Origin::Ticket(id), owner: Some(owner) },
            None => Self { origin: Origin::Unknown, owner: None },
        }
    }

    /// What is missing or was changed on the way.
    fn faults(&self, destination: Destination, record: &Record, input: &Input) -> Vec<String> {
        let mut faults = Vec::new();
        let dead = destination == Destination::DeadLetter;
        let required = match destination {
            Destination::DeadLetter => DEAD_HEADERS.to_vec(),
            Destination::Triage => ROUTED_HEADERS.to_vec(),
            _ => [&ROUTED_HEADERS[..], &OWNED_HEADERS[..]].concat(),
        };
        for name in required {
            if record.header(name).is_none() {
                faults.push(format!("has no header `{name}`"));
            }
        }
        if record.key != input.record.key {
            faults.push("has another key".to_owned());
        }
        if record.timestamp != input.record.timestamp {
            faults.push(format!("has timestamp {:?}, not {:?}", record.timestamp, input.record.timestamp));
        }
        if dead && record.header("ticket-router.error.reason") == Some(TRUNCATED) {
            return faults;
        }
        if dead && record.value != input.record.value {
            faults.push("has other bytes".to_owned());
        }
        let travels = |name: &str| !name.starts_with("ticket-router.") && (dead || name != "content-type");
        for header in input.record.headers.iter().filter(|(name, _)| travels(name)) {
            if !record.headers.contains(header) {
                faults.push(format!("lacks the incoming header `{}`", header.0));
            }
        }
        faults
    }
}

fn dead_letter_origin(record: &Record) -> Option<Origin> {
    let part = |name: &str| record.header(name);
    Some(Origin::Place(
        part("ticket-router.error.topic")?.to_owned(),
        part("ticket-router.error.partition")?.parse().ok()?,
        part("ticket-router.error.offset")?.parse().ok()?,
    ))
}

fn said_in_json(value: &[u8]) -> Option<(String, Owner)> {
    let routed: Value = serde_json::from_slice(value).ok()?;
    let id = routed["ticket"]["id"].as_str()?.to_owned();
    let owner = match &routed["decision"]["owner"] {
        Value::Null => Owner::Unspecified,
        name => Owner::from_str_name(name.as_str()?)?,
    };
    Some((id, owner))
}

fn said_in_protobuf(value: &[u8]) -> Option<(String, Owner)> {
    let routed = RoutedTicket::decode(value).ok()?;
    Some((routed.ticket?.id, routed.decision?.owner()))
}

fn owner_of(destination: Destination) -> Owner {
    match destination {
        Destination::Partner => Owner::Partner,
        Destination::Publisher => Owner::Publisher,
        Destination::MicrosoftCommerce => Owner::MicrosoftCommerce,
        Destination::Triage | Destination::DeadLetter => Owner::Unspecified,
    }
}
