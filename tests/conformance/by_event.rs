//! Rating cases whose events count one by one: percentages, prices that come with the event, seats
//! that are prorated.

use edgemeter::plan::Plan;
use edgemeter::rating::{self, Event, Usage};
use edgemeter::units::round::divide;
use edgemeter::units::{Amount, Percentage, Rounding, exact};
use rust_decimal::Decimal;
use serde_json::{Map, Value, json};

use crate::case::{Case, Got, parse, text};
use crate::rating::{charge, open, plan, quantity, read_tier, rounded, say, total};

/// Events one by one: allowances, fixed amounts and bounds per event.
pub(crate) fn percentage(case: &Case) -> Result<Got, String> {
    let mut price = Map::from_iter([("model".to_owned(), json!("percentage"))]);
    for (name, of_plan) in [
        ("rate", "percent"),
        ("fixed_amount", "fixed"),
        ("free_units_per_total_aggregation", "free_value"),
        ("per_transaction_min", "minimum"),
        ("per_transaction_max", "maximum"),
    ] {
        if let Some(value) = case.get(name) {
            price.insert(of_plan.to_owned(), value.clone());
        }
    }
    if let Some(count) = case.parsed::<u64>("free_units_per_events")? {
        price.insert("free_events".to_owned(), json!(count));
    }
    let plan = plan(&Value::Object(price), &[])?;
    let charge = charge(&plan)?;
    let mut usage = rating::empty(charge);
    let mut per_event = Vec::new();
    for event in case.list("events") {
        let event = Event::Use(parse("event", event.as_str().unwrap_or_default())?);
        per_event.push(text(rating::marginal(charge, &usage, &event).map_err(say)?));
        usage = rating::after(charge, &usage, &event).map_err(say)?;
    }
    let amount = rating::amount(charge, &usage).map_err(say)?;
    let Usage::Events(events) = usage else { return Err("no events".to_owned()) };
    let paid_units = exact::sub(events.value.get(), events.free_value.get()).map_err(say)?;
    let paid_events = events.events.saturating_sub(events.free_events);
    let rate: Percentage = parse("rate", case.needed("rate")?)?;
    let of_rate = rate.of(Amount::new(paid_units)).map_err(say)?;
    let fixed = case.text("fixed_amount").unwrap_or("0").parse::<Amount>();
    let fixed = fixed.map_err(say)?.times(paid_events.into()).map_err(say)?;
    Ok(Got::from([
        ("amount".to_owned(), text(rounded(case, amount)?)),
        ("paid_units".to_owned(), text(paid_units)),
        ("paid_events".to_owned(), text(paid_events)),
        ("free_events".to_owned(), text(events.free_events)),
        ("percentage_amount".to_owned(), text(of_rate)),
        ("fixed_fee_amount".to_owned(), text(fixed)),
        ("per_event".to_owned(), Value::Array(per_event)),
    ]))
}

/// The price comes with each event, in cents: their sum is the metered value.
pub(crate) fn priced_by_event(case: &Case) -> Result<Got, String> {
    let plan = plan(&json!({ "model": "dynamic", "multiplier": "0.01" }), &[])?;
    let charge = charge(&plan)?;
    let mut usage = rating::empty(charge);
    for cents in case.list("event_total_cents") {
        let event = Event::Use(parse("event", cents.as_str().unwrap_or_default())?);
        usage = rating::after(charge, &usage, &event).map_err(say)?;
    }
    let amount = rating::amount(charge, &usage).map_err(say)?;
    let mut got = Got::from([("amount".to_owned(), text(amount))]);
    let quantity = quantity(case)?;
    if !quantity.is_zero() {
        let unit = divide(amount.get(), quantity, 12, Rounding::HalfUp).map_err(say)?;
        got.insert("unit_amount".to_owned(), text(unit));
    }
    Ok(got)
}

/// Seats that are prorated: the tier moves with the full units, each change costs its marginal
/// times the part of the period that it stood, and a tier's flat is due once it was ever entered.
pub(crate) fn graduated_prorated(case: &Case) -> Result<Got, String> {
    let tiers = case.list("tiers");
    let only = |name: &str| -> Result<Plan, String> {
        let keep = |tier: &Value| json!({ "up_to": tier["up_to"], name: tier[name] });
        let kept: Vec<Value> = tiers.iter().map(|tier| read_tier(&keep(tier), "unit")).collect();
        plan(&json!({ "model": "graduated", "tiers": open(kept) }), &[])
    };
    let (units, flats) = (only("unit")?, only("flat")?);
    let (units, flats) = (charge(&units)?, charge(&flats)?);
    let (mut position, mut highest, mut sum) = (Decimal::ZERO, Decimal::ZERO, Decimal::ZERO);
    let decimal = |value: &Value| Decimal::from_str_exact(value.as_str().unwrap_or_default());
    for (full, part) in case.list("event_units").iter().zip(case.list("event_prorated_units")) {
        let (full, part) = (decimal(full).map_err(say)?, decimal(part).map_err(say)?);
        let next = exact::add(position, full).map_err(say)?;
        if next.is_sign_negative() && !next.is_zero() {
            // More is taken back than there was: the source bills nothing.
            return Ok(Got::from([("amount".to_owned(), text(0))]));
        }
        let marginal = rating::difference(units, &total(position)?, &total(next)?).map_err(say)?;
        if !full.is_zero() {
            let product = exact::mul(marginal.get(), part).map_err(say)?;
            let share = divide(product, full, 12, Rounding::HalfUp).map_err(say)?;
            sum = exact::add(sum, share).map_err(say)?;
        }
        (position, highest) = (next, highest.max(next));
    }
    let flats = rating::amount(flats, &total(highest)?).map_err(say)?;
    let amount = exact::add(sum, flats.get()).map_err(say)?.max(Decimal::ZERO);
    Ok(Got::from([("amount".to_owned(), text(rounded(case, Amount::new(amount))?))]))
}
