//! States of many parts: windows, combinations, events. They merge in any order, and burns add up.

use edgemeter::rating::{Event, Usage, after, amount, closing, empty, marginal, running};
use edgemeter::units::{Amount, Quantity, Timestamp};
use serde_json::{Value, json};

use super::generate::{load, plain_charge};
use super::number::{Fraction, decimal, fraction, zero};
use super::{Rng, cases};

/// A charge that is not priced on one total.
pub(crate) fn split_charge(rng: &mut Rng) -> Value {
    match rng.below(3) {
        0 => {
            let mut charge = plain_charge(rng, rng_model(rng.0));
            charge["meter"] = json!("m");
            charge["price_each"] = json!("window");
            charge
        }
        1 => json!({ "id": "c", "meter": "m", "unit": "currency", "price": {
            "model": "matrix", "default": decimal(rng, 1, 2), "entries": [
                { "when": { "a": "1" }, "unit_price": decimal(rng, 1, 2) },
                { "when": { "a": "1", "b": "2" }, "unit_price": decimal(rng, 1, 2) } ] } }),
        _ => percentage_charge(rng, true),
    }
}

fn rng_model(seed: u64) -> &'static str {
    ["graduated", "volume", "package", "stairstep"][(seed % 4) as usize]
}

fn percentage_charge(rng: &mut Rng, allowances: bool) -> Value {
    let mut price = json!({ "model": "percentage", "percent": decimal(rng, 1, 2),
                            "fixed": decimal(rng, 1, 2) });
    if allowances && rng.chance(60) {
        price["free_events"] = json!(rng.below(5));
    }
    if allowances && rng.chance(60) {
        price["free_value"] = json!(decimal(rng, 2, 1));
    }
    if rng.chance(50) {
        price["minimum"] = json!(format!("1.{}", rng.below(100)));
    }
    if rng.chance(50) {
        price["maximum"] = json!(format!("2.{}", rng.below(100)));
    }
    json!({ "id": "c", "unit": "currency", "price": price })
}

/// An event of this charge.
pub(crate) fn event_of(rng: &mut Rng, charge: &Value, value: Quantity) -> Event {
    match charge["price"]["model"].as_str().unwrap() {
        "matrix" => {
            let pair = |name: &str, value: u64| (name.to_owned(), value.to_string());
            let combination = [pair("a", rng.below(3)), pair("b", rng.below(3))];
            Event::Of(combination.into_iter().collect(), value)
        }
        _ if charge["price_each"] == "window" => {
            Event::InWindow(Timestamp::from_millis(1000 * rng.below(3) as i64), value)
        }
        _ => Event::Use(value),
    }
}

fn events(rng: &mut Rng, charge: &Value) -> Vec<Event> {
    (0..rng.below(12))
        .map(|_| {
            let value = decimal(rng, 2, 2).parse().unwrap();
            event_of(rng, charge, value)
        })
        .collect()
}

fn fold(charge: &edgemeter::plan::Charge, events: &[Event]) -> (Usage, Amount) {
    let mut state = (empty(charge), Amount::ZERO);
    for event in events {
        let cost = marginal(charge, &state.0, event).unwrap();
        state = (after(charge, &state.0, event).unwrap(), state.1.plus(cost).unwrap());
    }
    state
}

#[test]
fn burns_and_closing_add_up_to_the_amount() {
    cases(1500, |rng| {
        let json = split_charge(rng);
        let charge = load(&json);
        let events = events(rng, &json);
        let (usage, burned) = fold(&charge, &events);
        assert_eq!(burned, running(&charge, &usage).unwrap(), "{events:?} {json}");
        let closed = burned.plus(closing(&charge, &usage).unwrap()).unwrap();
        assert_eq!(closed, amount(&charge, &usage).unwrap(), "{events:?} {json}");
    });
}

#[test]
fn the_order_of_events_matters_only_for_allowances() {
    cases(800, |rng| {
        let json = if rng.chance(40) { percentage_charge(rng, false) } else { split_charge(rng) };
        let has_allowance =
            ["free_events", "free_value"].iter().any(|field| !json["price"][field].is_null());
        let charge = load(&json);
        let mut events = events(rng, &json);
        let (usage, burned) = fold(&charge, &events);
        rng.shuffle(&mut events);
        let (shuffled, burned_shuffled) = fold(&charge, &events);
        if !has_allowance {
            assert_eq!(shuffled, usage, "{json}");
            assert_eq!(burned_shuffled, burned, "{json}");
        }
    });
}

#[test]
fn merging_states_is_associative_and_commutative() {
    cases(800, |rng| {
        let json = split_charge(rng);
        let charge = load(&json);
        let mut part = || fold(&charge, &events(rng, &json)).0;
        let (a, b, c) = (part(), part(), part());
        let left = a.plus(&b).unwrap().plus(&c).unwrap();
        assert_eq!(left, a.plus(&b.plus(&c).unwrap()).unwrap());
        assert_eq!(a.plus(&b), b.plus(&a));
        assert_eq!(a.plus(&empty(&charge)).unwrap(), a);
        let json = serde_json::to_string(&left).unwrap();
        assert_eq!(serde_json::from_str::<Usage>(&json).unwrap(), left);
    });
}

#[test]
fn a_percentage_is_the_sum_over_its_events() {
    cases(1500, |rng| {
        let json = percentage_charge(rng, true);
        let values: Vec<String> = (0..rng.below(10)).map(|_| decimal(rng, 2, 2)).collect();
        let events: Vec<Event> =
            values.iter().map(|value| Event::Use(value.parse().unwrap())).collect();
        let (usage, _) = fold(&load(&json), &events);
        let got = fraction(&amount(&load(&json), &usage).unwrap().to_string());
        assert_eq!(got, event_by_event(&json["price"], &values), "{values:?} of {json}");
    });
}

/// The oracle: for each event, what is left of the allowances, then the price, then the limits.
fn event_by_event(price: &Value, values: &[String]) -> Fraction {
    let number = |field: &str| price[field].as_str().map(fraction);
    let (free_events, free_value) = (price["free_events"].as_u64(), number("free_value"));
    let has_allowance = free_events.is_some() || free_value.is_some();
    let (mut sum, mut before) = (zero(), zero());
    for (index, value) in values.iter().map(|value| fraction(value)).enumerate() {
        let is_early = free_events.is_none_or(|most| (index as u64) < most);
        let free = match (&free_value, has_allowance && is_early) {
            (_, false) => zero(),
            (None, true) => value.clone(),
            (Some(most), true) => (most - &before).max(zero()).min(value.clone()),
        };
        before += &value;
        if has_allowance && is_early && free == value {
            continue;
        }
        let share = (value - free) * number("percent").unwrap() / fraction("100");
        let mut cost = share + number("fixed").unwrap();
        cost = number("minimum").map_or(cost.clone(), |minimum| cost.max(minimum));
        cost = number("maximum").map_or(cost.clone(), |maximum| cost.min(maximum));
        sum += cost;
    }
    sum
}
