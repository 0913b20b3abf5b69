//! Projections: the bill at the end, twice the use halfway, and only of what goes on.

use edgemeter::statement::{Bill, PLACES, Statement};
use edgemeter::units::{Quantity, Timestamp};
use serde_json::{Value, json};

use crate::given::{
    DAY, END, START, every_model, every_usage, load, one, overage, prepaid, statement, stretch,
};

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

fn usage(bill: &Bill, charge: &str) -> Value {
    let of = bill.charges.iter().find(|of| of.charge.as_str() == charge);
    json!(of.unwrap().rated.usage)
}

#[test]
fn at_the_end_or_before_the_start_a_projection_is_the_bill() {
    let prepaid =
        stretch(START, END, &prepaid(overage()), &json!({ "input": { "total": "7" } }), "0");
    for given in [one(), statement(json!([prepaid]), json!([]))] {
        let statement = load(&given);
        let bill = statement.bill().unwrap();
        for instant in [i64::MIN, START - 1, START, END, END + DAY, i64::MAX] {
            assert_eq!(statement.projected(at(instant)).unwrap(), bill, "{instant}");
        }
        assert_ne!(statement.projected(at(END - DAY)).unwrap(), bill);
    }
}

/// `quantity × whole / elapsed`, half up to [`PLACES`], by another way: in 128-bit integers of
/// 10^-12.
fn expected(quantity: &str, whole: i128, elapsed: i128) -> String {
    let quantity: Quantity = quantity.parse().unwrap();
    let unit = 10_i128.pow(12 - PLACES);
    let fine = quantity.get().mantissa() * 10_i128.pow(12 - quantity.get().scale());
    let doubled = 2 * fine * whole + elapsed * unit;
    let units = doubled / (2 * elapsed * unit);
    let scale = 10_i128.pow(PLACES);
    let text = format!("{}.{:06}", units / scale, units % scale);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[test]
fn what_goes_on_grows_with_time_and_what_is_over_stays() {
    let mut seed: u64 = std::env::var("SEED").map_or(7, |seed| seed.parse().unwrap());
    let mut below = |bound: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % bound
    };
    let plan = every_model();
    for round in 0..200 {
        let change = START + i64::try_from(below(25)).unwrap() * DAY + 1;
        let now = change + 1 + i64::try_from(below(4 * 86_400_000)).unwrap();
        let quantity = format!("{}.{}", below(1_000_000), 1 + below(9));
        let used = json!({ "per_unit": { "total": quantity } });
        let parts =
            [stretch(START, change, &plan, &used, "0"), stretch(change, END, &plan, &used, "0")];
        let bill = load(&statement(json!(parts), json!([]))).projected(at(now)).unwrap();
        let of = |stretch: usize| {
            let of = bill.charges.iter().filter(|of| of.stretch == stretch);
            json!(of.map(|of| &of.rated.usage).next().unwrap())
        };
        assert_eq!(of(0), json!({ "total": quantity }), "round {round}");
        let grown = expected(&quantity, i128::from(END - change), i128::from(now - change));
        assert_eq!(of(1), json!({ "total": grown }), "round {round}, {now}");
    }
}

#[test]
fn every_shape_of_use_is_drawn_out() {
    // A third of November has passed.
    let bill = load(&one()).projected(at(START + 10 * DAY)).unwrap();
    assert_eq!(usage(&bill, "per_unit"), json!({ "total": "3703.5" }));
    assert_eq!(
        usage(&bill, "matrix"),
        json!({ "combinations": [ [{ "kind": "in", "model": "a" }, "300"],
                                  [{ "kind": "out", "model": "b" }, "9"] ] })
    );
    // Its two free events are used up; its five paid ones are nineteen.
    assert_eq!(
        usage(&bill, "percentage"),
        json!({ "events": { "value": "2700", "events": 21, "free_value": "150", "free_events": 2,
                            "raised": "0", "cut": "13.3" } })
    );
    // Windows come again, ten and twenty days later, as large as they were.
    let windows = json!({
        "1793491200000": "9", "1793494800000": "11",
        "1794355200000": "9", "1794358800000": "11",
        "1795219200000": "9", "1795222800000": "11",
    });
    assert_eq!(usage(&bill, "windows"), json!({ "windows": windows }));
    // Seats do not grow with time.
    let seats = bill.invoice.unwrap().lines.into_iter().find(|line| line.id.as_str() == "seats");
    assert_eq!(seats.unwrap().settled.amount.to_string(), "15.00");
}

