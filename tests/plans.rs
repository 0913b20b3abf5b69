//! Plans as files: those that load, and those that must not, each with the field at fault.
//!
//! `tests/plans/broken.txt` has a line a file: name, JSON pointer (`""` for the whole document),
//! code. The JSON Schema of the documentation is held to the same files: it takes every good plan,
//! and refuses every broken one whose fault a schema can see.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "a test may panic, its helpers too"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use edgemeter::plan::Plan;
use serde_json::json;

/// Faults of shape and of single values: what the JSON Schema refuses too.
const SEEN_BY_A_SCHEMA: [&str; 15] = [
    "wrong_type",
    "missing_field",
    "unknown_field",
    "not_one_of",
    "not_a_decimal",
    "too_fine",
    "too_large",
    "id_length",
    "id_character",
    "not_a_cadence",
    "integer_out_of_range",
    "text_length",
    "exactly_one_of",
    "too_many",
    "empty_list",
];

fn files(folder: &str) -> BTreeMap<String, String> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/plans").join(folder);
    let entries = fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path());
    entries
        .map(|path| {
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            (name, fs::read_to_string(path).unwrap())
        })
        .collect()
}

#[test]
fn every_broken_plan_is_refused_at_its_field() {
    let mut files = files("broken");
    assert!(files.len() >= 60);
    let mut failures = Vec::new();
    for line in include_str!("plans/broken.txt").lines().filter(|line| !line.starts_with('#')) {
        let [name, path, code] = line.split_whitespace().collect::<Vec<_>>()[..] else {
            panic!("three cells a line: {line:?}")
        };
        let json = files.remove(name).unwrap_or_else(|| panic!("no file for {name}"));
        let got = match Plan::parse(&json) {
            Ok(_) => "loads".to_owned(),
            Err(error) => {
                assert!(error.to_string().starts_with(&format!("{}: ", error.path)), "{error}");
                format!("{} {}", error.path, error.code())
            }
        };
        let expected = format!("{} {code}", path.trim_matches('"'));
        if got != expected {
            failures.push(format!("{name}: expected {expected}, got {got}"));
        }
    }
    assert!(failures.is_empty(), "\n{}", failures.join("\n"));
    assert!(files.is_empty(), "files without a line: {:?}", files.keys());
}

#[test]
fn every_good_plan_loads_and_its_canonical_text_is_the_same_plan() {
    for (name, json) in files("good") {
        let plan = Plan::parse(&json).unwrap_or_else(|error| panic!("{name}: {error}"));
        let canonical = plan.to_json().unwrap();
        let again = Plan::parse(&canonical).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(again.to_json().unwrap(), canonical, "{name}");
        assert_eq!(again.hash(), plan.hash(), "{name}");
        assert!(again == plan, "{name}");
        assert_eq!(plan.hash().len(), 64);
        assert_eq!(plan.spec().id, *plan.id());
        for charge in plan.charges() {
            assert_eq!(plan.charge(charge.id()).unwrap(), charge);
            let meter = charge.meter().map(|id| plan.meter(id).unwrap().id.clone());
            assert_eq!(meter.as_ref(), charge.meter());
        }
    }
}

