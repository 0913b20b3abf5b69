//! Events to usage: every shape of price, levels, and the law that a book is the sum of its parts.
//!
//! `SEED=n cargo test --lib collect` replays one seed.

#![expect(clippy::arithmetic_side_effects, reason = "the oracle counts in small integers")]

use super::*;
use crate::meter::parse_rfc3339;

fn june() -> Window {
    let at = |text: &str| parse_rfc3339(text).unwrap();
    Window::new(at("2026-06-01T00:00:00Z"), at("2026-07-01T00:00:00Z")).unwrap()
}

fn plan(fields: &str) -> Plan {
    let json = format!(r#"{{"id":"p","version":1,"currency":"USD",{fields}}}"#);
    Plan::parse(&json).unwrap_or_else(|error| panic!("{error}: {json}"))
}

/// A plan with one meter `m` and one charge `c` that reads it.
fn one(meter: &str, charge: &str) -> Plan {
    plan(&format!(
        r#""meters":[{{"id":"m","event_type":"call",{meter}}}],
        "charges":[{{"id":"c","meter":"m","unit":"currency",{charge}}}]"#
    ))
}

const PER_UNIT: &str = r#""price":{"model":"per_unit","unit_price":"0.01"}"#;

/// An event of type `call` so many hours after the start of June.
fn event(hour: i64, data: &str) -> Event<'static> {
    let time = june().start().plus_millis(hour * 3_600_000);
    let text = format!(
        r#"{{"specversion":"1.0","id":"{hour}","source":"s","type":"call","subject":"acme",
            "data":{data}}}"#
    );
    Event::from_json(text.leak(), Some(time)).unwrap()
}

fn usage(plan: &Plan, events: &[(i64, &str)]) -> Result<String, CollectError> {
    let mut book = Book::open(plan, june())?;
    for (hour, data) in events {
        book.record(&event(*hour, data))?;
    }
    let usage = book.usage(&Levels::new())?;
    Ok(serde_json::to_string(&usage.charges[&"c".parse().unwrap()]).unwrap())
}

