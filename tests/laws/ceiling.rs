//! The ceiling holds for every event within the reach.

use edgemeter::rating::{Event, Usage, after, ceiling, marginal};
use edgemeter::units::Quantity;
use serde_json::{Value, json};

use super::events::{event_of, split_charge};
use super::generate::{TOTAL_MODELS, load, quantity, total_charge};
use super::number::{decimal, fraction};
use super::{Rng, cases};

#[test]
fn no_event_in_reach_costs_more_than_is_held() {
    cases(2000, |rng| {
        let model = rng.pick(&TOTAL_MODELS);
        let mut json = total_charge(rng, model);
        coarse_enough_for_credits(rng, &mut json);
        let charge = load(&json);
        let start: Quantity = quantity(rng, &json).parse().unwrap();
        let reach: Quantity = quantity(rng, &json).parse().unwrap();
        let Ok(ceiling) = ceiling(&charge, &Usage::Total(start), reach) else {
            // The bound of a huge conversion may not fit; then nothing can be held.
            panic!("no ceiling for {json}");
        };
        assert!(!ceiling.per_event.is_negative());
        let reach = fraction(&reach.to_string());
        for _ in 0..20 {
            // Start somewhere in the reach, end somewhere in it.
            let (from, to) = (part(rng, &reach), part(rng, &reach));
            let (from, to) = if from <= to { (from, to) } else { (to, from) };
            let before = start.plus(thousandths(from)).unwrap();
            let used = thousandths(to - from);
            let event = Event::Use(used);
            let cost = marginal(&charge, &Usage::Total(before), &event).unwrap();
            let hold = ceiling.hold(used).unwrap();
            assert!(hold >= cost, "{hold} < {cost} for {used} after {before}: {json}");
            if json["unit"] == "credits" {
                assert!(hold.credits().is_ok(), "{hold} is no credits: {json}");
            }
        }
    });
}

/// Now and then the charge is in credits: then a hold must be a number of credits.
fn coarse_enough_for_credits(rng: &mut Rng, json: &mut Value) {
    if rng.chance(30) {
        json["unit"] = json!("credits");
        json["price"] = match rng.below(3) {
            0 => json!({ "model": "package", "size": "3", "price": decimal(rng, 1, 2) }),
            1 => json!({ "model": "per_unit", "unit_price": decimal(rng, 1, 2) }),
            _ => json!({ "model": "graduated", "tiers": [
                { "up_to": "7", "unit_price": "0.5", "block_size": "0.3" },
                { "unit_price": "0.25", "flat": "1" } ] }),
        };
    }
}

/// A number of thousandths within the reach.
fn part(rng: &mut Rng, reach: &super::number::Fraction) -> u64 {
    let thousandths: u64 = (reach * fraction("1000")).to_integer().try_into().unwrap();
    rng.below(thousandths + 1)
}

fn thousandths(count: u64) -> Quantity {
    format!("{}.{:03}", count / 1000, count % 1000).parse().unwrap()
}

#[test]
fn a_ceiling_covers_every_window_combination_and_event() {
    cases(1000, |rng| {
        let json = split_charge(rng);
        let charge = load(&json);
        let mut usage = edgemeter::rating::empty(&charge);
        let reach: Quantity = "60".parse().unwrap();
        let ceiling = ceiling(&charge, &usage, reach).unwrap();
        for _ in 0..12 {
            let value: Quantity = decimal(rng, 1, 2).parse().unwrap();
            let event = event_of(rng, &json, value);
            let cost = marginal(&charge, &usage, &event).unwrap();
            let hold = ceiling.hold(value).unwrap();
            assert!(hold >= cost, "{hold} < {cost} for {event:?} after {usage:?}: {json}");
            usage = after(&charge, &usage, &event).unwrap();
        }
    });
}

#[test]
fn a_ceiling_is_tight_where_the_price_is_a_line() {
    for (price, from, reach, per_unit, per_event) in [
        (json!({ "model": "per_unit", "unit_price": "0.3" }), "5", "100", "0.3", "0"),
        (json!({ "model": "dynamic", "multiplier": "2" }), "5", "100", "2", "0"),
        (json!({ "model": "package", "size": "3", "price": "1" }), "0", "1", "0.333333333334", "1"),
        (tiers("graduated"), "0", "10", "2", "1"),
        (tiers("graduated"), "1", "9", "2", "0"),
        (tiers("graduated"), "1", "10", "2", "4"),
        (tiers("graduated"), "11", "5", "0.5", "0"),
        (tiers("graduated"), "20", "1", "3", "0"),
        // At the bound 10: 10 × 0.5 + 4 − (10 × 2 + 1) is a fall; at 20: 20 × 3 − (20 × 0.5 + 4).
        (tiers("volume"), "1", "10", "2", "0"),
        (tiers("volume"), "0", "10", "2", "1"),
        (tiers("volume"), "11", "10", "3", "46"),
    ] {
        let charge = load(&json!({ "id": "c", "unit": "currency", "price": price }));
        let usage = Usage::Total(from.parse().unwrap());
        let ceiling = ceiling(&charge, &usage, reach.parse().unwrap()).unwrap();
        let got = (ceiling.per_unit.to_string(), ceiling.per_event.to_string());
        assert_eq!((got.0.as_str(), got.1.as_str()), (per_unit, per_event), "{from} {price}");
    }
}

#[test]
fn a_package_is_held_for_by_the_part_that_is_used_and_one_more() {
    for (size, price, quantity, hold) in [
        ("5", "3", "1", "3.6"),
        ("1000", "3", "500", "4.5"),
        ("3", "1", "3", "2.000000000002"),
        ("1000", "0.000000000001", "0.5", "0.000000000002"),
    ] {
        let package = json!({ "model": "package", "size": size, "price": price });
        let charge = load(&json!({ "id": "c", "unit": "credits", "price": package }));
        let usage = Usage::Total("7".parse().unwrap());
        let ceiling = ceiling(&charge, &usage, "1000000".parse().unwrap()).unwrap();
        let held = ceiling.hold(quantity.parse().unwrap()).unwrap();
        assert_eq!(held.to_string(), hold, "{quantity} of {price} per {size}");
    }
}

fn tiers(model: &str) -> Value {
    json!({ "model": model, "tiers": [
        { "up_to": "10", "unit_price": "2", "flat": "1" },
        { "up_to": "20", "unit_price": "0.5", "flat": "4" },
        { "unit_price": "3" } ] })
}
