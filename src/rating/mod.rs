//! Turns usage into amounts: exact, explained, the same in every build.
//!
//! ```text
//! Usage ── quantity steps ─▶ billed ── price (one file a model) ─▶ gross ── amount steps ─▶ Amount
//! ```
//!
//! [`amount`] is a function of the period's aggregated state, and an event costs
//! `amount(after) − amount(before)`. So what was burned inline adds up to the invoice, to the last
//! digit, however the use was split. What a period costs only because it ends (a minimum that was
//! not reached, the first tier's flat without any use) is no event's price: [`closing`] has it, and
//!
//! ```text
//! Σ marginal + closing = amount
//! ```
//!
//! Pure: no clock, no I/O, no randomness, no floats. Negative marginals (volume pricing across a
//! bound, a correction) are right.

mod adjust;
mod ceiling;
mod dynamic;
mod error;
mod explain;
mod graduated;
mod graduated_percentage;
mod matrix;
mod package;
mod per_unit;
mod percentage;
mod run;
mod stairstep;
mod usage;
mod volume;

use rust_decimal::Decimal;

pub use ceiling::{Ceiling, ceiling};
pub use error::RateError;
pub use explain::{Explanation, Step, explain};
pub use run::Run;
pub use usage::{Event, EventUsage, Usage, UsageError};

use crate::plan::{Charge, Combination, Price, PriceEach};
use crate::units::{Amount, Inexact, Quantity, exact};

/// Whether the period goes on or is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Period {
    /// Minimums and flats without use are not due yet.
    Open,
    /// Everything is due.
    Over,
}

/// What a whole period costs: the amount of its line, minimums included, not yet rounded.
///
/// | argument | unit                            | range                                    |
/// |----------|---------------------------------|------------------------------------------|
/// | `usage`  | meter units                     | at most [`Charge::quantity_places`] places |
/// | result   | credits or major currency units | exact; 12 places in credits              |
///
/// Takes O(log tiers) a total, window or combination.
///
/// # Errors
///
/// [`RateError`]: the state belongs to another model, a quantity is too fine, a combination has no
/// price, or a product needs more than 96 bits.
///
/// # Examples
///
/// ```
/// use edgemeter::plan::Plan;
/// use edgemeter::rating::{Usage, amount};
/// let plan = Plan::parse(
///     r#"{ "id": "tokens", "version": 1, "currency": "USD", "charges": [ {
///          "id": "tokens", "unit": "currency", "price": { "model": "graduated", "tiers": [
///            { "up_to": "1000", "unit_price": "0.01" }, { "unit_price": "0.008" } ] } } ] }"#,
/// )?;
/// let usage = Usage::Total("1500".parse().unwrap());
/// // 1000 × 0.01 + 500 × 0.008
/// assert_eq!(amount(&plan.charges()[0], &usage).unwrap().to_string(), "14");
/// # Ok::<(), edgemeter::plan::PlanError>(())
/// ```
pub fn amount(charge: &Charge, usage: &Usage) -> Result<Amount, RateError> {
    Ok(Amount::new(rated(charge, usage, Period::Over)?))
}

/// What has been used so far costs: the sum of the marginals from no use.
///
/// # Errors
///
/// As [`amount`].
pub fn running(charge: &Charge, usage: &Usage) -> Result<Amount, RateError> {
    Ok(Amount::new(rated(charge, usage, Period::Open)?))
}

/// What the period costs only because it ends: `amount − running`.
///
/// # Errors
///
/// As [`amount`].
pub fn closing(charge: &Charge, usage: &Usage) -> Result<Amount, RateError> {
    Ok(amount(charge, usage)?.minus(running(charge, usage)?)?)
}

/// What one event costs that comes after `before`: `running(after) − running(before)`.
///
/// # Errors
///
/// As [`amount`]; [`RateError::UsageShape`] if the event is not one of this model.
pub fn marginal(charge: &Charge, before: &Usage, event: &Event) -> Result<Amount, RateError> {
    if let (Usage::Total(total), Event::Use(added), Some(lines)) = (before, event, charge.lines())
        && let Some(cost) = lines.marginal(*total, *added)
    {
        return Ok(cost);
    }
    difference(charge, before, &after(charge, before, event)?)
}

/// What it costs to get from one state to another; negative for a correction.
///
/// # Errors
///
/// As [`amount`].
pub fn difference(charge: &Charge, before: &Usage, after: &Usage) -> Result<Amount, RateError> {
    let (after, before) =
        (rated(charge, after, Period::Open)?, rated(charge, before, Period::Open)?);
    Ok(Amount::new(exact::sub(after, before)?))
}

/// The state after one event.
///
/// The allowances of a percentage price depend on what came before, so the account calls this in
/// its own order of events.
///
/// # Errors
///
/// [`RateError::UsageShape`] if the event is not one of this model; [`RateError::Inexact`] if the
/// sum leaves its range.
pub fn after(charge: &Charge, before: &Usage, event: &Event) -> Result<Usage, RateError> {
    let mut usage = before.clone();
    record(charge, &mut usage, event)?;
    Ok(usage)
}

