//! Any bytes as usage events, one per line: counted or refused, never a panic.
//!
//! The events go into a book of a plan that has every aggregation, a conversion, a filter,
//! dimensions and windows. What is delivered twice counts once; order matters to nothing; the
//! book's usage rates.
#![no_main]

use std::sync::LazyLock;

use edgemeter::invoice::{Book, PeriodUsage};
use edgemeter::meter::{Event, Seen, Window, parse_rfc3339};
use edgemeter::plan::Plan;
use edgemeter::units::Timestamp;
use edgemeter::{rating, wire};
use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};

const LINES_MAX: usize = 64;

static PLAN: LazyLock<(String, Plan)> = LazyLock::new(|| {
    let text = plan().to_string();
    let plan = Plan::parse(&text).expect("the plan of this target loads");
    (text, plan)
});

fn plan() -> Value {
    let meter = |id: &str, aggregation: &str| {
        let all = json!({ "event_type": "use", "property": "/n" });
        let mut meter = all.as_object().cloned().unwrap_or_default();
        meter.insert("id".to_owned(), json!(id));
        meter.insert("aggregation".to_owned(), json!(aggregation));
        Value::Object(meter)
    };
    let mut meters: Vec<Value> =
        ["sum", "min", "max", "average", "unique_count", "latest", "time_weighted_sum"]
            .iter()
            .map(|aggregation| meter(aggregation, aggregation))
            .collect();
    meters.push(json!({ "id": "count", "event_type": "use", "aggregation": "count" }));
    let mut charges: Vec<Value> = meters
        .iter()
        .map(|meter| {
            json!({ "id": meter["id"], "meter": meter["id"], "unit": "currency",
                    "price": { "model": "per_unit", "unit_price": "0.003" } })
        })
        .collect();
    let mut converted = meter("converted", "sum");
    converted["conversion"] = json!({ "operation": "divide", "factor": "3",
        "rounding": { "direction": "ceiling", "places": 2 } });
    let mut models = meter("models", "sum");
    models["dimensions"] = json!({ "model": "/model" });
    models["filters"] = json!({ "/kind": ["a", "b"] });
    let mut windows = meter("windows", "max");
    windows["window_ms"] = json!(3_600_000);
    meters.extend([converted, models, windows]);
    charges.push(json!({ "id": "models", "meter": "models", "unit": "currency",
        "price": { "model": "matrix", "default": "0.1",
                   "entries": [{ "when": { "model": "large" }, "unit_price": "2" }] } }));
    let graduated = json!({ "model": "graduated",
        "tiers": [{ "up_to": "10", "unit_price": "1" }, { "unit_price": "0.5", "flat": "3" }] });
    charges.push(json!({ "id": "converted", "meter": "converted", "unit": "currency",
        "price": graduated }));
    charges.push(json!({ "id": "windows", "meter": "windows", "unit": "currency",
        "price_each": "window", "price": graduated }));
    json!({ "id": "fuzz", "version": 1, "currency": "USD", "meters": meters, "charges": charges })
}

fn january() -> Window {
    let at = |text| parse_rfc3339(text).expect("an instant");
    Window::new(at("2026-01-01T00:00:00Z"), at("2026-02-01T00:00:00Z")).expect("a window")
}

/// What the events leave, or nothing if one is refused.
fn usage<'e>(events: impl Iterator<Item = &'e Event<'e>>) -> Option<PeriodUsage> {
    let mut book = Book::open(&PLAN.1, january()).expect("a book");
    let mut seen = Seen::default();
    for event in events {
        if seen.is_new(&event.source, event.id.clone()).ok()? {
            book.record(event).ok()?;
        }
    }
    book.usage(&Default::default()).ok()
}

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let received = Some(Timestamp::from_millis(1_768_000_000_000));
    let mut events = Vec::new();
    for line in text.lines().take(LINES_MAX) {
        match Event::from_json(line, received) {
            Ok(event) => events.push(event),
            Err(error) => assert!(!error.code().is_empty(), "an error without a code"),
        }
    }
    // The first of two events with one identity counts: which one that is depends on the order.
    let mut first = Seen::default();
    events.retain(|event| first.is_new(&event.source, event.id.clone()).unwrap_or(false));
    let Some(once) = usage(events.iter()) else { return };
    let twice = usage(events.iter().chain(&events)).expect("what was counted once");
    assert_eq!(once.charges, twice.charges, "a repeated delivery counts");
    // "latest" alone takes the later delivery of two at one instant.
    // A sum may leave its range on another way to the same end.
    let Some(mut backwards) = usage(events.iter().rev()) else { return };
    let mut forwards = once.clone();
    for usage in [&mut backwards, &mut forwards] {
        usage.charges.retain(|id, _| id.as_str() != "latest");
    }
    assert_eq!(forwards.charges, backwards.charges, "the order of delivery counts");
    for charge in PLAN.1.charges() {
        let Some(state) = once.charges.get(charge.id()) else { continue };
        if let (Ok(amount), Ok(explained)) =
            (rating::amount(charge, state), rating::explain(charge, state))
        {
            assert_eq!(explained.amount, amount, "explanation of {}", charge.id());
        }
    }
    let lines: Vec<&str> = text.lines().take(LINES_MAX).collect();
    let question = format!(
        r#"{{"plan":{},"events":[{}],"invoice":{{"account":"acme","contract":"c","from":"2026-01-01"}}}}"#,
        PLAN.0,
        lines.join(",")
    );
    let answer = wire::rate(&question);
    assert!(serde_json::from_str::<Value>(&answer).is_ok(), "no JSON: {answer}");
    // And as rows of a table, whatever the lines hold.
    let question = format!(
        r#"{{"plan":{},"table":{{"columns":["id","time","value"],"rows":[{}],"source":"s","type":"use",
            "subject":"acme"}},"invoice":{{"account":"acme","contract":"c","from":"2026-01-01"}}}}"#,
        PLAN.0,
        lines.join(",")
    );
    let answer = wire::rate(&question);
    assert!(serde_json::from_str::<Value>(&answer).is_ok(), "no JSON: {answer}");
});
