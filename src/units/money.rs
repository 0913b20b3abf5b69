//! Money: an exact number of a currency's minor units; and the one place where an amount is
//! rounded to them.
//!
//! ```text
//! Amount 3.335 ── Money::round(USD) ──▶ Money 334 cents ── Display ──▶ "3.34"
//! Money 500 cents ── allocate [1, 1, 1] ──▶ [167, 167, 166]
//! ```
//!
//! Invariants: two currencies never meet in a sum; a number of minor units is within ±(2^53 − 1),
//! so that it is exact in SQLite and in JavaScript too; parts of an allocation sum to the whole.

use std::fmt;

use rust_decimal::Decimal;
use serde::Serialize;

use super::order::sorted;
use super::round::{Rounding, divide_integers, round};
use super::{Amount, Currency, Inexact};

/// Most minor units that an amount of money may have, on both sides of zero: 2^53 − 1.
pub const MINOR_UNITS_MAX: i64 = 9_007_199_254_740_991;

/// An amount of money, in whole minor units of its currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Money {
    minor: i64,
    currency: Currency,
}

/// Why a computation with money has no result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// Two currencies in one sum.
    #[error("{left} and {right} do not add up: convert one of them first")]
    CurrencyMismatch {
        /// Currency of the first operand.
        left: Currency,
        /// Currency of the second operand.
        right: Currency,
    },
    /// More than 2^53 − 1 minor units.
    #[error("the amount has more than 9007199254740991 minor units: split it")]
    TooLarge,
    /// A part of a minor unit where only whole ones are allowed.
    #[error("{amount} is finer than the minor unit of {currency}: round it first")]
    TooFine {
        /// The amount, in major units.
        amount: Decimal,
        /// The currency.
        currency: Currency,
    },
    /// Something to share out, and nobody to take it.
    #[error("the weights of an allocation are all zero: give one that is not")]
    NoWeight,
    /// A weight below zero.
    #[error("the weight {weight} is negative: weights must be zero or more")]
    NegativeWeight {
        /// The weight at fault.
        weight: i64,
    },
}

impl MoneyError {
    /// Stable machine-readable code. Never reworded.
    pub fn code(self) -> &'static str {
        match self {
            Self::CurrencyMismatch { .. } => "currency_mismatch",
            Self::TooLarge => "money_too_large",
            Self::TooFine { .. } => "money_too_fine",
            Self::NoWeight => "no_weight",
            Self::NegativeWeight { .. } => "negative_weight",
        }
    }
}

impl Money {
    /// No money.
    pub fn zero(currency: Currency) -> Self {
        Self { minor: 0, currency }
    }

    /// A number of minor units.
    ///
    /// # Errors
    ///
    /// [`MoneyError::TooLarge`] beyond ±(2^53 − 1).
    pub fn from_minor(minor: i64, currency: Currency) -> Result<Self, MoneyError> {
        if minor.unsigned_abs() > MINOR_UNITS_MAX.unsigned_abs() {
            return Err(MoneyError::TooLarge);
        }
        Ok(Self { minor, currency })
    }

    /// **The one rounding of money**: to the currency's minor unit, half away from zero.
    ///
    /// `0.005 USD → 0.01`, `-0.005 USD → -0.01`, `0.5 JPY → 1`, `1.0004 KWD → 1`.
    ///
    /// # Errors
    ///
    /// [`MoneyError::TooLarge`] beyond ±(2^53 − 1) minor units.
    pub fn round(amount: Amount, currency: Currency) -> Result<Self, MoneyError> {
        let decimals = i32::try_from(currency.decimals()).unwrap_or_default();
        let rounded =
            round(amount.get(), decimals, Rounding::HalfUp).map_err(|_| MoneyError::TooLarge)?;
        Self::exactly(rounded, currency)
    }

    /// An amount in major units that has no part of a minor unit.
    ///
    /// # Errors
    ///
    /// [`MoneyError::TooFine`] or [`MoneyError::TooLarge`].
    pub fn exactly(major: Decimal, currency: Currency) -> Result<Self, MoneyError> {
        let major = major.normalize();
        let missing = currency
            .decimals()
            .checked_sub(major.scale())
            .ok_or(MoneyError::TooFine { amount: major, currency })?;
        let power = 10_i128.checked_pow(missing).ok_or(MoneyError::TooLarge)?;
        let minor = major.mantissa().checked_mul(power).ok_or(MoneyError::TooLarge)?;
        Self::from_minor(i64::try_from(minor).map_err(|_| MoneyError::TooLarge)?, currency)
    }

    /// The number of minor units.
    pub fn minor(self) -> i64 {
        self.minor
    }

    /// The currency.
    pub fn currency(self) -> Currency {
        self.currency
    }

    /// The amount in major units: `12.34` for 1234 cents.
    pub fn major(self) -> Decimal {
        Decimal::new(self.minor, self.currency.decimals())
    }

    /// Whether it is nothing.
    pub fn is_zero(self) -> bool {
        self.minor == 0
    }

    /// Whether it is below zero.
    pub fn is_negative(self) -> bool {
        self.minor < 0
    }

