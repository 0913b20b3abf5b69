//! Tables of events: the same answers as lists, and what is wrong with them.

use serde_json::{Value, json};

use super::tests::{ask, bill, event, plan, refused};

#[test]
fn a_table_has_the_answer_of_its_events() {
    let (one, two) =
        (event("1", "2026-01-02T00:00:00Z", "15"), event("2", "2026-01-02T01:00:00Z", "5"));
    let listed = ask(&json!({ "plan": plan(), "events": [one, two, one], "invoice": bill() }));
    assert_eq!(listed["charges"][2]["running"], json!("2"));
    let data: Vec<&str> = one["data"].as_object().unwrap().keys().map(String::as_str).collect();
    let columns = [vec!["id", "time"], data.clone()].concat();
    let row = |event: &Value| {
        let cells = data.iter().map(|name| event["data"][name].clone());
        [vec![event["id"].clone(), event["time"].clone()], cells.collect()].concat()
    };
    let mut rows = vec![row(&one), row(&two), row(&one)];
    let said = json!({ "source": one["source"], "type": one["type"], "subject": "acme" });
    let ask_table = |columns: &[&str], rows: &[Vec<Value>]| {
        let mut table = said.clone();
        (table["columns"], table["rows"]) = (json!(columns), json!(rows));
        ask(&json!({ "plan": plan(), "table": table, "invoice": bill() }))
    };
    assert_eq!(ask_table(&columns, &rows), listed);
    // A time may be milliseconds, and an attribute a column.
    rows[1][1] = json!(1_767_315_600_000_i64);
    assert_eq!(ask_table(&columns, &rows), listed);
    for row in &mut rows {
        row.push(json!("acme"));
    }
    let mut table = said.clone();
    table.as_object_mut().unwrap().remove("subject");
    table["columns"] = json!([columns, vec!["subject"]].concat());
    table["rows"] = json!(rows);
    let answer = ask(&json!({ "plan": plan(), "table": table, "invoice": bill() }));
    assert_eq!(answer, listed);
}

#[test]
fn a_table_that_is_none_is_told_why_and_where() {
    let good = json!({ "columns": ["id", "time", "n"], "source": "s", "type": "use",
                       "subject": "acme", "rows": [["1", "2026-01-02T00:00:00Z", "1"]] });
    let long = "x".repeat(65_536);
    for (field, value, code, at) in [
        ("columns", json!(["id", "n", "m"]), "request_columns", "/table/columns"),
        ("columns", json!(["id", "time"]), "request_columns", "/table/columns"),
        ("columns", json!(["id", "time", "id"]), "request_columns", "/table/columns"),
        ("columns", json!(["id", "time", "type"]), "request_columns", "/table/columns"),
        ("source", Value::Null, "request_columns", "/table/columns"),
        ("rows", json!([["1"], []]), "request_not_json", ""),
        ("rows", json!([[], []]), "request_not_json", ""),
        ("rows", json!([{}]), "request_not_json", ""),
        ("rows", json!([["1", "never", 1]]), "event_time", "/table/rows/0"),
        ("rows", json!([["1", null, 1]]), "event_no_time", "/table/rows/0"),
        ("rows", json!([["1", true, 1]]), "event_not_json", "/table/rows/0"),
        ("rows", json!([["1", 1.5, 1]]), "event_time", "/table/rows/0"),
        ("rows", json!([["1", "2026-01-02T00:00:00Z", -1]]), "usage_negative", "/table/rows"),
        ("rows", json!([[1, 1, 1]]), "event_not_json", "/table/rows/0"),
        ("rows", json!([["", 1, 1]]), "event_attribute_length", "/table/rows/0"),
        ("rows", json!([["1", 1, long]]), "event_too_long", "/table/rows/0"),
        ("rows", json!([["1", 1, 1]]), "tally_outside", "/table/rows/0"),
        ("subject", json!("somebody"), "request_other_subject", "/table/rows/0"),
        ("colour", json!("red"), "request_not_json", ""),
    ] {
        let mut table = good.clone();
        table[field] = value;
        let question = json!({ "plan": plan(), "table": table, "invoice": bill() });
        assert_eq!(refused(&question), (code.to_owned(), at.to_owned()), "{question:.400}");
    }
    let both = json!({ "plan": plan(), "table": good, "events": [] });
    assert_eq!(refused(&both).0, "request_two_sources");
    assert!(super::rate_utf8(b"\xff").contains("request_not_json"));
    let question = json!({ "plan": plan(), "uses": {} }).to_string();
    assert_eq!(super::rate_utf8(question.as_bytes()), super::rate(&question));
}

