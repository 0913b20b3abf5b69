//! The ceiling: a bound on what any event can cost within a reach, for holding credits before the
//! exact price is known.
//!
//! ```text
//! every price of a total is a line with jumps:   amount
//!   slope = the highest unit price in reach        │        ╱
//!   jumps = flats, blocks and rises at bounds      │    │ ╱     hold(q) = slope × q + jumps
//!                                                  └────────▶ q
//! ```
//!
//! Invariant (a law with an oracle in `tests/laws.rs`): for every event of `q` units that starts at
//! `from` or later and ends within the reach, `hold(q) ≥ marginal`. It may be higher; the
//! difference flows back when the account rates exactly.

use rust_decimal::Decimal;

use super::usage::Usage;
use super::{RateError, adjust};
use crate::plan::{AmountStep, Charge, Ladder, Price, QuantityStep};
use crate::units::round::{Rounding, divide, round};
use crate::units::{Amount, Inexact, Quantity, SCALE_MAX, UnitPrice, exact};

/// A bound on the cost of an event: `per_unit × quantity + per_event`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ceiling {
    /// The highest price of a unit in reach; never negative.
    pub per_unit: UnitPrice,
    /// The most that an event may cost besides its units; never negative.
    pub per_event: Amount,
}

impl Ceiling {
    /// What to hold for an event of `quantity` units: rounded up here, where it is rounded once, to
    /// the places that credits have.
    ///
    /// # Errors
    ///
    /// [`Inexact`] if the product needs more than 96 bits.
    pub fn hold(&self, quantity: Quantity) -> Result<Amount, Inexact> {
        let bound = self.per_unit.times(quantity)?.plus(self.per_event)?;
        Ok(Amount::new(round_up(bound.get())?))
    }
}

/// A bound on the marginal cost of every event between `from` and `reach` more units.
///
/// For a matrix it covers every combination, for windows every window, for a percentage every
/// event: there the reach is not looked at.
///
/// # Errors
///
/// As [`super::amount`].
pub fn ceiling(charge: &Charge, from: &Usage, reach: Quantity) -> Result<Ceiling, RateError> {
    let (start, end) = match from {
        Usage::Total(total) => (*total, total.plus(reach)?),
        // A window may begin at any time, from zero, or go on from where it is.
        Usage::Windows(windows) => {
            let most = windows.values().copied().max().unwrap_or_default();
            (Quantity::ZERO, most.plus(reach)?)
        }
        Usage::Combinations(_) | Usage::Events(_) => (Quantity::ZERO, reach),
    };
    if super::empty(charge).shape() != from.shape() {
        return Err(super::shape_error(charge, from));
    }
    let bound = match charge.price() {
        Price::Percentage(_) => price_bound(charge.price(), Decimal::ZERO, Decimal::ZERO)?,
        price => price_bound(price, adjust::billed(charge, start)?, adjust::billed(charge, end)?)?,
    };
    let bound = through_quantity_steps(charge, bound)?;
    let bound = through_amount_steps(charge, bound)?;
    rounded_up(bound)
}

/// `slope × q + jumps`, on the way.
#[derive(Clone, Copy, Debug)]
struct Bound {
    slope: Decimal,
    jumps: Decimal,
}

fn price_bound(price: &Price, start: Decimal, end: Decimal) -> Result<Bound, Inexact> {
    let flat = |slope: Decimal| Bound { slope: positive(slope), jumps: Decimal::ZERO };
    Ok(match price {
        Price::PerUnit(unit) | Price::Dynamic(unit) => flat(unit.get()),
        Price::Matrix(matrix) => {
            flat(matrix.unit_prices().map(UnitPrice::get).max().unwrap_or_default())
        }
        // An event of q units touches at most q / size + 1 packages.
        Price::Package(package) => {
            let price = positive(package.price.get());
            Bound { slope: divided_up(price, package.size.get())?, jumps: price }
        }
        Price::Percentage(spec) => {
            let least = spec.minimum.unwrap_or_default();
            let jumps = positive(spec.fixed.max(least).get());
            Bound { slope: spec.percent.fraction(), jumps }
        }
        Price::Graduated(ladder) | Price::GraduatedPercentage(ladder) => {
            ladder_bound(ladder, start, end, |index| {
                Ok(ladder.rungs().get(index).map_or(Decimal::ZERO, |rung| rung.flat))
            })?
        }
        Price::Volume(ladder) | Price::Stairstep(ladder) => {
            ladder_bound(ladder, start, end, |index| rise(ladder, index))?
        }
    })
}

