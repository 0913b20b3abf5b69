//! Per unit: every unit costs the same. `q × unit price`

use rust_decimal::Decimal;

use crate::units::{Inexact, UnitPrice, exact};

/// The price of a billed quantity.
pub(super) fn amount(unit: UnitPrice, billed: Decimal) -> Result<Decimal, Inexact> {
    exact::mul(billed, unit.get())
}
