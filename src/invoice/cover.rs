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

/// Credits that the plan's own grants pay of this use.
///
/// # Errors
///
/// As [`included`] and [`credits_used`].
pub fn covered(
    plan: &Plan,
    schedule: &Schedule,
    window: Window,
    usage: &PeriodUsage,
) -> Result<Credits, InvoiceError> {
    Ok(credits_used(plan, usage)?.min(included(plan, schedule, window)?))
}

#[cfg(test)]
mod tests {
    use super::super::Zone;
    use super::*;
    use crate::rating::Usage;

    fn plan(grants: &str) -> Plan {
        let json = format!(
            r#"{{"id":"p","version":1,"charges":[
                {{"id":"a","unit":"credits","price":{{"model":"per_unit","unit_price":"2"}}}},
                {{"id":"b","unit":"credits","price":{{"model":"per_unit","unit_price":"0.5"}}}}],
            "credits":{{"burn_order":"standard","rollover":"none","at_zero":"block",
                "grants":[{grants}]}}}}"#
        );
        Plan::parse(&json).unwrap_or_else(|error| panic!("{error}"))
    }

    #[test]
    fn included_credits_are_those_of_the_steps_that_begin() {
        let anchor = "2026-06-01".parse().unwrap();
        let schedule = Schedule { anchor, cadence: "P1M".parse().unwrap(), zone: Zone::utc() };
        let [june, july] = [0, 1].map(|index| schedule.period(index).unwrap().window);
        let late = Window::new(june.start().plus_millis(1), june.end()).unwrap();
        let monthly = r#"{"id":"m","amount":"100"}"#;
        let weekly = r#"{"id":"w","amount":"10","every":"P1W","kind":"promotional"}"#;
        let yearly = r#"{"id":"y","amount":"1000","every":"P1Y"}"#;
        let paid = r#"{"id":"x","amount":"5000","kind":"paid"}"#;
        for (grants, window, expected) in [
            (String::new(), june, "0"),
            (monthly.to_owned(), june, "100"),
            (monthly.to_owned(), july, "100"),
            (monthly.to_owned(), late, "0"),
            // 1, 8, 15, 22 and 29 June; 6, 13, 20 and 27 July.
            (weekly.to_owned(), june, "50"),
            (weekly.to_owned(), july, "40"),
            (weekly.to_owned(), late, "40"),
            (yearly.to_owned(), june, "1000"),
            (yearly.to_owned(), july, "0"),
            (paid.to_owned(), june, "0"),
            (format!("{monthly},{weekly},{yearly},{paid}"), june, "1150"),
        ] {
            let got = included(&plan(&grants), &schedule, window).unwrap();
            assert_eq!(got.to_string(), expected, "{grants} {window:?}");
        }
        let without = Plan::parse(r#"{"id":"p","version":1}"#).unwrap();
        assert_eq!(included(&without, &schedule, june), Ok(Credits::ZERO));
    }

    #[test]
    fn used_credits_are_the_sum_of_the_charges() {
        let plan = plan("");
        let mut usage = PeriodUsage::default();
        assert_eq!(credits_used(&plan, &usage), Ok(Credits::ZERO));
        for (id, quantity) in [("a", "3"), ("b", "5")] {
            let state = Usage::Total(quantity.parse().unwrap());
            usage.charges.insert(id.parse().unwrap(), state);
        }
        assert_eq!(credits_used(&plan, &usage).unwrap().to_string(), "8.5");
        usage.charges.insert("a".parse().unwrap(), Usage::Windows(Default::default()));
        assert_eq!(credits_used(&plan, &usage).unwrap_err().code(), "usage_shape");
    }
}
