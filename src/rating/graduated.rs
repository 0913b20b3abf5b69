//! Graduated: every unit costs the price of the tier it falls in, plus the flat of every tier that
//! was entered.
//!
//! ```text
//! quantity   0 ─────────── 1 000 ─────────── 10 000 ──────────▶
//! unit       │     0.01      │     0.008       │     0.005
//!            1 500 → 1 000 × 0.01 + 500 × 0.008
//! ```
//!
//! What the lower tiers cost in full was added up when the plan was checked, so a price takes one
//! search, one subtraction, one product and one or two sums, however many tiers there are.

use rust_decimal::Decimal;

use super::Period;
use crate::plan::Ladder;
use crate::units::{Inexact, exact};

/// The price of a billed quantity.
pub(super) fn amount(ladder: &Ladder, billed: Decimal, period: Period) -> Result<Decimal, Inexact> {
    if is_free_zero(ladder, billed, period) {
        return Ok(Decimal::ZERO);
    }
    let rung = ladder.rung_of(billed)?;
    let cost = rung.cost(exact::sub(billed, rung.above)?)?;
    exact::add(rung.below, cost)
}

/// Without any use the first flat is due at the end of the period, if the plan says so at all.
pub(super) fn is_free_zero(ladder: &Ladder, billed: Decimal, period: Period) -> bool {
    billed.is_zero() && (period == Period::Open || !ladder.flat_at_zero())
}
