//! Meter units to billed units: one factor, then one rounding.
//!
//! ```text
//! 1247 tokens ── ÷ 1000 ──▶ 1.247 ── ceiling to 0 places ──▶ 2 thousands
//! ```
//!
//! The quotient is rounded from its exact value, never from a rounded one. Without a rounding the
//! result must be exact.

use rust_decimal::Decimal;

use super::measure::Measure;
use crate::plan::{Conversion, Operation, Round};
use crate::units::{Inexact, Rounding, SCALE_MAX, exact, round};

/// `value`, rounded once.
///
/// # Errors
///
/// [`Inexact`] if the rounded value leaves the range of a measure.
pub fn rounded(value: Measure, rule: Round) -> Result<Measure, Inexact> {
    measured(round::round(value.get(), rule.places.into(), rule.direction)?)
}

/// `value` in billed units.
///
/// # Errors
///
/// [`Inexact`] if there is no rounding and the result needs more than 12 places, or if the result
/// leaves the range of a measure.
pub fn converted(value: Measure, rule: Conversion) -> Result<Measure, Inexact> {
    let (metered, factor) = (value.get(), rule.factor.get());
    let (dividend, divisor) = match rule.operation {
        Operation::Multiply => (exact::mul(metered, factor)?, Decimal::ONE),
        Operation::Divide => (metered, factor),
    };
    match rule.rounding {
        Some(Round { direction, places }) => {
            measured(round::divide(dividend, divisor, places.into(), direction)?)
        }
        None => exact_quotient(dividend, divisor),
    }
}

/// The quotient if it has at most 12 decimal places: then both neighbours are it.
fn exact_quotient(dividend: Decimal, divisor: Decimal) -> Result<Measure, Inexact> {
    const PLACES: i32 = 12;
    const _: () = assert!(PLACES.unsigned_abs() == SCALE_MAX, "as fine as a measure");
    let below = round::divide(dividend, divisor, PLACES, Rounding::Floor)?;
    let above = round::divide(dividend, divisor, PLACES, Rounding::Ceiling)?;
    if below == above { measured(below) } else { Err(Inexact) }
}

fn measured(value: Decimal) -> Result<Measure, Inexact> {
    Measure::new(value).map_err(|_| Inexact)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn m(text: &str) -> Measure {
        text.parse().unwrap()
    }

    fn direction(name: &str) -> Rounding {
        serde_json::from_str(&format!("{name:?}")).unwrap()
    }

    /// `"x 1.5"`, `"/ 1000 ceiling 2"`: operation, factor, and perhaps direction and places.
    fn convert(rule: &str, value: &str) -> Option<String> {
        let cells: Vec<&str> = rule.split_whitespace().collect();
        let operation = if cells[0] == "x" { Operation::Multiply } else { Operation::Divide };
        let rounding = match cells[2..] {
            [name, places] => {
                Some(Round { direction: direction(name), places: places.parse().unwrap() })
            }
            _ => None,
        };
        let conversion = Conversion { operation, factor: cells[1].parse().unwrap(), rounding };
        converted(m(value), conversion).ok().map(|m| m.to_string())
    }

    #[test]
    fn conversions_are_a_factor_and_one_rounding() {
        for (rule, value, expected) in [
            ("x 1.5", "4.2", Some("6.3")),
            ("/ 1000", "1247", Some("1.247")),
            ("/ 3", "1", None),
            ("/ 3 half_up 12", "1", Some("0.333333333333")),
            ("/ 3 ceiling 0", "9", Some("3")),
            ("/ 3 ceiling 0", "9.000000000001", Some("4")),
            ("/ 1000 ceiling 0", "1000", Some("1")),
            ("/ 1000 ceiling 2", "1247", Some("1.25")),
            ("/ 1000 floor 0", "1999.999", Some("1")),
            ("/ 1000 half_up 0", "2400", Some("2")),
            ("/ 1000 half_up 0", "-2500", Some("-3")),
            ("/ 1000 ceiling 0", "-2500", Some("-2")),
            ("/ 1000 floor 0", "-2500", Some("-3")),
            ("x 1 ceiling -2", "123.456", Some("200")),
            ("x 0.000001", "0.0000001", None),
            ("x 0.000001 half_up 12", "0.0000005", Some("0.000000000001")),
            ("x 10", "9999999999999999", None),
            ("/ 0", "1", None),
        ] {
            assert_eq!(convert(rule, value).as_deref(), expected, "{rule} of {value}");
        }
    }

    #[test]
    fn rounding_alone() {
        let round = |value, name, places| {
            rounded(m(value), Round { direction: direction(name), places }).map(|m| m.to_string())
        };
        assert_eq!(round("123.456", "half_up", 2).as_deref(), Ok("123.46"));
        assert_eq!(round("123.456", "ceiling", -2).as_deref(), Ok("200"));
        assert_eq!(round("-2.5", "half_up", 0).as_deref(), Ok("-3"));
        assert_eq!(round("9999999999999999", "ceiling", -12), Err(Inexact));
    }
}
