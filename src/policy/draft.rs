//! Rules with their names looked up: each a region of cases.

use super::{
    column::{self, Attribute, Column, Kind, NONE},
    finding::{Finding, FindingKind, Span},
    read::{Named, Never, PartyUse, RawCondition, RawPolicy, RawRule, Text},
    region::Region,
    resolve::{Groups, condition, group_sets},
    rule::Outcome,
    suggest::did_you_mean,
};

/// More rules than a person can keep in order; the pairs of them must be compared.
const MAX_RULES: usize = 4_096;
/// The same for exceptions, which are compared only if they can meet.
const MAX_EXCEPTIONS: usize = 10_000;

/// A policy whose names are looked up, not yet proved.
pub(super) struct Draft {
    pub(super) columns: Vec<Column>,
    /// The names of the attributes, in the order of their columns.
    pub(super) attributes: Vec<String>,
    pub(super) rules: Vec<DraftRule>,
    pub(super) exceptions: Vec<DraftRule>,
    pub(super) invariants: Vec<DraftInvariant>,
}

/// A rule or an exception.
pub(super) struct DraftRule {
    pub(super) id: Text,
    pub(super) region: Region,
    /// Where each column's condition stands.
    pub(super) spans: Vec<(usize, Span)>,
    /// For an exception, the places of the rules that it overrides, in order, and where their ids stand.
    pub(super) overrides: Vec<(usize, Span)>,
    pub(super) outcome: Outcome,
    pub(super) parties: Vec<(PartyUse, Span)>,
    pub(super) reason: String,
    pub(super) reading: bool,
    pub(super) clauses: Vec<String>,
    pub(super) line: usize,
}

/// An invariant.
pub(super) struct DraftInvariant {
    pub(super) id: Text,
    pub(super) region: Region,
    pub(super) never: Vec<Named<Never>>,
    pub(super) reason: String,
}

/// Looks up every name of a policy file.
pub(super) fn draft(raw: RawPolicy, findings: &mut Vec<Finding>) -> Draft {
    let attributes = attributes(&raw, findings);
    let groups = Groups::of(&raw.groups);
    let mut columns = column::columns(&attributes, &groups.names_used(&raw));
    group_sets(&mut columns, &raw.groups, findings);
    check_sizes(&raw, findings);
    check_ids(&raw, findings);

    let mut look_up = |rule: RawRule, is_exception| draft_rule(rule, is_exception, &columns, findings);
    let rules: Vec<DraftRule> =
        raw.rules.into_iter().filter_map(|rule| Some(look_up(rule, false)?.0)).collect();
    let exceptions: Vec<_> = raw.exceptions.into_iter().filter_map(|rule| look_up(rule, true)).collect();
    // A rule whose own names are wrong is missing here, and is not to be reported as unknown.
    let all_rules_known = findings.is_empty();
    let exceptions = exceptions
        .into_iter()
        .map(|(exception, overrides)| with_overrides(exception, overrides, &rules, all_rules_known, findings))
        .collect();
    let invariants = raw
        .invariants
        .into_iter()
        .filter_map(|invariant| {
            let (region, _) = region(&invariant.id, &invariant.when, true, &columns, findings)?;
            let (never, reason) = (invariant.never, invariant.reason);
            Some(DraftInvariant { id: invariant.id, region, never, reason })
        })
        .collect();
    let attributes = attributes.into_iter().map(|attribute| attribute.name).collect();
    Draft { columns, attributes, rules, exceptions, invariants }
}

fn attributes(raw: &RawPolicy, findings: &mut Vec<Finding>) -> Vec<Attribute> {
    let mut attributes = Vec::new();
    for attribute in &raw.attributes {
        let mut values: Vec<String> = Vec::new();
        for value in &attribute.values {
            if value.value == NONE {
                let title = "`none` stands for tickets without the attribute";
                findings.push(
                    Finding::new(FindingKind::Duplicate, title, value.span.clone(), "not a value to declare")
                        .help("drop it here; conditions can use it all the same"),
                );
            } else if values.contains(&value.value) {
                let title = format!("the value `{}` is declared twice", value.value.escape_debug());
                findings.push(Finding::new(FindingKind::Duplicate, title, value.span.clone(), "the second"));
            } else {
                values.push(value.value.clone());
            }
        }
        if attribute.values.is_empty() {
            let title = format!("the attribute `{}` has no values", attribute.name.value.escape_debug());
            findings.push(Finding::new(
                FindingKind::EmptySet,
                title,
                attribute.name.span.clone(),
                "declare at least one",
            ));
        }
        attributes.push(Attribute { name: attribute.name.value.clone(), values });
    }
    // The order of columns does not depend on the order in the file.
    attributes.sort_by(|one, two| one.name.cmp(&two.name));
    attributes
}

