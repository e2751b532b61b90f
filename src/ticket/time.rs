//! Checks the text of a time without computing it.

use crate::proto::Timestamp;

/// Says whether [`Timestamp::parse`] takes this text.
///
/// The form that practically all writers use, `2026-11-22T18:00:00.123Z`, is decided here; all others are left
/// to the parser, which costs some ten times as much.
pub(super) fn is_valid(text: &str) -> bool {
    is_plain(text.as_bytes()) || Timestamp::parse(text).is_some()
}

fn is_plain(text: &[u8]) -> bool {
    let Some((time, fraction)) = text.split_first_chunk::<19>() else { return false };
    let [y0, y1, y2, y3, b'-', mo0, mo1, b'-', d0, d1, b'T', h0, h1, b':', mi0, mi1, b':', s0, s1] = *time
    else {
        return false;
    };
    let digits = [y0, y1, y2, y3, mo0, mo1, d0, d1, h0, h1, mi0, mi1, s0, s1];
    if !digits.iter().all(u8::is_ascii_digit) {
        return false;
    }
    let pair = |tens: u8, ones: u8| u32::from(tens - b'0') * 10 + u32::from(ones - b'0');
    let year = pair(y0, y1) * 100 + pair(y2, y3);
    year >= 1
        && (1..=12).contains(&pair(mo0, mo1))
        && (1..=days_in(year, pair(mo0, mo1))).contains(&pair(d0, d1))
        && pair(h0, h1) < 24
        && pair(mi0, mi1) < 60
        && pair(s0, s1) < 60
        && match fraction {
            [b'Z'] => true,
            [b'.', digits @ .., b'Z'] => {
                (1..=9).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit)
            }
            _ => false,
        }
}

const fn days_in(year: u32, month: u32) -> u32 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_the_short_check_takes_the_parser_takes_too(
            text in "[0129]{4}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-6][0-9]:[0-6][0-9](\\.[0-9]{0,10})?Z"
        ) {
            prop_assert_eq!(is_plain(text.as_bytes()), Timestamp::parse(&text).is_some() && !text.contains(":60Z")
                && !text.contains(":60."), "{}", text);
        }
    }
}
