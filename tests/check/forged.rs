//! Forgers, each with what finds him: as he left it, and after he has hashed the whole journal anew
//! and written its new end into the statement. A row that the customer saw before finds them all.

use edgemeter::check::{Check, Fault, Seen, Verdict};
use edgemeter::ledger::{Row, chain_hash};
use edgemeter::units::Credits;
use serde_json::{Value, json};

use crate::clean::rules;
use crate::forgers::{FORGERS, Shown, more, reported};
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

/// A story with a closed period: what is kept of it, and the row that closes it.
fn closed() -> (Story, Value, usize) {
    let mut story = Story::new(3, &rules()[0]);
    story.run(200, 35_000_000);
    let kept: Value = serde_json::from_str(&story.closed[0].text).unwrap();
    let last = kept["statement"]["journal"]["rows"].as_u64().unwrap() as usize;
    (story, kept, last)
}

fn codes(statement: &Value, bill: Option<&Value>, rows: &[Row]) -> Vec<&'static str> {
    let (statement, bill) = (statement.to_string(), bill.map(Value::to_string));
    let mut check = Check::new(&statement, bill.as_deref(), None).unwrap();
    rows.iter().for_each(|row| check.take(line(row).as_bytes()));
    check.finish().findings.iter().map(|one| one.fault.code()).collect()
}

#[test]
fn a_bill_of_an_earlier_period_is_sealed_by_the_journal() {
    let (story, kept, last) = closed();
    let (statement, bill) = (&kept["statement"], Some(&kept["bill"]));
    assert_eq!(codes(statement, bill, &story.rows), [""; 0]);
    let mut other = statement.clone();
    more(&mut other["stretches"][0]["plan"]["fees"][0]["amount"]);
    assert!(codes(&other, None, &story.rows).contains(&"seal_differs"));
    // Without the row that closes the period, nothing says that this is the bill that was written.
    assert_eq!(codes(statement, bill, &story.rows[..last]), ["seal_missing"]);
    assert_eq!(codes(statement, None, &story.rows[..last]), ["seal_missing"]);
    let mut draft = statement.clone();
    draft["at"] = json!(statement["period"]["end"].as_i64().unwrap() - 1);
    assert_eq!(codes(&draft, bill, &story.rows[..last]), ["seal_missing"], "it is called final");
    assert_eq!(codes(&draft, None, &story.rows[..last]), [""; 0], "it may be a draft");
}

/// Who closes a period anew, with another bill and all hashes that follow: the bill that was sent
/// is sealed no more, and neither is a period that he leaves open.
#[test]
fn a_forger_of_the_closing_row_is_found() {
    let (story, kept, last) = closed();
    let forge = |change: fn(&mut Vec<Value>)| {
        let (mut rows, mut previous) = (story.rows.clone(), String::new());
        let mut entries: Vec<Value> = serde_json::from_str(&rows[last].body).unwrap();
        change(&mut entries);
        rows[last].body = serde_json::to_string(&entries).unwrap();
        for row in &mut rows {
            row.hash = chain_hash(&previous, row.n, row.at, &row.body);
            previous.clone_from(&row.hash);
        }
        codes(&kept["statement"], Some(&kept["bill"]), &rows)
    };
    assert_eq!(forge(|_| ()), [""; 0]);
    let other = forge(|entries| entries[0]["closed"]["invoice"] = json!("0".repeat(64)));
    assert_eq!(other, ["seal_differs"]);
    assert_eq!(forge(|entries| entries[0]["closed"]["index"] = json!(7)), ["seal_missing"]);
    assert_eq!(forge(Vec::clear), ["seal_missing"]);
    // A period that is billed after its close is sealed by the later row.
    let billed = |entries: &mut Vec<Value>, invoice: Value| {
        let mut closed = entries[0]["closed"].clone();
        closed["invoice"] = invoice;
        entries.push(json!({ "kind": "period_billed", "closed": closed }));
    };
    let hash = story.closed[0].hash.clone();
    assert_eq!(kept["statement"]["period"]["index"], 0);
    for (invoice, expected) in [(hash, &[][..]), ("0".repeat(64), &["seal_differs"])] {
        let (mut rows, mut previous) = (story.rows.clone(), String::new());
        let mut entries: Vec<Value> = serde_json::from_str(&rows[last].body).unwrap();
        billed(&mut entries, json!(invoice));
        entries[0]["closed"]["invoice"] = json!("1".repeat(64));
        rows[last].body = serde_json::to_string(&entries).unwrap();
        for row in &mut rows {
            row.hash = chain_hash(&previous, row.n, row.at, &row.body);
            previous.clone_from(&row.hash);
        }
        assert_eq!(codes(&kept["statement"], Some(&kept["bill"]), &rows), expected);
    }
}

