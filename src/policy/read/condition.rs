//! The conditions of a rule: `when = { category = "billing", severity = { not = "c" } }`.

use toml::de::DeValue;

use super::{
    columns_of,
    fields::{Fields, Text, Value, texts, wrong},
};
use crate::policy::finding::{Finding, FindingKind};

/// What a rule asks of one column, as it is written.
pub(in crate::policy) struct RawCondition {
    pub(in crate::policy) column: Text,
    /// Whether the names are those that do *not* meet the condition.
    pub(in crate::policy) is_negated: bool,
    /// Values and groups.
    pub(in crate::policy) names: Vec<Text>,
    /// Where the right side stands.
    pub(in crate::policy) span: std::ops::Range<usize>,
}

/// Reads the inline table of conditions.
pub(in crate::policy) fn conditions(value: &Value<'_>, findings: &mut Vec<Finding>) -> Vec<RawCondition> {
    let DeValue::Table(table) = value.get_ref() else {
        findings.push(wrong(value, "a table of conditions"));
        return Vec::new();
    };
    let mut conditions: Vec<RawCondition> = Vec::new();
    for (column, value) in columns_of(table) {
        if let Some(first) = conditions.iter().find(|condition| condition.column.value == column.value) {
            let title = format!("`{}` has two conditions", column.value);
            findings.push(
                Finding::new(FindingKind::Duplicate, title, column.span, "the second")
                    .mark(first.column.span.clone(), "the first"),
            );
            continue;
        }
        conditions.push(condition(column, value, findings));
    }
    conditions
}

fn condition(column: Text, value: &Value<'_>, findings: &mut Vec<Finding>) -> RawCondition {
    let span = value.span();
    let (is_negated, names) = match value.get_ref() {
        DeValue::Table(table) => {
            let mut fields = Fields::new("condition", table, span.clone());
            let names = fields.require("not", findings).map(|value| texts(value, findings));
            fields.finish(findings);
            (true, names.unwrap_or_default())
        }
        DeValue::Boolean(answer) if column.value == "azure-based" => {
            let written = if *answer { "yes" } else { "no" };
            let title = "`azure-based` is a string";
            findings.push(
                Finding::new(FindingKind::WrongValue, title, span.clone(), "this is a boolean")
                    .help(format!("write `\"{written}\"`")),
            );
            (false, Vec::new())
        }
        _ => (false, texts(value, findings)),
    };
    RawCondition { column, is_negated, names, span }
}
