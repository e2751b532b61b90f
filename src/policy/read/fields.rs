//! Reading TOML with spans, one key at a time, so that every fault of a file is found in one go.

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use crate::policy::{
    finding::{Finding, FindingKind, Span},
    suggest::did_you_mean,
};

/// A string of the file and where it stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(in crate::policy) struct Text {
    pub(in crate::policy) value: String,
    pub(in crate::policy) span: Span,
}

/// A value of the file and where it stands.
pub(in crate::policy) type Value<'i> = Spanned<DeValue<'i>>;

/// A table of the file; remembers which keys were asked for.
pub(in crate::policy) struct Fields<'t, 'i> {
    /// What the table is, for messages: `rule`.
    what: &'static str,
    table: &'t DeTable<'i>,
    /// Where the table begins.
    pub(in crate::policy) span: Span,
    asked: Vec<&'static str>,
}

impl<'t, 'i> Fields<'t, 'i> {
    pub(in crate::policy) fn new(what: &'static str, table: &'t DeTable<'i>, span: Span) -> Self {
        Self { what, table, span, asked: Vec::new() }
    }

    /// Returns the value of a key, if it is there.
    pub(in crate::policy) fn get(&mut self, key: &'static str) -> Option<&'t Value<'i>> {
        self.asked.push(key);
        self.table.iter().find(|(found, _)| found.get_ref() == key).map(|(_, value)| value)
    }

    /// Returns the value of a key that must be there.
    pub(in crate::policy) fn require(
        &mut self,
        key: &'static str,
        findings: &mut Vec<Finding>,
    ) -> Option<&'t Value<'i>> {
        let value = self.get(key);
        if value.is_none() {
            let title = format!("{} has no `{key}`", article(self.what));
            findings.push(Finding::new(
                FindingKind::MissingKey,
                title,
                self.span.clone(),
                format!("`{key}` is missing here"),
            ));
        }
        value
    }

    /// Returns the string of a key that must be there.
    pub(in crate::policy) fn require_text(
        &mut self,
        key: &'static str,
        findings: &mut Vec<Finding>,
    ) -> Option<Text> {
        self.require(key, findings).and_then(|value| text(value, findings))
    }

    /// Returns the strings of a key: one, several or, without the key, none.
    pub(in crate::policy) fn texts(&mut self, key: &'static str, findings: &mut Vec<Finding>) -> Vec<Text> {
        self.get(key).map(|value| texts(value, findings)).unwrap_or_default()
    }

    /// Returns the tables of a `[[key]]`.
    pub(in crate::policy) fn tables(
        &mut self,
        key: &'static str,
        findings: &mut Vec<Finding>,
    ) -> Vec<Fields<'t, 'i>> {
        let Some(value) = self.get(key) else { return Vec::new() };
        let DeValue::Array(items) = value.get_ref() else {
            findings.push(wrong(value, &format!("`[[{key}]]` tables")));
            return Vec::new();
        };
        let mut tables = Vec::new();
        for item in items.iter() {
            match item.get_ref() {
                DeValue::Table(table) => tables.push(Fields::new(key, table, item.span())),
                _ => findings.push(wrong(item, &format!("a `[[{key}]]` table"))),
            }
        }
        tables
    }

    /// Reports the keys that nobody asked for.
    pub(in crate::policy) fn finish(self, findings: &mut Vec<Finding>) {
        for (key, _) in entries(self.table) {
            if !self.asked.contains(&key.value.as_str()) {
                let title = format!("{} has no key `{}`", article(self.what), key.value);
                let help = did_you_mean(&key.value, self.asked.iter().copied());
                let known = self.asked.iter().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(", ");
                findings.push(
                    Finding::new(FindingKind::UnknownKey, title, key.span, "unknown key")
                        .note(format!("its keys are {known}"))
                        .help_if(help),
                );
            }
        }
    }
}

/// Returns the keys and values of a table in the order of the file.
pub(in crate::policy) fn entries<'t, 'i>(table: &'t DeTable<'i>) -> Vec<(Text, &'t Value<'i>)> {
    let mut entries: Vec<_> = table
        .iter()
        .map(|(key, value)| (Text { value: key.get_ref().to_string(), span: key.span() }, value))
        .collect();
    entries.sort_by_key(|(key, _)| key.span.start);
    entries
}

/// Reads a string.
pub(in crate::policy) fn text(value: &Value<'_>, findings: &mut Vec<Finding>) -> Option<Text> {
    match value.get_ref() {
        DeValue::String(string) => Some(Text { value: string.to_string(), span: value.span() }),
        _ => {
            findings.push(wrong(value, "a string"));
            None
        }
    }
}

/// Reads a string or an array of strings.
pub(in crate::policy) fn texts(value: &Value<'_>, findings: &mut Vec<Finding>) -> Vec<Text> {
    match value.get_ref() {
        DeValue::Array(items) => items.iter().filter_map(|item| text(item, findings)).collect(),
        DeValue::String(_) => text(value, findings).into_iter().collect(),
        _ => {
            findings.push(wrong(value, "a string or an array of strings"));
            Vec::new()
        }
    }
}

/// Reports a value of the wrong type.
pub(in crate::policy) fn wrong(value: &Value<'_>, expected: &str) -> Finding {
    let found = match value.get_ref() {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "an integer",
        DeValue::Float(_) => "a float",
        DeValue::Boolean(_) => "a boolean",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "an array",
        DeValue::Table(_) => "a table",
    };
    let title = format!("expected {expected}, found {found}");
    Finding::new(FindingKind::WrongValue, title, value.span(), format!("this is {found}"))
}

/// Puts the article before a noun.
fn article(noun: &str) -> String {
    let vowel = noun.starts_with(['a', 'e', 'i', 'o', 'u']);
    format!("{} {noun}", if vowel { "an" } else { "a" })
}
