//! Periods that must close and be billed, whatever was told in them.

use edgemeter::calendar::{Zone, ZoneSpec};
use edgemeter::ledger::{BillingTerms, Entry, PERIODS_CLOSED_MAX, Session, TERMS_MAX};
use edgemeter::plan::Plan;
use edgemeter::statement::retry;
use edgemeter::units::Timestamp;
use serde_json::Value;

use crate::billing::{BLOCK, DAY, ONE, OVERAGE, book, closes, daily, entries, run};
use crate::book::Book;

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

/// The plan that cannot be read is named, also where another one is today's.
#[test]
fn a_former_plan_that_cannot_be_read_is_named() {
    let old = daily(2, ONE, OVERAGE).replace(r#""id":"p""#, r#""id":"old""#);
    let free = daily(3, ONE, BLOCK).replace(r#""currency":"USD","#, "");
    let free = free.replace(r#""value":"0.01","#, "");
    let mut book = book(&[daily(1, ONE, OVERAGE), free]);
    let plan = Plan::parse(&old).unwrap();
    let at = Timestamp::from_millis(1);
    book.visit(at, |session, _| session.change_plan(&plan, "{}".to_owned())).unwrap();
    assert_eq!(run(&mut book, "2 follow 1"), None, "it asks for no currency");
    let mut session = Session::start(&mut book.ledger, Timestamp::from_millis(3)).unwrap();
    let refused = session.change_plan(&Plan::parse(&daily(1, ONE, OVERAGE)).unwrap(), old);
    let message = refused.unwrap_err().to_string();
    assert!(message.starts_with("version 2 of plan old was published"), "{message}");
}

fn kept(book: &Book, index: usize) -> (Value, &str) {
    let kept = &book.invoices[index];
    (serde_json::from_str(&kept.text).unwrap(), &kept.summary.status)
}

/// Whatever keeps a statement from being made, the account goes on: the period is closed, and what
/// its invoice would need is kept with the reason.
#[test]
fn a_period_closes_whatever_its_plans_make_of_it() {
    let fee = r#""fees":[{"id":"seat","amount":"7","every":"P1D","timing":"advance"}],"charges""#;
    let billed = daily(2, ONE, OVERAGE).replace(r#""charges""#, fee);
    let dear = r#"{"model":"per_unit","unit_price":"1000"}"#;
    let mut book = book(&[daily(1, dear, OVERAGE), billed.clone()]);
    run(&mut book, "1000 debit o1 5");
    // More was served than any price can be put on: it was free.
    run(&mut book, "1001 owe o2 999999999999999");
    run(&mut book, &format!("{DAY} debit o3 4"));
    // A plan that a later version of the program does not read.
    let plan = Plan::parse(&billed).unwrap();
    let unread = "{}".to_owned();
    let at = Timestamp::from_millis(DAY + 1);
    book.visit(at, |session, _| session.change_plan(&plan, unread)).unwrap();
    let mut session = Session::start(&mut book.ledger, at).unwrap();
    let refused =
        session.change_plan(&Plan::parse(&daily(1, ONE, OVERAGE)).unwrap(), String::new());
    assert_eq!(refused.unwrap_err().code(), "plan_unread", "its currency is not known");
    run(&mut book, &format!("{} visit", 3 * DAY));
    assert_eq!(closes(&book).len(), 3);
    for (index, code) in [(0, "amount_not_exact"), (1, "missing_field"), (2, "missing_field")] {
        let (text, status) = kept(&book, index);
        assert_eq!(status, "none", "{index}: {text}");
        assert_eq!(text["bill"]["no_invoice"]["code"], code, "{index}");
        assert!(text["statement"].is_null() && text["book"]["parts"].is_array());
        assert!(retry(&book.invoices[index].text, true).is_err(), "nothing has changed");
    }
    assert_eq!(kept(&book, 1).0["book"]["parts"][0]["overage"], "4000");
    // The next version reads it.
    let mut text = kept(&book, 1).0;
    text["book"]["parts"][1]["plan_json"] = Value::from(billed);
    for (is_last, total) in [(true, "94.00"), (false, "87.00")] {
        let retried = retry(&text.to_string(), is_last).unwrap().unwrap();
        assert_eq!(retried.summary.total.as_deref(), Some(total), "fees in advance: {is_last}");
        assert_eq!((retried.summary.index, retried.summary.status.as_str()), (1, "finalized"));
        assert_eq!(retry(&retried.text, is_last), Ok(None), "it has one");
        // The row that says so changes nothing else.
        let before = book.ledger.clone();
        book.bill(1, &retried);
        assert!(book.ledger == before, "nothing moves");
        run(&mut book, &format!("{} visit", 3 * DAY));
        let (row, _, entry) = entries(&book).pop().unwrap();
        let Entry::PeriodBilled { closed } = entry else { panic!("{entry:?}") };
        assert_eq!((closed.index, closed.invoice, closed.row), (1, retried.hash, row));
    }
}

#[test]
fn a_clock_that_jumps_leaves_the_rest_to_the_next_calls() {
    let mut book = book(&[daily(1, ONE, OVERAGE)]);
    for command in ["1 grant g 9 rollover=1..9", "2 debit o1 3", "3 reserve r1 2 until=80000000"] {
        assert_eq!(run(&mut book, command), None, "{command}");
    }
    let (days, most) = (1_000, i64::from(PERIODS_CLOSED_MAX));
    let now = Timestamp::from_millis(days * DAY);
    let mut calls = Vec::new();
    while book.ledger.is_period_over(now) {
        let first = book.ledger.period().unwrap().index;
        while book.ledger.closes_another(now, first) {
            // One period a visit: what comes next is due at its end.
            let end = book.ledger.period().unwrap().end;
            book.row(&format!("{end} visit"));
        }
        calls.push(i64::from(book.ledger.period().unwrap().index - first));
    }
    assert_eq!(calls, [most, most, days - 2 * most]);
    let expected: Vec<_> = (0..days).map(|index| (index as i32, (index + 1) * DAY)).collect();
    let closed: Vec<_> = closes(&book).iter().map(|(index, at, _)| (*index, *at)).collect();
    assert_eq!(closed, expected, "each once, at its end");
    assert!(book.ledger.remembered_terms().count() <= TERMS_MAX + 1);
    // Terms that are long forgotten are in nobody's way.
    run(&mut book, &format!("{} debit o2 1", days * DAY));
    run(&mut book, &format!("{} owe o3 1 terms=0", days * DAY));
    assert_eq!(book.statement().stretches[0].usage.values().count(), 1);
}

/// What is due at the boundary itself is done after the close, however late somebody looks.
#[test]
fn what_waited_for_a_close_is_done_after_it() {
    let grace = r#"{"grace":{"credits":"9"}}"#;
    for (debit, at, expected) in [
        ("1 debit a 2", DAY, ["period_closed", "grant_expired"]),
        ("1 debit a 2", DAY + 9, ["period_closed", "grant_expired"]),
        ("1 debit a 7", DAY, ["period_closed", "debt_settled"]),
        ("1 debit a 7", DAY + 9, ["period_closed", "debt_settled"]),
    ] {
        let mut book = book(&[daily(1, ONE, grace)]);
        for command in [
            &format!("0 grant ends 5 expires={DAY}"),
            &format!("0 grant starts 5 effective={DAY}"),
            debit,
            &format!("{at} visit"),
        ] {
            assert_eq!(run(&mut book, command), None, "{command}");
        }
        let since: Vec<_> = entries(&book).into_iter().filter(|(_, at, _)| *at >= DAY).collect();
        let kinds = since.iter().map(|(_, _, entry)| serde_json::to_value(entry).unwrap());
        let kinds: Vec<_> = kinds.map(|entry| entry["kind"].as_str().unwrap().to_owned()).collect();
        assert_eq!(kinds, expected, "{debit}, looked at {at}");
    }
}

/// The plans of an open period are remembered for as long as it lasts.
#[test]
fn a_plan_of_months_ago_is_billed_in_its_year() {
    let yearly = |version, price| daily(version, price, OVERAGE).replace("P1D", "P1Y");
    let plans = vec![yearly(1, ONE), yearly(2, r#"{"model":"per_unit","unit_price":"3"}"#)];
    let terms = crate::billing::terms("1970-01-01", "P1Y");
    let mut book = Book::billed(plans, terms, Timestamp::from_millis(0));
    for command in ["1 debit a 5", "2 follow 1", &format!("{} debit b 2", 200 * DAY)] {
        assert_eq!(run(&mut book, command), None, "{command}");
    }
    let told: Vec<_> = book
        .ledger
        .remembered_terms()
        .map(|one| (one.number, one.plan_json.contains(r#""version":1"#)))
        .collect();
    assert_eq!(told, [(0, true), (1, false)], "each by its own plan");
    run(&mut book, &format!("{} visit", 365 * DAY));
    assert_eq!(book.invoices[0].summary.total.as_deref(), Some("0.22"), "5 and 2 × 3, at 0.02");
}

/// Samoa went from 29 to 31 December 2011: the day between has no period, and the account goes on.
#[test]
fn a_day_that_the_wall_leaves_out_is_no_period() {
    let samoa = ZoneSpec {
        name: "Pacific/Apia".to_owned(),
        offset: -600,
        changes: vec![(Timestamp::from_millis(1_325_239_200_000), 840)],
    };
    let zone = Zone::new(samoa).unwrap();
    let terms = BillingTerms { zone, ..crate::billing::terms("2011-12-29", "P1D") };
    let noon = 1_325_239_200_000 - DAY / 2;
    let mut book = Book::billed(vec![daily(1, ONE, OVERAGE)], terms, Timestamp::from_millis(noon));
    run(&mut book, &format!("{} visit", noon + 2 * DAY));
    let closed: Vec<_> = closes(&book).iter().map(|(index, at, _)| (*index, *at)).collect();
    assert_eq!(closed, [(0, noon + DAY / 2), (2, noon + DAY / 2 + DAY)]);
    assert_eq!(book.ledger.period().unwrap().index, 3);
}
