//! Rules that break an invariant. The module `exception` does the same for exceptions.

use super::{MAX_OF_A_KIND, example};
use crate::policy::{
    draft::{Draft, DraftInvariant, DraftRule},
    finding::{Finding, FindingKind},
    read::{Named, Never},
    region::Region,
    rule::Outcome,
};

/// Finds the rules that break an invariant.
pub(super) fn find(draft: &Draft, findings: &mut Vec<Finding>) {
    let mut found = 0_usize;
    for rule in &draft.rules {
        found += broken(draft, rule, std::iter::once(&rule.region), found, findings);
    }
    super::count_rest(found, findings);
}

/// Checks a rule, or an exception, in the regions where it applies; returns how many invariants it breaks.
pub(super) fn broken<'r>(
    draft: &Draft,
    rule: &DraftRule,
    regions: impl Iterator<Item = &'r Region> + Clone,
    found: usize,
    findings: &mut Vec<Finding>,
) -> usize {
    let mut broken = 0;
    for invariant in &draft.invariants {
        let Some(never) = invariant.never.iter().find(|never| goes(&rule.outcome, never.value)) else {
            continue;
        };
        let Some(common) = regions.clone().find_map(|region| region.and(&invariant.region)) else { continue };
        broken += 1;
        if found + broken <= MAX_OF_A_KIND {
            findings.push(finding(draft, rule, invariant, never, &common));
        }
    }
    broken
}

fn goes(outcome: &Outcome, never: Never) -> bool {
    match (outcome, never) {
        (Outcome::Owned(assignment), Never::Owner(owner)) => assignment.assignee.owner() == owner,
        (Outcome::Triage, Never::Triage) => true,
        _ => false,
    }
}

fn finding(
    draft: &Draft,
    rule: &DraftRule,
    invariant: &DraftInvariant,
    never: &Named<Never>,
    common: &Region,
) -> Finding {
    let title = format!("`{}` breaks the invariant `{}`", rule.id.value, invariant.id.value);
    let label = format!("gives the ticket to `{}`", never.name);
    Finding::new(FindingKind::Invariant, title, rule.id.span.clone(), label)
        .mark(never.span.clone(), "must never be")
        .note(format!("the invariant says: {}", invariant.reason))
        .note(example(draft, common))
}