#[test]
fn a_document_has_a_greatest_length() {
    let long = format!(r#"{{ "id": "p", "version": 1 {} }}"#, " ".repeat(1 << 20));
    assert_eq!(Plan::parse(&long).unwrap_err().code(), "document_too_long");
}

#[test]
fn the_schema_agrees_with_the_parser() {
    let schema: serde_json::Value =
        serde_json::from_str(include_str!("../docs/plan.schema.json")).unwrap();
    let mut compiler = boon::Compiler::new();
    compiler.add_resource("plan.json", schema).unwrap();
    let mut schemas = boon::Schemas::new();
    let index = compiler.compile("plan.json", &mut schemas).unwrap();
    for (name, json) in files("good") {
        let plan = serde_json::from_str(&json).unwrap();
        let outcome = schemas.validate(&plan, index);
        assert!(outcome.is_ok(), "{name}: {}", outcome.unwrap_err());
        let canonical = Plan::parse(&json).unwrap().to_json().unwrap();
        let canonical = serde_json::from_str(&canonical).unwrap();
        let outcome = schemas.validate(&canonical, index);
        assert!(outcome.is_ok(), "canonical {name}: {}", outcome.unwrap_err());
    }
    for (name, json) in files("broken") {
        let Ok(plan) = serde_json::from_str(&json) else { continue };
        let code = Plan::parse(&json).unwrap_err().code();
        let refused = schemas.validate(&plan, index).is_err();
        assert!(refused || !SEEN_BY_A_SCHEMA.contains(&code), "{name} ({code}) fits the schema");
    }
}

/// A plan with one field set to a value; lists are named by index.
fn with(pointer: &str, value: serde_json::Value) -> Result<Plan, String> {
    let mut plan: serde_json::Value =
        serde_json::from_str(include_str!("plans/good/everything.json")).unwrap();
    let (parent, field) = pointer.rsplit_once('/').unwrap();
    match plan.pointer_mut(parent).unwrap() {
        serde_json::Value::Array(list) => list[field.parse::<usize>().unwrap()] = value,
        object => object[field.replace("~1", "/")] = value,
    }
    Plan::parse(&plan.to_string()).map_err(|error| format!("{} {}", error.code(), error.path))
}

#[test]
fn lists_end_at_their_limit() {
    let tiers = |count: u64| -> serde_json::Value {
        let tier = |bound: u64| match bound {
            bound if bound < count => json!({ "up_to": bound.to_string() }),
            _ => json!({}),
        };
        (1..=count).map(tier).collect()
    };
    let repeated = |count: usize, value: serde_json::Value| json!(vec![value; count]);
    let numbered = |count: usize, make: fn(usize) -> serde_json::Value| -> serde_json::Value {
        (0..count).map(make).collect()
    };
    let fields = |count: usize, make: fn(usize) -> (String, serde_json::Value)| {
        serde_json::Value::Object((0..count).map(make).collect())
    };
    let entry = |index: usize| json!({ "when": { "kind": index.to_string() }, "unit_price": "1" });
    let included = json!({ "op": "included", "units": "1" });
    let dimension = |index: usize| (format!("d{index}"), json!("/d"));
    let filter = |index: usize| (format!("/f{index}"), json!(["x"]));
    let tax = |index: usize| json!({ "id": format!("t{index}"), "percent": "1" });
    let grant = |index: usize| json!({ "id": format!("g{index}"), "amount": "1" });
    let discount = |index: usize| json!({ "id": format!("d{index}"), "percent": "1" });
    for (pointer, most, too_much) in [
        ("/charges/1/price/tiers", tiers(1000), tiers(1001)),
        ("/charges/1/adjustments", repeated(16, included.clone()), repeated(17, included)),
        ("/charges/0/price/entries", numbered(1000, entry), numbered(1001, entry)),
        ("/meters/0/filters", fields(16, filter), fields(17, filter)),
        ("/meters/1/dimensions", fields(16, dimension), fields(17, dimension)),
        (
            "/meters/0/filters/~1status",
            numbered(200, |i| json!(i.to_string())),
            numbered(201, |i| json!(i.to_string())),
        ),
        ("/discounts", numbered(50, discount), numbered(51, discount)),
        ("/taxes", numbered(50, tax), numbered(51, tax)),
        ("/credits/grants", numbered(50, grant), numbered(51, grant)),
    ] {
        assert_eq!(with(pointer, most).map(drop), Ok(()), "{pointer}");
        let error = with(pointer, too_much).unwrap_err();
        assert!(error.ends_with(pointer), "{error} is not {pointer}");
    }
}

#[test]
fn values_end_at_their_limit() {
    for (pointer, most, too_much) in [
        ("/name", json!("é".repeat(200)), json!("é".repeat(201))),
        ("/meters/2/window_ms", json!(31_622_400_000_u64), json!(31_622_400_001_u64)),
        ("/meters/2/property", json!("/a".repeat(8)), json!("/a".repeat(9))),
        (
            "/meters/2/property",
            json!(format!("/{}", "é".repeat(127))),
            json!(format!("/{}", "é".repeat(128))),
        ),
        ("/charges/5/price/free_events", json!(31_622_400_000_u64), json!(31_622_400_001_u64)),
        ("/credits/grants/0/priority", json!(255), json!(256)),
        ("/discounts/0/percent", json!("100"), json!("100.000001")),
        ("/charges/1/adjustments/3/percent", json!("100"), json!("100.000001")),
        ("/charges/1/adjustments/6/amount", json!("500"), json!("500.01")),
        ("/charges/5/price/minimum", json!("20"), json!("20.01")),
        ("/credits/rollover/min", json!("2000"), json!("2000.01")),
        ("/meters/3/rounding/places", json!(12), json!(13)),
    ] {
        assert_eq!(with(pointer, most).map(drop), Ok(()), "{pointer}");
        let error = with(pointer, too_much).unwrap_err();
        assert!(error.ends_with(pointer), "{error} is not {pointer}");
    }
}

#[test]
fn values_begin_at_their_limit() {
    for (pointer, least, too_little) in [
        ("/version", json!(1), json!(0)),
        ("/meters/2/window_ms", json!(1), json!(0)),
        ("/meters/3/rounding/places", json!(-12), json!(-13)),
        ("/charges/4/price/size", json!("0.000000000001"), json!("0")),
        ("/charges/1/price/tiers/1/cap", json!("0"), json!("-0.01")),
        ("/charges/1/price/tiers/1/block_size", json!("0.000000000001"), json!("0")),
        ("/charges/1/adjustments/0/factor", json!("0.000000000001"), json!("0")),
        ("/charges/1/adjustments/5/amount", json!("20"), json!("19.99")),
        ("/charges/5/price/fixed", json!("0"), json!("-0.01")),
        ("/charges/7/price/multiplier", json!("0"), json!("-0.01")),
        ("/charges/1/price/tiers/0/unit_price", json!("0"), json!("-0.01")),
        ("/fees/0/amount", json!("0"), json!("-0.01")),
        ("/commit/amount", json!("0.01"), json!("0")),
        ("/discounts/1/amount", json!("0"), json!("-0.01")),
        ("/credits/value", json!("0.000000000001"), json!("0")),
        ("/credits/rollover/min", json!("0"), json!("-0.01")),
        ("/credits/at_zero/overage/unit_price", json!("0"), json!("-0.01")),
        ("/credits/at_zero/overage/cap", json!("0.000000000001"), json!("0")),
        ("/credits/grants/0/amount", json!("0.000000000001"), json!("0")),
    ] {
        assert_eq!(with(pointer, least).map(drop), Ok(()), "{pointer}");
        assert!(with(pointer, too_little).is_err(), "{pointer}");
    }
}

#[test]
fn a_plan_has_so_many_lines_at_most() {
    let lists = [("meters", 200), ("charges", 500), ("fees", 100)];
    for (list, most) in lists {
        let element = |index: usize| match list {
            "meters" => json!({ "id": format!("m{index}"), "aggregation": "count" }),
            "charges" => json!({ "id": format!("c{index}"), "unit": "currency",
                                 "price": { "model": "dynamic" } }),
            _ => json!({ "id": format!("f{index}"), "amount": "1" }),
        };
        for (count, loads) in [(most, true), (most + 1, false)] {
            let elements: serde_json::Value = (0..count).map(element).collect();
            let mut plan = json!({ "id": "p", "version": 1, "currency": "USD" });
            plan[list] = elements;
            assert_eq!(Plan::parse(&plan.to_string()).is_ok(), loads, "{count} {list}");
        }
    }
}
