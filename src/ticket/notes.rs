//! What is odd about a ticket that is routed all the same, by field: the worker counts it.

use std::ops::Range;

/// What is noted of a field.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Note {
    /// The contract does not have such a value. It decides nothing, and travels on as it came.
    OddValue,
    /// The name is that of a field of the contract except for case and underscores: nobody reads it.
    Misspelt,
    /// The format that the ticket was rewritten in has no place for the field, or for its value.
    Dropped,
}

impl Note {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 3] = [Self::OddValue, Self::Misspelt, Self::Dropped];
}

/// The notes on one ticket, each field and kind once. Room is kept from one ticket to the next.
#[derive(Default, Debug)]
pub struct Notes {
    names: String,
    list: Vec<(Note, Range<usize>)>,
}

/// Stands for names that are not plain, and for those beyond the limit.
pub const OTHER: &str = "other";
/// The longest name that is noted.
const MAX_NAME: usize = 64;
/// Notes on one ticket; what comes after them counts as [`OTHER`].
const MAX_NOTES: usize = 64;

impl Notes {
    /// Returns whether nothing is odd.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The notes with the names of their fields. A name is a field's of the contract, a plain one that the
    /// ticket has, or [`OTHER`].
    pub fn iter(&self) -> impl Iterator<Item = (Note, &str)> {
        self.list.iter().map(|(note, place)| (*note, self.name(place)))
    }

    pub(super) fn clear(&mut self) {
        self.names.clear();
        self.list.clear();
    }

    /// Notes something of a field inside of `path`, which is empty or ends in a dot.
    #[cold]
    pub(super) fn add(&mut self, note: Note, path: &'static str, name: &str) {
        let start = self.names.len();
        if !is_plain(name) || self.list.len() + 1 > MAX_NOTES {
            self.names.push_str(OTHER);
        } else {
            self.names.push_str(path);
            self.names.push_str(name);
        }
        let place = start..self.names.len();
        let is_there = self.list.iter().any(|(kind, it)| *kind == note && self.name(it) == self.name(&place));
        if is_there {
            self.names.truncate(start);
        } else {
            self.list.push((note, place));
        }
    }

    fn name(&self, place: &Range<usize>) -> &str {
        self.names.get(place.clone()).unwrap_or_default()
    }
}

/// Says whether a key is surely a field's name: keys can hold what people wrote, such as addresses.
pub(super) fn is_plain(name: &str) -> bool {
    name.len() <= MAX_NAME
        && name.bytes().next().is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_field_is_noted_once_and_only_plain_names_are_kept() {
        let mut notes = Notes::default();
        notes.add(Note::Dropped, "", "channel");
        notes.add(Note::Dropped, "", "channel");
        notes.add(Note::OddValue, "", "channel");
        notes.add(Note::Dropped, "requester.", "badge");
        for name in ["ana@example.com", "Root cause", "4111111111111111", "", &"x".repeat(65)] {
            notes.add(Note::Dropped, "requester.", name);
        }
        let all: Vec<_> = notes.iter().collect();
        let dropped = Note::Dropped;
        let expected = [
            (dropped, "channel"),
            (Note::OddValue, "channel"),
            (dropped, "requester.badge"),
            (dropped, "other"),
        ];
        assert_eq!(all, expected);
        notes.clear();
        (0..100).for_each(|n| notes.add(Note::Dropped, "", &format!("f{n}")));
        assert_eq!(notes.iter().count(), 65);
        assert_eq!(notes.iter().last(), Some((Note::Dropped, "other")));
    }
}
