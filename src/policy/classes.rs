//! Columns reduced to the classes of values that the rules can tell apart.

use std::collections::HashMap;

use super::{column::Column, draft::Draft, region::Region, values::ValueSet};

/// How many cells a table may have. Two million are proved in well under a second, and take 8 MB once compiled.
pub(super) const MAX_CELLS: usize = 2_000_000;

/// The classes of one column.
pub(super) struct Classes {
    /// The class of each value.
    pub(super) of_value: Vec<usize>,
    /// The values of each class.
    pub(super) members: Vec<ValueSet>,
}

impl Classes {
    /// Returns how many classes there are.
    pub(super) fn len(&self) -> usize {
        self.members.len()
    }

    fn of<'r>(column: &Column, index: usize, regions: impl Iterator<Item = &'r Region>) -> Self {
        // Starts with one class and splits it by each set; equal sets split nothing the second time.
        let mut of_value = vec![0; column.size()];
        let mut count = 1;
        let mut seen = std::collections::HashSet::new();
        for set in regions.filter_map(|region| region.set(index)) {
            if !seen.insert(set) {
                continue;
            }
            let mut renamed: HashMap<(usize, bool), usize> = HashMap::new();
            for (value, class) in of_value.iter_mut().enumerate() {
                let next = renamed.len();
                *class = *renamed.entry((*class, set.contains(value))).or_insert(next);
            }
            count = renamed.len();
        }
        let mut members = vec![ValueSet::empty(column.size()); count];
        for (value, &class) in of_value.iter().enumerate() {
            members[class].insert(value);
        }
        Self { of_value, members }
    }
}

/// Reduces the columns that rules can ask for; those of ids are left with one class.
pub(super) fn classes(draft: &Draft) -> Vec<Classes> {
    let of = |(index, column)| Classes::of(column, index, draft.rules.iter().map(|rule| &rule.region));
    draft.columns.iter().enumerate().map(of).collect()
}

/// Returns how many cells the classes make; `None` if that is more than [`MAX_CELLS`].
pub(super) fn cells(classes: &[Classes]) -> Option<usize> {
    let cells = classes.iter().try_fold(1_usize, |cells, classes| cells.checked_mul(classes.len()))?;
    (cells <= MAX_CELLS).then_some(cells)
}
