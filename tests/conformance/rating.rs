//! Cases of kind `rating`: each becomes a plan in JSON, is checked as any plan, and rated.
//!
//! What is asked decides the function: an amount is [`rating::amount`], a running total's deltas are
//! differences of it, a split line is a difference with and without its bounds.

use std::collections::BTreeMap;

use edgemeter::plan::{Charge, Combination, Ladder, Plan, Price};
use edgemeter::rating::{self, Usage};
use edgemeter::units::round::{divide, round};
use edgemeter::units::{Amount, Quantity, Rounding, Timestamp, exact};
use rust_decimal::Decimal;
use serde_json::{Map, Value, json};

use crate::case::{Case, Got, parse, text};
use crate::{aggregation, by_event, periods};

pub(crate) fn run(case: &Case) -> Result<Got, String> {
    match case.model.as_str() {
        "flat" => periods::flat(case),
        "proration" => periods::proration(case),
        "min_commit" if case.get("base").is_none() || case.get("used").is_some() => {
            periods::commit(case)
        }
        "bucketed" => bucketed(case),
        "percentage" => by_event::percentage(case),
        "dynamic" if case.get("event_total_cents").is_some() => by_event::priced_by_event(case),
        "graduated_prorated" => by_event::graduated_prorated(case),
        "usage_discount" => usage_discount(case),
        _ if case.get("cumulative_quantities").is_some() => deltas(case),
        _ if case.get("parts").is_some() => parts(case),
        "min_commit" | "max_spend" | "split_line" => split(case),
        _ => amount(case),
    }
}

/// The price of a case, or of its `base`, as a plan writes it.
fn price(case: &Case) -> Result<Value, String> {
    let base = case.get("base");
    let field = |name: &str| base.and_then(|base| base.get(name)).or_else(|| case.get(name));
    let model = base.and_then(|base| base.get("model")).and_then(Value::as_str);
    let model = model.unwrap_or(&case.model);
    let tiers = || field("tiers").and_then(Value::as_array).ok_or("input has no tiers");
    Ok(match model {
        "package" => {
            let mut price = json!({
                "model": "package", "size": field("package_size"), "price": field("price"),
            });
            if let Some(free) = field("free_units") {
                price["free_units"] = free.clone();
            }
            if field("round").and_then(Value::as_str) == Some("down") {
                price["rounding"] = json!("floor");
            }
            price
        }
        "graduated" | "volume" => {
            let tiers: Vec<Value> = tiers()?.iter().map(|tier| read_tier(tier, "unit")).collect();
            let mut price = json!({ "model": model, "tiers": open(tiers) });
            if case.dialect.as_deref() == Some("flexprice_zero_is_free") {
                price["flat_at_zero"] = json!(false);
            }
            price
        }
        "stairstep" => {
            let step = |tier: &Value| json!({ "up_to": tier["up_to"], "flat": tier["flat"] });
            json!({ "model": model, "tiers": open(tiers()?.iter().map(step).collect()) })
        }
        "graduated_percentage" => {
            let tiers: Vec<Value> = tiers()?.iter().map(|tier| read_tier(tier, "rate")).collect();
            json!({ "model": model, "tiers": open(tiers) })
        }
        "dynamic" => {
            json!({ "model": model, "multiplier": field("multiplier").unwrap_or(&json!("1")) })
        }
        // The quantity and what happens to it are the case; a unit costs one.
        "usage_discount" => json!({ "model": "per_unit", "unit_price": "1" }),
        _ => json!({ "model": "per_unit", "unit_price": field("unit_price") }),
    })
}

/// One tier, with the fields that it has.
pub(crate) fn read_tier(tier: &Value, price: &str) -> Value {
    let mut fields = Map::new();
    let plan_name = if price == "rate" { "percent" } else { "unit_price" };
    for (name, of_plan) in [
        ("up_to", "up_to"),
        (price, plan_name),
        ("flat", "flat"),
        ("block_size", "block_size"),
        ("cap", "cap"),
    ] {
        if let Some(value) = tier.get(name) {
            fields.insert(of_plan.to_owned(), value.clone());
        }
    }
    Value::Object(fields)
}

