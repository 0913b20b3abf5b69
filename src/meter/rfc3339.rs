//! RFC 3339 texts to instants.
//!
//! ```text
//! 2026-11-23T00:30:15.250+01:00  →  UTC milliseconds since 1970
//! ```
//!
//! Digits past the millisecond are dropped: an instant is a millisecond. A leap second (`:60`) is
//! the first instant of the next minute, as in POSIX time.

use crate::units::{Date, MILLIS_PER_DAY, Timestamp};

/// Reads `YYYY-MM-DD(T| )hh:mm:ss(.digits)?(Z|±hh:mm)`; `None` if the text is not of this form or
/// names a day or a time that does not exist.
pub fn parse_rfc3339(text: &str) -> Option<Timestamp> {
    let (clock, offset_min) = split_offset(text)?;
    Some(local_millis(clock)?.plus_millis(offset_min.checked_mul(-60_000)?))
}

/// Reads a date and time without an offset as UTC, as tables and logs often hold it.
pub fn parse_without_offset(text: &str) -> Option<Timestamp> {
    local_millis(text)
}

/// Takes the offset off the end: minutes east of UTC.
fn split_offset(text: &str) -> Option<(&str, i64)> {
    if let Some(clock) = text.strip_suffix(['Z', 'z']) {
        return Some((clock, 0));
    }
    let (clock, offset) = text.split_at_checked(text.len().checked_sub(6)?)?;
    let [sign, h1, h2, b':', m1, m2] = *offset.as_bytes() else { return None };
    let (hours, minutes) = (digits([h1, h2], 23)?, digits([m1, m2], 59)?);
    let total = hours.checked_mul(60)?.checked_add(minutes)?;
    match sign {
        b'+' => Some((clock, total)),
        b'-' => Some((clock, total.checked_neg()?)),
        _ => None,
    }
}

fn local_millis(text: &str) -> Option<Timestamp> {
    let (date, time) = text.split_at_checked(10)?;
    let date: Date = date.parse().ok()?;
    let (clock, fraction) = time.split_at_checked(9)?;
    let [b'T' | b't' | b' ', h1, h2, b':', m1, m2, b':', s1, s2] = *clock.as_bytes() else {
        return None;
    };
    let (hour, minute, second) =
        (digits([h1, h2], 23)?, digits([m1, m2], 59)?, digits([s1, s2], 60)?);
    let minutes = hour.checked_mul(60)?.checked_add(minute)?;
    let seconds = minutes.checked_mul(60)?.checked_add(second)?;
    let of_day = seconds.checked_mul(1_000)?.checked_add(milliseconds(fraction)?)?;
    Some(Timestamp::from_millis(date.days().checked_mul(MILLIS_PER_DAY)?).plus_millis(of_day))
}

/// The first three digits of a fraction of a second, point included; all of them must be digits.
fn milliseconds(fraction: &str) -> Option<i64> {
    if fraction.is_empty() {
        return Some(0);
    }
    let fraction = fraction.strip_prefix('.').filter(|digits| !digits.is_empty())?;
    if !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let mut first = fraction.bytes().chain(std::iter::repeat(b'0'));
    digits([first.next()?, first.next()?, first.next()?], 999)
}

/// The number that some digits write, `max` at most.
fn digits<const N: usize>(text: [u8; N], max: i64) -> Option<i64> {
    let digit = |byte: u8| byte.is_ascii_digit().then(|| i64::from(byte.wrapping_sub(b'0')));
    let value = text
        .iter()
        .try_fold(0_i64, |value, byte| value.checked_mul(10)?.checked_add(digit(*byte)?))?;
    (value <= max).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_name_instants() {
        // Expected values from `date -u -d … +%s`.
        for (text, expected) in [
            ("1970-01-01T00:00:00Z", Some(0)),
            ("1970-01-01t00:00:00.001z", Some(1)),
            ("1969-12-31T23:59:59.999Z", Some(-1)),
            ("2000-02-29T12:00:00Z", Some(951_825_600_000)),
            ("2000-03-01 00:00:00Z", Some(951_868_800_000)),
            ("2023-11-16 18:17:03.9799600Z", Some(1_700_158_623_979)),
            ("2026-11-23T01:30:15.25+01:00", Some(1_795_393_815_250)),
            ("2026-11-22T19:00:15-05:30", Some(1_795_393_815_000)),
            ("2024-02-29T00:00:00-00:00", Some(1_709_164_800_000)),
            ("2016-12-31T23:59:60Z", Some(1_483_228_800_000)),
            ("9999-12-31T23:59:59Z", Some(253_402_300_799_000)),
            ("0000-01-01T00:00:00Z", Some(-62_167_219_200_000)),
            ("0000-03-01T00:00:00Z", Some(-62_162_035_200_000)),
            ("2023-02-29T00:00:00Z", None),
            ("1900-02-29T00:00:00Z", None),
            ("2023-04-31T00:00:00Z", None),
            ("2023-13-01T00:00:00Z", None),
            ("2023-00-01T00:00:00Z", None),
            ("2023-01-00T00:00:00Z", None),
            ("2023-01-01T24:00:00Z", None),
            ("2023-01-01T00:60:00Z", None),
            ("2023-01-01T00:00:61Z", None),
            ("2023-01-01T00:00:00", None),
            ("2023-01-01T00:00:00+0100", None),
            ("2023-01-01T00:00:00+24:00", None),
            ("2023-01-01T00:00:00+01:60", None),
            ("2023-01-01T00:00:00*01:00", None),
            ("2023-01-01T00:00:00.Z", None),
            ("2023-01-01T00:00:00.1x4Z", None),
            ("2023-01-01T00:00Z", None),
            ("2023-01-01T00:00:00:00Z", None),
            ("2023-1-01T00:00:00Z", None),
            ("2023-01-01-T00:00:00Z", None),
            ("20230101T000000Z", None),
            ("+023-01-01T00:00:00Z", None),
            ("2023-01-01X00:00:00Z", None),
            ("2023-01-0\u{e9}T00:00:00Z", None),
            ("Z", None),
            ("", None),
        ] {
            assert_eq!(parse_rfc3339(text).map(Timestamp::millis), expected, "text: {text:?}");
        }
    }

    #[test]
    fn tables_without_an_offset_are_utc() {
        assert_eq!(parse_without_offset("1970-01-01 00:00:01"), Some(Timestamp::from_millis(1000)));
        assert_eq!(parse_without_offset("1970-01-01 00:00:01Z"), None);
    }
}
