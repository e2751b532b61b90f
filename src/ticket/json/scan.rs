//! The tokens of JSON (RFC 8259), eight or more bytes a step where strings are long.

use std::fmt;

use super::keys::Key;
use crate::ticket::{
    raw::Raw,
    reason::{DeadLetterReason as Reason, Fault},
};

/// What a value is, by its first byte.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
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

    /// Bytes read so far.
    pub(super) const fn at(&self) -> usize {
        self.at
    }

    #[inline]
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// The next byte that is no white space; not taken.
    #[inline]
    pub(super) fn token(&mut self) -> Option<u8> {
        loop {
            match self.peek() {
                Some(b' ' | b'\t' | b'\n' | b'\r') => self.at += 1,
                other => return other,
            }
        }
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

    /// Enters an object and reads its first key and the colon; `None` where it is empty.
    #[inline]
    pub(super) fn first_key(&mut self) -> Result<Option<Key<'a>>, Fault> {
        self.take();
        match self.token() {
            Some(b'"') => self.key(),
            Some(b'}') => {
                self.take();
                Ok(None)
            }
            _ => Err(self.expected("a key or `}`")),
        }
    }

    /// After a member: the next key and its colon, or `None` at the object's end.
    #[inline]
    pub(super) fn next_key(&mut self) -> Result<Option<Key<'a>>, Fault> {
        match self.token() {
            Some(b',') => {
                self.take();
                if self.token() == Some(b'"') { self.key() } else { Err(self.expected("a key")) }
            }
            Some(b'}') => {
                self.take();
                Ok(None)
            }
            _ => Err(self.expected("`,` or `}`")),
        }
    }

    #[inline]
    fn key(&mut self) -> Result<Option<Key<'a>>, Fault> {
        let at = self.at + 1;
        let name = self.string()?;
        if self.token() != Some(b':') {
            return Err(self.expected("`:`"));
        }
        self.take();
        Ok(Some(Key { name, at }))
    }

    /// Reads a string.
    #[inline]
    pub(super) fn string(&mut self) -> Result<Raw<'a>, Fault> {
        let start = self.at + 1;
        self.at = next_special(self.text.as_bytes(), start);
        let escaped = self.peek() != Some(b'"');
        if escaped {
            self.rest_of_string()?;
        }
        let text = self.text.get(start..self.at).expect("quotes lie between characters");
        self.take();
        Ok(Raw::json(text, escaped))
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
#[inline]
fn next_special(bytes: &[u8], mut at: usize) -> usize {
    // Most strings of a ticket are short and end in the first words.
    for _ in 0..4 {
        match word(bytes, at) {
            Some(0) => at += 8,
            Some(mask) => return at + mask.trailing_zeros() as usize / 8,
            None => return tail(bytes, at),
        }
    }
    // In a long one, whole blocks of plain text are passed by vector instructions.
    while let Some(block) = bytes.get(at..).and_then(|rest| rest.first_chunk::<32>()) {
        let special = block.iter().fold(false, |any, byte| any | is_special(*byte));
        if special {
            break;
        }
        at += 32;
    }
    loop {
        match word(bytes, at) {
            Some(0) => at += 8,
            Some(mask) => return at + mask.trailing_zeros() as usize / 8,
            None => return tail(bytes, at),
        }
    }
}

fn tail(bytes: &[u8], at: usize) -> usize {
    let rest = bytes.get(at..).unwrap_or_default();
    at + rest.iter().position(|byte| is_special(*byte)).unwrap_or(rest.len())
}

const fn is_special(byte: u8) -> bool {
    (byte == b'"') | (byte == b'\\') | (byte < 0x20)
}

/// The high bits of the special bytes among the next eight, exact for the lowest; `None` near the end.
#[inline]
fn word(bytes: &[u8], at: usize) -> Option<u64> {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    let word = u64::from_le_bytes(*bytes.get(at..)?.first_chunk()?);
    let zero = |word: u64| word.wrapping_sub(ONES) & !word;
    let control = word.wrapping_sub(ONES * 0x20) & !word;
    Some((control | zero(word ^ (ONES * 0x22)) | zero(word ^ (ONES * 0x5c))) & HIGH)
}
