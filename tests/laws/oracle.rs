//! A second rating engine: slow, in fractions, straight from the JSON. Tiers are walked one by one,
//! nothing is added up beforehand, and every division is exact.

use num_traits::{Signed, Zero};
use serde_json::Value;

use super::number::{Fraction, fraction, rounded, zero};

/// What a total costs; `over` says whether the period is.
pub(crate) fn amount(charge: &Value, metered: &Fraction, over: bool) -> Fraction {
    let mut value = metered.clone();
    let mut is_priced = false;
    let none = Vec::new();
    for step in charge["adjustments"].as_array().unwrap_or(&none) {
        let op = step["op"].as_str().unwrap();
        if !["convert", "round", "included"].contains(&op) && !is_priced {
            value = price(&charge["price"], &value, over);
            is_priced = true;
        }
        value = adjusted(op, step, value, over);
    }
    if is_priced { value } else { price(&charge["price"], &value, over) }
}

fn number(object: &Value, field: &str) -> Fraction {
    object[field].as_str().map_or_else(zero, fraction)
}

fn round(step: &Value, value: &Fraction) -> Fraction {
    let rule = step["direction"].as_str().unwrap();
    rounded(rule, value, step["places"].as_i64().unwrap_or(0) as i32)
}

fn adjusted(op: &str, step: &Value, value: Fraction, over: bool) -> Fraction {
    match op {
        "convert" => {
            let factor = number(step, "factor");
            let value = if step["operation"] == "divide" { value / factor } else { value * factor };
            if step["rounding"].is_null() { value } else { round(&step["rounding"], &value) }
        }
        "round" | "round_amount" => round(step, &value),
        "included" => (value - number(step, "units")).max(zero()),
        "discount" => &value - &value * number(step, "percent") / fraction("100"),
        "maximum" => value.min(number(step, "amount")),
        "minimum" if over => value.max(number(step, "amount")),
        "minimum" => value,
        _ => panic!("no adjustment {op}"),
    }
}

fn price(price: &Value, quantity: &Fraction, over: bool) -> Fraction {
    match price["model"].as_str().unwrap() {
        "per_unit" => quantity * number(price, "unit_price"),
        "dynamic" => quantity * number(price, "multiplier"),
        "package" => {
            let paid = (quantity - number(price, "free_units")).max(zero());
            let packages = paid / number(price, "size");
            rounded(price["rounding"].as_str().unwrap(), &packages, 0) * number(price, "price")
        }
        _ if quantity.is_zero() && !(over && price["flat_at_zero"] == true) => zero(),
        "volume" | "stairstep" => {
            let reached = tiers(price).into_iter().find(|tier| *quantity <= tier.end);
            cost(&reached.unwrap(), quantity)
        }
        "graduated" | "graduated_percentage" => {
            let entered = |tier: &Tier| quantity > &tier.start || tier.start.is_zero();
            let tiers = tiers(price).into_iter().filter(entered);
            tiers.map(|tier| cost(&tier, &(quantity.min(&tier.end) - &tier.start))).sum()
        }
        model => panic!("no model {model}"),
    }
}

struct Tier<'a> {
    start: Fraction,
    end: Fraction,
    json: &'a Value,
}

fn tiers(price: &Value) -> Vec<Tier<'_>> {
    let mut tiers = Vec::new();
    let mut start = zero();
    for json in price["tiers"].as_array().unwrap() {
        let end = fraction(json["up_to"].as_str().unwrap_or(BEYOND_EVERYTHING));
        tiers.push(Tier { start, end: end.clone(), json });
        start = end;
    }
    tiers
}

/// The end of an open tier.
const BEYOND_EVERYTHING: &str = "100000000000000000000";

fn cost(tier: &Tier<'_>, units: &Fraction) -> Fraction {
    let json = tier.json;
    let unit = if json["percent"].is_string() {
        number(json, "percent") / fraction("100")
    } else {
        number(json, "unit_price")
    };
    let counted = if json["block_size"].is_string() {
        (units / number(json, "block_size")).ceil()
    } else {
        units.clone()
    };
    let cost = counted * unit + number(json, "flat");
    if json["cap"].is_string() { cost.min(number(json, "cap")) } else { cost }
}

/// The sum of the prices of single units, for whole quantities of a graduated price without blocks
/// and caps: the n-th unit costs what the tier of n says.
pub(crate) fn unit_by_unit(price: &Value, units: u64) -> Fraction {
    let tiers = tiers(price);
    let mut sum = zero();
    for unit in 1..=units {
        let position = fraction(&unit.to_string());
        // A unit may be cut by bounds: each piece costs what its tier says.
        let before = &position - fraction("1");
        for tier in &tiers {
            let piece =
                position.clone().min(tier.end.clone()) - before.clone().max(tier.start.clone());
            if piece.is_positive() {
                sum += piece * number(tier.json, "unit_price");
                if tier.start >= before {
                    sum += number(tier.json, "flat");
                }
            }
        }
    }
    sum
}
