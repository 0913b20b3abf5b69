//! Tables for the steps of an invoice and for credit notes.

use super::super::{Closing, PeriodUsage, Request, Schedule, Stretch, invoice};
use super::*;
use crate::calendar::Zone;
use crate::plan::Plan;
use crate::units::Credits;

/// A draft with one line for each amount, taxed with 19 percent and 1.1 percent.
fn draft(amounts: &[&str]) -> Invoice {
    let charge = |index: usize| {
        format!(
            r#"{{"id":"c{index}","unit":"currency","allow_negative":true,
            "price":{{"model":"per_unit","unit_price":"{}"}}}}"#,
            amounts[index]
        )
    };
    let charges: Vec<String> = (0..amounts.len()).map(charge).collect();
    let plan = format!(
        r#"{{"id":"p","version":1,"currency":"USD","charges":[{}],
            "taxes":[{{"id":"vat","percent":"19"}},{{"id":"city","percent":"1.1"}}]}}"#,
        charges.join(",")
    );
    let plan = Plan::parse(&plan).unwrap();
    let one = || crate::rating::Usage::Total("1".parse().unwrap());
    let usage = plan.charges().iter().map(|charge| (charge.id().clone(), one())).collect();
    let usage = PeriodUsage { charges: usage, ..PeriodUsage::default() };
    let anchor = "2026-06-01".parse().unwrap();
    let schedule = Schedule { anchor, cadence: "P1M".parse().unwrap(), zone: Zone::utc() };
    let period = schedule.period(0).unwrap();
    let covered = Credits::ZERO;
    let stretches = [Stretch { window: period.window, plan: &plan, usage: &usage, covered }];
    let request = Request {
        account: "acme",
        contract: "c".parse().unwrap(),
        schedule: &schedule,
        closing: Some(Closing { period, stretches: &stretches, billed_ahead: &[] }),
        ahead: None,
        credits: &[],
    };
    invoice(&request).unwrap()
}

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

fn cents(minor: i64) -> Money {
    Money::from_minor(minor, "USD".parse().unwrap()).unwrap()
}

type Step = fn(Invoice, Timestamp) -> Result<Invoice, LifecycleError>;
const FINALIZE: Step = Invoice::finalize;
const PAY: Step = Invoice::pay;
const VOID: Step = Invoice::void;

