//! Finds keys that an object has twice.

use std::cmp::Ordering;

use xxhash_rust::xxh3::xxh3_64;

use crate::ticket::{
    raw::Raw,
    reason::{DeadLetterReason as Reason, Fault},
};

/// A member's key.
#[derive(Clone, Copy)]
pub(super) struct Key<'a> {
    pub(super) name: Raw<'a>,
    /// Where its text starts, behind the quote.
    pub(super) at: usize,
}

/// The keys of all objects that are open, those of the innermost last. Known fields are not among them: a set of
/// bits keeps those.
#[derive(Default, Debug)]
pub(super) struct Keys(Vec<Seen>);

#[derive(Clone, Copy, Debug)]
struct Seen {
    hash: u64,
    start: usize,
    len: usize,
    is_escaped: bool,
}

impl Seen {
    fn name<'a>(&self, text: &'a str) -> Raw<'a> {
        Raw::json(text.get(self.start..self.start + self.len).expect("a key of this text"), self.is_escaped)
    }
}

impl Keys {
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// Where the keys of an object that begins now will start.
    pub(super) fn mark(&self) -> usize {
        self.0.len()
    }

    pub(super) fn add(&mut self, key: Option<Key<'_>>, unescaped: &mut String) {
        let Some(Key { name, at }) = key else { return };
        let hash = match name.as_plain() {
            Some(name) => xxh3_64(name.as_bytes()),
            None => {
                unescaped.clear();
                name.append_to(unescaped);
                xxh3_64(unescaped.as_bytes())
            }
        };
        let is_escaped = name.as_plain().is_none();
        self.0.push(Seen { hash, start: at, len: name.raw_len(), is_escaped });
    }

    /// Ends the object whose keys started at `mark`: none may be there twice.
    pub(super) fn close(&mut self, mark: usize, text: &str) -> Result<(), Fault> {
        let seen = self.0.get_mut(mark..).unwrap_or_default();
        if seen.len() > 1 {
            // Equal hashes are settled by the texts, so that nobody gains by making hashes collide.
            let order = |a: &Seen, b: &Seen| match a.hash.cmp(&b.hash) {
                Ordering::Equal => a.name(text).to_text().cmp(&b.name(text).to_text()),
                order => order,
            };
            seen.sort_unstable_by(order);
            let twice = seen.windows(2).find(|pair| matches!(pair, [a, b] if order(a, b).is_eq()));
            if let Some([_, key]) = twice {
                return Err(duplicate(&key.name(text)));
            }
        }
        self.0.truncate(mark);
        Ok(())
    }
}

#[cold]
pub(super) fn duplicate(name: &Raw<'_>) -> Fault {
    Reason::DuplicateKey.with(format!("an object sets {} a second time", name.quote())).into()
}
