//! Marginal ratings per second on one core: `cargo bench --bench rating`.
//!
//! ```text
//! {"case": "graduated_5_tiers", "per_s": 4812345}
//! ```
//!
//! One line of JSON a case: the median of several rounds. Cost against the number of tiers (1 to
//! 1,000) and against the running total (1 to 10^12) shows what grows and what stays flat.
//!
//! `EDGEMETER_QUESTION=<file>` adds the case `question`: from that text to the text of its answer,
//! which is written beside it for whoever compares it (benches/rating.mjs).

#![expect(clippy::disallowed_types, reason = "a benchmark reads the clock")]
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "the inputs are fixed")]
#![expect(clippy::arithmetic_side_effects, reason = "of counters and durations, not of money")]

use std::hint::black_box;
use std::time::Instant;

use edgemeter::plan::{Charge, Plan};
use edgemeter::rating::{Event, Usage, marginal};
use edgemeter::units::Quantity;
use edgemeter::wire;

const ROUNDS: usize = 7;
const EVENTS: u64 = 400_000;

fn main() {
    if let Some(file) = std::env::var_os("EDGEMETER_QUESTION") {
        let text = std::fs::read_to_string(&file).unwrap();
        let events = question(&text);
        let answer = std::path::Path::new(&file).with_extension("json.answer");
        std::fs::write(answer, wire::rate(&text)).unwrap();
        median("question", events, || drop(black_box(wire::rate(black_box(&text)))));
    }
    let graduated_5 = tiered("graduated", 5);
    report("graduated_5_tiers", &graduated_5, 1, "1");
    report("graduated_5_tiers_fraction", &graduated_5, 1, "0.25");
    report("volume_5_tiers", &tiered("volume", 5), 1, "1");
    report("per_unit", &charge(r#"{"model": "per_unit", "unit_price": "0.0003"}"#), 1, "1");
    let package = r#"{"model": "package", "size": "1000", "price": "1.25"}"#;
    report("package", &charge(package), 1, "1");
    for tiers in [1, 2, 10, 100, 1_000] {
        report(&format!("graduated_tiers_{tiers}"), &tiered("graduated", tiers), 1, "1");
    }
    for exponent in [0_u32, 3, 6, 9, 12] {
        let start = 10_u64.pow(exponent);
        report(&format!("graduated_total_1e{exponent}"), &graduated_5, start, "1");
    }
}

fn charge(price: &str) -> Charge {
    let plan = format!(
        r#"{{"id": "bench", "version": 1, "currency": "USD",
             "charges": [{{"id": "use", "unit": "currency", "price": {price}}}]}}"#
    );
    Plan::parse(&plan).unwrap().charges()[0].clone()
}

/// Tiers whose bounds spread over the events of a round.
fn tiered(model: &str, tiers: u64) -> Charge {
    let tier = |index: u64| {
        let up_to = EVENTS * index / tiers + index;
        let price = format!("0.000{}", 999 - index % 900);
        let open = index == tiers;
        let up_to = if open { String::new() } else { format!(r#""up_to": "{up_to}", "#) };
        format!(r#"{{{up_to}"unit_price": "{price}"}}"#)
    };
    let tiers: Vec<String> = (1..=tiers).map(tier).collect();
    charge(&format!(r#"{{"model": "{model}", "tiers": [{}]}}"#, tiers.join(", ")))
}

/// How many uses a question has.
fn question(text: &str) -> u64 {
    let question: serde_json::Value = serde_json::from_str(text).unwrap();
    let uses = question["uses"].as_object().unwrap().values();
    uses.map(|uses| uses.as_array().unwrap().len() as u64).sum()
}

/// Rates events one after the other, each on the total that the one before has left.
fn report(case: &str, charge: &Charge, start: u64, event: &str) {
    let step: Quantity = event.parse().unwrap();
    let event = Event::Use(step);
    median(case, EVENTS, || {
        let mut total: Quantity = start.to_string().parse().unwrap();
        for _ in 0..EVENTS {
            let cost = marginal(charge, &Usage::Total(total), black_box(&event)).unwrap();
            black_box(cost);
            total = total.plus(step).unwrap();
        }
    });
}

/// Prints the median of several rounds of `events` events.
fn median(case: &str, events: u64, mut round: impl FnMut()) {
    let mut rates: Vec<u128> = (0..ROUNDS)
        .map(|_| {
            let begun = Instant::now();
            round();
            u128::from(events) * 1_000_000_000 / begun.elapsed().as_nanos()
        })
        .collect();
    rates.sort_unstable();
    println!(r#"{{"case": "{case}", "per_s": {}}}"#, rates[ROUNDS / 2]);
}
