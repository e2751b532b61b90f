//! Value sets and regions in words.

use super::{
    column::{Column, Kind, NONE},
    region::Region,
    values::ValueSet,
};

/// A set as a policy file writes it: values and groups, or everything but them.
pub(super) struct Terms {
    pub(super) is_negated: bool,
    pub(super) names: Vec<String>,
}

impl Terms {
    /// Finds the shortest way to write a set.
    pub(super) fn of(column: &Column, set: &ValueSet) -> Self {
        let others = set.complement();
        let negated = Self { is_negated: true, names: cover(column, &others) };
        if column.holds_others(set) {
            return negated;
        }
        let plain = Self { is_negated: false, names: cover(column, set) };
        if negated.names.len() < plain.names.len() && !column.is_open && set.len() > others.len() {
            negated
        } else {
            plain
        }
    }

    /// Writes the set as the right side of a condition in TOML.
    pub(super) fn to_toml(&self) -> String {
        let names: Vec<String> = self.names.iter().map(|name| quoted(name)).collect();
        let list = match names.as_slice() {
            [name] => name.clone(),
            names => format!("[{}]", names.join(", ")),
        };
        if self.is_negated { format!("{{ not = {list} }}") } else { list }
    }

    /// Writes the set in words: `billing or payment`, `anything but technical`.
    pub(super) fn to_words(&self) -> String {
        let list = enumeration(&self.names, "or");
        if self.is_negated { format!("anything but {list}") } else { list }
    }
}

/// Writes a list: `a, b or c`.
pub(super) fn enumeration(names: &[String], conjunction: &str) -> String {
    match names {
        [] => String::new(),
        [name] => name.clone(),
        [names @ .., last] => format!("{} {conjunction} {last}", names.join(", ")),
    }
}

/// Writes a TOML string.
pub(super) fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

/// Writes a key of a condition in TOML.
pub(super) fn key(column: &Column) -> String {
    match column.kind {
        Kind::Attribute(_) => quoted(&column.name),
        _ => column.name.clone(),
    }
}

/// Covers a set with groups that lie within, largest first, and the values that remain.
fn cover(column: &Column, set: &ValueSet) -> Vec<String> {
    let mut groups: Vec<&(String, ValueSet)> =
        column.groups.iter().filter(|(_, group)| group.len() > 1 && group.is_subset(set)).collect();
    groups.sort_by_key(|(_, group)| std::cmp::Reverse(group.len()));
    let mut covered = ValueSet::empty(set.size());
    let mut names = Vec::new();
    for (name, group) in groups {
        if !group.meets(&covered) {
            covered.insert_all(group);
            names.push(name.clone());
        }
    }
    let rest = set.iter().filter(|&value| !covered.contains(value));
    names.extend(rest.filter_map(|value| column.values.get(value)).cloned());
    names
}

/// Describes a ticket of the region: who asks, about what, and whatever else the region narrows.
pub(super) fn example(columns: &[Column], region: &Region) -> String {
    let mut words = String::new();
    for (index, column) in columns.iter().enumerate() {
        let value = match region.set(index).and_then(|set| set.iter().next()) {
            Some(value) => column.values.get(value).map(String::as_str),
            None if column.kind == Kind::Requester => {
                words.push_str("any ticket");
                continue;
            }
            None => continue,
        };
        words.push_str(&phrase(column, value));
    }
    words
}

/// Says one value of an example; `None` is a value without a name.
fn phrase(column: &Column, value: Option<&str>) -> String {
    let other = |what: &str| match value {
        Some(id) => format!(", {what} `{id}`"),
        None => format!(", {what} any that no rule names"),
    };
    let value_or_other = value.unwrap_or("any other");
    match column.kind {
        Kind::Requester => format!("a {value_or_other}'s ticket"),
        Kind::Category if value == Some(NONE) => " without a category".to_owned(),
        Kind::Category => format!(" of category `{value_or_other}`"),
        Kind::Severity if value == Some(NONE) => ", without a severity".to_owned(),
        Kind::Severity => format!(", of severity `{value_or_other}`"),
        Kind::Model => format!(", the partner's model being `{value_or_other}`"),
        Kind::TechnicalSupport => match value {
            Some("refer") => ", the assigned partner referring technical tickets".to_owned(),
            Some("coordinate") => ", the assigned partner coordinating technical support".to_owned(),
            _ => ", no partner being named".to_owned(),
        },
        Kind::AzureBased if value == Some("yes") => ", the offer being Azure-based".to_owned(),
        Kind::AzureBased => ", the offer not being Azure-based".to_owned(),
        Kind::Source => other("from source"),
        Kind::Attribute(_) => match value {
            Some(NONE) => format!(", without `{}`", column.name),
            Some(value) => format!(", with `{}` = `{value}`", column.name),
            None => format!(", with any other `{}`", column.name),
        },
        Kind::Offer => other("about offer"),
        Kind::Publisher => other("of publisher"),
        Kind::Partner => other("of partner"),
    }
}
