//! `usage` and `check`: what a journal says was used, and whether a bill follows from it.

use serde_json::{Value, json};

use crate::story::Story;
use crate::{file, output, run, run_with_input};

/// An account with a closed period: its export, its statement, and the closed period's invoice.
fn files(name: &str) -> (Story, String, String, String) {
    let mut story = Story::new(3, &json!({ "overage": { "unit_price": "0.02" } }));
    story.run(150, 45_000_000);
    let export = file(&format!("{name}.jsonl"), &story.export());
    let statement = serde_json::to_string(&story.statement()).unwrap();
    let statement = file(&format!("{name}.statement.json"), &statement);
    let kept = story.closed.first().unwrap();
    let mut invoice: Value = serde_json::from_str(&kept.text).unwrap();
    invoice["hash"] = json!(kept.hash);
    let invoice = file(&format!("{name}.invoice.json"), &invoice.to_string());
    (story, export, statement, invoice)
}

#[test]
fn usage_is_told_by_day_and_dimension() {
    let (story, export, _, _) = files("usage");
    let table = output(&["usage", &export, "--by", "charge,route,key", "--step", "hour"]);
    let mut words = table.lines().next().unwrap().split_whitespace();
    assert!(words.by_ref().eq(["from", "charge", "route", "key", "calls", "quantity", "credits"]));

    let all = output(&["usage", &export, "--by", "", "--step", "all", "--json"]);
    let all: Value = serde_json::from_str(&all).unwrap();
    let csv = output(&["usage", &export, "--csv"]);
    assert!(csv.starts_with("from,charge,calls,quantity,credits\n2026-11-"));
    let calls: i64 =
        csv.lines().skip(1).map(|row| row.split(',').nth(2).unwrap().parse::<i64>().unwrap()).sum();
    assert_eq!(all["rows"][0]["calls"], calls);

    let month = ["--from", "2026-12-01", "--to", "2027-01-01", "--step", "all", "--json"];
    let mut arguments = vec!["usage", &export];
    arguments.extend(month);
    let later: Value = serde_json::from_str(&output(&arguments)).unwrap();
    assert!(later["rows"].as_array().unwrap().iter().all(|row| row["at"] == 1_796_083_200_000_u64));
    assert!(output(&["usage", "--help"]).contains("--by <NAMES>"));

    let cut = story.export().replacen("\"credits_granted\"", "\"credits_grant3d\"", 1);
    let damaged = run_with_input(&["usage", "-"], &cut);
    assert_eq!(damaged.code, 1);
    assert!(damaged.err.contains("is not the row that was hashed"), "{}", damaged.err);
    for (options, message) in [
        (["--by", "charge,charge"], "--by: dimension \"charge\" is empty or comes twice"),
        (["--step", "week"], "step \"week\" is not known: hour, day or all"),
    ] {
        let refused = run(&["usage", &export, options[0], options[1]]);
        assert!(refused.code > 0 && refused.err.contains(message), "{}", refused.err);
    }
}

#[test]
fn a_bill_is_checked_and_what_is_wrong_is_named() {
    let (story, export, statement, invoice) = files("check");
    let last = story.rows.last().unwrap();
    let seen = format!("{}:{}", last.n, last.hash);
    let clean = output(&["check", &export, "--statement", &statement, "--seen", &seen]);
    assert!(clean.starts_with("acme: rows 1 to "), "{clean}");
    assert!(clean.contains("the row that was seen before is still there"), "{clean}");
    assert!(clean.ends_with(&format!("last hash {}\n", last.hash)), "{clean}");
    // A closed period, by its own invoice.
    let closed = output(&["check", &export, "--statement", &invoice, "--invoice", &invoice]);
    assert!(closed.contains("the bill of "), "{closed}");

    let forged = story.export().replacen("\"amount\":\"20\"", "\"amount\":\"21\"", 1);
    let arguments = ["check", "-", "--statement", &statement];
    let found = run_with_input(&arguments, &forged);
    assert_eq!((found.code, found.out.as_str()), (1, ""));
    assert!(found.err.contains("row_changed, row 1: the row was changed"), "{}", found.err);
    let found = run_with_input(&["check", "-", "--statement", &statement, "--json"], &forged);
    let verdict: Value = serde_json::from_str(&found.out).unwrap();
    assert_eq!((found.code, &verdict["clean"]), (1, &json!(false)));
    assert_eq!(verdict["findings"][0]["code"], "row_changed");

    // A period that was closed while its plan could not be read.
    let none = json!({ "statement": null, "book": { "period": { "index": 4 } }, "row": 7,
        "bill": { "invoice": null, "no_invoice": { "code": "c", "message": "field /x is missing" },
                  "charges": [], "grants": [] } });
    let none = file("check.none.json", &none.to_string());
    let refused = run(&["check", &export, "--statement", &none, "--invoice", &none]);
    assert_eq!(refused.code, 1);
    for part in ["closed without a statement", "field /x is missing", "/invoices/4/retry writes"] {
        assert!(refused.err.contains(part), "{part}: {}", refused.err);
    }

    let refused = run(&["check", &export, "--statement", &export]);
    assert!(refused.code == 1 && refused.err.contains("statement"), "{}", refused.err);
    let refused = run(&["check", &export, "--statement", &statement, "--seen", "5:xyz"]);
    assert!(refused.code == 2 && refused.err.contains("64 hex digits"), "{}", refused.err);
}
