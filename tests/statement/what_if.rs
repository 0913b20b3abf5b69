//! What if: each side is the bill of a statement of that use and that plan, made another way.

use std::collections::BTreeMap;

use edgemeter::invoice::Invoice;
use edgemeter::plan::Plan;
use edgemeter::statement::{Outcome, Scenario, Side, StatementError};
use edgemeter::units::{Quantity, Timestamp};
use serde_json::{Value, json};

use crate::given::{
    DAY, END, START, every_model, every_usage, load, one, overage, prepaid, statement, stretch,
};

/// What a side and an invoice both say.
fn of_side(side: &Side) -> Value {
    let lines =
        side.lines.iter().map(|line| json!([line.id, line.quantity, line.credits, line.amount]));
    json!([lines.collect::<Vec<_>>(), side.totals, side.credits.used, side.credits.covered])
}

fn of_invoice(invoice: &Invoice) -> Value {
    let lines = invoice.lines.iter();
    let lines =
        lines.map(|line| json!([line.id, line.quantity, line.credits, line.settled.amount]));
    let lines: Vec<_> = lines.collect();
    json!([lines, invoice.totals, invoice.credits.used, invoice.credits.covered])
}

fn billed(given: &Value) -> Value {
    of_invoice(&load(given).bill().unwrap().invoice.unwrap())
}

fn ask(given: &Value, scenario: &Scenario<'_>) -> Outcome {
    load(given).what_if(scenario).unwrap_or_else(|error| panic!("{error}"))
}

fn plan(json: &Value) -> Plan {
    Plan::parse(&json.to_string()).unwrap_or_else(|error| panic!("{error}"))
}

fn quantity(text: &str) -> Quantity {
    text.parse().unwrap()
}

#[test]
fn with_nothing_asked_for_both_sides_are_the_bill() {
    let used = json!({ "input": { "total": "20000" }, "output": { "total": "9000" } });
    let paid = json!([{ "id": "a", "kind": "paid", "priority": 1, "amount": "50", "left": "7",
                        "burned": "30", "effective_at": START }]);
    let prepaid = stretch(START, END, &prepaid(overage()), &used, "30");
    for given in [one(), statement(json!([prepaid]), paid)] {
        let today = plan(&given["stretches"][0]["plan"]);
        for scenario in [
            Scenario::default(),
            Scenario { plan: Some(&today), ..Scenario::default() },
            Scenario { projected: Some(Timestamp::from_millis(END)), ..Scenario::default() },
        ] {
            let outcome = ask(&given, &scenario);
            assert_eq!(outcome.today, outcome.other);
            assert_eq!(of_side(&outcome.today), billed(&given));
            assert_eq!(outcome.difference.map(|of| of.to_string()).as_deref(), Some("0"));
            assert!(outcome.unpriced.is_empty() && outcome.unmeasured.is_empty());
        }
    }
}

