//! Overage by its place: a refund takes it off the part of the period that billed it, and nothing
//! but a settlement of debt puts it onto one.

use edgemeter::check::Check;
use edgemeter::ledger::{Debit, Row, Settle, Use, chain_hash};
use edgemeter::plan::Plan;
use edgemeter::units::Credits;
use serde_json::{Value, json};

use crate::clean::rules;
use crate::plans::plan;
use crate::story::{Story, line};

/// Words are 1 credit in the first and the third plan, and 2 in the second.
fn follow(story: &mut Story, version: u32) {
    story.now += 1_000;
    let json = plan(version, &rules()[0]);
    let plan = Plan::parse(&json).unwrap();
    story.visit(|session, _| session.change_plan(&plan, json).unwrap());
}

fn debit(story: &mut Story, op: &str, quantity: &str) {
    story.now += 1_000;
    let (route, quantity) = ("GET /words".to_owned(), quantity.parse().unwrap());
    let (charge, key) = ("words".parse().unwrap(), "k1".parse().unwrap());
    let debit = Debit { op: op.to_owned(), route, charge, key, quantity };
    story.visit(|session, plan| session.debit(plan, debit).map(drop).unwrap());
}

fn settle(story: &mut Story, op: &str, words: &str, last: bool) {
    story.now += 1_000;
    let quantity = words.parse().unwrap();
    let uses = vec![Use { charge: "words".parse().unwrap(), of: Default::default(), quantity }];
    let settle = Settle { op: op.to_owned(), uses, last, status: 200, estimated: false };
    story.visit(|session, plan| session.settle(plan, &settle).map(drop).unwrap());
}

fn refund(story: &mut Story, op: &str) {
    story.now += 1_000;
    story.visit(|session, _| session.refund(op).unwrap());
}

/// `paid` from credits, `a` and a part of `r` beyond them under the first plan, `b` and the rest of
/// `r` under the second; all but `b2` refunded under the third.
fn story() -> Story {
    let mut story = Story::new(1, &rules()[0]);
    story.visit(|session, plan| {
        let reserve =
            serde_json::from_value(json!({ "op": "r", "route": "POST /chat", "key": "k1",
            "uses": [{ "charge": "words", "quantity": "0" }], "expires_ms": 600_000 }));
        session.reserve(plan, &reserve.unwrap()).map(drop).unwrap();
    });
    debit(&mut story, "paid", "20");
    debit(&mut story, "a", "30");
    settle(&mut story, "r", "3", false);
    follow(&mut story, 2);
    for op in ["b", "b2"] {
        debit(&mut story, op, "5");
    }
    settle(&mut story, "r", "7", true);
    follow(&mut story, 1);
    for op in ["a", "b", "r", "paid", "nobody"] {
        refund(&mut story, op);
    }
    story
}

fn codes(story: &Story, rows: &[Row]) -> Vec<(Option<u64>, &'static str)> {
    let mut statement = serde_json::to_value(story.statement()).unwrap();
    statement["journal"]["rows"] = json!(rows.len());
    statement["journal"]["hash"] = json!(rows.last().unwrap().hash);
    let mut check = Check::new(&statement.to_string(), None, None).unwrap();
    rows.iter().for_each(|row| check.take(line(row).as_bytes()));
    check.finish().findings.iter().map(|one| (one.row, one.fault.code())).collect()
}

/// The journal with the first such entry changed and every hash anew; and the row of that entry.
fn forged(
    story: &Story,
    is_it: impl Fn(&Value) -> bool,
    change: impl Fn(&mut Value),
) -> (Vec<Row>, u64) {
    let (mut rows, mut previous, mut found) = (story.rows.clone(), String::new(), 0);
    for row in &mut rows {
        let mut entries: Vec<Value> = serde_json::from_str(&row.body).unwrap();
        let entry = entries.iter_mut().find(|entry| found == 0 && is_it(entry));
        if let Some(entry) = entry {
            found = row.n;
            change(entry);
        }
        row.body = serde_json::to_string(&entries).unwrap();
        row.hash = chain_hash(&previous, row.n, row.at, &row.body);
        previous.clone_from(&row.hash);
    }
    assert!(found > 0, "the story has none");
    (rows, found)
}

#[test]
fn a_refund_takes_overage_off_where_it_stands() {
    let story = story();
    assert_eq!(codes(&story, &story.rows), []);
    let written = |op: &str| {
        let of_op = |e: &Value| e["kind"] == "refunded" && e["op"] == op;
        let bodies = story.rows.iter().map(|row| serde_json::from_str(&row.body).unwrap());
        bodies.flat_map(|entries: Vec<Value>| entries).find(of_op).unwrap()
    };
    assert_eq!(written("a")["former"], json!([[0, "30"]]));
    assert_eq!(written("b")["former"], json!([[1, "10"]]));
    assert_eq!(written("r")["former"], json!([[0, "3"], [1, "4"]]));
    assert_eq!(written("paid")["overage"], Value::Null);
    type Forger<'f> = (&'f str, &'f str, &'f [(&'f str, Value)]);
    let forgers: &[Forger<'_>] = &[
        ("from the dear part to the cheap one", "b", &[("former", json!([[0, "10"]]))]),
        ("from the dear part to today's", "b", &[("former", json!([]))]),
        ("more than all off one part", "a", &[("former", json!([[0, "40"], [1, "-10"]]))]),
        ("a part of it", "a", &[("former", json!([[0, "1"]]))]),
        ("to where it cannot stand", "r", &[("former", json!([[0, "3"], [2, "4"]]))]),
        ("what credits paid", "paid", &[("returns", json!([])), ("overage", json!("20"))]),
        ("onto a part, for nobody", "nobody", &[("former", json!([[0, "-100"]]))]),
        ("onto the invoice", "nobody", &[("overage", json!("-9")), ("debt", json!("9"))]),
        ("into debt", "nobody", &[("overage", json!("9")), ("debt", json!("-9"))]),
    ];
    for (who, op, changes) in forgers {
        let is_it = |e: &Value| e["kind"] == "refunded" && e["op"] == *op;
        let (rows, row) = forged(&story, is_it, |entry| {
            changes.iter().for_each(|(name, value)| entry[*name] = value.clone());
        });
        let found = codes(&story, &rows);
        assert!(found.contains(&(Some(row), "refund_differs")), "{who}: {found:?}");
    }
}

#[test]
fn events_put_nothing_onto_an_invoice_by_themselves() {
    let mut story = Story::new(2, &rules()[0]);
    story.run(150, 3_000);
    assert_eq!(codes(&story, &story.rows), []);
    for kind in ["events_taken", "event_corrected"] {
        let (rows, row) = forged(
            &story,
            |e| e["kind"] == kind,
            |entry| {
                for (name, more) in [("overage", "1000"), ("debt", "-1000")] {
                    let before = entry["booked"][name].as_str().unwrap_or("0");
                    let before: Credits = before.parse().unwrap();
                    entry["booked"][name] = json!(before.plus(more.parse().unwrap()).unwrap());
                }
            },
        );
        let found = codes(&story, &rows);
        assert!(found.contains(&(Some(row), "payment_differs")), "{kind}: {found:?}");
    }
}
