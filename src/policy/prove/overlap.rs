//! Cases with two rules.

use super::{MAX_OF_A_KIND, example};
use crate::policy::{
    draft::Draft,
    finding::{Finding, FindingKind},
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
            findings.push(
                Finding::new(FindingKind::Overlap, title, second.span.clone(), "takes it")
                    .mark(first.span.clone(), "takes it, too")
                    .note(example(draft, &common))
                    .help("narrow the conditions of one of the two; their order decides nothing"),
            );
        }
    }
    super::count_rest(found, findings);
}
