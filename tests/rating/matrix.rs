//! Matrix: a row is a combination, a quantity and what it costs.

use std::collections::BTreeMap;

use edgemeter::plan::Combination;
use edgemeter::rating::{Event, Usage, after, amount, empty, marginal, running};

use super::{charge, charge_with, text};

const PRICES: &str = r#""entries": [
    { "when": { "model": "a" }, "unit_price": "3" },
    { "when": { "model": "a", "region": "eu" }, "unit_price": "4" },
    { "when": { "region": "us" }, "unit_price": "5" },
    { "when": { "model": "a", "region": "us" }, "unit_price": "6" },
    { "when": { "model": "b" }, "unit_price": "1" },
    { "when": { "model": "b", "region": "us" }, "unit_price": "2" } ]"#;

fn combination(text: &str) -> Combination {
    let pair = |pair: &str| {
        let (name, value) = pair.split_once('=').unwrap();
        (name.to_owned(), value.to_owned())
    };
    text.split(',').filter(|pair| !pair.is_empty()).map(pair).collect()
}

#[test]
fn the_most_specific_entry_wins() {
    let strict = charge(&format!(r#"{{ "model": "matrix", {PRICES} }}"#));
    let lenient = charge(&format!(r#"{{ "model": "matrix", {PRICES}, "default": "0.5" }}"#));
    for (when, strictly, leniently) in [
        ("model=a", "30", "30"),
        ("model=a,region=eu", "40", "40"),
        ("model=a,region=us", "60", "60"),
        ("model=a,region=cn", "30", "30"),
        ("model=b,region=us", "20", "20"),
        ("model=b,region=eu,tier=x", "10", "10"),
        ("model=c,region=us", "50", "50"),
        ("model=c,region=eu", "no_price", "5"),
        ("", "no_price", "5"),
    ] {
        let usage =
            Usage::Combinations(BTreeMap::from([(combination(when), "10".parse().unwrap())]));
        assert_eq!(text(amount(&strict, &usage)), strictly, "{when:?}");
        assert_eq!(text(running(&lenient, &usage)), leniently, "{when:?}");
    }
}

#[test]
fn combinations_add_up() {
    let prices = charge(&format!(r#"{{ "model": "matrix", {PRICES} }}"#));
    let mut usage = empty(&prices);
    assert_eq!(text(amount(&prices, &usage)), "0");
    for (when, quantity, cost) in
        [("model=a", "2", "6"), ("model=b", "3", "3"), ("model=a", "0.5", "1.5")]
    {
        let event = Event::Of(combination(when), quantity.parse().unwrap());
        assert_eq!(text(marginal(&prices, &usage, &event)), cost);
        usage = after(&prices, &usage, &event).unwrap();
    }
    assert_eq!(text(amount(&prices, &usage)), "10.5"); // 2.5 × 3 + 3 × 1
}

#[test]
fn each_combination_is_converted_on_its_own() {
    let thousands = charge_with(
        &format!(r#"{{ "model": "matrix", {PRICES} }}"#),
        r#", "adjustments": [ { "op": "convert", "operation": "divide", "factor": "1000",
             "rounding": { "direction": "ceiling" } } ]"#,
    );
    let usage = Usage::Combinations(BTreeMap::from([
        (combination("model=a"), "1001".parse().unwrap()),
        (combination("model=b"), "1".parse().unwrap()),
    ]));
    assert_eq!(text(amount(&thousands, &usage)), "7"); // 2 × 3 + 1 × 1
}
