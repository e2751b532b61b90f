//! Times as helpdesks write them: RFC 3339, and other forms that can be read in only one way.

use crate::proto::Timestamp;

/// Reads the text of a time that is not ProtoJSON's: without a colon in the offset, to the minute, with a
/// blank in place of the `T` (without a zone that is UTC), in .NET's form, in seconds or milliseconds since
/// 1970.
pub(super) fn read(text: &str) -> Option<Timestamp> {
    since_1970(text).or_else(|| dot_net(text)).or_else(|| civil(text))
}

/// Reads whole seconds or milliseconds since 1970. Ten digits are seconds and thirteen are milliseconds: from
/// 2001 to 2286 the other reading is in 1970 or beyond the year 9999. Any other number could be either.
pub(super) fn since_1970(number: &str) -> Option<Timestamp> {
    if !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    match number.len() {
        10 => in_range(Timestamp { seconds: number.parse().ok()?, nanos: 0 }),
        13 => of_millis(number.parse().ok()?),
        _ => None,
    }
}

/// `/Date(1789371669000)/` or `/Date(1789371669000-0700)/`, whose offset is for display and shifts nothing.
fn dot_net(text: &str) -> Option<Timestamp> {
    let inside = text.strip_prefix("/Date(")?.strip_suffix(")/")?;
    let offset = inside.get(1..)?.find(['+', '-']).map_or(inside.len(), |at| at + 1);
    let (millis, offset) = inside.split_at(offset);
    if !offset.is_empty() && zone(offset).is_none() {
        return None;
    }
    of_millis(millis.parse().ok()?)
}

/// A date and a time of day: completed to RFC 3339, then read as such.
fn civil(text: &str) -> Option<Timestamp> {
    let (date, rest) = (text.get(..10)?, text.get(11..)?);
    let has_blank = match text.as_bytes().get(10)? {
        b'T' | b't' => false,
        b' ' => true,
        _ => return None,
    };
    let (minute, rest) = rest.split_at_checked(5)?;
    let end_of_second = if rest.starts_with(':') { 3 } else { 0 };
    let (second, rest) = rest.split_at_checked(end_of_second)?;
    let second = if second.is_empty() { ":00" } else { second };
    let end = rest.find(|char: char| char != '.' && !char.is_ascii_digit()).unwrap_or(rest.len());
    let (fraction, zone_text) = rest.split_at(end);
    let zone = match zone_text.strip_prefix(' ').unwrap_or(zone_text) {
        "" if has_blank => "Z".to_owned(),
        "Z" | "z" | "UTC" => "Z".to_owned(),
        offset => zone(offset)?,
    };
    Timestamp::parse(&format!("{date}T{minute}{second}{fraction}{zone}"))
}

/// An offset with its colon.
fn zone(offset: &str) -> Option<String> {
    match offset.as_bytes() {
        [b'+' | b'-', h1, h2, m1, m2] if [h1, h2, m1, m2].iter().all(|digit| digit.is_ascii_digit()) => {
            Some(format!("{}:{}", offset.get(..3)?, offset.get(3..)?))
        }
        [b'+' | b'-', _, _, b':', _, _] => Some(offset.to_owned()),
        _ => None,
    }
}

fn of_millis(millis: i64) -> Option<Timestamp> {
    let nanos = i32::try_from(millis.rem_euclid(1_000) * 1_000_000).ok()?;
    in_range(Timestamp { seconds: millis.div_euclid(1_000), nanos })
}

fn in_range(time: Timestamp) -> Option<Timestamp> {
    time.is_in_range().then_some(time)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_that_helpdesks_write_is_read() {
        for (text, canonical) in [
            ("2026-09-14T09:41:09.318+0200", "2026-09-14T07:41:09.318Z"),
            ("2026-09-14T13:11:09.318+0530", "2026-09-14T07:41:09.318Z"),
            ("2026-09-14T07:41:09.000+0000", "2026-09-14T07:41:09Z"),
            ("2026-09-14T07:41Z", "2026-09-14T07:41:00Z"),
            ("2026-09-14T09:41+02:00", "2026-09-14T07:41:00Z"),
            ("2026-09-14 07:41:09", "2026-09-14T07:41:09Z"),
            ("2026-09-14 09:41:09.5 +0200", "2026-09-14T07:41:09.500Z"),
            ("2026-09-14 07:41:09 UTC", "2026-09-14T07:41:09Z"),
            ("2026-09-14t07:41:09z", "2026-09-14T07:41:09Z"),
            ("1789371669", "2026-09-14T07:41:09Z"),
            ("1789371669318", "2026-09-14T07:41:09.318Z"),
            ("/Date(1789371669000)/", "2026-09-14T07:41:09Z"),
            ("/Date(1789371669000-0700)/", "2026-09-14T07:41:09Z"),
            ("/Date(-1)/", "1969-12-31T23:59:59.999Z"),
        ] {
            assert_eq!(read(text).map(|time| time.to_string()).as_deref(), Some(canonical), "{text}");
        }
    }

    #[test]
    fn what_could_be_two_times_or_none_is_not_read() {
        for text in [
            "",
            "0",
            "yesterday",
            "2026-09-14",
            "2026-09-14T07:41:09",
            "2026-09-14T07:41",
            "14.09.2026 07:41:09",
            "09/14/2026 07:41:09",
            "2026-13-14 07:41:09",
            "2026-09-14 25:41:09",
            "2026-09-14 07:41:09 CET",
            "2026-09-14T07:41:09.+0200",
            "2026-09-14T07:41:09+2",
            "178937166",
            "17893716693",
            "1789371669318442",
            "-1789371669",
            "1789371669.5",
            "/Date()/",
            "/Date(12x)/",
            "/Date(1789371669000-07)/",
            "/Date(999999999999999999)/",
            "２０２６-09-14 07:41:09",
            "2026-09-14\u{a0}07:41:09",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
