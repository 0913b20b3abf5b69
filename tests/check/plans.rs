//! The plans of the stories.

use serde_json::{Value, json};

/// Calls in tiers, tokens by model, gigabytes at a price that falls for all of them, bytes on the
/// invoice, words at one price; a fee, a commit and a grant of its own.
pub(crate) fn plan(version: u32, at_zero: &Value) -> String {
    let tier = |up_to: Option<&str>, price: &str| json!({ "up_to": up_to, "unit_price": price });
    let entry =
        |model: &str, price: &str| json!({ "when": { "model": model }, "unit_price": price });
    let sum = |id: &str, kind: &str, property: &str| json!({ "id": id, "event_type": kind, "aggregation": "sum", "property": property });
    let mut tokens = sum("tokens", "call", "/tokens");
    tokens["dimensions"] = json!({ "model": "/model" });
    let charge =
        |id: &str, unit: &str, price: Value| json!({ "id": id, "unit": unit, "price": price });
    let of_meter = |meter: &str, mut charge: Value| {
        charge["meter"] = json!(meter);
        charge
    };
    let calls = json!({ "model": "graduated", "tiers": [
        tier(Some("5"), "3"), tier(Some("40"), if version == 1 { "7" } else { "2" }),
        tier(None, "1.25") ] });
    json!({
        "id": "p", "version": version, "currency": "USD", "period": "P1M",
        "credits": { "burn_order": "standard", "rollover": "none", "at_zero": at_zero,
                     "grants": [ { "id": "monthly", "amount": "20", "every": "P1M",
                                   "kind": "included" } ] },
        "meters": [
            { "id": "calls", "event_type": "call", "aggregation": "count" },
            tokens,
            sum("gigabytes", "copy", "/gb"),
        ],
        "charges": [
            of_meter("calls", charge("calls", "credits", calls)),
            of_meter("tokens", charge("tokens", "credits", json!({ "model": "matrix",
                "entries": [entry("a", "0.002"), entry("b", "5")] }))),
            of_meter("gigabytes", charge("gb", "credits", json!({ "model": "volume",
                "tiers": [tier(Some("20"), "4"), tier(None, "3")] }))),
            of_meter("gigabytes", charge("bytes", "currency",
                json!({ "model": "per_unit", "unit_price": "0.01" }))),
            charge("words", "credits",
                json!({ "model": "per_unit", "unit_price": version.to_string() })),
        ],
        "fees": [ { "id": "access", "amount": "29", "every": "P1M", "timing": "arrears" } ],
    })
    .to_string()
}
