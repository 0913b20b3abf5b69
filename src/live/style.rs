//! Writing an exact decimal as a locale writes it.
//!
//! ```text
//! page: Intl.NumberFormat(locale).formatToParts(…)  ──▶  NumberStyle  ──▶  "12,34,567.5"
//! ```
//!
//! The browser knows what the separators are, but formats through floats; this room knows the
//! digits. So the page takes `Intl`'s answer for a constant apart and hands over only the pieces.
//!
//! Invariant (tested below): without separators, and with the digits put back, the text is the
//! decimal. Nothing is rounded and nothing is cut off.

use rust_decimal::Decimal;
use serde::Deserialize;

/// Bytes of a separator or sign, at most: two characters and a direction mark.
const SIGN_BYTES_MAX: usize = 12;

/// Digits of a group and digits before grouping starts, at most.
const GROUP_DIGITS_MAX: usize = 8;

/// Why a locale's pieces cannot write a number that reads as one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StyleError {
    /// Not ten digits.
    #[error("the number style has {0} digits: give ten, from zero to nine")]
    Digits(usize),
    /// A group size or the grouping minimum is out of range.
    #[error("the number style has a group of {0} digits: use 1 to 8")]
    Group(usize),
    /// A separator or sign is empty where it may not be, or too long.
    #[error("the number style has a sign of {0} bytes: use 1 to 12, or none for the group")]
    Sign(usize),
}

impl StyleError {
    /// Stable machine-readable code. Never reworded.
    pub fn code(self) -> &'static str {
        match self {
            Self::Digits(_) => "style_digits",
            Self::Group(_) => "style_group",
            Self::Sign(_) => "style_sign",
        }
    }
}

/// The pieces as the page sends them, unchecked.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NumberStyleSpec {
    decimal: String,
    group: String,
    minus: String,
    digits: String,
    primary: usize,
    secondary: usize,
    minimum: usize,
}

/// How a locale writes numbers; checked.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "NumberStyleSpec")]
pub struct NumberStyle {
    /// Between whole and fraction.
    decimal: String,
    /// Between groups of digits; empty where digits are not grouped.
    group: String,
    minus: String,
    /// Zero to nine.
    digits: Vec<char>,
    /// Digits of the group beside the point.
    primary: usize,
    /// Digits of every other group: 2 in Hindi, 3 almost everywhere else.
    secondary: usize,
    /// Digits that must stand before the last group: 2 where "1234" is not grouped.
    minimum: usize,
}

impl TryFrom<NumberStyleSpec> for NumberStyle {
    type Error = StyleError;

    fn try_from(spec: NumberStyleSpec) -> Result<Self, StyleError> {
        let digits: Vec<char> = spec.digits.chars().collect();
        if digits.len() != 10 {
            return Err(StyleError::Digits(digits.len()));
        }
        for size in [spec.primary, spec.secondary, spec.minimum] {
            if !(1..=GROUP_DIGITS_MAX).contains(&size) {
                return Err(StyleError::Group(size));
            }
        }
        for (sign, shortest) in [(&spec.decimal, 1), (&spec.minus, 1), (&spec.group, 0)] {
            if !(shortest..=SIGN_BYTES_MAX).contains(&sign.len()) {
                return Err(StyleError::Sign(sign.len()));
            }
        }
        let NumberStyleSpec { decimal, group, minus, primary, secondary, minimum, .. } = spec;
        Ok(Self { decimal, group, minus, digits, primary, secondary, minimum })
    }
}

impl NumberStyle {
    /// Writes every digit of `value` but the zeros at its end.
    pub fn write(&self, value: Decimal) -> String {
        self.write_digits(&value.normalize().to_string())
    }

    /// Writes every digit of a plain decimal, `-?digits(.digits)?`.
    pub fn write_digits(&self, plain: &str) -> String {
        let digits = plain.strip_prefix('-').unwrap_or(plain);
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let mut text = String::with_capacity(plain.len().saturating_mul(2));
        if digits.len() < plain.len() {
            text.push_str(&self.minus);
        }
        let grouped = whole.len() >= self.primary.saturating_add(self.minimum);
        for (index, digit) in whole.chars().enumerate() {
            let left = whole.len().saturating_sub(index);
            if grouped && index > 0 && self.group_starts(left) {
                text.push_str(&self.group);
            }
            text.push(self.digit(digit));
        }
        if !fraction.is_empty() {
            text.push_str(&self.decimal);
            text.extend(fraction.chars().map(|digit| self.digit(digit)));
        }
        text
    }

