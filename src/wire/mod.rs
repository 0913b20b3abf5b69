//! Rating as a question and an answer in JSON: what every shell exports, so that a quantity rated
//! in any of the three builds gives the same bytes.
//!
//! ```text
//! { "plan": {…},                                    as docs/plan.schema.json has it
//!   "usage": { "<charge>": {"total": "1000"} },     what was used before; nothing if left out
//!   "seats": { "<meter>": "3" },                    what a meter of a fee counts, for an invoice
//!   "uses": { "<charge>": ["2.5", "1", …] },        what is used now, in order
//!   "events": [ {CloudEvent}, … ],                  or what the plan's meters read,
//!   "table": {"columns": …, "rows": …},            or the same in columns: see the file table.rs
//!   "marginals": true,                              answer with the cost of each use
//!   "invoice": { "account", "contract", "from", "index", "zone", "payments" } }
//!
//! { "plan": "<hash>", "charges": [ {"usage", "running", "closing", "marginals", "explanation"} ],
//!   "invoice": {…} }
//! { "error": { "code": "not_a_decimal", "at": "/plan/charges/0/price", "message": "…" } }
//! ```
//!
//! Invariant (`tests/parity`): the answer is a function of the question's bytes.

mod error;
mod events;
mod request;
mod table;

use std::collections::BTreeMap;

use serde::Serialize;

pub use error::{Place, WireError};
use request::{Bill, Request};

use crate::calendar::{Period, Schedule};
use crate::invoice::{Invoice, PeriodUsage, Stretch, covered};
use crate::plan::{Charge, Plan};
use crate::rating::{self, Explanation, Run, Usage};
use crate::statement::{Billed, Rated};
use crate::units::{Amount, ChargeId};

/// Bytes of a question, at most: some ten million uses.
pub const REQUEST_BYTES_MAX: usize = 128 << 20;

/// What the use of a plan costs.
#[derive(Serialize)]
struct Answer {
    /// The plan's hash.
    plan: String,
    /// In the plan's order.
    charges: Vec<ChargeAnswer>,
    /// If one was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    invoice: Option<Invoice>,
}

/// What the use of one charge costs.
#[derive(Serialize)]
struct ChargeAnswer {
    /// What was used, all in all.
    usage: Usage,
    /// What that costs while the period goes on.
    running: Amount,
    /// What it costs more because the period ends.
    closing: Amount,
    /// What each use costs, in their order.
    #[serde(skip_serializing_if = "Option::is_none")]
    marginals: Option<Vec<Amount>>,
    /// The sum of running and closing, step by step.
    explanation: Explanation,
}

/// What was used, and what each use cost if that was asked for.
#[derive(Default)]
struct Used {
    usage: PeriodUsage,
    marginals: BTreeMap<ChargeId, Vec<Amount>>,
}

/// Answers one question; one that cannot be answered, with an error.
///
/// Takes time in proportion to the question's length, whatever was used before; with meters by
/// time or fees of their own cadence, also to the windows and steps of the period, which are
/// limited.
///
/// # Examples
///
/// ```
/// let answer = edgemeter::wire::rate(
///     r#"{ "plan": { "id": "p", "version": 1, "charges": [ { "id": "words", "unit": "credits",
///            "price": { "model": "per_unit", "unit_price": "0.3" } } ],
///            "credits": { "burn_order": "standard", "rollover": "none", "at_zero": "block" } },
///          "uses": { "words": ["10", "2.5"] }, "marginals": true }"#,
/// );
/// assert!(answer.contains(r#""running":"3.75","closing":"0","marginals":["3","0.75"]"#));
/// assert!(edgemeter::wire::rate("{}").starts_with(r#"{"error":{"code":"request_not_json""#));
/// ```
pub fn rate(request: &str) -> String {
    let text = answer(request)
        .and_then(|answer| serde_json::to_string(&answer).map_err(|e| WireError::not_json(&e)));
    text.unwrap_or_else(|error| error.to_json())
}

