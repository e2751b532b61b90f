//! Integers as ProtoJSON allows them: `7`, `7.0`, `7e0`, `70e-1`.

/// The exact value of a JSON number that is an integer of at most 64 bits and a sign; `None` for any other.
/// Minus zero is no integer here: no unsigned type holds it.
pub(super) fn integer(number: &str) -> Option<i128> {
    let (is_negative, number) = match number.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, number),
    };
    let (mantissa, exponent) = match number.split_once(['e', 'E']) {
        // An exponent that does not fit could only make an integer of zero, which nobody writes so.
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (number, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let fraction = fraction.trim_end_matches('0');

    // The value is its significant digits, then `zeros` noughts; below zero there are digits behind the point.
    let digits = || whole.bytes().chain(fraction.bytes()).skip_while(|digit| *digit == b'0');
    let mut zeros = i64::from(exponent) - i64::try_from(fraction.len()).ok()?;
    let mut significant = digits().count();
    let trailing = whole.bytes().chain(fraction.bytes()).rev().take_while(|digit| *digit == b'0').count();
    if significant == 0 {
        return (!is_negative).then_some(0);
    }
    significant -= trailing;
    zeros += i64::try_from(trailing).ok()?;
    // The largest has 20 digits.
    if zeros < 0 || zeros + i64::try_from(significant).ok()? > 20 {
        return None;
    }
    let value = digits().take(significant).fold(0_i128, |value, digit| value * 10 + i128::from(digit - b'0'))
        * 10_i128.pow(u32::try_from(zeros).ok()?);
    let value = if is_negative { -value } else { value };
    (i128::from(i64::MIN)..=i128::from(u64::MAX)).contains(&value).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_exact_however_they_are_written() {
        for (text, value) in [
            ("0", 0),
            ("0.0", 0),
            ("0e9", 0),
            ("7", 7),
            ("-7", -7),
            ("1.0", 1),
            ("1e0", 1),
            ("1E+2", 100),
            ("120e-1", 12),
            ("0.7e1", 7),
            ("18446744073709551615", i128::from(u64::MAX)),
            ("18446744073709551615.0", i128::from(u64::MAX)),
            ("1.8446744073709551615e19", i128::from(u64::MAX)),
            ("1e19", 10_000_000_000_000_000_000),
        ] {
            assert_eq!(integer(text), Some(value), "{text}");
        }
    }

    #[test]
    fn what_is_no_64_bit_integer_is_refused() {
        for text in
            ["0.5", "1e-1", "-0", "18446744073709551616", "1e20", "1e999999999999", "1.00000000000000000001"]
        {
            assert_eq!(integer(text), None, "{text}");
        }
    }
}
