//! Rounding, in one place: integer division with a named rule, and nothing else.
//!
//! ```text
//!               ceiling   floor   half_up
//!   2.5   →          3       2         3     a half goes away from zero,
//!  -2.5   →         -2      -3        -3     on both sides
//!   2.4   →          3       2         2
//! ```
//!
//! Money is rounded by [`super::Money::round`] only; quantities and quotients by [`round`] and
//! [`divide`], where a plan says so. Banker's rounding has no user in this field and does not exist
//! here.
//!
//! Invariant: the result is the nearest number that the rule allows, or [`Inexact`]; never a digit
//! off.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::exact::Inexact;

/// Which of the two neighbours a number between them becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rounding {
    /// The upper neighbour: `2.1 → 3`, `-2.9 → -2`.
    Ceiling,
    /// The lower neighbour: `2.9 → 2`, `-2.1 → -3`.
    Floor,
    /// The nearer neighbour, a half away from zero: `2.5 → 3`, `-2.5 → -3`.
    HalfUp,
}

impl Rounding {
    /// The name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ceiling => "ceiling",
            Self::Floor => "floor",
            Self::HalfUp => "half_up",
        }
    }
}

/// Rounds to `decimals` places; below zero they are tens, hundreds, …: `123.456` with `-2` and
/// [`Rounding::Ceiling`] is `200`.
///
/// # Errors
///
/// [`Inexact`] if the result does not fit a decimal.
pub fn round(value: Decimal, decimals: i32, rule: Rounding) -> Result<Decimal, Inexact> {
    divide(value, Decimal::ONE, decimals, rule)
}

/// `dividend / divisor`, rounded once, to `decimals` places.
///
/// # Errors
///
/// [`Inexact`] if the divisor is zero or if a number on the way needs more than 127 bits.
pub fn divide(
    dividend: Decimal,
    divisor: Decimal,
    decimals: i32,
    rule: Rounding,
) -> Result<Decimal, Inexact> {
    let (dividend, divisor) = (dividend.normalize(), divisor.normalize());
    // a/10^s ÷ b/10^t, counted in units of 10^-decimals, is a·10^(t + decimals - s) ÷ b.
    let places = |d: Decimal| i32::try_from(d.scale()).map_err(|_| Inexact);
    let shift = places(divisor)?.saturating_add(decimals).saturating_sub(places(dividend)?);
    let scaled = |mantissa: i128, by: i32| {
        let power = 10_i128.checked_pow(by.max(0).unsigned_abs()).ok_or(Inexact)?;
        mantissa.checked_mul(power).ok_or(Inexact)
    };
    if dividend.is_zero() {
        return if divisor.is_zero() { Err(Inexact) } else { Ok(Decimal::ZERO) };
    }
    let units = divide_integers(
        scaled(dividend.mantissa(), shift)?,
        scaled(divisor.mantissa(), shift.saturating_neg())?,
        rule,
    )?;
    let whole = scaled(units, decimals.saturating_neg())?;
    let scale = decimals.max(0).unsigned_abs();
    Decimal::try_from_i128_with_scale(whole, scale).map(|d| d.normalize()).map_err(|_| Inexact)
}

/// `dividend / divisor` as an integer, by the rule.
///
/// # Errors
///
/// [`Inexact`] if the divisor is zero.
pub fn divide_integers(dividend: i128, divisor: i128, rule: Rounding) -> Result<i128, Inexact> {
    let truncated = dividend.checked_div(divisor).ok_or(Inexact)?;
    let rest = dividend.checked_rem(divisor).ok_or(Inexact)?;
    if rest == 0 {
        return Ok(truncated);
    }
    let is_positive = (dividend < 0) == (divisor < 0);
    let half = rest.unsigned_abs() >= divisor.unsigned_abs().saturating_sub(rest.unsigned_abs());
    let away_from_zero = match rule {
        Rounding::Ceiling => is_positive,
        Rounding::Floor => !is_positive,
        Rounding::HalfUp => half,
    };
    let step = if is_positive { 1 } else { -1 };
    if away_from_zero { truncated.checked_add(step).ok_or(Inexact) } else { Ok(truncated) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn d(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    #[test]
    fn rounding_takes_the_neighbour_that_the_rule_names() {
        use Rounding::{Ceiling, Floor, HalfUp};
        for (value, decimals, ceiling, floor, half_up) in [
            ("2.5", 0, "3", "2", "3"),
            ("-2.5", 0, "-2", "-3", "-3"),
            ("2.4", 0, "3", "2", "2"),
            ("-2.4", 0, "-2", "-3", "-2"),
            ("123.456", 2, "123.46", "123.45", "123.46"),
            ("123.456", -2, "200", "100", "100"),
            ("150", -2, "200", "100", "200"),
            ("7.335", 2, "7.34", "7.33", "7.34"),
            ("0", 3, "0", "0", "0"),
            ("3", 12, "3", "3", "3"),
            ("0.0000000000001", -12, "1000000000000", "0", "0"),
        ] {
            for (rule, expected) in [(Ceiling, ceiling), (Floor, floor), (HalfUp, half_up)] {
                let got = round(d(value), decimals, rule).unwrap();
                assert_eq!(got, d(expected), "{value} to {decimals}, {}", rule.name());
            }
        }
    }

    #[test]
    fn quotients_are_rounded_once() {
        let quotient = |a, b, places| divide(d(a), d(b), places, Rounding::HalfUp);
        for (a, b, places, expected) in [
            ("23", "31", 9, "0.741935484"),
            ("1400", "1000", 0, "1"),
            ("1.5", "0.25", 0, "6"),
            ("-1", "3", 4, "-0.3333"),
            ("-1", "-3", 4, "0.3333"),
            ("0", "3", 4, "0"),
        ] {
            assert_eq!(quotient(a, b, places), Ok(d(expected)), "{a} / {b}");
        }
        assert_eq!(quotient("1", "0", 2), Err(Inexact));
        assert_eq!(quotient("0", "0", 2), Err(Inexact));
        assert_eq!(quotient("9999999999999999", "0.000000000001", 12), Err(Inexact));
    }

    #[test]
    fn a_number_too_large_for_a_decimal_is_refused() {
        assert_eq!(divide(Decimal::MAX, d("0.1"), 0, Rounding::Floor), Err(Inexact));
        assert_eq!(round(d("1"), -39, Rounding::Ceiling), Err(Inexact));
    }
}
