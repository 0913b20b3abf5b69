//! Statements that load, and those that contradict themselves.

use edgemeter::statement::Statement;
use serde_json::{Value, json};

use crate::given::{END, START, every_model, load, one, statement, stretch};

#[test]
fn a_statement_reads_as_what_was_written() {
    let statement = load(&one());
    let text = serde_json::to_string(&statement).unwrap();
    let again = Statement::parse(&text).unwrap();
    assert_eq!(again, statement);
    assert_eq!(serde_json::to_string(&again).unwrap(), text);
    let (given, written): (Value, Value) = (one(), serde_json::from_str(&text).unwrap());
    for field in ["account", "at", "contract", "period", "grants", "payments", "balance", "journal"]
    {
        assert_eq!(written[field], given[field], "{field}");
    }
    assert_eq!(written["stretches"][0]["usage"], given["stretches"][0]["usage"]);
}

/// The statement with something else at a place.
fn with(pointer: &str, value: Value) -> String {
    let mut given = one();
    *given.pointer_mut(pointer).unwrap() = value;
    given.to_string()
}

#[test]
fn a_statement_that_contradicts_itself_is_refused() {
    let code = |text: &str| Statement::parse(text).map_or_else(|error| error.code(), |_| "ok");
    let plan = every_model();
    let parts = |ends: &[(i64, i64)]| {
        let part = |(from, until): &(i64, i64)| stretch(*from, *until, &plan, &json!({}), "0");
        let parts: Vec<_> = ends.iter().map(part).collect();
        statement(json!(parts), json!([])).to_string()
    };
    let middle = START + 1_000;
    for (text, expected) in [
        (one().to_string(), "ok"),
        ("{}".to_owned(), "statement_not_json"),
        (with("/account", json!("Not An Account")), "statement_not_json"),
        (with("/payments/0/amount", json!(7)), "statement_not_json"),
        (with("/stretches/0/plan/charges/0/unit", json!("bottles")), "statement_not_json"),
        (with("/period/end", json!(END + 1)), "statement_other_period"),
        (with("/period/index", json!(1)), "statement_other_period"),
        (with("/period/index", json!(-1)), "period_outside_calendar"),
        (with("/contract/from", json!("2026-10-31")), "statement_other_period"),
        (with("/contract/zone/offset", json!(60)), "statement_other_period"),
        (
            with("/stretches/0/usage", json!({ "bottles": { "total": "1" } })),
            "statement_unknown_charge",
        ),
        (with("/stretches/0/seats", json!({})), "statement_no_seats"),
        (parts(&[]), "statement_no_stretch"),
        (parts(&[(START, middle), (middle, END)]), "ok"),
        // An account that was opened within the period.
        (parts(&[(middle, END)]), "ok"),
        (parts(&[(START, middle), (middle + 1, END)]), "statement_stretches"),
        (parts(&[(START, middle), (middle - 1, END)]), "statement_stretches"),
        (parts(&[(START, middle)]), "statement_stretches"),
        (parts(&[(START - 1, END)]), "statement_stretches"),
        (parts(&[(START, END + 1)]), "statement_stretches"),
        (parts(&[(START, START), (START, END)]), "statement_stretches"),
    ] {
        assert_eq!(code(&text), expected, "{text}");
    }
}