#[test]
fn an_invoice_takes_its_steps_and_no_others() {
    let after = |steps: &[Step]| {
        let walk = |invoice: Invoice, (index, step): (i64, &Step)| step(invoice, at(index));
        (0..).zip(steps).try_fold(draft(&["1"]), walk).map(|invoice| invoice.status)
    };
    for (steps, expected) in [
        (&[][..], Ok(Status::Draft)),
        (&[FINALIZE], Ok(Status::Finalized { at: at(0) })),
        (&[FINALIZE, PAY], Ok(Status::Paid { at: at(1) })),
        (&[FINALIZE, VOID], Ok(Status::Void { at: at(1) })),
        (&[PAY], Err("a draft invoice cannot become paid")),
        (&[VOID], Err("a draft invoice cannot become void")),
        (&[FINALIZE, FINALIZE], Err("a finalized invoice cannot become finalized")),
        (&[FINALIZE, PAY, VOID], Err("a paid invoice cannot become void")),
        (&[FINALIZE, PAY, PAY], Err("a paid invoice cannot become paid")),
        (&[FINALIZE, VOID, PAY], Err("a void invoice cannot become paid")),
    ] {
        let got = after(steps);
        let text = got.as_ref().map_err(ToString::to_string);
        assert_eq!(text.copied(), expected.map_err(str::to_owned));
        if let Err(error) = got {
            assert_eq!(error.code(), "invoice_step");
        }
    }
    let json = serde_json::to_string(&Status::Paid { at: at(7) }).unwrap();
    assert_eq!(json, r#"{"state":"paid","at":7}"#);
}

#[test]
fn notes_give_back_what_is_left_and_no_more() {
    let sent = draft(&["10", "-4"]).finalize(at(0)).unwrap();
    let credit = |earlier: &[CreditNote], parts: &[(usize, Money)]| {
        sent.credit(earlier, parts, "too much", at(1))
    };
    let first = credit(&[], &[(0, cents(333))]).unwrap();
    assert_eq!((first.net, first.tax, first.total), (cents(333), cents(67), cents(400)));
    assert_eq!((first.index, first.reason.as_str()), (0, "too much"));
    assert_eq!(first.lines[0].id.as_str(), "c0");
    for (earlier, parts, expected) in [
        (&[][..], &[(0, cents(1_001))][..], "line 0 has 10.00 left to credit, not 10.01"),
        (&[], &[(0, cents(0))], "line 0 has 10.00 left to credit, not 0.00"),
        (&[], &[(0, cents(-1))], "line 0 has 10.00 left to credit, not -0.01"),
        (&[], &[(1, cents(1))], "line 1 has -4.00 left to credit, not 0.01"),
        (&[], &[(1, cents(-401))], "line 1 has -4.00 left to credit, not -4.01"),
        (
            std::slice::from_ref(&first),
            &[(0, cents(668))],
            "line 0 has 6.67 left to credit, not 6.68",
        ),
        (&[], &[(0, cents(600)), (0, cents(401))], "line 0 has 4.00 left to credit, not 4.01"),
        (&[], &[(2, cents(1))], "invoice has no line 2"),
    ] {
        let error = credit(earlier, parts).unwrap_err();
        assert!(error.to_string().starts_with(expected), "{error}");
    }
    let both = credit(std::slice::from_ref(&first), &[(0, cents(667)), (1, cents(-400))]).unwrap();
    assert_eq!((both.index, both.net), (1, cents(267)));
    assert_eq!(credit(&[], &[(5, cents(1))]).unwrap_err().code(), "invoice_no_such_line");
    assert_eq!(credit(&[], &[(0, cents(0))]).unwrap_err().code(), "credit_note_amount");
}

#[test]
fn only_what_was_sent_can_be_corrected() {
    let credit = |invoice: Invoice| {
        invoice.credit(&[], &[(0, cents(1))], "", at(1)).map(|_| ()).map_err(|e| e.to_string())
    };
    let sent = || draft(&["10"]).finalize(at(0)).unwrap();
    assert!(credit(sent()).is_ok());
    assert!(credit(sent().pay(at(1)).unwrap()).is_ok());
    assert!(credit(sent().void(at(1)).unwrap()).unwrap_err().starts_with("a void invoice has no"));
    let error = draft(&["10"]).credit(&[], &[], "", at(0)).unwrap_err();
    assert_eq!(error.code(), "invoice_not_creditable");
    assert_eq!(LifecycleError::Money(MoneyError::TooLarge).code(), "money_too_large");
}

/// Whatever the parts, all of them together give back the line and its taxes to the cent.
#[test]
fn the_parts_of_a_line_give_back_all_of_it() {
    for step in [1, 7, 33, 250, 999] {
        let sent = draft(&["9.99", "0.03", "-5.55"]).finalize(at(0)).unwrap();
        let mut notes: Vec<CreditNote> = Vec::new();
        for (index, line) in sent.lines.iter().enumerate() {
            let mut left = line.settled.net;
            while !left.is_zero() {
                let part = left.minor().abs().min(step) * left.minor().signum();
                notes.push(sent.credit(&notes, &[(index, cents(part))], "", at(1)).unwrap());
                left = left.minus(cents(part)).unwrap();
            }
        }
        let sum =
            |part: fn(&CreditNote) -> Money| notes.iter().map(|n| part(n).minor()).sum::<i64>();
        assert_eq!(sum(|note| note.net), sent.totals.net.minor(), "step {step}");
        assert_eq!(sum(|note| note.tax), sent.totals.tax.minor(), "step {step}");
        assert_eq!(sum(|note| note.total), sent.totals.total.minor(), "step {step}");
    }
}
