//! The checked decimal newtypes: [`Quantity`], [`Credits`], [`UnitPrice`], [`Percentage`].
//!
//! ```text
//! "2.50" ── parse_decimal ──▶ Decimal ── Credits::new ──▶ Credits(2.5) ── Display ──▶ "2.5"
//! ```
//!
//! Invariants: the value is normalized (no trailing zeros, no negative zero), has at most
//! [`SCALE_MAX`](super::SCALE_MAX) decimal places, and its sign is the one its type allows; serde
//! goes through the same check as `new`, and takes strings only, because a JSON number has
//! already been a float in somebody's program.

use std::str::FromStr;

use rust_decimal::Decimal;

use super::exact::{self, Inexact};
use super::text::{as_text, read};
use super::{INTEGER_DIGITS_MAX, SCALE_MAX};

/// Why a text is not a number that this crate computes with.
///
/// Variants are ordered by precedence: when several apply, the first one is returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NumberError {
    /// Not of the form `-?digits(.digits)?`.
    #[error("is not a decimal number: write digits and at most one point, like \"2.50\"")]
    NotDecimal,
    /// Below zero where that has no meaning.
    #[error("is negative: it must be zero or more")]
    Negative,
    /// More digits before the point than [`INTEGER_DIGITS_MAX`].
    #[error("is too large: at most 16 digits before the point")]
    TooLarge,
    /// More digits after the point than [`SCALE_MAX`].
    #[error("is too fine: at most 12 digits after the point")]
    TooFine,
}

impl NumberError {
    /// Stable machine-readable code. Never reworded.
    pub fn code(self) -> &'static str {
        match self {
            Self::NotDecimal => "not_a_decimal",
            Self::Negative => "negative",
            Self::TooLarge => "too_large",
            Self::TooFine => "too_fine",
        }
    }
}

/// Reads `-?digits(.digits)?` exactly: no exponent, no sign `+`, no spaces, no separators.
///
/// # Errors
///
/// [`NumberError::NotDecimal`], [`NumberError::TooLarge`] or [`NumberError::TooFine`].
pub fn parse_decimal(text: &str) -> Result<Decimal, NumberError> {
    if let Some(value) = read(text).filter(|value| value.scale() <= SCALE_MAX) {
        return Ok(value);
    }
    parse_digits(text, INTEGER_DIGITS_MAX, SCALE_MAX)
}

/// Reads the same form with as many digits as a [`Decimal`] holds: 28 and most numbers of 29.
///
/// # Errors
///
/// As [`parse_decimal`].
pub(super) fn parse_wide(text: &str) -> Result<Decimal, NumberError> {
    parse_digits(text, Decimal::MAX_SCALE.saturating_add(1), Decimal::MAX_SCALE)
}

fn parse_digits(text: &str, whole_max: u32, places_max: u32) -> Result<Decimal, NumberError> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let all_digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    if !all_digits(whole) || !all_digits(fraction) {
        return Err(NumberError::NotDecimal);
    }
    let (whole, fraction) = (whole.trim_start_matches('0'), fraction.trim_end_matches('0'));
    let too_long = |part: &str, max: u32| part.len() > max as usize;
    if too_long(whole, whole_max) {
        return Err(NumberError::TooLarge);
    }
    if too_long(fraction, places_max) {
        return Err(NumberError::TooFine);
    }
    let sign = if text.len() == digits.len() { "" } else { "-" };
    let point = if fraction.is_empty() { "" } else { "." };
    let zero = if whole.is_empty() { "0" } else { "" };
    Decimal::from_str_exact(&format!("{sign}{zero}{whole}{point}{fraction}"))
        .map(|value| value.normalize())
        .map_err(|_| NumberError::TooLarge)
}

/// Whether a short number that was just read needs no further check.
fn is_plain(value: Decimal, signed: bool) -> bool {
    value.scale() <= SCALE_MAX && (signed || value.is_sign_positive())
}

/// The first whole number with more digits than [`INTEGER_DIGITS_MAX`].
const WHOLE_END: i128 = 10_i128.pow(INTEGER_DIGITS_MAX);

/// Checks the digits of a computed value; `signed` values may be below zero.
fn check(value: Decimal, signed: bool) -> Result<Decimal, NumberError> {
    let value = exact::normalize(value);
    if !signed && value.is_sign_negative() && !value.is_zero() {
        return Err(NumberError::Negative);
    }
    let is_short = value.mantissa().unsigned_abs() < WHOLE_END.unsigned_abs();
    if !is_short && value.abs() >= Decimal::from_i128_with_scale(WHOLE_END, 0) {
        return Err(NumberError::TooLarge);
    }
    if value.scale() > SCALE_MAX {
        return Err(NumberError::TooFine);
    }
    Ok(if value.is_zero() { Decimal::ZERO } else { value })
}

