//! Tables for tallies: windows, dimensions, levels, and what is refused.

use super::super::aggregate::Contribution;
use super::*;
use crate::plan::{Conversion, Operation, Round};
use crate::units::Rounding;

fn period() -> Window {
    Window::new(Timestamp::from_millis(100), Timestamp::from_millis(130)).unwrap()
}

fn of(model: &str) -> Combination {
    Combination::from([("model".to_owned(), model.to_owned())])
}

fn m(text: &str) -> Measure {
    text.parse().unwrap()
}

fn sample(at: i64, value: &str) -> Sample<'static> {
    let contribution = Contribution::Number(m(value));
    Sample { at: Timestamp::from_millis(at), id: "1", source: "s", contribution }
}

fn tally(aggregation: Aggregation, width: Option<u64>, samples: &[(i64, &str, &str)]) -> Tally {
    let mut tally = Tally::empty(aggregation, period(), width);
    for (at, model, value) in samples {
        tally.record(of(model), &sample(*at, value)).unwrap();
    }
    tally
}

fn meter() -> MeterSpec {
    MeterSpec {
        id: "m".parse().unwrap(),
        event_type: "call".to_owned(),
        aggregation: Aggregation::Sum,
        property: None,
        filters: BTreeMap::new(),
        dimensions: BTreeMap::new(),
        window_ms: None,
        conversion: None,
        rounding: None,
    }
}

/// Values as `start..end model=value`.
fn values(tally: &Tally, meter: &MeterSpec, carried: &[(&str, &str)]) -> Vec<String> {
    let carried = carried.iter().map(|(model, level)| (of(model), m(level))).collect();
    let text = |(window, dimensions, value): (Window, Combination, Measure)| {
        format!("{}..{} {}={value}", window.start(), window.end(), dimensions["model"])
    };
    tally.values(meter, &carried).unwrap().into_iter().map(text).collect()
}

#[test]
fn a_tally_keeps_windows_and_dimensions_apart() {
    let samples = [(100, "a", "1"), (109, "a", "2"), (110, "a", "4"), (129, "b", "8")];
    let whole = tally(Aggregation::Sum, None, &samples);
    assert_eq!(values(&whole, &meter(), &[]), ["100..130 a=7", "100..130 b=8"]);
    let windows = tally(Aggregation::Sum, Some(10), &samples);
    let expected = ["100..110 a=3", "110..120 a=4", "120..130 b=8"];
    assert_eq!(values(&windows, &meter(), &[]), expected);
    // The last window ends with the period, and a width past every instant is one window.
    let uneven = tally(Aggregation::Max, Some(20), &samples);
    assert_eq!(values(&uneven, &meter(), &[]), ["100..120 a=4", "120..130 b=8"]);
    let wide = tally(Aggregation::Sum, Some(u64::MAX), &samples);
    assert_eq!(values(&wide, &meter(), &[]), ["100..130 a=7", "100..130 b=8"]);
}

#[test]
fn values_are_rounded_and_then_converted() {
    let whole = tally(Aggregation::Sum, None, &[(100, "a", "1000.4")]);
    let up = Round { direction: Rounding::Ceiling, places: 0 };
    let factor = "1000".parse().unwrap();
    let rounding = Some(Round { direction: Rounding::Ceiling, places: 3 });
    let thousands = Conversion { operation: Operation::Divide, factor, rounding };
    let mut meter = meter();
    meter.rounding = Some(up);
    assert_eq!(values(&whole, &meter, &[]), ["100..130 a=1001"]);
    meter.conversion = Some(thousands);
    assert_eq!(values(&whole, &meter, &[]), ["100..130 a=1.001"]);
    meter.rounding = None;
    assert_eq!(values(&whole, &meter, &[]), ["100..130 a=1.001"]);
}

