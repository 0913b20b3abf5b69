//! How many decimal places a charge's amounts need, so that none is ever rounded away.
//!
//! ```text
//! quantity 2 places ─ × 0.5 ─▶ 3 ─ × unit price 0.001 ─▶ 6 ─ discount 2.5 % ─▶ 9  ≤ 12 credits
//! ```
//!
//! Checked once, when the plan loads, for the coarsest quantities; the finest that still fit are
//! what [`super::Charge::quantity_places`] says, and rating refuses finer ones.

use rust_decimal::Decimal;

use super::adjust::Round;
use super::charge::{AmountStep, Charge, Price, QuantityStep};
use super::ladder::{Ladder, Rung};
use super::limits::{AMOUNT_PLACES_MAX, CREDIT_PLACES_MAX};
use super::spec::ChargeUnit;
use crate::units::SCALE_MAX;

/// Places that an amount would need, and how many are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooFine {
    pub(super) places: u32,
    pub(super) max: u32,
}

/// The most decimal places that a quantity of this charge may have.
pub(super) fn quantity_places(charge: &Charge) -> Result<u32, TooFine> {
    check(charge, 0)?;
    let mut most = 0;
    for places in 1..=SCALE_MAX {
        if check(charge, places).is_err() {
            break;
        }
        most = places;
    }
    Ok(most)
}

fn check(charge: &Charge, metered: u32) -> Result<(), TooFine> {
    let mut quantity = metered;
    for step in &charge.quantity_steps {
        quantity = match step {
            QuantityStep::Times(factor) => quantity.saturating_add(places(*factor)),
            QuantityStep::Over(_, round) => kept(round),
            QuantityStep::Round(round) => quantity.min(kept(round)),
            QuantityStep::Included(units) => quantity.max(places(units.get())),
        };
        within(quantity, SCALE_MAX)?;
    }
    let mut amount = price_places(&charge.price, quantity);
    within(amount, AMOUNT_PLACES_MAX)?;
    for step in &charge.amount_steps {
        amount = match step {
            AmountStep::Discount(fraction) => amount.saturating_add(places(*fraction)),
            AmountStep::Maximum(bound) | AmountStep::Minimum(bound) => {
                amount.max(places(bound.get()))
            }
            AmountStep::Round(round) => amount.min(kept(round)),
        };
        within(amount, AMOUNT_PLACES_MAX)?;
    }
    match charge.spec.unit {
        ChargeUnit::Credits => within(amount, CREDIT_PLACES_MAX),
        ChargeUnit::Currency => Ok(()),
    }
}

fn price_places(price: &Price, quantity: u32) -> u32 {
    let product = |factor: Decimal| quantity.saturating_add(places(factor));
    match price {
        Price::PerUnit(unit) | Price::Dynamic(unit) => product(unit.get()),
        Price::Package(package) => places(package.price.get()),
        Price::Graduated(ladder) | Price::GraduatedPercentage(ladder) => {
            ladder_places(ladder, quantity, true)
        }
        Price::Volume(ladder) | Price::Stairstep(ladder) => ladder_places(ladder, quantity, false),
        Price::Percentage(spec) => {
            let free = spec.free_value.map_or(0, |value| places(value.get()));
            let fixed = [Some(spec.fixed), spec.minimum, spec.maximum];
            let fixed = fixed.into_iter().flatten().map(|amount| places(amount.get()));
            let share = quantity.max(free).saturating_add(places(spec.percent.fraction()));
            fixed.fold(share, u32::max)
        }
        Price::Matrix(matrix) => {
            matrix.unit_prices().map(|price| product(price.get())).max().unwrap_or_default()
        }
    }
}

fn ladder_places(ladder: &Ladder, quantity: u32, each_tier: bool) -> u32 {
    let ends = ladder.bounds().iter().map(|bound| places(*bound)).chain([0]);
    let of = |(rung, end): (&Rung, u32)| {
        let edge = if each_tier { end.max(places(rung.above)) } else { 0 };
        let units = if rung.block.is_some() { 0 } else { quantity.max(edge) };
        let product = if rung.unit.is_zero() { 0 } else { units.saturating_add(places(rung.unit)) };
        let cap = rung.cap.map_or(0, places);
        product.max(places(rung.flat)).max(cap)
    };
    ladder.rungs().iter().zip(ends).map(of).max().unwrap_or_default()
}

fn places(value: Decimal) -> u32 {
    value.normalize().scale()
}

/// Places after a rounding: none below zero.
fn kept(round: &Round) -> u32 {
    u32::try_from(round.places).unwrap_or_default()
}

fn within(places: u32, max: u32) -> Result<(), TooFine> {
    if places <= max { Ok(()) } else { Err(TooFine { places, max }) }
}
