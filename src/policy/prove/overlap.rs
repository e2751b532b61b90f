//! Cases with two rules.

use super::{MAX_OF_A_KIND, example, when};
use crate::policy::{
    draft::Draft,
    finding::{Finding, FindingKind},
    region::Region,
    values::ValueSet,
};

/// Finds the pairs of rules that have a case in common.
pub(super) fn find(draft: &Draft, findings: &mut Vec<Finding>) {
    let mut found = 0_usize;
    for (second, two) in draft.rules.iter().enumerate() {
        for one in &draft.rules[..second] {
            let Some(common) = one.region.and(&two.region) else { continue };
            found += 1;
            if found > MAX_OF_A_KIND {
                continue;
            }
            let (first, second) = (&one.id, &two.id);
            let title = format!("a case has two rules: `{}` and `{}`", first.value, second.value);
            let overlap = Finding::new(FindingKind::Overlap, title, second.span.clone(), "takes it")
                .mark(first.span.clone(), "takes it, too")
                .note(example(draft, &common))
                .help("narrow the conditions of one of the two; their order decides nothing");
            // The one that takes more is the one to narrow.
            let wider = if common == one.region { two } else { one };
            findings.push(match narrowed(draft, &wider.region, &common) {
                None => overlap,
                Some(rows) => overlap
                    .help(format!("`{}` without these cases, a rule for each line:", wider.id.value))
                    .row(rows),
            });
        }
    }
    super::count_rest(found, findings);
}

/// Writes what is left of a region without some of its cases: the conditions of rules that do not meet, a line each;
/// none if nothing is left.
fn narrowed(draft: &Draft, region: &Region, without: &Region) -> Option<String> {
    let mut rest = region.clone();
    let mut rows = String::new();
    for (column, taken) in without.narrowed() {
        let all = || ValueSet::empty(draft.columns[column].size()).complement();
        let left = rest.set(column).cloned().unwrap_or_else(all).and(&taken.complement());
        if left.is_empty() {
            continue;
        }
        let mut piece = rest.clone();
        piece.narrow(column, left);
        rows.push_str(&format!("when = {}\n", when(draft, &piece)));
        rest.narrow(column, taken.clone());
    }
    (!rows.is_empty()).then_some(rows)
}