/// Plans end with an open tier; past a closed last tier its price goes on.
pub(crate) fn open(mut tiers: Vec<Value>) -> Value {
    if let Some(last) = tiers.last_mut() {
        last["up_to"] = Value::Null;
    }
    Value::Array(tiers)
}

/// A plan with one charge `c`.
pub(crate) fn plan(price: &Value, adjustments: &[Value]) -> Result<Plan, String> {
    let plan = json!({
        "id": "case", "version": 1, "currency": "USD",
        "charges": [{
            "id": "c", "unit": "currency", "allow_negative": true,
            "price": price, "adjustments": adjustments,
        }],
    });
    Plan::parse(&plan.to_string()).map_err(|e| e.to_string())
}

pub(crate) fn charge(plan: &Plan) -> Result<&Charge, String> {
    plan.charges().first().ok_or_else(|| "no charge".to_owned())
}

/// Adjustments that a case names outside of its price.
fn adjustments(case: &Case) -> Result<Vec<Value>, String> {
    let mut found = Vec::new();
    if let Some(convert) = case.get("convert") {
        let rule = aggregation::read_conversion(convert)?;
        found.push(json!({
            "op": "convert", "operation": rule.operation, "factor": rule.factor,
            "rounding": rule.rounding,
        }));
    }
    if let Some(units) = case.get("usage_discount") {
        found.push(json!({ "op": "included", "units": units }));
    }
    let rounds = case.get("round_cumulative").is_some() || case.get("previously_billed").is_some();
    if rounds {
        let currency: edgemeter::units::Currency =
            case.parsed("currency")?.map_or_else(|| parse("currency", "USD"), Ok)?;
        let places = currency.decimals();
        found.push(json!({ "op": "round_amount", "direction": "half_up", "places": places }));
    }
    Ok(found)
}

/// Bounds on the amount.
fn bounds(case: &Case) -> Vec<Value> {
    let bound =
        |name: &str| case.get(name).map(|amount| json!({ "op": name, "amount": amount.clone() }));
    ["maximum", "minimum"].into_iter().filter_map(bound).collect()
}

/// The quantity of a case; a correction is use that is taken back.
pub(crate) fn quantity(case: &Case) -> Result<Decimal, String> {
    let found = case.text("quantity");
    let found = found.or_else(|| case.get("base")?.get("quantity")?.as_str());
    Decimal::from_str_exact(found.ok_or("input has no quantity")?).map_err(|e| e.to_string())
}

pub(crate) fn total(quantity: Decimal) -> Result<Usage, String> {
    Quantity::new(quantity).map(Usage::Total).map_err(|e| e.to_string())
}

fn amount(case: &Case) -> Result<Got, String> {
    let mut steps = adjustments(case)?;
    steps.extend(bounds(case));
    let plan = plan(&price(case)?, &steps)?;
    let charge = charge(&plan)?;
    let quantity = quantity(case)?;
    let used = total(quantity.abs())?;
    if quantity.is_sign_negative() {
        let taken_back = rating::difference(charge, &used, &rating::empty(charge));
        return Ok(Got::from([("amount".to_owned(), text(taken_back.map_err(say)?))]));
    }
    let exact_amount = rating::amount(charge, &used).map_err(say)?;
    let mut got = Got::from([("amount".to_owned(), text(rounded(case, exact_amount)?))]);
    let explanation = rating::explain(charge, &used).map_err(say)?;
    let before_price = charge.quantity_steps().len().checked_sub(1);
    let billed = before_price.and_then(|index| explanation.steps.get(index));
    let billed = billed.map_or(quantity, |step| step.result.get());
    got.insert("billed_quantity".to_owned(), text(billed));
    match charge.price() {
        Price::Package(package) => {
            let paid = exact::sub(quantity, package.free_units.get()).map_err(say)?;
            let paid = paid.max(Decimal::ZERO);
            let packages = divide(paid, package.size.get(), 0, package.rounding).map_err(say)?;
            got.insert("paid_units".to_owned(), text(paid));
            got.insert("packages".to_owned(), text(packages));
        }
        Price::Volume(ladder) | Price::Stairstep(ladder) => {
            let selected = ladder.index_of(billed).saturating_add(1);
            got.insert("selected_tier".to_owned(), text(selected));
        }
        Price::Graduated(ladder) | Price::GraduatedPercentage(ladder) => {
            let steps = explanation.steps.last().map_or(&[][..], |step| &step.parts);
            got.insert("tiers".to_owned(), tiers(ladder, steps)?);
        }
        _ => {}
    }
    Ok(got)
}

