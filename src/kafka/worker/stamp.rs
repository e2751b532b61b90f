//! The time that a record is written with.

use std::io::Write;

use crate::kafka::ffi::Headers;

const HEADER: &[u8] = b"ticket-router.timestamp";
/// The longest number has 20 characters, signs included.
const MAX_DIGITS: usize = 20;

/// A record's time on its way out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// Milliseconds since 1970, as the producer takes them: `None` is now, and −1 is no time at all.
    pub timestamp: Option<i64>,
    /// The ticket's time, if the record has another one.
    original: Option<i64>,
}

impl Stamp {
    /// The most that a header with the ticket's time adds to a record.
    pub const MAX_BYTES: usize = HEADER.len() + MAX_DIGITS + 10;

    /// The ticket's own time.
    pub const fn kept(original: Option<i64>) -> Self {
        Self { timestamp: original, original: None }
    }

    /// The moment at which the record is written.
    pub const fn now(original: Option<i64>) -> Self {
        Self { timestamp: None, original }
    }

    /// No time, which every topic takes: its age is then that of the file that it is in.
    pub const fn none(original: Option<i64>) -> Self {
        Self { timestamp: Some(-1), original }
    }

    /// Adds the ticket's time to the headers, if the record has another one.
    pub fn add_to(&self, headers: &mut Headers) {
        let Some(original) = self.original else { return };
        let mut text = [0; MAX_DIGITS];
        let mut rest = &mut text[..];
        write!(rest, "{original}").expect("there is room for any number");
        let len = MAX_DIGITS - rest.len();
        headers.add(HEADER, Some(&text[..len]));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_has_room_for_any_time() {
        for original in [i64::MIN, -1, 0, i64::MAX] {
            let mut headers = Headers::with_capacity(1);
            Stamp::now(Some(original)).add_to(&mut headers);
            assert_eq!(headers.bytes(), HEADER.len() + original.to_string().len() + 10);
            assert!(headers.bytes() <= Stamp::MAX_BYTES);
        }
        let mut headers = Headers::with_capacity(1);
        Stamp::kept(Some(7)).add_to(&mut headers);
        Stamp::now(None).add_to(&mut headers);
        assert_eq!(headers.bytes(), 0);
    }
}
