//! The plan's hash changes exactly when its meaning does.

use edgemeter::plan::Plan;
use serde_json::{Map, Value};

use super::{Rng, cases};

const PLANS: [&str; 4] = [
    include_str!("../plans/good/starter.json"),
    include_str!("../plans/good/everything.json"),
    include_str!("../plans/good/grace.json"),
    include_str!("../plans/good/restrict.json"),
];

fn hash(plan: &Value) -> String {
    Plan::parse(&written(plan)).unwrap_or_else(|error| panic!("{error}")).hash().to_owned()
}

fn written(plan: &Value) -> String {
    serde_json::to_string(plan).unwrap()
}

/// Another way to write the same plan: fields in another order, defaults as null or written out,
/// numbers with more zeros, lists that are sets in another order.
fn rewritten(rng: &mut Rng, value: &Value) -> String {
    match value {
        Value::Object(fields) => {
            let mut fields: Vec<_> = fields.iter().collect();
            rng.shuffle(&mut fields);
            let fields: Vec<String> = fields
                .into_iter()
                .map(|(name, value)| {
                    let value = match (name.as_str(), value) {
                        ("lines" | "meters" | "grants" | "entries", Value::Array(list)) => {
                            let mut list = list.clone();
                            rng.shuffle(&mut list);
                            Value::Array(list)
                        }
                        _ => value.clone(),
                    };
                    format!("{}: {}", Value::from(name.as_str()), rewritten(rng, &value))
                })
                .collect();
            format!("{{ {} }}", fields.join(",\n"))
        }
        Value::Array(elements) => {
            let elements: Vec<String> =
                elements.iter().map(|element| rewritten(rng, element)).collect();
            format!("[{}]", elements.join(", "))
        }
        Value::String(text) => Value::from(padded(rng, text)).to_string(),
        other => other.to_string(),
    }
}

fn padded(rng: &mut Rng, text: &str) -> String {
    let is_number = text.parse::<edgemeter::units::UnitPrice>().is_ok();
    match (is_number, text) {
        (true, _) if text.contains('.') && rng.chance(50) => format!("{text}00"),
        (true, _) if !text.contains('.') && rng.chance(50) => format!("{text}.0"),
        (true, _) if !text.starts_with('-') && rng.chance(50) => format!("00{text}"),
        (false, "P12M") => "P1Y".to_owned(),
        (false, "P14D") => "P2W".to_owned(),
        _ => text.to_owned(),
    }
}

#[test]
fn ways_to_write_a_plan_have_one_hash() {
    cases(200, |rng| {
        let text: &str = rng.pick::<&str>(&PLANS);
        let plan: Value = serde_json::from_str(text).unwrap();
        let canonical: Value =
            serde_json::from_str(&Plan::parse(&written(&plan)).unwrap().to_json().unwrap())
                .unwrap();
        for text in [rewritten(rng, &plan), rewritten(rng, &canonical)] {
            let again = Plan::parse(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
            assert_eq!(again.hash(), hash(&plan), "{text}");
        }
    });
}

#[test]
fn every_change_of_a_value_changes_the_hash() {
    for plan in PLANS {
        let plan = Plan::parse(plan).unwrap();
        let canonical: Value = serde_json::from_str(&plan.to_json().unwrap()).unwrap();
        let mut seen = vec![plan.hash().to_owned()];
        let mut changed = 0;
        for pointer in leaves(&canonical, String::new()) {
            let mut other = canonical.clone();
            let leaf = other.pointer_mut(&pointer).unwrap();
            if leaf.is_null() {
                continue;
            }
            *leaf = changed_leaf(leaf);
            // Some changes make a plan that does not load; the others are another plan.
            if let Ok(plan) = Plan::parse(&written(&other)) {
                let hash = plan.hash().to_owned();
                assert!(!seen.contains(&hash), "{pointer} says nothing");
                seen.push(hash);
                changed += 1;
            }
        }
        assert!(changed >= 3, "{changed} changes of {}", plan.id());
    }
}

fn leaves(value: &Value, path: String) -> Vec<String> {
    let escaped = |name: &str| name.replace('~', "~0").replace('/', "~1");
    match value {
        Value::Object(fields) => fields
            .iter()
            .flat_map(|(name, value)| leaves(value, format!("{path}/{}", escaped(name))))
            .collect(),
        Value::Array(list) => list
            .iter()
            .enumerate()
            .flat_map(|(index, value)| leaves(value, format!("{path}/{index}")))
            .collect(),
        _ => vec![path],
    }
}

fn changed_leaf(leaf: &Value) -> Value {
    match leaf {
        Value::Bool(value) => Value::from(!value),
        Value::Number(number) => Value::from(number.as_i64().unwrap() - 1),
        Value::String(text) if text.parse::<edgemeter::units::UnitPrice>().is_ok() => {
            Value::from(if text.contains('.') { format!("{text}1") } else { format!("{text}.5") })
        }
        Value::String(text) => match text.as_str() {
            "USD" => "EUR".into(),
            "ceiling" => "floor".into(),
            "floor" | "half_up" => "ceiling".into(),
            "advance" => "arrears".into(),
            "arrears" => "advance".into(),
            "days" => "none".into(),
            "total" => "window".into(),
            "window" => "total".into(),
            "included" => "paid".into(),
            "promotional" => "included".into(),
            "block" => "restrict".into(),
            "restrict" => "block".into(),
            "sum" => "max".into(),
            "P1M" => "P2M".into(),
            _ => format!("{text}x").into(),
        },
        other => other.clone(),
    }
}

#[test]
fn orders_that_mean_something_are_part_of_it() {
    let plan: Value = serde_json::from_str(PLANS[1]).unwrap();
    for list in ["charges", "fees", "discounts", "taxes"] {
        let mut other = plan.clone();
        other[list].as_array_mut().unwrap().swap(0, 1);
        assert_ne!(hash(&other), hash(&plan), "{list}");
    }
    let defaults: Value = serde_json::from_str(r#"{ "id": "p", "version": 1 }"#).unwrap();
    let mut written_out = Map::new();
    for (name, value) in [("name", "p"), ("period", "P1M")] {
        written_out.insert(name.to_owned(), value.into());
    }
    let mut other = defaults.clone();
    other.as_object_mut().unwrap().extend(written_out);
    assert_eq!(hash(&other), hash(&defaults));
}
