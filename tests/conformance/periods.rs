//! Rating cases that are about a period: fees, commits and proration, through a whole invoice.

use edgemeter::calendar::{Schedule, Zone};
use edgemeter::invoice::{
    Closing, Invoice, LifecycleError, LineKind, PeriodUsage, Request, Stretch, invoice,
};
use edgemeter::plan::Plan;
use edgemeter::rating::Usage;
use edgemeter::units::round::divide;
use edgemeter::units::{Cadence, Credits, Currency, Date, Money, Rounding, Timestamp};
use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::case::{Case, Got, parse, text};

/// The invoice of one month under a plan in JSON, in which `used` was used of the charge `c`.
fn month(plan: &Value, used: Option<&str>) -> Result<Invoice, String> {
    let plan = Plan::parse(&plan.to_string()).map_err(|e| e.to_string())?;
    let mut usage = PeriodUsage::default();
    if let Some(used) = used {
        let charge = parse("charge", "c")?;
        usage.charges.insert(charge, Usage::Total(parse("quantity", used)?));
    }
    let anchor: Date = parse("anchor", "2026-01-01")?;
    let schedule = Schedule { anchor, cadence: Cadence::MONTHLY, zone: Zone::utc() };
    let period = schedule.period(0).map_err(|e| e.to_string())?;
    let covered = Credits::ZERO;
    let stretches = [Stretch { window: period.window, plan: &plan, usage: &usage, covered }];
    let closing = Some(Closing { period, stretches: &stretches, billed_ahead: &[] });
    let contract = parse("contract", "case")?;
    let request = Request {
        account: "acme",
        contract,
        schedule: &schedule,
        closing,
        ahead: None,
        credits: &[],
    };
    invoice(&request).map_err(|e| e.to_string())
}

/// A fee is billed whatever the usage.
pub(crate) fn flat(case: &Case) -> Result<Got, String> {
    let plan = json!({
        "id": "case", "version": 1, "currency": "USD",
        "fees": [{ "id": "f", "amount": case.needed("amount")? }],
        "charges": [{
            "id": "c", "unit": "currency", "price": { "model": "per_unit", "unit_price": "0" },
        }],
    });
    let invoice = month(&plan, case.text("quantity"))?;
    Ok(Got::from([("amount".to_owned(), text(invoice.totals.total))]))
}

/// A minimum for the period: what the lines lack is a line.
pub(crate) fn commit(case: &Case) -> Result<Got, String> {
    let currency = case.text("currency").unwrap_or("USD");
    let mut plan = json!({ "id": "case", "version": 1, "currency": currency });
    let used = case.text("used").or_else(|| case.text("used_units"));
    let in_credits = case.text("minimum_units");
    let unit = if in_credits.is_some() { "credits" } else { "currency" };
    if used.is_some() {
        let price = json!({ "model": "per_unit", "unit_price": "1" });
        plan["charges"] = json!([{ "id": "c", "unit": unit, "price": price }]);
    }
    let fees = case.list("fees").iter().enumerate();
    let fee = |(index, amount): (usize, &Value)| {
        let id = format!("f{index}");
        json!({ "id": id, "amount": amount, "timing": "arrears" })
    };
    plan["fees"] = Value::Array(fees.map(fee).collect());
    let minimum = in_credits.or_else(|| case.text("minimum")).ok_or("input has no minimum")?;
    plan["commit"] = json!({ "amount": minimum, "unit": unit });
    if let Some(rate) = case.text("conversion_rate") {
        plan["credits"] = json!({
            "value": rate, "burn_order": "standard", "rollover": "none", "at_zero": "block",
        });
    }
    let invoice = month(&plan, used)?;
    let top_up = invoice.lines.iter().find(|line| line.kind == LineKind::TrueUp);
    let top_up = top_up.map_or(Money::zero(invoice.currency), |line| line.settled.amount);
    let mut got = Got::from([
        ("top_up".to_owned(), text(top_up)),
        ("invoice_total".to_owned(), text(invoice.totals.total)),
    ]);
    if let Some(rate) = case.parsed::<Decimal>("conversion_rate")? {
        let units = divide(top_up.major(), rate, 12, Rounding::HalfUp);
        got.insert("top_up_units".to_owned(), text(units.map_err(|e| e.to_string())?));
    }
    Ok(got)
}

