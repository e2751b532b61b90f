//! The product of the classes: which rule has each cell.

use super::{classes::Classes, draft::DraftRule, region::Region};

/// The cell of a case that no rule takes.
pub(super) const NO_RULE: u32 = u32::MAX;

/// For each combination of classes the first rule that takes it, the last column running fastest.
pub(super) struct Grid {
    /// How many classes each column has.
    pub(super) sizes: Vec<usize>,
    pub(super) cells: Vec<u32>,
}

impl Grid {
    /// Walks every combination once.
    pub(super) fn of(classes: &[Classes], rules: &[DraftRule], cells: usize) -> Self {
        let sizes: Vec<usize> = classes.iter().map(Classes::len).collect();
        let mut walk = Walk {
            takers: classes
                .iter()
                .enumerate()
                .map(|(index, classes)| takers(index, classes, rules))
                .collect(),
            cells: Vec::with_capacity(cells),
        };
        walk.down(0, &RuleSet::all(rules.len()));
        Self { sizes, cells: walk.cells }
    }

    /// Returns the place of a combination.
    pub(super) fn place(&self, classes: impl Iterator<Item = usize>) -> usize {
        classes.zip(&self.sizes).fold(0, |place, (class, size)| place * size + class)
    }

    /// Returns the combination at a place.
    pub(super) fn combination(&self, mut place: usize) -> Vec<usize> {
        let mut classes = vec![0; self.sizes.len()];
        for (class, size) in classes.iter_mut().zip(&self.sizes).rev() {
            *class = place % size;
            place /= size;
        }
        classes
    }
}

/// For each class of a column, the rules that accept it.
fn takers(column: usize, classes: &Classes, rules: &[DraftRule]) -> Vec<RuleSet> {
    let accepts = |region: &Region, value| region.accepts(column, value);
    classes
        .members
        .iter()
        .map(|members| {
            let value = members.iter().next().expect("a class has a value, or it would not be one");
            let mut set = RuleSet(vec![0; rules.len().div_ceil(64)]);
            for (index, _) in rules.iter().enumerate().filter(|(_, rule)| accepts(&rule.region, value)) {
                set.0[index / 64] |= 1 << (index % 64);
            }
            set
        })
        .collect()
}

struct Walk {
    takers: Vec<Vec<RuleSet>>,
    cells: Vec<u32>,
}

impl Walk {
    fn down(&mut self, column: usize, left: &RuleSet) {
        if column == self.takers.len() {
            self.cells.push(left.first());
            return;
        }
        for class in 0..self.takers[column].len() {
            let left = left.and(&self.takers[column][class]);
            self.down(column + 1, &left);
        }
    }
}

/// A set of rules.
struct RuleSet(Vec<u64>);

impl RuleSet {
    fn all(rules: usize) -> Self {
        let mut words = vec![u64::MAX; rules.div_ceil(64)];
        if let Some(last) = words.last_mut().filter(|_| !rules.is_multiple_of(64)) {
            *last = (1 << (rules % 64)) - 1;
        }
        Self(words)
    }

    fn and(&self, other: &Self) -> Self {
        Self(self.0.iter().zip(&other.0).map(|(one, two)| one & two).collect())
    }

    fn first(&self) -> u32 {
        let word = self.0.iter().position(|&word| word != 0);
        word.map_or(NO_RULE, |word| (word * 64) as u32 + self.0[word].trailing_zeros())
    }
}
