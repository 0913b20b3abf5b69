//! An exact amount, not yet rounded: what rating returns, in credits or in major currency units.
//!
//! ```text
//! Quantity × UnitPrice = Amount ──▶ Credits (exact, 12 places)
//!                               └─▶ Money   (rounded once, Money::round)
//! ```
//!
//! Invariant: normalized, no negative zero, exact; a product of a quantity and a price may have
//! twice [`SCALE_MAX`](super::SCALE_MAX) decimal places.

use std::str::FromStr;

use rust_decimal::Decimal;

use super::exact::{self, Inexact};
use super::number::{NumberError, parse_wide};
use super::text::as_text;
use super::{Credits, Percentage, Quantity, UnitPrice};

/// An exact, unrounded amount in the unit of its charge: credits, or major units of a currency.
/// Signed: a correction is a negative amount.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Amount(Decimal);

as_text!(Amount);

impl Amount {
    /// Nothing.
    pub const ZERO: Self = Self(Decimal::ZERO);

    /// Wraps an exact decimal.
    pub fn new(value: Decimal) -> Self {
        // `normalize` also turns a negative zero into zero.
        Self(exact::normalize(value))
    }

    /// So many units of 10^-`places`; none if they need more than 96 bits or 28 places.
    pub(crate) fn of_units(units: i128, places: u32) -> Option<Self> {
        exact::of_units(units, places).map(Self)
    }

    /// The value as a plain decimal, without trailing zeros.
    pub fn get(self) -> Decimal {
        self.0
    }

    /// Whether it is nothing.
    pub fn is_zero(self) -> bool {
        self.0.is_zero()
    }

    /// Whether it is below zero.
    pub fn is_negative(self) -> bool {
        self.0.is_sign_negative() && !self.0.is_zero()
    }

    /// Exact sum.
    ///
    /// # Errors
    ///
    /// [`Inexact`] if the sum needs more than 96 bits.
    pub fn plus(self, other: Self) -> Result<Self, Inexact> {
        exact::add(self.0, other.0).map(Self::new)
    }

    /// Exact difference.
    ///
    /// # Errors
    ///
    /// [`Inexact`] if the difference needs more than 96 bits.
    pub fn minus(self, other: Self) -> Result<Self, Inexact> {
        exact::sub(self.0, other.0).map(Self::new)
    }

    /// Exact product with a plain number.
    ///
    /// # Errors
    ///
    /// [`Inexact`] if the product needs more than 96 bits.
    pub fn times(self, factor: Decimal) -> Result<Self, Inexact> {
        exact::mul(self.0, factor).map(Self::new)
    }

    /// The amount as credits.
    ///
    /// # Errors
    ///
    /// [`NumberError`] if it has more decimal places or digits than credits may have.
    pub fn credits(self) -> Result<Credits, NumberError> {
        Credits::new(self.0)
    }
}

impl From<Credits> for Amount {
    fn from(credits: Credits) -> Self {
        Self(credits.get())
    }
}

impl From<UnitPrice> for Amount {
    fn from(price: UnitPrice) -> Self {
        Self(price.get())
    }
}

impl UnitPrice {
    /// Price of `quantity` at this unit price.
    ///
    /// # Errors
    ///
    /// [`Inexact`] if the product needs more than 96 bits.
    pub fn times(self, quantity: Quantity) -> Result<Amount, Inexact> {
        exact::mul(self.get(), quantity.get()).map(Amount::new)
    }
}

impl Percentage {
    /// The fraction of one: `0.029` for 2.9 percent.
    pub fn fraction(self) -> Decimal {
        let mut fraction = self.get();
        // At most 12 places and two more: always within a decimal's 28.
        let shifted = fraction.set_scale(fraction.scale().saturating_add(2));
        debug_assert!(shifted.is_ok(), "a percentage has at most 12 decimal places");
        fraction.normalize()
    }

    /// This part of an amount.
    ///
    /// # Errors
    ///
    /// [`Inexact`] if the product needs more than 96 bits.
    pub fn of(self, amount: Amount) -> Result<Amount, Inexact> {
        amount.times(self.fraction())
    }
}

impl FromStr for Amount {
    type Err = NumberError;

    fn from_str(text: &str) -> Result<Self, NumberError> {
        parse_wide(text).map(Self::new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn amount(text: &str) -> Amount {
        text.parse().unwrap()
    }

    #[test]
    fn amounts_are_exact_and_signed() {
        let price: UnitPrice = "1.5".parse().unwrap();
        let tiny = price.times("0.000000000001".parse().unwrap());
        assert_eq!(tiny, Ok(amount("0.0000000000015")));
        assert_eq!(amount("1.20").plus(amount("-1.2")), Ok(Amount::ZERO));
        assert_eq!(amount("1").minus(amount("1.5")), Ok(amount("-0.5")));
        assert_eq!(amount("3").times(amount("0.5").get()), Ok(amount("1.5")));
        assert!(amount("-0.1").is_negative() && !amount("0").is_negative());
        assert!(!Amount::new("-0".parse().unwrap()).is_negative());
        assert!(amount("0.0").is_zero() && !amount("0.1").is_zero());
        let wide = amount("9999999999999999.999999999999");
        assert_eq!(wide.times("1.1".parse().unwrap()), Err(Inexact));
    }

    #[test]
    fn credits_take_twelve_places() {
        assert_eq!(amount("0.0000000000001").credits().unwrap_err().code(), "too_fine");
        let credits: Credits = "-2.5".parse().unwrap();
        assert_eq!(amount("-2.5").credits(), Ok(credits));
        assert_eq!(Amount::from(credits), amount("-2.5"));
        assert_eq!(Amount::from("2.5".parse::<UnitPrice>().unwrap()), amount("2.5"));
    }

    #[test]
    fn a_percentage_is_a_fraction_of_a_hundred() {
        for (percent, fraction) in
            [("2.9", "0.029"), ("100", "1"), ("0", "0"), ("0.000000000001", "0.00000000000001")]
        {
            let percent: Percentage = percent.parse().unwrap();
            assert_eq!(percent.fraction().to_string(), fraction);
        }
        let half: Percentage = "50".parse().unwrap();
        assert_eq!(half.of(amount("0.3")), Ok(amount("0.15")));
        let most: Percentage = "9999999999999999.999999999999".parse().unwrap();
        assert_eq!(most.fraction().to_string(), "99999999999999.99999999999999");
    }

    #[test]
    fn amounts_are_strings_on_the_wire() {
        assert_eq!(serde_json::to_string(&amount("1.50")).unwrap(), "\"1.5\"");
        assert_eq!(serde_json::from_str::<Amount>("\"-1.50\"").unwrap(), amount("-1.5"));
        // As many places as a product has, and as many digits as a decimal.
        for wide in ["0.000000000000000000000001", "-79228162514264337593543950335"] {
            let json = format!("\"{wide}\"");
            let amount: Amount = serde_json::from_str(&json).unwrap();
            assert_eq!(serde_json::to_string(&amount).unwrap(), json);
        }
        for (text, code) in [
            ("79228162514264337593543950336", "too_large"),
            ("100000000000000000000000000000", "too_large"),
            ("7.92281625142643375935439503360001", "too_fine"),
            ("12345.0000000000000000000000000001", "too_large"),
        ] {
            assert_eq!(text.parse::<Amount>().unwrap_err().code(), code, "{text}");
        }
        assert!(serde_json::from_str::<Amount>("1.5").is_err());
        assert!(serde_json::from_str::<Amount>("\"1e3\"").is_err());
    }
}
