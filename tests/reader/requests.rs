//! Requests: what they ask for, what is refused, and what the origin gets. The table is
//! `requests.json`.

use std::collections::BTreeMap;

use edgemeter::reader::{Asked, Reader, ReaderError, ReaderSpec};
use serde::Deserialize;
use serde_json::json;

use super::replay::reader;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    bounded: Vec<Bounded>,
    refused: Vec<Refused>,
    rewritten: Vec<Rewritten>,
    generic_refused: Vec<GenericRefused>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Bounded {
    reader: String,
    body: String,
    most: String,
    least: String,
    #[serde(default)]
    stream: bool,
    #[serde(default)]
    wants_usage: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Refused {
    reader: String,
    body: String,
    field: String,
    code: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rewritten {
    reader: String,
    body: String,
    /// Output tokens that can be afforded.
    output: Option<u64>,
    /// What the origin gets; none: the body itself.
    origin: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GenericRefused {
    body: String,
    headers: BTreeMap<String, String>,
    field: String,
    code: String,
}

fn table() -> Table {
    let text = std::fs::read_to_string("tests/reader/requests.json").unwrap();
    serde_json::from_str(&text).unwrap()
}

fn ask(reader_name: &str, body: &str) -> Result<Asked, ReaderError> {
    reader(reader_name).asked(&|_| None, body.as_bytes())
}

#[test]
fn a_request_is_bounded_by_its_own_words_and_the_route() {
    for row in table().bounded {
        let body = &row.body;
        let asked = ask(&row.reader, body).unwrap_or_else(|error| panic!("{body}: {error}"));
        let lowerable = asked.most.unwrap();
        assert_eq!(lowerable.bound.quantity.to_string(), row.most, "{body}");
        assert_eq!(lowerable.least.to_string(), row.least, "{body}");
        assert_eq!((asked.streamed, asked.wants_usage), (row.stream, row.wants_usage), "{body}");
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
fn input_that_the_body_only_names_is_in_its_bound() {
    let spec: ReaderSpec = serde_json::from_value(json!({ "reader": "anthropic_messages",
        "charges": { "input": "tokens", "output": "tokens" }, "output_max": "9",
        "input_extra": "1000" }))
    .unwrap();
    let body = br#"{"model":"m","max_tokens":9}"#;
    let asked = Reader::check(&spec).unwrap().asked(&|_| None, body).unwrap();
    assert_eq!(asked.bound[0].quantity.to_string(), (1000 + body.len()).to_string());
    assert_eq!(asked.bound[0].any_of.len(), 1);
}

#[test]
fn what_cannot_be_priced_is_refused_by_name() {
    for row in table().refused {
        let error = ask(&row.reader, &row.body).map(|_| ()).unwrap_err();
        let got = (error.field.as_str(), error.code());
        assert_eq!(got, (&*row.field, &*row.code), "{}: {error}", row.body);
    }
    let chat = reader("openai_chat");
    let not_utf8 = chat.asked(&|_| None, b"{\"model\":\"\xff\"}").unwrap_err();
    assert_eq!(not_utf8.code(), "body_not_json");
    let gzip = |name: &str| (name == "content-encoding").then(|| "gzip".to_owned());
    let encoded = chat.asked(&gzip, br#"{"model":"m"}"#).unwrap_err();
    assert_eq!((&*encoded.field, encoded.code()), ("header content-encoding", "body_encoded"));
}

#[test]
fn the_origin_gets_the_clients_bytes_but_for_the_bound_and_the_usage() {
    for Rewritten { reader, body, output, origin } in table().rewritten {
        let got = ask(&reader, &body).unwrap().rewritten(body.as_bytes(), output);
        let got = got.map(|bytes| String::from_utf8(bytes).unwrap());
        assert_eq!(got, origin, "{body} {output:?}");
        // What the origin gets asks for the same, within the bound, and once is enough.
        if let Some(again) = got {
            let asked = ask(&reader, &again).unwrap();
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
    let known: Vec<(&str, String)> =
        asked.known.iter().map(|one| (one.charge.as_str(), one.quantity.to_string())).collect();
    let bytes = body.len().to_string();
    let expected = [("pages", "12.5".to_owned()), ("bytes", bytes), ("units", "3.5".to_owned())];
    assert_eq!(known, expected);
    let rows = &asked.bound[0];
    assert_eq!((rows.any_of[0].as_str(), rows.quantity.to_string()), ("rows", "2.5".to_owned()));
    assert!(asked.most.is_none() && asked.known.iter().all(|known| known.of == of.clone().into()));
    assert_eq!(asked.rewritten(body.as_bytes(), Some(1)), None);
}

#[test]
fn a_generic_reader_refuses_what_it_cannot_read() {
    for row in table().generic_refused {
        let headers = |name: &str| row.headers.get(name).cloned();
        let error = generic().asked(&headers, row.body.as_bytes()).map(|_| ()).unwrap_err();
        let got = (error.field.as_str(), error.code());
        assert_eq!(got, (&*row.field, &*row.code), "{}: {error}", row.body);
    }
}
