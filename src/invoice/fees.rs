//! Recurring fees: access and seats, in advance or in arrears, whole or by days.
//!
//! ```text
//! step of a fee     [──────────── 31 days ────────────)
//! plan in force     [──── old, 14 days ────)[new, 17 )     price × quantity × 17 / 31
//! ```
//!
//! A fee whose step is the billing period is prorated by the civil days that the plan covers of it,
//! unless it says otherwise. A fee with another cadence, or without proration, is billed whole by
//! the plan in force at the step's start (in advance) or at its end (in arrears).

use std::collections::BTreeMap;

use super::InvoiceError;
use crate::calendar::{Period, Schedule, Steps};
use crate::meter::Window;
use crate::plan::{ChargeUnit, FeeSpec, Plan, Proration, Timing};
use crate::units::round::{Rounding, divide};
use crate::units::{
    Amount, Credits, Currency, Inexact, LineId, MeterId, Money, Quantity, SCALE_MAX, exact,
};

/// One step of a fee, or the part of it that a plan covers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FeeLine<'p> {
    pub(super) fee: &'p FeeSpec,
    pub(super) service: Window,
    pub(super) quantity: Quantity,
    pub(super) price: FeePrice,
    pub(super) formula: String,
}

/// What it costs, in the unit of the fee.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FeePrice {
    Currency(Money),
    Credits(Credits),
}

impl FeeLine<'_> {
    pub(super) fn id(&self) -> LineId {
        LineId::from(&self.fee.id)
    }
}

/// Where fees are counted: a period, and the part of it in which the plan is in force.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'a> {
    pub(super) schedule: &'a Schedule,
    pub(super) period: Period,
    pub(super) part: Window,
    /// Of fees in currency; a plan that was checked has one if it has such a fee.
    pub(super) currency: Option<Currency>,
}

/// The fees of `plan` with this timing in its part of the period.
pub(super) fn fees<'p>(
    place: Place<'_>,
    plan: &'p Plan,
    timing: Timing,
    seats: &BTreeMap<MeterId, Quantity>,
) -> Result<Vec<FeeLine<'p>>, InvoiceError> {
    let mut lines = Vec::new();
    for fee in plan.spec().fees.iter().filter(|fee| fee.timing == timing) {
        let quantity = match &fee.meter {
            Some(meter) => seats.get(meter).copied().unwrap_or_default(),
            None => fee.quantity,
        };
        let follows_period = fee.every == place.schedule.cadence;
        if follows_period && fee.proration == Proration::Days {
            let days = place.period.days_covered(place.part, &place.schedule.zone)?;
            if days > 0 {
                let of = (days, place.period.days());
                lines.push(line(place, fee, quantity, place.part, of)?);
            }
        } else {
            for service in steps(place, fee)? {
                lines.push(line(place, fee, quantity, service, (1, 1))?);
            }
        }
    }
    Ok(lines)
}

/// The whole steps of a fee that begin (in advance) or end (in arrears) in the plan's part.
fn steps(place: Place<'_>, fee: &FeeSpec) -> Result<Vec<Window>, InvoiceError> {
    let calendar = Schedule { cadence: fee.every, ..place.schedule.clone() };
    let is_here = |window: Window| match fee.timing {
        Timing::Advance => place.part.contains(window.start()),
        // A step that ends with the part is billed with it: its last instant is inside.
        Timing::Arrears => place.part.contains(window.end().plus_millis(-1)),
    };
    let mut found = Vec::new();
    for step in Steps::over(&calendar, place.part)? {
        let window = step?.window;
        if is_here(window) {
            found.push(window);
        }
    }
    Ok(found)
}

/// Price × quantity × part / whole, rounded once.
fn line<'p>(
    place: Place<'_>,
    fee: &'p FeeSpec,
    quantity: Quantity,
    service: Window,
    (part, whole): (i64, i64),
) -> Result<FeeLine<'p>, InvoiceError> {
    let full = fee.amount.times(quantity.get())?;
    let price = match fee.unit {
        ChargeUnit::Currency => {
            let currency = place.currency.ok_or(InvoiceError::NothingToBill)?;
            let share = prorated(full, part, whole, currency.decimals())?;
            FeePrice::Currency(Money::exactly(share.get(), currency)?)
        }
        ChargeUnit::Credits => {
            let share = prorated(full, part, whole, SCALE_MAX)?;
            FeePrice::Credits(share.credits().map_err(|_| Inexact)?)
        }
    };
    let mut formula = fee.amount.to_string();
    if quantity.get() != rust_decimal::Decimal::ONE {
        formula = format!("{formula} × {quantity}");
    }
    if part != whole {
        formula = format!("{formula} × {part}/{whole} days");
    }
    Ok(FeeLine { fee, service, quantity, price, formula })
}

/// `full × part / whole`, rounded once to `decimals` places.
pub(super) fn prorated(
    full: Amount,
    part: i64,
    whole: i64,
    decimals: u32,
) -> Result<Amount, Inexact> {
    let decimals = i32::try_from(decimals).map_err(|_| Inexact)?;
    let product = exact::mul(full.get(), part.into())?;
    divide(product, whole.into(), decimals, Rounding::HalfUp).map(Amount::new)
}
