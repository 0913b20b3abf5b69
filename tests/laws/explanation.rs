//! A person can redo the sum: every formula of an explanation gives its result, read with nothing
//! but the rules of arithmetic.

use edgemeter::rating::{Explanation, Step, Usage, after, amount, empty, explain};
use serde_json::Value;

use super::events::{event_of, split_charge};
use super::generate::{TOTAL_MODELS, load, quantity, total_charge};
use super::number::{Fraction, decimal, fraction, rounded};
use super::{Rng, cases};

#[test]
fn every_formula_gives_its_result_and_the_last_one_the_amount() {
    cases(2000, |rng| {
        let (json, usage) = charge_and_usage(rng);
        let charge = load(&json);
        let explanation = explain(&charge, &usage).unwrap();
        assert_eq!(explanation.amount, amount(&charge, &usage).unwrap());
        check(&explanation, &json);
    });
}

fn charge_and_usage(rng: &mut Rng) -> (Value, Usage) {
    if rng.chance(60) {
        let model = rng.pick(&TOTAL_MODELS);
        let json = total_charge(rng, model);
        let usage = Usage::Total(quantity(rng, &json).parse().unwrap());
        return (json, usage);
    }
    let json = split_charge(rng);
    let charge = load(&json);
    let mut usage = empty(&charge);
    for _ in 0..rng.below(6) {
        let value = decimal(rng, 2, 2).parse().unwrap();
        usage = after(&charge, &usage, &event_of(rng, &json, value)).unwrap();
    }
    (json, usage)
}

fn check(explanation: &Explanation, json: &Value) {
    let last = explanation.steps.last().unwrap();
    assert_eq!(last.result, explanation.amount, "{json}");
    for step in &explanation.steps {
        check_step(step, json);
    }
    let exact = fraction(&explanation.amount.to_string());
    let money = fraction(&explanation.rounded.unwrap().to_string());
    assert_eq!(money, rounded("half_up", &exact, 2), "{json}");
    assert_eq!(fraction(&explanation.residue.unwrap().to_string()), money - exact);
}

fn check_step(step: &Step, json: &Value) {
    let value = evaluate(&step.formula);
    assert_eq!(value, fraction(&step.result.to_string()), "{} in {json}", step.formula);
    step.parts.iter().for_each(|part| check_step(part, json));
    let adds_up = step.rule != "window" && step.rule != "combination" && !step.parts.is_empty();
    if adds_up {
        let sum: Fraction = step.parts.iter().map(|part| fraction(&part.result.to_string())).sum();
        assert_eq!(sum, value, "{json}");
    }
}

/// Reads `+ − × /`, brackets, signs and the named functions.
fn evaluate(formula: &str) -> Fraction {
    let tokens = tokens(formula);
    let (value, rest) = sum(&tokens);
    assert!(rest.is_empty(), "{formula}: {rest:?}");
    value
}

fn tokens(formula: &str) -> Vec<String> {
    let mut spaced = formula.to_owned();
    for mark in ["(", ")", ",", "×", "+", "−", "/"] {
        spaced = spaced.replace(mark, &format!(" {mark} "));
    }
    spaced.split_whitespace().map(str::to_owned).collect()
}

fn sum(tokens: &[String]) -> (Fraction, &[String]) {
    let (mut value, mut rest) = product(tokens);
    while let Some(mark) = rest.first().filter(|mark| ["+", "−"].contains(&mark.as_str())) {
        let (term, after) = product(&rest[1..]);
        value = if mark == "+" { value + term } else { value - term };
        rest = after;
    }
    (value, rest)
}

fn product(tokens: &[String]) -> (Fraction, &[String]) {
    let (mut value, mut rest) = factor(tokens);
    while let Some(mark) = rest.first().filter(|mark| ["×", "/"].contains(&mark.as_str())) {
        let (term, after) = factor(&rest[1..]);
        value = if mark == "×" { value * term } else { value / term };
        rest = after;
    }
    (value, rest)
}

fn factor(tokens: &[String]) -> (Fraction, &[String]) {
    let name = tokens[0].as_str();
    if name == "(" {
        let (value, rest) = sum(&tokens[1..]);
        assert_eq!(rest[0], ")");
        return (value, &rest[1..]);
    }
    if !["min", "max", "ceiling", "floor", "half_up"].contains(&name) {
        return (fraction(name), &tokens[1..]);
    }
    let (first, rest) = sum(&tokens[2..]);
    assert_eq!(rest[0], ",");
    let (second, rest) = sum(&rest[1..]);
    assert_eq!(rest[0], ")");
    let value = match name {
        "min" => first.min(second),
        "max" => first.max(second),
        rule => rounded(rule, &first, second.to_integer().try_into().unwrap()),
    };
    (value, &rest[1..])
}
