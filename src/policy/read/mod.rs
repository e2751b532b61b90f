//! TOML to rules as they are written: names, not yet looked up.

mod condition;
mod fields;
mod outcome;

use toml::de::{DeTable, DeValue};

pub(super) use condition::{RawCondition, conditions};
pub(super) use fields::{Fields, Text, Value, entries, text};
pub(super) use fields::{texts, wrong};
pub(crate) use outcome::contact_name;
pub(super) use outcome::{Named, contacts, named, next, party};

use super::{
    finding::{Finding, FindingKind, Span},
    rule::{Outcome, Party},
};

/// A policy file as it is written.
#[derive(Default)]
pub(super) struct RawPolicy {
    pub(super) groups: Vec<RawGroup>,
    pub(super) attributes: Vec<RawAttribute>,
    pub(super) rules: Vec<RawRule>,
    pub(super) exceptions: Vec<RawRule>,
    pub(super) invariants: Vec<RawInvariant>,
}

/// A named set of values or other groups of one column.
pub(super) struct RawGroup {
    pub(super) column: Text,
    pub(super) name: Text,
    pub(super) members: Vec<Text>,
}

/// A declared attribute of tickets.
pub(super) struct RawAttribute {
    pub(super) name: Text,
    pub(super) values: Vec<Text>,
}

/// A rule or an exception.
pub(super) struct RawRule {
    pub(super) id: Text,
    pub(super) when: Vec<RawCondition>,
    pub(super) outcome: Outcome,
    /// The parties of the outcome and where they stand.
    pub(super) parties: Vec<(PartyUse, Span)>,
    pub(super) reason: String,
    pub(super) reading: bool,
    pub(super) clauses: Vec<String>,
    pub(super) overrides: Vec<Text>,
    pub(super) line: usize,
}

/// A party that an outcome names, or the question whether the assigned partner is a reseller.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum PartyUse {
    Party(Party),
    IfReseller,
}

/// What must never be.
pub(super) struct RawInvariant {
    pub(super) id: Text,
    pub(super) when: Vec<RawCondition>,
    pub(super) never: Vec<Named<Never>>,
    pub(super) reason: String,
}

/// Where an invariant forbids a ticket to go.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Never {
    Owner(crate::proto::v1::decision::Owner),
    Triage,
}

/// Reads a policy file; syntax errors leave nothing to read.
pub(super) fn read(text: &str, findings: &mut Vec<Finding>) -> RawPolicy {
    let mut policy = RawPolicy::default();
    let Some(document) = parse(text, findings) else { return policy };
    let mut fields = Fields::new("policy", &document, 0..0);
    if let Some(value) = fields.get("groups") {
        policy.groups = groups(value, findings);
    }
    if let Some(value) = fields.get("attributes") {
        policy.attributes = attributes(value, findings);
    }
    for rule in fields.tables("rule", findings) {
        policy.rules.extend(read_rule(rule, text, false, findings));
    }
    for exception in fields.tables("exception", findings) {
        policy.exceptions.extend(read_rule(exception, text, true, findings));
    }
    for invariant in fields.tables("invariant", findings) {
        policy.invariants.extend(read_invariant(invariant, findings));
    }
    fields.finish(findings);
    policy
}

/// Parses TOML.
pub(super) fn parse<'i>(text: &'i str, findings: &mut Vec<Finding>) -> Option<DeTable<'i>> {
    let (document, errors) = DeTable::parse_recoverable(text);
    let mut reported = None;
    for error in &errors {
        // The parser can complain twice about one place.
        if reported.replace(error.span()) == Some(error.span()) {
            continue;
        }
        let title = format!("this is not TOML: {}", error.message());
        findings.push(Finding::new(FindingKind::Syntax, title, error.span().unwrap_or(0..0), "here"));
    }
    errors.is_empty().then(|| document.into_inner())
}

fn groups(value: &Value<'_>, findings: &mut Vec<Finding>) -> Vec<RawGroup> {
    let DeValue::Table(table) = value.get_ref() else {
        findings.push(wrong(value, "a table of columns"));
        return Vec::new();
    };
    let mut groups = Vec::new();
    for (column, named) in columns_of(table) {
        let DeValue::Table(named) = named.get_ref() else {
            findings.push(wrong(named, "a table of groups"));
            continue;
        };
        for (name, members) in entries(named) {
            let members = texts(members, findings);
            groups.push(RawGroup { column: column.clone(), name, members });
        }
    }
    groups
}

