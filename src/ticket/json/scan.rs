//! The tokens of JSON (RFC 8259), sixteen bytes a step within strings.

use std::fmt;

use wide::u8x16;

use super::keys::Key;
use crate::ticket::{
    raw::Raw,
    reason::{DeadLetterReason as Reason, Fault},
};

/// What a value is, by its first byte.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::ticket) enum Kind {
    String,
    Number,
    Object,
    Array,
    True,
    False,
    Null,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::String => "a string",
            Self::Number => "a number",
            Self::Object => "an object",
            Self::Array => "an array",
            Self::True | Self::False => "a boolean",
            Self::Null => "null",
        })
    }
}

/// A place in a JSON text. Methods that read a value start at its first byte.
pub(super) struct Cursor<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Cursor<'a> {
    pub(super) const fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    pub(super) const fn text(&self) -> &'a str {
        self.text
    }

    /// The text of a key that was read here, if it has no escapes.
    #[inline]
    pub(super) fn plain(&self, key: Key) -> Option<&'a [u8]> {
        if key.is_escaped { None } else { self.text.as_bytes().get(key.start..key.end) }
    }

    /// The text of a key that was read here.
    #[inline]
    pub(super) fn name(&self, key: Key) -> Raw<'a> {
        key.name(self.text)
    }

    /// Bytes read so far.
    pub(super) const fn at(&self) -> usize {
        self.at
    }

    /// What was read since a place that [`at`](Self::at) gave before a value.
    pub(super) fn since(&self, start: usize) -> &'a str {
        self.text.get(start..self.at).expect("values begin and end between characters")
    }

    #[inline]
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// The next byte that is no white space; not taken.
    #[inline]
    pub(super) fn token(&mut self) -> Option<u8> {
        match self.peek() {
            Some(b'\0'..=b' ') => self.token_behind_space(),
            token => token,
        }
    }

    /// Apart, since compact JSON has no white space.
    #[inline(never)]
    fn token_behind_space(&mut self) -> Option<u8> {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.at += 1;
        }
        self.peek()
    }

    /// Takes the byte that [`token`](Self::token) has shown.
    #[inline]
    pub(super) const fn take(&mut self) {
        self.at += 1;
    }

    /// What the next value is; moves to its first byte.
    #[inline]
    pub(super) fn kind(&mut self) -> Result<Kind, Fault> {
        Ok(match self.token() {
            Some(b'"') => Kind::String,
            Some(b'-' | b'0'..=b'9') => Kind::Number,
            Some(b'{') => Kind::Object,
            Some(b'[') => Kind::Array,
            Some(b't') => Kind::True,
            Some(b'f') => Kind::False,
            Some(b'n') => Kind::Null,
            _ => return Err(self.expected("a value")),
        })
    }

    /// Enters an object; says whether it has a member, whose [`key`](Self::key) is then next.
    #[inline]
    pub(super) fn first_member(&mut self) -> Result<bool, Fault> {
        self.take();
        match self.token() {
            Some(b'"') => Ok(true),
            Some(b'}') => {
                self.take();
                Ok(false)
            }
            _ => Err(self.expected("a key or `}`")),
        }
    }

    /// After a member: says whether there is another, whose [`key`](Self::key) is then next.
    #[inline]
    pub(super) fn next_member(&mut self) -> Result<bool, Fault> {
        match self.token() {
            Some(b',') => {
                self.take();
                if self.token() == Some(b'"') { Ok(true) } else { Err(self.expected("a key")) }
            }
            Some(b'}') => {
                self.take();
                Ok(false)
            }
            _ => Err(self.expected("`,` or `}`")),
        }
    }

    /// Reads a key and the colon behind it.
    #[inline]
    pub(super) fn key(&mut self) -> Result<Key, Fault> {
        let start = self.at + 1;
        let is_escaped = self.pass_string()?;
        let key = Key { start, end: self.at, is_escaped };
        self.take();
        if self.token() != Some(b':') {
            return Err(self.expected("`:`"));
        }
        self.take();
        Ok(key)
    }

    /// Reads a string.
    #[inline]
    pub(super) fn string(&mut self) -> Result<Raw<'a>, Fault> {
        let start = self.at + 1;
        let is_escaped = self.pass_string()?;
        let text = self.text.get(start..self.at).expect("quotes lie between characters");
        self.take();
        Ok(Raw::json(text, is_escaped))
    }

    /// From the opening quote of a string to its closing one; says whether there are escapes between them.
    #[inline(always)]
    fn pass_string(&mut self) -> Result<bool, Fault> {
        self.at = next_special(self.text.as_bytes(), self.at + 1);
        let is_escaped = self.peek() != Some(b'"');
        if is_escaped {
            self.rest_of_string()?;
        }
        Ok(is_escaped)
    }

    /// From the first byte that is not plain text to the closing quote.
    fn rest_of_string(&mut self) -> Result<(), Fault> {
        loop {
            match self.peek() {
                Some(b'"') => return Ok(()),
                Some(b'\\') => self.escape()?,
                Some(_) => return Err(self.expected("a string without unescaped control characters")),
                None => return Err(self.expected("`\"`")),
            }
            self.at = next_special(self.text.as_bytes(), self.at);
        }
    }

    fn escape(&mut self) -> Result<(), Fault> {
        self.take();
        match self.peek() {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.take(),
            Some(b'u') => match self.unit()? {
                0xd800..0xdc00 => {
                    let low = if self.text.as_bytes().get(self.at..self.at + 2) == Some(b"\\u") {
                        self.take();
                        self.unit()?
                    } else {
                        0
                    };
                    if !(0xdc00..0xe000).contains(&low) {
                        return Err(self.expected("the second half of a surrogate pair"));
                    }
                }
                0xdc00..0xe000 => {
                    return Err(self.expected("the first half of a surrogate pair before its second"));
                }
                _ => {}
            },
            _ => return Err(self.expected("an escape")),
        }
        Ok(())
    }

    /// `u` and four hexadecimal digits.
    fn unit(&mut self) -> Result<u32, Fault> {
        self.take();
        let digits = self.text.as_bytes().get(self.at..self.at + 4).unwrap_or_default();
        if digits.len() < 4 || !digits.iter().all(u8::is_ascii_hexdigit) {
            return Err(self.expected("four hexadecimal digits"));
        }
        self.at += 4;
        Ok(digits.iter().fold(0, |unit, digit| {
            let value = match digit {
                b'0'..=b'9' => digit - b'0',
                letter => (letter | 0x20) - b'a' + 10,
            };
            (unit << 4) | u32::from(value)
        }))
    }

    /// Reads a number and returns its text.
    pub(super) fn number(&mut self) -> Result<&'a str, Fault> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.take();
        }
        match self.peek() {
            Some(b'0') => self.take(),
            Some(b'1'..=b'9') => self.digits()?,
            _ => return Err(self.expected("a digit")),
        }
        if self.peek() == Some(b'.') {
            self.take();
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.take();
            if let Some(b'+' | b'-') = self.peek() {
                self.take();
            }
            self.digits()?;
        }
        Ok(self.text.get(start..self.at).expect("digits are characters"))
    }

    fn digits(&mut self) -> Result<(), Fault> {
        if !self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            return Err(self.expected("a digit"));
        }
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.take();
        }
        Ok(())
    }

    /// Reads `true`, `false` or `null`.
    pub(super) fn literal(&mut self, kind: Kind) -> Result<(), Fault> {
        let literal = match kind {
            Kind::True => "true",
            Kind::False => "false",
            _ => "null",
        };
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        if !rest.starts_with(literal.as_bytes()) {
            return Err(self.expected("a value"));
        }
        self.at += literal.len();
        Ok(())
    }

    /// Nothing but white space is left.
    pub(super) fn end(&mut self) -> Result<(), Fault> {
        match self.token() {
            None => Ok(()),
            Some(_) => Err(self.expected("nothing after the ticket")),
        }
    }

    #[cold]
    pub(super) fn expected(&self, what: &str) -> Fault {
        match self.peek() {
            Some(_) => self.syntax(&format!("expected {what}")),
            None => self.syntax(&format!("expected {what}, found the end")),
        }
    }

    #[cold]
    pub(super) fn syntax(&self, what: &str) -> Fault {
        Reason::InvalidJson.with(format!("{what} at byte {}", self.at)).into()
    }
}

/// The first byte from `at` on that is a quote, a backslash or a control character, or the end.
///
/// Never inlined: it needs a few registers only, and is called from many places.
#[inline(never)]
fn next_special(bytes: &[u8], mut at: usize) -> usize {
    while let Some(block) = bytes.get(at..).and_then(|rest| rest.first_chunk()) {
        let special = specials(*block);
        if special != 0 {
            return at + special.trailing_zeros() as usize;
        }
        at += block.len();
    }
    tail(bytes, at)
}

#[cold]
fn tail(bytes: &[u8], at: usize) -> usize {
    let rest = bytes.get(at..).unwrap_or_default();
    let is_special = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..0x20);
    at + rest.iter().position(is_special).unwrap_or(rest.len())
}

/// The special bytes among sixteen, a bit each. What a compiler makes of a plain loop varies with every change, by
/// a factor of four; these are vector instructions on all usual machines.
#[inline]
fn specials(block: [u8; 16]) -> u32 {
    let block = u8x16::new(block);
    let is_control = block.min(u8x16::splat(0x1f)).simd_eq(block);
    let is_special = is_control | block.simd_eq(u8x16::splat(b'"')) | block.simd_eq(u8x16::splat(b'\\'));
    is_special.to_bitmask()
}