#[test]
fn a_level_goes_on_through_windows_and_into_the_next_period() {
    let changes = [(115, "a", "4"), (120, "b", "-1")];
    let seats = tally(Aggregation::TimeWeightedSum, Some(10), &changes);
    let expected = [
        "100..110 a=2",
        "100..110 b=1",
        "100..110 c=7", // carried
        "110..120 a=4",
        "110..120 b=1",
        "110..120 c=7", // a: 2, then 6 for half of it
        "120..130 a=6",
        "120..130 b=0",
        "120..130 c=7",
    ];
    let carried = [("a", "2"), ("b", "1"), ("c", "7")];
    assert_eq!(values(&seats, &meter(), &carried), expected);
    let carried = carried.iter().map(|(model, level)| (of(model), m(level))).collect();
    let after = seats.levels_after(&carried).unwrap();
    assert_eq!(after, BTreeMap::from([(of("a"), m("6")), (of("b"), m("0")), (of("c"), m("7"))]));
    // Windows do not change the average: it is the mean of their averages.
    let whole = tally(Aggregation::TimeWeightedSum, None, &changes);
    assert_eq!(
        values(&whole, &meter(), &[("a", "2")]),
        ["100..130 a=4", "100..130 b=-0.333333333333"]
    );
    let sum = tally(Aggregation::Sum, None, &[(100, "a", "1")]);
    assert_eq!(sum.levels_after(&BTreeMap::new()), Ok(BTreeMap::new()));
}

#[test]
fn tallies_merge_if_they_are_of_one_meter_and_period() {
    let mut day = tally(Aggregation::Sum, Some(10), &[(100, "a", "1"), (111, "b", "2")]);
    day.merge(tally(Aggregation::Sum, Some(10), &[(105, "a", "3"), (129, "c", "4")])).unwrap();
    let samples = [(129, "c", "4"), (111, "b", "2"), (100, "a", "4")];
    assert_eq!(day, tally(Aggregation::Sum, Some(10), &samples));
    let mut later = Tally::empty(
        Aggregation::Sum,
        Window::new(Timestamp::from_millis(100), Timestamp::from_millis(131)).unwrap(),
        Some(10),
    );
    assert_eq!(later.merge(day.clone()), Err(TallyError::Different));
    assert_eq!(day.merge(tally(Aggregation::Max, Some(10), &[])), Err(TallyError::Different));
    assert_eq!(day.merge(tally(Aggregation::Sum, Some(11), &[])), Err(TallyError::Different));
}

#[test]
fn events_outside_and_states_too_many_are_refused() {
    let mut sum = tally(Aggregation::Sum, None, &[]);
    for at in [99, 130] {
        let error = sum.record(of("a"), &sample(at, "1")).unwrap_err();
        assert_eq!(error.code(), "tally_outside");
        assert!(error.to_string().contains("[100, 130)"), "{error}");
    }
    for n in 0..STATES_MAX {
        sum.record(of(&n.to_string()), &sample(100, "1")).unwrap();
    }
    assert_eq!(sum.record(of("one more"), &sample(100, "1")), Err(TallyError::TooMany));
    assert_eq!(sum.record(of("7"), &sample(100, "1")), Ok(()));
    let once = Sample { contribution: Contribution::Once, ..sample(100, "1") };
    let error = sum.record(of("a"), &once).unwrap_err();
    assert_eq!(error.code(), "aggregation_mismatch");
}

#[test]
fn the_wire_form_is_short_and_checked() {
    let text = |states: &str| {
        format!(
            r#"{{"aggregation":"sum","period":{{"start":100,"end":130}},"window_ms":10,"states":[{states}]}}"#
        )
    };
    let one = r#"[110,{"model":"a"},{"sum":"3"}]"#;
    let written = tally(Aggregation::Sum, Some(10), &[(111, "a", "3")]);
    assert_eq!(serde_json::to_string(&written).unwrap(), text(one));
    let read = |states: &str| serde_json::from_str::<Tally>(&text(states));
    assert_eq!(read(one).unwrap(), written);
    for (states, expected) in [
        (format!("{one},{one}"), "window 110 with dimensions"),
        (one.replace("110", "111"), "outside the period"),
        (one.replace("110", "130"), "outside the period"),
        (one.replace("\"3\"", "3"), "invalid type"),
        (r#"[110,{},{"count":3}]"#.to_owned(), "does not merge"),
    ] {
        let error = read(&states).unwrap_err().to_string();
        assert!(error.contains(expected), "{states}: {error}");
    }
}

#[test]
fn every_error_has_its_code() {
    let (start, dimensions) = (Timestamp::default(), Combination::new());
    assert_eq!(TallyError::Duplicate { start, dimensions }.code(), "tally_duplicate");
    assert_eq!(TallyError::Different.code(), "tally_different");
    assert_eq!(TallyError::TooMany.code(), "tally_too_many");
}