#[test]
fn windows_that_began_before_now_are_not_repeated_over_themselves() {
    let mut given = one();
    given["stretches"][0]["usage"] = json!({ "windows": { "windows": { "1793491200000": "9" } } });
    // Within the first hour: each later hour is like it, to the last.
    let bill = load(&given).projected(at(START + 60_000)).unwrap();
    let Value::Object(windows) = usage(&bill, "windows")["windows"].clone() else { panic!() };
    assert_eq!(windows.len(), 30 * 24);
    assert!(windows.values().all(|quantity| quantity == "9"));
}

#[test]
fn allowances_that_last_go_on_being_given() {
    let mut plan = every_model();
    for (price, events, expected) in [
        // Two of ten free events used: five of five are free, and so are the first ten of fifteen.
        (json!({ "free_events": 10 }), (2, "100", "100", 2), (5, "250", "250", 5)),
        (json!({ "free_events": 4 }), (2, "100", "100", 2), (5, "250", "200", 4)),
        (json!({ "free_value": "120" }), (2, "100", "100", 2), (5, "250", "120", 2)),
        // No allowance, none given.
        (json!({}), (2, "100", "0", 0), (5, "250", "0", 0)),
    ] {
        let mut terms = json!({ "model": "percentage", "percent": "2", "fixed": "0.3" });
        terms.as_object_mut().unwrap().extend(price.as_object().unwrap().clone());
        plan["charges"][5]["price"] = terms;
        let state = |(events, value, free_value, free_events): (u64, &str, &str, u64)| {
            json!({ "events": { "value": value, "events": events, "free_value": free_value,
                "free_events": free_events, "raised": "0", "cut": "0" } })
        };
        let used = json!({ "percentage": state(events) });
        let part = stretch(START, END, &plan, &used, "0");
        let statement: Statement = load(&statement(json!([part]), json!([])));
        let bill = statement.projected(at(START + 12 * DAY)).unwrap();
        assert_eq!(usage(&bill, "percentage"), state(expected), "{price}");
    }
}

#[test]
fn more_use_is_paid_by_what_grants_have_left_and_the_rest_is_overage() {
    let grant = |id: &str, priority: u8, left: &str| {
        json!({ "id": id, "kind": "paid", "priority": priority, "amount": "50", "left": left,
                "burned": "5", "effective_at": START })
    };
    let used = json!({ "input": { "total": "20000" } });
    let part = stretch(START, END, &prepaid(overage()), &used, "40");
    let grants = json!([grant("b", 2, "20"), grant("a", 1, "10")]);
    // 40 credits in half of the month: 80, of which 30 are left to pay the other 40.
    let bill = load(&statement(json!([part]), grants)).projected(at(START + 15 * DAY)).unwrap();
    let credits = json!(bill.invoice.as_ref().unwrap().credits);
    assert_eq!(credits, json!({ "used": "80", "covered": "70", "overage": "10" }));
    let grants: Vec<_> =
        bill.grants.iter().map(|g| format!("{} {} {}", g.id, g.burned, g.left)).collect();
    assert_eq!(grants, ["a 15 0", "b 25 0"]);
    let unchanged = every_usage();
    assert_eq!(load(&one()).bill().unwrap().charges.len(), unchanged.as_object().unwrap().len());
}
