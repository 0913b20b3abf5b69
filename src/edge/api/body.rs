//! Reading what a caller sent: bounded, JSON, every refusal naming the field.

use futures_util::StreamExt;
use serde::de::{Deserialize, DeserializeOwned};
use worker::Request;

use super::super::problem::Problem;

/// Bytes of a body, at most. A plan of 256 charges fits many times.
pub(super) const BODY_BYTES_MAX: usize = 1_048_576;

/// Reads the body as text.
///
/// # Errors
///
/// 413 if it is too large (nothing beyond the limit is kept), 400 if it is not UTF-8.
pub(super) async fn text(request: &mut Request) -> Result<String, Problem> {
    let declared = request.headers().get("content-length").ok().flatten();
    if declared
        .and_then(|length| length.parse::<u64>().ok())
        .is_some_and(|n| n > BODY_BYTES_MAX as u64)
    {
        return Err(too_large());
    }
    let mut bytes = Vec::new();
    // A request without a body has no stream.
    if let Ok(mut stream) = request.stream() {
        while let Some(chunk) = stream.next().await {
            let chunk =
                chunk.map_err(|_| Problem::new(400, "body_broken", "the body broke off"))?;
            if bytes.len().saturating_add(chunk.len()) > BODY_BYTES_MAX {
                return Err(too_large());
            }
            bytes.extend_from_slice(&chunk);
        }
    }
    String::from_utf8(bytes)
        .map_err(|_| Problem::new(400, "body_not_utf8", "the body must be JSON in UTF-8").field(""))
}

fn too_large() -> Problem {
    let detail = format!("the body is too large: send at most {BODY_BYTES_MAX} bytes");
    Problem::new(413, "body_too_large", detail).field("")
}

/// Reads the body as JSON of a known shape.
///
/// # Errors
///
/// 400 if it is not JSON, 422 with the field if a field is missing, unknown or of the wrong kind.
pub(super) async fn json<T: DeserializeOwned>(request: &mut Request) -> Result<T, Problem> {
    parse(&text(request).await?)
}

/// Parses JSON of a known shape.
pub(super) fn parse<'t, T: Deserialize<'t>>(text: &'t str) -> Result<T, Problem> {
    if text.trim().is_empty() {
        let detail = "the body is empty: send a JSON object";
        return Err(Problem::new(400, "body_empty", detail).field(""));
    }
    let mut reader = serde_json::Deserializer::from_str(text);
    let parsed = serde_path_to_error::deserialize(&mut reader);
    let value = parsed.map_err(|error| refusal(text, &error))?;
    reader.end().map_err(|error| not_json(&error))?;
    Ok(value)
}

fn refusal(text: &str, error: &serde_path_to_error::Error<serde_json::Error>) -> Problem {
    if error.inner().classify() != serde_json::error::Category::Data {
        return not_json(error.inner());
    }
    let pointer = pointer(error);
    let what = error.inner().to_string();
    // The position is of no use to a program's author: the field says more.
    let what = what.split(" at line ").next().unwrap_or(&what);
    Problem::new(422, "field_invalid", format!("{}: {what}", name(&pointer)))
        .field(&pointer)
        .value(&value_at(text, &pointer).unwrap_or_default())
}

fn not_json(error: &serde_json::Error) -> Problem {
    Problem::new(400, "body_not_json", format!("the body is not JSON: {error}")).field("")
}

fn name(pointer: &str) -> &str {
    if pointer.is_empty() { "the body" } else { pointer }
}

/// The JSON pointer of the field at fault; serde names missing and unknown fields in its message
/// only.
fn pointer(error: &serde_path_to_error::Error<serde_json::Error>) -> String {
    let mut pointer = String::new();
    for segment in error.path().iter() {
        match segment {
            serde_path_to_error::Segment::Seq { index } => pointer.push_str(&format!("/{index}")),
            serde_path_to_error::Segment::Map { key } => pointer.push_str(&format!("/{key}")),
            _ => {}
        }
    }
    let message = error.inner().to_string();
    let quoted = message.split('`').nth(1).unwrap_or_default();
    let named = message.starts_with("missing field") || message.starts_with("unknown field");
    if named && !pointer.ends_with(&format!("/{quoted}")) {
        pointer.push('/');
        pointer.push_str(quoted);
    }
    pointer
}

fn value_at(text: &str, pointer: &str) -> Option<String> {
    let root: serde_json::Value = serde_json::from_str(text).ok()?;
    root.pointer(pointer).map(|value| match value {
        serde_json::Value::String(text) => text.clone(),
        other => other.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::GrantTerms;

    #[test]
    fn refusals_name_the_field() {
        let table = [
            (r#"{"amount":"1"}"#, 422, "/id"),
            (r#"{"id":"a"}"#, 422, "/amount"),
            (r#"{"id":"a","amount":5}"#, 422, "/amount"),
            (r#"{"id":"a","amount":"NaN"}"#, 422, "/amount"),
            (r#"{"id":"a","amount":"0.1234567890123"}"#, 422, "/amount"),
            (r#"{"id":"a b","amount":"1"}"#, 422, "/id"),
            (r#"{"id":"a","amount":"1","colour":"red"}"#, 422, "/colour"),
            (r#"{"id":"a","amount":"1","priority":256}"#, 422, "/priority"),
            (r#"{"id":"a","amount":"1","kind":"loan"}"#, 422, "/kind"),
            ("{", 400, ""),
            ("[]", 422, "/id"),
            ("", 400, ""),
            (r#"{"id":"a","amount":"1"} x"#, 400, ""),
        ];
        for (body, status, field) in table {
            let problem = parse::<GrantTerms>(body).unwrap_err();
            assert_eq!(problem.status, status, "body: {body}");
            let json: serde_json::Value = serde_json::from_str(&problem.to_json()).unwrap();
            if body != "[]" {
                assert_eq!(json["field"], field, "body: {body}, problem: {json}");
            }
        }
    }
}
