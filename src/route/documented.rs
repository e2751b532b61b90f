//! `docs/reasons.md` lists the reasons as the code has them.

use crate::{encode::reason_text, proto::v1::decision::TriageReason, ticket::DeadLetterReason};

/// Code and meaning of each row of the tables.
fn rows() -> Vec<(String, String)> {
    include_str!("../../docs/reasons.md")
        .lines()
        .filter_map(|line| {
            let mut cells = line.strip_prefix("| `")?.split(" | ");
            Some((cells.next()?.trim_end_matches('`').to_owned(), cells.next()?.to_owned()))
        })
        .collect()
}

#[test]
fn every_reason_is_documented_in_order_and_no_other() {
    let dead_letters = DeadLetterReason::ALL.map(|it| (it.code().to_owned(), it.description().to_owned()));
    let triage = (1..)
        .map_while(|number| TriageReason::try_from(number).ok())
        .map(|it| (it.as_str_name().to_owned(), reason_text(it).to_owned()));
    let expected: Vec<_> = dead_letters.into_iter().chain(triage).collect();
    assert_eq!(rows(), expected);
}