fn check_sizes(raw: &RawPolicy, findings: &mut Vec<Finding>) {
    for (what, rules, limit) in
        [("rules", &raw.rules, MAX_RULES), ("exceptions", &raw.exceptions, MAX_EXCEPTIONS)]
    {
        if let Some(first) = rules.get(limit) {
            let title = format!("the policy has {} {what}, limit is {limit}", rules.len());
            findings.push(Finding::new(
                FindingKind::TooLarge,
                title,
                first.id.span.clone(),
                "the first one too many",
            ));
        }
    }
}

fn check_ids(raw: &RawPolicy, findings: &mut Vec<Finding>) {
    let mut rules = std::collections::HashMap::new();
    let mut invariants = std::collections::HashMap::new();
    let rule_ids = raw.rules.iter().chain(&raw.exceptions).map(|rule| &rule.id);
    let invariant_ids = raw.invariants.iter().map(|invariant| &invariant.id);
    let mut check = |id: &Text, first: Option<Span>| {
        if let Some(first) = first {
            let title = format!("the id `{}` stands twice", id.value);
            findings.push(
                Finding::new(FindingKind::Duplicate, title, id.span.clone(), "the second")
                    .mark(first, "the first"),
            );
        }
    };
    for id in rule_ids {
        check(id, rules.insert(id.value.as_str(), id.span.clone()));
    }
    for id in invariant_ids {
        check(id, invariants.insert(id.value.as_str(), id.span.clone()));
    }
}

fn draft_rule(
    raw: RawRule,
    is_exception: bool,
    columns: &[Column],
    findings: &mut Vec<Finding>,
) -> Option<(DraftRule, Vec<Text>)> {
    let (region, spans) = region(&raw.id, &raw.when, is_exception, columns, findings)?;
    let rule = DraftRule {
        id: raw.id,
        region,
        spans,
        overrides: Vec::new(),
        outcome: raw.outcome,
        parties: raw.parties,
        reason: raw.reason,
        reading: raw.reading,
        clauses: raw.clauses,
        line: raw.line,
    };
    Some((rule, raw.overrides))
}

/// Looks up the conditions; `None` where one of them is wrong.
fn region(
    id: &Text,
    when: &[RawCondition],
    ids_allowed: bool,
    columns: &[Column],
    findings: &mut Vec<Finding>,
) -> Option<(Region, Vec<(usize, Span)>)> {
    let before = findings.len();
    let mut region = Region::all(columns.len());
    let mut spans = Vec::new();
    for raw in when {
        let Some((column, set)) = condition(raw, ids_allowed, columns, findings) else { continue };
        spans.push((column, raw.column.span.start..raw.span.end));
        if set.is_empty() {
            let title = format!("`{}` can never apply", id.value);
            findings.push(
                Finding::new(
                    FindingKind::Dead,
                    title,
                    raw.span.clone(),
                    format!("no value of `{}` is left", columns[column].name),
                )
                .mark(id.span.clone(), "this one"),
            );
        } else {
            region.narrow(column, set);
        }
    }
    (findings.len() == before).then_some((region, spans))
}

/// Looks up what an exception overrides, and checks that it names somebody.
fn with_overrides(
    mut exception: DraftRule,
    overrides: Vec<Text>,
    rules: &[DraftRule],
    all_rules_known: bool,
    findings: &mut Vec<Finding>,
) -> DraftRule {
    for name in &overrides {
        match rules.iter().position(|rule| rule.id.value == name.value) {
            Some(rule) => exception.overrides.push((rule, name.span.clone())),
            None if !all_rules_known => {}
            None => {
                let title = format!("there is no rule `{}` to override", name.value.escape_debug());
                let candidates = rules.iter().map(|rule| rule.id.value.as_str());
                findings.push(
                    Finding::new(FindingKind::UnknownRule, title, name.span.clone(), "unknown rule")
                        .note("an exception overrides rules, not other exceptions")
                        .help_if(did_you_mean(&name.value, candidates)),
                );
            }
        }
    }
    if overrides.is_empty() {
        let title = format!("the exception `{}` overrides nothing", exception.id.value);
        let span = exception.id.span.clone();
        findings.push(
            Finding::new(FindingKind::EmptySet, title, span, "its `overrides` is empty")
                .help("name the rules that it overrides"),
        );
    }
    exception.overrides.sort_by_key(|(rule, _)| *rule);
    exception.overrides.dedup_by_key(|(rule, _)| *rule);
    exception
}

/// Returns the first column in which an exception names its values, by which it is found when deciding.
pub(super) fn key_column(columns: &[Column], region: &Region) -> Option<usize> {
    const KEYS: [Kind; 4] = [Kind::Offer, Kind::Publisher, Kind::Partner, Kind::Source];
    KEYS.iter().find_map(|&key| {
        let index = columns.iter().position(|column| column.kind == key)?;
        let set = region.set(index)?;
        (!columns[index].holds_others(set)).then_some(index)
    })
}
