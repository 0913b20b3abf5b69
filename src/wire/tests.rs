//! Questions and their answers, byte for byte; every refusal with its place and code.

use serde_json::{Value, json};

use super::*;

/// A plan with a charge of totals, one of windows, one by combination and one of events.
pub(super) fn plan() -> Value {
    json!({
        "id": "p", "version": 1, "currency": "USD",
        "meters": [
            { "id": "m", "event_type": "use", "aggregation": "sum", "property": "/n",
              "window_ms": 3_600_000, "dimensions": { "model": "/model" } },
        ],
        "charges": [
            { "id": "total", "unit": "currency", "price": { "model": "graduated", "tiers": [
                { "up_to": "10", "unit_price": "1", "flat": "3" }, { "unit_price": "0.5" } ] } },
            { "id": "windows", "unit": "currency", "meter": "m", "price_each": "window",
              "price": { "model": "package", "size": "10", "price": "2" } },
            { "id": "matrix", "unit": "currency", "meter": "m", "price": { "model": "matrix",
              "entries": [ { "when": { "model": "a" }, "unit_price": "0.1" } ], "default": "1" } },
            { "id": "events", "unit": "currency", "price": { "model": "percentage",
              "percent": "2.9", "fixed": "0.3", "free_events": 1 } },
        ],
        "taxes": [ { "id": "vat", "percent": "20" } ],
    })
}

pub(super) fn ask(question: &Value) -> Value {
    serde_json::from_str(&rate(&question.to_string())).unwrap()
}

#[test]
fn each_use_is_answered_with_its_cost() {
    let answer = ask(&json!({
        "plan": plan(), "marginals": true,
        "usage": { "total": { "total": "8" } },
        "uses": {
            "total": ["1", "2.5", { "quantity": "1" }],
            "windows": [
                { "quantity": "9", "window": 0 }, { "quantity": "1", "window": 0 },
                { "quantity": "1", "window": 3_600_000 },
            ],
            "matrix": [
                { "quantity": "10", "of": { "model": "a" } },
                { "quantity": "10", "of": { "model": "b" } },
            ],
            "events": ["100", "100"],
        },
    }));
    let of = |index: usize, field: &str| answer["charges"][index][field].clone();
    // 1 × 1; 1 × 1 + 1.5 × 0.5; 1 × 0.5
    assert_eq!(of(0, "marginals"), json!(["1", "1.75", "0.5"]));
    assert_eq!(of(0, "usage"), json!({ "total": "12.5" }));
    assert_eq!((of(0, "running"), of(0, "closing")), (json!("14.25"), json!("0")));
    assert_eq!(of(1, "marginals"), json!(["2", "0", "2"]));
    assert_eq!(of(2, "marginals"), json!(["1", "10"]));
    // The first one is free: 100 × 0.029 + 0.3
    assert_eq!(of(3, "marginals"), json!(["0", "3.2"]));
    assert_eq!(answer["charges"][3]["explanation"]["amount"], json!("3.2"));
    assert_eq!(answer["plan"].as_str().unwrap().len(), 64);
    assert_eq!(answer.get("invoice"), None);
}

#[test]
fn marginals_are_given_only_if_asked_for() {
    let answer = ask(&json!({ "plan": plan(), "uses": { "total": ["1"] } }));
    assert_eq!(answer["charges"][0].get("marginals"), None);
    // The first tier's flat is due at the end of a period without use.
    assert_eq!(answer["charges"][0]["running"], json!("4"));
    let answer = ask(&json!({ "plan": plan() }));
    let of = |field: &str| answer["charges"][0][field].clone();
    assert_eq!((of("running"), of("closing")), (json!("0"), json!("3")));
}

pub(super) fn event(id: &str, at: &str, n: &str) -> Value {
    json!({
        "specversion": "1.0", "id": id, "source": "/s", "type": "use", "subject": "acme",
        "time": at, "data": { "n": n, "model": "a" },
    })
}

pub(super) fn bill() -> Value {
    json!({ "account": "acme", "contract": "c", "from": "2026-01-01" })
}

