//! What must come out: `ticket-router route` says it without Kafka, and the Kafka Streams contender, whose rules are written
//! independently, must say the same.

use std::{
    fs::File,
    io::{BufRead, BufReader},
    process::{Command, Stdio},
};

use anyhow::{Context, Result, bail, ensure};
use prost::Message;
use serde_json::Value;
use ticket_router::proto::v1::{
    Decision, RoutedTicket,
    decision::{ContactKind, Owner, TriageReason},
};
use xxhash_rust::xxh3::xxh3_64;

use crate::{
    build::Programs,
    data::{Data, Format},
};

/// The outgoing topics, by the names that they have by default.
pub const TOPICS: [&str; 5] =
    ["tickets.partner", "tickets.isv", "tickets.microsoft-commerce", "tickets.triage", "tickets.dead-letter"];

/// What must come out, by the ticket's index.
pub struct Expected {
    /// Index into [`TOPICS`].
    pub topics: Vec<u8>,
    /// Digest of the routed ticket in JSON.
    pub values: Vec<u64>,
    /// Digest of what was decided.
    pub decisions: Vec<u64>,
    mean_json_len: f64,
    mean_protobuf_len: f64,
}

/// Every so many routed tickets are parsed, to learn their length in protobuf.
const PARSED_EVERY: usize = 20;

impl Expected {
    /// Routes all tickets.
    pub fn route(programs: &Programs, data: &Data) -> Result<Self> {
        let mut child = Command::new(&programs.router)
            .arg("route")
            .arg("--catalog")
            .arg(&data.catalog)
            .stdin(File::open(&data.json_file)?)
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {}", programs.router.display()))?;
        let mut output =
            BufReader::with_capacity(1 << 20, child.stdout.take().context("asked for as a pipe")?);
        let mut expected = Self {
            topics: Vec::new(),
            values: Vec::new(),
            decisions: Vec::new(),
            mean_json_len: 0.0,
            mean_protobuf_len: 0.0,
        };
        let mut line = Vec::new();
        let (mut bytes, mut parsed, mut parsed_bytes) = (0, 0, 0);
        while output.read_until(b'\n', &mut line)? > 0 {
            let value = expected.take(line.strip_suffix(b"\n").unwrap_or(&line))?;
            bytes += value.len();
            if expected.topics.len() % PARSED_EVERY == 1 {
                parsed += 1;
                parsed_bytes += serde_json::from_slice::<RoutedTicket>(value)?.encoded_len();
            }
            line.clear();
        }
        ensure!(child.wait()?.success(), "`ticket-router route` failed");
        ensure!(expected.topics.len() == data.json.len(), "`ticket-router route` lost tickets");
        expected.mean_json_len = bytes as f64 / expected.topics.len() as f64;
        expected.mean_protobuf_len = parsed_bytes as f64 / f64::from(parsed);
        Ok(expected)
    }

    /// The mean length of a routed ticket.
    pub fn mean_len(&self, format: Format) -> f64 {
        match format {
            Format::Json => self.mean_json_len,
            Format::Protobuf => self.mean_protobuf_len,
        }
    }

    /// Takes one line of `route`; returns the routed ticket in it.
    fn take<'l>(&mut self, line: &'l [u8]) -> Result<&'l [u8]> {
        let text = std::str::from_utf8(line)?;
        let topic = text.strip_prefix(r#"{"topic":""#).and_then(|rest| rest.split('"').next());
        let topic = topic.and_then(|topic| TOPICS.iter().position(|it| *it == topic));
        let Some(topic) = topic else { bail!("`ticket-router route` wrote {text}") };
        // The ticket's own text cannot hold this: there its quotes would be escaped.
        let start =
            text.find(r#","value":"#).with_context(|| format!("a ticket is a dead letter: {text}"))?;
        let value = &line[start + r#","value":"#.len()..line.len() - 1];
        self.topics.push(topic as u8);
        self.values.push(xxh3_64(value));
        self.decisions.push(xxh3_64(json_decision(value)?.as_bytes()));
        Ok(value)
    }
}

/// What a routed ticket in JSON says of its owner, as one text; the wording of the reason and the digests are left out.
pub fn json_decision(value: &[u8]) -> Result<String> {
    let name = br#""decision":"#;
    let start = value.windows(name.len()).rposition(|it| it == name).context("there is no decision")?;
    let object = &value[start + name.len()..value.len() - 1];
    let decision: Value = serde_json::from_slice(object).context("the decision is no JSON object")?;
    let text = |value: &Value, name: &str| value[name].as_str().unwrap_or_default().to_owned();
    let contacts = decision["contacts"].as_array().map(Vec::as_slice).unwrap_or_default();
    let contacts = contacts.iter().map(|it| (text(it, "kind"), text(it, "address"))).collect::<Vec<_>>();
    let next = &decision["next"];
    Ok(summary(
        &text(&decision, "owner"),
        &text(&decision, "assigneeId"),
        &text(&decision, "rule"),
        &contacts,
        (&text(next, "owner"), &text(next, "assigneeId")),
        &text(&decision, "triageReason"),
    ))
}

/// The same of a decision in protobuf.
pub fn protobuf_decision(decision: &Decision) -> String {
    let owner = |owner: Owner| match owner {
        Owner::Unspecified => "",
        named => named.as_str_name(),
    };
    let kind = |number: i32| ContactKind::try_from(number).unwrap_or_default().as_str_name().to_owned();
    let contacts: Vec<_> = decision.contacts.iter().map(|it| (kind(it.kind), it.address.clone())).collect();
    let next = decision.next.clone().unwrap_or_default();
    let triage = match decision.triage_reason() {
        TriageReason::Unspecified => "",
        reason => reason.as_str_name(),
    };
    summary(
        owner(decision.owner()),
        &decision.assignee_id,
        &decision.rule,
        &contacts,
        (owner(next.owner()), &next.assignee_id),
        triage,
    )
}

fn summary(
    owner: &str,
    assignee: &str,
    rule: &str,
    contacts: &[(String, String)],
    next: (&str, &str),
    triage: &str,
) -> String {
    // Which rule a ticket in triage came to is for people; only the reason is compared.
    let rule = if triage.is_empty() { rule } else { "" };
    format!("{owner} {assignee} {rule} {contacts:?} {next:?} {triage}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decision_reads_the_same_in_both_formats() {
        let json = br#"{"ticket":{"id":"a-1"},"decision":{"owner":"OWNER_PARTNER","assigneeId":"p","rule":"r","contacts":[{"kind":"CONTACT_KIND_ENGINEERING","address":"e@x.example"}],"next":{"owner":"OWNER_PUBLISHER","assigneeId":"q"}}}"#;
        let routed: RoutedTicket = serde_json::from_slice(json).expect("it is a routed ticket");
        let decision = routed.decision.expect("it has a decision");
        assert_eq!(json_decision(json).expect("it has a decision"), protobuf_decision(&decision));
    }

    #[test]
    fn another_owner_reads_differently() {
        let decided =
            |owner: Owner| protobuf_decision(&Decision { owner: owner.into(), ..Decision::default() });
        assert_ne!(decided(Owner::Partner), decided(Owner::Publisher));
    }
}
