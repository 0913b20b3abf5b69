//! What is billed ahead of its period, and corrected when the period turns out otherwise.

use super::*;

#[test]
fn what_was_billed_in_advance_is_corrected() {
    let fee = |amount: &str| format!(r#""fees":[{{"id":"f","amount":"{amount}"}}]"#);
    let (old, new) = (versioned("p", 1, &fee("10")), versioned("p", 2, &fee("20")));
    let (schedule, seats, unused) = (schedule(), BTreeMap::new(), used(&[]));
    let opening = Request {
        ahead: Some(Ahead { period: june(), plan: &old, seats: &seats }),
        ..request(&schedule, None)
    };
    let opening = invoice(&opening).unwrap();
    assert_eq!(print(&opening), ["fee_ahead f 10.00 (10)", "= 10.00"]);
    assert_eq!((opening.id.closes, opening.id.opens), (None, Some(0)));

    let whole = [stretch(&old, &unused, june().window)];
    assert_eq!(print(&bill(&whole, &opening.lines).unwrap()), ["= 0.00"]);
    let changed = [
        stretch(&old, &unused, part("06-01", "06-11")),
        stretch(&new, &unused, part("06-11", "07-01")),
    ];
    let lines = print(&bill(&changed, &opening.lines).unwrap());
    let expected = [
        "fee_correction f -6.67 (10 × 10/30 days − 10.00 billed before)",
        "fee f 13.33 (20 × 20/30 days)",
        "= 6.66",
    ];
    assert_eq!(lines, expected);
    // The new plan was in force from the start after all.
    let replaced = [stretch(&new, &unused, june().window)];
    let lines = print(&bill(&replaced, &opening.lines).unwrap());
    let expected =
        ["fee f 20.00 (20)", "fee_correction f -10.00 (0 − 10.00 billed before)", "= 10.00"];
    assert_eq!(lines, expected);
    // Lines of other kinds are no advance.
    let closed = bill(&whole, &[]).unwrap();
    assert_eq!(print(&bill(&whole, &closed.lines).unwrap()), ["fee f 10.00 (10)", "= 10.00"]);
}

#[test]
fn credits_that_were_taken_in_advance_are_not_taken_twice() {
    let plan = |version, credits| {
        let fee = format!(r#"{{"id":"f","amount":"{credits}","unit":"credits"}}"#);
        let rules = r#"{"burn_order":"standard","rollover":"none","at_zero":"block"}"#;
        versioned("p", version, &format!(r#""fees":[{fee}],"credits":{rules}"#))
    };
    let (old, new) = (plan(1, "30"), plan(2, "60"));
    let (schedule, seats, unused) = (schedule(), BTreeMap::new(), used(&[]));
    let opening = Request {
        ahead: Some(Ahead { period: june(), plan: &old, seats: &seats }),
        ..request(&schedule, None)
    };
    let opening = invoice(&opening).unwrap();
    let credits = |invoice: &Invoice| -> Vec<String> {
        invoice.lines.iter().map(|line| line.credits.unwrap().to_string()).collect()
    };
    assert_eq!(credits(&opening), ["30"]);
    let whole = bill(&[stretch(&old, &unused, june().window)], &opening.lines).unwrap();
    assert_eq!((credits(&whole), whole.credits.used.to_string()), (vec![], "30".to_owned()));
    let changed = [
        stretch(&old, &unused, part("06-01", "06-11")),
        stretch(&new, &unused, part("06-11", "07-01")),
    ];
    let changed = bill(&changed, &opening.lines).unwrap();
    assert_eq!(credits(&changed), ["-20", "40"]);
    assert_eq!(changed.credits.used.to_string(), "50");
    let replaced = bill(&[stretch(&new, &unused, june().window)], &opening.lines).unwrap();
    assert_eq!(credits(&replaced), ["60", "-30"]);
    let formulas = replaced.lines.iter().map(|line| line.formula.clone().unwrap());
    assert_eq!(formulas.collect::<Vec<_>>(), ["60", "0 − 30 billed before"]);
}

#[test]
fn the_period_ahead_is_billed_with_the_one_that_closes() {
    let plan = plan(&format!(
        r#"{CALLS},"fees":[{{"id":"f","amount":"10"}},
            {{"id":"g","amount":"3","timing":"arrears"}}],
        "discounts":[{{"id":"d","percent":"10"}}],"taxes":[{{"id":"t","percent":"20"}}]"#
    ));
    let (schedule, seats, usage) = (schedule(), BTreeMap::new(), used(&[("calls", "500")]));
    let stretches = [stretch(&plan, &usage, june().window)];
    let july = schedule.period(1).unwrap();
    let billed = invoice(&Request {
        ahead: Some(Ahead { period: june(), plan: &plan, seats: &seats }),
        ..request(&schedule, None)
    });
    let billed = billed.unwrap();
    let ahead = BilledFee::among(&billed.lines);
    let closing = Closing { period: june(), stretches: &stretches, billed_ahead: &ahead };
    let both = Request {
        ahead: Some(Ahead { period: july, plan: &plan, seats: &seats }),
        credits: &[Payment {
            id: "deposit".to_owned(),
            amount: Money::from_minor(300, billed.currency).unwrap(),
        }],
        ..request(&schedule, Some(closing))
    };
    let both = invoice(&both).unwrap();
    let expected = ["usage calls 5.00", "fee g 3.00 (3)", "fee_ahead f 10.00 (10)", "= 19.44"];
    assert_eq!(print(&both), expected);
    // (5 + 3 + 10) × 0.9 × 1.2 = 19.44; the discount and the tax of both groups are one.
    assert_eq!((both.totals.discounts.len(), both.totals.taxes.len()), (1, 1));
    assert_eq!(both.totals.due.to_string(), "16.44");
    assert_eq!(both.credit_ids, ["deposit"]);
    assert_eq!((both.id.closes, both.id.opens), (Some(0), Some(1)));
    assert_eq!(both.lines[2].service, july.window);
}
