//! The policy: a decision table in TOML, proved and then compiled to a dense table.
//!
//! A policy file is read (`read`), its names are looked up (`draft`), it is proved (`prove`) and compiled (`table`,
//! `exceptions`). Proved means: every case has one rule and no more, no rule is dead, the invariants hold; the layer of
//! exceptions likewise. `docs/policy.md` is the manual of the file.
//!
//! ```
//! use ticket_router::policy::Policy;
//!
//! let rule = |when: &str| {
//!     format!(
//!         "[[rule]]\nid = 'all'\nwhen = {{ {when} }}\nowner = 'microsoft-commerce'\n\
//!          reason = 'Because.'\nclauses = []\n"
//!     )
//! };
//! assert!(Policy::load("mine.toml", &rule("")).is_ok());
//! let refused = Policy::load("mine.toml", &rule("requester = 'customer'"));
//! assert!(refused.is_err(), "partners and publishers have no rule");
//! ```

mod absent;
mod case;
mod cases;
mod classes;
mod column;
mod describe;
mod draft;
mod exceptions;
mod finding;
mod grid;
mod load;
mod prove;
mod read;
mod region;
mod render;
mod resolve;
mod rule;
mod suggest;
mod table;
#[cfg(test)]
mod tests;
mod values;
mod version;
mod words;

pub use case::{Case, Election, Fact, RuleIndex, Verdict};
pub use cases::{TestCase, TestOutcome, load_cases};
pub use describe::Described;
pub use finding::{Finding, FindingKind};
pub use load::Refused;
#[cfg(feature = "kafka")]
pub(crate) use read::contact_name;
pub use rule::{Assignment, Condition, Next, Outcome, Party, Rule};

use self::{
    absent::{AbsentColumns, Completed, ELECTIONS, MODELS, complete_case},
    column::Column,
    exceptions::Exceptions,
    table::{Cell, Table},
};
use crate::proto::v1::decision::TriageReason;

/// The policy that comes with the program: the rules of ownership.
pub const BUILTIN: &str = include_str!("../../policy/ownership.toml");
/// The cases that come with it, in files by who asks: name and text.
pub const BUILTIN_CASES: [(&str, &str); 3] = [
    ("policy/cases/customers.toml", include_str!("../../policy/cases/customers.toml")),
    ("policy/cases/partners.toml", include_str!("../../policy/cases/partners.toml")),
    ("policy/cases/publishers.toml", include_str!("../../policy/cases/publishers.toml")),
];
/// What diagnostics call it.
pub const BUILTIN_NAME: &str = "policy/ownership.toml";

/// A proved and compiled decision table.
#[derive(Clone, Debug)]
pub struct Policy {
    version: u128,
    /// Rules, then exceptions.
    rules: Vec<Rule>,
    table: Table,
    exceptions: Exceptions,
    summary: PolicySummary,
    columns: Vec<Column>,
    attributes: Vec<String>,
}

/// How much was proved.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PolicySummary {
    /// Rules of the table.
    pub rules: usize,
    /// Exceptions above it.
    pub exceptions: usize,
    /// Invariants that hold.
    pub invariants: usize,
    /// Combinations of classes of values that were walked.
    pub cells: usize,
}

impl Policy {
    /// Returns the policy that comes with the program.
    #[must_use]
    pub fn builtin() -> Self {
        Self::load(BUILTIN_NAME, BUILTIN).expect("a test proves the policy that comes with the program")
    }

    /// Reads, proves and compiles a policy file; `name` is what diagnostics call it.
    ///
    /// # Errors
    ///
    /// [`Refused`] with all findings, if the text is not a policy or cannot be proved.
    pub fn load(name: &str, text: &str) -> Result<Self, Refused> {
        load::load(name, text)
    }

    /// Returns the digest of the compiled table and its texts: the same on every machine, whatever the comments and the
    /// layout of the file.
    #[must_use]
    pub fn version(&self) -> u128 {
        self.version
    }

    /// Returns the attributes that conditions use, in the order in which a [`Case`] has their values.
    #[must_use]
    pub fn attributes(&self) -> &[String] {
        &self.attributes
    }

    /// Returns the rules in the order of the file, then the exceptions.
    #[must_use]
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// Returns a rule or exception of this policy.
    #[must_use]
    pub fn rule(&self, index: RuleIndex) -> &Rule {
        &self.rules[index.get()]
    }

    /// Returns how much was proved when the policy was loaded.
    #[must_use]
    pub fn summary(&self) -> PolicySummary {
        self.summary
    }

    /// Decides a case: an addition a column and one index, without allocating; more only if an exception
    /// names one of the case's ids.
    ///
    /// A case without a requester's role has no rule: [`TriageReason::MissingRole`].
    #[must_use]
    pub fn decide(&self, case: &Case<'_>) -> Verdict {
        let Some(cell) = self.table.look_up(case) else { return Verdict::Absent(TriageReason::MissingRole) };
        if self.exceptions.may_apply(&self.columns, case) {
            return self.decide_with_exceptions(case, cell);
        }
        verdict(case, cell)
    }

    /// Decides a case as if the policy had no exceptions: what an exception overrides.
    #[must_use]
    pub fn decide_without_exceptions(&self, case: &Case<'_>) -> Verdict {
        match self.table.look_up(case) {
            Some(cell) => verdict(case, cell),
            None => Verdict::Absent(TriageReason::MissingRole),
        }
    }

    fn decide_with_exceptions(&self, case: &Case<'_>, cell: Cell) -> Verdict {
        let overridden = |case: &Case<'_>, rule: u32| {
            let exception = self.exceptions.overriding(&self.columns, case, rule);
            exception.map_or(rule, |exception| exception + self.summary.rules as u32)
        };
        if let (true, Cell::Rule(rule)) = (AbsentColumns::of(case).is_empty(), cell) {
            return Verdict::Rule(RuleIndex(overridden(case, rule)));
        }
        let completed = complete_case(case, |completed| match self.table.look_up(completed) {
            Some(Cell::Rule(rule)) => overridden(completed, rule),
            _ => unreachable!("a completed case has a role and no absent value"),
        });
        match completed {
            Completed::One(rule) => Verdict::Rule(RuleIndex(rule)),
            Completed::Several(columns) => Verdict::Absent(columns.reason(case)),
        }
    }
}

fn verdict(case: &Case<'_>, cell: Cell) -> Verdict {
    match cell {
        Cell::Rule(rule) => Verdict::Rule(RuleIndex(rule)),
        Cell::Absent(columns) => Verdict::Absent(columns.reason(case)),
    }
}
