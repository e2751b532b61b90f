//! Absent values: whether one would change which rule decides.

use super::case::{Case, Election, Fact};
use crate::proto::v1::{decision::TriageReason, partner::Model};

/// The models, in the order of their column's values.
pub(super) const MODELS: [Model; 3] = [Model::DirectBill, Model::IndirectProvider, Model::IndirectReseller];
/// The elections, likewise.
pub(super) const ELECTIONS: [Election; 3] = [Election::Refer, Election::Coordinate, Election::NoPartner];
/// The answers to "Azure-based?", likewise.
pub(super) const AZURE_BASED: [bool; 2] = [true, false];

/// A set of the columns model (bit 0), technical-support (bit 1) and azure-based (bit 2).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct AbsentColumns(pub(super) u32);

impl AbsentColumns {
    /// Finds the columns that are absent in a case.
    pub(super) fn of(case: &Case<'_>) -> Self {
        let bits = [model(case).is_none(), case.technical_support.known().is_none(), azure(case).is_none()];
        Self(bits.iter().enumerate().map(|(bit, &is_absent)| u32::from(is_absent) << bit).sum())
    }

    /// Says whether no column is in the set.
    pub(super) fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Returns the reason to give for the columns of the set: of theirs, the first in the enum's order.
    pub(super) fn reason(self, case: &Case<'_>) -> TriageReason {
        let reasons = [
            match case.model {
                Fact::Absent(reason) => reason,
                // A record whose model is not set says as little as one that is not there.
                Fact::Known(_) => TriageReason::MissingModel,
            },
            match case.technical_support {
                Fact::Absent(reason) => reason,
                Fact::Known(_) => TriageReason::MissingPartner,
            },
            match case.azure_based {
                Fact::Absent(reason) => reason,
                Fact::Known(_) => TriageReason::IncompleteOffer,
            },
        ];
        let in_set = reasons.into_iter().enumerate().filter(|(bit, _)| self.0 >> bit & 1 == 1);
        in_set.map(|(_, reason)| reason).min_by_key(|&reason| reason as i32).unwrap_or_default()
    }
}

fn model(case: &Case<'_>) -> Option<Model> {
    case.model.known().filter(|&model| model != Model::Unspecified)
}

fn azure(case: &Case<'_>) -> Option<bool> {
    case.azure_based.known()
}

/// What all completions of a case lead to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Completed {
    /// All to this rule.
    One(u32),
    /// To several: changing one of these columns alone can change the rule.
    Several(AbsentColumns),
}

/// Works out what the completions lead to; `sizes` says how many values each of the three columns runs through, `rule`
/// which rule a completion has.
pub(super) fn complete(sizes: [usize; 3], mut rule: impl FnMut([usize; 3]) -> u32) -> Completed {
    // 18 completions at most: 3 models, 3 elections, 2 answers.
    let mut rules = [[[0; 2]; 3]; 3];
    for_each(sizes, |at| rules[at[0]][at[1]][at[2]] = rule(at));
    let first = rules[0][0][0];
    let mut splitting = 0;
    for_each(sizes, |at| {
        let rule = rules[at[0]][at[1]][at[2]];
        // Comparing with the column's first value is enough: if two values differ, one of them differs from it.
        splitting |= u32::from(rules[0][at[1]][at[2]] != rule);
        splitting |= u32::from(rules[at[0]][0][at[2]] != rule) << 1;
        splitting |= u32::from(rules[at[0]][at[1]][0] != rule) << 2;
    });
    if splitting == 0 { Completed::One(first) } else { Completed::Several(AbsentColumns(splitting)) }
}

fn for_each(sizes: [usize; 3], mut visit: impl FnMut([usize; 3])) {
    for model in 0..sizes[0] {
        for election in 0..sizes[1] {
            for azure in 0..sizes[2] {
                visit([model, election, azure]);
            }
        }
    }
}

/// Works out what the completions of a case lead to.
pub(super) fn complete_case(case: &Case<'_>, mut rule: impl FnMut(&Case<'_>) -> u32) -> Completed {
    let absent = AbsentColumns::of(case);
    let size = |bit: u32, values: usize| if absent.0 >> bit & 1 == 1 { values } else { 1 };
    let sizes = [size(0, MODELS.len()), size(1, ELECTIONS.len()), size(2, AZURE_BASED.len())];
    complete(sizes, |at| {
        let mut completed = *case;
        if sizes[0] > 1 {
            completed.model = Fact::Known(MODELS[at[0]]);
        }
        if sizes[1] > 1 {
            completed.technical_support = Fact::Known(ELECTIONS[at[1]]);
        }
        if sizes[2] > 1 {
            completed.azure_based = Fact::Known(AZURE_BASED[at[2]]);
        }
        rule(&completed)
    })
}
