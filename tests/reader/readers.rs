//! Readers that load, and those that do not, with the field at fault.

use edgemeter::reader::{OnDisconnect, Reader, ReaderSpec};

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

#[test]
fn a_reader_that_cannot_read_is_refused_by_field() {
    let preset = |rest: &str| format!(r#"{{"reader":"openai_chat",{rest}}}"#);
    let quantities = |all: &str| format!(r#"{{"reader":"generic","quantities":[{all}]}}"#);
    let dimension = |one: &str| {
        format!(
            r#"{{"reader":"generic","quantities":[{{"charge":"a","from":"request_bytes"}}],"dimensions":{{{one}}}}}"#
        )
    };
    let many = vec![r#"{"charge":"a","from":"request_bytes"}"#; 17].join(",");
    let twice = r#"{"charge":"a","from":"request_bytes"},{"charge":"a","from":"request_bytes"}"#;
    for (json, field, code) in [
        (preset(r#""output_max":"1""#), "/charges", "field_missing"),
        (preset(CHARGES), "/output_max", "field_missing"),
        (preset(&format!(r#"{CHARGES},"output_max":"0""#)), "/output_max", "not_tokens"),
        (preset(&format!(r#"{CHARGES},"output_max":"1.5""#)), "/output_max", "not_tokens"),
        (preset(&format!(r#"{CHARGES},"output_max":"1000000001""#)), "/output_max", "not_tokens"),
        (preset(&format!(r#"{CHARGES},"output_max":"9","slice":"0""#)), "/slice", "not_tokens"),
        (
            preset(&format!(r#"{CHARGES},"output_max":"9","input_extra":"0.1""#)),
            "/input_extra",
            "not_tokens",
        ),
        (
            format!(r#"{{"reader":"openai_responses",{CHARGES},"output_max":"15"}}"#),
            "/output_max",
            "not_tokens",
        ),
        (
            preset(&format!(r#"{CHARGES},"output_max":"9","quantities":[]"#)),
            "/quantities",
            "field_unused",
        ),
        (
            preset(&format!(r#"{CHARGES},"output_max":"9","dimensions":{{}}"#)),
            "/dimensions",
            "field_unused",
        ),
        (r#"{"reader":"generic"}"#.to_owned(), "/quantities", "field_missing"),
        (quantities(""), "/quantities", "empty"),
        (quantities(&many), "/quantities", "too_many"),
        (quantities(twice), "/quantities/1/charge", "charge_twice"),
        (format!(r#"{{"reader":"generic",{CHARGES}}}"#), "/charges", "field_unused"),
        (r#"{"reader":"generic","output_max":"1"}"#.to_owned(), "/output_max", "field_unused"),
        (r#"{"reader":"generic","input_extra":"1"}"#.to_owned(), "/input_extra", "field_unused"),
        (r#"{"reader":"generic","slice":"1"}"#.to_owned(), "/slice", "field_unused"),
        (
            quantities(r#"{"charge":"a","from":"request_bytes","most":"1"}"#),
            "/quantities/0/most",
            "field_unused",
        ),
        (
            quantities(r#"{"charge":"a","from":"response_bytes"}"#),
            "/quantities/0/most",
            "field_missing",
        ),
        (
            quantities(r#"{"charge":"a","from":"duration_ms"}"#),
            "/quantities/0/most",
            "field_missing",
        ),
        (
            quantities(r#"{"charge":"a","from":"request_json"}"#),
            "/quantities/0/pointer",
            "field_missing",
        ),
        (
            quantities(r#"{"charge":"a","from":"request_json","pointer":"/a","name":"b"}"#),
            "/quantities/0/name",
            "field_unused",
        ),
        (
            quantities(r#"{"charge":"a","from":"request_bytes","pointer":"/a"}"#),
            "/quantities/0/pointer",
            "field_unused",
        ),
        (
            quantities(r#"{"charge":"a","from":"request_header","pointer":"/a"}"#),
            "/quantities/0/pointer",
            "field_unused",
        ),
        (
            quantities(r#"{"charge":"a","from":"request_header"}"#),
            "/quantities/0/name",
            "field_missing",
        ),
        (
            quantities(r#"{"charge":"a","from":"request_header","name":"x y"}"#),
            "/quantities/0/name",
            "header_name",
        ),
        (
            quantities(r#"{"charge":"a","from":"request_header","name":""}"#),
            "/quantities/0/name",
            "header_name",
        ),
        (
            dimension(r#""a":{"from":"response_header","name":"x"}"#),
            "/dimensions/a/from",
            "field_unused",
        ),
        (dimension(r#""a":{"from":"request_bytes"}"#), "/dimensions/a/from", "field_unused"),
        (dimension(r#""a":{"from":"request_json"}"#), "/dimensions/a/pointer", "field_missing"),
        (dimension(r#""":{"from":"request_header","name":"x"}"#), "/dimensions/", "text_length"),
    ] {
        let error = check(&json).map(|_| ()).unwrap_err();
        assert_eq!((error.0.as_str(), error.1), (field, code), "{json}");
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
