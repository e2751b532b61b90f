//! Names of values and groups to sets of values.

use std::collections::{HashMap, HashSet};

use super::{
    column::{Column, Named},
    finding::{Finding, FindingKind},
    read::{RawCondition, RawGroup, RawPolicy, Text},
    suggest::did_you_mean,
    values::ValueSet,
};

/// Which names are groups, a column each.
pub(super) struct Groups<'r> {
    names: HashSet<(&'r str, &'r str)>,
    groups: &'r [RawGroup],
}

impl<'r> Groups<'r> {
    pub(super) fn of(groups: &'r [RawGroup]) -> Self {
        let names =
            groups.iter().map(|group| (group.column.value.as_str(), group.name.value.as_str())).collect();
        Self { names, groups }
    }

    /// Collects the names that the file uses in open columns, groups aside.
    pub(super) fn names_used(&self, raw: &RawPolicy) -> Named {
        let mut used = Named::default();
        let mut collect = |column: &str, names: &[Text]| {
            let Some(used) = used.of(column) else { return };
            for name in names.iter().map(|name| name.value.as_str()) {
                if !self.names.contains(&(column, name)) {
                    used.insert(name.to_owned());
                }
            }
        };
        for group in self.groups {
            collect(&group.column.value, &group.members);
        }
        let rules = raw.rules.iter().chain(&raw.exceptions).map(|rule| &rule.when);
        for condition in rules.chain(raw.invariants.iter().map(|invariant| &invariant.when)).flatten() {
            collect(&condition.column.value, &condition.names);
        }
        used
    }
}

/// Works out the groups of every column.
pub(super) fn group_sets(columns: &mut [Column], groups: &[RawGroup], findings: &mut Vec<Finding>) {
    let mut by_column: HashMap<&str, Vec<&RawGroup>> = HashMap::new();
    for group in groups {
        if columns.iter().any(|column| column.name == group.column.value) {
            by_column.entry(&group.column.value).or_default().push(group);
        } else {
            findings.push(unknown_column(&group.column, columns, true));
        }
    }
    for column in columns {
        let groups = by_column.remove(column.name.as_str()).unwrap_or_default();
        for group in &groups {
            if column.value(&group.name.value).is_some() {
                let title = format!("the group `{}` has the name of a value", group.name.value);
                findings.push(
                    Finding::new(FindingKind::Duplicate, title, group.name.span.clone(), "this group")
                        .note(format!("`{}` is a value of `{}`", group.name.value, column.name)),
                );
            }
        }
        let mut ordered =
            Ordered { groups: &groups, marks: vec![Mark::New; groups.len()], order: Vec::new() };
        for index in 0..groups.len() {
            ordered.visit(index, findings);
        }
        let order = ordered.order;
        let mut sets: Vec<(usize, String, ValueSet)> = Vec::new();
        for index in order {
            let group = groups[index];
            let mut set = ValueSet::empty(column.size());
            for member in &group.members {
                let is_group = groups.iter().any(|group| group.name.value == member.value);
                if is_group && column.group(&member.value).is_none() {
                    continue; // part of a circle, which is reported already
                }
                if let Some(more) = look_up(column, member, findings) {
                    set.insert_all(&more);
                }
            }
            if group.members.is_empty() {
                let title = format!("the group `{}` is empty", group.name.value.escape_debug());
                let span = group.name.span.clone();
                findings.push(Finding::new(FindingKind::EmptySet, title, span, "name at least one value"));
            }
            // Groups may be used by groups that come later in this order.
            column.groups.push((group.name.value.clone(), set.clone()));
            sets.push((index, group.name.value.clone(), set));
        }
        sets.sort_by_key(|(index, ..)| *index);
        column.groups = sets.into_iter().map(|(_, name, set)| (name, set)).collect();
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mark {
    New,
    Open,
    Done,
}

/// Puts groups behind the groups that they use; finds circles.
struct Ordered<'g> {
    groups: &'g [&'g RawGroup],
    marks: Vec<Mark>,
    order: Vec<usize>,
}

