//! The layer of exceptions: each names somebody and can apply; no two meet over one rule; the invariants hold.

use std::collections::{BTreeMap, HashSet};

use super::{MAX_OF_A_KIND, example, invariant};
use crate::policy::{
    draft::{Draft, DraftRule, key_column},
    finding::{Finding, FindingKind},
    region::Region,
};

/// Finds what is wrong with the exceptions.
pub(super) fn find(draft: &Draft, findings: &mut Vec<Finding>) {
    let mut broken = 0;
    for exception in &draft.exceptions {
        if key_column(&draft.columns, &exception.region).is_none() {
            let title = format!("the exception `{}` names nobody", exception.id.value);
            findings.push(
                Finding::new(FindingKind::Unnamed, title, exception.id.span.clone(), "this exception")
                    .note("an exception names an `offer`, `publisher`, `partner` or `source`, and not by `not` alone")
                    .help("write a `[[rule]]` if it is for everybody"),
            );
        }
        let regions = applies(draft, exception, findings);
        broken += invariant::broken(draft, exception, regions.iter(), broken, findings);
    }
    super::count_rest(broken, findings);
    find_overlaps(draft, findings);
}

/// Returns the regions of the overridden rules where the exception applies; reports those where it cannot.
fn applies(draft: &Draft, exception: &DraftRule, findings: &mut Vec<Finding>) -> Vec<Region> {
    let mut regions = Vec::new();
    for (rule, span) in &exception.overrides {
        let rule = &draft.rules[*rule];
        if let Some(region) = exception.region.and(&rule.region) {
            regions.push(region);
            continue;
        }
        let title = format!("`{}` can never override `{}`", exception.id.value, rule.id.value);
        let mut finding = Finding::new(FindingKind::Dead, title, span.clone(), "no case in common");
        let apart = exception
            .region
            .narrowed()
            .find(|(column, set)| rule.region.set(*column).is_some_and(|other| !set.meets(other)));
        if let Some((column, _)) = apart {
            let name = &draft.columns[column].name;
            let at = |rule: &DraftRule| {
                rule.spans.iter().find(|(spanned, _)| *spanned == column).map(|(_, span)| span.clone())
            };
            finding = finding.note(format!("their conditions on `{name}` have no value in common"));
            for (rule, label) in [(exception, "of the exception"), (rule, "of the rule")] {
                if let Some(span) = at(rule) {
                    finding = finding.mark(span, label);
                }
            }
        }
        findings.push(finding);
    }
    regions
}

/// Finds pairs of exceptions that both apply to a case of one rule.
///
/// Two exceptions that name different offers cannot meet, so that those with the same kind of key are compared only
/// where they share a value of it: thousands of exceptions for an offer each cost thousands of steps, not millions.
fn find_overlaps(draft: &Draft, findings: &mut Vec<Finding>) {
    // Those without a key are refused already, but their overlaps are to be seen in the same go.
    let mut by_key: BTreeMap<Option<usize>, Vec<usize>> = BTreeMap::new();
    for (index, exception) in draft.exceptions.iter().enumerate() {
        by_key.entry(key_column(&draft.columns, &exception.region)).or_default().push(index);
    }
    let mut pairs: HashSet<(usize, usize)> = HashSet::new();
    let keys: Vec<_> = by_key.iter().collect();
    for (place, (key, exceptions)) in keys.iter().enumerate() {
        let mut by_value: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for &index in *exceptions {
            match key.and_then(|column| draft.exceptions[index].region.set(column)) {
                Some(set) => set.iter().for_each(|value| by_value.entry(value).or_default().push(index)),
                None => by_value.entry(0).or_default().push(index),
            }
        }
        for sharing in by_value.values() {
            for (second, &two) in sharing.iter().enumerate() {
                pairs.extend(
                    sharing[..second].iter().filter(|&&one| meet(draft, one, two)).map(|&one| (one, two)),
                );
            }
        }
        for (_, others) in &keys[place + 1..] {
            for &one in *exceptions {
                let met = others.iter().filter(|&&two| meet(draft, one, two));
                pairs.extend(met.map(|&two| (one.min(two), one.max(two))));
            }
        }
    }
    let mut pairs: Vec<_> = pairs.into_iter().collect();
    pairs.sort_unstable();
    for &(one, two) in pairs.iter().take(MAX_OF_A_KIND) {
        findings.push(overlap(draft, one, two));
    }
    super::count_rest(pairs.len(), findings);
}

fn meet(draft: &Draft, one: usize, two: usize) -> bool {
    let (one, two) = (&draft.exceptions[one], &draft.exceptions[two]);
    one.region.meets(&two.region) && common(draft, one, two).is_some()
}

/// Returns the first rule that both override and the cases of it where both apply.
fn common<'d>(draft: &'d Draft, one: &DraftRule, two: &DraftRule) -> Option<(&'d DraftRule, Region)> {
    let both = one.region.and(&two.region)?;
    let shared = one
        .overrides
        .iter()
        .filter(|(rule, _)| two.overrides.binary_search_by_key(rule, |(rule, _)| *rule).is_ok());
    shared.map(|(rule, _)| &draft.rules[*rule]).find_map(|rule| Some((rule, both.and(&rule.region)?)))
}

fn overlap(draft: &Draft, one: usize, two: usize) -> Finding {
    let (one, two) = (&draft.exceptions[one], &draft.exceptions[two]);
    let (first, second) = (&one.id, &two.id);
    let title = format!("a case has two exceptions: `{}` and `{}`", first.value, second.value);
    let mut finding = Finding::new(FindingKind::Overlap, title, second.span.clone(), "overrides it")
        .mark(first.span.clone(), "overrides it, too");
    if let Some((rule, region)) = common(draft, one, two) {
        finding =
            finding.mark(rule.id.span.clone(), "the rule that both override").note(example(draft, &region));
    }
    finding.help("narrow the conditions of one of the two; their order decides nothing")
}
