//! Event files: three formats with one meaning, repeats, customers, progress, standard input.

use crate::{calls, file, output, plan, run, run_with_input};

fn event(id: &str, subject: &str, day: u32, quantity: &str) -> String {
    format!(
        r#"{{"specversion":"1.0","id":"{id}","source":"/api","type":"calls","subject":"{subject}","time":"2026-06-{day:02}T12:00:00Z","data":{{"quantity":{quantity}}}}}"#
    )
}

#[test]
fn three_formats_have_one_meaning() {
    let plan = plan("formats", &calls("0.5"));
    let events = [event("1", "acme", 1, "1.5"), event("2", "acme", 2, "\"2\"")];
    let repeated = [&events[..], &events[..1]].concat();
    let csv = "id,source,time,subject,type,quantity\n1,/api,2026-06-01 12:00:00,acme,calls,1.5\n\
               2,/api,2026-06-02T12:00:00Z,acme,calls,2\n1,/api,2026-06-01 12:00:00,acme,calls,1.5\n";
    let batch = format!("[\n{}\n]", repeated.join(",\n"));
    let files = [
        file("three.csv", csv),
        file("three.jsonl", &format!("{}\n\n", repeated.join("\n"))),
        file("three.json", &batch),
    ];
    let outputs = files.map(|path| output(&["rate", &plan, "--events", &path]));
    assert!(outputs[0].contains("calls    1.75    1.75   USD"), "{}", outputs[0]);
    assert_eq!(outputs[0], outputs[1]);
    assert_eq!(outputs[1], outputs[2]);
    // A name that does not say the format, and standard input.
    let odd = file("three.txt", csv);
    assert_eq!(output(&["rate", &plan, "--events", &odd, "--format", "csv"]), outputs[0]);
    let run = run_with_input(&["rate", &plan, "--events", "-"], &repeated.join("\n"));
    assert_eq!((run.code, run.out), (0, outputs[0].clone()));
    let run = run_with_input(&["rate", &plan, "--events", "-", "--format", "json"], &batch);
    assert_eq!((run.code, run.out), (0, outputs[0].clone()));
}

#[test]
fn columns_have_other_names_and_rows_without_ids_are_apart() {
    let plan = plan("columns", &calls("1"));
    let events = file(
        "columns.csv",
        "When,who,nr,quantity\n2026-06-01T12:00:00Z,acme,7,1\n\
        2026-06-01T12:00:00Z,acme,7,1\n",
    );
    let named = ["--time-column", "when", "--subject-column", "who", "--event-type", "calls"];
    let rate = [&["rate", &plan, "--events", &events], &named[..]].concat();
    assert!(output(&rate).contains("2.00"));
    assert!(output(&[&rate[..], &["--id-column", "nr"]].concat()).contains("1.00"));
}

#[test]
fn a_period_leaves_the_others_out() {
    let plan = plan("period", &calls("1"));
    let events = [event("1", "acme", 1, "1"), event("2", "acme", 30, "2")].join("\n");
    let events = file("period.jsonl", &events);
    let rate = ["rate", &plan, "--events", &events];
    assert!(output(&rate).contains("3.00"));
    assert!(output(&[&rate[..], &["--from", "2026-06-02"]].concat()).contains("2.00"));
    assert!(output(&[&rate[..], &["--from", "2026-05-02"]].concat()).contains("1.00"));
}

#[test]
fn progress_is_reported_where_it_is_asked_for() {
    let plan = plan("progress", &calls("1"));
    let rows = "2026-06-01T12:00:00Z,acme,calls\n".repeat(200_001);
    let events = file("progress.csv", &format!("time,subject,type\n{rows}"));
    let run = run(&["rate", &plan, "--events", &events, "--progress", "always"]);
    assert_eq!(run.code, 0, "{}", run.err);
    let counts: Vec<&str> = run.err.lines().map(|line| line.rsplit(": ").next().unwrap()).collect();
    let expected =
        ["100000 events, 0 repeated", "200000 events, 0 repeated", "200001 events, 0 repeated"];
    assert_eq!(counts, expected);
    assert!(run.out.contains("200001.00"), "{}", run.out);
}

#[test]
fn a_backtest_shows_who_wins_and_who_loses() {
    let flat = plan("flat-fee", r#""fees": [{ "id": "f", "amount": "5" }]"#);
    let metered = plan("metered", &calls("1"));
    let events = [
        event("1", "small", 1, "2"),
        event("2", "large", 2, "9.75"),
        event("2", "large", 2, "9.75"),
        event("3", "middle", 3, "5"),
        event("4", "tiny", 4, "1"),
        event("5", "tiny", 30, "0.5"),
        format!("{}\n", event("6", "later", 30, "1").replace("2026-06", "2026-07")),
    ];
    let events = file("backtest.jsonl", &events.join("\n"));
    let arguments = [
        "backtest",
        "--plan",
        &flat,
        "--plan",
        &metered,
        "--events",
        &events,
        "--from",
        "2026-06-01",
    ];
    let expected = "\
5 events of 4 customers, 1 repeated, 1 outside the period; USD

customer  flat-fee 1  metered 1
large           5.00       9.75
middle          5.00       5.00
small           5.00       2.00
tiny            5.00       1.50
total          20.00      18.25

against the first  total  winners  losers  least  median   most
metered 1          -1.75        2       1  -3.50   -3.00  +4.75
";
    assert_eq!(output(&arguments), expected);
    let json = output(&[&arguments[..], &["--as", "json"]].concat());
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["changes"][0]["median"], "-3.00");
    assert_eq!(json["customers"]["large"], serde_json::json!(["5.00", "9.75"]));
}

#[test]
fn a_backtest_prices_credits_that_have_to_be_bought() {
    let credits = |name: &str, at_zero: &str| {
        let fields = r#""charges": [{ "id": "calls", "unit": "credits",
            "price": { "model": "per_unit", "unit_price": "10" } }],"#;
        let rules = format!(
            r#""credits": {{ "value": "0.02", "burn_order": "standard", "rollover": "none",
            "at_zero": {at_zero}, "grants": [{{ "id": "g", "amount": "30" }}] }}"#
        );
        plan(name, &format!("{fields}{rules}"))
    };
    let prepaid = credits("prepaid", "\"block\"");
    let overage = credits("overage", r#"{ "overage": { "unit_price": "0.05", "cap": "20" } }"#);
    // 100 credits, 30 of them included: 70 × 0.02, or 20 × 0.05 and 50 × 0.02.
    let events = file("credits.jsonl", &event("1", "acme", 1, "10"));
    let text = output(&[
        "backtest",
        "--plan",
        &prepaid,
        "--plan",
        &overage,
        "--events",
        &events,
        "--from",
        "2026-06-01",
    ]);
    assert!(text.contains("acme           1.40       2.00\n"), "{text}");
    // A new customer within the included credits pays nothing.
    let events = file("included.jsonl", &event("1", "acme", 1, "3"));
    let only = ["backtest", "--plan", &prepaid, "--events", &events, "--from", "2026-06-01"];
    let text = output(&only);
    assert!(text.contains("acme           0.00\n") && !text.contains("against"), "{text}");
}
