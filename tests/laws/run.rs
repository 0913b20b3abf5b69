//! A run of events gives what `marginal` and `after` give one by one, on the fast lane and off it.

use edgemeter::rating::{Run, after, empty, marginal};
use edgemeter::units::Quantity;

use super::events::{event_of, split_charge};
use super::generate::{TOTAL_MODELS, load, plain_charge, quantity, total_charge};
use super::{Rng, cases};

/// Small, at a bound of a tier, or so large or so fine that it leaves the fast lane.
fn use_of(rng: &mut Rng, charge: &serde_json::Value) -> Quantity {
    let text = match rng.below(40) {
        0 => "9000000000000000".to_owned(),
        1 => "0.000001".to_owned(),
        _ => quantity(rng, charge),
    };
    text.parse().unwrap()
}

#[test]
fn a_run_is_its_marginals() {
    cases(3000, |rng| {
        let json = match rng.below(3) {
            0 => split_charge(rng),
            kind => {
                let model = TOTAL_MODELS[rng.below(7) as usize];
                if kind == 1 { plain_charge(rng, model) } else { total_charge(rng, model) }
            }
        };
        let charge = load(&json);
        let mut state = empty(&charge);
        for _ in 0..rng.below(4) {
            let value = use_of(rng, &json);
            let event = event_of(rng, &json, value);
            state = after(&charge, &state, &event).unwrap_or(state);
        }
        let Ok(mut run) = Run::new(&charge, state.clone()) else { return };
        for _ in 0..rng.below(12) {
            let value = use_of(rng, &json);
            let event = event_of(rng, &json, value);
            let expected = marginal(&charge, &state, &event);
            let got = run.next(&event);
            assert_eq!(got.is_ok(), expected.is_ok(), "{got:?} {expected:?} {event:?} {json}");
            let (Ok(got), Ok(expected)) = (got, expected) else { return };
            assert_eq!(got, expected, "{event:?} after {state:?} {json}");
            state = after(&charge, &state, &event).unwrap();
        }
        assert_eq!(run.into_usage().unwrap(), state, "{json}");
    });
}
