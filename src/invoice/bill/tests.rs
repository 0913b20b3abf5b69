//! Tables for invoices: lines by plan, stretch and period; and the laws of splitting and preview.

mod ahead;

use std::collections::BTreeMap;

use super::*;
use crate::calendar::{Period, Schedule, Zone};
use crate::invoice::{Ahead, BilledFee, Line, Payment, PeriodUsage};
use crate::meter::parse_rfc3339;
use crate::units::Timestamp;

/// June 2026: 30 days.
fn schedule() -> Schedule {
    let anchor = "2026-06-01".parse().unwrap();
    Schedule { anchor, cadence: "P1M".parse().unwrap(), zone: Zone::utc() }
}

fn june() -> Period {
    schedule().period(0).unwrap()
}

/// A plan of version 1 with these fields.
fn plan(fields: &str) -> Plan {
    versioned("p", 1, fields)
}

fn versioned(id: &str, version: u32, fields: &str) -> Plan {
    let json = format!(r#"{{"id":"{id}","version":{version},"currency":"USD",{fields}}}"#);
    Plan::parse(&json).unwrap_or_else(|error| panic!("{error}: {json}"))
}

const CALLS: &str = r#""charges":[{"id":"calls","name":"Calls","unit":"currency",
    "price":{"model":"per_unit","unit_price":"0.01"}}]"#;

fn used(charges: &[(&str, &str)]) -> PeriodUsage {
    let state = |quantity: &str| Usage::Total(quantity.parse().unwrap());
    let charges = charges.iter().map(|(id, q)| (id.parse().unwrap(), state(q))).collect();
    PeriodUsage { charges, seats: BTreeMap::new() }
}

fn at(text: &str) -> Timestamp {
    parse_rfc3339(text).unwrap()
}

fn part(from: &str, to: &str) -> Window {
    let midnight = |day: &str| at(&format!("2026-{day}T00:00:00Z"));
    Window::new(midnight(from), midnight(to)).unwrap()
}

fn stretch<'a>(plan: &'a Plan, usage: &'a PeriodUsage, window: Window) -> Stretch<'a> {
    Stretch { window, plan, usage, covered: Credits::ZERO }
}

fn request<'a>(schedule: &'a Schedule, closing: Option<Closing<'a>>) -> Request<'a> {
    let contract = "c".parse().unwrap();
    Request { account: "acme", contract, schedule, closing, ahead: None, credits: &[] }
}

