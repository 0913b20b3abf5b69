//! Refusals: each names the file, the line if there is one, and what to do.

use crate::{calls, file, plan, run};

/// Runs, must fail with code 1, and compares standard error with `file:line: …` pieces.
#[track_caller]
fn refused(arguments: &[&str], pieces: &[&str]) {
    let run = run(arguments);
    assert_eq!((run.code, run.out.as_str()), (1, ""), "{arguments:?}: {}", run.err);
    assert!(run.err.starts_with("error: ") && run.err.ends_with('\n'), "{}", run.err);
    for piece in pieces {
        assert!(run.err.contains(piece), "{piece:?} is not in {:?}", run.err);
    }
}

#[test]
fn plans_that_do_not_load_name_their_line() {
    refused(
        &["rate", "no/such.json", "--quantity", "1"],
        &["no/such.json: cannot be read", "give"],
    );
    let comma = file("comma.json", "{ \"id\": \"p\",\n \"version\": 1,\n}");
    refused(&["rate", &comma, "--quantity", "1"], &["comma.json:3: ", "not JSON"]);
    let wrong = plan("wrong-price", &calls("0,5"));
    let pieces = ["wrong-price.json:6: /charges/0/price/unit_price: \"0,5\"", "write digits"];
    refused(&["rate", &wrong, "--quantity", "1"], &pieces);
}

#[test]
fn options_that_say_too_little_name_the_remedy() {
    let plan = plan("options", &calls("1"));
    refused(&["rate", &plan], &["give --quantity NUMBER or --events FILE"]);
    refused(&["rate", &plan, "--quantity", "1e3"], &["--quantity \"1e3\" is not a decimal number"]);
    refused(
        &["rate", &plan, "--quantity", "1", "--charge", "x"],
        &["no charge \"x\": use one of calls"],
    );
    refused(
        &["rate", &plan, "--events", "none.csv"],
        &["none.csv: cannot be read", "give the path"],
    );
    let zone = ["preview", &plan, "--from", "2026-06-01", "--zone", "Mars/Olympus"];
    refused(&zone, &["--zone Mars/Olympus: is not known: use a name of the IANA database"]);
    for (change, reason) in
        [("2026-06-10T00:00:00Z", "names no file"), ("June=x.json", "has no RFC 3339 time")]
    {
        let arguments = ["preview", &plan, "--from", "2026-06-01", "--change", change];
        refused(&arguments, &[reason, "write 2026-01-16T12:00:00Z=FILE"]);
    }
    let outside = format!("2026-07-01T00:00:00Z={plan}");
    let arguments = ["preview", &plan, "--from", "2026-06-01", "--change", &outside];
    refused(&arguments, &["is not inside the period"]);
    refused(
        &["backtest", "--plan", &plan, "--from", "2026-06-01"],
        &["no events: give --events FILE"],
    );
    // What clap refuses has code 2.
    assert_eq!(run(&["rate"]).code, 2);
    assert_eq!(run(&["preview", &plan]).code, 2);
}

