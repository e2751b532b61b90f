//! From the text of a policy file to a policy, by way of a proof.

use super::{
    Policy, PolicySummary,
    draft::{Draft, DraftRule, draft},
    exceptions::Exceptions,
    finding::Finding,
    prove::prove,
    read::read,
    render::render,
    rule::{Condition, Rule},
    table::Table,
    version::version,
    words::Terms,
};
use crate::policy::RuleIndex;

/// A policy file that is refused, with every reason why.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{}", self.render(false))]
pub struct Refused {
    name: String,
    text: String,
    findings: Vec<Finding>,
}

impl Refused {
    /// Makes a refusal; `findings` are in the order in which they are to be shown.
    pub(super) fn new(name: &str, text: &str, findings: Vec<Finding>) -> Self {
        Self { name: name.to_owned(), text: text.to_owned(), findings }
    }

    /// Returns what is wrong, in the order of the proof.
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// Returns the name of the file.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the line that a finding points to, counted from 1.
    #[must_use]
    pub fn line(&self, finding: &Finding) -> Option<u64> {
        let start = finding.marks.first()?.span.start.min(self.text.len());
        Some(1 + memchr::memchr_iter(b'\n', &self.text.as_bytes()[..start]).count() as u64)
    }

    /// Words the refusal in the manner of a compiler, with colours for a terminal or without.
    #[must_use]
    pub fn render(&self, coloured: bool) -> String {
        let mut rendered = String::new();
        for finding in &self.findings {
            rendered.push_str(render(&self.name, &self.text, finding, coloured).trim_end());
            rendered.push_str("\n\n");
        }
        let count = self.findings.len();
        let findings = if count == 1 { "1 finding".to_owned() } else { format!("{count} findings") };
        rendered.push_str(&format!("`{}` is refused: {findings}", self.name));
        rendered
    }
}

/// Reads, looks up, proves and compiles.
pub(super) fn load(name: &str, text: &str) -> Result<Policy, Refused> {
    let mut findings = Vec::new();
    let refused = |findings| Refused::new(name, text, findings);
    let raw = read(text, &mut findings);
    // Look up names even if some rules could not be read: more findings at once.
    let draft = draft(raw, &mut findings);
    // A proof about half a policy would find false holes.
    if !findings.is_empty() {
        return Err(refused(findings));
    }
    match prove(&draft, &mut findings) {
        Some(proof) if findings.is_empty() => {
            let table = Table::of(&draft, &proof);
            let cells = proof.grid.cells.len();
            Ok(policy(draft, table, cells))
        }
        _ => Err(refused(findings)),
    }
}

fn policy(draft: Draft, table: Table, cells: usize) -> Policy {
    let exceptions = Exceptions::of(&draft);
    let version = version(&draft);
    let summary = PolicySummary {
        rules: draft.rules.len(),
        exceptions: draft.exceptions.len(),
        invariants: draft.invariants.len(),
        cells,
    };
    let rules = draft.rules.iter().chain(&draft.exceptions).map(|rule| compiled(&draft, rule)).collect();
    Policy {
        version,
        rules,
        table,
        exceptions,
        summary,
        columns: draft.columns,
        attributes: draft.attributes,
    }
}

fn compiled(draft: &Draft, rule: &DraftRule) -> Rule {
    let condition = |(column, set): (usize, &super::values::ValueSet)| {
        let column = &draft.columns[column];
        Condition { column: column.name.clone(), words: Terms::of(column, set).to_words() }
    };
    Rule {
        id: rule.id.value.clone(),
        outcome: rule.outcome.clone(),
        reason: rule.reason.clone(),
        reading: rule.reading,
        clauses: rule.clauses.clone(),
        conditions: rule.region.narrowed().map(condition).collect(),
        overrides: rule.overrides.iter().map(|&(rule, _)| RuleIndex(rule as u32)).collect(),
        line: rule.line,
    }
}
