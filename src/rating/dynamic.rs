//! Dynamic: the price comes with the events. `Σ priced value × multiplier`
//!
//! The meter sums what the events say they are worth (their own price times their own quantity, or
//! a cost); the plan adds its margin.

use rust_decimal::Decimal;

use crate::units::{Inexact, UnitPrice, exact};

/// The price of a sum of priced values.
pub(super) fn amount(multiplier: UnitPrice, value: Decimal) -> Result<Decimal, Inexact> {
    exact::mul(value, multiplier.get())
}
