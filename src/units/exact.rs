//! Exact decimal arithmetic: the result, or [`Inexact`]; never a rounded digit.
//!
//! `rust_decimal` holds `m / 10^e` with `|m| < 2^96` and `e ≤ 28`. Its `checked_*` functions guard
//! the range only: a result that needs more than 96 bits is *rounded* and returned as `Some`. Here
//! the scale of each result is compared with the scale that exact arithmetic gives; clippy refuses
//! the library's own functions everywhere else.
//!
//! Invariant (tested below): every `Some` is the mathematically exact result.

#![expect(clippy::disallowed_methods, reason = "the one place that may call checked_*")]

use rust_decimal::{Decimal, RoundingStrategy};

/// A result could not be represented without rounding: it needs more than 96 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("result needs more than 96 bits and would have been rounded")]
pub struct Inexact;

/// `a + b`, exactly.
///
/// # Errors
///
/// [`Inexact`] if the sum needs more than 96 bits.
#[inline]
pub fn add(a: Decimal, b: Decimal) -> Result<Decimal, Inexact> {
    if let Some(sum) = add_small(a, b) {
        return Ok(sum);
    }
    add_wide(a, b)
}

/// The common case: both mantissas in 64 bits at the common scale. Integers, no division.
#[inline]
fn add_small(a: Decimal, b: Decimal) -> Option<Decimal> {
    let (more, less) = if a.scale() >= b.scale() { (a, b) } else { (b, a) };
    let shift = more.scale().checked_sub(less.scale())?;
    let power = *POWERS_OF_TEN.get(usize::try_from(shift).ok()?)?;
    let aligned = in_64_bits(less)?.checked_mul(power)?;
    let sum = i128::from(in_64_bits(more)?).checked_add(i128::from(aligned))?;
    Decimal::try_from_i128_with_scale(sum, more.scale()).ok()
}

fn add_wide(a: Decimal, b: Decimal) -> Result<Decimal, Inexact> {
    if a.is_zero() {
        return Ok(b);
    }
    if b.is_zero() {
        return Ok(a);
    }
    let sum = a.checked_add(b).ok_or(Inexact)?;
    if sum.scale() == a.scale().max(b.scale()) {
        return Ok(sum);
    }
    // Trailing zeros may have pushed an exact result past 96 bits: try once more without them.
    let (a, b) = (a.normalize(), b.normalize());
    let sum = a.checked_add(b).ok_or(Inexact)?;
    let exact = sum.is_zero() || sum.scale() == a.scale().max(b.scale());
    exact.then_some(sum).ok_or(Inexact)
}

/// The number without trailing zeros; zero has no sign.
#[inline]
pub fn normalize(value: Decimal) -> Decimal {
    match u64::try_from(value.mantissa().unsigned_abs()) {
        Ok(mantissa) => small(mantissa, value.scale(), value.is_sign_negative()),
        Err(_) => value.normalize(),
    }
}

/// `±mantissa / 10^places`, normalized. At most 28 places.
#[inline]
pub(super) fn small(mut mantissa: u64, mut places: u32, is_negative: bool) -> Decimal {
    if mantissa == 0 {
        return Decimal::ZERO;
    }
    while places > 0 && mantissa.is_multiple_of(10) {
        mantissa /= 10;
        places = places.saturating_sub(1);
    }
    #[expect(clippy::cast_possible_truncation, reason = "the lower and the upper half")]
    let (low, middle) = (mantissa as u32, (mantissa >> 32) as u32);
    Decimal::from_parts(low, middle, 0, is_negative, places)
}

/// `units / 10^places`, normalized; none if it needs more than 96 bits or 28 places.
#[inline]
pub(super) fn of_units(units: i128, places: u32) -> Option<Decimal> {
    match u64::try_from(units.unsigned_abs()) {
        Ok(mantissa) if places <= Decimal::MAX_SCALE => Some(small(mantissa, places, units < 0)),
        _ => Decimal::try_from_i128_with_scale(units, places).ok().map(normalize),
    }
}

/// The signed mantissa, if it fits 64 bits.
#[inline]
fn in_64_bits(value: Decimal) -> Option<i64> {
    i64::try_from(value.mantissa()).ok()
}