/// The highest slope of the rungs in reach, and the sum of what their jumps may add.
fn ladder_bound(
    ladder: &Ladder,
    start: Decimal,
    end: Decimal,
    entry: impl Fn(usize) -> Result<Decimal, Inexact>,
) -> Result<Bound, Inexact> {
    let (first, last) = (ladder.index_of(start), ladder.index_of(end));
    let mut bound = Bound { slope: Decimal::ZERO, jumps: Decimal::ZERO };
    let rungs = ladder.rungs().iter().enumerate().take(last.saturating_add(1)).skip(first);
    for (index, rung) in rungs {
        let unit = positive(rung.unit);
        let slope = match rung.block {
            // An event of q units touches at most q / block + 1 blocks.
            Some(block) => {
                bound.jumps = exact::add(bound.jumps, unit)?;
                divided_up(unit, block)?
            }
            None => unit,
        };
        bound.slope = bound.slope.max(slope);
        // The rung where the reach begins was entered before, unless there was no use at all.
        if index > first || start.is_zero() {
            bound.jumps = exact::add(bound.jumps, positive(entry(index)?))?;
        }
    }
    Ok(bound)
}

/// How much a volume price rises where a rung begins: both rungs at the bound between them.
fn rise(ladder: &Ladder, index: usize) -> Result<Decimal, Inexact> {
    let Some(rung) = ladder.rungs().get(index) else { return Ok(Decimal::ZERO) };
    let cost = rung.cost(rung.above)?;
    match index.checked_sub(1).and_then(|lower| ladder.rungs().get(lower)) {
        Some(lower) => exact::sub(cost, lower.cost(rung.above)?),
        None => Ok(cost),
    }
}

/// A metered unit is at most so many billed units; a rounding may add one step to an event.
fn through_quantity_steps(charge: &Charge, bound: Bound) -> Result<Bound, Inexact> {
    let Bound { mut slope, mut jumps } = bound;
    for step in charge.quantity_steps().iter().rev() {
        let rounding = match step {
            QuantityStep::Times(_) | QuantityStep::Included(_) => None,
            QuantityStep::Over(_, by) | QuantityStep::Round(by) => Some(by),
        };
        if let Some(by) = rounding {
            jumps = exact::add(jumps, exact::mul(slope, one_step(by.places)?)?)?;
        }
        match step {
            QuantityStep::Times(factor) => slope = exact::mul(slope, *factor)?,
            QuantityStep::Over(divisor, _) => slope = divided_up(slope, *divisor)?,
            QuantityStep::Round(_) | QuantityStep::Included(_) => {}
        }
    }
    Ok(Bound { slope, jumps })
}

fn through_amount_steps(charge: &Charge, bound: Bound) -> Result<Bound, Inexact> {
    let Bound { mut slope, mut jumps } = bound;
    for step in charge.amount_steps() {
        match step {
            AmountStep::Discount(fraction) => {
                let left = exact::sub(Decimal::ONE, *fraction)?;
                slope = round_up(exact::mul(slope, left)?)?;
                jumps = exact::mul(jumps, left)?;
            }
            AmountStep::Round(by) => jumps = exact::add(jumps, one_step(by.places)?)?,
            // A maximum only takes off, and a minimum is no event's price.
            AmountStep::Maximum(_) | AmountStep::Minimum(_) => {}
        }
    }
    Ok(Bound { slope, jumps })
}

/// As fine as a price.
fn rounded_up(Bound { slope, jumps }: Bound) -> Result<Ceiling, RateError> {
    let per_unit = UnitPrice::new(round_up(slope)?).map_err(|_| Inexact)?;
    Ok(Ceiling { per_unit, per_event: Amount::new(round_up(jumps)?) })
}

fn positive(value: Decimal) -> Decimal {
    value.max(Decimal::ZERO)
}

fn divided_up(value: Decimal, divisor: Decimal) -> Result<Decimal, Inexact> {
    divide(value, divisor, PLACES, Rounding::Ceiling)
}

fn round_up(value: Decimal) -> Result<Decimal, Inexact> {
    round(value, PLACES, Rounding::Ceiling)
}

/// Places of a bound on the way: as fine as a price.
const PLACES: i32 = 12;
const _: () = assert!(PLACES as u32 == SCALE_MAX, "a bound is as fine as a price");

/// The distance of two neighbours of a rounding.
fn one_step(places: i8) -> Result<Decimal, Inexact> {
    let places = i32::from(places);
    let power = 10_i128.checked_pow(places.unsigned_abs()).ok_or(Inexact)?;
    let power = Decimal::try_from_i128_with_scale(power, 0).map_err(|_| Inexact)?;
    if places < 0 { Ok(power) } else { divide(Decimal::ONE, power, places, Rounding::Ceiling) }
}
