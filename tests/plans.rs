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
