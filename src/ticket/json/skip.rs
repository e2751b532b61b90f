//! Passes over a value that nobody asked for, and checks it all the same.

use super::{
    Parser,
    scan::{Cursor, Kind},
};
use crate::ticket::{reason::Fault, sink::Sink};

/// An object or array that has begun.
#[derive(Debug)]
pub(super) enum Open {
    /// With the place where its keys start.
    Object(usize),
    Array,
}

impl<'a, S: Sink<'a>> Parser<'a, '_, S> {
    /// Passes over one value inside `depth` objects. Keeps its own stack: the depth of a ticket never becomes
    /// depth of calls.
    pub(super) fn skip(&mut self, depth: usize) -> Result<(), Fault> {
        loop {
            self.begin_value(depth)?;
            // Ends what ends here, up to a member or element that follows.
            loop {
                let Some(open) = self.scratch.open.last() else { return Ok(()) };
                let more = match open {
                    Open::Array => next_element(&mut self.cursor)?,
                    Open::Object(mark) => {
                        let mark = *mark;
                        let more = self.cursor.next_member()?;
                        if more {
                            let key = self.cursor.key()?;
                            self.add_key(key);
                        } else {
                            self.scratch.keys.close(mark, self.cursor.text())?;
                        }
                        more
                    }
                };
                if more {
                    break;
                }
                self.scratch.open.pop();
            }
        }
    }

    /// Passes over a scalar or an empty object or array; of any other, over all that comes before its first scalar.
    fn begin_value(&mut self, depth: usize) -> Result<(), Fault> {
        loop {
            let kind = self.cursor.kind()?;
            match kind {
                Kind::String => return self.cursor.string().map(drop),
                Kind::Number => return self.cursor.number().map(drop),
                Kind::True | Kind::False | Kind::Null => return self.cursor.literal(kind),
                Kind::Object => {
                    self.open(depth + self.scratch.open.len() + 1)?;
                    if !self.cursor.first_member()? {
                        return Ok(());
                    }
                    let key = self.cursor.key()?;
                    self.scratch.open.push(Open::Object(self.scratch.keys.mark()));
                    self.add_key(key);
                }
                Kind::Array => {
                    self.open(depth + self.scratch.open.len() + 1)?;
                    self.cursor.take();
                    if self.cursor.token() == Some(b']') {
                        self.cursor.take();
                        return Ok(());
                    }
                    self.scratch.open.push(Open::Array);
                }
            }
        }
    }
}

/// After an element: says whether another follows.
fn next_element(cursor: &mut Cursor<'_>) -> Result<bool, Fault> {
    match cursor.token() {
        Some(b',') => {
            cursor.take();
            Ok(true)
        }
        Some(b']') => {
            cursor.take();
            Ok(false)
        }
        _ => Err(cursor.expected("`,` or `]`")),
    }
}
