//! Amounts of totals: equal to the oracle's, additive over any split, the same on both lanes.

use edgemeter::rating::{
    Event, Usage, after, amount, closing, difference, empty, marginal, running,
};
use edgemeter::units::Amount;
use serde_json::json;

use super::generate::{TOTAL_MODELS, cut, load, plain_charge, quantity, total_charge};
use super::number::{fraction, zero};
use super::{cases, oracle};

fn total(text: &str) -> Usage {
    Usage::Total(text.parse().unwrap())
}

fn exactly(amount: Amount) -> super::number::Fraction {
    fraction(&amount.to_string())
}

#[test]
fn every_amount_is_the_oracles() {
    cases(3000, |rng| {
        let model = rng.pick(&TOTAL_MODELS);
        let json = total_charge(rng, model);
        let charge = load(&json);
        let quantity = quantity(rng, &json);
        let usage = total(&quantity);
        let got = exactly(amount(&charge, &usage).unwrap());
        assert_eq!(got, oracle::amount(&json, &fraction(&quantity), true), "{quantity} of {json}");
        let got = exactly(running(&charge, &usage).unwrap());
        assert_eq!(got, oracle::amount(&json, &fraction(&quantity), false), "{quantity} of {json}");
    });
}

#[test]
fn burns_and_closing_add_up_to_the_amount_however_it_is_split() {
    cases(1000, |rng| {
        let model = rng.pick(&TOTAL_MODELS);
        let json = total_charge(rng, model);
        let charge = load(&json);
        let quantity = quantity(rng, &json);
        let mut parts = cut(rng, &quantity);
        for _ in 0..2 {
            let (mut usage, mut burned) = (empty(&charge), Amount::ZERO);
            for part in &parts {
                let event = Event::Use(part.parse().unwrap());
                burned = burned.plus(marginal(&charge, &usage, &event).unwrap()).unwrap();
                usage = after(&charge, &usage, &event).unwrap();
            }
            assert_eq!(usage, total(&quantity));
            assert_eq!(burned, running(&charge, &usage).unwrap(), "{parts:?} of {json}");
            let closed = burned.plus(closing(&charge, &usage).unwrap()).unwrap();
            assert_eq!(closed, amount(&charge, &usage).unwrap(), "{parts:?} of {json}");
            rng.shuffle(&mut parts);
        }
    });
}

#[test]
fn both_lanes_give_the_same_digits() {
    cases(3000, |rng| {
        let model = rng.pick(&TOTAL_MODELS);
        let json = plain_charge(rng, model);
        let charge = load(&json);
        let (before, event) = (quantity(rng, &json), quantity(rng, &json));
        let (before, event) = (total(&before), Event::Use(event.parse().unwrap()));
        let slow = difference(&charge, &before, &after(&charge, &before, &event).unwrap()).unwrap();
        assert_eq!(marginal(&charge, &before, &event).unwrap(), slow, "{before:?} {json}");
        let fast = oracle::amount(&json, &quantity_after(&before, &event), false)
            - oracle::amount(&json, &quantity_of(&before), false);
        assert_eq!(exactly(slow), fast);
    });
}

fn quantity_of(usage: &Usage) -> super::number::Fraction {
    let Usage::Total(total) = usage else { return zero() };
    fraction(&total.to_string())
}

fn quantity_after(before: &Usage, event: &Event) -> super::number::Fraction {
    let Event::Use(added) = event else { return zero() };
    quantity_of(before) + fraction(&added.to_string())
}

#[test]
fn a_graduated_amount_is_the_sum_of_its_units() {
    cases(150, |rng| {
        let mut json = plain_charge(rng, "graduated");
        for tier in json["price"]["tiers"].as_array_mut().unwrap() {
            let fields = tier.as_object_mut().unwrap();
            fields.remove("cap");
            fields.remove("block_size");
        }
        let units = rng.below(120);
        let usage = total(&units.to_string());
        let got = exactly(running(&load(&json), &usage).unwrap());
        assert_eq!(got, oracle::unit_by_unit(&json["price"], units), "{units} of {json}");
    });
}

#[test]
fn a_correction_costs_what_the_use_had_cost() {
    cases(500, |rng| {
        let model = rng.pick(&TOTAL_MODELS);
        let json = total_charge(rng, model);
        let charge = load(&json);
        let (a, b) = (total(&quantity(rng, &json)), total(&quantity(rng, &json)));
        let there = difference(&charge, &a, &b).unwrap();
        let back = difference(&charge, &b, &a).unwrap();
        assert_eq!(there.plus(back).unwrap(), Amount::ZERO, "{json}");
    });
}

#[test]
fn extremes_are_exact_or_a_named_error() {
    // Prices of 1e-12 and quantities of 1e15 and finer: each digit is the oracle's, or there is none.
    let quantities =
        ["1000000000000000", "999999999999999.999", "0.000000000001", "1234567890123.456789012345"];
    let prices = ["0.000000000001", "1234567890123.123456789012", "9999999999999999", "0.1"];
    let (mut exact, mut refused) = (0, 0);
    for quantity in quantities {
        for price in prices {
            for unit in ["currency", "credits"] {
                let json = json!({ "id": "c", "unit": unit, "price": {
                    "model": "graduated", "tiers": [
                        { "up_to": "0.5", "unit_price": price, "flat": "0.000000000001" },
                        { "unit_price": price } ] } });
                match amount(&load_or_skip(&json), &total(quantity)) {
                    Ok(amount) => {
                        exact += 1;
                        let expected = oracle::amount(&json, &fraction(quantity), true);
                        assert_eq!(exactly(amount), expected, "{quantity} of {json}");
                    }
                    Err(error) => {
                        refused += 1;
                        let codes = ["amount_not_exact", "quantity_too_fine"];
                        assert!(codes.contains(&error.code()), "{error}");
                    }
                }
            }
        }
    }
    assert!(exact >= 8 && refused >= 8, "{exact} exact, {refused} refused");
}

/// Credits keep 12 places, so a price of 12 places with a bound of one place does not load; then
/// the same price without the bound is rated.
fn load_or_skip(json: &serde_json::Value) -> edgemeter::plan::Charge {
    let plan = super::generate::plan_of(json).to_string();
    match edgemeter::plan::Plan::parse(&plan) {
        Ok(plan) => plan.charges()[0].clone(),
        Err(error) => {
            assert_eq!(error.code(), "product_too_fine");
            let mut whole = json.clone();
            whole["price"]["tiers"][0]["up_to"] = json!("1");
            load(&whole)
        }
    }
}
