//! Matrix: a unit price per combination of dimension values. `Σ q × unit price`
//!
//! The entry with the most dimensions that all match wins; a plan whose entries leave a tie does not
//! load. A combination without an entry is an error, unless the plan has a default.

use rust_decimal::Decimal;

use super::RateError;
use crate::plan::{Combination, Matrix};
use crate::units::exact;

/// The price of one combination's billed quantity.
pub(super) fn amount(
    matrix: &Matrix,
    combination: &Combination,
    billed: Decimal,
) -> Result<Decimal, RateError> {
    let unit = matrix
        .unit_price(combination)
        .ok_or_else(|| RateError::NoPrice { combination: combination.clone() })?;
    Ok(exact::mul(billed, unit.get())?)
}
