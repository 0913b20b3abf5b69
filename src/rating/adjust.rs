//! What happens to a line before and after its price, in the plan's order.
//!
//! ```text
//! metered ─ convert ─ round ─ included ─▶ billed ─ PRICE ─▶ discount ─ maximum ─ minimum ─▶ amount
//! ```
//!
//! All steps work on the running value of the period, so a maximum that is reached stays reached
//! and free units are given once.

use rust_decimal::Decimal;

use super::{Period, RateError, fine_enough};
use crate::plan::{AmountStep, Charge, QuantityStep};
use crate::units::round::{divide, round};
use crate::units::{Inexact, Quantity, exact};

/// The billed quantity: what is priced.
pub(super) fn billed(charge: &Charge, metered: Quantity) -> Result<Decimal, RateError> {
    fine_enough(charge, metered)?;
    let mut quantity = metered.get();
    for step in charge.quantity_steps() {
        quantity = quantity_after(step, quantity)?;
    }
    Ok(quantity)
}

/// The quantity after one step.
pub(super) fn quantity_after(step: &QuantityStep, quantity: Decimal) -> Result<Decimal, Inexact> {
    match step {
        QuantityStep::Times(factor) => exact::mul(quantity, *factor),
        QuantityStep::Over(divisor, by) => {
            divide(quantity, *divisor, by.places.into(), by.direction)
        }
        QuantityStep::Round(by) => round(quantity, by.places.into(), by.direction),
        QuantityStep::Included(units) => above(quantity, units.get()),
    }
}

/// The amount of the line.
pub(super) fn charged(charge: &Charge, gross: Decimal, period: Period) -> Result<Decimal, Inexact> {
    let mut amount = gross;
    for step in charge.amount_steps() {
        amount = amount_after(step, amount, period)?;
    }
    Ok(amount)
}

/// The amount after one step. A minimum is due at the end of the period.
pub(super) fn amount_after(
    step: &AmountStep,
    amount: Decimal,
    period: Period,
) -> Result<Decimal, Inexact> {
    match (step, period) {
        (AmountStep::Discount(fraction), _) => exact::sub(amount, exact::mul(amount, *fraction)?),
        (AmountStep::Maximum(bound), _) => Ok(amount.min(bound.get())),
        (AmountStep::Minimum(bound), Period::Over) => Ok(amount.max(bound.get())),
        (AmountStep::Minimum(_), Period::Open) => Ok(amount),
        (AmountStep::Round(by), _) => round(amount, by.places.into(), by.direction),
    }
}

/// The part of `quantity` above `floor`; zero when it is not.
pub(super) fn above(quantity: Decimal, floor: Decimal) -> Result<Decimal, Inexact> {
    if quantity <= floor { Ok(Decimal::ZERO) } else { exact::sub(quantity, floor) }
}