/// 10^0 to 10^18: all that fit 64 bits.
#[rustfmt::skip]
const POWERS_OF_TEN: [i64; 19] = [
    1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000, 1_000_000_000,
    10_000_000_000, 100_000_000_000, 1_000_000_000_000, 10_000_000_000_000, 100_000_000_000_000,
    1_000_000_000_000_000, 10_000_000_000_000_000, 100_000_000_000_000_000,
    1_000_000_000_000_000_000,
];

/// `a − b`, exactly.
///
/// # Errors
///
/// [`Inexact`] if the difference needs more than 96 bits.
pub fn sub(a: Decimal, b: Decimal) -> Result<Decimal, Inexact> {
    let mut negated = b;
    negated.set_sign_positive(b.is_sign_negative());
    add(a, negated)
}

/// `a × b`, exactly.
///
/// # Errors
///
/// [`Inexact`] if the product needs more than 96 bits or more than 28 decimal places.
#[inline]
pub fn mul(a: Decimal, b: Decimal) -> Result<Decimal, Inexact> {
    if let Some(product) = mul_small(a, b) {
        return Ok(product);
    }
    mul_wide(a, b)
}

/// The common case: both mantissas in 64 bits, the product in 96 bits and 28 places.
#[inline]
fn mul_small(a: Decimal, b: Decimal) -> Option<Decimal> {
    let product = i128::from(in_64_bits(a)?).checked_mul(i128::from(in_64_bits(b)?))?;
    Decimal::try_from_i128_with_scale(product, a.scale().checked_add(b.scale())?).ok()
}

fn mul_wide(a: Decimal, b: Decimal) -> Result<Decimal, Inexact> {
    if a.is_zero() || b.is_zero() {
        return Ok(Decimal::ZERO);
    }
    let product = a.checked_mul(b).ok_or(Inexact)?;
    if product.scale() == a.scale().saturating_add(b.scale()) {
        return Ok(product);
    }
    let (a, b) = (a.normalize(), b.normalize());
    let product = a.checked_mul(b).ok_or(Inexact)?;
    (product.scale() == a.scale().saturating_add(b.scale())).then_some(product).ok_or(Inexact)
}

/// `a / b` cut off after at most 28 digits: for shares, rates and hints, never for an amount owed.
///
/// # Errors
///
/// [`Inexact`] if `b` is zero or the quotient leaves the range.
pub fn ratio(a: Decimal, b: Decimal) -> Result<Decimal, Inexact> {
    a.checked_div(b).ok_or(Inexact)
}

/// The largest number with at most `places` decimal places that is not above `value`.
pub fn floor(value: Decimal, places: u32) -> Decimal {
    value.round_dp_with_strategy(places, RoundingStrategy::ToNegativeInfinity)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn d(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    #[test]
    fn the_library_rounds_where_we_refuse() {
        let (huge, tenth) = (Decimal::MAX, d("0.1"));
        assert!(huge.checked_add(tenth).is_some(), "rust_decimal rounds");
        assert_eq!(add(huge, tenth), Err(Inexact));
        assert!(huge.checked_mul(d("0.11")).is_some(), "rust_decimal rounds");
        assert_eq!(mul(huge, d("0.11")), Err(Inexact));
        assert_eq!(mul(d("0.000000000000001"), d("0.00000000000001")), Err(Inexact));
    }

    #[test]
    fn trailing_zeros_do_not_make_a_result_inexact() {
        // 28 places each: the product's scale would be 56, but the numbers are 1.5 and 2.
        let wide = d("1.5000000000000000000000000000");
        assert_eq!(mul(wide, d("2.0000000000000000000000000000")), Ok(d("3")));
        let big = d("7000000000000000000000000000");
        assert_eq!(add(big, d("1.00000")), Ok(d("7000000000000000000000000001")));
    }

    #[test]
    fn sums_and_differences_cancel() {
        assert_eq!(sub(d("0.3"), d("0.3")), Ok(Decimal::ZERO));
        assert_eq!(sub(d("0"), d("0.3")), Ok(d("-0.3")));
        assert_eq!(add(d("-0.1"), d("0.3")), Ok(d("0.2")));
    }
}
