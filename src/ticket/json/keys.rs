//! Finds keys that an object has twice.

use std::cmp::Ordering;

use xxhash_rust::xxh3::xxh3_64;

use crate::ticket::{
    raw::Raw,
    reason::{DeadLetterReason as Reason, Fault},
};

/// Where a text has a member's key, without the quotes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Key {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) is_escaped: bool,
}

impl Key {
    #[inline]
    pub(super) fn name(self, text: &str) -> Raw<'_> {
        let name = text.get(self.start..self.end).expect("a key of this text");
        Raw::json(name, self.is_escaped)
    }
}

/// The keys of all objects that are open, those of the innermost last. Known fields are not among them: a set of
/// bits keeps those.
#[derive(Default, Debug)]
pub(super) struct Keys(Vec<Seen>);

#[derive(Clone, Copy, Debug)]
struct Seen {
    hash: u64,
    key: Key,
}

impl Keys {
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// Where the keys of an object that begins now will start.
    pub(super) fn mark(&self) -> usize {
        self.0.len()
    }

    pub(super) fn add(&mut self, key: Key, text: &str, unescaped: &mut String) {
        let name = key.name(text);
        let hash = match name.as_plain() {
            Some(name) => xxh3_64(name.as_bytes()),
            None => {
                unescaped.clear();
                name.append_to(unescaped);
                xxh3_64(unescaped.as_bytes())
            }
        };
        self.0.push(Seen { hash, key });
    }

    /// Ends the object whose keys started at `mark`: none may be there twice.
    pub(super) fn close(&mut self, mark: usize, text: &str) -> Result<(), Fault> {
        let seen = self.0.get_mut(mark..).unwrap_or_default();
        if seen.len() > 1 {
            // Equal hashes are settled by the texts, so that nobody gains by making hashes collide.
            let order = |a: &Seen, b: &Seen| match a.hash.cmp(&b.hash) {
                Ordering::Equal => a.key.name(text).to_text().cmp(&b.key.name(text).to_text()),
                order => order,
            };
            seen.sort_unstable_by(order);
            let twice = seen.windows(2).find(|pair| matches!(pair, [a, b] if order(a, b).is_eq()));
            if let Some([_, seen]) = twice {
                return Err(duplicate(&seen.key.name(text)));
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