#[test]
fn a_quantity_does_not_say_which_combination() {
    let price =
        r#"{ "model": "matrix", "entries": [{ "when": { "model": "a" }, "unit_price": "1" }] }"#;
    let matrix = plan(
        "matrix",
        &format!(r#""charges": [{{ "id": "c", "unit": "currency", "price": {price} }}]"#),
    );
    refused(
        &["rate", &matrix, "--quantity", "1"],
        &["charge c is priced by", "give --events FILE"],
    );
}

#[test]
fn events_that_cannot_be_used_name_their_line() {
    let plan = plan("lines", &calls("1"));
    let good = "2026-06-01T00:00:00Z,acme,calls,1";
    let header = "time,subject,type,quantity";
    for (name, text, pieces) in [
        (
            "time.csv",
            format!("{header}\n{good}\nyesterday,a,calls,1\n"),
            [":3: time \"yesterday\" is no time", "write it like"],
        ),
        (
            "crlf.csv",
            format!("{header}\r\n\r\n{good}\r\n\r\nsoon,a,calls,1"),
            [":5: time \"soon\"", "write it like"],
        ),
        (
            "quoted.csv",
            format!("{header}\n2026-06-01T00:00:00Z,\"a\nb\",calls,1\nx,a,calls,1\n"),
            [":4: time \"x\"", "write it like"],
        ),
        (
            "number.csv",
            format!("{header}\n2026-06-01T00:00:00Z,a,calls,many\n"),
            [":2: event \"row-2\"", "property /quantity is not a decimal number"],
        ),
        (
            "subject.csv",
            format!("{header}\n2026-06-01T00:00:00Z,,calls,1\n"),
            [":2: subject has 0 bytes", "use 1 to 256"],
        ),
        ("ragged.csv", format!("{header}\n{good},7\n"), ["ragged.csv: ", "record"]),
        (
            "no-time.csv",
            "subject,type\na,calls\n".to_owned(),
            [":1: no column \"time\"", "--time-column"],
        ),
        (
            "no-subject.csv",
            "time,type\nx,calls\n".to_owned(),
            [":1: no column \"subject\"", "--subject-column"],
        ),
        (
            "no-type.csv",
            "time,subject\nx,a\n".to_owned(),
            [":1: no column \"type\"", "--event-type"],
        ),
        (
            "bad.jsonl",
            "\n{\"specversion\":\"1.0\"}\n".to_owned(),
            [":2: event is not a CloudEvents JSON object", "missing field"],
        ),
        (
            "object.json",
            "{\"specversion\":\"1.0\"}".to_owned(),
            [":1: ", "holds an array of CloudEvents; use .jsonl"],
        ),
        (
            "second.json",
            format!("[\n{},\n\n {}]", cloud("1", "1"), cloud("2", "\"x\"")),
            [":4: event \"2\"", "not a decimal number"],
        ),
    ] {
        let path = file(name, &text);
        refused(&["rate", &plan, "--events", &path], &pieces);
    }
}

fn cloud(id: &str, quantity: &str) -> String {
    format!(
        r#"{{"specversion":"1.0","id":"{id}","source":"s","type":"calls","subject":"a","time":"2026-06-01T00:00:00Z","data":{{"quantity":{quantity}}}}}"#
    )
}

#[test]
fn two_customers_have_no_one_invoice() {
    let plan = plan("customers", &calls("1"));
    let two = file(
        "two.csv",
        "time,subject,type\n2026-06-01T00:00:00Z,a,calls\n\
        2026-06-02T00:00:00Z,b,calls\n",
    );
    let preview = ["preview", &plan, "--events", &two, "--from", "2026-06-01"];
    refused(&preview, &["two.csv:3: events of \"a\" and of \"b\": choose one with --account"]);
    let run = run(&[&preview[..], &["--account", "b"]].concat());
    assert!(run.out.starts_with("Invoice of b, draft"), "{}", run.err);
}

#[test]
fn a_level_needs_a_period() {
    let plan = plan(
        "level",
        r#""meters": [{ "id": "seats", "aggregation": "time_weighted_sum", "property": "/n" }],
        "charges": [{ "id": "c", "meter": "seats", "unit": "currency",
            "price": { "model": "per_unit", "unit_price": "3" } }]"#,
    );
    let events = file("level.csv", "time,subject,type,n\n2026-06-16T00:00:00Z,acme,seats,4\n");
    let rate = ["rate", &plan, "--events", &events];
    refused(&rate, &["meter seats goes by time: name the period to bill with --from"]);
    // Four seats for half of June.
    let run = run(&[&rate[..], &["--from", "2026-06-01"]].concat());
    assert!(run.out.contains("6.00"), "{}{}", run.out, run.err);
}

#[test]
fn plans_that_cannot_be_compared_are_refused() {
    let events = file("compare.csv", "time,subject,type\n2026-06-01T00:00:00Z,acme,calls\n");
    let dollars = plan("dollars", &calls("1"));
    let backtest = |other: &str, pieces: &[&str]| {
        let plans = ["--plan", &dollars, "--plan", other];
        let source = ["--events", &events, "--from", "2026-06-01"];
        refused(&[&["backtest"], &plans[..], &source[..]].concat(), pieces);
    };
    let euros = file("euros.json", r#"{ "id": "e", "version": 1, "currency": "EUR" }"#);
    backtest(&euros, &["euros.json: is in EUR", "compare like"]);
    let none = file("none.json", r#"{ "id": "n", "version": 1 }"#);
    backtest(&none, &["none.json: has no currency: give it one"]);
    let weekly = plan("weekly", r#""period": "P1W""#);
    backtest(&weekly, &["weekly.json: has another period than the first plan"]);
    let worthless = plan(
        "worthless",
        r#""charges": [{ "id": "calls", "unit": "credits",
            "price": { "model": "per_unit", "unit_price": "1" } }],
        "credits": { "burn_order": "standard", "rollover": "none", "at_zero": "block" }"#,
    );
    backtest(&worthless, &["worthless.json: credits have no value", "say what one is worth"]);
}
