//! The table, and the figures as JSON.

use std::{collections::BTreeMap, fs, path::Path};

use anyhow::Result;
use serde_json::json;
use ticket_router_proof::{
    judge::Verdict,
    notes::{FIGURES, Note},
    topics::OUTGOING,
};

use crate::{
    expected::Marketplace,
    recovery::{Recovery, Spread},
};

pub struct Report {
    pub verdict: Verdict,
    /// Records that were written and never shown, since their transaction was aborted.
    pub aborted: u64,
    pub recoveries: Vec<Recovery>,
    pub latency: Spread,
    pub marketplace: Marketplace,
}

impl Report {
    pub fn print(&self, notes: &[Note]) {
        let Self { verdict, marketplace, .. } = self;
        println!("\n{:<34}{:>12}", "incoming records", verdict.records);
        for (topic, count) in OUTGOING.iter().zip(verdict.written) {
            println!("  {topic:<32}{count:>12}");
        }
        println!("{:<34}{:>12}", "outgoing records, together", verdict.written.iter().sum::<u64>());
        println!("{:<34}{:>12}\n", "written and aborted, never shown", self.aborted);
        for (name, findings) in verdict.findings() {
            println!("{name:<34}{:>12}", findings.count);
            findings.examples.iter().for_each(|it| println!("    {it}"));
        }
        println!(
            "\n{} changes of the catalog; {} tickets depend on which was in force; the oldest used had been replaced {} ms before",
            marketplace.timeline.flips(),
            marketplace.sensitive,
            marketplace.oldest_catalog_ms
        );
        println!(
            "{} policies; {} tickets refused while their topic was forbidden",
            marketplace.timeline.policies(),
            marketplace.refused_meanwhile
        );
        let Spread { p50, p99, max, .. } = self.latency;
        println!("from sent to seen committed: p50 {p50} ms, p99 {p99} ms, max {max} ms\n");
        println!(
            "{:<34}{:>6}   {:^26}   {:^26}  {:^19}",
            "", "", "recovered after, ms", "after its cause was gone", "met by the next"
        );
        println!(
            "{:<34}{:>6}   {:>8}{:>9}{:>9}   {:>8}{:>9}{:>9}  {:>7}{:>12}",
            "fault", "times", "p50", "p99", "max", "p50", "p99", "max", "times", "longest"
        );
        for it in &self.recoveries {
            let (a, b) = (it.from_injection, it.from_end);
            let longest = if it.overtaken > 0 { it.longest_ms.to_string() } else { String::new() };
            println!(
                "{:<34}{:>6}   {:>8}{:>9}{:>9}   {:>8}{:>9}{:>9}  {:>7}{longest:>12}",
                it.kind, it.faults, a.p50, a.p99, a.max, b.p50, b.p99, b.max, it.overtaken
            );
        }
        print_exits(notes);
        println!(
            "\n{}",
            if verdict.is_clean() { "every record exactly once, in order" } else { "NOT exactly once" }
        );
    }

    pub fn save(&self, folder: &Path) -> Result<()> {
        let verdict = &self.verdict;
        let findings: BTreeMap<_, _> =
            verdict.findings().into_iter().map(|(name, it)| (name, it.count)).collect();
        let figures = json!({
            "records": verdict.records,
            "written": OUTGOING.iter().zip(verdict.written).collect::<BTreeMap<_, _>>(),
            "aborted": self.aborted,
            "findings": findings,
            "latency": self.latency,
            "recoveries": self.recoveries,
            "catalogChanges": self.marketplace.timeline.flips(),
            "oldestCatalogMs": self.marketplace.oldest_catalog_ms,
        });
        Ok(fs::write(folder.join(FIGURES), serde_json::to_vec_pretty(&figures)?)?)
    }
}

fn print_exits(notes: &[Note]) {
    let mut exits: BTreeMap<(Option<i32>, String), usize> = BTreeMap::new();
    for note in notes {
        match note {
            Note::Exit { code, cause, .. } => *exits.entry((*code, cause.clone())).or_default() += 1,
            Note::Trouble { text, .. } => println!("trouble: {text}"),
            _ => {}
        }
    }
    if !exits.is_empty() {
        println!("\nrouters that ended by themselves and were started again:");
    }
    for ((code, cause), times) in exits {
        let code = code.map_or_else(|| "a signal".to_owned(), |it| it.to_string());
        println!("  {times} times, exit {code}: {}", cause.chars().take(220).collect::<String>());
    }
}