/// A plan that counts events, and how many there are by the table.
fn counted(table: &Value) -> Value {
    let meter = json!({ "id": "m", "event_type": "use", "aggregation": "count" });
    let charge = json!({ "id": "c", "unit": "currency", "meter": "m",
                         "price": { "model": "per_unit", "unit_price": "1" } });
    let plan = json!({ "id": "p", "version": 1, "currency": "USD", "meters": [meter],
                       "charges": [charge] });
    let answer = ask(&json!({ "plan": plan, "table": table, "invoice": bill() }));
    match answer.get("error") {
        Some(error) => error["code"].clone(),
        None => answer["charges"][0]["usage"]["total"].clone(),
    }
}

#[test]
fn a_table_has_64_columns_and_rows_of_64_kilobytes() {
    for (columns, expected) in [(64, json!("1")), (65, json!("request_columns"))] {
        let more = (2..columns).map(|n| format!("c{n}"));
        let names: Vec<String> =
            ["id", "time"].into_iter().map(str::to_owned).chain(more).collect();
        let mut row = vec![json!("1"), json!("2026-01-02T00:00:00Z")];
        row.resize(columns, json!(0));
        let table = json!({ "columns": names, "rows": [row], "source": "s", "type": "use",
                            "subject": "acme" });
        assert_eq!(counted(&table), expected, "{columns} columns");
    }
    for (bytes, expected) in [(65_536, json!("1")), (65_537, json!("event_too_long"))] {
        // Quotes and the other cells are part of it.
        let text = "x".repeat(bytes - 2 - "\"1\"".len() - "1767312000000".len());
        let table = json!({ "columns": ["id", "time", "n"], "source": "s", "type": "use",
                            "subject": "acme", "rows": [["1", 1_767_312_000_000_i64, text]] });
        assert_eq!(counted(&table), expected, "{bytes} bytes");
    }
}

#[test]
fn every_attribute_may_be_a_column() {
    let columns = ["id", "time", "source", "type", "subject"];
    let at = 1_767_312_000_000_i64;
    let row = |id: &str, source: &str, kind: &str| json!([id, at, source, kind, "acme"]);
    for (rows, expected) in [
        (json!([row("1", "a", "use"), row("1", "b", "use")]), json!("2")),
        (json!([row("1", "a", "use"), row("1", "a", "use")]), json!("1")),
        (json!([row("1", "a", "use"), row("2", "a", "page")]), json!("1")),
        (json!([["1", at, "a", "use", null]]), json!("event_no_subject")),
        (json!([["1", at, null, "use", "acme"]]), json!("event_not_json")),
        (json!([]), json!("0")),
    ] {
        assert_eq!(counted(&json!({ "columns": columns, "rows": rows })), expected, "{rows}");
    }
    // One text, written in two ways, is one id.
    let text = r#"{"columns":["id","time"],"source":"s","type":"use","subject":"acme",
        "rows":[["1",1767312000000],["\u0031","2026-01-02T00:00:00\u005a"]]}"#;
    let plan = json!({ "id": "p", "version": 1, "charges": [{ "id": "use", "unit": "credits",
        "price": { "model": "per_unit", "unit_price": "1" } }],
        "credits": { "burn_order": "standard", "rollover": "none", "at_zero": "block" } });
    let answer = super::rate(&format!(r#"{{"plan":{plan},"table":{text}}}"#));
    assert!(answer.contains(r#""usage":{"total":"1"}"#), "{answer}");
}

#[test]
fn attributes_are_not_data() {
    let meter = json!({ "id": "m", "event_type": "use", "aggregation": "unique_count",
                        "property": "/subject" });
    let charge = json!({ "id": "c", "unit": "currency", "meter": "m",
                         "price": { "model": "per_unit", "unit_price": "1" } });
    let plan = json!({ "id": "p", "version": 1, "currency": "USD", "meters": [meter],
                       "charges": [charge] });
    let rows = json!([["1", "2026-01-02T00:00:00Z", "acme", { "x": { "y": "deep" } }]]);
    let table = json!({ "columns": ["id", "time", "subject", "o"], "source": "s", "type": "use",
                        "rows": rows });
    let mut question = json!({ "plan": plan, "table": table, "invoice": bill() });
    assert_eq!(refused(&question), ("property_missing".to_owned(), "/table/rows/0".to_owned()));
    question["plan"]["meters"][0]["property"] = json!("/o/x/y");
    assert_eq!(ask(&question)["charges"][0]["usage"], json!({ "total": "1" }));
    question["plan"]["meters"][0]["property"] = json!("/o");
    assert_eq!(refused(&question).0, "property_composite");
}
