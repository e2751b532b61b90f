//! Text as it stands in a payload: in JSON perhaps with escapes.

use std::{borrow::Cow, cmp::Ordering};

use super::reason::quote;

/// Text borrowed from a payload. With escapes it is the inside of a JSON string that the scanner has checked.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct Raw<'a> {
    text: &'a str,
    escaped: bool,
}

impl<'a> Raw<'a> {
    pub(super) const fn plain(text: &'a str) -> Self {
        Self { text, escaped: false }
    }

    /// The inside of a JSON string that is known to be valid.
    pub(super) const fn json(text: &'a str, escaped: bool) -> Self {
        Self { text, escaped }
    }

    /// The text, if it has no escapes.
    pub(super) const fn as_plain(&self) -> Option<&'a str> {
        if self.escaped { None } else { Some(self.text) }
    }

    /// Bytes as written: no less than [`len`](Self::len).
    pub(super) const fn raw_len(&self) -> usize {
        self.text.len()
    }

    /// Bytes of the text that is meant.
    pub(super) fn len(&self) -> usize {
        if self.escaped { Pieces(self.text).map(|piece| piece.len()).sum() } else { self.text.len() }
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// Says whether the text that is meant is `other`.
    pub(super) fn is(&self, other: &str) -> bool {
        if !self.escaped {
            return self.text == other;
        }
        let rest = Pieces(self.text).try_fold(other, |rest, piece| match piece {
            Piece::Text(text) => rest.strip_prefix(text),
            Piece::Char(char) => rest.strip_prefix(char),
        });
        rest == Some("")
    }

    /// The text that is meant; allocates if it has escapes.
    pub(super) fn to_text(self) -> Cow<'a, str> {
        if self.escaped {
            let mut text = String::with_capacity(self.text.len());
            self.append_to(&mut text);
            Cow::Owned(text)
        } else {
            Cow::Borrowed(self.text)
        }
    }

    /// Appends the text that is meant.
    pub(super) fn append_to(&self, out: &mut String) {
        if !self.escaped {
            out.push_str(self.text);
            return;
        }
        for piece in Pieces(self.text) {
            match piece {
                Piece::Text(text) => out.push_str(text),
                Piece::Char(char) => out.push(char),
            }
        }
    }

    /// Appends the bytes of the text that is meant.
    #[inline]
    pub(super) fn push_to(&self, out: &mut Vec<u8>) {
        if !self.escaped {
            out.extend_from_slice(self.text.as_bytes());
            return;
        }
        for piece in Pieces(self.text) {
            match piece {
                Piece::Text(text) => out.extend_from_slice(text.as_bytes()),
                Piece::Char(char) => out.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes()),
            }
        }
    }

    /// The order of the texts that are meant, by their bytes.
    pub(super) fn order(&self, other: &Self) -> Ordering {
        match (self.as_plain(), other.as_plain()) {
            (Some(one), Some(other)) => one.cmp(other),
            // Characters have the order of their bytes in UTF-8.
            _ => self.chars().cmp(other.chars()),
        }
    }

    fn chars(&self) -> impl Iterator<Item = char> {
        let pieces = if self.escaped { self.text } else { "" };
        let plain = if self.escaped { "" } else { self.text };
        let of_piece = |piece: Piece<'a>| match piece {
            Piece::Text(text) => text.chars().chain(None),
            Piece::Char(char) => "".chars().chain(Some(char)),
        };
        plain.chars().chain(Pieces(pieces).flat_map(of_piece))
    }

    pub(super) fn quote(&self) -> String {
        quote(&self.to_text())
    }
}

/// Unescaped texts of one ticket, all in one buffer that is kept for the next.
pub(super) struct Arena<'s> {
    free: &'s mut [u8],
}

impl<'s> Arena<'s> {
    pub(super) fn new(free: &'s mut [u8]) -> Self {
        Self { free }
    }

    /// Bytes that [`text`](Self::text) may need for this one.
    pub(super) const fn need(raw: &Raw<'_>) -> usize {
        if raw.escaped { raw.text.len() } else { 0 }
    }

    /// The text that is meant.
    ///
    /// # Panics
    /// If the buffer is smaller than the sum of what [`need`](Self::need) said.
    pub(super) fn text(&mut self, raw: Raw<'s>) -> &'s str {
        if !raw.escaped {
            return raw.text;
        }
        let mut len = 0;
        for piece in Pieces(raw.text) {
            let end = len + piece.len();
            let room = &mut self.free[len..end];
            match piece {
                Piece::Text(text) => room.copy_from_slice(text.as_bytes()),
                Piece::Char(char) => {
                    char.encode_utf8(room);
                }
            }
            len = end;
        }
        let (text, free) = std::mem::take(&mut self.free).split_at_mut(len);
        self.free = free;
        std::str::from_utf8(text).expect("pieces of text are text")
    }
}

enum Piece<'a> {
    Text(&'a str),
    Char(char),
}

impl Piece<'_> {
    const fn len(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Char(char) => char.len_utf8(),
        }
    }
}

/// Takes the inside of a checked JSON string apart at its escapes.
struct Pieces<'a>(&'a str);

impl<'a> Iterator for Pieces<'a> {
    type Item = Piece<'a>;

    fn next(&mut self) -> Option<Piece<'a>> {
        let Some(escape) = self.0.strip_prefix('\\') else {
            let (text, rest) =
                self.0.split_at(memchr::memchr(b'\\', self.0.as_bytes()).unwrap_or(self.0.len()));
            self.0 = rest;
            return (!text.is_empty()).then_some(Piece::Text(text));
        };
        let (kind, rest) = escape.split_at(1);
        self.0 = rest;
        Some(Piece::Char(match kind {
            "b" => '\u{8}',
            "f" => '\u{c}',
            "n" => '\n',
            "r" => '\r',
            "t" => '\t',
            "u" => self.unicode(),
            "\"" => '"',
            "/" => '/',
            _ => '\\',
        }))
    }
}

impl Pieces<'_> {
    /// One character after `\u`, two escapes long if it is a surrogate pair.
    fn unicode(&mut self) -> char {
        let mut unit = self.unit();
        if (0xd800..0xdc00).contains(&unit) {
            self.0 = self.0.strip_prefix("\\u").expect("the scanner has checked surrogates");
            unit = 0x10000 + ((unit - 0xd800) << 10) + (self.unit() - 0xdc00);
        }
        char::from_u32(unit).expect("the scanner has checked surrogates")
    }

    fn unit(&mut self) -> u32 {
        let (digits, rest) = self.0.split_at(4);
        self.0 = rest;
        u32::from_str_radix(digits, 16).expect("the scanner has checked the digits")
    }
}
