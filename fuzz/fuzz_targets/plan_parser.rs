//! Any bytes as a plan: parsed or refused, never a panic; what is parsed can be rated.
//!
//! For a plan that loads: its canonical text is the same plan; every charge rates small and large
//! use, or names its error; the explanation's total is the amount; a sum of marginals is the
//! difference of running amounts.
#![no_main]

use edgemeter::plan::{Charge, Combination, Plan, Price, PriceSpec};
use edgemeter::rating::{self, Event, Run, Usage};
use edgemeter::units::{Amount, Quantity, Timestamp};
use libfuzzer_sys::fuzz_target;

const QUANTITIES: [&str; 7] =
    ["0", "1", "2.5", "0.000000000001", "1000", "999999.75", "1000000000000000"];

/// The combination of the first entry of a charge's matrix.
fn some_combination(plan: &Plan, charge: &Charge) -> Combination {
    let spec = plan.spec().charges.iter().find(|spec| &spec.id == charge.id());
    match spec.map(|spec| &spec.price) {
        Some(PriceSpec::Matrix { entries, .. }) => {
            entries.first().map(|entry| entry.when.clone()).unwrap_or_default()
        }
        _ => Combination::default(),
    }
}

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let plan = match Plan::parse(text) {
        Ok(plan) => plan,
        Err(error) => {
            assert!(!error.code().is_empty(), "an error without a code");
            assert!(error.path.is_empty() || error.path.starts_with('/'), "path: {}", error.path);
            return;
        }
    };
    let canonical = plan.to_json().expect("a plan that loads can be written");
    let again = Plan::parse(&canonical).expect("a plan's own text loads");
    assert_eq!(again.hash(), plan.hash(), "canonical text: {canonical}");
    for charge in plan.charges() {
        let before = rating::empty(charge);
        let Ok(mut run) = Run::new(charge, before.clone()) else { continue };
        let mut sum = Some(Amount::ZERO);
        for quantity in QUANTITIES {
            let quantity: Quantity = quantity.parse().expect("a quantity");
            let event = match &before {
                Usage::Windows(_) => Event::InWindow(Timestamp::from_millis(0), quantity),
                Usage::Combinations(_) => match charge.price() {
                    Price::Matrix(_) => Event::Of(some_combination(&plan, charge), quantity),
                    _ => Event::Use(quantity),
                },
                Usage::Total(_) | Usage::Events(_) => Event::Use(quantity),
            };
            match run.next(&event) {
                Ok(cost) => sum = sum.and_then(|sum| sum.plus(cost).ok()),
                Err(_) => {
                    sum = None;
                    break;
                }
            }
        }
        let (Some(sum), Ok(usage)) = (sum, run.into_usage()) else { continue };
        if let Ok(difference) = rating::difference(charge, &before, &usage) {
            assert_eq!(difference, sum, "marginals of {}", charge.id());
        }
        if let (Ok(amount), Ok(explained)) =
            (rating::amount(charge, &usage), rating::explain(charge, &usage))
        {
            assert_eq!(explained.amount, amount, "explanation of {}", charge.id());
        }
    }
});
