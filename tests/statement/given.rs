//! Statements to ask: a plan with every model of price, one in credits, two in one period.

use std::collections::BTreeMap;

use edgemeter::statement::Statement;
use serde_json::{Value, json};

/// 1 November 2026, 00:00 UTC.
pub(crate) const START: i64 = 1_793_491_200_000;
/// 1 December 2026, 00:00 UTC.
pub(crate) const END: i64 = 1_796_083_200_000;
pub(crate) const DAY: i64 = 86_400_000;

/// Every model of price, fees, a commit, a discount and a tax.
pub(crate) fn every_model() -> Value {
    let tiers = json!([{ "up_to": "100", "unit_price": "0.5", "flat": "3" },
                       { "unit_price": "0.25", "flat": "1" }]);
    let flats = json!([{ "up_to": "100", "flat": "7" }, { "flat": "20" }]);
    json!({
        "id": "all", "version": 3, "currency": "EUR",
        "meters": [
            { "id": "hours", "event_type": "use", "aggregation": "sum", "property": "/n",
              "window_ms": 3_600_000 },
            { "id": "models", "event_type": "use", "aggregation": "sum", "property": "/n",
              "dimensions": { "model": "/model", "kind": "/kind" } },
            { "id": "people", "event_type": "seat", "aggregation": "latest", "property": "/n" },
        ],
        "charges": [
            charge("per_unit", json!({ "model": "per_unit", "unit_price": "0.0123" })),
            charge("package", json!({ "model": "package", "size": "10", "price": "2" })),
            charge("graduated", json!({ "model": "graduated", "tiers": tiers })),
            charge("volume", json!({ "model": "volume", "tiers": tiers })),
            charge("stairstep", json!({ "model": "stairstep", "tiers": flats })),
            charge("percentage", json!({ "model": "percentage", "percent": "2.9", "fixed": "0.3",
                "free_events": 2, "maximum": "4" })),
            charge("dynamic", json!({ "model": "dynamic", "multiplier": "1.5" })),
            { "id": "windows", "unit": "currency", "meter": "hours", "price_each": "window",
              "price": { "model": "package", "size": "10", "price": "2" } },
            { "id": "matrix", "unit": "currency", "meter": "models", "price": { "model": "matrix",
              "entries": [ { "when": { "model": "a" }, "unit_price": "0.1" },
                           { "when": { "model": "a", "kind": "in" }, "unit_price": "0.07" } ],
              "default": "1" } },
            { "id": "least", "unit": "currency",
              "price": { "model": "per_unit", "unit_price": "1" },
              "adjustments": [ { "op": "minimum", "amount": "12" } ] },
        ],
        "fees": [ { "id": "access", "amount": "49" },
                  { "id": "seats", "amount": "5", "meter": "people", "timing": "arrears" } ],
        "commit": { "amount": "900" },
        "discounts": [ { "id": "friend", "percent": "10" } ],
        "taxes": [ { "id": "vat", "percent": "19" } ],
    })
}

fn charge(id: &str, price: Value) -> Value {
    json!({ "id": id, "unit": "currency", "price": price })
}

/// What the plan of [`every_model`] may have measured.
pub(crate) fn every_usage() -> Value {
    json!({
        "per_unit": { "total": "1234.5" }, "package": { "total": "57" },
        "graduated": { "total": "260" }, "volume": { "total": "99" },
        "stairstep": { "total": "101" }, "dynamic": { "total": "17.25" },
        "percentage": { "events": { "value": "900", "events": 7, "free_value": "150",
            "free_events": 2, "raised": "0", "cut": "3.5" } },
        "windows": { "windows": { "1793491200000": "9", "1793494800000": "11" } },
        "matrix": { "combinations": [ [{ "kind": "in", "model": "a" }, "100"],
                                      [{ "kind": "out", "model": "b" }, "3"] ] },
        "least": { "total": "4" },
    })
}

/// A prepaid plan: input and output in credits, credits included, overage at a price.
pub(crate) fn prepaid(at_zero: Value) -> Value {
    json!({
        "id": "prepaid", "version": 1, "currency": "USD",
        "charges": [
            { "id": "input", "unit": "credits",
              "price": { "model": "per_unit", "unit_price": "0.002" } },
            { "id": "output", "unit": "credits",
              "price": { "model": "per_unit", "unit_price": "0.01" } },
        ],
        "credits": { "value": "0.05", "burn_order": "standard", "rollover": "none",
                     "at_zero": at_zero, "grants": [ { "id": "monthly", "amount": "100" } ] },
    })
}

pub(crate) fn overage() -> Value {
    json!({ "overage": { "unit_price": "0.06" } })
}

/// A stretch of [`every_model`] or of [`prepaid`].
pub(crate) fn stretch(from: i64, until: i64, plan: &Value, usage: &Value, covered: &str) -> Value {
    let seats = if plan["id"] != "prepaid" { json!({ "people": "3" }) } else { json!({}) };
    json!({ "from": from, "until": until, "plan": plan, "usage": usage, "seats": seats,
            "covered": covered })
}

/// A statement of November 2026 with these stretches and grants, made on the 16th.
pub(crate) fn statement(stretches: Value, grants: Value) -> Value {
    let sums = [
        "granted",
        "available",
        "held",
        "burned",
        "expired",
        "voided",
        "balance",
        "scheduled",
        "unreported",
        "debt",
        "overage",
        "unpaid",
    ];
    let balance: BTreeMap<_, _> = sums.into_iter().map(|name| (name, "0")).collect();
    json!({
        "account": "acme", "at": START + 15 * DAY,
        "contract": { "id": "acme", "from": "2026-11-01", "zone": { "name": "UTC", "offset": 0 } },
        "period": { "index": 0, "first": "2026-11-01", "until": "2026-12-01",
                    "start": START, "end": END },
        "stretches": stretches, "grants": grants, "billed_ahead": [],
        "payments": [ { "id": "deposit", "amount": "100" } ], "balance": balance,
        "journal": { "after": 0, "rows": 17, "hash": "00", "terms": 0 },
    })
}

/// One stretch of [`every_model`].
pub(crate) fn one() -> Value {
    statement(json!([stretch(START, END, &every_model(), &every_usage(), "0")]), json!([]))
}

pub(crate) fn load(statement: &Value) -> Statement {
    Statement::parse(&statement.to_string()).unwrap_or_else(|error| panic!("{error}"))
}