/// Returns the entries of a table whose keys are columns; `attribute.NAME` may be nested.
pub(super) fn columns_of<'t, 'i>(table: &'t DeTable<'i>) -> Vec<(Text, &'t Value<'i>)> {
    let mut columns = Vec::new();
    for (key, value) in entries(table) {
        match value.get_ref() {
            DeValue::Table(nested) if key.value == "attribute" => {
                columns.extend(entries(nested).into_iter().map(|(name, value)| {
                    (Text { value: format!("attribute.{}", name.value), span: name.span }, value)
                }));
            }
            _ => columns.push((key, value)),
        }
    }
    columns
}

fn attributes(value: &Value<'_>, findings: &mut Vec<Finding>) -> Vec<RawAttribute> {
    let DeValue::Table(table) = value.get_ref() else {
        findings.push(wrong(value, "a table of attributes"));
        return Vec::new();
    };
    let mut attributes = Vec::new();
    for (name, value) in entries(table) {
        let DeValue::Table(table) = value.get_ref() else {
            findings.push(wrong(value, "a table with `values`"));
            continue;
        };
        let mut fields = Fields::new("attribute", table, name.span.clone());
        let values = fields.require("values", findings).map(|value| texts(value, findings));
        fields.finish(findings);
        attributes.push(RawAttribute { name, values: values.unwrap_or_default() });
    }
    attributes
}

fn read_rule(
    mut fields: Fields<'_, '_>,
    text: &str,
    is_exception: bool,
    findings: &mut Vec<Finding>,
) -> Option<RawRule> {
    let start = fields.span.start;
    let line = text.bytes().take(start).filter(|&byte| byte == b'\n').count() + 1;
    let id = fields.require_text("id", findings);
    if let Some(id) = &id {
        check_id(id, findings);
    }
    let when = fields.require("when", findings).map(|value| conditions(value, findings));
    let overrides = if is_exception {
        fields.require("overrides", findings).map(|value| texts(value, findings))
    } else {
        Some(Vec::new())
    };
    let outcome = outcome::outcome(&mut fields, findings);
    let reason = fields.require_text("reason", findings);
    if let Some(reason) = reason.as_ref().filter(|reason| reason.value.trim().is_empty()) {
        let title = "the reason is empty";
        findings.push(
            Finding::new(FindingKind::WrongValue, title, reason.span.clone(), "a sentence is missing here")
                .note("a support agent reads it with every ticket that the rule decides"),
        );
    }
    let reading = fields.get("reading").is_some_and(|value| match value.get_ref() {
        DeValue::Boolean(reading) => *reading,
        _ => {
            findings.push(wrong(value, "a boolean"));
            false
        }
    });
    let clauses = fields.texts("clauses", findings).into_iter().map(|clause| clause.value).collect();
    fields.finish(findings);
    let (outcome, parties) = outcome?;
    Some(RawRule {
        id: id?,
        when: when?,
        outcome,
        parties,
        reason: reason?.value,
        reading,
        clauses,
        overrides: overrides?,
        line,
    })
}

fn read_invariant(mut fields: Fields<'_, '_>, findings: &mut Vec<Finding>) -> Option<RawInvariant> {
    let id = fields.require_text("id", findings);
    if let Some(id) = &id {
        check_id(id, findings);
    }
    let when = fields.require("when", findings).map(|value| conditions(value, findings));
    let never = fields.require("never", findings).map(|value| {
        let names = texts(value, findings);
        names.iter().filter_map(|name| outcome::never(name, findings)).collect()
    });
    let reason = fields.require_text("reason", findings);
    fields.finish(findings);
    Some(RawInvariant { id: id?, when: when?, never: never?, reason: reason?.value })
}

/// Refuses ids that could not stand in a header, a metric's label or a log line as they are.
fn check_id(id: &Text, findings: &mut Vec<Finding>) {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    if id.value.is_empty() || id.value.len() > 64 || !id.value.bytes().all(allowed) {
        let title = format!("`{}` cannot be an id", id.value.escape_debug());
        findings.push(
            Finding::new(FindingKind::WrongValue, title, id.span.clone(), "not an id")
                .note("an id has 1 to 64 letters (a to z), digits, `-`, `_` or `.`"),
        );
    }
}
