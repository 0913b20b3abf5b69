//! An exact amount, not yet rounded: what rating returns, in credits or in a currency's major units.
//!
//! ```text
//! Quantity × UnitPrice = Amount ──▶ Credits (exact, 12 places)
//!                               └─▶ Money   (rounded once, Money::round)
//! ```
//!
//! Invariant: normalized, no negative zero, exact; a product of a quantity and a price may have
//! twice [`SCALE_MAX`](super::SCALE_MAX) decimal places.

use std::fmt;
use std::str::FromStr;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::exact::{self, Inexact};
use super::number::{NumberError, parse_decimal};
use super::{Credits, Percentage, Quantity, UnitPrice};

/// An exact, unrounded amount in the unit of its charge: credits, or major units of a currency.
/// Signed: a correction is a negative amount.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(try_from = "String", into = "String")]
pub struct Amount(Decimal);

impl Amount {
    /// Nothing.
    pub const ZERO: Self = Self(Decimal::ZERO);

    /// Wraps an exact decimal.
    pub fn new(value: Decimal) -> Self {
        // `normalize` also turns a negative zero into zero.
        Self(value.normalize())
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
        parse_decimal(text).map(Self::new)
    }
}

impl TryFrom<String> for Amount {
    type Error = NumberError;

    fn try_from(text: String) -> Result<Self, NumberError> {
        text.parse()
    }
}

impl From<Amount> for String {
    fn from(amount: Amount) -> Self {
        amount.0.to_string()
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
