//! Windows that are priced on their own.

use std::collections::BTreeMap;

use edgemeter::plan::Charge;
use edgemeter::rating::{Event, Usage, after, amount, empty, marginal};
use edgemeter::units::Timestamp;

use super::{charge_with, text};

fn each_window(price: &str, rest: &str) -> Charge {
    charge_with(price, &format!(r#", "price_each": "window" {rest}"#))
}

fn windows(quantities: &[&str]) -> Usage {
    let start = |index: usize| Timestamp::from_millis(3_600_000 * index as i64);
    let pairs = quantities.iter().enumerate();
    Usage::Windows(pairs.map(|(index, q)| (start(index), q.parse().unwrap())).collect())
}

#[test]
fn tiers_start_again_in_each_window() {
    let volume = each_window(
        r#"{ "model": "volume", "tiers": [ { "up_to": "10", "unit_price": "0.10" },
            { "up_to": "20", "unit_price": "0.05" }, { "unit_price": "0.02" } ] }"#,
        "",
    );
    for (quantities, expected) in
        [(&["9", "15"][..], "1.65"), (&["5", "15"], "1.25"), (&[], "0"), (&["25"], "0.5")]
    {
        assert_eq!(text(amount(&volume, &windows(quantities))), expected, "{quantities:?}");
    }
}

#[test]
fn allowances_are_per_window_and_a_maximum_is_per_period() {
    let charge = each_window(
        r#"{ "model": "per_unit", "unit_price": "2" }"#,
        r#", "adjustments": [ { "op": "included", "units": "1" },
                              { "op": "maximum", "amount": "25" } ]"#,
    );
    assert_eq!(text(amount(&charge, &windows(&["4", "3", "1"]))), "10"); // (3 + 2 + 0) × 2
    assert_eq!(text(amount(&charge, &windows(&["9", "9"]))), "25");
}

#[test]
fn an_event_belongs_to_its_window() {
    let flat = each_window(
        r#"{ "model": "graduated", "tiers": [ { "unit_price": "1", "flat": "5" } ] }"#,
        "",
    );
    let mut usage = empty(&flat);
    for (start, quantity, cost) in [(0, "1", "6"), (0, "2", "2"), (3_600_000, "1", "6")] {
        let event = Event::InWindow(Timestamp::from_millis(start), quantity.parse().unwrap());
        assert_eq!(text(marginal(&flat, &usage, &event)), cost);
        usage = after(&flat, &usage, &event).unwrap();
    }
    let expected = BTreeMap::from([
        (Timestamp::from_millis(0), "3".parse().unwrap()),
        (Timestamp::from_millis(3_600_000), "1".parse().unwrap()),
    ]);
    assert_eq!(usage, Usage::Windows(expected));
}
