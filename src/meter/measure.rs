//! What one event contributes and what an aggregate stands at: a signed number of meter units.
//!
//! A correction is a negative measure; a [`Quantity`](crate::units::Quantity), which is priced, is
//! what a period's measures come to. Invariants as for the other numbers: normalized, at most 16
//! digits before the point and 12 after it, a string on every wire.

use std::fmt;
use std::str::FromStr;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::units::{Credits, Inexact, NumberError, exact};

/// A signed number of meter units.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(try_from = "String", into = "String")]
pub struct Measure(Decimal);

impl Measure {
    /// No use at all.
    pub const ZERO: Self = Self(Decimal::ZERO);

    /// One unit.
    pub const ONE: Self = Self(Decimal::ONE);

    /// Wraps a decimal.
    ///
    /// # Errors
    ///
    /// [`NumberError`] if the number has too many digits.
    pub fn new(value: Decimal) -> Result<Self, NumberError> {
        // Signed, 16 digits and 12 places: the range of credits.
        Credits::new(value).map(|checked| Self(checked.get()))
    }

    /// The value as a plain decimal, without trailing zeros.
    pub fn get(self) -> Decimal {
        self.0
    }

    /// The same with the other sign.
    #[must_use]
    pub fn negated(self) -> Self {
        let mut value = self.0;
        value.set_sign_positive(self.0.is_sign_negative());
        Self(exact::normalize(value))
    }

    /// Exact sum.
    ///
    /// # Errors
    ///
    /// [`Inexact`] if the sum leaves the range of a measure.
    pub fn plus(self, other: Self) -> Result<Self, Inexact> {
        Self::new(exact::add(self.0, other.0)?).map_err(|_| Inexact)
    }
}

impl FromStr for Measure {
    type Err = NumberError;

    fn from_str(text: &str) -> Result<Self, NumberError> {
        text.parse::<Credits>().map(|checked| Self(checked.get()))
    }
}

impl TryFrom<String> for Measure {
    type Error = NumberError;

    fn try_from(text: String) -> Result<Self, NumberError> {
        text.parse()
    }
}

impl From<Measure> for String {
    fn from(value: Measure) -> Self {
        value.0.to_string()
    }
}

impl fmt::Display for Measure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
