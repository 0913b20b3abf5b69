//! Fractions of big integers, and decimal texts.

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{One, Signed, Zero};

use super::Rng;

pub(crate) type Fraction = BigRational;

/// Reads a decimal text.
pub(crate) fn fraction(text: &str) -> Fraction {
    let digits = text.replace('.', "");
    let places = text.split_once('.').map_or(0, |(_, places)| places.len());
    Fraction::new(digits.parse().unwrap(), BigInt::from(10).pow(places as u32))
}

pub(crate) fn zero() -> Fraction {
    Fraction::zero()
}

/// The neighbour of `value` on the grid of 10^-places that the rule names.
pub(crate) fn rounded(rule: &str, value: &Fraction, places: i32) -> Fraction {
    let grid = Fraction::from(BigInt::from(10)).pow(places);
    let scaled = value * &grid;
    let whole = match rule {
        "ceiling" => scaled.ceil(),
        "floor" => scaled.floor(),
        "half_up" => {
            let half = Fraction::new(BigInt::one(), BigInt::from(2));
            let away = (scaled.abs() + half).floor();
            if scaled.is_negative() { -away } else { away }
        }
        _ => panic!("no rounding {rule}"),
    };
    whole / grid
}

/// A decimal text of up to `whole` digits before the point and `places` after it.
pub(crate) fn decimal(rng: &mut Rng, whole: u32, places: u32) -> String {
    let digits = rng.below(u64::from(whole) + 1) as u32;
    let before = if digits == 0 { 0 } else { rng.below(10_u64.pow(digits)) };
    let places = rng.below(u64::from(places) + 1) as usize;
    if places == 0 {
        return before.to_string();
    }
    format!("{before}.{:0places$}", rng.below(10_u64.pow(places as u32)))
}

/// A decimal text above zero.
pub(crate) fn positive(rng: &mut Rng, whole: u32, places: u32) -> String {
    loop {
        let text = decimal(rng, whole, places);
        if !fraction(&text).is_zero() {
            return text;
        }
    }
}