    /// Whether a separator stands before the last `left` digits.
    fn group_starts(&self, left: usize) -> bool {
        left.checked_sub(self.primary).is_some_and(|over| over.is_multiple_of(self.secondary))
    }

    fn digit(&self, ascii: char) -> char {
        let index = ascii.to_digit(10).and_then(|value| usize::try_from(value).ok());
        index.and_then(|index| self.digits.get(index)).copied().unwrap_or(ascii)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn style(text: &str) -> Result<NumberStyle, String> {
        let [decimal, group, minus, digits, sizes] = text.split('|').collect::<Vec<_>>()[..] else {
            panic!("five parts: {text}");
        };
        let sizes: Vec<usize> = sizes.split(' ').map(|size| size.parse().unwrap()).collect();
        let json = serde_json::json!({
            "decimal": decimal, "group": group, "minus": minus, "digits": digits,
            "primary": sizes[0], "secondary": sizes[1], "minimum": sizes[2],
        });
        serde_json::from_value(json).map_err(|error| error.to_string())
    }

    const EN: &str = ".|,|-|0123456789|3 3 1";
    const DE: &str = ",|.|-|0123456789|3 3 1";
    const ES: &str = ",|.|-|0123456789|3 3 2";
    const HI: &str = ".|,|-|0123456789|3 2 1";
    const AR: &str = "٫|٬|\u{61c}-|٠١٢٣٤٥٦٧٨٩|3 3 1";
    const BARE: &str = ".||-|0123456789|3 3 1";

    #[test]
    fn every_locale_gets_its_own_signs_and_every_digit() {
        for (pieces, value, expected) in [
            (EN, "0", "0"),
            (EN, "999", "999"),
            (EN, "1000", "1,000"),
            (EN, "4995.50", "4,995.5"),
            (EN, "-0.000000000001", "-0.000000000001"),
            (EN, "9999999999999999.999999999999", "9,999,999,999,999,999.999999999999"),
            (DE, "-1234567.5", "-1.234.567,5"),
            (ES, "1234", "1234"),
            (ES, "12345.6", "12.345,6"),
            (HI, "1234567890", "1,23,45,67,890"),
            (HI, "123456", "1,23,456"),
            (AR, "-1234.5", "\u{61c}-١٬٢٣٤٫٥"),
            (BARE, "1234567", "1234567"),
        ] {
            let text = style(pieces).unwrap().write(value.parse().unwrap());
            assert_eq!(text, expected, "{value} as {pieces}");
        }
        assert_eq!(style(DE).unwrap().write_digits("-1234.50"), "-1.234,50");
    }

    #[test]
    fn the_text_read_back_is_the_number() {
        let style = style(DE).unwrap();
        let mut state: u64 = 0x9e37_79b9_7f4a_7c15;
        for round in 0..2000 {
            // xorshift: the same numbers on every run
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            let value = Decimal::from_i128_with_scale(i128::from(state.cast_signed()), round % 13);
            let back = style.write(value).replace('.', "").replace(',', ".");
            assert_eq!(back.parse::<Decimal>().unwrap(), value);
        }
    }

    #[test]
    fn pieces_that_cannot_write_a_number_are_refused() {
        for (pieces, message) in [
            (".|,|-|012345678|3 3 1", "9 digits"),
            (".|,|-|0123456789|0 3 1", "group of 0"),
            (".|,|-|0123456789|3 0 1", "group of 0"),
            (".|,|-|0123456789|3 3 9", "group of 9"),
            ("|,|-|0123456789|3 3 1", "sign of 0"),
            (".|,,,,,,,,,,,,,|-|0123456789|3 3 1", "sign of 13"),
        ] {
            assert!(style(pieces).unwrap_err().contains(message), "pieces: {pieces}");
        }
    }
}