/// The tiers of an explanation, in the words of the case.
fn tiers(ladder: &Ladder, steps: &[rating::Step]) -> Result<Value, String> {
    let mut found = Vec::new();
    for (index, (rung, step)) in ladder.rungs().iter().zip(steps).enumerate() {
        let units = step.formula.split(' ').next().unwrap_or_default();
        let unit_amount = exact::sub(step.result.get(), rung.flat).map_err(say)?;
        found.push(json!({
            "tier": index.saturating_add(1).to_string(), "units": units,
            "unit_amount": unit_amount.to_string(), "flat": rung.flat.to_string(),
            "amount": step.result.to_string(),
        }));
    }
    Ok(Value::Array(found))
}

/// `half_up:2` rounds the amount; without it the amount is exact.
pub(crate) fn rounded(case: &Case, exact_amount: Amount) -> Result<Decimal, String> {
    let Some(rule) = case.text("rounding") else { return Ok(exact_amount.get()) };
    let places = rule.strip_prefix("half_up:").ok_or_else(|| format!("unknown {rule:?}"))?;
    round(exact_amount.get(), parse("rounding", places)?, Rounding::HalfUp).map_err(say)
}

/// A running total, re-rated: each delta is what it costs now less what it cost before.
fn deltas(case: &Case) -> Result<Got, String> {
    let mut steps = adjustments(case)?;
    steps.extend(bounds(case));
    let plan = plan(&price(case)?, &steps)?;
    let charge = charge(&plan)?;
    let mut before = rating::empty(charge);
    let mut found = Vec::new();
    for quantity in case.list("cumulative_quantities") {
        let quantity: Quantity = parse("quantity", quantity.as_str().unwrap_or_default())?;
        let now = Usage::Total(quantity);
        found.push(text(rating::difference(charge, &before, &now).map_err(say)?));
        before = now;
    }
    Ok(Got::from([("deltas".to_owned(), Value::Array(found))]))
}

/// One line of several in a period: what was used before counts, and what was billed is taken off.
fn split(case: &Case) -> Result<Got, String> {
    let price = price(case)?;
    let steps = adjustments(case)?;
    let bounded = [steps.clone(), bounds(case)].concat();
    let (plain, bounded) = (plan(&price, &steps)?, plan(&price, &bounded)?);
    let (plain, bounded) = (charge(&plain)?, charge(&bounded)?);
    let used_before = case.parsed::<Decimal>("quantity_before")?.unwrap_or_default();
    let billed = case.parsed::<Decimal>("previously_billed")?.unwrap_or_default();
    let all = total(exact::add(used_before, quantity(case)?).map_err(say)?)?;
    let is_last = case.get("last_in_period").and_then(Value::as_bool).unwrap_or_else(|| {
        // Booleans of the cases are JSON booleans or texts.
        case.text("last_in_period") != Some("false")
    });
    let cost = if is_last { rating::amount } else { rating::running };
    let has_maximum = case.get("maximum").is_some();
    let whole = cost(plain, &all).map_err(say)?.get();
    // A capped line's gross is what its own use costs; a minimum compares with all that was billed.
    let from = if has_maximum {
        rating::running(plain, &total(used_before)?).map_err(say)?.get()
    } else {
        billed
    };
    let gross = exact::sub(whole, from).map_err(say)?;
    let net = cost(bounded, &all).map_err(say)?.get();
    let net = exact::sub(net, billed).map_err(say)?;
    let difference = exact::sub(net, gross).map_err(say)?;
    let mut got = Got::from([("gross".to_owned(), text(gross)), ("net".to_owned(), text(net))]);
    got.insert("min_commit_top_up".to_owned(), text(difference));
    got.insert("max_spend_discount".to_owned(), text(exact::sub(gross, net).map_err(say)?));
    Ok(got)
}

