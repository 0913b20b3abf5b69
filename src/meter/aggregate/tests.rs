//! Aggregations against a model that keeps every event, and the laws of merging.
//!
//! `SEED=n cargo test --lib aggregate` replays one seed.

#![expect(clippy::arithmetic_side_effects, reason = "the model counts in small integers")]

use std::collections::BTreeSet;

use rust_decimal::Decimal;

use super::*;

const ALL: [Aggregation; 8] = [
    Aggregation::Count,
    Aggregation::Sum,
    Aggregation::Min,
    Aggregation::Max,
    Aggregation::Average,
    Aggregation::UniqueCount,
    Aggregation::Latest,
    Aggregation::TimeWeightedSum,
];

/// Milliseconds of the window `[0, PERIOD_MS)` of the tests.
const PERIOD_MS: i64 = 1_000;

/// One event, as the model keeps it: integers only.
#[derive(Clone, Debug)]
struct Kept {
    at: i64,
    id: String,
    source: String,
    /// In hundredths.
    value: i64,
}

impl Kept {
    fn sample(&self, aggregation: Aggregation) -> Sample<'_> {
        let contribution = match aggregation {
            Aggregation::Count => Contribution::Once,
            Aggregation::UniqueCount => Contribution::Name(self.value.to_string().into()),
            _ => Contribution::Number(hundredths(self.value)),
        };
        let (at, id, source) = (Timestamp::from_millis(self.at), &self.id, &self.source);
        Sample { at, id, source, contribution }
    }
}

fn hundredths(value: i64) -> Measure {
    Measure::new(Decimal::new(value, 2)).unwrap()
}

fn window() -> Window {
    Window::new(Timestamp::default(), Timestamp::from_millis(PERIOD_MS)).unwrap()
}

/// What the events come to, by the definition of each aggregation; numerator and denominator.
fn model(aggregation: Aggregation, events: &[Kept]) -> (i64, i64) {
    let values = || events.iter().map(|e| e.value);
    let count = i64::try_from(events.len()).unwrap();
    match aggregation {
        Aggregation::Count => (count * 100, 100),
        Aggregation::Sum => (values().sum(), 100),
        Aggregation::Min => (values().min().unwrap_or(0), 100),
        Aggregation::Max => (values().max().unwrap_or(0), 100),
        Aggregation::Average => (values().sum(), 100 * count.max(1)),
        Aggregation::UniqueCount => {
            (i64::try_from(values().collect::<BTreeSet<_>>().len()).unwrap() * 100, 100)
        }
        Aggregation::Latest => {
            let mut sorted: Vec<&Kept> = events.iter().collect();
            sorted.sort_by(|a, b| {
                (a.at, &a.id, &a.source, a.value).cmp(&(b.at, &b.id, &b.source, b.value))
            });
            (sorted.last().map_or(0, |e| e.value), 100)
        }
        // The level of every single millisecond, added up.
        Aggregation::TimeWeightedSum => {
            let level =
                |now: i64| events.iter().filter(|e| e.at <= now).map(|e| e.value).sum::<i64>();
            ((0..PERIOD_MS).map(level).sum(), 100 * PERIOD_MS)
        }
    }
}

/// SplitMix64: small, seedable, the same on every platform.
struct Rng(u64);

impl Rng {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % end
    }

    fn signed(&mut self, end: u64) -> i64 {
        i64::try_from(self.below(end)).unwrap()
    }

    fn events(&mut self) -> Vec<Kept> {
        let source = ["/a", "/b"];
        (0..self.below(12))
            .map(|_| Kept {
                at: self.signed(u64::try_from(PERIOD_MS).unwrap()) / 50 * 50,
                id: self.below(4).to_string(),
                source: source[usize::try_from(self.below(2)).unwrap()].to_owned(),
                value: self.signed(2_000) - 500,
            })
            .collect()
    }
}

fn seeds() -> Vec<u64> {
    match std::env::var("SEED") {
        Ok(seed) => vec![seed.parse().expect("SEED is an integer")],
        Err(_) => (0..300).collect(),
    }
}

fn state(aggregation: Aggregation, events: &[Kept]) -> State {
    let mut state = State::empty(aggregation);
    for event in events {
        state.record(&event.sample(aggregation)).unwrap();
    }
    state
}

fn merged(mut a: State, b: State) -> State {
    a.merge(b).unwrap();
    a
}

#[test]
fn values_are_those_of_a_model_that_keeps_every_event() {
    for seed in seeds() {
        let events = Rng(seed).events();
        for aggregation in ALL {
            let value = state(aggregation, &events).value(window(), Measure::ZERO).unwrap();
            let (numerator, denominator) = model(aggregation, &events);
            let expected =
                divide(numerator.into(), denominator.into(), 12, Rounding::HalfUp).unwrap();
            assert_eq!(value.get(), expected, "SEED={seed} {aggregation:?} {events:?}");
        }
    }
}

