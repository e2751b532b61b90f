//! Checks that bytes are UTF-8.

use std::str::Utf8Error;

use super::raw::Raw;

/// Bytes that are UTF-8, checked once: as long as nobody wants them as text, that check is cheaper than making text.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct Checked<'a>(&'a [u8]);

impl<'a> Checked<'a> {
    #[inline]
    pub(super) fn new(bytes: &'a [u8]) -> Result<Self, Utf8Error> {
        if bytes.len() >= LONG || !bytes.is_ascii() {
            text(bytes)?;
        }
        Ok(Self(bytes))
    }

    pub(super) const fn len(self) -> usize {
        self.0.len()
    }

    pub(super) fn first(self) -> Option<u8> {
        self.0.first().copied()
    }

    #[inline]
    pub(super) fn text(self) -> Raw<'a> {
        Raw::plain(text(self.0).expect("it has been checked"))
    }
}

/// Bytes from which vector instructions pay: below, the standard library is as good.
const LONG: usize = 64;

/// The bytes as text, or the error if they are not UTF-8.
#[inline]
pub(super) fn text(bytes: &[u8]) -> Result<&str, Utf8Error> {
    if bytes.len() >= LONG
        && let Ok(text) = simdutf8::basic::from_utf8(bytes)
    {
        return Ok(text);
    }
    std::str::from_utf8(bytes)
}
