//! Explanations, as a person reads them.

use std::collections::BTreeMap;

use edgemeter::plan::Charge;
use edgemeter::rating::{Event, Step, Usage, after, empty, explain};
use edgemeter::units::Timestamp;

use super::{charge, charge_with, credits};

fn written(charge: &Charge, usage: &Usage) -> String {
    fn write(steps: &[Step], indent: usize, lines: &mut String) {
        for Step { rule, about, formula, result, parts } in steps {
            let about = if about.is_empty() { String::new() } else { format!(" {about}") };
            let space = " ".repeat(indent);
            lines.push_str(&format!("{space}{rule}{about}: {formula} = {result}\n"));
            write(parts, indent + 2, lines);
        }
    }
    let explanation = explain(charge, usage).unwrap();
    let mut lines = String::new();
    write(&explanation.steps, 0, &mut lines);
    match (explanation.rounded, explanation.residue) {
        (Some(rounded), Some(residue)) => lines.push_str(&format!("{rounded} ({residue})\n")),
        _ => lines.push_str(&format!("{} credits\n", explanation.amount)),
    }
    lines
}

fn total(quantity: &str) -> Usage {
    Usage::Total(quantity.parse().unwrap())
}

#[test]
fn every_step_shows_its_numbers() {
    let tokens = charge_with(
        r#"{ "model": "graduated", "tiers": [
            { "up_to": "1000", "unit_price": "0.01" },
            { "unit_price": "2", "block_size": "300", "flat": "1.005", "cap": "5" } ] }"#,
        r#", "adjustments": [
            { "op": "convert", "operation": "divide", "factor": "1000" },
            { "op": "convert", "operation": "divide", "factor": "3",
              "rounding": { "direction": "ceiling", "places": 1 } },
            { "op": "round", "direction": "half_up" },
            { "op": "included", "units": "100" },
            { "op": "discount", "percent": "10" },
            { "op": "round_amount", "direction": "floor", "places": 3 },
            { "op": "maximum", "amount": "50" },
            { "op": "minimum", "amount": "0.0001" } ]"#,
    );
    assert_eq!(
        written(&tokens, &total("4200000")),
        "\
convert: 4200000 × 0.001 = 4200
convert: ceiling(4200 / 3, 1) = 1400
round: half_up(1400, 0) = 1400
included: max(0, 1400 − 100) = 1300
graduated: 10 + 3.005 = 13.005
  tier (0, 1000]: 1000 × 0.01 = 10
  tier (1000, ∞): min(ceiling(300 / 300, 0) × 2 + 1.005, 5) = 3.005
discount: 13.005 − 13.005 × 0.1 = 11.7045
round_amount: floor(11.7045, 3) = 11.704
maximum: min(11.704, 50) = 11.704
minimum: max(11.704, 0.0001) = 11.704
11.70 (-0.004)
"
    );
}

#[test]
fn models_show_their_formula() {
    for (price, quantity, expected) in [
        (r#"{ "model": "per_unit", "unit_price": "0.3" }"#, "7", "per_unit: 7 × 0.3 = 2.1\n"),
        (r#"{ "model": "dynamic" }"#, "7", "dynamic: 7 × 1 = 7\n"),
        (
            r#"{ "model": "package", "size": "10", "price": "100", "free_units": "5" }"#,
            "12",
            "package: ceiling(max(0, 12 − 5) / 10, 0) × 100 = 100\n",
        ),
        (
            r#"{ "model": "volume", "tiers": [ { "up_to": "5", "unit_price": "3" },
                                               { "unit_price": "2", "flat": "1" } ] }"#,
            "6",
            "volume: 13 = 13\n  tier (5, ∞): 6 × 2 + 1 = 13\n",
        ),
        (
            r#"{ "model": "stairstep", "flat_at_zero": false,
                 "tiers": [ { "flat": "10" } ] }"#,
            "0",
            "stairstep: 0 = 0\n",
        ),
        (
            r#"{ "model": "graduated_percentage",
                 "tiers": [ { "up_to": "10", "percent": "1" }, { "percent": "2" } ] }"#,
            "10",
            "graduated_percentage: 0.1 = 0.1\n  tier (0, 10]: 10 × 0.01 = 0.1\n",
        ),
    ] {
        let written = written(&credits(price), &total(quantity));
        let (steps, credits) = written.trim_end().rsplit_once('\n').unwrap();
        assert_eq!(format!("{steps}\n"), expected);
        assert!(credits.ends_with(" credits"));
    }
}

#[test]
fn events_windows_and_combinations_are_explained() {
    let events = charge(
        r#"{ "model": "percentage", "percent": "1.3", "fixed": "2", "free_value": "250",
             "minimum": "4" }"#,
    );
    let mut usage = empty(&events);
    for value in ["50", "100", "250", "400"] {
        usage = after(&events, &usage, &Event::Use(value.parse().unwrap())).unwrap();
    }
    assert_eq!(
        written(&events, &usage),
        "percentage: (800 − 250) × 0.013 + (4 − 2) × 2 + 0.05 − 0 = 11.2\n11.20 (0)\n"
    );

    let windows = charge_with(
        r#"{ "model": "per_unit", "unit_price": "2" }"#,
        r#", "price_each": "window", "adjustments": [ { "op": "included", "units": "1" } ]"#,
    );
    let start = Timestamp::from_millis(3_600_000);
    assert_eq!(
        written(&windows, &Usage::Windows(BTreeMap::from([(start, "4".parse().unwrap())]))),
        "\
per_unit: 6 = 6
  window 3600000: 6 = 6
    included: max(0, 4 − 1) = 3
    per_unit: 3 × 2 = 6
6.00 (0)
"
    );

    let matrix = charge(
        r#"{ "model": "matrix", "entries": [
            { "when": { "model": "a" }, "unit_price": "0.335" } ], "default": "1" }"#,
    );
    let when = |value: &str| BTreeMap::from([("model".to_owned(), value.to_owned())]);
    let usage = Usage::Combinations(BTreeMap::from([
        (when("a"), "1".parse().unwrap()),
        (when("b"), "2".parse().unwrap()),
    ]));
    assert_eq!(
        written(&matrix, &usage),
        "\
matrix: 0.335 + 2 = 2.335
  combination model=a: 1 × 0.335 = 0.335
  combination model=b: 2 × 1 = 2
2.34 (0.005)
"
    );
}

#[test]
fn an_explanation_is_json() {
    let charge = credits(r#"{ "model": "per_unit", "unit_price": "0.3" }"#);
    assert_eq!(
        serde_json::to_string(&explain(&charge, &total("2")).unwrap()).unwrap(),
        r#"{"charge":"c","unit":"credits","currency":null,"steps":[{"rule":"per_unit","about":"","formula":"2 × 0.3","result":"0.6","parts":[]}],"amount":"0.6","rounded":null,"residue":null}"#
    );
}
