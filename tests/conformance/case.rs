//! One case, the ways to read its input, and the comparison of what was got with what was expected.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::Value;

/// A case as its file has it. Fields that no runner needs (source, notes, …) are passed over.
#[derive(Debug, Deserialize)]
pub(crate) struct Case {
    pub(crate) id: String,
    pub(crate) kind: String,
    pub(crate) model: String,
    #[serde(default)]
    pub(crate) dialect: Option<String>,
    pub(crate) input: Value,
    pub(crate) expected: Value,
}

/// What was computed, by the names of the expected fields.
pub(crate) type Got = BTreeMap<String, Value>;

/// A text as a JSON value.
pub(crate) fn text(value: impl ToString) -> Value {
    Value::String(value.to_string())
}

impl Case {
    /// The input field `name`, unless it is missing or null.
    pub(crate) fn get(&self, name: &str) -> Option<&Value> {
        self.input.get(name).filter(|value| !value.is_null())
    }

    /// The text of the input field `name`.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.get(name).and_then(Value::as_str)
    }

    /// The text of an input field that must be there.
    pub(crate) fn needed(&self, name: &str) -> Result<&str, String> {
        self.text(name).ok_or_else(|| format!("input has no {name:?}"))
    }

    /// An input field, parsed; `None` if it is missing.
    pub(crate) fn parsed<T: std::str::FromStr>(&self, name: &str) -> Result<Option<T>, String>
    where
        T::Err: std::fmt::Display,
    {
        self.text(name).map(|found| parse(name, found)).transpose()
    }

    /// The elements of a list; none if it is missing.
    pub(crate) fn list(&self, name: &str) -> &[Value] {
        self.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }

    /// What is not as expected; empty if all is well.
    pub(crate) fn differences(&self, got: &Got) -> Vec<String> {
        let Some(expected) = self.expected.as_object() else {
            return vec!["expected is no object".to_owned()];
        };
        let differs = |(name, wanted): (&String, &Value)| {
            let found = got.get(name).unwrap_or(&Value::Null);
            (!same(wanted, found)).then(|| format!("{name}: expected {wanted}, got {found}"))
        };
        expected.iter().filter_map(differs).collect()
    }
}

/// Parses a text, and names it in the error.
pub(crate) fn parse<T: std::str::FromStr>(name: &str, found: &str) -> Result<T, String>
where
    T::Err: std::fmt::Display,
{
    found.parse().map_err(|error: T::Err| format!("{name} {found:?} {error}"))
}

/// Equal as numbers, if both are numbers; a share of zero may be left out.
fn same(wanted: &Value, found: &Value) -> bool {
    match (wanted, found) {
        (Value::String(a), Value::String(b)) => match (number(a), number(b)) {
            (Some(a), Some(b)) => a == b,
            _ => a == b,
        },
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            a.iter().all(|(name, value)| b.get(name).is_some_and(|found| same(value, found)))
        }
        _ => wanted == found,
    }
}

fn number(found: &str) -> Option<Decimal> {
    Decimal::from_str_exact(found).ok()
}
