//! The outline of a JSON text that is perhaps no ticket: for envelopes, and for saying what a bad record is.

use super::{
    Parser, Scratch,
    scan::{Cursor, Kind},
};
use crate::ticket::{limits::Limits, notes::Notes, raw::Raw, reason::Fault, sink::Sink};

/// A member of an object.
#[derive(Clone, Copy, Debug)]
pub(in crate::ticket) struct Member<'a> {
    /// Its name.
    pub(in crate::ticket) name: Raw<'a>,
    /// What its value is.
    pub(in crate::ticket) kind: Kind,
    /// The value as it is written; of a string also its quotes.
    pub(in crate::ticket) value: &'a str,
}

impl<'a> Member<'a> {
    /// The text of a string.
    pub(in crate::ticket) fn text(&self) -> Option<Raw<'a>> {
        if self.kind == Kind::String { Cursor::new(self.value).string().ok() } else { None }
    }
}

/// The members of the object that a text is. Checks the text as a ticket is checked, except that what an
/// envelope holds may be as deep as a ticket.
///
/// # Errors
/// As for a ticket that is no well-formed JSON object.
pub(in crate::ticket) fn members<'a>(bytes: &'a [u8], limits: &Limits) -> Result<Vec<Member<'a>>, Fault> {
    let limits = Limits { max_depth: limits.max_depth.saturating_add(1), ..*limits };
    let (mut scratch, mut notes, mut nobody) = (Scratch::default(), Notes::default(), ());
    let mut parser = Parser::new(bytes, &limits, &mut scratch, &mut notes, &mut nobody)?;
    let members = parser.outline()?;
    parser.cursor.end()?;
    Ok(members)
}

/// The first element of the list that a text is, as it is written, and what it is. Nothing if it is no list,
/// or an empty one.
pub(in crate::ticket) fn first_element(bytes: &[u8]) -> Option<(Kind, &str)> {
    let (mut scratch, mut notes, mut nobody) = (Scratch::default(), Notes::default(), ());
    let mut parser = Parser::new(bytes, &Limits::NONE, &mut scratch, &mut notes, &mut nobody).ok()?;
    parser.cursor.token().filter(|token| *token == b'[')?;
    parser.cursor.take();
    let kind = parser.cursor.kind().ok()?;
    let start = parser.cursor.at();
    parser.skip(1).ok()?;
    Some((kind, parser.cursor.since(start)))
}

impl<'a, S: Sink<'a>> Parser<'a, '_, S> {
    fn outline(&mut self) -> Result<Vec<Member<'a>>, Fault> {
        let kind = self.cursor.kind()?;
        if kind != Kind::Object {
            return Err(self.cursor.syntax(&format!("expected an object, found {kind}")));
        }
        let mark = self.scratch.keys.mark();
        let mut members = Vec::new();
        let mut more = self.cursor.first_member()?;
        while more {
            let key = self.cursor.key()?;
            self.add_key(key);
            let kind = self.cursor.kind()?;
            let start = self.cursor.at();
            self.skip(1)?;
            members.push(Member { name: self.cursor.name(key), kind, value: self.cursor.since(start) });
            more = self.cursor.next_member()?;
        }
        self.scratch.keys.close(mark, self.cursor.text())?;
        Ok(members)
    }
}