/// Operations of the terms just before the rows at hand may be honest: who paid is checked, what
/// they cost is said to be unchecked. Of older ones no ledger knows, and the whole journal has all.
#[test]
fn an_operation_moved_to_earlier_terms_is_counted_or_found() {
    let (mut story, ..) = closed();
    story.run(60, 3_000);
    let statement = serde_json::to_value(story.statement()).unwrap();
    let terms = statement["journal"]["terms"].as_u64().unwrap();
    let after = statement["journal"]["after"].as_u64().unwrap() as usize;
    assert!(terms > 0 && after > 0);
    // A report whose row does not tell the costs says as little of its price: it is counted too.
    let (mut rows, mut taken) = (story.rows.clone(), None);
    for row in rows.iter_mut().skip(after) {
        let mut entries: Vec<Value> = serde_json::from_str(&row.body).unwrap();
        let is_it = |e: &&mut Value| taken.is_none() && reported(e);
        if let Some(one) = entries.iter_mut().find(is_it) {
            (one["terms"], one["costs"]) = (json!(terms - 1), json!([]));
            (one["burns"][0]["amount"], one["flying"]) = (json!("1000000"), json!([]));
            one["shortfall"] = json!({ "debt": "7" });
            let others = one["burns"].as_array().unwrap().iter().skip(1);
            let others = others.map(|burn| burn["amount"].as_str().unwrap().parse().unwrap());
            let sums = others.chain(["1000007".parse().unwrap()]);
            taken = Some(Credits::sum(sums).unwrap());
        }
        row.body = serde_json::to_string(&entries).unwrap();
    }
    let checked = |rows: &[Row]| {
        let mut check = Check::new(&statement.to_string(), None, None).unwrap();
        rows.iter().for_each(|row| check.take(line(row).as_bytes()));
        check.finish()
    };
    let [told, honest] = [&rows, &story.rows].map(|rows| checked(&rows[after..]).unrated);
    assert_eq!(told.minus(honest).ok(), taken, "all of it is said to be unrated");
    let found = checked(&rows).findings;
    let is_found = found.iter().any(|one| matches!(one.fault, Fault::PaymentDiffers { .. }));
    assert!(is_found, "the whole journal has its price");
    let moved = |to: u64, from: usize| {
        let mut rows = story.rows.clone();
        let found = rows.iter_mut().skip(after).find_map(|row| {
            let mut entries: Vec<Value> = serde_json::from_str(&row.body).unwrap();
            let one = entries.iter_mut().find(|e| e["kind"] == "debited" && e["cost"] != "0")?;
            one["terms"] = json!(to);
            row.body = serde_json::to_string(&entries).unwrap();
            Some(())
        });
        assert!(found.is_some(), "the story has none");
        checked(&rows[from..])
    };
    let names = |verdict: &Verdict| {
        verdict.findings.iter().any(|one| matches!(one.fault, Fault::TermsUnknown { .. }))
    };
    let verdict = moved(terms - 1, after);
    assert!(!names(&verdict) && verdict.earlier > 0 && !verdict.unrated.is_zero());
    assert!(names(&moved(terms + 50, after)));
    assert!(names(&moved(terms + 50, 0)));
    assert_eq!(moved(terms - 1, 0).earlier, 0, "the whole journal has its price");
}
