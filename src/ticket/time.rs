//! Times in the form that nearly all writers use.

use crate::proto::Timestamp;

/// Does what [`Timestamp::parse`] does.
///
/// The form that practically all writers use, `2026-11-22T18:00:00.123Z`, is read here; all others are left to the
/// parser, which costs some ten times as much.
pub(super) fn parse(text: &str) -> Option<Timestamp> {
    plain(text.as_bytes()).or_else(|| Timestamp::parse(text))
}

#[inline]
fn plain(text: &[u8]) -> Option<Timestamp> {
    let (time, fraction) = text.split_first_chunk::<19>()?;
    let [y0, y1, y2, y3, b'-', mo0, mo1, b'-', d0, d1, b'T', h0, h1, b':', mi0, mi1, b':', s0, s1] = *time
    else {
        return None;
    };
    let digits = [y0, y1, y2, y3, mo0, mo1, d0, d1, h0, h1, mi0, mi1, s0, s1];
    if !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let pair = |tens: u8, ones: u8| u32::from(tens - b'0') * 10 + u32::from(ones - b'0');
    let (year, month, day) = (pair(y0, y1) * 100 + pair(y2, y3), pair(mo0, mo1), pair(d0, d1));
    let (hour, minute, second) = (pair(h0, h1), pair(mi0, mi1), pair(s0, s1));
    let is_time = year >= 1
        && (1..=12).contains(&month)
        && (1..=days_in(year, month)).contains(&day)
        && hour < 24
        && minute < 60
        && second < 60;
    if !is_time {
        return None;
    }
    let nanos = match fraction {
        [b'Z'] => 0,
        [b'.', digits @ .., b'Z'] if (1..=9).contains(&digits.len()) => nanos(digits)?,
        _ => return None,
    };
    let seconds = i64::from(hour * 3_600 + minute * 60 + second);
    Some(Timestamp { seconds: days_since_1970(year, month, day) * 86_400 + seconds, nanos })
}

/// The fraction of a second, of at most nine digits.
fn nanos(digits: &[u8]) -> Option<i32> {
    let mut nanos = 0;
    for place in 0..9 {
        let digit = digits.get(place).copied().unwrap_or(b'0');
        if !digit.is_ascii_digit() {
            return None;
        }
        nanos = nanos * 10 + i32::from(digit - b'0');
    }
    Some(nanos)
}

/// Days of the Gregorian calendar, which protobuf's timestamps extend to all years. Years begin in March here, so
/// that the leap day is a year's last.
fn days_since_1970(year: u32, month: u32, day: u32) -> i64 {
    let year = if month > 2 { year } else { year - 1 };
    let days_before_month = (153 * ((month + 9) % 12) + 2) / 5;
    let days = 365 * year + year / 4 - year / 100 + year / 400 + days_before_month + day - 1;
    i64::from(days) - 719_468
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
        fn the_short_way_reads_what_the_parser_reads(
            text in "[0129]{4}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-6][0-9]:[0-6][0-9](\\.[0-9]{0,10})?Z"
        ) {
            let parsed = Timestamp::parse(&text).filter(|_| !text.contains(":60Z") && !text.contains(":60."));
            prop_assert_eq!(plain(text.as_bytes()), parsed, "{}", text);
        }
    }
}
