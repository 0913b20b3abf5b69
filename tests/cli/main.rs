//! The command line as a user has it: the real program, its output, its errors.
//!
//! Files that a test writes are in a folder of its own below the target directory.

#![expect(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test may panic"
)]

mod check;
mod errors;
mod events;
#[allow(dead_code, reason = "this test asks less of it than its own")]
#[path = "../check/plans.rs"]
mod plans;
#[allow(dead_code, reason = "this test asks less of it than its own")]
#[path = "../check/story.rs"]
mod story;
mod trace;
mod verify;

use std::io::{BufRead, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What a run of the program gave.
struct Run {
    code: i32,
    out: String,
    err: String,
}

/// Runs the program in the project's folder.
fn run(arguments: &[&str]) -> Run {
    run_with_input(arguments, "")
}

fn run_with_input(arguments: &[&str], input: &str) -> Run {
    let mut child = Command::new(env!("CARGO_BIN_EXE_edgemeter"))
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A program that refuses its options does not read its input.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    Run {
        code: output.status.code().unwrap(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Runs the program, which must succeed and say nothing on standard error.
#[track_caller]
fn output(arguments: &[&str]) -> String {
    let run = run(arguments);
    assert_eq!((run.code, run.err.as_str()), (0, ""), "{arguments:?}");
    run.out
}

/// Writes a file of this test and gives its path.
fn file(name: &str, text: &str) -> String {
    let folder: PathBuf = Path::new(env!("CARGO_TARGET_TMPDIR")).join("cli");
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

/// A plan in dollars with these fields.
fn plan(name: &str, fields: &str) -> String {
    let text =
        format!("{{\n\"id\": \"{name}\",\n\"version\": 1,\n\"currency\": \"USD\",\n{fields}\n}}\n");
    file(&format!("{name}.json"), &text)
}

/// A charge `calls` per event of that type, at a price.
fn calls(price: &str) -> String {
    format!(
        r#""charges": [{{ "id": "calls", "name": "Calls <b>", "unit": "currency",
        "price": {{ "model": "per_unit", "unit_price": "{price}" }} }}]"#
    )
}

#[test]
fn rate_explains_a_quantity() {
    let plan = "examples/plans/tokens-graduated.json";
    let of_charge = ["rate", plan, "--quantity", "15000000", "--charge", "input", "--explain"];
    let expected = "\
Tokens, cheaper with volume version 1

charge  exact  billed  unit
input    42.5   42.50   USD

input
  graduated                       30 + 12.5 = 42.5
    tier (0, 10000000]    10000000 × 0.000003 = 30
    tier (10000000, ∞)  5000000 × 0.0000025 = 12.5
";
    assert_eq!(output(&of_charge), expected);
    let short = output(&["rate", "examples/plans/credits-commit.json", "--quantity", "0.5"]);
    let expected = "\
Credits with a minimum commit version 1

charge   exact  billed     unit
input   0.0015  0.0015  credits
output  0.0075  0.0075  credits
";
    assert_eq!(short, expected);
}

#[test]
fn rate_prints_json_for_programs() {
    let plan = "examples/plans/tokens-packages.json";
    let text = output(&["rate", plan, "--quantity", "1000001", "--charge", "input", "--json"]);
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(json[0]["amount"], "5.6");
    assert_eq!(json[0]["rounded"], "5.60");
    assert_eq!(json[0]["steps"][0]["formula"], "ceiling(max(0, 1000001 − 0) / 1000000, 0) × 2.8");
}

#[test]
fn rate_takes_a_value_for_a_percentage_price() {
    let price = r#"{ "model": "percentage", "percent": "2.9", "fixed": "0.30" }"#;
    let charge = format!(r#""charges": [{{ "id": "c", "unit": "currency", "price": {price} }}]"#);
    let text = output(&["rate", &plan("percent", &charge), "--quantity", "100"]);
    assert!(text.contains("3.2    3.20   USD"), "{text}");
}

#[test]
fn preview_writes_text_json_and_html() {
    let plan = plan(
        "preview",
        &format!(
            r#"{}, "fees": [{{ "id": "seats", "name": "Seats", "amount": "10", "quantity": "2" }}],
            "discounts": [{{ "id": "launch", "percent": "50", "lines": ["seats"] }}],
            "taxes": [{{ "id": "vat", "percent": "19" }}]"#,
            calls("0.25")
        ),
    );
    let events = file(
        "preview.csv",
        "time,subject,type,quantity\n2026-06-03T10:00:00Z,acme,calls,3\n\
         2026-06-04T10:00:00Z,acme,calls,4.5\n2026-07-01T00:00:00Z,acme,calls,100\n",
    );
    let arguments = ["preview", &plan, "--events", &events, "--from", "2026-06-01"];
    let expected = "\
Invoice of acme, draft
2026-06-01 up to 2026-07-01, UTC (USD)

line                            quantity  credits  amount
Calls <b>                            7.5             1.88
  per_unit: 7.5 × 0.25 = 1.875
Seats                                  2            20.00
  10 × 2

Subtotal                                            21.88
Discount launch                                    -10.00
Tax vat                                              2.26
Total                                               14.14
Due                                                 14.14
";
    assert_eq!(output(&arguments), expected);
    let json = output(&[&arguments[..], &["--as", "json"]].concat());
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["totals"]["due"], "14.14");
    assert_eq!(json["lines"][0]["explanation"]["residue"], "0.005");
    assert_eq!(json["status"]["state"], "draft");
    let html = output(&[&arguments[..], &["--as", "html"]].concat());
    assert!(html.starts_with("<!doctype html>"), "{html}");
    assert!(html.contains("@media print") && !html.contains("<script"), "{html}");
    assert!(html.contains("Calls &lt;b&gt;") && !html.contains("Calls <b>"), "{html}");
    assert!(html.contains("<td colspan=\"3\">Due</td><td>14.14</td>"), "{html}");
    let july = output(&[&arguments[..], &["--index", "1"]].concat());
    assert!(july.contains("2026-07-01 up to 2026-08-01"), "{july}");
    assert!(july.contains("per_unit: 100 × 0.25 = 25"), "{july}");
}

#[test]
fn preview_splits_the_period_at_a_change() {
    let (old, new) = (plan("before", &calls("1")), plan("after", &calls("3")));
    let events = file(
        "change.csv",
        "time,subject,type\n2026-06-10T11:59:59.999Z,acme,calls\n\
         2026-06-10T12:00:00Z,acme,calls\n2026-06-20T00:00:00Z,acme,calls\n",
    );
    let change = format!("2026-06-10T12:00:00Z={new}");
    let from = ["--from", "2026-06-01", "--change", &change];
    let text = output(&[&["preview", &old, "--events", &events], &from[..]].concat());
    assert!(text.contains("per_unit: 1 × 1 = 1\n"), "{text}");
    assert!(text.contains("per_unit: 2 × 3 = 6\n"), "{text}");
    assert!(text.ends_with("7.00\n"), "{text}");
}

#[test]
fn preview_works_without_events_and_in_a_time_zone() {
    let fee = plan("access", r#""fees": [{ "id": "f", "name": "Access", "amount": "9" }]"#);
    let text = output(&["preview", &fee, "--from", "2026-06-01"]);
    assert!(text.starts_with("Invoice of nobody, draft") && text.contains("9.00"), "{text}");
    // 23:30 UTC on 31 May is June in Berlin, and 22:30 UTC on 30 June is July.
    let calls = plan("zoned", &calls("1"));
    let events = file(
        "zoned.csv",
        "time,subject,type\n2026-05-31T21:59:59Z,acme,calls\n2026-05-31T22:00:00Z,acme,calls\n\
         2026-06-30T21:59:59Z,acme,calls\n2026-06-30T22:00:00Z,acme,calls\n",
    );
    let berlin = ["--from", "2026-06-01", "--zone", "Europe/Berlin"];
    let text = output(&[&["preview", &calls, "--events", &events], &berlin[..]].concat());
    assert!(text.contains("up to 2026-07-01, Europe/Berlin (USD)"), "{text}");
    assert!(text.contains("per_unit: 2 × 1 = 2\n"), "{text}");
}

#[test]
fn batch_answers_line_by_line_and_goes_on_after_a_refusal() {
    let question = |uses: &str| {
        format!(
            r#"{{"plan":{{"id":"p","version":1,"currency":"USD","charges":[{{"id":"calls",
            "unit":"currency","price":{{"model":"per_unit","unit_price":"0.3"}}}}]}},
            "uses":{{"calls":{uses}}},"marginals":true}}"#
        )
        .replace('\n', " ")
    };
    let lines = [question(r#"["1","2.5"]"#), String::new(), "{}".to_owned(), question(r#"["x"]"#)];
    let run = run_with_input(&["batch"], &lines.join("\n"));
    assert_eq!((run.code, run.err.as_str()), (0, ""));
    let answers: Vec<&str> = run.out.lines().collect();
    assert_eq!(answers.len(), 3, "{}", run.out);
    let ends = r#""running":"1.05","closing":"0","marginals":["0.3","0.75"]"#;
    assert!(answers[0].contains(ends), "{}", answers[0]);
    for refused in &answers[1..] {
        assert!(refused.starts_with(r#"{"error":{"code":"request_not_json""#), "{refused}");
    }
}

#[test]
fn batch_refuses_what_is_no_text_by_its_line() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_edgemeter"))
        .arg("batch")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(b"{}\n\xff\n{}\n").unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let (out, err) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(out.lines().count(), 1, "{out}");
    assert!(err.contains("standard input:2:"), "{err}");
}

#[test]
fn batch_answers_whoever_waits_before_asking_again() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_edgemeter"))
        .arg("batch")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let output = std::io::BufReader::new(child.stdout.take().unwrap());
    let (said, heard) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        output.lines().for_each(|line| said.send(line.unwrap()).unwrap_or_default());
    });
    for question in ["{}\n", "{}\n\n", "\n{}\n"] {
        input.write_all(question.as_bytes()).unwrap();
        let answer = heard.recv_timeout(std::time::Duration::from_secs(20));
        assert!(answer.unwrap().starts_with(r#"{"error":"#), "{question:?}");
    }
    drop(input);
    assert!(child.wait().unwrap().success());
}

#[test]
fn preview_goes_on_from_the_levels_of_earlier_periods() {
    let plan = plan(
        "levels",
        r#""meters": [{ "id": "seats", "aggregation": "time_weighted_sum", "property": "/n" }],
        "charges": [{ "id": "seats", "meter": "seats", "unit": "currency",
                      "price": { "model": "per_unit", "unit_price": "5" } }]"#,
    );
    let event = r#"{"specversion":"1.0","id":"1","source":"/s","type":"seats","subject":"acme",
        "time":"2026-01-17T00:00:00Z","data":{"n":2}}"#;
    let events = file("levels.jsonl", &format!("{}\n", event.replace('\n', " ")));
    for (index, total) in [("0", "4.84"), ("1", "10.00"), ("5", "10.00")] {
        let options = ["--events", &events, "--from", "2026-01-01", "--index", index];
        let text = output(&[&["preview", &plan, "--as", "json"][..], &options[..]].concat());
        let json: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(json["totals"]["total"], total, "period {index}");
    }
}
