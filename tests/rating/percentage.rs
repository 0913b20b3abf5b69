//! Percentage: a row is the events in order, and what each costs.

use edgemeter::plan::Charge;
use edgemeter::rating::{Event, EventUsage, Usage, after, amount, empty, marginal};

use super::{charge, credits, text};

/// `events | cost of each | total`; the costs must add up to the amount.
fn check_events(charge: &Charge, rows: &str) {
    for row in rows.lines().map(str::trim).filter(|row| !row.is_empty()) {
        let [events, costs, total] = row.split('|').collect::<Vec<_>>()[..] else {
            panic!("three cells a row: {row:?}")
        };
        let mut usage = empty(charge);
        let mut got = Vec::new();
        for value in events.split_whitespace() {
            let event = Event::Use(value.parse().unwrap());
            got.push(text(marginal(charge, &usage, &event)));
            usage = after(charge, &usage, &event).unwrap();
        }
        assert_eq!(got, costs.split_whitespace().collect::<Vec<_>>(), "costs of {row:?}");
        assert_eq!(text(amount(charge, &usage)), total.trim(), "total of {row:?}");
    }
}

#[test]
fn a_part_of_the_value_and_a_fixed_amount() {
    check_events(
        &charge(r#"{ "model": "percentage", "percent": "1.3", "fixed": "2" }"#),
        "
                       |                   | 0
        0              | 2                 | 2
        50 100 250 400 | 2.65 3.3 5.25 7.2 | 18.4
        ",
    );
    check_events(
        &charge(r#"{ "model": "percentage", "percent": "2.9" }"#),
        "1 1 1 1 | 0.029 0.029 0.029 0.029 | 0.116",
    );
}

#[test]
fn the_first_events_may_be_free() {
    check_events(
        &charge(r#"{ "model": "percentage", "percent": "1.3", "fixed": "2", "free_events": 3 }"#),
        "
        50 100 250 400 | 0 0 0 7.2 | 7.2
        50 100         | 0 0       | 0
        ",
    );
    check_events(
        &charge(r#"{ "model": "percentage", "percent": "1", "fixed": "1", "free_events": 0 }"#),
        "10 | 1.1 | 1.1",
    );
}

#[test]
fn the_first_value_may_be_free() {
    let price = r#"{ "model": "percentage", "percent": "1.3", "fixed": "2", "free_value": "250" }"#;
    check_events(
        &charge(price),
        "
        50 100 250 400 | 0 0 3.95 7.2 | 11.15
        250 0 0.1      | 0 0 2.0013   | 2.0013
        250.1          | 2.0013       | 2.0013
        ",
    );
    check_events(
        &charge(r#"{ "model": "percentage", "percent": "1", "fixed": "5", "free_value": "15" }"#),
        "4 4 4 4 10 | 0 0 0 5.01 5.1 | 10.11",
    );
}

#[test]
fn of_two_allowances_the_first_to_end_ends_both() {
    check_events(
        &charge(
            r#"{ "model": "percentage", "percent": "1.3", "fixed": "2", "free_events": 3,
                 "free_value": "250" }"#,
        ),
        "50 100 250 400 | 0 0 3.95 7.2 | 11.15",
    );
    check_events(
        &charge(
            r#"{ "model": "percentage", "percent": "1", "fixed": "5", "free_events": 3,
                 "free_value": "15" }"#,
        ),
        "
        10 10      | 0 5.05    | 5.05
        1 1 1 1    | 0 0 0 5.01 | 5.01
        ",
    );
}

#[test]
fn an_event_that_is_not_free_has_a_minimum_and_a_maximum() {
    check_events(
        &charge(
            r#"{ "model": "percentage", "percent": "2.99", "minimum": "1.75", "maximum": "12" }"#,
        ),
        "
        10 80 10000 | 1.75 2.392 12 | 16.142
        0           | 1.75          | 1.75
        ",
    );
    check_events(
        &charge(
            r#"{ "model": "percentage", "percent": "2.99", "minimum": "1.75", "maximum": "12",
                 "free_events": 3, "free_value": "10000" }"#,
        ),
        "10 80 10000 | 0 0 2.691 | 2.691",
    );
    check_events(
        &charge(r#"{ "model": "percentage", "percent": "1", "fixed": "1", "minimum": "1.75" }"#),
        "100 75 74 | 2 1.75 1.75 | 5.5",
    );
}

#[test]
fn parts_that_used_one_allowance_twice_are_refused() {
    let events = charge(r#"{ "model": "percentage", "percent": "1", "free_events": 1 }"#);
    let part = after(&events, &empty(&events), &Event::Use("5".parse().unwrap())).unwrap();
    assert_eq!(text(amount(&events, &part)), "0");
    assert_eq!(text(amount(&events, &part.plus(&part).unwrap())), "allowance_exceeded");

    let value = charge(r#"{ "model": "percentage", "percent": "1", "free_value": "5" }"#);
    let part = after(&value, &empty(&value), &Event::Use("4".parse().unwrap())).unwrap();
    assert_eq!(text(amount(&value, &part)), "0");
    assert_eq!(text(amount(&value, &part.plus(&part).unwrap())), "allowance_exceeded");

    let none = charge(r#"{ "model": "percentage", "percent": "1" }"#);
    let usage = |value: &str, free_value: &str, events, free_events| {
        Usage::Events(EventUsage {
            value: value.parse().unwrap(),
            free_value: free_value.parse().unwrap(),
            events,
            free_events,
            ..EventUsage::default()
        })
    };
    for (state, expected) in [
        (usage("5", "0", 1, 0), "0.05"),
        (usage("5", "1", 1, 0), "allowance_exceeded"),
        (usage("5", "0", 1, 1), "allowance_exceeded"),
    ] {
        assert_eq!(text(amount(&none, &state)), expected);
    }
    // Nor may more be free than there was.
    assert_eq!(text(amount(&events, &usage("5", "6", 1, 1))), "allowance_exceeded");
    assert_eq!(text(amount(&value, &usage("1", "1", 1, 2))), "allowance_exceeded");
}

#[test]
fn values_that_are_too_fine_for_credits_are_refused() {
    let price = credits(r#"{ "model": "percentage", "percent": "0.0000001" }"#);
    let rate = |value: &str| {
        let event = Event::Use(value.parse().unwrap());
        text(marginal(&price, &empty(&price), &event))
    };
    assert_eq!(rate("1.001"), "0.000000001001");
    assert_eq!(rate("1.0001"), "quantity_too_fine");
}
