//! Requests: what they ask for, what is refused, and what the origin gets.

use edgemeter::reader::{Asked, Reader, ReaderError, ReaderSpec};
use serde_json::json;

use super::replay::reader;

fn ask(reader_name: &str, body: &str) -> Result<Asked, ReaderError> {
    reader(reader_name).asked(&|_| None, body.as_bytes())
}

/// Reader, body, most output tokens, least, whether streamed, whether the client wants usage.
#[test]
fn a_request_is_bounded_by_its_own_words_and_the_route() {
    const CHAT: &str = "openai_chat";
    const ANTHROPIC: &str = "anthropic_messages";
    const RESPONSES: &str = "openai_responses";
    for (name, body, most, least, streamed, wants_usage) in [
        (CHAT, r#"{"model":"m"}"#, "4096", "1", false, false),
        (CHAT, r#"{"model":"m","max_tokens":7}"#, "7", "1", false, false),
        (CHAT, r#"{"model":"m","max_tokens":0}"#, "0", "0", false, false),
        (CHAT, r#"{"model":"m","max_tokens":7.0}"#, "7", "1", false, false),
        (CHAT, r#"{"model":"m","max_tokens":null}"#, "4096", "1", false, false),
        (CHAT, r#"{"model":"m","max_completion_tokens":7}"#, "7", "1", false, false),
        (CHAT, r#"{"model":"m","max_tokens":7,"max_completion_tokens":9}"#, "9", "1", false, false),
        (CHAT, r#"{"model":"m","max_tokens":90000}"#, "4096", "1", false, false),
        (CHAT, r#"{"model":"m","max_tokens":99999999999999999999999}"#, "4096", "1", false, false),
        (CHAT, r#"{"model":"m","max_tokens":7,"n":3}"#, "21", "3", false, false),
        (CHAT, r#"{"model":"m","n":null,"stream":true}"#, "4096", "1", true, false),
        (
            CHAT,
            r#"{"model":"m","stream":true,"stream_options":{"include_usage":true}}"#,
            "4096",
            "1",
            true,
            true,
        ),
        (
            CHAT,
            r#"{"model":"m","stream":false,"stream_options":{"include_usage":true}}"#,
            "4096",
            "1",
            false,
            false,
        ),
        // Text that looks like members is none.
        (
            CHAT,
            r#"{"model":"m","messages":[{"content":"\"max_tokens\":1,"},{"max_tokens":2}]}"#,
            "4096",
            "1",
            false,
            false,
        ),
        (CHAT, r#"{"model":"m","max_\u0074okens":7}"#, "7", "1", false, false),
        (RESPONSES, r#"{"model":"m","input":"x"}"#, "4096", "16", false, false),
        (
            RESPONSES,
            r#"{"model":"m","max_output_tokens":500,"n":9,"stream":true}"#,
            "500",
            "16",
            true,
            true,
        ),
        (RESPONSES, r#"{"model":"m","background":false}"#, "4096", "16", false, false),
        (ANTHROPIC, r#"{"model":"m","max_tokens":1024,"stream":true}"#, "1024", "1", true, true),
        (
            ANTHROPIC,
            r#"{"model":"m","max_tokens":2048,"thinking":{"type":"enabled","budget_tokens":1024}}"#,
            "2048",
            "1025",
            false,
            false,
        ),
        (
            ANTHROPIC,
            r#"{"model":"m","max_tokens":1024,"thinking":{"type":"enabled","budget_tokens":9000}}"#,
            "1024",
            "1",
            false,
            false,
        ),
        (
            ANTHROPIC,
            r#"{"model":"m","max_tokens":1024,"thinking":{"type":"disabled"}}"#,
            "1024",
            "1",
            false,
            false,
        ),
    ] {
        let asked = ask(name, body).unwrap_or_else(|error| panic!("{body}: {error}"));
        let lowerable = asked.most.unwrap();
        let got = (lowerable.bound.quantity.to_string(), lowerable.least.to_string());
        assert_eq!(got, (most.to_owned(), least.to_owned()), "{body}");
        assert_eq!((asked.streamed, asked.wants_usage), (streamed, wants_usage), "{body}");
        assert_eq!(asked.dimensions, [("model".to_owned(), "m".to_owned())].into(), "{body}");
        let ids: Vec<&str> = lowerable.bound.any_of.iter().map(|charge| charge.as_str()).collect();
        assert_eq!(ids, ["output", "reasoning"]);
        let input = &asked.bound[0];
        assert_eq!(input.quantity.to_string(), body.len().to_string(), "{body}");
        let ids: Vec<&str> = input.any_of.iter().map(|charge| charge.as_str()).collect();
        assert_eq!(ids, ["input", "cached", "written"]);
        assert!(asked.known.is_empty());
    }
}

#[test]
fn what_cannot_be_priced_is_refused_by_name() {
    const CHAT: &str = "openai_chat";
    const ANTHROPIC: &str = "anthropic_messages";
    let deep = format!("{}1", r#"{"model":"#.repeat(2));
    let long = format!(r#"{{"model":"{}"}}"#, "m".repeat(201));
    for (name, body, field, code) in [
        (CHAT, "", "body", "body_not_json"),
        (CHAT, "model=m", "body", "body_not_json"),
        (CHAT, r#"{"model":"m"} {"model":"n"}"#, "body", "body_not_json"),
        (CHAT, &deep, "body", "body_not_json"),
        (CHAT, "[]", "body", "body_field_type"),
        (CHAT, "{}", "/model", "body_field_missing"),
        (CHAT, r#"{"model":null}"#, "/model", "body_field_missing"),
        (CHAT, r#"{"model":7}"#, "/model", "body_field_type"),
        (CHAT, r#"{"model":""}"#, "/model", "text_length"),
        (CHAT, &long, "/model", "text_length"),
        (CHAT, r#"{"model":"cheap","model":"dear"}"#, "/model", "body_field_twice"),
        (CHAT, r#"{"model":"cheap","m\u006fdel":"dear"}"#, "/model", "body_field_twice"),
        (CHAT, r#"{"model":"cheap","Model":"dear"}"#, "/Model", "body_field_lookalike"),
        (CHAT, r#"{"model":"m","max_tokens":1,"max_tokens":9}"#, "/max_tokens", "body_field_twice"),
        (
            CHAT,
            r#"{"model":"m","max_tokens":1,"MAX_TOKENS":9}"#,
            "/MAX_TOKENS",
            "body_field_lookalike",
        ),
        (
            CHAT,
            r#"{"model":"m","max_to\u212aens":9}"#,
            "/max_to\u{212a}ens",
            "body_field_lookalike",
        ),
        (CHAT, r#"{"model":"m","max_token\u017f":9}"#, "/max_token\u{17f}", "body_field_lookalike"),
        (CHAT, r#"{"model":"m","max_tokens":-1}"#, "/max_tokens", "body_field_range"),
        (CHAT, r#"{"model":"m","max_tokens":1.5}"#, "/max_tokens", "body_field_range"),
        (CHAT, r#"{"model":"m","max_tokens":1e3}"#, "/max_tokens", "body_field_range"),
        (CHAT, r#"{"model":"m","max_tokens":"9"}"#, "/max_tokens", "body_field_type"),
        (CHAT, r#"{"model":"m","n":0}"#, "/n", "body_field_range"),
        (CHAT, r#"{"model":"m","n":1025}"#, "/n", "body_field_range"),
        (CHAT, r#"{"model":"m","n":[2]}"#, "/n", "body_field_type"),
        (CHAT, r#"{"model":"m","stream":"true"}"#, "/stream", "body_field_type"),
        (CHAT, r#"{"model":"m","stream":true,"stream":false}"#, "/stream", "body_field_twice"),
        (
            CHAT,
            r#"{"model":"m","stream":true,"stream_options":7}"#,
            "/stream_options",
            "body_field_type",
        ),
        (
            CHAT,
            r#"{"model":"m","stream":true,"stream_options":{"include_usage":1}}"#,
            "/stream_options/include_usage",
            "body_field_type",
        ),
        (
            CHAT,
            r#"{"model":"m","stream":true,"stream_options":{"include_usage":true,"include_usage":false}}"#,
            "/stream_options/include_usage",
            "body_field_twice",
        ),
        (
            "openai_responses",
            r#"{"model":"m","background":true}"#,
            "/background",
            "body_background",
        ),
        (ANTHROPIC, r#"{"model":"m"}"#, "/max_tokens", "body_field_missing"),
        (ANTHROPIC, r#"{"model":"m","max_tokens":null}"#, "/max_tokens", "body_field_missing"),
        (
            ANTHROPIC,
            r#"{"model":"m","max_tokens":9,"thinking":{"budget_tokens":1,"budget_tokens":2}}"#,
            "/thinking/budget_tokens",
            "body_field_twice",
        ),
    ] {
        let error = ask(name, body).map(|_| ()).unwrap_err();
        assert_eq!((error.field.as_str(), error.code()), (field, code), "{body}: {error}");
    }
    let not_utf8 = reader(CHAT).asked(&|_| None, b"{\"model\":\"\xff\"}").unwrap_err();
    assert_eq!(not_utf8.code(), "body_not_json");
    let gzip = |name: &str| (name == "content-encoding").then(|| "gzip".to_owned());
    let encoded = reader(CHAT).asked(&gzip, br#"{"model":"m"}"#).unwrap_err();
    assert_eq!(
        (encoded.field.as_str(), encoded.code()),
        ("header content-encoding", "body_encoded")
    );
}

#[test]
fn the_origin_gets_the_clients_bytes_but_for_the_bound_and_the_usage() {
    const CHAT: &str = "openai_chat";
    const ANTHROPIC: &str = "anthropic_messages";
    const RESPONSES: &str = "openai_responses";
    for (name, body, output, expected) in [
        (CHAT, r#"{"model":"m","max_tokens":9}"#, None, None),
        (CHAT, r#"{"model":"m","max_tokens":9}"#, Some(9), None),
        (CHAT, r#"{"model":"m","max_tokens":9}"#, Some(10), None),
        (
            CHAT,
            r#" { "model" : "é" , "max_tokens" : 900 , "x":1.50 } "#,
            Some(300),
            Some(r#" { "model" : "é" , "max_tokens" : 300 , "x":1.50 } "#),
        ),
        (
            CHAT,
            r#"{"model":"m","max_tokens":90000}"#,
            None,
            Some(r#"{"model":"m","max_tokens":4096}"#),
        ),
        (CHAT, r#"{"model":"m"}"#, None, Some(r#"{"max_completion_tokens":4096,"model":"m"}"#)),
        (CHAT, r#"{"model":"m"}"#, Some(300), Some(r#"{"max_completion_tokens":300,"model":"m"}"#)),
        (
            CHAT,
            r#"{"model":"m","max_tokens":null}"#,
            Some(300),
            Some(r#"{"max_completion_tokens":300,"model":"m","max_tokens":null}"#),
        ),
        (
            CHAT,
            r#"{"model":"m","max_completion_tokens":null}"#,
            Some(300),
            Some(r#"{"model":"m","max_completion_tokens":300}"#),
        ),
        (
            CHAT,
            r#"{"max_completion_tokens":90,"model":"m","max_tokens":900}"#,
            Some(300),
            Some(r#"{"max_completion_tokens":90,"model":"m","max_tokens":300}"#),
        ),
        (
            CHAT,
            r#"{"model":"m","max_tokens":900,"n":4}"#,
            Some(1001),
            Some(r#"{"model":"m","max_tokens":250,"n":4}"#),
        ),
        (
            CHAT,
            r#"{"model":"m","max_tokens":9,"stream":true}"#,
            None,
            Some(
                r#"{"stream_options":{"include_usage":true},"model":"m","max_tokens":9,"stream":true}"#,
            ),
        ),
        (
            CHAT,
            r#"{"model":"m","stream":true}"#,
            None,
            Some(
                r#"{"max_completion_tokens":4096,"stream_options":{"include_usage":true},"model":"m","stream":true}"#,
            ),
        ),
        (
            CHAT,
            r#"{"model":"m","max_tokens":9,"stream":true,"stream_options":null}"#,
            None,
            Some(
                r#"{"model":"m","max_tokens":9,"stream":true,"stream_options":{"include_usage":true}}"#,
            ),
        ),
        (
            CHAT,
            r#"{"model":"m","max_tokens":9,"stream":true,"stream_options": { } }"#,
            None,
            Some(
                r#"{"model":"m","max_tokens":9,"stream":true,"stream_options": {"include_usage":true } }"#,
            ),
        ),
        (
            CHAT,
            r#"{"model":"m","max_tokens":9,"stream":true,"stream_options":{"include_obfuscation":false}}"#,
            None,
            Some(
                r#"{"model":"m","max_tokens":9,"stream":true,"stream_options":{"include_usage":true,"include_obfuscation":false}}"#,
            ),
        ),
        (
            CHAT,
            r#"{"model":"m","stream_options":{"x":0,"include_usage": false },"max_tokens":9,"stream":true}"#,
            None,
            Some(
                r#"{"model":"m","stream_options":{"x":0,"include_usage": true },"max_tokens":9,"stream":true}"#,
            ),
        ),
        (
            CHAT,
            r#"{"model":"m","stream_options":{"include_usage":null},"max_tokens":9,"stream":true}"#,
            Some(5),
            Some(
                r#"{"model":"m","stream_options":{"include_usage":true},"max_tokens":5,"stream":true}"#,
            ),
        ),
        (
            CHAT,
            r#"{"model":"m","stream_options":{"include_usage":true},"max_tokens":9,"stream":true}"#,
            None,
            None,
        ),
        (
            RESPONSES,
            r#"{"model":"m","stream":true}"#,
            None,
            Some(r#"{"max_output_tokens":4096,"model":"m","stream":true}"#),
        ),
        (
            RESPONSES,
            r#"{"model":"m","max_output_tokens":900}"#,
            Some(300),
            Some(r#"{"model":"m","max_output_tokens":300}"#),
        ),
        (ANTHROPIC, r#"{"model":"m","max_tokens":900,"stream":true}"#, None, None),
        (
            ANTHROPIC,
            r#"{"model":"m","max_tokens":900,"stream":true}"#,
            Some(300),
            Some(r#"{"model":"m","max_tokens":300,"stream":true}"#),
        ),
    ] {
        let got = ask(name, body).unwrap().rewritten(body.as_bytes(), output);
        let got = got.map(|bytes| String::from_utf8(bytes).unwrap());
        assert_eq!(got.as_deref(), expected, "{body} {output:?}");
        // What the origin gets asks for the same, within the bound, and once is enough.
        if let Some(again) = got {
            let asked = ask(name, &again).unwrap();
            assert_eq!(asked.rewritten(again.as_bytes(), output), None, "{again}");
        }
    }
}

fn generic() -> Reader {
    let spec: ReaderSpec = serde_json::from_value(json!({ "reader": "generic", "quantities": [
        { "charge": "pages", "from": "request_json", "pointer": "/a/1/pages" },
        { "charge": "bytes", "from": "request_bytes" },
        { "charge": "units", "from": "request_header", "name": "X-Units" },
        { "charge": "rows", "from": "response_header", "name": "x-rows", "most": "2.5" }],
        "dimensions": { "model": { "from": "request_json", "pointer": "/model" },
                        "region": { "from": "request_header", "name": "x-region" } } }))
    .unwrap();
    Reader::check(&spec).unwrap()
}

#[test]
fn a_generic_reader_finds_what_it_is_told_to() {
    let headers = |name: &str| match name {
        "x-units" => Some(" 3.5 ".to_owned()),
        "x-region" => Some("eu".to_owned()),
        _ => None,
    };
    let body = r#"{"a":[{},{"pages":"12.5"}],"model":true}"#;
    let asked = generic().asked(&headers, body.as_bytes()).unwrap();
    let of = [("model".to_owned(), "true".to_owned()), ("region".to_owned(), "eu".to_owned())];
    assert_eq!(asked.dimensions, of.clone().into());
    let known: Vec<_> =
        asked.known.iter().map(|k| (k.charge.as_str(), k.quantity.to_string())).collect();
    let bytes = body.len().to_string();
    assert_eq!(
        known,
        [("pages", "12.5".to_owned()), ("bytes", bytes), ("units", "3.5".to_owned())]
    );
    assert_eq!(
        (asked.bound[0].any_of[0].as_str(), asked.bound[0].quantity.to_string()),
        ("rows", "2.5".to_owned())
    );
    assert!(asked.most.is_none() && asked.known.iter().all(|known| known.of == of.clone().into()));
    assert_eq!(asked.rewritten(body.as_bytes(), Some(1)), None);
}

#[test]
fn a_generic_reader_refuses_what_it_cannot_read() {
    for (body, units, region, field, code) in [
        (r#"{"a":[{},{"pages":1}],"model":"m"}"#, "-1", "eu", "header x-units", "negative"),
        (r#"{"a":[{},{"pages":1}],"model":"m"}"#, "", "eu", "header x-units", "body_field_missing"),
        (r#"{"a":[{},{"pages":1}],"model":"m"}"#, "1", "", "header x-region", "body_field_missing"),
        (r#"{"a":[{},{"pages":-1}],"model":"m"}"#, "1", "eu", "/a/1/pages", "negative"),
        (r#"{"a":[{},{"pages":[1]}],"model":"m"}"#, "1", "eu", "/a/1/pages", "property_composite"),
        (r#"{"a":[{},{"pages":null}],"model":"m"}"#, "1", "eu", "/a/1/pages", "property_missing"),
        (
            r#"{"a":[{},{"pages":1,"pages":2}],"model":"m"}"#,
            "1",
            "eu",
            "/a/1/pages",
            "body_field_twice",
        ),
        (
            r#"{"a":[{},{"pages":1,"Pages":2}],"model":"m"}"#,
            "1",
            "eu",
            "/a/1/Pages",
            "body_field_lookalike",
        ),
        (r#"{"a":[{}],"model":"m"}"#, "1", "eu", "/a/1", "body_field_missing"),
        (r#"{"a":7,"model":"m"}"#, "1", "eu", "/a/1", "body_field_missing"),
        (r#"{"a":[{},{"pages":1}],"model":{}}"#, "1", "eu", "/model", "body_field_missing"),
        (r#"{"a":[{},{"pages":1}],"model":""}"#, "1", "eu", "/model", "text_length"),
        ("[", "1", "eu", "body", "body_not_json"),
    ] {
        let headers = |name: &str| {
            let value = if name == "x-units" { units } else { region };
            (!value.is_empty() && name.starts_with("x-")).then(|| value.to_owned())
        };
        let error = generic().asked(&headers, body.as_bytes()).map(|_| ()).unwrap_err();
        assert_eq!((error.field.as_str(), error.code()), (field, code), "{body}: {error}");
    }
}
