//! Prices as tables: one file a model, a row a quantity.
//!
//! A price is its JSON; a row is a quantity, the amount at the end of the period, and the amount
//! while the period is open. `_` in the last column means "the same". An error stands as its code.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "a test may panic, its helpers too"
)]

mod adjustments;
mod dynamic;
mod errors;
mod explanation;
mod graduated;
mod graduated_percentage;
mod matrix;
mod package;
mod per_unit;
mod percentage;
mod stairstep;
mod volume;
mod windows;

use edgemeter::plan::{Charge, Plan};
use edgemeter::rating::{Event, RateError, Usage, amount, marginal, running};
use edgemeter::units::Amount;

/// The only charge of a plan in US dollars; `rest` is any other field of the charge.
fn charge_with(price: &str, rest: &str) -> Charge {
    charge_of("currency", price, rest)
}

/// A charge in credits.
fn credits(price: &str) -> Charge {
    charge_of("credits", price, "")
}

fn charge_of(unit: &str, price: &str, rest: &str) -> Charge {
    let plan = format!(
        r#"{{ "id": "p", "version": 1, "currency": "USD",
             "credits": {{ "burn_order": "standard", "rollover": "none", "at_zero": "block" }},
             "meters": [ {{ "id": "m", "aggregation": "sum", "property": "/n", "window_ms": 3600000,
                            "dimensions": {{ "model": "/model", "region": "/region" }} }} ],
             "charges": [ {{ "id": "c", "meter": "m", "unit": "{unit}", "price": {price} {rest} }} ]
           }}"#
    );
    Plan::parse(&plan).unwrap_or_else(|error| panic!("{error}\n{plan}")).charges()[0].clone()
}

fn charge(price: &str) -> Charge {
    charge_with(price, "")
}

fn text(result: Result<Amount, RateError>) -> String {
    result.map_or_else(|error| error.code().to_owned(), |amount| amount.to_string())
}

/// Checks a table of totals.
fn check(charge: &Charge, rows: &str) {
    for row in rows.lines().map(str::trim).filter(|row| !row.is_empty()) {
        let cells: Vec<&str> = row.split_whitespace().collect();
        let [quantity, over, open] = cells[..] else { panic!("three cells a row: {row:?}") };
        let usage = Usage::Total(quantity.parse().unwrap());
        assert_eq!(text(amount(charge, &usage)), over, "amount of {row:?}");
        let open = if open == "_" { over } else { open };
        assert_eq!(text(running(charge, &usage)), open, "running amount of {row:?}");
    }
}

/// Checks a table of events: before, added, marginal cost.
fn check_marginals(charge: &Charge, rows: &str) {
    for row in rows.lines().map(str::trim).filter(|row| !row.is_empty()) {
        let cells: Vec<&str> = row.split_whitespace().collect();
        let [before, added, cost] = cells[..] else { panic!("three cells a row: {row:?}") };
        let before = Usage::Total(before.parse().unwrap());
        let event = Event::Use(added.parse().unwrap());
        assert_eq!(text(marginal(charge, &before, &event)), cost, "marginal of {row:?}");
    }
}
