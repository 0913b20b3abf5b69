//! Volume: all units cost the price of the tier that the total falls in, plus that tier's flat.
//!
//! The total may fall as the quantity grows, so an event that crosses a bound may have a negative
//! marginal cost. That is the model, not an error.

use rust_decimal::Decimal;

use super::Period;
use super::graduated::is_free_zero;
use crate::plan::Ladder;
use crate::units::Inexact;

/// The price of a billed quantity.
pub(super) fn amount(ladder: &Ladder, billed: Decimal, period: Period) -> Result<Decimal, Inexact> {
    if is_free_zero(ladder, billed, period) {
        return Ok(Decimal::ZERO);
    }
    ladder.rung_of(billed)?.cost(billed)
}