impl Ordered<'_> {
    fn visit(&mut self, first: usize, findings: &mut Vec<Finding>) {
        // A stack of its own: a chain of groups in a hostile file is longer than the thread's stack.
        let mut path = vec![(first, 0)];
        if self.marks[first] != Mark::New {
            return;
        }
        self.marks[first] = Mark::Open;
        while let Some((index, member)) = path.pop() {
            let Some(name) = self.groups[index].members.get(member) else {
                self.marks[index] = Mark::Done;
                self.order.push(index);
                continue;
            };
            path.push((index, member + 1));
            let Some(used) = self.groups.iter().position(|group| group.name.value == name.value) else {
                continue;
            };
            match self.marks[used] {
                Mark::New => {
                    self.marks[used] = Mark::Open;
                    path.push((used, 0));
                }
                Mark::Open => {
                    let title = format!("the group `{}` contains itself", name.value.escape_debug());
                    findings.push(
                        Finding::new(FindingKind::CircularGroup, title, name.span.clone(), "here again")
                            .mark(self.groups[used].name.span.clone(), "this group"),
                    );
                }
                Mark::Done => {}
            }
        }
    }
}

/// Looks up a condition: the column's place and the values that meet it.
pub(super) fn condition(
    raw: &RawCondition,
    ids_allowed: bool,
    columns: &[Column],
    findings: &mut Vec<Finding>,
) -> Option<(usize, ValueSet)> {
    let before = findings.len();
    let Some(index) = columns.iter().position(|column| column.name == raw.column.value) else {
        findings.push(unknown_column(&raw.column, columns, ids_allowed));
        return None;
    };
    let column = &columns[index];
    if column.kind.is_id() && !ids_allowed {
        let title = format!("a rule cannot ask for `{}`", column.name);
        findings.push(
            Finding::new(FindingKind::UnknownColumn, title, raw.column.span.clone(), "not in a rule")
                .help("write an `[[exception]]` that overrides the rule"),
        );
        return None;
    }
    let mut set = ValueSet::empty(column.size());
    for name in &raw.names {
        if let Some(more) = look_up(column, name, findings) {
            set.insert_all(&more);
        }
    }
    if findings.len() > before {
        return None;
    }
    if raw.names.is_empty() {
        let title = format!("the condition on `{}` names no value", column.name);
        findings.push(
            Finding::new(FindingKind::EmptySet, title, raw.span.clone(), "empty")
                .help("drop the condition if every value will do"),
        );
        return None;
    }
    Some((index, if raw.is_negated { set.complement() } else { set }))
}

/// Looks up a value or a group.
fn look_up(column: &Column, name: &Text, findings: &mut Vec<Finding>) -> Option<ValueSet> {
    if name.value.is_empty() {
        let title = format!("a value of `{}` is empty", column.name);
        findings.push(Finding::new(FindingKind::UnknownValue, title, name.span.clone(), "empty"));
        return None;
    }
    if let Some(set) = column.group(&name.value) {
        return Some(set.clone());
    }
    if let Some(value) = column.value(&name.value) {
        return Some(ValueSet::of(column.size(), [value]));
    }
    let title = format!("`{}` is not a value of `{}`", name.value.escape_debug(), column.name);
    let values = column.values.iter().map(|value| format!("`{value}`")).collect::<Vec<_>>().join(", ");
    let groups = column.groups.iter().map(|(group, _)| group.as_str());
    let candidates = column.values.iter().map(String::as_str).chain(groups);
    findings.push(
        Finding::new(FindingKind::UnknownValue, title, name.span.clone(), "neither a value nor a group")
            .note(format!("its values are {values}"))
            .help_if(did_you_mean(&name.value, candidates)),
    );
    None
}

fn unknown_column(name: &Text, columns: &[Column], ids_allowed: bool) -> Finding {
    let known: Vec<&str> = columns
        .iter()
        .filter(|column| ids_allowed || !column.kind.is_id())
        .map(|column| column.name.as_str())
        .collect();
    let list = known.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    let title = format!("there is no column `{}`", name.value.escape_debug());
    let help = match name.value.strip_prefix("attribute.") {
        Some(attribute) => {
            Some(format!("declare it: [attributes.{}] values = [\"…\"]", super::words::quoted(attribute)))
        }
        None => did_you_mean(&name.value, known.iter().copied()),
    };
    Finding::new(FindingKind::UnknownColumn, title, name.span.clone(), "unknown column")
        .note(format!("the columns are {list}"))
        .help_if(help)
}
