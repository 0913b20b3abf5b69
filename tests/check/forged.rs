//! Forgers, each with what finds him: as he left it, and after he has hashed the whole journal anew
//! and written its new end into the statement. A row that the customer saw before finds them all.

use edgemeter::check::{Check, Fault, Seen};
use serde_json::{Value, json};

use crate::clean::rules;
use crate::forgers::{FORGERS, Shown, more};
use crate::story::{Story, line};

#[test]
fn every_forger_is_found_and_named() {
    let honest = Shown::new();
    assert_eq!(honest.codes(None), []);
    let last = honest.rows.last().unwrap();
    let seen = Seen { row: last.n, hash: last.hash.clone() };
    for (who, act, left, anew) in FORGERS {
        let mut forged = honest.clone();
        let index = act(&mut forged);
        let found = forged.codes(None);
        let row = found.iter().find(|(_, code)| code == left).and_then(|(row, _)| *row);
        assert!(row.is_some(), "{who}: {left} is not among {found:?}");
        let near = row.is_some_and(|row| row.abs_diff(index as u64 + 1) <= 1);
        assert!(near, "{who}: row {row:?}, not {}", index + 1);
        forged.hash_anew();
        let found = forged.codes(None);
        let is_named = found.iter().any(|(_, code)| code == anew) || anew.is_empty();
        assert!(is_named, "{who}, hashed anew: {anew} is not among {found:?}");
        let found = forged.codes(Some(seen.clone()));
        let by_seen = |code| matches!(code, "seen_differs" | "seen_missing");
        assert!(found.iter().any(|(_, code)| by_seen(*code)), "{who}: seen, but {found:?}");
    }
}

#[test]
fn a_statement_or_a_bill_that_says_something_else_is_found() {
    let honest = Shown::new();
    type Change = fn(&mut Shown);
    let table: &[(&str, Change, &str)] = &[
        ("a line", |it| more(&mut it.bill["invoice"]["lines"][0]["amount"]), "bill_differs"),
        ("the total", |it| more(&mut it.bill["invoice"]["totals"]["total"]), "bill_differs"),
        (
            "a line more",
            |it| {
                let lines = it.bill["invoice"]["lines"].as_array_mut().unwrap();
                lines.push(lines[0].clone());
            },
            "bill_differs",
        ),
        (
            "usage",
            |it| more(&mut it.statement["stretches"][0]["usage"]["words"]["total"]),
            "usage_differs",
        ),
        (
            "what credits paid",
            |it| more(&mut it.statement["stretches"][0]["covered"]),
            "covered_differs",
        ),
        ("what is left", |it| more(&mut it.statement["grants"][0]["left"]), "grant_differs"),
        ("what burned", |it| more(&mut it.statement["grants"][0]["burned"]), "grant_differs"),
        (
            "a grant less",
            |it| drop(it.statement["grants"].as_array_mut().unwrap().remove(0)),
            "grant_differs",
        ),
        ("the balance", |it| more(&mut it.statement["balance"]["burned"]), "balance_differs"),
        (
            "the plan",
            |it| {
                let fee = &mut it.statement["stretches"][0]["plan"]["fees"][0]["amount"];
                more(fee);
            },
            "plan_differs",
        ),
        (
            "the end's hash",
            |it| it.statement["journal"]["hash"] = json!("0".repeat(64)),
            "end_differs",
        ),
    ];
    for (what, change, expected) in table {
        let mut forged = honest.clone();
        change(&mut forged);
        let found = forged.codes(None);
        assert!(found.iter().any(|(_, code)| code == expected), "{what}: {found:?}");
    }
}

#[test]
fn every_byte_counts() {
    let honest = Shown::new();
    let (statement, bill) = (honest.statement.to_string(), honest.bill.to_string());
    let export: String = honest.rows.iter().map(line).collect();
    let step = export.len() / 150;
    for at in (0..export.len()).step_by(step) {
        let mut bytes = export.clone().into_bytes();
        bytes[at] ^= 1;
        let mut check = Check::new(&statement, Some(&bill), None).unwrap();
        check.take(&bytes);
        let verdict = check.finish();
        assert!(!verdict.clean, "byte {at} does not count");
    }
}

#[test]
fn a_bill_of_an_earlier_period_is_sealed_by_the_journal() {
    let mut story = Story::new(3, &rules()[0]);
    story.run(200, 35_000_000);
    let finalized = story.closed.first().expect("a period was closed");
    let mut kept: Value = serde_json::from_str(&finalized.text).unwrap();
    more(&mut kept["statement"]["stretches"][0]["plan"]["fees"][0]["amount"]);
    let statement = kept["statement"].to_string();
    let mut check = Check::new(&statement, None, None).unwrap();
    check.take(story.export().as_bytes());
    let verdict = check.finish();
    assert!(verdict.findings.iter().any(|one| one.fault == Fault::SealDiffers));
}