/// A part of a period: of an amount, of a change of plan, of nothing but days, or given back.
pub(crate) fn proration(case: &Case) -> Result<Got, String> {
    if case.get("potential_credit").is_some() {
        return given_back(case);
    }
    if case.get("from").is_some() {
        return coefficient(case);
    }
    let currency: Currency = parse("currency", case.text("currency").unwrap_or("USD"))?;
    let days: u32 = parse("period_days", case.needed("period_days")?)?;
    let covered = case.text("remaining_days").or_else(|| case.text("covered_days"));
    let covered: u32 = parse("remaining_days", covered.unwrap_or_default())?;
    let part = |name: &str| -> Result<Money, String> {
        let whole: Decimal = parse(name, case.text(name).unwrap_or("0"))?;
        let whole = Money::exactly(whole, currency).map_err(|e| e.to_string())?;
        whole.prorated(covered, days).map_err(|e| e.to_string())
    };
    let (credit, charge) = (part("old_amount")?, part("new_amount")?);
    let net = charge.minus(credit).map_err(|e| e.to_string())?;
    let mut got = Got::from([
        ("credit".to_owned(), text(credit)),
        ("charge".to_owned(), text(charge)),
        ("net".to_owned(), text(net)),
    ]);
    if let Some(rate) = case.text("tax_rate") {
        // A fee of the covered part, with tax.
        let amount = part("amount")?;
        let plan = json!({
            "id": "case", "version": 1, "currency": currency,
            "fees": [{ "id": "f", "amount": amount }],
            "taxes": [{ "id": "t", "percent": rate }],
        });
        got.insert("amount".to_owned(), text(amount));
        got.insert("total_with_tax".to_owned(), text(month(&plan, None)?.totals.total));
    }
    Ok(got)
}

/// A credit note gives back at most what is left of a line.
fn given_back(case: &Case) -> Result<Got, String> {
    let paid = case.needed("originally_paid")?;
    let plan = json!({
        "id": "case", "version": 1, "currency": "USD", "fees": [{ "id": "f", "amount": paid }],
    });
    let at = Timestamp::default();
    let invoice = month(&plan, None)?.finalize(at).map_err(|e| e.to_string())?;
    let money = |name: &str| -> Result<Money, String> {
        let amount: Decimal = parse(name, case.text(name).unwrap_or("0"))?;
        Money::exactly(amount, invoice.currency).map_err(|e| e.to_string())
    };
    let before = money("already_credited")?;
    let mut notes = Vec::new();
    if !before.is_zero() {
        let note = invoice.credit(&notes, &[(0, before)], "before", at);
        notes.push(note.map_err(|e| e.to_string())?);
    }
    let asked = money("potential_credit")?;
    let given = match invoice.credit(&notes, &[(0, asked)], "now", at) {
        Ok(note) => note.net,
        // Refused: the note that is possible, if any, is of what is left.
        Err(LifecycleError::Amount { left, .. }) if !asked.is_negative() => left,
        Err(LifecycleError::Amount { .. }) => Money::zero(invoice.currency),
        Err(error) => return Err(error.to_string()),
    };
    Ok(Got::from([("credit".to_owned(), text(given))]))
}

fn coefficient(case: &Case) -> Result<Got, String> {
    let from: Date = parse("from", case.needed("from")?)?;
    let until: Date = parse("to_exclusive", case.needed("to_exclusive")?)?;
    let covered = Decimal::from(from.days_until(until));
    let days: Decimal = parse("period_days", case.needed("period_days")?)?;
    let coefficient = divide(covered, days, 9, Rounding::HalfUp).map_err(|e| e.to_string())?;
    Ok(Got::from([("coefficient".to_owned(), text(coefficient))]))
}
