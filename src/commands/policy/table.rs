//! A policy as a table.

use std::path::PathBuf;

use comfy_table::{ContentArrangement, Table, presets};

use crate::commands::{
    data::load_policy,
    exit::{Ended, Exit},
    io::Io,
};
use crate::policy::{Next, Outcome, Policy, Rule, contact_name};

/// How a table is laid out.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, clap::ValueEnum)]
pub enum TableFormat {
    /// For a terminal.
    #[default]
    Text,
    /// For a document.
    Markdown,
}

/// Print a policy as a table
#[derive(Debug, Default, clap::Args)]
pub struct TableArgs {
    /// The policy file; the built-in policy without it
    pub(super) file: Option<PathBuf>,
    /// How the table is laid out
    #[arg(long, value_enum, default_value_t)]
    pub(super) format: TableFormat,
}

impl TableArgs {
    /// Prints the table, at most as wide as the terminal.
    pub(super) fn run(self, io: &mut Io<'_>) -> Ended {
        let (format, width) = (self.format, io.width);
        let policy = load_policy(self.file.as_deref())?;
        let (rules, exceptions): (Vec<&Rule>, Vec<&Rule>) =
            policy.rules().iter().partition(|rule| !rule.is_exception());
        writeln!(io.out, "{}", layout(&policy, &rules, format, width))?;
        if !exceptions.is_empty() {
            writeln!(io.out, "\nExceptions, which override rules:\n")?;
            writeln!(io.out, "{}", layout(&policy, &exceptions, format, width))?;
        }
        let mut groups = policy.groups().peekable();
        if groups.peek().is_some() {
            writeln!(io.out)?;
        }
        for (column, group, members) in groups {
            match format {
                TableFormat::Text => {
                    writeln!(io.out, "{column} {group}: {}", wrapped(&members, column, group, width))?
                }
                TableFormat::Markdown => writeln!(io.out, "- {column} **{group}**: {members}")?,
            }
        }
        Ok(Exit::Done)
    }
}

/// Breaks a list so that it fits, further lines indented.
fn wrapped(members: &str, column: &str, group: &str, width: u16) -> String {
    let mut text = String::new();
    let mut used = column.chars().count() + group.chars().count() + 3;
    for (index, member) in members.split(", ").enumerate() {
        let length = member.chars().count() + 2;
        if index > 0 {
            text.push(',');
            if used + length > usize::from(width) {
                text.push_str("\n   ");
                used = 3;
            }
            text.push(' ');
        }
        text.push_str(member);
        used += length;
    }
    text
}

fn layout(policy: &Policy, rules: &[&Rule], format: TableFormat, width: u16) -> String {
    let mut table = Table::new();
    match format {
        TableFormat::Text => table.load_style(presets::UTF8_HORIZONTAL_ONLY),
        TableFormat::Markdown => table.load_style(presets::ASCII_MARKDOWN),
    };
    if format == TableFormat::Text {
        table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
    }
    let separator = if format == TableFormat::Text { "\n" } else { "<br>" };
    // Three columns, since six do not fit into a terminal without cutting words.
    table.set_header(["rule, clauses", "when", "owner, contacts, next"]);
    for rule in rules {
        let mut when: Vec<String> = rule
            .conditions
            .iter()
            .map(|condition| format!("{}: {}", condition.column, condition.words))
            .collect();
        if rule.is_exception() {
            let overridden: Vec<&str> =
                rule.overrides.iter().map(|&index| policy.rule(index).id.as_str()).collect();
            when.push(format!("overrides: {}", overridden.join(", ")));
        }
        let mut clauses = rule.clauses.join(" ");
        if rule.reading {
            clauses.push_str(" *");
        }
        let name = if clauses.is_empty() { rule.id.clone() } else { [&rule.id, &*clauses].join(separator) };
        table.add_row([name, when.join(separator), outcome(&rule.outcome).join(separator)]);
    }
    let mut text = table.trim_fmt();
    if rules.iter().any(|rule| rule.reading) {
        text.push_str("\n\n* our reading: the document leaves room here");
    }
    text
}

/// Words an outcome, a line each: the assignee, the contacts, what comes next.
fn outcome(outcome: &Outcome) -> Vec<String> {
    let Outcome::Owned(assignment) = outcome else { return vec!["triage".to_owned()] };
    let mut lines = vec![assignment.assignee.name().to_owned()];
    if !assignment.contacts.is_empty() {
        let contacts: Vec<&str> = assignment.contacts.iter().map(|&contact| contact_name(contact)).collect();
        lines.push(format!("contacts: {}", contacts.join(", ")));
    }
    let Next { if_reseller, if_azure_based, if_not_azure_based, otherwise } = assignment.next;
    let next: Vec<String> = [
        (if_reseller, " if it is a reseller"),
        (if_azure_based, " if Azure-based"),
        (if_not_azure_based, " if not Azure-based"),
        (otherwise, ""),
    ]
    .into_iter()
    .filter_map(|(party, condition)| Some(format!("{}{condition}", party?.name())))
    .collect();
    if !next.is_empty() {
        lines.push(format!("next: {}", next.join(", else ")));
    }
    lines
}
