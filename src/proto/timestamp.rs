//! `google.protobuf.Timestamp` with its canonical ProtoJSON text.

use std::fmt;

use jiff::{SignedDuration, civil::DateTime, fmt::temporal::Pieces};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A point in time: `google.protobuf.Timestamp`, field for field.
///
/// Its own type because canonical ProtoJSON ends in `Z`, and the type of `pbjson` prints `+00:00`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, prost::Message)]
pub struct Timestamp {
    /// Seconds since 1970-01-01T00:00:00Z; from 0001-01-01 to 9999-12-31 in ProtoJSON.
    #[prost(int64, tag = "1")]
    pub seconds: i64,
    /// Nanoseconds within the second, 0 to 999,999,999.
    #[prost(int32, tag = "2")]
    pub nanos: i32,
}

/// 0001-01-01T00:00:00Z in seconds, the earliest time that ProtoJSON can write.
const MIN_SECONDS: i64 = -62_135_596_800;
/// 9999-12-31T23:59:59Z in seconds, the latest.
const MAX_SECONDS: i64 = 253_402_300_799;

const EPOCH: DateTime = DateTime::constant(1970, 1, 1, 0, 0, 0, 0);

impl Timestamp {
    /// Says whether ProtoJSON can write this time.
    #[must_use]
    pub fn is_in_range(&self) -> bool {
        (MIN_SECONDS..=MAX_SECONDS).contains(&self.seconds) && (0..1_000_000_000).contains(&self.nanos)
    }

    /// Reads an RFC 3339 time with any offset; `None` where it is malformed or out of range.
    ///
    /// Not by `jiff::Timestamp`: that ends some hours before the year 9999 does, whose last second many systems write for
    /// "never".
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let pieces = Pieces::parse(text).ok()?;
        let (date, time, offset) = (pieces.date(), pieces.time()?, pieces.to_numeric_offset()?);
        let whole = date.to_datetime(time.with().subsec_nanosecond(0).build().ok()?);
        let seconds = whole.duration_since(EPOCH).as_secs() - i64::from(offset.seconds());
        let time = Self { seconds, nanos: time.subsec_nanosecond() };
        time.is_in_range().then_some(time)
    }
}

impl fmt::Display for Timestamp {
    /// RFC 3339 in UTC with 0, 3, 6 or 9 digits of a second, as ProtoJSON wants it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole = EPOCH.checked_add(SignedDuration::from_secs(self.seconds)).map_err(|_| fmt::Error)?;
        write!(f, "{}", whole.strftime("%Y-%m-%dT%H:%M:%S"))?;
        match self.nanos {
            0 => f.write_str("Z"),
            n if n % 1_000_000 == 0 => write!(f, ".{:03}Z", n / 1_000_000),
            n if n % 1_000 == 0 => write!(f, ".{:06}Z", n / 1_000),
            n => write!(f, ".{n:09}Z"),
        }
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if !self.is_in_range() {
            return Err(serde::ser::Error::custom("timestamp out of range"));
        }
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| de::Error::custom("expected an RFC 3339 time from year 1 to 9999"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_prints_canonically_and_reads_back() {
        for (text, canonical) in [
            ("2026-11-22T18:00:00Z", "2026-11-22T18:00:00Z"),
            ("2026-11-22T18:00:00.5+01:00", "2026-11-22T17:00:00.500Z"),
            ("1969-12-31T23:59:59.000001Z", "1969-12-31T23:59:59.000001Z"),
            ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
            ("0001-01-01T05:00:00.25+05:00", "0001-01-01T00:00:00.250Z"),
            ("9999-12-31T23:59:59.999999999Z", "9999-12-31T23:59:59.999999999Z"),
            ("9999-12-31T18:59:59-05:00", "9999-12-31T23:59:59Z"),
        ] {
            let time = Timestamp::parse(text).expect(text);
            assert_eq!(time.to_string(), canonical);
            assert_eq!(Timestamp::parse(canonical), Some(time));
        }
    }

    #[test]
    fn a_time_out_of_range_is_refused() {
        for text in [
            "0000-12-31T23:59:59Z",
            "10000-01-01T00:00:00Z",
            "9999-12-31T23:59:59-00:01",
            "2026-11-22",
            "2026-11-22T10:00:00",
            "2026-11-22T10:00:00[UTC]",
            "2026-02-30T00:00:00Z",
            "",
        ] {
            assert_eq!(Timestamp::parse(text), None, "{text}");
        }
    }
}
