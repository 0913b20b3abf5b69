//! Quantity × price → credits. Pure: no clock, no I/O, no randomness, no floats.

use crate::plan::{Charge, Price};
use crate::units::{Credits, Inexact, Quantity, exact};

/// Why a quantity could not be rated. Rating fails closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RateError {
    /// The amount would need rounding or leaves the range of credits.
    #[error(transparent)]
    Inexact(#[from] Inexact),
}

/// What `added` units cost on a charge that already stands at `before`.
///
/// # Errors
///
/// [`RateError::Inexact`]: more than 12 decimal places or 16 digits before the point.
pub fn marginal(charge: &Charge, _before: Quantity, added: Quantity) -> Result<Credits, RateError> {
    let Price::PerUnit { unit_price } = &charge.price;
    let amount = exact::mul(unit_price.get(), added.get())?;
    Ok(Credits::new(amount).map_err(|_| Inexact)?)
}
