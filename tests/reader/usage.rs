//! Usage that cannot be charged: estimated and marked, never below zero, never a panic.

use edgemeter::reader::Ended;

use super::replay::{Answer, Outcome, asked, play, reader};

fn json_answer(reader_name: &str, body: &str) -> Outcome {
    let reader = reader(reader_name);
    let asked = asked(&reader, false, false);
    let answer = Answer { status: 200, content_type: "application/json", ended: Ended::Whole };
    play(&reader, &asked, &answer, [body.as_bytes()].into_iter())
}

/// Protocol, usage object, code; the answer is `12345678`, two tokens by estimate.
#[test]
fn malformed_usage_is_estimated() {
    let huge =
        format!(r#"{{"prompt_tokens":5,"completion_tokens":2,"x":"{}"}}"#, "y".repeat(65_536));
    for (usage, code) in [
        (r#"{"prompt_tokens":-5,"completion_tokens":2}"#, "usage_not_tokens"),
        (r#"{"prompt_tokens":5,"completion_tokens":-2}"#, "usage_not_tokens"),
        (r#"{"prompt_tokens":5.5,"completion_tokens":2}"#, "usage_not_tokens"),
        (r#"{"prompt_tokens":"5","completion_tokens":2}"#, "usage_not_tokens"),
        (r#"{"prompt_tokens":5,"completion_tokens":1e2}"#, "usage_not_tokens"),
        (r#"{"prompt_tokens":5,"completion_tokens":1000000001}"#, "usage_not_tokens"),
        (
            r#"{"prompt_tokens":5,"completion_tokens":99999999999999999999999999}"#,
            "usage_not_tokens",
        ),
        (r#"{"prompt_tokens":5,"completion_tokens":{}}"#, "usage_not_tokens"),
        (r#"{"prompt_tokens":5,"completion_tokens":true}"#, "usage_not_tokens"),
        (r#"{"prompt_tokens":5,"completion_tokens":NaN}"#, "usage_not_an_object"),
        (r#"{"prompt_tokens":5,"completion_tokens":2"extra":1}"#, "usage_not_an_object"),
        (r#"{"prompt_tokens":5}"#, "usage_count_missing"),
        (r#"{"completion_tokens":2}"#, "usage_count_missing"),
        (r#"{"prompt_tokens":null,"completion_tokens":2}"#, "usage_count_missing"),
        ("{}", "usage_count_missing"),
        ("[]", "usage_not_an_object"),
        (r#""5""#, "usage_not_an_object"),
        ("7", "usage_not_an_object"),
        ("NaN", "usage_not_an_object"),
        (
            r#"{"prompt_tokens":5,"completion_tokens":2,"prompt_tokens_details":{"cached_tokens":6}}"#,
            "usage_part_above_whole",
        ),
        (
            r#"{"prompt_tokens":5,"completion_tokens":2,"prompt_tokens_details":{"cached_tokens":3,"cache_write_tokens":3}}"#,
            "usage_part_above_whole",
        ),
        (
            r#"{"prompt_tokens":5,"completion_tokens":2,"prompt_tokens_details":{"cached_tokens":-1}}"#,
            "usage_not_tokens",
        ),
        (
            r#"{"prompt_tokens":5,"completion_tokens":2,"prompt_tokens_details":7}"#,
            "usage_not_tokens",
        ),
        (
            r#"{"prompt_tokens":5,"completion_tokens":2,"completion_tokens_details":{"reasoning_tokens":3}}"#,
            "usage_part_above_whole",
        ),
        (&huge, "usage_too_long"),
    ] {
        let body = format!(
            r#"{{"choices":[{{"message":{{"role":"assistant","content":"12345678"}}}}],"usage":{usage}}}"#
        );
        let got = json_answer("openai_chat", &body);
        let missing = got.read.missing.as_ref().map(|missing| missing.code());
        assert_eq!((missing, got.read.estimated), (Some(code), true), "{usage}");
        let expected =
            [("input", "400"), ("output", "2")].map(|(c, q)| (c.to_owned(), q.to_owned()));
        assert_eq!(got.uses(), expected.into(), "{usage}");
    }
}

#[test]
fn usage_that_is_only_unusual_is_charged() {
    for (usage, input, output) in [
        (r#"{"prompt_tokens":5,"completion_tokens":2}"#, "5", "2"),
        (r#"{"prompt_tokens":5.0,"completion_tokens":2.000}"#, "5", "2"),
        (
            r#"{"completion_tokens":2,"prompt_tokens":5,"prompt_tokens_details":null,"completion_tokens_details":null}"#,
            "5",
            "2",
        ),
        (r#"{"prompt_tokens":9,"completion_tokens":2,"prompt_tokens":5}"#, "5", "2"),
        (
            r#"{"pr\u006fmpt_tokens":5,"completion_tokens":2,"total_tokens":"x","cost":0.1}"#,
            "5",
            "2",
        ),
        (r#" { "prompt_tokens" : 5 , "completion_tokens" : 2 } "#, "5", "2"),
        (r#"null,"usage":{"prompt_tokens":5,"completion_tokens":2}"#, "5", "2"),
    ] {
        let got = json_answer("openai_chat", &format!(r#"{{"usage":{usage}}}"#));
        assert_eq!((&got.read.missing, got.read.estimated), (&None, false), "{usage}");
        let expected =
            [("input", input), ("output", output)].map(|(c, q)| (c.to_owned(), q.to_owned()));
        assert_eq!(got.uses(), expected.into(), "{usage}");
    }
}

/// What the model writes is under its reader's control: it must not be taken for the answer's own.
#[test]
fn usage_in_what_the_model_wrote_is_none() {
    const ZERO: &str =
        r#"{"input_tokens":0,"output_tokens":0,"prompt_tokens":0,"completion_tokens":0}"#;
    let quoted = ZERO.replace('"', "\\\"");
    for (name, body) in [
        (
            "anthropic_messages",
            format!(
                r#"{{"content":[{{"type":"tool_use","input":{{"usage":{ZERO},"message":{{"usage":{ZERO}}}}}}}],"x":{{"usage":{ZERO}}}}}"#
            ),
        ),
        (
            "openai_chat",
            format!(
                r#"{{"choices":[{{"message":{{"content":"\"usage\":{quoted}"}}}}],"id":"\",\"usage\":{quoted}"}}"#
            ),
        ),
        (
            "openai_chat",
            format!(r#"{{"choices":[{{"usage":{ZERO}}}],"a":[[{{"usage":{ZERO}}}]]}}"#),
        ),
        (
            "openai_responses",
            format!(
                r#"{{"output":[{{"usage":{ZERO},"response":{{"usage":{ZERO}}}}}],"metadata":{{"usage":"{quoted}"}}}}"#
            ),
        ),
    ] {
        let got = json_answer(name, &body);
        let missing = got.read.missing.map(|missing| missing.code());
        assert_eq!(missing, Some("usage_not_said"), "{body}");
    }
}

#[test]
fn an_answer_of_any_size_says_its_usage_and_memory_does_not_grow() {
    let big = "x".repeat(20 << 20);
    let body = format!(
        r#"{{"choices":[{{"message":{{"content":"{big}"}}}}],"usage":{{"prompt_tokens":5,"completion_tokens":2}}}}"#
    );
    assert_eq!(
        json_answer("openai_chat", &body).uses().get("output").map(String::as_str),
        Some("2")
    );
    // An event that is too long to be held passes as it is, and still is read.
    let reader = reader("openai_chat");
    let asked = asked(&reader, true, false);
    let answer = Answer { status: 200, content_type: "text/event-stream", ended: Ended::Whole };
    let event = |text: &str| {
        format!(
            "data: {{\"choices\":[{{\"delta\":{{\"content\":\"{text}\"}}}}],\"usage\":null}}\n\n"
        )
    };
    let last = "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":2}}\n\n";
    let stream = format!("{}{}{last}data: [DONE]\n\n", event(&big), event("y"));
    let got = play(&reader, &asked, &answer, stream.as_bytes().chunks(16_384));
    let expected =
        format!("{}{}data: [DONE]\n\n", event(&big), event("y").replace(",\"usage\":null", ""));
    assert!(got.client == expected.as_bytes(), "an event of 20 MiB");
    assert_eq!(got.uses().get("output").map(String::as_str), Some("2"));
    assert!(got.read.missing.is_none());
}

#[test]
fn deep_and_broken_json_is_passed_over() {
    for body in [
        "[".repeat(100_000),
        r#"{"a":"#.repeat(100_000),
        "]]]]}}}}".to_owned(),
        r#"{"usage":{"prompt_tokens":5"#.to_owned(),
        r#"{"usage""#.to_owned(),
        "\u{0}\u{1}\\\\\"\\u12".to_owned(),
        String::new(),
    ] {
        let got = json_answer("openai_chat", &body);
        assert_eq!(got.uses().get("input").map(String::as_str), Some("400"));
        assert_eq!(got.client, body.as_bytes());
    }
}

/// cline/cline#4346, PostHog/posthog-python 7.75.4: cumulative counts were added up.
#[test]
fn cumulative_usage_counts_once_however_often_it_is_said() {
    let said = |tokens: u64| {
        format!(
            "event: message_delta\ndata: {{\"type\":\"message_delta\",\"delta\":{{}},\
             \"usage\":{{\"output_tokens\":{tokens}}}}}\n\n"
        )
    };
    let start = "data: {\"type\":\"message_start\",\"message\":{\"usage\":{\"input_tokens\":25,\
                 \"output_tokens\":1}}}\n\n";
    let reader = reader("anthropic_messages");
    let asked = asked(&reader, true, false);
    let answer = Answer { status: 200, content_type: "text/event-stream", ended: Ended::Whole };
    for times in 1..20 {
        let stream: String = (1..=times).map(said).collect();
        let stream = format!("{start}{stream}");
        let got = play(&reader, &asked, &answer, [stream.as_bytes()].into_iter());
        let expected = [("input", "25".to_owned()), ("output", times.to_string())];
        let expected = expected.map(|(charge, quantity)| (charge.to_owned(), quantity));
        assert_eq!(got.uses(), expected.into());
        assert!(!got.read.estimated);
    }
}

/// BerriAI/litellm#30630 and #17364: a stream that its client cancelled was billed as nothing.
#[test]
fn a_cancelled_stream_is_estimated_and_never_free() {
    let reader = reader("openai_chat");
    let asked = asked(&reader, true, false);
    let gone = Answer { status: 200, content_type: "text/event-stream", ended: Ended::ClientGone };
    let event = "data: {\"choices\":[{\"delta\":{\"content\":\"four\"}}],\"usage\":null}\n\n";
    for events in 0..50_usize {
        let stream = event.repeat(events);
        let got = play(&reader, &asked, &gone, [stream.as_bytes()].into_iter());
        let output = got.uses().get("output").map_or(0, |output| output.parse().unwrap());
        assert_eq!((output, got.read.estimated), (events, true));
        assert_eq!(got.uses().get("input").map(String::as_str), Some("400"));
    }
}
