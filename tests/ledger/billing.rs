//! Billing periods that the calendar ends: when they close, in which order, and what is refused.

use edgemeter::calendar::{Zone, ZoneSpec};
use edgemeter::ledger::{BillingTerms, Entry, Ledger, PERIODS_PAST_MAX, Periods};
use edgemeter::rating::Usage;
use edgemeter::units::Timestamp;

use crate::book::{Book, TIERS, plan};

pub(crate) const DAY: i64 = 86_400_000;
pub(crate) const BLOCK: &str = r#""block""#;
pub(crate) const OVERAGE: &str = r#"{"overage":{"unit_price":"0.02"}}"#;
pub(crate) const ONE: &str = r#"{"model":"per_unit","unit_price":"1"}"#;
pub(crate) const THREE: &str = r#"{"model":"per_unit","unit_price":"3"}"#;

pub(crate) fn daily(version: u32, price: &str, at_zero: &str) -> String {
    plan(version, price, at_zero).replacen('{', r#"{"period":"P1D","#, 1)
}

pub(crate) fn terms(from: &str, every: &str) -> BillingTerms {
    in_zone(from, every, Zone::utc())
}

fn in_zone(from: &str, every: &str, zone: Zone) -> BillingTerms {
    let (from, every) = (from.parse().unwrap(), every.parse().unwrap());
    BillingTerms { from, zone, every, periods: Periods::Scheduled }
}

/// Opened at 0, the first instant of 1970, with a day as its period.
pub(crate) fn book(plans: &[String]) -> Book {
    let terms = terms("1970-01-01", "P1D");
    Book::billed(plans.to_vec(), terms, Timestamp::from_millis(0))
}

/// After each command the journal must replay to the ledger, bit for bit.
pub(crate) fn run(book: &mut Book, command: &str) -> Option<String> {
    let outcome = book.row(command);
    assert_eq!(book.ledger.audit(), Ok(()), "{command}");
    let mut replayed = Ledger::replay(&book.journal).unwrap();
    replayed.advance(book.ledger.clock());
    assert!(replayed == book.ledger, "replay after: {command}");
    outcome
}

pub(crate) fn entries(book: &Book) -> Vec<(u64, i64, Entry)> {
    let rows = book.journal.iter();
    let entries = rows.flat_map(|row| {
        let entries: Vec<Entry> = serde_json::from_str(&row.body).unwrap();
        entries.into_iter().map(|entry| (row.n, row.at.millis(), entry))
    });
    entries.collect()
}

/// Index, instant and row of every close.
pub(crate) fn closes(book: &Book) -> Vec<(i32, i64, u64)> {
    let found = entries(book).into_iter().filter_map(|(n, at, entry)| match entry {
        Entry::PeriodClosed { closed: Some(closed), .. } => {
            assert_eq!(closed.row, n, "the row says its own number");
            Some((closed.index, at, n))
        }
        _ => None,
    });
    found.collect()
}

#[test]
fn periods_close_once_each_however_late_somebody_looks() {
    let berlin = Zone::new(ZoneSpec {
        name: "Europe/Berlin".to_owned(),
        offset: 60,
        changes: vec![
            (Timestamp::from_millis(1_774_746_000_000), 120), // 2026-03-29T01:00Z
            (Timestamp::from_millis(1_792_890_000_000), 60),  // 2026-10-25T01:00Z
        ],
    })
    .unwrap();
    // 2026-01-31T12:00Z; then midnights in Berlin: 28 Feb, 31 Mar (summer time), 30 Apr.
    let opened = Timestamp::from_millis(1_769_860_800_000);
    let ends = [1_772_233_200_000, 1_774_908_000_000, 1_777_500_000_000];
    let expected: Vec<_> = (0..).zip(ends).collect();
    for step in [DAY / 2, 7 * DAY, 40 * DAY, 100 * DAY] {
        let terms = in_zone("2026-01-31", "P1M", berlin.clone());
        let mut book = Book::billed(vec![plan(1, ONE, BLOCK)], terms, opened);
        let last = opened.millis() + 100 * DAY;
        let mut at = opened.millis();
        while at < last {
            at = (at + step).min(last);
            run(&mut book, &format!("{at} visit"));
            run(&mut book, &format!("{at} visit"));
        }
        let closes: Vec<_> = closes(&book).iter().map(|(index, at, _)| (*index, *at)).collect();
        assert_eq!(closes, expected, "step {step}");
        assert_eq!(book.invoices.len(), 3);
        assert_eq!(book.ledger.next_due().unwrap().millis(), 1_780_178_400_000, "31 May, Berlin");
    }
    // The alarm is set for the end from the first row on.
    let book = book(&[daily(1, ONE, BLOCK)]);
    assert_eq!(book.ledger.next_due(), Some(Timestamp::from_millis(DAY)));
}

#[test]
fn a_contract_that_began_before_the_account_closes_what_is_over_at_once() {
    let plans = vec![daily(1, ONE, BLOCK)];
    let since = terms("1969-12-29", "P1D");
    let mut book = Book::billed(plans, since, Timestamp::from_millis(DAY / 2));
    assert_eq!(
        closes(&book).iter().map(|(index, at, _)| (*index, *at)).collect::<Vec<_>>(),
        [(0, DAY / 2), (1, DAY / 2), (2, DAY / 2)]
    );
    let statement = book.statement();
    assert_eq!((statement.period.index, statement.period.start.millis()), (3, 0));
    assert_eq!(statement.journal.after, closes(&book)[2].2);
    run(&mut book, &format!("{DAY} visit"));
    assert_eq!(closes(&book)[3].1, DAY);
}

#[test]
fn terms_that_cannot_be_billed_are_refused() {
    let samoa = ZoneSpec {
        name: "Pacific/Apia".to_owned(),
        offset: -600,
        changes: vec![(Timestamp::from_millis(1_325_239_200_000), 840)],
    };
    let now = Timestamp::from_millis(1_325_300_000_000); // 31 December 2011, in Samoa
    for (from, every, zone, code) in [
        ("2011-12-31", "P1D", Zone::utc(), "ok"),
        ("2012-01-01", "P1D", Zone::utc(), "contract_from_ahead"),
        ("2011-12-30", "P1D", Zone::new(samoa).unwrap(), "period_left_out"),
        ("2010-11-26", "P1D", Zone::utc(), "ok"),
        ("2010-11-25", "P1D", Zone::utc(), "contract_from_too_early"),
        ("1980-01-01", "P1M", Zone::utc(), "ok"),
    ] {
        let checked = in_zone(from, every, zone).check(now);
        assert_eq!(checked.map_or_else(|error| error.code(), |()| "ok"), code, "{from} {every}");
    }
    assert_eq!(PERIODS_PAST_MAX, 400, "days from 2010-11-26 to 2011-12-31");
    let by_hand = BillingTerms { periods: Periods::Operator, ..terms("1066-01-01", "P1D") };
    assert_eq!(by_hand.check(now), Ok(()));
}

#[test]
fn what_a_schedule_does_not_allow_is_refused() {
    let mut plans = vec![daily(1, ONE, BLOCK), plan(2, ONE, BLOCK)];
    plans.extend((3..30).map(|version| daily(version, ONE, BLOCK)));
    let mut book = book(&plans);
    assert_eq!(run(&mut book, "1 close now").as_deref(), Some("periods_scheduled"));
    assert_eq!(run(&mut book, "1 follow 1").as_deref(), Some("period_differs"));
    for index in 2..17 {
        assert_eq!(run(&mut book, &format!("{index} follow {index}")), None);
    }
    assert_eq!(run(&mut book, "20 follow 20").as_deref(), Some("account_full"));
    assert_eq!(book.statement().stretches.len(), 16, "all of them are there");
    assert_eq!(run(&mut book, &format!("{DAY} follow 20")), None);
    assert_eq!(book.statement().stretches.len(), 1, "a change at the very start has no length");
}

#[test]
fn every_plan_of_a_period_is_billed_for_its_own_use() {
    let mut book = book(&[daily(1, TIERS, BLOCK), daily(2, THREE, BLOCK), daily(3, ONE, BLOCK)]);
    for command in [
        "0 grant g 100",
        "1 debit a 4",
        "1 lease l 1 30 until=90000",
        "2 follow 1",
        "2 debit b 2",
        "2 follow 2",
        "3 debit c 5",
        // Served under the first plan, told now.
        "4 report l ops=0+3 used=6 returned=24 terms=0",
    ] {
        assert_eq!(run(&mut book, command), None, "{command}");
    }
    let told: Vec<_> = book
        .statement()
        .stretches
        .iter()
        .map(|part| {
            let usage = part.usage.values().map(quantity).collect::<Vec<_>>().join(" ");
            let span = (part.from.millis(), part.until.millis());
            (span, part.plan.version(), usage, part.covered.to_string())
        })
        .collect();
    let row = |from, until, version, usage: &str, covered: &str| {
        ((from, until), version, usage.to_owned(), covered.to_owned())
    };
    assert_eq!(
        told,
        [row(0, 2, 1, "7", "14"), row(2, 3, 2, "2", "6"), row(3, DAY, 3, "5", "5")],
        "what has no time between two changes takes a millisecond"
    );
    let bill = book.statement().bill().unwrap();
    let burned: Vec<_> = bill.grants.iter().map(|grant| grant.burned.to_string()).collect();
    assert_eq!(burned, ["25"]);
}

pub(crate) fn quantity(usage: &Usage) -> String {
    let Usage::Total(total) = usage else { panic!("{usage:?}") };
    total.to_string()
}

#[test]
fn overage_is_billed_once_and_what_goes_off_it_goes_off_the_next() {
    let mut book = book(&[daily(1, ONE, OVERAGE), daily(2, THREE, BLOCK)]);
    let before = DAY - 5;
    for command in ["grant g 1", "debit a 3", "debit b 1"] {
        assert_eq!(run(&mut book, &format!("{before} {command}")), None, "{command}");
    }
    assert_eq!(billed(&book.statement().bill().unwrap().invoice.unwrap()), ["3", "0.06"]);
    run(&mut book, &format!("{DAY} refund b"));
    assert_eq!(book.ledger.balance().unwrap().overage.to_string(), "-1", "off the next invoice");
    run(&mut book, &format!("{DAY} debit c 3"));
    assert_eq!(billed(&book.statement().bill().unwrap().invoice.unwrap()), ["2", "0.04"]);
    // Nothing is sold beyond credits from here on: what was sold before is billed all the same.
    run(&mut book, &format!("{} follow 1", DAY + 5));
    run(&mut book, &format!("{} refund c", DAY + 6));
    run(&mut book, &format!("{} visit", 2 * DAY));
    let kept: Vec<_> = book.invoices.iter().map(|kept| kept.summary.total.clone()).collect();
    // What is refunded after the change goes off the part that billed it; the rest of what went off
    // an earlier invoice too late waits for overage.
    assert_eq!(kept, [Some("0.06".to_owned()), Some("0.00".to_owned())]);
    assert_eq!(book.ledger.balance().unwrap().overage.to_string(), "-1");
}

/// Credits and money of the one line of overage.
fn billed(invoice: &edgemeter::invoice::Invoice) -> [String; 2] {
    let line = invoice.lines.iter().find(|line| line.id.as_str() == "overage").unwrap();
    [line.quantity.unwrap().to_string(), line.settled.amount.to_string()]
}

#[test]
fn what_is_due_at_the_boundary_itself_stands_in_order() {
    let mut book = book(&[daily(1, ONE, OVERAGE)]);
    for command in [
        format!("0 grant ends 5 expires={DAY}"),
        format!("0 grant starts 5 effective={DAY}"),
        "0 grant rolls 9 rollover=0..2".to_owned(),
        format!("1 lease l 1 4 until={DAY}"),
        "2 debit a 14".to_owned(),
        format!("{DAY} visit"),
    ] {
        run(&mut book, &command);
    }
    let kinds: Vec<_> = entries(&book)
        .iter()
        .filter(|(_, at, _)| *at == DAY)
        .map(|(_, _, entry)| {
            let entry = serde_json::to_value(entry).unwrap();
            entry["kind"].as_str().unwrap().to_owned()
        })
        .collect();
    // 14 were asked for and ten could be paid: four are debt until nobody holds credits any more,
    // and then onto the invoice of the period that they were used in.
    assert_eq!(kinds, ["lease_ended", "debt_settled", "period_closed"]);
    let overage = book.invoices[0].summary.total.clone();
    assert_eq!(overage.as_deref(), Some("0.08"));
    assert_eq!(book.ledger.available().unwrap().to_string(), "5", "the next day's are untouched");
}

#[test]
fn a_plan_in_another_currency_is_refused_until_none_is_billed_in_it() {
    let euro = daily(2, ONE, BLOCK).replace("USD", "EUR");
    let none = daily(3, ONE, BLOCK).replace(r#""currency":"USD","#, "");
    let none = none.replace(r#""value":"0.01","#, "");
    let mut book = book(&[daily(1, ONE, BLOCK), euro, none]);
    for (command, expected) in [
        ("1 follow 1".to_owned(), Some("currency_differs")),
        ("2 follow 2".to_owned(), None),
        ("3 follow 1".to_owned(), Some("currency_differs")),
        ("4 follow 0".to_owned(), None),
        ("5 follow 2".to_owned(), None),
        (format!("{DAY} visit"), None),
        // Nothing of this period is billed in dollars.
        (format!("{} follow 1", DAY + 1), None),
        (format!("{} follow 0", DAY + 2), Some("currency_differs")),
        (format!("{} visit", 2 * DAY), None),
    ] {
        assert_eq!(run(&mut book, &command).as_deref(), expected, "{command}");
    }
    let kept: Vec<_> = book.invoices.iter().map(|kept| kept.summary.currency.as_deref()).collect();
    assert_eq!(kept, [Some("USD"), Some("EUR")]);
}
