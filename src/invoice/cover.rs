//! Credits that a plan includes: how far they go without asking the ledger.
//!
//! ```text
//! grants of the plan whose step begins in the window ──▶ included
//! charges and fees in credits ──▶ used   covered = min(used, included)
//! ```
//!
//! A preview of a plan that nobody is on yet, and a backtest, have no ledger. They take it that
//! every included or promotional step begins full and that nothing rolls over.

use super::bill::quantity;
use super::fees::{FeePrice, Place, fees};
use super::{InvoiceError, LineKind, PeriodUsage};
use crate::calendar::{Period, Schedule, Steps};
use crate::meter::Window;
use crate::plan::{ChargeUnit, GrantKind, Plan, Timing};
use crate::rating;
use crate::units::{Credits, Inexact, LineId, Quantity};

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
        for step in Steps::over(&calendar, window)? {
            // The first one may have begun before.
            if step?.window.start() >= window.start() {
                sum = sum.plus(grant.amount)?;
            }
        }
    }
    Ok(sum)
}

/// What a charge or a fee comes to in credits.
pub(crate) struct CreditLine {
    pub(crate) id: LineId,
    pub(crate) kind: LineKind,
    pub(crate) name: String,
    pub(crate) quantity: Option<Quantity>,
    pub(crate) credits: Credits,
}

/// The charges and the fees of the plan that are in credits, as the invoice counts them.
///
/// # Errors
///
/// [`InvoiceError::Rate`] if a charge cannot be rated; outside the calendar or the range of
/// credits.
pub(crate) fn credit_lines(
    plan: &Plan,
    schedule: &Schedule,
    period: Period,
    part: Window,
    usage: &PeriodUsage,
) -> Result<Vec<CreditLine>, InvoiceError> {
    let mut lines = Vec::new();
    for charge in plan.charges().iter().filter(|charge| charge.unit() == ChargeUnit::Credits) {
        let unused = rating::empty(charge);
        let usage = usage.charges.get(charge.id()).unwrap_or(&unused);
        let amount = rating::amount(charge, usage)
            .map_err(|reason| InvoiceError::Rate { charge: charge.id().clone(), reason })?;
        lines.push(CreditLine {
            id: LineId::from(charge.id()),
            kind: LineKind::Usage,
            name: charge.name().to_owned(),
            quantity: quantity(usage),
            credits: amount.credits().map_err(|_| Inexact)?,
        });
    }
    let place = Place { schedule, period, part, currency: plan.spec().currency };
    for timing in [Timing::Arrears, Timing::Advance] {
        for fee in fees(place, plan, timing, &usage.seats)? {
            if let FeePrice::Credits(credits) = fee.price {
                lines.push(CreditLine {
                    id: fee.id(),
                    kind: LineKind::Fee,
                    name: fee.fee.name.clone(),
                    quantity: Some(fee.quantity),
                    credits,
                });
            }
        }
    }
    Ok(lines)
}

/// Their sum.
///
/// # Errors
///
/// As [`credit_lines`].
pub(crate) fn credits_used(
    plan: &Plan,
    schedule: &Schedule,
    period: Period,
    part: Window,
    usage: &PeriodUsage,
) -> Result<Credits, InvoiceError> {
    let lines = credit_lines(plan, schedule, period, part, usage)?;
    Ok(Credits::sum(lines.iter().map(|line| line.credits))?)
}

/// Credits that the plan's own grants pay of the use and the fees of a part of a period.
///
/// # Errors
///
/// As [`included`]; [`InvoiceError::Rate`] if a charge cannot be rated.
pub fn covered(
    plan: &Plan,
    schedule: &Schedule,
    period: Period,
    part: Window,
    usage: &PeriodUsage,
) -> Result<Credits, InvoiceError> {
    if plan.spec().currency.is_none() {
        return Err(InvoiceError::NoCurrency { plan: plan.id().clone() });
    }
    Ok(credits_used(plan, schedule, period, part, usage)?.min(included(plan, schedule, part)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calendar::Zone;
    use crate::rating::Usage;

    fn plan(grants: &str) -> Plan {
        with("", grants)
    }

    fn with(fields: &str, grants: &str) -> Plan {
        let json = format!(
            r#"{{"id":"p","version":1,{fields}"charges":[
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
    fn use_and_fees_are_covered_as_far_as_the_included_credits_go() {
        let anchor = "2026-06-01".parse().unwrap();
        let schedule = Schedule { anchor, cadence: "P1M".parse().unwrap(), zone: Zone::utc() };
        let period = schedule.period(0).unwrap();
        let of = |plan: &Plan, usage: &PeriodUsage| {
            covered(plan, &schedule, period, period.window, usage).map(|sum| sum.to_string())
        };
        let fees = |grants: &str| {
            let fee = r#""fees":[{"id":"f","amount":"10","unit":"credits"},
                {"id":"g","amount":"3","unit":"credits","timing":"arrears"}],"currency":"USD","#;
            with(fee, grants)
        };
        let monthly = r#"{"id":"m","amount":"100"}"#;
        let mut usage = PeriodUsage::default();
        assert_eq!(of(&fees(monthly), &usage).unwrap(), "13");
        for (id, quantity) in [("a", "3"), ("b", "5")] {
            let state = Usage::Total(quantity.parse().unwrap());
            usage.charges.insert(id.parse().unwrap(), state);
        }
        assert_eq!(of(&fees(monthly), &usage).unwrap(), "21.5");
        assert_eq!(of(&fees(r#"{"id":"m","amount":"20"}"#), &usage).unwrap(), "20");
        assert_eq!(of(&fees(""), &usage).unwrap(), "0");
        usage.charges.insert("a".parse().unwrap(), Usage::Windows(Default::default()));
        assert_eq!(of(&fees(monthly), &usage).unwrap_err().code(), "usage_shape");
        assert_eq!(of(&plan(monthly), &usage).unwrap_err().code(), "invoice_no_currency");
    }
}