macro_rules! number {
    ($(#[$doc:meta])* $name:ident, signed: $signed:expr) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Decimal);

        as_text!($name);

        impl $name {
            /// Zero of this unit.
            pub const ZERO: Self = Self(Decimal::ZERO);

            /// One of this unit.
            pub const ONE: Self = Self(Decimal::ONE);

            /// Wraps a decimal.
            ///
            /// # Errors
            ///
            /// [`NumberError`] if the sign or the number of digits is out of range.
            pub fn new(value: Decimal) -> Result<Self, NumberError> {
                check(value, $signed).map(Self)
            }

            /// The value as a plain decimal, without trailing zeros.
            pub fn get(self) -> Decimal {
                self.0
            }

            /// Whether the value is zero.
            pub fn is_zero(self) -> bool {
                self.0.is_zero()
            }

            /// Exact sum.
            ///
            /// # Errors
            ///
            /// [`Inexact`] if the sum leaves the range of this unit.
            pub fn plus(self, other: Self) -> Result<Self, Inexact> {
                Self::new(exact::add(self.0, other.0)?).map_err(|_| Inexact)
            }

            /// Exact difference.
            ///
            /// # Errors
            ///
            /// [`Inexact`] if the difference leaves the range of this unit.
            pub fn minus(self, other: Self) -> Result<Self, Inexact> {
                Self::new(exact::sub(self.0, other.0)?).map_err(|_| Inexact)
            }
        }

        impl FromStr for $name {
            type Err = NumberError;

            fn from_str(text: &str) -> Result<Self, NumberError> {
                match read(text) {
                    Some(value) if is_plain(value, $signed) => Ok(Self(value)),
                    _ => Self::new(parse_decimal(text)?),
                }
            }
        }
    };
}

number!(
    /// An amount of use, in meter units (requests, tokens, …). Never negative.
    Quantity, signed: false
);
number!(
    /// An amount of credits. Signed: a correction is a negative amount.
    Credits, signed: true
);
number!(
    /// A price per meter unit, in the charge's unit (credits or currency). Signed: a plan must
    /// allow a negative price by name.
    UnitPrice, signed: true
);
number!(
    /// A number of hundredths: `2.9` is 2.9 percent. Never negative; above 100 if a plan says so.
    Percentage, signed: false
);

impl Quantity {
    /// The whole units in it.
    pub fn whole(self) -> u64 {
        u64::try_from(exact::floor(self.0, 0).mantissa()).unwrap_or(u64::MAX)
    }

    /// So many whole units.
    ///
    /// # Errors
    ///
    /// [`Inexact`] if the number has more than 16 digits.
    pub fn of_whole(units: u64) -> Result<Self, Inexact> {
        Self::new(Decimal::from(units)).map_err(|_| Inexact)
    }
}

impl Credits {
    /// Whether the amount is below zero.
    pub fn is_negative(self) -> bool {
        self.0.is_sign_negative() && !self.0.is_zero()
    }

    /// Exact sum of many amounts.
    ///
    /// # Errors
    ///
    /// [`Inexact`] if a partial sum leaves the range of credits.
    pub fn sum(amounts: impl IntoIterator<Item = Self>) -> Result<Self, Inexact> {
        amounts.into_iter().try_fold(Self::ZERO, Self::plus)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parsing_takes_plain_decimals_only() {
        let read = |text: &str| parse_decimal(text).map(|d| d.to_string()).map_err(|e| e.code());
        for (text, expected) in [
            ("2.50", Ok("2.5")),
            ("-0", Ok("0")),
            ("007", Ok("7")),
            ("-12.000", Ok("-12")),
            ("0.000000000001", Ok("0.000000000001")),
            ("0.0000000000010000", Ok("0.000000000001")),
            ("9999999999999999", Ok("9999999999999999")),
            ("9999999999999999.999999999999", Ok("9999999999999999.999999999999")),
            ("-9999999999999999.999999999999", Ok("-9999999999999999.999999999999")),
            ("10000000000000000", Err("too_large")),
            ("0010000000000000000", Err("too_large")),
            ("0.0000000000001", Err("too_fine")),
            ("", Err("not_a_decimal")),
            (".5", Err("not_a_decimal")),
            ("5.", Err("not_a_decimal")),
            ("1e3", Err("not_a_decimal")),
            ("+1", Err("not_a_decimal")),
            ("1_000", Err("not_a_decimal")),
            ("NaN", Err("not_a_decimal")),
            (" 1", Err("not_a_decimal")),
            ("٣", Err("not_a_decimal")),
        ] {
            assert_eq!(read(text).as_deref().map_err(|e| *e), expected, "text: {text:?}");
        }
    }

    #[test]
    fn serde_cannot_smuggle_a_negative_quantity_or_a_float() {
        let parse = |text| serde_json::from_str::<Quantity>(text).map_err(|e| e.to_string());
        assert_eq!(parse("\"2.50\"").unwrap().to_string(), "2.5");
        assert!(parse("\"-1\"").unwrap_err().contains("is negative"));
        assert!(parse("2.5").is_err());
    }

    #[test]
    fn sums_stay_in_range() {
        let most: Credits = "9999999999999999".parse().unwrap();
        assert_eq!(most.plus("1".parse().unwrap()), Err(Inexact));
        let tiny: Credits = "0.000000000001".parse().unwrap();
        assert_eq!(tiny.minus(tiny), Ok(Credits::ZERO));
        assert!(Credits::ZERO.minus(tiny).unwrap().is_negative());
    }
}
