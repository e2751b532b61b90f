//! Whether a contender did its work: every ticket once, in the right topic, with the right content.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use prost::Message as _;
use rdkafka::{
    Message,
    message::{BorrowedMessage, Headers},
};
use serde_json::Value;
use ticket_router::proto::v1::RoutedTicket;
use ticket_router_harness::{open_transactions, read};
use xxhash_rust::xxh3::xxh3_64;

use crate::{
    Bench,
    contender::{Contender, Kind, Run},
    data::{Format, index_of},
    expected::{Expected, json_decision, protobuf_decision},
};

const STABLE_DEADLINE: Duration = Duration::from_secs(60);
/// One record of this many is parsed as a whole.
const PARSED_EVERY: u64 = 100;
/// How far the mean lengths of limit and router may be apart.
const LENGTH_TOLERANCE: f64 = 0.01;

/// What was found in the output.
#[derive(Clone, Copy, Debug, Default)]
pub struct Output {
    pub mean_value_bytes: f64,
    pub mean_header_bytes: f64,
}

/// Reads all that a run wrote.
///
/// # Errors
/// Anything that is not as it must be, with the first record that shows it.
pub fn check(bench: &Bench, expected: &Expected, contender: &Contender, run: &Run<'_>) -> Result<Output> {
    let tickets = bench.data.tickets(contender.format);
    let mut ledger = Ledger::new(tickets.len());
    let (mut records, mut value_bytes, mut header_bytes) = (0_u64, 0, 0);
    let (bootstrap, written) = (&bench.broker.bootstrap, run.written());
    // The group's offsets can be seen before the markers of all partitions are written.
    let open = open_transactions(bootstrap, &written, STABLE_DEADLINE)?;
    ensure!(open.is_empty(), "a transaction stays open in {open:?}");
    for (topic, name) in written.into_iter().enumerate() {
        read(bootstrap, name, "read_committed", |record| {
            let index = index_of(record.key())?;
            let found = check_record(bench, expected, contender, topic, index, records, record);
            found.with_context(|| format!("ticket {index} in {name} at offset {}", record.offset()))?;
            ledger.enter(index).with_context(|| format!("{name} at offset {}", record.offset()))?;
            records += 1;
            value_bytes += record.payload_len();
            header_bytes += headers_len(record);
            Ok(())
        })?;
    }
    ledger.close()?;
    let output = Output {
        mean_value_bytes: value_bytes as f64 / records as f64,
        mean_header_bytes: header_bytes as f64 / records as f64,
    };
    if contender.is_padded && contender.kind != Kind::Streams {
        let wanted = expected.mean_len(contender.format);
        ensure!(
            (output.mean_value_bytes / wanted - 1.0).abs() <= LENGTH_TOLERANCE,
            "values have {:.0} bytes on average, the router's {wanted:.0}",
            output.mean_value_bytes
        );
    }
    Ok(output)
}

fn check_record(
    bench: &Bench,
    expected: &Expected,
    contender: &Contender,
    topic: usize,
    index: usize,
    number: u64,
    record: &BorrowedMessage<'_>,
) -> Result<()> {
    let value = record.payload().context("the value is null")?;
    let tickets = bench.data.tickets(contender.format);
    if contender.kind == Kind::Limit {
        let ticket = tickets.get(index);
        ensure!(value.starts_with(ticket), "the bytes are not the ticket's");
        return Ok(());
    }
    let wanted = expected.topics.get(index).context("a ticket that was never sent")?;
    ensure!(usize::from(*wanted) == topic, "it belongs to topic {wanted}");
    let is_parsed = number.is_multiple_of(PARSED_EVERY);
    match (contender.kind, contender.format) {
        (Kind::Router, Format::Json) => {
            ensure!(xxh3_64(value) == expected.values[index], "`ticket-router route` gives another value");
            if is_parsed {
                serde_json::from_slice::<Value>(value).context("the value is no JSON")?;
            }
        }
        (_, Format::Json) => {
            let decision = json_decision(value)?;
            ensure!(xxh3_64(decision.as_bytes()) == expected.decisions[index], "it decided {decision}");
            if is_parsed {
                let routed: Value = serde_json::from_slice(value).context("the value is no JSON")?;
                let ticket: Value = serde_json::from_slice(tickets.get(index))?;
                ensure!(routed["ticket"] == ticket, "the ticket inside is another one");
            }
        }
        (_, Format::Protobuf) => {
            let routed = RoutedTicket::decode(value)?;
            let decision = protobuf_decision(&routed.decision.context("there is no decision")?);
            ensure!(xxh3_64(decision.as_bytes()) == expected.decisions[index], "it decided {decision}");
            if is_parsed {
                let ticket = routed.ticket.context("there is no ticket")?.encode_to_vec();
                ensure!(xxh3_64(&ticket) == tickets.digest(index), "the ticket inside is another one");
            }
        }
    }
    Ok(())
}

/// Which tickets came out.
struct Ledger(Vec<bool>);

impl Ledger {
    fn new(tickets: usize) -> Self {
        Self(vec![false; tickets])
    }

    fn enter(&mut self, index: usize) -> Result<()> {
        let Some(entry) = self.0.get_mut(index) else { bail!("ticket {index} was never sent") };
        ensure!(!std::mem::replace(entry, true), "ticket {index} came out twice");
        Ok(())
    }

    fn close(self) -> Result<()> {
        let lost = self.0.iter().filter(|it| !**it).count();
        match self.0.iter().position(|it| !it) {
            None => Ok(()),
            Some(first) => bail!("{lost} tickets are lost, the first is ticket {first}"),
        }
    }
}

fn headers_len(record: &BorrowedMessage<'_>) -> usize {
    let headers =
        record.headers().map(|it| it.iter().map(|it| it.key.len() + it.value.map_or(0, <[u8]>::len)));
    headers.map_or(0, Iterator::sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ledger_closes_only_when_every_ticket_came_out_once() {
        let mut ledger = Ledger::new(2);
        ledger.enter(1).expect("it comes for the first time");
        assert!(ledger.enter(1).is_err(), "a ticket came twice");
        assert!(ledger.enter(2).is_err(), "a ticket was never sent");
        assert!(ledger.close().is_err(), "ticket 0 is lost");
    }

    #[test]
    fn a_ledger_with_every_ticket_closes() {
        let mut ledger = Ledger::new(2);
        ledger.enter(1).expect("it comes for the first time");
        ledger.enter(0).expect("it comes for the first time");
        ledger.close().expect("both came out");
    }
}