/// Answers a question in UTF-8, for callers that have no string of it yet.
pub fn rate_utf8(request: &[u8]) -> String {
    match std::str::from_utf8(request) {
        Ok(request) => rate(request),
        Err(error) => WireError::NotJson { reason: error.to_string() }.to_json(),
    }
}

fn answer(text: &str) -> Result<Answer, WireError> {
    let request = Request::parse(text)?;
    let plan = Plan::parse(request.plan.get())?;
    let mut time = None;
    if let Some(Bill { from, index, zone, .. }) = &request.invoice {
        let cadence = plan.spec().period;
        let schedule = Schedule { anchor: *from, cadence, zone: zone.clone() };
        let period = schedule.period(*index)?;
        time = Some((schedule, period));
    }
    let mut used = match events::metered(&plan, &request, time.as_ref())? {
        None => used(&plan, &request)?,
        Some(usage) => Used { usage, ..Used::default() },
    };
    let charge = |charge| of_charge(charge, &mut used);
    let charges = plan.charges().iter().map(charge).collect::<Result<_, _>>()?;
    let mut invoice = None;
    if let (Some(of), Some((schedule, period))) = (&request.invoice, &time) {
        invoice = Some(bill(of, &plan, schedule, *period, &used.usage)?);
    }
    Ok(Answer { plan: plan.hash().to_owned(), charges, invoice })
}

/// Each charge's uses, on top of what was used before.
fn used(plan: &Plan, request: &Request<'_>) -> Result<Used, WireError> {
    let mut named = request.usage.keys().chain(request.uses.keys());
    if let Some(charge) = named.find(|id| plan.charge(id).is_none()) {
        return Err(WireError::UnknownCharge { charge: charge.clone() });
    }
    if request.invoice.is_some() {
        let mut meters = plan.spec().fees.iter().filter_map(|fee| fee.meter.as_ref());
        if let Some(meter) = meters.find(|meter| !request.seats.contains_key(*meter)) {
            return Err(WireError::NoSeats { meter: meter.clone() });
        }
    }
    let mut used = Used::default();
    used.usage.seats.clone_from(&request.seats);
    for charge in plan.charges() {
        let id = charge.id();
        let fail = |index, reason| WireError::Rate { charge: id.clone(), index, reason };
        let before = request.usage.get(id).cloned().unwrap_or_else(|| rating::empty(charge));
        let mut run = Run::new(charge, before).map_err(|reason| fail(None, reason))?;
        let uses = request.uses.get(id).map_or(&[][..], Vec::as_slice);
        let mut marginals = Vec::new();
        if request.marginals {
            marginals.reserve_exact(uses.len());
        }
        for (index, this) in uses.iter().enumerate() {
            let cost = run.next(&this.event()).map_err(|reason| fail(Some(index), reason))?;
            if request.marginals {
                marginals.push(cost);
            }
        }
        let usage = run.into_usage().map_err(|reason| fail(None, reason))?;
        used.usage.charges.insert(id.clone(), usage);
        if request.marginals {
            used.marginals.insert(id.clone(), marginals);
        }
    }
    Ok(used)
}

fn of_charge(charge: &Charge, used: &mut Used) -> Result<ChargeAnswer, WireError> {
    let Rated { usage, running, closing, explanation } =
        Rated::new(charge, used.usage.charges.get(charge.id()).cloned())?;
    let marginals = used.marginals.remove(charge.id());
    Ok(ChargeAnswer { usage, running, closing, marginals, explanation })
}

/// The invoice of the period as it would be now; credits that the plan includes pay first.
fn bill(
    of: &Bill,
    plan: &Plan,
    schedule: &Schedule,
    period: Period,
    usage: &PeriodUsage,
) -> Result<Invoice, WireError> {
    let covered = covered(plan, schedule, period, period.window, usage)?;
    let billed = Billed {
        account: &of.account,
        contract: &of.contract,
        schedule,
        period,
        payments: &of.payments,
        billed_ahead: &[],
        ahead: None,
    };
    Ok(billed.invoice(&[Stretch { window: period.window, plan, usage, covered }])?)
}

#[cfg(test)]
mod table_tests;
#[cfg(test)]
mod tests;