#[test]
fn events_are_metered_once_and_billed() {
    let mut bill = bill();
    bill["payments"] = json!([ { "id": "deposit", "amount": "1" } ]);
    let (one, two) =
        (event("1", "2026-01-02T00:00:00Z", "15"), event("2", "2026-01-02T01:00:00Z", "5"));
    let answer = ask(&json!({ "plan": plan(), "events": [one, two, one], "invoice": bill }));
    // Two packages in the first hour, one in the second; 20 × 0.1.
    assert_eq!(answer["charges"][1]["running"], json!("6"));
    assert_eq!(answer["charges"][2]["running"], json!("2"));
    let invoice = &answer["invoice"];
    // And the flat of 3 for no use, plus 20 % of 11.
    assert_eq!(invoice["totals"]["total"], json!("13.20"));
    assert_eq!(invoice["totals"]["due"], json!("12.20"));
    assert_eq!(invoice["credit_ids"], json!(["deposit"]));
}

#[test]
fn credits_that_the_plan_includes_pay_first() {
    let plan = json!({
        "id": "p", "version": 1, "currency": "USD",
        "charges": [ { "id": "c", "unit": "credits",
                       "price": { "model": "per_unit", "unit_price": "1" } } ],
        "credits": { "value": "0.01", "burn_order": "standard", "rollover": "none",
                     "at_zero": { "overage": { "unit_price": "0.02" } },
                     "grants": [ { "id": "g", "amount": "100" } ] },
    });
    let answer = ask(&json!({ "plan": plan, "uses": { "c": ["150"] }, "invoice": bill() }));
    let credits = &answer["invoice"]["credits"];
    assert_eq!(credits, &json!({ "used": "150", "covered": "100", "overage": "50" }), "{answer}");
    assert_eq!(answer["invoice"]["totals"]["due"], json!("1.00"));
}

/// Where a question says what is wrong, and how.
pub(super) fn refused(question: &Value) -> (String, String) {
    let answer = ask(question);
    let text = |field: &str| answer["error"][field].as_str().unwrap_or_default().to_owned();
    assert!(!text("message").is_empty(), "{answer}");
    (text("code"), text("at"))
}

#[test]
fn a_question_without_an_answer_is_told_why_and_where() {
    let mut broken = plan();
    broken["charges"][0]["price"]["tiers"][0]["up_to"] = json!("x");
    let mut no_currency = plan();
    no_currency["charges"] = json!([]);
    no_currency["taxes"] = json!([]);
    no_currency["meters"] = json!([]);
    no_currency["currency"] = Value::Null;
    let mut weighted = plan();
    weighted["meters"][0]["aggregation"] = json!("time_weighted_sum");
    let events = json!([event("1", "2026-01-02T00:00:00Z", "1"), event("2", "never", "1")]);
    let late = json!([event("1", "2026-02-01T00:00:00Z", "1")]);
    let mut far = bill();
    far["index"] = json!(i32::MAX);
    let mut before = bill();
    before["index"] = json!(-1);
    let mut taken = bill();
    taken["payments"] = json!([ { "id": "p", "amount": "-5" } ]);
    let mut outside = bill();
    outside["zone"] = json!({ "name": "Nowhere", "offset": i32::MIN });
    let mut others = json!([event("1", "2026-01-02T00:00:00Z", "1")]);
    others[0]["subject"] = json!("somebody else");
    let mut fine = bill();
    fine["payments"] = json!([ { "id": "p", "amount": "0.001" } ]);
    for (question, code, at) in [
        (json!({ "plan": plan(), "use": {} }), "request_not_json", ""),
        (json!({ "uses": {} }), "request_not_json", ""),
        (json!({ "plan": plan(), "uses": { "total": [1] } }), "request_not_json", ""),
        (json!({ "plan": plan(), "uses": { "total": ["-1"] } }), "request_not_json", ""),
        (
            json!({ "plan": plan(),
                    "uses": { "total": [{ "quantity": "1", "window": 0, "of": {} }] } }),
            "request_not_json",
            "",
        ),
        (json!({ "plan": broken }), "not_a_decimal", "/plan/charges/0/price/tiers/0/up_to"),
        (json!({ "plan": plan(), "invoice": far }), "period_outside_calendar", "/invoice"),
        (json!({ "plan": plan(), "uses": {"total": []}, "events": [] }), "request_two_sources", ""),
        (json!({ "plan": weighted, "events": [] }), "usage_no_period", "/invoice"),
        (
            json!({ "plan": plan(), "usage": { "x": { "total": "1" } } }),
            "request_unknown_charge",
            "",
        ),
        (json!({ "plan": plan(), "uses": { "x": [] } }), "request_unknown_charge", ""),
        (json!({ "plan": plan(), "events": events, "invoice": bill() }), "event_time", "/events/1"),
        (
            json!({ "plan": plan(), "events": late, "invoice": bill() }),
            "tally_outside",
            "/events/0",
        ),
        (json!({ "plan": plan(), "usage": { "total": { "windows": {} } } }), "usage_shape", ""),
        (json!({ "plan": plan(), "uses": { "windows": ["1"] } }), "usage_shape", "/uses/windows/0"),
        (json!({ "plan": no_currency, "invoice": bill() }), "invoice_no_currency", "/invoice"),
        (json!({ "plan": plan(), "invoice": fine }), "money_too_fine", "/invoice"),
        (json!({ "plan": plan(), "invoice": taken }), "invoice_negative_payment", "/invoice"),
        (json!({ "plan": plan(), "invoice": before }), "period_outside_calendar", "/invoice"),
        (json!({ "plan": plan(), "invoice": outside }), "request_not_json", ""),
        (
            json!({ "plan": plan(), "events": others, "invoice": bill() }),
            "request_other_subject",
            "/events/0",
        ),
    ] {
        assert_eq!(refused(&question), (code.to_owned(), at.to_owned()), "{question}");
    }
}

