//! Percentage: a part of each event's value, plus a fixed amount per event.
//!
//! ```text
//! an event of value x, after value v in n events:
//!   its allowance is         free value − v, nothing once n = free events (whichever ends first)
//!   the part of x within it  is free of the percentage
//!   an event wholly in it    is free of the fixed amount too, and of the minimum
//!   any other costs          min(maximum, max(minimum, percent × paid part + fixed))
//! ```
//!
//! The period's state keeps what the allowances and limits did, so that its amount is still one
//! formula: `percent × (value − free value) + fixed × (events − free events) + raised − cut`.

use rust_decimal::Decimal;

use super::usage::EventUsage;
use super::{RateError, adjust};
use crate::plan::PercentageSpec;
use crate::units::{Amount, Inexact, Quantity, exact};

/// The price of a period's events.
pub(super) fn amount(spec: &PercentageSpec, usage: &EventUsage) -> Result<Decimal, RateError> {
    within_allowances(spec, usage)?;
    let paid_value = exact::sub(usage.value.get(), usage.free_value.get())?;
    let paid_events = usage.events.checked_sub(usage.free_events).ok_or(Inexact)?;
    let share = exact::mul(paid_value, spec.percent.fraction())?;
    let fixed = exact::mul(Decimal::from(paid_events), spec.fixed.get())?;
    let limits = exact::sub(usage.raised.get(), usage.cut.get())?;
    Ok(exact::add(exact::add(share, fixed)?, limits)?)
}

/// What one event adds to the state.
pub(super) fn event(
    spec: &PercentageSpec,
    before: &EventUsage,
    value: Quantity,
) -> Result<EventUsage, Inexact> {
    let free_value = free_part(spec, before, value)?;
    let is_free = has_allowance(spec)
        && free_value == value
        && spec.free_events.is_none_or(|most| before.events < most);
    let mut usage = EventUsage {
        value,
        events: 1,
        free_value,
        free_events: u64::from(is_free),
        ..EventUsage::default()
    };
    if is_free {
        return Ok(usage);
    }
    let paid = exact::sub(value.get(), free_value.get())?;
    let share = exact::mul(paid, spec.percent.fraction())?;
    let cost = Amount::new(exact::add(share, spec.fixed.get())?);
    if let Some(minimum) = spec.minimum.filter(|minimum| cost < *minimum) {
        usage.raised = minimum.minus(cost)?;
    }
    if let Some(maximum) = spec.maximum.filter(|maximum| cost > *maximum) {
        usage.cut = cost.minus(maximum)?;
    }
    Ok(usage)
}

fn has_allowance(spec: &PercentageSpec) -> bool {
    spec.free_events.is_some() || spec.free_value.is_some()
}

/// The part of an event's value that is within the allowances.
fn free_part(
    spec: &PercentageSpec,
    before: &EventUsage,
    value: Quantity,
) -> Result<Quantity, Inexact> {
    let events_are_left = spec.free_events.is_none_or(|most| before.events < most);
    if !has_allowance(spec) || !events_are_left {
        return Ok(Quantity::ZERO);
    }
    let Some(most) = spec.free_value else { return Ok(value) };
    let left = adjust::above(most.get(), before.value.get())?;
    Ok(Quantity::new(left).map_err(|_| Inexact)?.min(value))
}

/// Parts that were rated apart from each other may have used one allowance twice.
fn within_allowances(spec: &PercentageSpec, usage: &EventUsage) -> Result<(), RateError> {
    let check = |what, free: Quantity, all: Quantity, given: Quantity| {
        if free > given.min(all) {
            let [free, all, given] = [free, all, given].map(Box::new);
            return Err(RateError::AllowanceExceeded { what, free, all, given });
        }
        Ok(())
    };
    let count = |n: u64| Quantity::new(Decimal::from(n)).map_err(|_| RateError::Inexact(Inexact));
    let (events, free_events) = (count(usage.events)?, count(usage.free_events)?);
    if !has_allowance(spec) {
        check("events", free_events, events, Quantity::ZERO)?;
        return check("value", usage.free_value, usage.value, Quantity::ZERO);
    }
    let given_events = spec.free_events.map_or(Ok(events), count)?;
    check("events", free_events, events, given_events)?;
    check("value", usage.free_value, usage.value, spec.free_value.unwrap_or(usage.value))
}
