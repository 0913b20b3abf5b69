//! Plays an answer through a scanner, cut anywhere, and says what came of it.

use std::collections::BTreeMap;

use edgemeter::reader::{Asked, Ended, Read, Reader, ReaderSpec, Scanner};
use serde_json::{Value, json};

/// A reader of the tests; each kind of token is its own charge.
pub(crate) fn reader(name: &str) -> Reader {
    let kinds = json!({ "input": "input", "cached_input": "cached", "cache_write": "written",
        "output": "output", "reasoning": "reasoning" });
    let two = json!({ "input": "input", "output": "output" });
    let preset = |reader: &str, charges: &Value| {
        let charges = charges.clone();
        json!({ "reader": reader, "charges": charges, "output_max": "4096", "slice": "2000" })
    };
    let spec = match name {
        "openai_chat_two" => preset("openai_chat", &two),
        "minutes" => json!({ "reader": "generic", "quantities": [
            { "charge": "minutes", "from": "response_json", "pointer": "/usage/minutes",
              "most": "60" },
            { "charge": "bytes", "from": "response_bytes", "most": "10000000" },
            { "charge": "ms", "from": "duration_ms", "most": "60000" },
            { "charge": "in", "from": "request_bytes" },
            { "charge": "rows", "from": "response_header", "name": "X-Rows", "most": "10" }] }),
        "pages" => json!({ "reader": "generic", "quantities": [
            { "charge": "pages", "from": "response_sse", "pointer": "/done/pages",
              "most": "9" }] }),
        "lines" => json!({ "reader": "generic", "quantities": [
            { "charge": "rows", "from": "response_lines", "pointer": "/row", "most": "9" },
            { "charge": "n", "from": "response_lines", "pointer": "/n", "most": "9" }] }),
        preset_name => preset(preset_name, &kinds),
    };
    let spec: ReaderSpec = serde_json::from_value(spec).unwrap();
    Reader::check(&spec).unwrap()
}

/// A request of 1,600 bytes.
pub(crate) fn asked(reader: &Reader, streamed: bool, asks: bool) -> Asked {
    let mut body = json!({ "model": "m", "max_tokens": 1000, "stream": streamed, "messages": "" });
    if asks {
        body["stream_options"] = json!({ "include_usage": true });
    }
    let missing = 1600 - body.to_string().len();
    body["messages"] = Value::String("x".repeat(missing));
    let body = body.to_string();
    assert_eq!(body.len(), 1600);
    reader.asked(&|_| None, body.as_bytes()).unwrap()
}

/// What came of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) client: Vec<u8>,
    pub(crate) read: Read,
    pub(crate) at_most: u64,
}

impl Outcome {
    pub(crate) fn uses(&self) -> BTreeMap<String, String> {
        let uses = self.read.uses.iter();
        uses.map(|reading| (reading.charge.to_string(), reading.quantity.to_string())).collect()
    }
}

/// An answer and how it comes.
pub(crate) struct Answer<'a> {
    pub(crate) status: u16,
    pub(crate) content_type: &'a str,
    pub(crate) ended: Ended,
}

/// Plays the pieces of an answer.
pub(crate) fn play<'p>(
    reader: &Reader,
    asked: &Asked,
    answer: &Answer<'_>,
    pieces: impl Iterator<Item = &'p [u8]>,
) -> Outcome {
    let headers = |name: &str| match name {
        "content-type" => Some(answer.content_type.to_owned()),
        "x-rows" => Some("7".to_owned()),
        _ => None,
    };
    let mut scanner = Scanner::new(reader, asked, answer.status, &headers);
    let mut client = Vec::new();
    for piece in pieces {
        match scanner.push(piece) {
            Some(instead) => client.extend(instead),
            None => client.extend_from_slice(piece),
        }
    }
    if answer.ended != Ended::ClientGone {
        client.extend(scanner.finish().unwrap_or_default());
    }
    let read = scanner.result(answer.ended, 1234);
    Outcome { client, read, at_most: scanner.used_at_most() }
}