#[test]
fn each_price_gets_the_state_that_it_rates() {
    let sum = r#""aggregation":"sum","property":"/n""#;
    let hours = r#""aggregation":"max","property":"/n","window_ms":3600000"#;
    let by_model = r#""aggregation":"sum","property":"/n","dimensions":{"model":"/model"}"#;
    let percent = r#""price":{"model":"percentage","percent":"1","free_events":1}"#;
    let matrix = r#""price":{"model":"matrix","entries":[
        {"when":{"model":"a"},"unit_price":"2"}],"default":"1"}"#;
    let windows = format!(r#"{PER_UNIT},"price_each":"window""#);
    let a = r#"{"n":1.5,"model":"a"}"#;
    let b = r#"{"n":2,"model":"b"}"#;
    let start = june().start().millis();
    for (meter, charge, expected) in [
        (sum, PER_UNIT, r#"{"total":"5"}"#.to_owned()),
        (by_model, PER_UNIT, r#"{"total":"5"}"#.to_owned()),
        (hours, PER_UNIT, r#"{"total":"3.5"}"#.to_owned()),
        (
            hours,
            &windows,
            format!(r#"{{"windows":{{"{start}":"1.5","{}":"2"}}}}"#, start + 3_600_000),
        ),
        (
            by_model,
            matrix,
            r#"{"combinations":[[{"model":"a"},"3"],[{"model":"b"},"2"]]}"#.to_owned(),
        ),
        (
            sum,
            percent,
            concat!(
                r#"{"events":{"value":"5","events":3,"free_value":"1.5","free_events":1,"#,
                r#""raised":"0","cut":"0"}}"#
            )
            .to_owned(),
        ),
        (r#""aggregation":"count""#, PER_UNIT, r#"{"total":"3"}"#.to_owned()),
        (
            r#""aggregation":"unique_count","property":"/model""#,
            PER_UNIT,
            r#"{"total":"2"}"#.to_owned(),
        ),
        (
            r#""aggregation":"sum","property":"/n","filters":{"/model":["b"]}"#,
            PER_UNIT,
            r#"{"total":"2"}"#.to_owned(),
        ),
        (
            r#""aggregation":"sum","property":"/n","rounding":{"direction":"ceiling","places":-1}"#,
            PER_UNIT,
            r#"{"total":"10"}"#.to_owned(),
        ),
        (
            r#""aggregation":"sum","property":"/n","conversion":{"operation":"multiply","factor":"2"}"#,
            PER_UNIT,
            r#"{"total":"10"}"#.to_owned(),
        ),
    ] {
        let got = usage(&one(meter, charge), &[(0, a), (0, a), (1, b)]);
        assert_eq!(got, Ok(expected), "{meter} {charge}");
    }
}

#[test]
fn percentage_prices_round_and_convert_each_value() {
    let meter = r#""aggregation":"sum","property":"/n",
        "rounding":{"direction":"ceiling","places":0},
        "conversion":{"operation":"multiply","factor":"10"}"#;
    let charge = r#""price":{"model":"percentage","percent":"1"}"#;
    let got = usage(&one(meter, charge), &[(0, r#"{"n":1.5}"#), (1, r#"{"n":2}"#)]).unwrap();
    assert!(got.contains(r#""value":"40","events":2"#), "{got}");
    let count = one(r#""aggregation":"count""#, charge);
    let got = usage(&count, &[(0, "{}"), (1, "{}")]).unwrap();
    assert!(got.contains(r#""value":"2","events":2"#), "{got}");
}

#[test]
fn a_charge_without_a_meter_takes_events_of_its_own_name() {
    let plan = plan(&format!(r#""charges":[{{"id":"call","unit":"currency",{PER_UNIT}}}]"#));
    let mut book = Book::open(&plan, june()).unwrap();
    for data in ["{}", r#"{"quantity":"2.5"}"#, r#"{"quantity":4}"#] {
        assert_eq!(book.record(&event(1, data)), Ok(true));
    }
    let mut other = event(1, "{}");
    other.kind = "page".into();
    assert_eq!(book.record(&other), Ok(false));
    let usage = book.usage(&Levels::new()).unwrap();
    let total = Usage::Total("7.5".parse().unwrap());
    assert_eq!(usage.charges[&"call".parse().unwrap()], total);
}

#[test]
fn seats_are_counted_only_where_a_fee_asks() {
    let plan = plan(
        r#""meters":[{"id":"seats","event_type":"call","aggregation":"max","property":"/n"},
            {"id":"other","event_type":"call","aggregation":"count"}],
        "fees":[{"id":"f","amount":"1","meter":"seats","timing":"arrears"}]"#,
    );
    let mut book = Book::open(&plan, june()).unwrap();
    book.record(&event(1, r#"{"n":3}"#)).unwrap();
    book.record(&event(2, r#"{"n":2}"#)).unwrap();
    let usage = book.usage(&Levels::new()).unwrap();
    let expected = BTreeMap::from([("seats".parse().unwrap(), "3".parse().unwrap())]);
    assert_eq!(usage.seats, expected);
    assert!(usage.charges.is_empty());
}

#[test]
fn levels_go_from_one_window_into_the_next() {
    let meter = r#""aggregation":"time_weighted_sum","property":"/n""#;
    let plan = one(meter, PER_UNIT);
    let half = june().start().plus_millis(15 * 86_400_000);
    let first = Window::new(june().start(), half).unwrap();
    let second = Window::new(half, june().end()).unwrap();
    let total = |book: &Book<'_>, levels: &Levels| {
        let usage = book.usage(levels).unwrap();
        serde_json::to_string(&usage.charges[&"c".parse().unwrap()]).unwrap()
    };
    let mut book = Book::open(&plan, first).unwrap();
    book.record(&event(0, r#"{"n":4}"#)).unwrap();
    assert_eq!(total(&book, &Levels::new()), r#"{"total":"4"}"#);
    let levels = book.levels_after(&Levels::new()).unwrap();
    let next = Book::open(&plan, second).unwrap();
    assert_eq!(total(&next, &levels), r#"{"total":"4"}"#);
    assert_eq!(total(&next, &Levels::new()), r#"{"total":"0"}"#);
    assert_eq!(next.levels_after(&levels), Ok(levels));
    assert_eq!(Book::open(&plan, first).unwrap().levels_after(&Levels::new()), Ok(Levels::new()));
}

#[test]
fn what_cannot_be_collected_is_refused_by_name() {
    let sum = one(r#""aggregation":"sum","property":"/n""#, PER_UNIT);
    let percent = one(
        r#""aggregation":"sum","property":"/n""#,
        r#""price":{"model":"percentage","percent":"1"}"#,
    );
    let code = |plan, events: &[(i64, &str)]| usage(plan, events).unwrap_err().code();
    assert_eq!(code(&sum, &[(0, "{}")]), "property_missing");
    assert_eq!(code(&sum, &[(-1, r#"{"n":1}"#)]), "tally_outside");
    assert_eq!(code(&sum, &[(0, r#"{"n":1}"#), (1, r#"{"n":-2}"#)]), "usage_negative");
    assert_eq!(code(&percent, &[(0, r#"{"n":-2}"#)]), "usage_negative");
    let most = r#"{"n":9999999999999999}"#;
    assert_eq!(code(&sum, &[(0, most), (1, most)]), "amount_not_exact");
    assert_eq!(code(&percent, &[(0, most), (1, most)]), "amount_not_exact");
    let error = usage(&sum, &[(3, r#"{"n":"x"}"#)]).unwrap_err().to_string();
    assert!(error.starts_with("event \"3\" of \"s\": property /n is not a decimal"), "{error}");
    let error = usage(&sum, &[(0, r#"{"n":-2}"#)]).unwrap_err().to_string();
    assert!(error.starts_with("c comes to -2: corrections"), "{error}");
}

/// The order of events does not matter, except to allowances; and the sum is that of integers.
#[test]
fn order_does_not_matter() {
    let seeds = match std::env::var("SEED") {
        Ok(seed) => vec![seed.parse().expect("SEED is an integer")],
        Err(_) => (0..100).collect::<Vec<u64>>(),
    };
    let meter = r#""aggregation":"sum","property":"/n","dimensions":{"model":"/model"}"#;
    let plan = one(meter, PER_UNIT);
    for seed in seeds {
        let mut state = seed;
        let mut next = |below: i64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695);
            i64::try_from(state >> 33).unwrap() % below
        };
        let mut events: Vec<(i64, String)> = Vec::new();
        let mut expected = 0;
        for _ in 0..next(20) {
            let value = next(1_000);
            expected += value;
            events.push((next(700), format!(r#"{{"n":{value},"model":"{}"}}"#, next(3))));
        }
        let of = |events: &[(i64, String)]| {
            let borrowed: Vec<_> = events.iter().map(|(h, data)| (*h, data.as_str())).collect();
            usage(&plan, &borrowed).unwrap()
        };
        let forward = of(&events);
        events.reverse();
        assert_eq!(of(&events), forward, "SEED={seed}");
        assert_eq!(forward, format!(r#"{{"total":"{expected}"}}"#), "SEED={seed}");
    }
}

#[test]
fn every_error_has_its_code() {
    let charge = "c".parse::<ChargeId>().unwrap();
    let rate = CollectError::Rate { charge, reason: RateError::Inexact(Inexact) };
    assert_eq!(rate.code(), "amount_not_exact");
    let pointer = Meter::new(&MeterSpec {
        property: Some("x".to_owned()),
        ..one(r#""aggregation":"sum","property":"/n""#, PER_UNIT).spec().meters[0].clone()
    });
    assert_eq!(CollectError::from(pointer.unwrap_err()).code(), "pointer_no_slash");
}

#[test]
fn all_time_is_not_for_meters_that_go_by_time() {
    for (meter, is_refused) in [
        (r#""aggregation":"sum","property":"/n""#, false),
        (r#""aggregation":"max","property":"/n","window_ms":3600000"#, true),
        (r#""aggregation":"time_weighted_sum","property":"/n""#, true),
    ] {
        let plan = one(meter, PER_UNIT);
        let refused = Book::over_all_time(&plan).err().map(|error| error.code());
        assert_eq!(refused, is_refused.then_some("usage_no_period"), "{meter}");
    }
}
