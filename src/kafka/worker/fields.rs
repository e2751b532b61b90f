//! The names of odd fields, as labels: tickets bring them, so there must not be any number of them.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::ticket::OTHER_FIELD;

/// The names that are told apart in one process, [`OTHER_FIELD`] included.
pub const MAX_NAMES: usize = 50;

/// The first names that were seen, each with a number; all others are [`OTHER_FIELD`], which has the number
/// 0.
#[derive(Debug, Default)]
pub struct FieldNames(Mutex<Vec<Box<str>>>);

static OF_PROCESS: FieldNames = FieldNames(Mutex::new(Vec::new()));

impl FieldNames {
    /// The names of this process: all workers count by the same ones.
    #[must_use]
    pub fn of_process() -> &'static Self {
        &OF_PROCESS
    }

    /// The number of a name, less than `MAX_NAMES`.
    #[must_use]
    pub fn number(&self, name: &str) -> usize {
        let mut names = self.lock();
        if name == OTHER_FIELD {
            return 0;
        }
        if let Some(index) = names.iter().position(|known| **known == *name) {
            return index + 1;
        }
        if names.len() + 1 >= MAX_NAMES {
            return 0;
        }
        names.push(name.into());
        names.len()
    }

    /// The name of a number.
    #[must_use]
    pub fn name(&self, number: usize) -> String {
        let names = self.lock();
        number.checked_sub(1).and_then(|index| names.get(index)).map_or(OTHER_FIELD, |name| name).to_owned()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Box<str>>> {
        // Names are only added: a panic elsewhere leaves them whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_names_keep_their_numbers_and_the_rest_is_other() {
        let names = FieldNames::default();
        assert_eq!((names.number("channel"), names.number(OTHER_FIELD), names.number("tags")), (1, 0, 2));
        let numbers: Vec<_> = (0..100).map(|n| names.number(&format!("f{n}"))).collect();
        assert_eq!((numbers[0], numbers[46], numbers[47], numbers[99]), (3, 49, 0, 0));
        assert_eq!((names.number("channel"), names.number("f0")), (1, 3));
        assert_eq!(
            ["channel", "tags", "f46"].map(|name| names.name(names.number(name))),
            ["channel", "tags", "f46"]
        );
        assert_eq!(
            (names.name(0), names.name(names.number("f99"))),
            ("other".to_owned(), "other".to_owned())
        );
    }
}
