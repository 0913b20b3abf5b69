//! The bill: digit for digit what a question of the same plan is answered, and who paid it.

use edgemeter::ledger::{Grant, GrantKind, GrantTerms};
use edgemeter::statement::GrantTaken;
use edgemeter::units::Timestamp;
use edgemeter::wire;
use serde_json::{Value, json};

use crate::given::{
    DAY, END, START, every_model, every_usage, load, one, overage, prepaid, statement, stretch,
};

/// The answer of `wire::rate` to the same plan and use.
fn asked(plan: &Value, usage: &Value, seats: &Value) -> Value {
    let question = json!({
        "plan": plan, "usage": usage, "seats": seats,
        "invoice": { "account": "acme", "contract": "acme", "from": "2026-11-01",
                     "payments": [ { "id": "deposit", "amount": "100" } ] },
    });
    serde_json::from_str(&wire::rate(&question.to_string())).unwrap()
}

#[test]
fn the_bill_of_one_stretch_is_what_a_question_is_answered() {
    let cases = [
        (every_model(), every_usage(), json!({ "people": "3" }), "0"),
        (every_model(), json!({}), json!({ "people": "3" }), "0"),
        // 0.002 × 20000 + 0.01 × 9000 = 130, of which 100 are included.
        (
            prepaid(overage()),
            json!({ "input": { "total": "20000" }, "output": { "total": "9000" } }),
            json!({}),
            "100",
        ),
    ];
    for (plan, usage, seats, covered) in cases {
        let asked = asked(&plan, &usage, &seats);
        let stretches = json!([stretch(START, END, &plan, &usage, covered)]);
        let bill = load(&statement(stretches, json!([]))).bill().unwrap();
        assert_eq!(serde_json::to_value(bill.invoice.as_ref().unwrap()).unwrap(), asked["invoice"]);
        assert_eq!(bill.charges.len(), asked["charges"].as_array().unwrap().len());
        for (charge, asked) in bill.charges.iter().zip(asked["charges"].as_array().unwrap()) {
            assert_eq!(&serde_json::to_value(&charge.rated).unwrap(), asked);
            assert_eq!(charge.charge, charge.rated.explanation.charge);
        }
    }
}

#[test]
fn every_line_is_on_the_bill() {
    let bill = load(&one()).bill().unwrap();
    let lines = bill.invoice.as_ref().unwrap().lines.iter();
    let got: Vec<String> =
        lines.map(|line| format!("{} {}", line.id, line.settled.amount)).collect();
    let expected = [
        "per_unit 15.18",
        "package 12.00",
        "graduated 94.00",
        "volume 52.50",
        "stairstep 20.00",
        // 750 × 0.029 + 5 × 0.3 − 3.5
        "percentage 19.75",
        "dynamic 25.88",
        "windows 6.00",
        "matrix 10.00",
        "least 12.00",
        "seats 15.00",
        "access 49.00",
        "commit 568.69",
    ];
    assert_eq!(got, expected);
    let totals = &bill.invoice.as_ref().unwrap().totals;
    assert_eq!(totals.subtotal.to_string(), "900.00");
    assert_eq!(
        (totals.total.to_string(), totals.due.to_string()),
        ("963.90".into(), "863.90".into())
    );
}

#[test]
fn a_change_of_plan_bills_each_stretch_by_its_own_plan() {
    let (middle, usage) = (START + 10 * DAY, json!({ "per_unit": { "total": "10" } }));
    let mut dearer = every_model();
    dearer["version"] = json!(4);
    dearer["charges"][0]["price"]["unit_price"] = json!("1");
    let stretches = json!([
        stretch(START, middle, &every_model(), &usage, "0"),
        stretch(middle, END, &dearer, &usage, "0"),
    ]);
    let bill = load(&statement(stretches, json!([]))).bill().unwrap();
    let of = |line: &&edgemeter::invoice::Line| ["per_unit", "access"].contains(&line.id.as_str());
    let lines: Vec<String> = bill
        .invoice
        .as_ref()
        .unwrap()
        .lines
        .iter()
        .filter(of)
        .map(|line| format!("{} {} {}", line.version, line.id, line.settled.amount))
        .collect();
    let expected = ["3 per_unit 0.12", "3 access 16.33", "4 per_unit 10.00", "4 access 32.67"];
    assert_eq!(lines, expected);
    let places: Vec<_> = bill.charges.iter().map(|charge| charge.stretch).collect();
    assert_eq!(places, [[0; 10], [1; 10]].concat());
}

fn grant(id: &str, priority: u8, expires: Option<i64>, kind: GrantKind, from: i64) -> Grant {
    let terms = GrantTerms {
        id: id.parse().unwrap(),
        amount: "50".parse().unwrap(),
        kind,
        priority,
        effective_at: None,
        expires_at: expires.map(Timestamp::from_millis),
        rollover: None,
        recurrence: None,
    };
    Grant::new(terms, Timestamp::from_millis(from), Timestamp::from_millis(from))
}

#[test]
fn grants_stand_in_the_ledgers_order_with_the_rule_that_put_them_there() {
    use GrantKind::{Included, Paid, Promotional};
    let mut grants = [
        grant("h", 1, Some(END), Promotional, START),
        grant("g", 0, None, Paid, START + 1),
        grant("f", 0, None, Paid, START),
        grant("e", 0, None, Paid, START),
        grant("d", 0, None, Included, START + 7),
        grant("c", 0, None, Promotional, START + 9),
        grant("b", 0, Some(END + 20), Paid, START),
        grant("a", 0, Some(END + 10), Paid, START + 9),
    ];
    let taken: Vec<_> = grants.iter().map(|g| GrantTaken::of(g, "1.5".parse().unwrap())).collect();
    let usage = json!({ "input": { "total": "6000" } });
    let stretches = json!([stretch(START, END, &prepaid(json!("block")), &usage, "12")]);
    let given = statement(stretches, serde_json::to_value(taken).unwrap());
    let bill = load(&given).bill().unwrap();
    grants.sort_by_key(Grant::burn_key);
    let expected: Vec<_> = grants.iter().map(|g| g.terms.id.clone()).collect();
    assert_eq!(bill.grants.iter().map(|g| g.id.clone()).collect::<Vec<_>>(), expected);
    let rules: Vec<_> = bill.grants.iter().map(|g| json!(g.why)).collect();
    assert_eq!(rules[0], json!({ "rule": "first" }));
    assert_eq!(rules[1], json!({ "rule": "expiry", "after": "a" }));
    let rules: Vec<_> = rules.iter().map(|why| why["rule"].as_str().unwrap()).collect();
    let expected = ["first", "expiry", "expiry", "kind", "kind", "id", "effective_at", "priority"];
    assert_eq!(rules, expected);
    let first = json!(bill.grants[0]);
    assert_eq!((first["burned"].clone(), first["left"].clone()), (json!("1.5"), json!("50")));
    // 12 credits used, all of them covered: nothing is due.
    assert_eq!(bill.invoice.as_ref().unwrap().totals.due.to_string(), "0.00");
}