/// Adds one event to a state; an error leaves it as it was.
fn record(charge: &Charge, usage: &mut Usage, event: &Event) -> Result<(), RateError> {
    let add = |slot: &mut Quantity, quantity: Quantity| {
        *slot = slot.plus(quantity)?;
        Ok(())
    };
    match (&mut *usage, event) {
        (Usage::Total(total), Event::Use(quantity)) => add(total, *quantity),
        (Usage::Windows(windows), Event::InWindow(start, quantity)) => {
            add(windows.entry(*start).or_default(), *quantity)
        }
        (Usage::Combinations(combinations), Event::Of(combination, quantity)) => {
            if let Some(slot) = combinations.get_mut(combination) {
                return add(slot, *quantity);
            }
            combinations.insert(combination.clone(), *quantity);
            Ok(())
        }
        (Usage::Events(events), Event::Use(value)) => match charge.price() {
            Price::Percentage(spec) => {
                *events = events.plus(&percentage::event(spec, events, *value)?)?;
                Ok(())
            }
            _ => Err(shape_error(charge, usage)),
        },
        _ => Err(shape_error(charge, usage)),
    }
}

/// The state without any use.
pub fn empty(charge: &Charge) -> Usage {
    match (charge.price(), charge.price_each()) {
        (Price::Percentage(_), _) => Usage::Events(EventUsage::default()),
        (Price::Matrix(_), _) => Usage::Combinations(Default::default()),
        (_, PriceEach::Window) => Usage::Windows(Default::default()),
        (_, PriceEach::Total) => Usage::Total(Quantity::ZERO),
    }
}

fn shape_error(charge: &Charge, usage: &Usage) -> RateError {
    RateError::UsageShape { expected: empty(charge).shape(), found: usage.shape() }
}

fn rated(charge: &Charge, usage: &Usage, period: Period) -> Result<Decimal, RateError> {
    Ok(adjust::charged(charge, gross(charge, usage, period)?, period)?)
}

/// The price of a state, before the steps on the amount: the sum of the prices of its parts.
fn gross(charge: &Charge, usage: &Usage, period: Period) -> Result<Decimal, RateError> {
    match (charge.price(), usage, charge.price_each()) {
        (Price::Percentage(spec), Usage::Events(events), _) => {
            fine_enough(charge, events.value)?;
            percentage::amount(spec, events)
        }
        (Price::Matrix(_), Usage::Combinations(combinations), _) => {
            let mut sum = Decimal::ZERO;
            for (combination, quantity) in combinations {
                sum = exact::add(sum, of_combination(charge, combination, *quantity)?)?;
            }
            Ok(sum)
        }
        (Price::Percentage(_) | Price::Matrix(_), ..) => Err(shape_error(charge, usage)),
        (_, Usage::Windows(windows), PriceEach::Window) => {
            let mut sum = Decimal::ZERO;
            for quantity in windows.values() {
                sum = exact::add(sum, of_metered(charge, *quantity, period)?)?;
            }
            Ok(sum)
        }
        (_, Usage::Total(total), PriceEach::Total) => of_metered(charge, *total, period),
        _ => Err(shape_error(charge, usage)),
    }
}

/// The price of one combination's quantity.
fn of_combination(
    charge: &Charge,
    combination: &Combination,
    quantity: Quantity,
) -> Result<Decimal, RateError> {
    let billed = adjust::billed(charge, quantity)?;
    match charge.price() {
        Price::Matrix(matrix) => matrix::amount(matrix, combination, billed),
        // Only a matrix has combinations.
        _ => Err(Inexact.into()),
    }
}

/// The price of a metered total, or of a window's.
fn of_metered(charge: &Charge, quantity: Quantity, period: Period) -> Result<Decimal, RateError> {
    Ok(of_total(charge.price(), adjust::billed(charge, quantity)?, period)?)
}

/// The price of one billed quantity.
fn of_total(price: &Price, billed: Decimal, period: Period) -> Result<Decimal, Inexact> {
    match price {
        Price::PerUnit(unit) => per_unit::amount(*unit, billed),
        Price::Package(package) => package::amount(package, billed),
        Price::Graduated(ladder) => graduated::amount(ladder, billed, period),
        Price::Volume(ladder) => volume::amount(ladder, billed, period),
        Price::Stairstep(ladder) => stairstep::amount(ladder, billed, period),
        Price::GraduatedPercentage(ladder) => graduated_percentage::amount(ladder, billed, period),
        Price::Dynamic(multiplier) => dynamic::amount(*multiplier, billed),
        // They have no total; `rated` has answered before.
        Price::Percentage(_) | Price::Matrix(_) => Err(Inexact),
    }
}

/// Whether every product with this quantity stays within the places that are kept.
fn fine_enough(charge: &Charge, quantity: Quantity) -> Result<(), RateError> {
    let places_max = charge.quantity_places();
    if quantity.get().scale() > places_max {
        return Err(RateError::QuantityTooFine { quantity, places_max });
    }
    Ok(())
}