#[test]
fn a_level_goes_on_into_the_next_period() {
    let plan = json!({ "id": "p", "version": 1, "currency": "USD",
        "meters": [
            { "id": "seats", "event_type": "use", "aggregation": "time_weighted_sum",
              "property": "/n" },
            { "id": "peak", "event_type": "use", "aggregation": "max", "property": "/n",
              "window_ms": 60_000 } ],
        "charges": [
            { "id": "seats", "meter": "seats", "unit": "currency",
              "price": { "model": "per_unit", "unit_price": "5" } },
            { "id": "peak", "meter": "peak", "unit": "currency",
              "price": { "model": "per_unit", "unit_price": "1" } } ] });
    let mut second = bill();
    second["index"] = json!(1);
    let early = json!([event("1", "2026-01-10T00:00:00Z", "2")]);
    let answer = ask(&json!({ "plan": plan, "events": early, "invoice": second }));
    assert_eq!(answer["charges"][0]["usage"], json!({ "total": "2" }), "{answer}");
    assert_eq!(answer["charges"][1]["usage"], json!({ "total": "0" }), "of its period only");
    assert_eq!(answer["invoice"]["totals"]["total"], "10.00");
    let none = ask(&json!({ "plan": plan, "events": [], "invoice": second }));
    assert_eq!(none["invoice"]["totals"]["total"], "0.00");
}

#[test]
fn seats_of_a_fee_must_be_said() {
    let plan = json!({ "id": "p", "version": 1, "currency": "USD",
        "meters": [{ "id": "users", "event_type": "use", "aggregation": "max", "property": "/n" }],
        "fees": [{ "id": "f", "amount": "4", "meter": "users", "timing": "arrears" }] });
    let asked = json!({ "plan": plan, "invoice": bill() });
    assert_eq!(refused(&asked), ("request_no_seats".to_owned(), "/seats".to_owned()));
    let mut said = asked.clone();
    said["seats"] = json!({ "users": "2.5" });
    assert_eq!(ask(&said)["invoice"]["totals"]["total"], "10.00");
    said["events"] = json!([]);
    assert_eq!(refused(&said).0, "request_two_sources");
    let mut metered = asked;
    metered["events"] = json!([event("1", "2026-01-02T00:00:00Z", "3")]);
    assert_eq!(ask(&metered)["invoice"]["totals"]["total"], "12.00");
}

#[test]
fn a_name_that_stands_twice_is_refused() {
    for (of, name) in [
        (r#""usage": { "windows": { "windows": { "0": "1", "0": "2" } } }"#, "0"),
        (r#""usage": { "matrix": { "combinations": [[{ "b": "1", "b": "2" }, "5"]] } }"#, "b"),
        (r#""uses": { "total": [{ "quantity": "1", "of": { "a": "1", "a": "2" } }] }"#, "a"),
    ] {
        let answer = rate(&format!(r#"{{"plan": {}, {of}}}"#, plan()));
        assert!(answer.contains(&format!("{name} stands twice")), "{answer}");
    }
    let twice = format!(r#"{{"plan": {}, "uses": {{"total": [], "total": []}}}}"#, plan());
    assert!(rate(&twice).contains("total stands twice"), "{}", rate(&twice));
}

#[test]
fn a_question_that_is_too_long_is_not_read() {
    let long = " ".repeat(REQUEST_BYTES_MAX + 1);
    assert!(rate(&long).starts_with(r#"{"error":{"code":"request_too_long","at":"","message":"#));
}
