//! A case in the words of the policy, for a person.

use super::{Case, Policy, Rule, column::Kind, exceptions::value};

/// One column of a case.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Described<'p> {
    /// The column, as a policy file names it.
    pub column: &'p str,
    /// The case's value; of a column whose values are open, what the ticket says. `None`: absent.
    pub value: Option<String>,
    /// The values that the rule accepts, in words; `None` if the column does not matter to it.
    pub accepted: Option<&'p str>,
}

impl Policy {
    /// Words every column of a case, and what a rule asks of it; those of ids only if the rule asks for them.
    pub fn describe<'p>(&'p self, case: &Case<'_>, rule: &'p Rule) -> Vec<Described<'p>> {
        let mut described = Vec::new();
        for column in &self.columns {
            let condition = rule.conditions.iter().find(|condition| condition.column == column.name);
            if column.kind.is_id() && condition.is_none() {
                continue;
            }
            let said = match column.kind {
                Kind::Source => Some(case.source),
                Kind::Offer => Some(case.offer),
                Kind::Publisher => Some(case.publisher),
                Kind::Partner => Some(case.partner),
                Kind::Attribute(index) => case.attributes.get(index).copied().flatten(),
                _ => None,
            };
            let named = || value(column, case).and_then(|value| column.values.get(value)).cloned();
            described.push(Described {
                column: &column.name,
                value: said.map(str::to_owned).or_else(named),
                accepted: condition.map(|condition| condition.words.as_str()),
            });
        }
        described
    }

    /// Returns the values of a column that have a name, in order; none for a column that is not there.
    pub fn values<'p>(&'p self, column: &str) -> impl Iterator<Item = &'p str> + use<'p> {
        let column = self.columns.iter().find(|it| it.name == column);
        column.into_iter().flat_map(|it| &it.values).map(String::as_str)
    }

    /// Says whether any rule or exception asks for a column.
    #[must_use]
    pub fn asks_for(&self, column: &str) -> bool {
        let asks = |rule: &Rule| rule.conditions.iter().any(|condition| condition.column == column);
        self.rules.iter().any(asks)
    }

    /// Returns the columns that rules can ask for, as a policy file names them.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().filter(|column| !column.kind.is_id()).map(|column| column.name.as_str())
    }

    /// Returns the named groups: column, name, members in words.
    pub fn groups(&self) -> impl Iterator<Item = (&str, &str, String)> {
        self.columns.iter().flat_map(|column| {
            column.groups.iter().map(|(name, set)| {
                let members: Vec<String> =
                    set.iter().filter_map(|value| column.values.get(value)).cloned().collect();
                (column.name.as_str(), name.as_str(), members.join(", "))
            })
        })
    }
}