fn bill(stretches: &[Stretch<'_>], earlier: &[Line]) -> Result<Invoice, InvoiceError> {
    let (schedule, billed_ahead) = (schedule(), &BilledFee::among(earlier));
    let closing = Closing { period: june(), stretches, billed_ahead };
    invoice(&request(&schedule, Some(closing)))
}

/// `kind id amount (formula)` for each line, then `= total`.
fn print(invoice: &Invoice) -> Vec<String> {
    let line = |line: &Line| {
        let kind = serde_json::to_string(&line.kind).unwrap().replace('"', "");
        let formula = line.formula.as_ref().map_or(String::new(), |f| format!(" ({f})"));
        format!("{kind} {} {}{formula}", line.id, line.settled.amount)
    };
    let mut lines: Vec<String> = invoice.lines.iter().map(line).collect();
    lines.push(format!("= {}", invoice.totals.total));
    lines
}

#[track_caller]
fn check(plan: &Plan, usage: &PeriodUsage, expected: &[&str]) {
    let stretches = [stretch(plan, usage, june().window)];
    assert_eq!(print(&bill(&stretches, &[]).unwrap()), expected);
}

#[test]
fn a_period_has_its_use_its_fees_and_what_is_missing() {
    let calls = used(&[("calls", "1050.55")]);
    check(&plan(CALLS), &calls, &["usage calls 10.51", "= 10.51"]);
    check(&plan(CALLS), &used(&[]), &["usage calls 0.00", "= 0.00"]);
    check(
        &plan(&format!(r#"{CALLS},"commit":{{"amount":"50"}}"#)),
        &calls,
        &["usage calls 10.51", "true_up commit 39.49 (50.00 − 10.51)", "= 50.00"],
    );
    check(
        &plan(&format!(r#"{CALLS},"commit":{{"amount":"10.51"}}"#)),
        &calls,
        &["usage calls 10.51", "= 10.51"],
    );
    check(
        &plan(
            r#""fees":[{"id":"seats","amount":"9.99","quantity":"3"},
                {"id":"base","amount":"5","timing":"arrears"}],
            "commit":{"amount":"40","lines":["seats"]}"#,
        ),
        &used(&[]),
        &[
            "fee base 5.00 (5)",
            "fee seats 29.97 (9.99 × 3)",
            "true_up commit 10.03 (40.00 − 29.97)",
            "= 45.00",
        ],
    );
}

#[test]
fn a_usage_line_says_how_many_units() {
    let plan = plan(CALLS);
    let of = |usage: &PeriodUsage| {
        bill(&[stretch(&plan, usage, june().window)], &[]).unwrap().lines[0].quantity.unwrap()
    };
    assert_eq!(of(&used(&[("calls", "1050.55")])).to_string(), "1050.55");
    assert_eq!(of(&used(&[])), Quantity::ZERO);
    // Of a use that has parts, all of them.
    let mut windows = used(&[]);
    let hours = [(0, "1.5"), (3_600_000, "2")];
    let hours = hours.map(|(at, n)| (Timestamp::from_millis(at), n.parse().unwrap()));
    windows.charges.insert("calls".parse().unwrap(), Usage::Windows(hours.into()));
    assert_eq!(quantity(&windows.charges[&"calls".parse().unwrap()]).unwrap().to_string(), "3.5");
}

#[test]
fn fees_with_their_own_cadence_are_billed_whole() {
    let fees = |timing: &str, every: &str, proration: &str| {
        plan(&format!(
            r#""fees":[{{"id":"f","amount":"7","timing":"{timing}","every":"{every}",
                "proration":"{proration}"}}]"#
        ))
    };
    let weekly = ["fee f 7.00 (7)"; 5];
    let begun = [&weekly[..], &["= 35.00"]].concat();
    check(&fees("advance", "P1W", "days"), &used(&[]), &begun);
    // Four weeks end in June, on the 8th, 15th, 22nd and 29th.
    let ended = [&weekly[..4], &["= 28.00"]].concat();
    check(&fees("arrears", "P1W", "days"), &used(&[]), &ended);
    check(&fees("advance", "P1Y", "days"), &used(&[]), &["fee f 7.00 (7)", "= 7.00"]);
    check(&fees("arrears", "P1Y", "days"), &used(&[]), &["= 0.00"]);
    check(&fees("arrears", "P30D", "days"), &used(&[]), &["fee f 7.00 (7)", "= 7.00"]);
    // Without proration a stretch without the step's start, or end, has no fee.
    let (first, last) = (part("06-01", "06-11"), part("06-11", "07-01"));
    for (timing, expected) in [("advance", ["7.00", "0.00"]), ("arrears", ["0.00", "7.00"])] {
        let plan = fees(timing, "P1M", "none");
        let unused = used(&[]);
        let of = |window| bill(&[stretch(&plan, &unused, window)], &[]).unwrap().totals.total;
        assert_eq!([of(first), of(last)].map(|t| t.to_string()), expected, "{timing}");
    }
}

#[test]
fn a_part_without_a_day_has_no_prorated_fee() {
    let plan = plan(r#""fees":[{"id":"f","amount":"30","timing":"arrears"}]"#);
    let unused = used(&[]);
    let hours = ["06-01T00", "06-01T06", "06-01T12", "07-01T00"];
    let instants = hours.map(|hour| at(&format!("2026-{hour}:00:00Z")));
    let stretches: Vec<_> = instants
        .windows(2)
        .map(|pair| stretch(&plan, &unused, Window::new(pair[0], pair[1]).unwrap()))
        .collect();
    let invoice = bill(&stretches, &[]).unwrap();
    assert_eq!(print(&invoice), ["fee f 30.00 (30)", "= 30.00"]);
}

#[test]
fn fees_with_more_steps_than_a_bill_can_show_are_refused() {
    let daily = plan(r#""period":"P20Y","fees":[{"id":"f","amount":"1","every":"P1D"}]"#);
    let schedule = Schedule { cadence: "P20Y".parse().unwrap(), ..schedule() };
    let period = schedule.period(0).unwrap();
    let unused = used(&[]);
    let stretches = [stretch(&daily, &unused, period.window)];
    let closing = Closing { period, stretches: &stretches, billed_ahead: &[] };
    let refused = invoice(&request(&schedule, Some(closing))).unwrap_err();
    assert_eq!(refused.code(), "period_too_many_steps");
}

#[test]
fn seats_that_a_meter_counts_are_its_value() {
    let plan = plan(
        r#""meters":[{"id":"users","aggregation":"max","property":"/n"}],
        "fees":[{"id":"f","amount":"4","meter":"users","timing":"arrears"}]"#,
    );
    let mut usage = used(&[]);
    check(&plan, &usage, &["fee f 0.00 (4 × 0)", "= 0.00"]);
    usage.seats.insert("users".parse().unwrap(), "2.5".parse().unwrap());
    check(&plan, &usage, &["fee f 10.00 (4 × 2.5)", "= 10.00"]);
}

#[test]
fn a_change_of_plan_splits_the_period() {
    let fee = |amount: &str| {
        format!(r#"{CALLS},"fees":[{{"id":"f","amount":"{amount}"}}],"commit":{{"amount":"60"}}"#)
    };
    let (old, new) = (versioned("p", 1, &fee("10")), versioned("p", 2, &fee("20")));
    let (first, second) = (used(&[("calls", "100")]), used(&[("calls", "300")]));
    let parts = [
        stretch(&old, &first, part("06-01", "06-11")),
        stretch(&new, &second, part("06-11", "07-01")),
    ];
    let lines = print(&bill(&parts, &[]).unwrap());
    let expected = [
        "usage calls 1.00",
        "fee f 3.33 (10 × 10/30 days)",
        "usage calls 3.00",
        "fee f 13.33 (20 × 20/30 days)",
        // One commit of the period: 60 × 10/30 + 60 × 20/30.
        "true_up commit 39.34 (60.00 − 20.66)",
        "= 60.00",
    ];
    assert_eq!(lines, expected);
    // A contract that begins on the 11th has 20 days of everything.
    let lines = print(&bill(&parts[1..], &[]).unwrap());
    let expected = [
        "usage calls 3.00",
        "fee f 13.33 (20 × 20/30 days)",
        "true_up commit 23.67 (40.00 − 16.33)",
        "= 40.00",
    ];
    assert_eq!(lines, expected);
}

#[test]
fn discounts_and_taxes_of_two_plans_stay_on_their_lines() {
    let rules = |percent: &str| {
        format!(
            r#"{CALLS},"discounts":[{{"id":"d","percent":"{percent}"}}],
            "taxes":[{{"id":"t","percent":"10","lines":["calls"]}}],
            "fees":[{{"id":"f","amount":"30"}}]"#
        )
    };
    let (old, new) = (versioned("p", 1, &rules("50")), versioned("p", 2, &rules("0")));
    let usage = used(&[("calls", "1000")]);
    let parts = [
        stretch(&old, &usage, part("06-01", "06-16")),
        stretch(&new, &usage, part("06-16", "07-01")),
    ];
    let invoice = bill(&parts, &[]).unwrap();
    let nets: Vec<String> = invoice.lines.iter().map(|l| l.settled.net.to_string()).collect();
    // Half of 10.00 and of 15.00 under the old plan, all of it under the new one.
    assert_eq!(nets, ["5.00", "7.50", "10.00", "15.00"]);
    let taxes: Vec<usize> = invoice.lines.iter().map(|l| l.settled.taxes.len()).collect();
    assert_eq!(taxes, [1, 0, 1, 0]);
    assert_eq!(invoice.totals.tax.to_string(), "1.50");
}

const CREDITS: &str = r#""charges":[{"id":"words","unit":"credits",
    "price":{"model":"per_unit","unit_price":"0.3"}}],
    "fees":[{"id":"access","amount":"6","unit":"credits"}]"#;

#[test]
fn credits_cost_no_money_until_they_are_short() {
    let rules = |at_zero: &str| {
        plan(&format!(
            r#"{CREDITS},"credits":{{"value":"0.02","burn_order":"standard","rollover":"none",
                "at_zero":{at_zero}}}"#
        ))
    };
    let overage = r#"{"overage":{"unit_price":"0.025"}}"#;
    let capped = r#"{"overage":{"unit_price":"0.025","cap":"10"}}"#;
    let line = "overage overage 0.53 (21 credits × 0.025)";
    let capped_line = "overage overage 0.25 (10 credits × 0.025)";
    // 100 × 0.3 and 6 for access: 36 credits.
    for (at_zero, covered, expected) in [
        ("\"block\"", "36", None),
        ("\"block\"", "15", None),
        (overage, "36", None),
        (overage, "40", None),
        (overage, "15", Some(line)),
        (capped, "15", Some(capped_line)),
        (capped, "30", Some("overage overage 0.15 (6 credits × 0.025)")),
        (r#"{"grace":{"credits":"50"}}"#, "15", None),
        ("\"restrict\"", "15", None),
    ] {
        let (plan, usage) = (rules(at_zero), used(&[("words", "100")]));
        let covered = covered.parse().unwrap();
        let of = Stretch { covered, ..stretch(&plan, &usage, june().window) };
        let invoice = bill(&[of], &[]).unwrap();
        let found = invoice.lines.iter().find(|line| line.kind == LineKind::Overage);
        assert_eq!(found.is_some(), expected.is_some(), "{at_zero} {covered}");
        if let Some(expected) = expected {
            assert!(print(&invoice).contains(&expected.to_owned()), "{at_zero} {covered}");
        }
        let credits: Vec<_> = invoice.lines.iter().filter_map(|line| line.credits).collect();
        assert_eq!(credits, ["30".parse().unwrap(), "6".parse().unwrap()]);
        assert_eq!(invoice.credits.used, "36".parse().unwrap());
        assert_eq!(invoice.credits.covered, covered);
    }
}

#[test]
fn a_commit_in_credits_is_billed_at_their_value() {
    let plan = plan(&format!(
        r#"{CREDITS},"commit":{{"amount":"100","unit":"credits"}},"credits":{{"value":"0.02",
        "burn_order":"standard","rollover":"none","at_zero":"block"}}"#
    ));
    let usage = used(&[("words", "100")]);
    let lines = print(&bill(&[stretch(&plan, &usage, june().window)], &[]).unwrap());
    assert_eq!(lines.last().unwrap(), "= 1.28");
    assert_eq!(lines[2], "true_up commit 1.28 (2.00 − 0.72)");
}

