//! A share of what `edgemeter simulate` runs: faults of every kind, and ordinary traffic.
//!
//! ```text
//! seeds 0 .. SEEDS and those that found something ─▶ simulation::run ─▶ no violation, all faults
//! traffic ─▶ simulation::scenario ─▶ nothing overspent, stranded or refused wrongly; few calls
//! ```
//!
//! A failure prints the violation; `SEED=<n> cargo test --features cli --test control_simulation`
//! runs one seed, `SEEDS=<n>` more of them, and `edgemeter simulate` shrinks and tells.

#![allow(clippy::unwrap_used, reason = "a test may stop at the first thing that is off")]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;

use edgemeter::simulation::{Count, Outcome, Tally, Traffic, run, scenario};

const STEPS: usize = 3_000;
const SEEDS: u64 = 24;

/// Seeds that found something at the number of steps that they needed, and what.
const FOUND: [(u64, usize, &str); 0] = [];

fn outcomes(seeds: &[(u64, usize)]) -> Vec<Outcome> {
    let (next, (sender, receiver)) = (AtomicUsize::new(0), mpsc::channel());
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads.min(8) {
            let (next, sender) = (&next, sender.clone());
            scope.spawn(move || {
                while let Some((seed, steps)) = seeds.get(next.fetch_add(1, Ordering::Relaxed)) {
                    sender.send(run(*seed, *steps)).unwrap();
                }
            });
        }
    });
    drop(sender);
    receiver.into_iter().collect()
}

#[test]
fn nothing_is_overspent_charged_twice_refused_wrongly_or_lost_beyond_the_record() {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
    let seeds: Vec<(u64, usize)> = match number("SEED") {
        Some(seed) => vec![(seed, 10_000)],
        None => {
            let some = (0..number("SEEDS").unwrap_or(SEEDS)).map(|seed| (seed, STEPS));
            some.chain(FOUND.map(|(seed, steps, _)| (seed, steps))).collect()
        }
    };
    let mut tally = Tally::default();
    for outcome in outcomes(&seeds) {
        assert_eq!(outcome.violation.map(|violation| violation.to_string()), None);
        tally.add(&outcome.tally).unwrap();
    }
    if seeds.len() > 1 {
        let faults = Count::ALL.iter().filter(|count| count.fault() > 0);
        let missing: Vec<&str> = faults.filter(|c| tally.get(**c) == 0).map(|c| c.text()).collect();
        assert!(missing.is_empty(), "no run had any {}", missing.join(", "));
        assert!(tally.get(Count::Owed) > 100, "routes that go on: {}", tally.get(Count::Owed));
    }
}

#[test]
fn a_seed_is_the_same_run_again() {
    let [a, b] = [run(5, 500), run(5, 500)];
    assert_eq!(format!("{:?}", a.tally), format!("{:?}", b.tally));
}

#[test]
fn ordinary_traffic_is_served_to_the_last_credit_with_few_calls() {
    // isolates, ms between requests, the most calls to the account per thousand requests
    for (isolates, interval_ms, calls) in [(8, 50, 60), (40, 500, 400), (200, 5_000, 1_000)] {
        let traffic = Traffic { isolates, interval_ms, spike: None, crash_ms: None };
        let found = scenario(traffic, 1).unwrap();
        let name = format!("{isolates} isolates, every {interval_ms} ms: {found:?}");
        assert!(found.overspent.is_zero() && found.stranded.is_zero(), "{name}");
        assert!(found.false_denials == 0 && found.unspent.is_zero(), "{name}");
        assert!(found.calls[0] * 1_000 <= found.requests[0] * calls, "{name}");
    }
}

#[test]
fn a_crashed_isolate_loses_at_most_its_lease_and_it_is_on_record() {
    let traffic = Traffic { isolates: 8, interval_ms: 50, spike: None, crash_ms: Some(5_000) };
    let found = scenario(traffic, 1).unwrap();
    assert!(found.crashes > 10 && !found.lost.is_zero(), "{found:?}");
    assert!(found.lost <= found.unreported && found.overspent.is_zero(), "{found:?}");
    // Two seconds' use of its rate, as much as a lease holds, and what arrives while it is renewed.
    assert!(found.lost_most <= "60".parse().unwrap(), "{found:?}");
}
