//! Readers that load, and those that do not, with the field at fault (`readers.json`).

use edgemeter::reader::{OnDisconnect, Reader, ReaderSpec};
use serde::Deserialize;
use serde_json::Value;

fn check(json: &str) -> Result<Reader, (String, &'static str)> {
    let spec: ReaderSpec = serde_json::from_str(json).unwrap();
    // What is published is what comes back.
    let again = serde_json::to_string(&spec).unwrap();
    assert_eq!(serde_json::from_str::<ReaderSpec>(&again).unwrap(), spec);
    Reader::check(&spec).map_err(|error| (error.field.clone(), error.code()))
}

const CHARGES: &str = r#""charges":{"input":"i","output":"o","reasoning":"r"}"#;

#[test]
fn a_reader_that_loads_says_what_it_names() {
    let reader = check(&format!(
        r#"{{"reader":"openai_chat",{CHARGES},"output_max":"4096","slice":"2000","on_disconnect":"drain"}}"#
    ))
    .unwrap();
    let charges: Vec<&str> = reader.charges().into_iter().map(|charge| charge.as_str()).collect();
    assert_eq!(charges, ["i", "o", "r"]);
    assert_eq!(reader.dimensions(), ["model"]);
    assert_eq!((reader.slice(), reader.on_disconnect()), (Some(2000), OnDisconnect::Drain));
    let reader = check(
        r#"{"reader":"generic","quantities":[{"charge":"p","from":"request_bytes"}],
            "dimensions":{"b":{"from":"request_header","name":"x"},"a":{"from":"request_json","pointer":"/a"}}}"#,
    )
    .unwrap();
    assert_eq!(reader.dimensions(), ["a", "b"]);
    assert_eq!((reader.slice(), reader.on_disconnect()), (None, OnDisconnect::Estimate));
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Refused {
    field: String,
    code: String,
    usage: Value,
}

#[test]
fn a_reader_that_cannot_read_is_refused_by_field() {
    let text = std::fs::read_to_string("tests/reader/readers.json").unwrap();
    for row in serde_json::from_str::<Vec<Refused>>(&text).unwrap() {
        let error = check(&row.usage.to_string()).map(|_| ()).unwrap_err();
        assert_eq!((&*error.0, error.1), (&*row.field, &*row.code), "{}", row.usage);
    }
}

#[test]
fn unknown_and_repeated_fields_do_not_parse() {
    for json in [
        r#"{"reader":"openai"}"#,
        r#"{"reader":"generic","quantity":[]}"#,
        r#"{"reader":"generic","reader":"generic"}"#,
        r#"{"reader":"generic","quantities":[{"charge":"a","from":"nowhere"}]}"#,
        r#"{"reader":"generic","quantities":[{"charge":"a","from":"request_json","pointer":"a"}]}"#,
        r#"{"reader":"generic","dimensions":{"a":{"from":"request_json"},"a":{"from":"request_json"}}}"#,
        r#"{"reader":"openai_chat","charges":{"input":"a"}}"#,
        r#"{"reader":"openai_chat","charges":{"input":"a","output":"b","other":"c"}}"#,
        r#"{"reader":"openai_chat","output_max":4096}"#,
        r#"{"reader":"openai_chat","output_max":"-1"}"#,
        r#"{"reader":"openai_chat","on_disconnect":"wait"}"#,
    ] {
        assert!(serde_json::from_str::<ReaderSpec>(json).is_err(), "{json}");
    }
}
