//! The cases that a rule, an exception or an invariant speaks of: a product of value sets, one a column.

use super::values::ValueSet;

/// A product of value sets; `None` for a column that does not matter.
///
/// No set is empty, so no region is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Region {
    sets: Vec<Option<ValueSet>>,
}

impl Region {
    /// Makes the region of all cases.
    pub(super) fn all(columns: usize) -> Self {
        Self { sets: vec![None; columns] }
    }

    /// Narrows a column that does not matter so far to a set; a full set leaves it as it is.
    pub(super) fn narrow(&mut self, column: usize, set: ValueSet) {
        if !set.is_full() {
            self.sets[column] = Some(set);
        }
    }

    /// Returns what a column is narrowed to.
    pub(super) fn set(&self, column: usize) -> Option<&ValueSet> {
        self.sets[column].as_ref()
    }

    /// Visits the columns that matter.
    pub(super) fn narrowed(&self) -> impl Iterator<Item = (usize, &ValueSet)> {
        self.sets.iter().enumerate().filter_map(|(column, set)| Some((column, set.as_ref()?)))
    }

    /// Says whether the value of the column lies within.
    pub(super) fn accepts(&self, column: usize, value: usize) -> bool {
        self.sets[column].as_ref().is_none_or(|set| set.contains(value))
    }

    /// Says whether the two have a case in common.
    pub(super) fn meets(&self, other: &Self) -> bool {
        self.sets.iter().zip(&other.sets).all(|pair| match pair {
            (Some(one), Some(two)) => one.meets(two),
            _ => true,
        })
    }

    /// Returns the cases that are in both, unless there are none.
    pub(super) fn and(&self, other: &Self) -> Option<Self> {
        if !self.meets(other) {
            return None;
        }
        let sets = self.sets.iter().zip(&other.sets).map(|pair| match pair {
            (Some(one), Some(two)) => Some(one.and(two)),
            (Some(set), None) | (None, Some(set)) => Some(set.clone()),
            (None, None) => None,
        });
        Some(Self { sets: sets.collect() })
    }
}
