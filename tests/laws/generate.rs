//! Random charges as JSON. The parser checks them and the oracle reads them, each in its own way.

use edgemeter::plan::{Charge, Plan};
use serde_json::{Value, json};

use super::Rng;
use super::number::{decimal, fraction, positive};

pub(crate) const TOTAL_MODELS: [&str; 7] =
    ["per_unit", "package", "graduated", "volume", "stairstep", "graduated_percentage", "dynamic"];

/// Loads a plan with this one charge.
pub(crate) fn load(charge: &Value) -> Charge {
    let plan = plan_of(charge).to_string();
    Plan::parse(&plan).unwrap_or_else(|error| panic!("{error}\n{plan}")).charges()[0].clone()
}

pub(crate) fn plan_of(charge: &Value) -> Value {
    json!({
        "id": "p", "version": 1, "currency": "USD",
        "credits": { "burn_order": "standard", "rollover": "none", "at_zero": "block" },
        "meters": [ { "id": "m", "aggregation": "sum", "property": "/n", "window_ms": 1000,
                      "dimensions": { "a": "/a", "b": "/b" } } ],
        "charges": [ charge ],
    })
}

/// A charge of a total quantity, with adjustments now and then.
pub(crate) fn total_charge(rng: &mut Rng, model: &str) -> Value {
    let mut charge = json!({
        "id": "c", "meter": "m", "unit": "currency", "price": total_price(rng, model),
        "allow_negative": true,
    });
    if rng.chance(50) {
        charge["adjustments"] = adjustments(rng);
    }
    charge
}

/// The same, as it stands in most plans: whole credits, no adjustments.
pub(crate) fn plain_charge(rng: &mut Rng, model: &str) -> Value {
    let price = total_price(rng, model);
    json!({ "id": "c", "unit": "currency", "price": price, "allow_negative": true })
}

fn total_price(rng: &mut Rng, model: &str) -> Value {
    match model {
        "per_unit" => json!({ "model": model, "unit_price": signed(rng, 3, 6) }),
        "dynamic" => json!({ "model": model, "multiplier": signed(rng, 1, 4) }),
        "package" => json!({
            "model": model, "size": positive(rng, 3, 2), "price": signed(rng, 3, 4),
            "free_units": decimal(rng, 2, 1),
            "rounding": rng.pick(&["ceiling", "floor"]),
        }),
        _ => json!({
            "model": model, "flat_at_zero": rng.chance(50),
            "tiers": tiers(rng, model),
        }),
    }
}

fn signed(rng: &mut Rng, whole: u32, places: u32) -> String {
    let sign = if rng.chance(15) { "-" } else { "" };
    format!("{sign}{}", decimal(rng, whole, places))
}

fn tiers(rng: &mut Rng, model: &str) -> Value {
    let count = 1 + rng.below(6);
    let mut end = 0;
    let tiers = (1..=count).map(|index| {
        end += 1 + rng.below(40_000);
        let mut tier = json!({});
        if index < count {
            tier["up_to"] = json!(format!("{}.{:03}", end / 1000, end % 1000));
        }
        match model {
            "graduated_percentage" => tier["percent"] = json!(decimal(rng, 2, 3)),
            "stairstep" => {}
            _ => tier["unit_price"] = json!(signed(rng, 2, 5)),
        }
        if model == "stairstep" || rng.chance(40) {
            tier["flat"] = json!(signed(rng, 2, 2));
        }
        let takes_blocks = ["graduated", "volume"].contains(&model);
        if takes_blocks && rng.chance(25) {
            tier["block_size"] = json!(positive(rng, 1, 1));
        }
        if takes_blocks && rng.chance(20) {
            tier["cap"] = json!(decimal(rng, 2, 1));
        }
        tier
    });
    tiers.collect()
}

fn adjustments(rng: &mut Rng) -> Value {
    let rounding = |rng: &mut Rng| {
        json!({ "direction": rng.pick(&["ceiling", "floor", "half_up"]),
                "places": rng.below(4) as i64 - 1 })
    };
    let mut list = Vec::new();
    for _ in 0..rng.below(3) {
        list.push(match rng.below(4) {
            0 => json!({ "op": "convert", "operation": "multiply",
                         "factor": positive(rng, 1, 1), "rounding": null }),
            1 => json!({ "op": "convert", "operation": rng.pick(&["divide", "multiply"]),
                         "factor": positive(rng, 1, 1), "rounding": rounding(rng) }),
            2 => json!({ "op": "included", "units": decimal(rng, 2, 1) }),
            _ => {
                let mut round = rounding(rng);
                round["op"] = json!("round");
                round
            }
        });
    }
    for _ in 0..rng.below(3) {
        list.push(match rng.below(4) {
            0 => json!({ "op": "discount", "percent": rng.below(101).to_string() }),
            1 => json!({ "op": "maximum", "amount": (50 + rng.below(500)).to_string() }),
            2 => json!({ "op": "minimum", "amount": decimal(rng, 1, 2) }),
            _ => {
                let mut round = rounding(rng);
                round["op"] = json!("round_amount");
                round
            }
        });
    }
    json!(list)
}

/// A quantity of this charge: often whole, often at a bound of a tier.
pub(crate) fn quantity(rng: &mut Rng, charge: &Value) -> String {
    let bounds: Vec<&str> = charge["price"]["tiers"]
        .as_array()
        .map(|tiers| tiers.iter().filter_map(|tier| tier["up_to"].as_str()).collect())
        .unwrap_or_default();
    match rng.below(10) {
        0 => "0".to_owned(),
        1..=3 if !bounds.is_empty() => (*rng.pick(&bounds)).to_owned(),
        4..=5 => rng.below(200).to_string(),
        _ => decimal(rng, 3, 3),
    }
}

/// Cuts a quantity into parts that add up to it, in thousandths.
pub(crate) fn cut(rng: &mut Rng, quantity: &str) -> Vec<String> {
    let thousandths = (fraction(quantity) * fraction("1000")).to_integer();
    let mut left: u64 = thousandths.try_into().unwrap();
    let mut parts = Vec::new();
    while left > 0 {
        let part = if rng.chance(20) { left } else { 1 + rng.below(left) };
        left -= part;
        parts.push(format!("{}.{:03}", part / 1000, part % 1000));
    }
    parts
}
