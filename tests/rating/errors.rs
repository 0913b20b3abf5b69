//! What is refused at rating, by code; and the shapes of usage.

use std::collections::BTreeMap;

use edgemeter::rating::{
    Event, EventUsage, Usage, after, amount, ceiling, closing, difference, empty, explain, marginal,
};
use edgemeter::units::{Quantity, Timestamp};

use super::{charge, charge_with, text};

const PRICES: [(&str, &str, &str); 4] = [
    ("total", r#"{ "model": "per_unit", "unit_price": "1" }"#, ""),
    ("windows", r#"{ "model": "per_unit", "unit_price": "1" }"#, r#", "price_each": "window""#),
    ("combinations", r#"{ "model": "matrix", "entries": [], "default": "1" }"#, ""),
    ("events", r#"{ "model": "percentage", "percent": "1" }"#, ""),
];

fn states() -> [Usage; 4] {
    [
        Usage::Total(Quantity::ZERO),
        Usage::Windows(BTreeMap::new()),
        Usage::Combinations(BTreeMap::new()),
        Usage::Events(EventUsage::default()),
    ]
}

fn events() -> [Event; 3] {
    let one = Quantity::ONE;
    [
        Event::Use(one),
        Event::InWindow(Timestamp::from_millis(0), one),
        Event::Of(BTreeMap::from([("model".to_owned(), "a".to_owned())]), one),
    ]
}

#[test]
fn a_state_of_another_model_is_refused_everywhere() {
    for (shape, price, rest) in PRICES {
        let price = price.replace("[]", r#"[ { "when": { "model": "a" }, "unit_price": "1" } ]"#);
        let charge = charge_with(&price, rest);
        assert_eq!(empty(&charge).shape(), shape);
        for state in states() {
            let fits = state.shape() == shape;
            let expected = if fits { "0" } else { "usage_shape" };
            assert_eq!(text(amount(&charge, &state)), expected, "{shape} {state:?}");
            assert_eq!(text(closing(&charge, &state)), expected, "{shape} {state:?}");
            assert_eq!(text(difference(&charge, &state, &state)), expected, "{shape} {state:?}");
            assert_eq!(ceiling(&charge, &state, Quantity::ONE).is_ok(), fits, "{shape}");
            assert_eq!(explain(&charge, &state).is_ok(), fits, "{shape} {state:?}");
            for event in events() {
                let takes = fits
                    && matches!(
                        (shape, &event),
                        ("total" | "events", Event::Use(_))
                            | ("windows", Event::InWindow(..))
                            | ("combinations", Event::Of(..))
                    );
                let cost = marginal(&charge, &state, &event);
                assert_eq!(cost.is_ok(), takes, "{shape} {state:?} {event:?}: {cost:?}");
            }
        }
    }
}

#[test]
fn states_of_two_models_have_no_sum() {
    for (index, left) in states().iter().enumerate() {
        for (other, right) in states().iter().enumerate() {
            let code = left.plus(right).map_err(|error| error.code());
            let expected =
                if index == other { Ok(left.clone()) } else { Err("usage_shapes_differ") };
            assert_eq!(code, expected);
        }
    }
}

#[test]
fn sums_beyond_the_range_are_errors() {
    let most: Quantity = "9999999999999999".parse().unwrap();
    let total = Usage::Total(most);
    assert_eq!(total.plus(&Usage::Total(Quantity::ONE)).unwrap_err().code(), "usage_not_exact");
    let charge = charge(r#"{ "model": "per_unit", "unit_price": "1" }"#);
    let event = Event::Use(Quantity::ONE);
    assert_eq!(after(&charge, &total, &event).unwrap_err().code(), "amount_not_exact");
    assert_eq!(text(marginal(&charge, &total, &event)), "amount_not_exact");
    assert_eq!(ceiling(&charge, &total, Quantity::ONE).unwrap_err().code(), "amount_not_exact");
}

#[test]
fn states_survive_json() {
    let when = BTreeMap::from([("model".to_owned(), "a".to_owned())]);
    for (usage, json) in [
        (Usage::Total("1.50".parse().unwrap()), r#"{"total":"1.5"}"#),
        (
            Usage::Windows(BTreeMap::from([(Timestamp::from_millis(5), Quantity::ONE)])),
            r#"{"windows":{"5":"1"}}"#,
        ),
        (
            Usage::Combinations(BTreeMap::from([(when, Quantity::ONE)])),
            r#"{"combinations":[[{"model":"a"},"1"]]}"#,
        ),
        (
            Usage::Events(EventUsage { events: 2, ..EventUsage::default() }),
            r#"{"events":{"value":"0","events":2,"free_value":"0","free_events":0,"raised":"0","cut":"0"}}"#,
        ),
    ] {
        assert_eq!(serde_json::to_string(&usage).unwrap(), json);
        assert_eq!(serde_json::from_str::<Usage>(json).unwrap(), usage);
    }
    let twice = r#"{"combinations":[[{"model":"a"},"1"],[{"model":"a"},"1"]]}"#;
    assert!(serde_json::from_str::<Usage>(twice).unwrap_err().to_string().contains("twice"));
}