#[test]
fn merging_is_associative_commutative_and_the_same_as_recording() {
    for seed in seeds() {
        let mut rng = Rng(seed);
        let [a, b, c] = [rng.events(), rng.events(), rng.events()];
        let all = [a.clone(), b.clone(), c.clone()].concat();
        for aggregation in ALL {
            let whole = state(aggregation, &all);
            let [a, b, c] = [&a, &b, &c].map(|events| state(aggregation, events));
            let left = merged(merged(a.clone(), b.clone()), c.clone());
            let right = merged(a.clone(), merged(b.clone(), c.clone()));
            let swapped = merged(merged(c, a.clone()), b);
            assert_eq!(left, whole, "SEED={seed} {aggregation:?}");
            assert_eq!(right, whole, "SEED={seed} {aggregation:?}");
            assert_eq!(swapped, whole, "SEED={seed} {aggregation:?}");
            assert_eq!(merged(State::empty(aggregation), a.clone()), a, "SEED={seed}");
            assert_eq!(whole.aggregation(), aggregation);
        }
    }
}

#[test]
fn a_state_survives_its_text() {
    for seed in seeds() {
        let events = Rng(seed).events();
        for aggregation in ALL {
            let state = state(aggregation, &events);
            let text = serde_json::to_string(&state).unwrap();
            let read: State = serde_json::from_str(&text).unwrap();
            assert_eq!(read, state, "SEED={seed} {text}");
        }
    }
}

#[test]
fn the_text_of_a_state_is_short() {
    let event = Kept { at: 5, id: "e".to_owned(), source: "/s".to_owned(), value: 250 };
    for (aggregation, empty, one) in [
        (Aggregation::Count, r#"{"count":0}"#, r#"{"count":1}"#),
        (Aggregation::Sum, r#"{"sum":"0"}"#, r#"{"sum":"2.5"}"#),
        (Aggregation::Min, r#"{"min":null}"#, r#"{"min":"2.5"}"#),
        (Aggregation::Max, r#"{"max":null}"#, r#"{"max":"2.5"}"#),
        (
            Aggregation::Average,
            r#"{"average":{"sum":"0","count":0}}"#,
            r#"{"average":{"sum":"2.5","count":1}}"#,
        ),
        (
            Aggregation::UniqueCount,
            r#"{"unique_count":""}"#,
            r#"{"unique_count":"1e472b39b105d349bcd069c4a711b44a"}"#,
        ),
        (
            Aggregation::Latest,
            r#"{"latest":null}"#,
            r#"{"latest":{"at":5,"id":"e","source":"/s","value":"2.5"}}"#,
        ),
        (
            Aggregation::TimeWeightedSum,
            r#"{"time_weighted_sum":{}}"#,
            r#"{"time_weighted_sum":{"origin":5,"change":"2.5","moment":"0"}}"#,
        ),
    ] {
        let text = |state: &State| serde_json::to_string(state).unwrap();
        assert_eq!(text(&State::empty(aggregation)), empty);
        let of_one = text(&state(aggregation, std::slice::from_ref(&event)));
        assert_eq!(of_one, one);
    }
}

#[test]
fn what_does_not_fit_is_refused_and_changes_nothing() {
    let mut sum = State::Sum(hundredths(100));
    let error = sum.merge(State::Count(1)).unwrap_err();
    assert_eq!(
        error,
        AggregateError::Mismatch { left: Aggregation::Sum, right: Aggregation::Count }
    );
    assert_eq!(error.code(), "aggregation_mismatch");
    assert_eq!(sum, State::Sum(hundredths(100)));
    let most: Measure = "9999999999999999".parse().unwrap();
    let error = sum.merge(State::Sum(most)).unwrap_err();
    assert_eq!(error.code(), "amount_not_exact");
    assert_eq!(
        State::Count(u64::MAX).merge(State::Count(1)).unwrap_err().code(),
        "amount_not_exact"
    );
    let full = State::Average(Average { sum: Measure::ZERO, count: u64::MAX });
    assert!(full.clone().merge(full).is_err());
    assert_eq!(AggregateError::Unique(UniqueError::TooMany).code(), "unique_too_many");
}

#[test]
fn a_sample_of_the_wrong_kind_is_refused() {
    use Contribution::{Name, Number, Once};
    let (number, name) = (Number(hundredths(1)), || Name("x".into()));
    for (aggregation, contribution, wrong) in [
        (Aggregation::Sum, Once, Some(Aggregation::Count)),
        (Aggregation::Sum, name(), Some(Aggregation::UniqueCount)),
        (Aggregation::UniqueCount, number.clone(), Some(Aggregation::Sum)),
        (Aggregation::UniqueCount, Once, Some(Aggregation::Count)),
        (Aggregation::Count, number.clone(), None),
        (Aggregation::Count, name(), None),
        (Aggregation::Latest, number, None),
    ] {
        let sample = Sample { at: Timestamp::default(), id: "1", source: "s", contribution };
        let got = State::of(aggregation, &sample).map(|_| ());
        let expected = wrong
            .map_or(Ok(()), |right| Err(AggregateError::Mismatch { left: aggregation, right }));
        assert_eq!(got, expected, "{aggregation:?} of {:?}", sample.contribution);
    }
}
