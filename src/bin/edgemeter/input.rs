//! Plan files: read, checked, and the line of a fault found.

use std::collections::BTreeMap;
use std::path::Path;

use edgemeter::plan::{Fault, Plan, PlanError};
use serde_json::value::RawValue;

use crate::failure::Failure;

/// Reads and checks a plan.
pub(crate) fn plan(file: &Path) -> Result<Plan, Failure> {
    let text = std::fs::read_to_string(file).map_err(|error| {
        Failure::of_file(file, format!("cannot be read: {error}: give the path of a plan"))
    })?;
    Plan::parse(&text).map_err(|error| at_fault(file, &text, &error))
}

fn at_fault(file: &Path, text: &str, error: &PlanError) -> Failure {
    match &*error.fault {
        Fault::NotJson { line, .. } => {
            Failure::at(file, u64::try_from(*line).unwrap_or(1), &error.fault)
        }
        _ => Failure::at(file, line_of(text, &error.path), error),
    }
}

/// The line of a JSON pointer, or of the deepest field on its way that exists.
fn line_of(text: &str, path: &str) -> u64 {
    let mut here = text.trim_start();
    for token in path.split('/').skip(1) {
        let token = token.replace("~1", "/").replace("~0", "~");
        match child(here, &token) {
            Some(next) => here = next,
            None => break,
        }
    }
    // `here` is a slice of `text`: the lines before it are those of the bytes before it.
    let before = (here.as_ptr() as usize).saturating_sub(text.as_ptr() as usize);
    let lines = text.bytes().take(before).filter(|byte| *byte == b'\n').count();
    u64::try_from(lines).unwrap_or(u64::MAX).saturating_add(1)
}

fn child<'a>(json: &'a str, token: &str) -> Option<&'a str> {
    if json.starts_with('[') {
        let list: Vec<&'a RawValue> = serde_json::from_str(json).ok()?;
        return list.get(token.parse::<usize>().ok()?).map(|value| value.get());
    }
    let mut fields: BTreeMap<String, &'a RawValue> = serde_json::from_str(json).ok()?;
    fields.remove(token).map(RawValue::get)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_on_the_line_of_its_field_or_of_the_nearest_that_exists() {
        let text = "\n{\n \"a\": {\n  \"b/c\": [1,\n   2]\n }\n}";
        for (path, line) in [
            ("", 2),
            ("/a", 3),
            ("/a/b~1c", 4),
            ("/a/b~1c/0", 4),
            ("/a/b~1c/1", 5),
            ("/a/b~1c/2", 4),
            ("/a/missing", 3),
            ("/missing/x", 2),
        ] {
            assert_eq!(line_of(text, path), line, "{path}");
        }
    }
}
