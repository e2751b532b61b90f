//! Checks that bytes are UTF-8.

use std::str::Utf8Error;

/// Bytes from which vector instructions pay: below, the standard library is as good.
const LONG: usize = 64;

/// The bytes as text, or where they are none.
#[inline]
pub(super) fn text(bytes: &[u8]) -> Result<&str, Utf8Error> {
    if bytes.len() >= LONG {
        if let Ok(text) = simdutf8::basic::from_utf8(bytes) {
            return Ok(text);
        }
    }
    std::str::from_utf8(bytes)
}
