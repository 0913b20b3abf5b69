//! The plans of the stories, their dice and their calendar.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "numbers of a test are small"
)]

use serde_json::{Value, json};

/// Calls in tiers, tokens by model, gigabytes at a price that falls for all of them, bytes on the
/// invoice, words at one price; a fee, a commit and a grant of its own.
pub(crate) fn plan(version: u32, at_zero: &Value) -> String {
    let tier = |up_to: Option<&str>, price: &str| json!({ "up_to": up_to, "unit_price": price });
    let entry =
        |model: &str, price: &str| json!({ "when": { "model": model }, "unit_price": price });
    let sum = |id: &str, kind: &str, property: &str| {
        let aggregation = "sum";
        json!({ "id": id, "event_type": kind, "aggregation": aggregation, "property": property })
    };
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

/// 1 November 2026, 00:00 UTC.
pub(crate) const START: i64 = 1_793_491_200_000;

/// SplitMix64.
#[derive(Clone)]
pub(crate) struct Rng(pub(crate) u64);

impl Rng {
    pub(crate) fn below(&mut self, end: i64) -> i64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) % end as u64) as i64
    }

    pub(crate) fn pick<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        &list[self.below(list.len() as i64) as usize]
    }
}

/// RFC 3339 of an instant in November or December 2026.
pub(crate) fn rfc3339(at: i64) -> String {
    let days = (at - START).div_euclid(86_400_000);
    let (month, day) = match days {
        ..0 => (10, 32 + days),
        0..30 => (11, 1 + days),
        30..61 => (12, days - 29),
        _ => (13, days),
    };
    let ms = (at - START).rem_euclid(86_400_000);
    let (s, ms) = (ms / 1_000, ms % 1_000);
    let (h, m, s) = (s / 3_600, s / 60 % 60, s % 60);
    format!("2026-{month}-{day:02}T{h:02}:{m:02}:{s:02}.{ms:03}Z")
}