/// A text of whole thousandths, times hundredths: exact, in integers.
fn times(thousandths: u64, hundredths: u64) -> String {
    let units = u128::from(thousandths) * u128::from(hundredths);
    let text = format!("{}.{:05}", units / 100_000, units % 100_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[test]
fn each_side_is_the_bill_of_its_own_use() {
    let mut seed: u64 = std::env::var("SEED").map_or(11, |seed| seed.parse().unwrap());
    let mut below = |bound: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % bound
    };
    let totals = ["per_unit", "package", "graduated", "volume", "stairstep", "dynamic", "least"];
    for round in 0..200 {
        let all = 10 + below(990);
        let (mut used, mut scaled) = (every_usage(), every_usage());
        let mut factors = BTreeMap::new();
        used["percentage"]["events"]["events"] = json!(2);
        used["percentage"]["events"]["value"] = json!("150");
        used["percentage"]["events"]["cut"] = json!("0");
        scaled["percentage"] = used["percentage"].clone();
        // Single events are not a matter of proportion: they stay as they are.
        factors.insert("percentage".parse().unwrap(), quantity("1"));
        for charge in totals {
            let (of, mut factor) = (below(500_000), all);
            if below(2) == 0 {
                factor = 10 + below(990);
                factors.insert(charge.parse().unwrap(), quantity(&times(factor * 10, 100)));
            }
            used[charge]["total"] = json!(times(of, 100));
            scaled[charge]["total"] = json!(times(of, factor));
        }
        for (hour, of) in [("1793491200000", 9_000), ("1793494800000", 11_000)] {
            scaled["windows"]["windows"][hour] = json!(times(of, all));
        }
        for (index, of) in [(0, 100_000), (1, 3_000)] {
            scaled["matrix"]["combinations"][index][1] = json!(times(of, all));
        }
        let given =
            |used| statement(json!([stretch(START, END, &every_model(), used, "0")]), json!([]));
        let scenario =
            Scenario { all: quantity(&times(all * 10, 100)), factors, ..Scenario::default() };
        let outcome = ask(&given(&used), &scenario);
        assert_eq!(of_side(&outcome.today), billed(&given(&scaled)), "round {round}: {scenario:?}");
    }
}

/// Another price of each charge, another fee, another commit.
fn other_plan() -> Value {
    let mut other = every_model();
    other["id"] = json!("other");
    other["charges"][0]["price"]["unit_price"] = json!("0.5");
    other["charges"][8]["price"]["default"] = json!("0.9");
    other["fees"][0]["amount"] = json!("99");
    other["commit"]["amount"] = json!("100");
    other
}

#[test]
fn another_plan_bills_the_whole_period() {
    let (other, scenario) = (plan(&other_plan()), Scenario::default());
    let scenario = Scenario { plan: Some(&other), ..scenario };
    let outcome = ask(&one(), &scenario);
    let under = |part| statement(json!([part]), json!([]));
    let whole = under(stretch(START, END, &other_plan(), &every_usage(), "0"));
    assert_eq!(of_side(&outcome.today), billed(&one()));
    assert_eq!(of_side(&outcome.other), billed(&whole));
    let spends = [&outcome.today, &outcome.other].map(|side| side.spend.unwrap());
    assert_eq!(outcome.difference, Some(spends[1].minus(spends[0]).unwrap()));
    // Two plans in the period: their use is added up.
    let (middle, half) = (START + 10 * DAY, json!({ "per_unit": { "total": "617.25" } }));
    let mut first = every_model();
    first["version"] = json!(9);
    let parts = json!([
        stretch(START, middle, &first, &half, "0"),
        stretch(middle, END, &every_model(), &half, "0"),
    ]);
    let outcome = ask(&statement(parts, json!([])), &scenario);
    let used = json!({ "per_unit": { "total": "1234.5" } });
    let whole = under(stretch(START, END, &other_plan(), &used, "0"));
    assert_eq!(of_side(&outcome.other), billed(&whole));
}

#[test]
fn another_commit_changes_the_true_up_and_what_follows_from_it() {
    let lines = |side: &Side| {
        let lines = side.lines.iter().filter(|line| line.id.as_str() != "commit");
        lines.cloned().collect::<Vec<_>>()
    };
    for least in ["0", "0.01", "331.31", "331.32", "900", "1000.5", "123456"] {
        let mut given = one();
        given["stretches"][0]["plan"]["commit"] =
            if least == "0" { Value::Null } else { json!({ "amount": least }) };
        let commit = Some(least.parse().unwrap());
        let outcome = ask(&one(), &Scenario { commit, ..Scenario::default() });
        assert_eq!(of_side(&outcome.other), billed(&given), "{least}");
        assert_eq!(of_side(&outcome.today), billed(&one()), "{least}");
        assert_eq!(lines(&outcome.other), lines(&outcome.today), "{least}");
        // On top of another plan, too.
        let mut under = other_plan();
        under["commit"] = given["stretches"][0]["plan"]["commit"].clone();
        let other = plan(&other_plan());
        let scenario = Scenario { commit, plan: Some(&other), ..Scenario::default() };
        let part = stretch(START, END, &under, &every_usage(), "0");
        let expected = billed(&statement(json!([part]), json!([])));
        assert_eq!(of_side(&ask(&one(), &scenario).other), expected, "{least}");
    }
}

#[test]
fn fees_that_were_billed_ahead_are_of_the_period_all_the_same() {
    let mut given = one();
    given["ahead"] = json!(1);
    given["billed_ahead"] = json!([{ "id": "access", "name": "access", "plan": "all", "version": 3,
        "service": { "start": START, "end": END }, "amount": "49" }]);
    assert_eq!(of_side(&ask(&given, &Scenario::default()).today), billed(&one()));
    assert_ne!(billed(&given), billed(&one()));
}

/// Use in credits, the grants that there are, and what both come to.
struct Credit {
    input: &'static str,
    factor: &'static str,
    at_zero: Value,
    /// used, covered, overage, needed, free, bought, spend
    expected: [&'static str; 7],
}

#[test]
fn credits_come_from_what_is_left_and_free_ones_count_first() {
    let block = || json!("block");
    let cases = [
        // 40 credits, 60 of them left: 0.05 each, but the first 25 were free.
        Credit {
            input: "20000",
            factor: "1",
            at_zero: block(),
            expected: ["40", "40", "0", "0", "25", "15", "0.75"],
        },
        // Half of it was free.
        Credit {
            input: "20000",
            factor: "0.5",
            at_zero: block(),
            expected: ["20", "20", "0", "0", "20", "0", "0"],
        },
        Credit {
            input: "20000",
            factor: "2.5",
            at_zero: block(),
            expected: ["100", "100", "0", "0", "25", "75", "3.75"],
        },
        // 20 more than there are: they would have to be bought.
        Credit {
            input: "20000",
            factor: "3",
            at_zero: block(),
            expected: ["120", "100", "0", "20", "25", "95", "4.75"],
        },
        // The same onto the invoice: 20 × 0.06, and 75 × 0.05.
        Credit {
            input: "20000",
            factor: "3",
            at_zero: overage(),
            expected: ["120", "100", "20", "0", "25", "75", "4.95"],
        },
    ];
    for Credit { input, factor, at_zero, expected } in cases {
        let used = json!({ "input": { "total": input } });
        let part = stretch(START, END, &prepaid(at_zero), &used, "40");
        let grants = json!([
            { "id": "a", "kind": "included", "priority": 1, "amount": "25", "left": "0",
              "burned": "25", "effective_at": START, "of_plan": "monthly" },
            { "id": "b", "kind": "paid", "priority": 2, "amount": "75", "left": "60",
              "burned": "15", "effective_at": START },
        ]);
        let scenario = Scenario { all: quantity(factor), ..Scenario::default() };
        let side = ask(&statement(json!([part]), grants), &scenario).today;
        let of = side.credits;
        let got = [of.used, of.covered, of.overage, of.needed, of.free, of.bought];
        let mut got: Vec<String> = got.iter().map(ToString::to_string).collect();
        got.push(side.spend.unwrap().to_string());
        assert_eq!(got, expected, "{factor}");
        assert_eq!(side.lines[0].unit_price.unwrap().to_string(), "0.002");
    }
}

#[test]
fn another_prepaid_plan_brings_its_own_credits_and_leaves_those_of_today() {
    let used = json!({ "input": { "total": "100000" } });
    let part = stretch(START, END, &prepaid(json!("block")), &used, "120");
    let grants = json!([
        { "id": "a", "kind": "included", "priority": 1, "amount": "100", "left": "0",
          "burned": "100", "effective_at": START, "of_plan": "monthly" },
        { "id": "b", "kind": "paid", "priority": 2, "amount": "30", "left": "10",
          "burned": "20", "effective_at": START },
    ]);
    let mut other = prepaid(json!("block"));
    other["id"] = json!("larger");
    other["credits"]["grants"] = json!([{ "id": "x", "amount": "110" }]);
    other["charges"][0]["price"]["unit_price"] = json!("0.0015");
    let other = plan(&other);
    let given = statement(json!([part]), grants);
    let side = ask(&given, &Scenario { plan: Some(&other), ..Scenario::default() }).other;
    // 150 used: 110 of the plan and 30 that were bought; 10 are missing, and 40 cost 0.05 each.
    let expected = json!({ "used": "150", "covered": "140", "overage": "0", "needed": "10",
        "free": "110", "bought": "40" });
    assert_eq!(json!(side.credits), expected);
    assert_eq!(side.spend.unwrap().to_string(), "2");
}

#[test]
fn use_without_a_price_and_prices_without_use_are_named() {
    let mut other = every_model();
    other["id"] = json!("other");
    let charges = other["charges"].as_array_mut().unwrap();
    // The same meter under another name, told apart no more.
    charges[8] = json!({ "id": "any_model", "unit": "currency", "meter": "models",
        "price": { "model": "per_unit", "unit_price": "2" } });
    charges[0] = json!({ "id": "new", "unit": "currency",
        "price": { "model": "per_unit", "unit_price": "2" } });
    let other = plan(&other);
    let outcome = ask(&one(), &Scenario { plan: Some(&other), ..Scenario::default() });
    assert_eq!(json!([outcome.unpriced, outcome.unmeasured]), json!([["per_unit"], ["new"]]));
    let line = outcome.other.lines.iter().find(|line| line.id.as_str() == "any_model").unwrap();
    assert_eq!(json!([line.quantity, line.amount, line.unit_price]), json!(["103", "206.00", "2"]));
}

#[test]
fn single_events_under_other_terms_are_taken_as_the_average_one() {
    let mut other = every_model();
    other["id"] = json!("other");
    // Seven events of 900 in all: 128.57… each. One is free, the others pay 3 percent, at least 5.
    other["charges"][5]["price"] = json!({ "model": "percentage", "percent": "3",
        "free_events": 1, "minimum": "5" });
    let other = plan(&other);
    let outcome = ask(&one(), &Scenario { plan: Some(&other), ..Scenario::default() });
    let line = outcome.other.lines.iter().find(|line| line.id.as_str() == "percentage").unwrap();
    assert_eq!(line.amount.unwrap().to_string(), "30.00");
}

#[test]
fn a_plan_without_a_currency_is_compared_in_credits() {
    let mut plain = prepaid(json!("block"));
    plain.as_object_mut().unwrap().remove("currency");
    plain["credits"].as_object_mut().unwrap().remove("value");
    plain["fees"] = json!([{ "id": "access", "amount": "3", "unit": "credits" }]);
    let used = json!({ "input": { "total": "20000" } });
    let grants = json!([{ "id": "b", "kind": "paid", "priority": 2, "amount": "75", "left": "20",
        "burned": "43", "effective_at": START }]);
    let given = statement(json!([stretch(START, END, &plain, &used, "43")]), grants);
    let side = ask(&given, &Scenario { all: quantity("2"), ..Scenario::default() }).other;
    assert_eq!((side.currency, side.totals, side.spend), (None, None, None));
    let expected = json!({ "used": "83", "covered": "63", "overage": "0", "needed": "20",
        "free": "0", "bought": "83" });
    assert_eq!(json!(side.credits), expected);
    let lines: Vec<_> =
        side.lines.iter().map(|l| format!("{} {}", l.id, l.credits.unwrap())).collect();
    assert_eq!(lines, ["input 80", "output 0", "access 3"]);
    assert_eq!(json!(load(&given).bill().unwrap().no_invoice.unwrap().code), "invoice_no_currency");
}

#[test]
fn what_cannot_be_compared_is_refused() {
    let with = |change: &dyn Fn(&mut Value)| {
        let mut other = every_model();
        other["id"] = json!("other");
        change(&mut other);
        let other = plan(&other);
        let scenario = Scenario { plan: Some(&other), ..Scenario::default() };
        load(&one()).what_if(&scenario).map_or_else(|error| error.code(), |_| "ok")
    };
    assert_eq!(with(&|_| ()), "ok");
    assert_eq!(with(&|other| other["period"] = json!("P1Y")), "what_if_other_cadence");
    assert_eq!(with(&|other| other["currency"] = json!("USD")), "invoice_currency_differs");
    let matrix = json!({ "model": "matrix", "entries": [
        { "when": { "model": "a" }, "unit_price": "1" } ] });
    assert_eq!(with(&|other| other["charges"][0]["price"] = matrix.clone()), "what_if_other_use");
    let percent = json!({ "model": "percentage", "percent": "1" });
    assert_eq!(with(&|other| other["charges"][0]["price"] = percent.clone()), "what_if_other_use");
    let more =
        json!({ "id": "desks", "event_type": "d", "aggregation": "latest", "property": "/n" });
    let seats = |other: &mut Value| {
        other["meters"].as_array_mut().unwrap().push(more.clone());
        other["fees"][1]["meter"] = json!("desks");
    };
    assert_eq!(with(&seats), "statement_no_seats");
    let code = |scenario: &Scenario<'_>| load(&one()).what_if(scenario).map_err(|e| e.code()).err();
    let factors = BTreeMap::from([("bottles".parse().unwrap(), Quantity::ONE)]);
    let scenario = Scenario { factors, ..Scenario::default() };
    assert_eq!(code(&scenario), Some("statement_unknown_charge"));
    let scenario = Scenario { commit: Some("-1".parse().unwrap()), ..Scenario::default() };
    assert!(matches!(load(&one()).what_if(&scenario), Err(StatementError::Plan(_))));
    let scenario = Scenario { all: quantity("9999999999999999"), ..Scenario::default() };
    assert!(code(&scenario).is_some());
}
