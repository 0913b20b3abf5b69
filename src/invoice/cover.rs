//! Credits that a plan includes: how far they go without asking the ledger.
//!
//! ```text
//! grants of the plan whose step begins in the window ──▶ included
//! charges in credits ──▶ used            covered = min(used, included)
//! ```
//!
//! A preview of a plan that nobody is on yet, and a backtest, have no ledger. They take it that
//! every included or promotional step begins full and that nothing rolls over.

use super::period::{PeriodError, Schedule};
use super::{InvoiceError, PeriodUsage};
use crate::meter::Window;
use crate::plan::{ChargeUnit, GrantKind, Plan};
use crate::rating;
use crate::units::{Credits, Inexact};

/// Credits that the plan gives for nothing in steps that begin in `window`.
///
/// # Errors
///
/// [`InvoiceError`] outside the calendar or the range of credits.
pub fn included(plan: &Plan, schedule: &Schedule, window: Window) -> Result<Credits, InvoiceError> {
    let mut sum = Credits::ZERO;
    let grants = plan.spec().credits.as_ref().map_or(&[][..], |rules| &rules.grants);
    for grant in grants.iter().filter(|grant| grant.kind != GrantKind::Paid) {
        let calendar = Schedule { cadence: grant.every, ..schedule.clone() };
        let mut step = calendar.period_at(window.start())?;
        while step.window.start() < window.end() {
            if window.contains(step.window.start()) {
                sum = sum.plus(grant.amount)?;
            }
            let next = step.index.checked_add(1).ok_or(PeriodError::Calendar)?;
            step = calendar.period(next)?;
        }
    }
    Ok(sum)
}

/// Credits that the charges of the plan come to.
///
/// # Errors
///
/// [`InvoiceError::Rate`] if a charge cannot be rated.
pub fn credits_used(plan: &Plan, usage: &PeriodUsage) -> Result<Credits, InvoiceError> {
    let mut sum = Credits::ZERO;
    for charge in plan.charges().iter().filter(|charge| charge.unit() == ChargeUnit::Credits) {
        let unused = rating::empty(charge);
        let usage = usage.charges.get(charge.id()).unwrap_or(&unused);
        let amount = rating::amount(charge, usage)
            .map_err(|reason| InvoiceError::Rate { charge: charge.id().clone(), reason })?;
        sum = sum.plus(amount.credits().map_err(|_| Inexact)?)?;
    }
    Ok(sum)
}
