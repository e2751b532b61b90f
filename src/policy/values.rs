//! Sets of values of one column.

/// A set of the values `0..size` of a column.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct ValueSet {
    words: Vec<u64>,
    size: usize,
}

impl ValueSet {
    /// Makes the set of no value.
    pub(super) fn empty(size: usize) -> Self {
        Self { words: vec![0; size.div_ceil(64)], size }
    }

    /// Makes the set of these values.
    pub(super) fn of(size: usize, values: impl IntoIterator<Item = usize>) -> Self {
        let mut set = Self::empty(size);
        for value in values {
            set.insert(value);
        }
        set
    }

    /// Returns how many values the column has.
    pub(super) fn size(&self) -> usize {
        self.size
    }

    /// Adds a value.
    pub(super) fn insert(&mut self, value: usize) {
        debug_assert!(value < self.size);
        self.words[value / 64] |= 1 << (value % 64);
    }

    /// Adds the values of another set of the same column.
    pub(super) fn insert_all(&mut self, other: &Self) {
        for (word, more) in self.words.iter_mut().zip(&other.words) {
            *word |= more;
        }
    }

    /// Says whether the value is in the set.
    pub(super) fn contains(&self, value: usize) -> bool {
        self.words[value / 64] >> (value % 64) & 1 == 1
    }

    /// Returns how many values are in the set.
    pub(super) fn len(&self) -> usize {
        self.words.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// Says whether no value is in the set.
    pub(super) fn is_empty(&self) -> bool {
        self.words.iter().all(|&word| word == 0)
    }

    /// Says whether every value is in the set.
    pub(super) fn is_full(&self) -> bool {
        self.len() == self.size
    }

    /// Says whether every value of the set is in the other.
    pub(super) fn is_subset(&self, other: &Self) -> bool {
        self.words.iter().zip(&other.words).all(|(word, of)| word & !of == 0)
    }

    /// Says whether the two have a value in common.
    pub(super) fn meets(&self, other: &Self) -> bool {
        self.words.iter().zip(&other.words).any(|(word, with)| word & with != 0)
    }

    /// Returns the values that are in both.
    pub(super) fn and(&self, other: &Self) -> Self {
        let words = self.words.iter().zip(&other.words).map(|(word, with)| word & with).collect();
        Self { words, size: self.size }
    }

    /// Returns the values that are not in the set.
    pub(super) fn complement(&self) -> Self {
        Self::of(self.size, (0..self.size).filter(|&value| !self.contains(value)))
    }

    /// Visits the values in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        self.words.iter().enumerate().flat_map(|(index, &word)| Bits(word).map(move |bit| index * 64 + bit))
    }
}

/// The positions of the bits that are set, lowest first.
struct Bits(u64);

impl Iterator for Bits {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        if self.0 == 0 {
            return None;
        }
        let bit = self.0.trailing_zeros() as usize;
        self.0 &= self.0 - 1;
        Some(bit)
    }
}