    /// Exact sum.
    ///
    /// # Errors
    ///
    /// [`MoneyError::CurrencyMismatch`] or [`MoneyError::TooLarge`].
    pub fn plus(self, other: Self) -> Result<Self, MoneyError> {
        self.same_currency(other)?;
        let minor = self.minor.checked_add(other.minor).ok_or(MoneyError::TooLarge)?;
        Self::from_minor(minor, self.currency)
    }

    /// Exact difference.
    ///
    /// # Errors
    ///
    /// [`MoneyError::CurrencyMismatch`] or [`MoneyError::TooLarge`].
    pub fn minus(self, other: Self) -> Result<Self, MoneyError> {
        self.plus(other.negated())
    }

    /// The same amount on the other side of zero.
    #[must_use]
    pub fn negated(self) -> Self {
        Self { minor: self.minor.saturating_neg(), currency: self.currency }
    }

    /// The smaller of two amounts.
    ///
    /// # Errors
    ///
    /// [`MoneyError::CurrencyMismatch`].
    pub fn min(self, other: Self) -> Result<Self, MoneyError> {
        self.same_currency(other)?;
        Ok(if other.minor < self.minor { other } else { self })
    }

    /// Exact sum of many amounts of one currency; zero if there are none.
    ///
    /// # Errors
    ///
    /// [`MoneyError::CurrencyMismatch`] or [`MoneyError::TooLarge`].
    pub fn sum(
        currency: Currency,
        amounts: impl IntoIterator<Item = Self>,
    ) -> Result<Self, MoneyError> {
        amounts.into_iter().try_fold(Self::zero(currency), Self::plus)
    }

    /// `part / whole` of the amount, rounded once, half away from zero: proration by days.
    ///
    /// # Errors
    ///
    /// [`MoneyError::TooLarge`]; [`MoneyError::NoWeight`] if `whole` is zero.
    pub fn prorated(self, part: u32, whole: u32) -> Result<Self, MoneyError> {
        let product = i128::from(self.minor).checked_mul(i128::from(part));
        let share =
            divide_integers(product.ok_or(MoneyError::TooLarge)?, whole.into(), Rounding::HalfUp)
                .map_err(|Inexact| MoneyError::NoWeight)?;
        Self::from_minor(i64::try_from(share).map_err(|_| MoneyError::TooLarge)?, self.currency)
    }

    /// Shares the amount out in proportion to `weights`; the parts sum to it exactly.
    ///
    /// Each part is first rounded towards zero; the minor units left over go, one each, to the
    /// parts with the largest remainders, at a tie to the earlier one.
    ///
    /// # Errors
    ///
    /// [`MoneyError::NegativeWeight`]; [`MoneyError::NoWeight`] if there is money and no weight.
    pub fn allocate(self, weights: &[i64]) -> Result<Vec<Self>, MoneyError> {
        if let Some(weight) = weights.iter().copied().find(|weight| *weight < 0) {
            return Err(MoneyError::NegativeWeight { weight });
        }
        let total: i128 = weights.iter().copied().map(i128::from).sum();
        if total == 0 {
            let parts = vec![self; weights.len()];
            return if self.is_zero() { Ok(parts) } else { Err(MoneyError::NoWeight) };
        }
        let mut parts = Vec::with_capacity(weights.len());
        let mut left = i128::from(self.minor.unsigned_abs());
        for (index, weight) in weights.iter().enumerate() {
            let product = i128::from(self.minor.unsigned_abs())
                .checked_mul(i128::from(*weight))
                .ok_or(MoneyError::TooLarge)?;
            let share = product.checked_div(total).ok_or(MoneyError::NoWeight)?;
            let remainder = product.checked_rem(total).ok_or(MoneyError::NoWeight)?;
            left = left.saturating_sub(share);
            parts.push((index, share, remainder));
        }
        let mut parts = sorted(parts, |a, b| b.2.cmp(&a.2).then(a.0.cmp(&b.0)));
        let extra = usize::try_from(left).unwrap_or_default();
        for (_, share, _) in parts.iter_mut().take(extra) {
            *share = share.saturating_add(1);
        }
        let sign = if self.is_negative() { -1 } else { 1 };
        let signed = |share: i128| i64::try_from(share.saturating_mul(sign));
        let parts = sorted(parts, |a, b| a.0.cmp(&b.0));
        parts
            .into_iter()
            .map(|(_, share, _)| {
                Self::from_minor(signed(share).map_err(|_| MoneyError::TooLarge)?, self.currency)
            })
            .collect()
    }

    fn same_currency(self, other: Self) -> Result<(), MoneyError> {
        if self.currency == other.currency {
            return Ok(());
        }
        Err(MoneyError::CurrencyMismatch { left: self.currency, right: other.currency })
    }
}

/// The amount in major units with all decimals of the currency, without its code: `12.30`.
impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.major().fmt(f)
    }
}

/// A string of major units; the currency stands once beside it, on the invoice.
impl Serialize for Money {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
#[path = "money_tests.rs"]
mod tests;
