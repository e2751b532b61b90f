//! The policy: a decision table in TOML, proved and then compiled to a dense table.

mod case;
mod rule;

pub use case::{Case, Election, Fact, RuleIndex, Verdict};
pub use rule::{Assignment, Condition, Next, Outcome, Party, Rule};
