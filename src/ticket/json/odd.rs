//! What sources write in place of what the contract has. All of it is rare, and none of it is on the hot
//! path.
//!
//! What decides nothing never keeps a ticket from its owner: it travels on as it came and is noted. What
//! decides is refused.

use super::{
    Field, Parser,
    keys::Key,
    scan::{Cursor, Kind},
    wrong_type,
};
use crate::ticket::{
    notes::Note,
    raw::Raw,
    reason::Fault,
    sink::{Code, Sink, Text, Time},
    time,
};

impl<'a, S: Sink<'a>> Parser<'a, '_, S> {
    /// A known field whose value is neither a string nor what else it may be; not null.
    #[cold]
    pub(super) fn odd_field(&mut self, field: Field, kind: Kind) -> Result<(), Fault> {
        let start = self.cursor.at();
        match field {
            Field::Text(text) => self.odd_text(text, kind),
            Field::Time(field) => {
                self.skip(field.depth())?;
                let read =
                    if kind == Kind::Number { time::since_1970(self.cursor.since(start)) } else { None };
                self.note_time(field, read, false);
                Ok(())
            }
            Field::Code(Code::Severity) => {
                self.skip(1)?;
                self.unread("severity");
                Ok(())
            }
            Field::Code(code) => Err(wrong_type(code.name(), "a name or a number", kind)),
            Field::Revision => {
                self.skip(1)?;
                self.unread("revision");
                Ok(())
            }
            Field::Requester => Err(wrong_type("requester", "an object", kind)),
            Field::Attributes => {
                self.skip(1)?;
                let is_empty = kind == Kind::Array && is_empty_list(self.cursor.since(start));
                self.no_attributes(is_empty, kind)
            }
        }
    }

    /// A text that is none. An id that is a whole number is its digits; of a field that decides nothing the
    /// text is the value as it is written.
    fn odd_text(&mut self, field: Text, kind: Kind) -> Result<(), Fault> {
        let start = self.cursor.at();
        self.skip(field.depth())?;
        let written = self.cursor.since(start);
        let is_digits = kind == Kind::Number && written.bytes().all(|byte| byte.is_ascii_digit());
        if field.decides() && !is_digits {
            return Err(wrong_type(field.name(), "a string", kind));
        }
        self.notes.add(Note::OddValue, "", field.name());
        if is_digits {
            return self.text(field, Raw::plain(written));
        }
        self.sink.text(field, || Raw::plain(written));
        Ok(())
    }

    /// A string that ProtoJSON does not have for a time.
    #[cold]
    pub(super) fn odd_time(&mut self, field: Time, value: &Raw<'a>) {
        self.note_time(field, time::read(&value.to_text()), value.is_empty());
    }

    fn note_time(&mut self, field: Time, read: Option<crate::proto::Timestamp>, is_empty: bool) {
        match read {
            Some(time) => self.sink.time(field, time),
            None if is_empty => {}
            None => return self.unread(field.name()),
        }
        self.notes.add(Note::OddValue, "", field.name());
    }

    /// A string that is no name of this version. Empty text is not given.
    #[cold]
    pub(super) fn odd_name(&mut self, field: Code, value: &Raw<'a>) {
        if value.is_empty() {
            return self.notes.add(Note::OddValue, "", field.name());
        }
        self.sink.code(field, None);
        if S::REWRITES {
            self.notes.add(Note::Dropped, "", field.name());
        }
    }

    /// Attributes that are no object: PHP writes an empty map as a list.
    #[cold]
    pub(super) fn no_attributes(&mut self, is_empty: bool, kind: Kind) -> Result<(), Fault> {
        if is_empty {
            self.notes.add(Note::OddValue, "", "attributes");
            return Ok(());
        }
        if self.sink.decides(None) {
            return Err(wrong_type("attributes", "an object", kind));
        }
        self.unread("attributes");
        Ok(())
    }

    /// The value of an attribute that is no string: what is written; nothing for null, which is absent.
    #[cold]
    pub(super) fn odd_attribute(&mut self, name: &Raw<'a>, kind: Kind) -> Result<Option<Raw<'a>>, Fault> {
        let is_scalar = !matches!(kind, Kind::Object | Kind::Array);
        if !is_scalar && self.sink.decides(Some(name)) {
            return Err(wrong_type(&format!("attributes[{}]", name.quote()), "a string", kind));
        }
        let start = self.cursor.at();
        self.skip(2)?;
        self.notes.add(Note::OddValue, "", "attributes");
        Ok((kind != Kind::Null).then(|| Raw::plain(self.cursor.since(start))))
    }

    /// Notes a value that nothing can be made of.
    #[cold]
    pub(super) fn unread(&mut self, field: &str) {
        self.notes.add(Note::OddValue, "", field);
        if S::REWRITES {
            self.notes.add(Note::Dropped, "", field);
        }
    }

    /// Notes a member of the ticket (at depth 1) or its requester that this version does not know.
    #[inline(never)]
    pub(super) fn note_unknown(&mut self, depth: usize, key: Key) {
        let name = self.cursor.name(key);
        let path = if depth == 1 { "" } else { "requester." };
        if let Some(meant) = Field::meant(path, &name) {
            self.notes.add(Note::Misspelt, "", meant);
        }
        if S::REWRITES {
            self.notes.add(Note::Dropped, path, &name.to_text());
        }
    }
}

impl Text {
    /// How many objects it lies in.
    const fn depth(self) -> usize {
        if matches!(self, Self::RequesterId | Self::DisplayName | Self::Email) { 2 } else { 1 }
    }
}

impl Time {
    const fn depth(self) -> usize {
        1
    }
}

impl Field {
    /// The field of the ticket, or of its requester, that has this name except for case and underscores.
    fn meant(path: &str, name: &Raw<'_>) -> Option<&'static str> {
        /// The longest name, with its underscore and one more.
        const LONGEST: usize = "subscription__id".len();
        let name = name.as_plain().filter(|name| name.len() <= LONGEST)?;
        let mut letters = [0; LONGEST];
        let mut len = 0;
        for byte in name.bytes().filter(|byte| *byte != b'_') {
            letters[len] = byte.to_ascii_lowercase();
            len += 1;
        }
        Some(match (path, &letters[..len]) {
            ("", b"id") => "id",
            ("", b"source") => "source",
            ("", b"createdat") => "createdAt",
            ("", b"updatedat") => "updatedAt",
            ("", b"revision") => "revision",
            ("", b"requester") => "requester",
            ("", b"partnerid") => "partnerId",
            ("", b"offerid") => "offerId",
            ("", b"planid") => "planId",
            ("", b"subscriptionid") => "subscriptionId",
            ("", b"category") => "category",
            ("", b"severity") => "severity",
            ("", b"language") => "language",
            ("", b"subject") => "subject",
            ("", b"body") => "body",
            ("", b"attributes") => "attributes",
            ("requester.", b"role") => "requester.role",
            ("requester.", b"id") => "requester.id",
            ("requester.", b"displayname") => "requester.displayName",
            ("requester.", b"email") => "requester.email",
            _ => return None,
        })
    }
}

fn is_empty_list(list: &str) -> bool {
    let mut cursor = Cursor::new(list);
    cursor.take();
    cursor.token() == Some(b']')
}
