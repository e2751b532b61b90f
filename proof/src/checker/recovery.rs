//! How long it took after each fault until tickets came out again.

use std::collections::BTreeMap;

use serde::Serialize;
use ticket_router_proof::{judge::Input, notes::Note};

/// Percentiles in milliseconds.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Spread {
    pub count: usize,
    pub p50: i64,
    pub p99: i64,
    pub max: i64,
}

impl Spread {
    pub fn of(mut all: Vec<i64>) -> Self {
        all.sort_unstable();
        let Some(max) = all.last().copied() else { return Self::default() };
        let at = |percent: usize| all[(all.len() * percent).div_ceil(100).saturating_sub(1)];
        Self { count: all.len(), p50: at(50), p99: at(99), max }
    }
}

/// What one kind of fault cost.
#[derive(Clone, Debug, Serialize)]
pub struct Recovery {
    pub kind: String,
    pub faults: usize,
    /// How many of them were not over when the next fault struck: those are in no figure but `longest_ms`.
    pub overtaken: usize,
    /// The longest of all, from the moment that the fault struck.
    pub longest_ms: i64,
    /// From the moment that the fault struck.
    pub from_injection: Spread,
    /// From the moment that its cause was gone.
    pub from_end: Spread,
}

/// At the least rate of a run every partition has a ticket in this time.
const SENT_WITHIN_MS: i64 = 2_000;

/// For each kind of fault: the time until the first ticket that was sent after that moment was seen committed, in the partition where that took longest.
pub fn recoveries(notes: &[Note], inputs: &[Input], seen_at: &[i64]) -> Vec<Recovery> {
    let mut partitions: BTreeMap<i32, Vec<(i64, i64, i64)>> = BTreeMap::new();
    for (number, input) in inputs.iter().enumerate() {
        let seen = seen_at.get(number).copied().unwrap_or_default();
        partitions.entry(input.partition).or_default().push((input.offset, input.timestamp, seen));
    }
    partitions.values_mut().for_each(|it| it.sort_unstable());
    let first_after = |affected: &[i32], moment: i64| {
        let of = |records: &Vec<(i64, i64, i64)>| {
            let first = records.partition_point(|(_, sent, _)| *sent < moment);
            let (_, sent, seen) = records.get(first)?;
            // A partition that had no ticket then, or was not there yet, tells nothing.
            (*seen > 0 && *sent < moment + SENT_WITHIN_MS).then_some((seen - moment).max(0))
        };
        let all = partitions.iter().filter(|(it, _)| affected.is_empty() || affected.contains(it));
        all.filter_map(|(_, records)| of(records)).max()
    };
    let faults = || {
        notes.iter().filter_map(|note| match note {
            Note::Fault { kind, began, ended, partitions, .. } => Some((kind, *began, *ended, partitions)),
            _ => None,
        })
    };
    let mut kinds: BTreeMap<&str, Kind> = BTreeMap::new();
    for (kind, began, ended, affected) in faults() {
        let kind = kinds.entry(kind).or_default();
        kind.faults += 1;
        let Some(after) = first_after(affected, began) else { continue };
        kind.longest = kind.longest.max(after);
        if faults().any(|(_, next, ..)| next > began && next < began + after) {
            kind.overtaken += 1;
            continue;
        }
        kind.from_injection.push(after);
        kind.from_end.extend(first_after(affected, ended));
    }
    let kinds = kinds.into_iter();
    kinds
        .map(|(kind, it)| Recovery {
            kind: kind.to_owned(),
            faults: it.faults,
            overtaken: it.overtaken,
            longest_ms: it.longest,
            from_injection: Spread::of(it.from_injection),
            from_end: Spread::of(it.from_end),
        })
        .collect()
}

#[derive(Default)]
struct Kind {
    faults: usize,
    overtaken: usize,
    longest: i64,
    from_injection: Vec<i64>,
    from_end: Vec<i64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_of_the_sorted_values() {
        let spread = Spread::of((1..=200).rev().collect());
        assert_eq!((spread.p50, spread.p99, spread.max), (100, 198, 200));
        assert_eq!(Spread::of(vec![7]).p50, 7);
        assert_eq!(Spread::of(Vec::new()).count, 0);
    }
}
