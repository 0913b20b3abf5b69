//! Periods that must close and be billed, whatever was told in them.

use crate::billing::{BLOCK, DAY, ONE, OVERAGE, book, closes, daily, run};

/// An isolate that had no answer serves on, and tells the account of a charge that has no price for
/// a single operation: it is free, on record, and in nobody's way.
#[test]
fn use_that_never_had_a_price_leaves_the_account_open() {
    let share = r#"{"model":"percentage","percent":"1"}"#;
    let mut book = book(&[daily(1, share, BLOCK)]);
    run(&mut book, "1000 owe o1 3");
    assert_eq!(book.statement().bill().unwrap().no_invoice, None);
    run(&mut book, &format!("{} visit", 2 * DAY));
    assert_eq!(closes(&book).len(), 2);
    assert!(book.invoices.iter().all(|kept| kept.summary.status == "finalized"));
}

/// What a plan without a currency bills is in credits: the one that has one says what they cost.
#[test]
fn an_upgrade_from_a_plan_without_a_currency_is_billed() {
    let free = daily(1, ONE, BLOCK);
    let free = free.replace(r#""currency":"USD","#, "").replace(r#""value":"0.01","#, "");
    let mut book = book(&[free, daily(2, ONE, OVERAGE)]);
    run(&mut book, "1000 follow 1");
    run(&mut book, "2000 debit o1 5");
    run(&mut book, &format!("{DAY} visit"));
    let kept = &book.invoices[0].summary;
    assert_eq!((kept.status.as_str(), kept.total.as_deref()), ("finalized", Some("0.10")));
}

/// Each part of a period has a length, and none leaves the period.
#[test]
fn plans_that_change_in_the_last_instant_are_billed() {
    let plans: Vec<String> = (1..=4).map(|version| daily(version, ONE, OVERAGE)).collect();
    let mut book = book(&plans);
    let last = DAY - 1;
    run(&mut book, "1000 debit o0 5");
    for version in 1..=3 {
        run(&mut book, &format!("{last} follow {version}"));
        run(&mut book, &format!("{last} debit o{version} 5"));
    }
    run(&mut book, &format!("{DAY} visit"));
    let kept = &book.invoices[0].summary;
    assert_eq!((kept.status.as_str(), kept.total.as_deref()), ("finalized", Some("0.40")));
}
