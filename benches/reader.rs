//! Bytes per second through the reader on one core: `cargo bench --bench reader`.
//!
//! ```text
//! {"case": "chat_events", "mb_per_s": 1234}
//! ```
//!
//! One line of JSON a case, the median of several rounds of 200 MB in chunks of 64 KiB: events as
//! they are streamed today, the same with usage taken out again, one long event, comments.

#![expect(clippy::disallowed_types, reason = "a benchmark reads the clock")]
#![expect(clippy::unwrap_used, reason = "the inputs are fixed")]
#![expect(clippy::arithmetic_side_effects, reason = "of sizes and durations, not of money")]

use std::hint::black_box;
use std::time::Instant;

use edgemeter::reader::{Asked, Ended, Reader, ReaderSpec, Scanner};

const ROUNDS: usize = 5;
const BYTES: usize = 200_000_000;
const CHUNK: usize = 64 << 10;

const HEAD: &str = concat!(
    r#"{"id":"chatcmpl-D0q8CZXN1uEzngZGkU7FuV92lnXWq","object":"chat.completion.chunk","#,
    r#""created":1769092764,"model":"gpt-4o-mini-2024-07-18","service_tier":"default","#,
    r#""system_fingerprint":"fp_29330a9688","choices":[{"index":0,"delta":{"content":" world"},"#,
    r#""logprobs":null,"finish_reason":null}],"#
);

fn main() {
    let plain = format!("data: {HEAD}\"obfuscation\":\"lRK2aBv\"}}\n\n");
    let injected = format!("data: {HEAD}\"usage\":null,\"obfuscation\":\"lRK2aBv\"}}\n\n");
    let delta = concat!(
        r#"{"type": "content_block_delta", "index": 0, "#,
        r#""delta": {"type": "text_delta", "text": " world"}}"#
    );
    let anthropic = format!("event: content_block_delta\ndata: {delta}\n\n");
    let long = format!("data: {{\"x\":\"{}\"}}\n\n", "x".repeat(1_000_000));
    report("chat_events", "openai_chat", true, &plain);
    report("chat_events_stripped", "openai_chat", false, &injected);
    report("anthropic_events", "anthropic_messages", true, &anthropic);
    report("long_events", "openai_chat", true, &long);
    report("comments", "openai_chat", true, ": OPENROUTER PROCESSING\n\n");
}

fn asked(name: &str, wants_usage: bool) -> (Reader, Asked) {
    let spec = format!(
        r#"{{"reader":"{name}","charges":{{"input":"i","output":"o"}},"output_max":"4096"}}"#
    );
    let spec: ReaderSpec = serde_json::from_str(&spec).unwrap();
    let reader = Reader::check(&spec).unwrap();
    let options = format!(r#"{{"include_usage":{wants_usage}}}"#);
    let body =
        format!(r#"{{"model":"m","max_tokens":9,"stream":true,"stream_options":{options}}}"#);
    let asked = reader.asked(&|_| None, body.as_bytes()).unwrap();
    (reader, asked)
}

fn report(case: &str, name: &str, wants_usage: bool, event: &str) {
    let (reader, asked) = asked(name, wants_usage);
    let headers = |name: &str| (name == "content-type").then(|| "text/event-stream".to_owned());
    // A block of whole events, long enough that its chunks are cut at other places each time.
    let block = event.repeat((8 << 20) / event.len() + 1);
    let mut rates: Vec<u128> = Vec::new();
    for _ in 0..ROUNDS {
        let mut scanner = Scanner::new(&reader, &asked, 200, &headers);
        let mut sent = 0;
        let start = Instant::now();
        while sent < BYTES {
            for chunk in block.as_bytes().chunks(CHUNK) {
                black_box(scanner.push(black_box(chunk)));
                sent += chunk.len();
            }
        }
        rates.push(sent as u128 / start.elapsed().as_micros());
        black_box(scanner.result(Ended::Whole, 0));
    }
    rates.sort_unstable();
    println!("{{\"case\": \"{case}\", \"mb_per_s\": {}}}", rates.get(ROUNDS / 2).unwrap());
}
