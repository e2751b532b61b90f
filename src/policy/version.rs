//! The digest that names a policy.

use xxhash_rust::xxh3::xxh3_128;

use super::{
    column::Column,
    draft::{Draft, DraftRule},
    read::contact_name,
    region::Region,
    rule::{Next, Outcome, Party},
};

/// Changes when the meaning of a policy file changes with the program.
const EDITION: &str = "ticket-router policy 1";

/// Digests what decides and what a decision says: rules and exceptions with their texts.
///
/// Comments, layout, groups and the order of rules do not count, nor do invariants, which decide nothing.
pub(super) fn version(draft: &Draft) -> u128 {
    let mut digest = Digested::default();
    digest.text(EDITION);
    for attribute in &draft.attributes {
        digest.text(attribute);
    }
    for layer in [&draft.rules, &draft.exceptions] {
        let mut rules: Vec<&DraftRule> = layer.iter().collect();
        rules.sort_by(|one, two| one.id.value.cmp(&two.id.value));
        digest.number(rules.len());
        for rule in rules {
            digest.rule(draft, rule);
        }
    }
    xxh3_128(&digest.bytes)
}

/// Bytes to digest; lengths go before texts, so that no two policies give the same bytes.
#[derive(Default)]
struct Digested {
    bytes: Vec<u8>,
}

impl Digested {
    fn number(&mut self, number: usize) {
        self.bytes.extend_from_slice(&(number as u64).to_le_bytes());
    }

    fn text(&mut self, text: &str) {
        self.number(text.len());
        self.bytes.extend_from_slice(text.as_bytes());
    }

    fn texts<'t>(&mut self, texts: impl ExactSizeIterator<Item = &'t str>) {
        self.number(texts.len());
        for text in texts {
            self.text(text);
        }
    }

    fn rule(&mut self, draft: &Draft, rule: &DraftRule) {
        self.text(&rule.id.value);
        self.region(&draft.columns, &rule.region);
        self.outcome(&rule.outcome);
        self.text(&rule.reason);
        self.number(usize::from(rule.reading));
        self.texts(rule.clauses.iter().map(String::as_str));
        let mut overrides: Vec<&str> =
            rule.overrides.iter().map(|&(rule, _)| draft.rules[rule].id.value.as_str()).collect();
        overrides.sort_unstable();
        self.texts(overrides.into_iter());
    }

    fn region(&mut self, columns: &[Column], region: &Region) {
        self.number(region.narrowed().count());
        for (index, set) in region.narrowed() {
            let column = &columns[index];
            self.text(&column.name);
            // An open set is written by what is not in it: other names of the file are neither here nor there.
            let holds_others = column.holds_others(set);
            self.number(usize::from(holds_others));
            let mut names: Vec<&str> = column
                .values
                .iter()
                .enumerate()
                .filter(|&(value, _)| set.contains(value) != holds_others)
                .map(|(_, name)| name.as_str())
                .collect();
            names.sort_unstable();
            self.texts(names.into_iter());
        }
    }

    fn outcome(&mut self, outcome: &Outcome) {
        let Outcome::Owned(assignment) = outcome else { return self.text("triage") };
        self.text(assignment.assignee.name());
        let contacts: Vec<&str> = assignment.contacts.iter().map(|&contact| contact_name(contact)).collect();
        self.texts(contacts.into_iter());
        let Next { if_reseller, if_azure_based, if_not_azure_based, otherwise } = assignment.next;
        for party in [if_reseller, if_azure_based, if_not_azure_based, otherwise] {
            self.text(party.map_or("", Party::name));
        }
    }
}
