//! Any bytes as a request and its answer: read or refused, never a panic; the client gets the same
//! wherever the answer is cut.
//!
//! The first byte chooses the reader, the second how the answer is laid out, the third where it is
//! cut; a line feed parts request and answer. What the origin gets is a request of the same price
//! that needs no further change. Estimates are not compared: in what is not JSON, text is a guess.
#![no_main]

use edgemeter::reader::{Asked, Ended, Reader, ReaderSpec, Scanner};
use libfuzzer_sys::fuzz_target;

const READERS: [&str; 5] = [
    r#"{"reader":"openai_chat","charges":{"input":"i","cached_input":"c","output":"o"},"output_max":"4096"}"#,
    r#"{"reader":"openai_responses","charges":{"input":"i","output":"o"},"output_max":"4096"}"#,
    r#"{"reader":"anthropic_messages","charges":{"input":"i","output":"o","reasoning":"r"},"output_max":"4096"}"#,
    r#"{"reader":"generic","quantities":[
        {"charge":"a","from":"response_json","pointer":"/usage/0/n","most":"9"},
        {"charge":"b","from":"request_json","pointer":"/n"}],
        "dimensions":{"model":{"from":"request_json","pointer":"/model"}}}"#,
    r#"{"reader":"generic","quantities":[{"charge":"a","from":"response_lines","pointer":"/n","most":"9"}]}"#,
];
const TYPES: [&str; 4] = ["text/event-stream", "application/json", "application/x-ndjson", ""];

/// What the client gets.
fn play(reader: &Reader, asked: &Asked, kind: &str, pieces: &[&[u8]]) -> Vec<u8> {
    let headers = |name: &str| (name == "content-type").then(|| kind.to_owned());
    let mut scanner = Scanner::new(reader, asked, 200, &headers);
    let mut client = Vec::new();
    for piece in pieces {
        client.extend(scanner.push(piece).unwrap_or_else(|| piece.to_vec()));
    }
    client.extend(scanner.finish().unwrap_or_default());
    for ended in [Ended::Whole, Ended::Broken, Ended::ClientGone] {
        let read = scanner.result(ended, 5);
        assert!(read.uses.iter().all(|reading| !reading.quantity.is_zero()), "{read:?}");
        assert!(!read.estimated || read.missing.is_some(), "{read:?}");
    }
    client
}

fuzz_target!(|data: &[u8]| {
    let [chosen, layout, cut, rest @ ..] = data else { return };
    let spec: ReaderSpec = serde_json::from_str(READERS[usize::from(*chosen) % READERS.len()])
        .expect("a reader of this target parses");
    let reader = Reader::check(&spec).expect("and loads");
    let end = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
    let (body, answer) = rest.split_at(end);
    let answer = answer.get(1..).unwrap_or_default();
    let asked = match reader.asked(&|_| None, body) {
        Ok(asked) => asked,
        Err(error) => {
            assert!(!error.code().is_empty(), "an error without a code");
            return;
        }
    };
    if let Some(origin) = asked.rewritten(body, Some(7)) {
        let again = reader.asked(&|_| None, &origin).expect("what the origin gets is a request");
        assert_eq!(again.rewritten(&origin, Some(7)), None, "rewritten twice");
        assert_eq!(again.dimensions, asked.dimensions);
    }
    let kind = TYPES[usize::from(*layout) % TYPES.len()];
    let cut = usize::from(*cut).min(answer.len());
    let (before, after) = answer.split_at(cut);
    let two = play(&reader, &asked, kind, &[before, after]);
    let bytes: Vec<&[u8]> = answer.chunks(1).collect();
    assert_eq!(two, play(&reader, &asked, kind, &bytes), "cut at {cut}");
    if !asked.streamed || asked.wants_usage {
        assert_eq!(two, answer, "a byte of the client's is changed");
    }
});