/// Free units are the period's: the line takes what is left of them.
fn usage_discount(case: &Case) -> Result<Got, String> {
    let plan = plan(&price(case)?, &adjustments(case)?)?;
    let charge = charge(&plan)?;
    let used_before = case.parsed::<Decimal>("quantity_before")?.unwrap_or_default();
    let used = quantity(case)?;
    let before = rating::running(charge, &total(used_before)?).map_err(say)?;
    let all = total(exact::add(used_before, used).map_err(say)?)?;
    let billable = rating::running(charge, &all).and_then(|all| Ok(all.minus(before)?));
    let billable = billable.map_err(say)?.get();
    let free = exact::sub(used, billable).map_err(say)?;
    Ok(Got::from([
        ("billable".to_owned(), text(billable)),
        ("billable_before".to_owned(), text(before)),
        ("discount_used".to_owned(), text(free)),
    ]))
}

/// Each bucket is priced on its own.
fn bucketed(case: &Case) -> Result<Got, String> {
    let plan = json!({
        "id": "case", "version": 1, "currency": "USD",
        "meters": [{
            "id": "m", "aggregation": "max", "property": "/value", "window_ms": 3_600_000,
        }],
        "charges": [{
            "id": "c", "meter": "m", "unit": "currency", "price": price(case)?,
            "price_each": "window",
        }],
    });
    let plan = Plan::parse(&plan.to_string()).map_err(|e| e.to_string())?;
    let mut windows = BTreeMap::new();
    for (hour, bucket) in (0_i64..).zip(case.list("buckets")) {
        let quantity: Quantity = parse("bucket", bucket.as_str().unwrap_or_default())?;
        windows.insert(Timestamp::from_millis(hour.saturating_mul(3_600_000)), quantity);
    }
    let amount = rating::amount(charge(&plan)?, &Usage::Windows(windows)).map_err(say)?;
    Ok(Got::from([("amount".to_owned(), text(amount))]))
}

/// A price per value of a dimension.
fn parts(case: &Case) -> Result<Got, String> {
    let (mut entries, mut usage) = (Vec::new(), BTreeMap::new());
    for part in case.list("parts") {
        let field = |name: &str| part.get(name).and_then(Value::as_str).unwrap_or_default();
        let when = Combination::from([("filter".to_owned(), field("filter").to_owned())]);
        entries.push(json!({ "when": when, "unit_price": field("unit_price") }));
        let quantity: Quantity = parse("quantity", field("quantity"))?;
        usage.insert(when, quantity);
    }
    let plan = plan(&json!({ "model": "matrix", "entries": entries }), &[])?;
    let charge = charge(&plan)?;
    let mut of_parts = Vec::new();
    for (when, quantity) in &usage {
        let alone = Usage::Combinations(BTreeMap::from([(when.clone(), *quantity)]));
        of_parts.push(text(rating::amount(charge, &alone).map_err(say)?));
    }
    let amount = rating::amount(charge, &Usage::Combinations(usage)).map_err(say)?;
    Ok(Got::from([
        ("amount".to_owned(), text(amount)),
        ("parts".to_owned(), Value::Array(of_parts)),
    ]))
}

pub(crate) fn say(error: impl std::fmt::Display) -> String {
    error.to_string()
}