#[test]
fn requests_that_make_no_invoice_are_refused_by_name() {
    let (plan, usage) = (plan(CALLS), used(&[("calls", "1")]));
    let schedule = schedule();
    let code = |result: Result<Invoice, InvoiceError>| result.unwrap_err().code();
    assert_eq!(code(invoice(&request(&schedule, None))), "nothing_to_bill");
    assert_eq!(code(bill(&[], &[])), "nothing_to_bill");
    let without = Plan::parse(r#"{"id":"p","version":1}"#).unwrap();
    assert_eq!(code(bill(&[stretch(&without, &usage, june().window)], &[])), "invoice_no_currency");
    let euro = Plan::parse(r#"{"id":"p","version":1,"currency":"EUR"}"#).unwrap();
    let two = [
        stretch(&plan, &usage, part("06-01", "06-16")),
        stretch(&euro, &usage, part("06-16", "07-01")),
    ];
    assert_eq!(code(bill(&two, &[])), "invoice_currency_differs");
    for windows in [
        [part("06-01", "06-15"), part("06-16", "07-01")],
        [part("06-01", "06-17"), part("06-16", "07-01")],
        [part("05-31", "06-16"), part("06-16", "07-01")],
        [part("06-01", "06-16"), part("06-16", "07-02")],
    ] {
        let parts = windows.map(|window| stretch(&plan, &usage, window));
        assert_eq!(code(bill(&parts, &[])), "invoice_stretches", "{windows:?}");
    }
    let mut fine = used(&[]);
    fine.charges.insert("calls".parse().unwrap(), Usage::Windows(BTreeMap::new()));
    assert_eq!(code(bill(&[stretch(&plan, &fine, june().window)], &[])), "usage_shape");
}

/// The same use under the same prices costs the same, whether the period is split or not, if the
/// price does not depend on the total.
#[test]
fn a_split_under_one_linear_plan_changes_nothing() {
    let plan = plan(&format!(r#"{CALLS},"commit":{{"amount":"31"}}"#));
    let (first, second, all) =
        (used(&[("calls", "300")]), used(&[("calls", "700")]), used(&[("calls", "1000")]));
    let whole = bill(&[stretch(&plan, &all, june().window)], &[]).unwrap();
    for day in ["06-02", "06-13", "06-30"] {
        let parts = [
            stretch(&plan, &first, part("06-01", day)),
            stretch(&plan, &second, part(day, "07-01")),
        ];
        let split = bill(&parts, &[]).unwrap();
        assert_eq!(split.totals.total, whole.totals.total, "{day}");
    }
}

/// A preview is the invoice of what is known; asked twice, it is the same to the last byte.
#[test]
fn a_preview_is_the_invoice() {
    let plan = plan(CALLS);
    let usage = used(&[("calls", "123.4")]);
    let of = |usage| bill(&[stretch(&plan, usage, june().window)], &[]).unwrap();
    let (preview, later) = (of(&usage), of(&usage));
    let json = |invoice: &Invoice| serde_json::to_string(invoice).unwrap();
    assert_eq!(json(&preview), json(&later));
    let sent = later.finalize(at("2026-07-01T00:00:00Z")).unwrap();
    assert_eq!(sent.lines, preview.lines);
    assert_eq!(sent.totals, preview.totals);
}
