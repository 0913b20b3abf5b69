//! Statements against the journal: what each grant burned in the open period, and what each plan
//! in it saw. The oracles read the journal entry by entry, or know what is left of the events; they
//! know no ledger.

use std::collections::BTreeMap;

use edgemeter::ledger::{Burn, Change, Entry, EventCorrection};
use edgemeter::statement::Finalized;
use edgemeter::units::{Credits, GrantId, Quantity};
use serde_json::Value;

use crate::billing::terms;
use crate::billing::{
    BLOCK, DAY, ONE, OVERAGE, THREE, book, closes, daily, entries, quantity, run,
};
use crate::book::{Book, TIERS};
use crate::elsewhere::{Account, Rng, Said, plan};

fn seeds(usual: u64) -> std::ops::Range<u64> {
    std::env::var("SEED").map_or(0..usual, |seed| {
        let seed = seed.parse().unwrap();
        seed..seed + 1
    })
}

/// What a journal says of its last period.
#[derive(Default)]
struct Told {
    burned: BTreeMap<GrantId, Credits>,
    /// By terms.
    used: BTreeMap<u64, Quantity>,
}

fn told(book: &Book) -> Told {
    let (mut told, mut terms) = (Told::default(), 0_u64);
    for (_, _, entry) in entries(book) {
        let mut add = |burns: &[Burn], back: bool| {
            for Burn { grant, amount } in burns {
                let sum = told.burned.entry(grant.clone()).or_default();
                *sum = if back { sum.minus(*amount) } else { sum.plus(*amount) }.unwrap();
            }
        };
        let mut used: Vec<(Option<u64>, Quantity)> = Vec::new();
        match entry {
            Entry::PeriodClosed { .. } => {
                terms += 1;
                told = Told::default();
            }
            Entry::PlanChanged { .. } => terms += 1,
            Entry::Debited { debit, terms, burns, .. } => {
                add(&burns, false);
                used.push((terms, debit.quantity));
            }
            Entry::UsageReported { operations, terms, burns, .. } => {
                add(&burns, false);
                used.extend(operations.list.iter().map(|operation| (terms, operation.2)));
            }
            Entry::ReservationSettled { uses, terms, burns, .. } => {
                add(&burns, false);
                used.extend(uses.iter().map(|one| (terms, one.quantity)));
            }
            Entry::DebtSettled { burns, .. } => add(&burns, false),
            Entry::Refunded { returns, .. } => add(&returns, true),
            Entry::EventsTaken { booked, .. } | Entry::EventCorrected { booked, .. } => {
                add(&booked.burns, false);
                add(&booked.returns, true);
            }
            _ => {}
        }
        for (of, quantity) in used {
            let sum = told.used.entry(of.unwrap_or(terms)).or_default();
            *sum = sum.plus(quantity).unwrap();
        }
    }
    told.used.retain(|_, sum| !sum.is_zero());
    told.burned.retain(|_, sum| !sum.is_zero());
    told
}

#[test]
fn statements_say_what_the_journal_says() {
    for seed in seeds(20) {
        let mut rng = Rng(seed);
        let plans = [daily(1, TIERS, OVERAGE), daily(2, ONE, BLOCK), daily(3, THREE, OVERAGE)];
        let mut book = book(&plans);
        let (mut at, mut first_terms) = (0, 0);
        let mut grants = 0;
        for step in 0..60 {
            at += [0, 1, 1_000, 3_600_000, DAY / 3, DAY * 3 / 2][rng.pick(6)];
            let some = rng.below(9) + 1;
            let command = match rng.below(8) {
                0 => {
                    grants += 1;
                    format!("grant g{grants} {}", some * 5)
                }
                1 => format!("follow {}", rng.below(3)),
                2 => format!("refund d{}", rng.below(step + 1)),
                3 => format!("reserve r{step} {some} until={}", at + 50_000),
                4 => format!("settle r{} {some} last", step - rng.below(2).min(step)),
                _ => format!("debit d{step} {some}"),
            };
            book.row(&format!("{at} {command}"));
            check(&book, &mut first_terms, seed);
        }
        run(&mut book, &format!("{at} visit"));
        check_invoices(&book, seed);
    }
}

/// Each period has one invoice, and all of them together bill what was served beyond the credits.
fn check_invoices(book: &Book, seed: u64) {
    let indexes: Vec<_> = closes(book).iter().map(|(index, _, _)| *index).collect();
    let expected: Vec<_> = (0..).take(book.invoices.len()).collect();
    assert_eq!(indexes, expected, "SEED={seed}");
    let (mut served, mut billed) = (Credits::ZERO, Vec::new());
    for (_, _, entry) in entries(book) {
        match entry {
            Entry::DebtSettled { overage, .. } => served = served.plus(overage).unwrap(),
            Entry::Refunded { overage, .. } => served = served.minus(overage).unwrap(),
            Entry::PeriodClosed { overage, .. } => billed.push(overage.to_string()),
            _ => {}
        }
    }
    let told = |kept: &Finalized| {
        let kept: Value = serde_json::from_str(&kept.text).unwrap();
        let invoice = &kept["bill"]["invoice"];
        assert_eq!(invoice["status"]["state"], "finalized", "SEED={seed}");
        invoice["credits"]["overage"].as_str().unwrap().to_owned()
    };
    assert_eq!(billed, book.invoices.iter().map(told).collect::<Vec<_>>(), "SEED={seed}");
    let billed = billed.iter().map(|amount| amount.parse::<Credits>().unwrap());
    let open = book.ledger.balance().unwrap().overage;
    assert_eq!(Credits::sum(billed.chain([open])), Ok(served), "SEED={seed}");
}

fn check_burned(book: &Book, told: &Told, seed: u64) {
    let statement = book.statement();
    let burned = statement.grants.iter().filter(|grant| !grant.burned.is_zero());
    let burned: BTreeMap<_, _> = burned.map(|grant| (grant.id.clone(), grant.burned)).collect();
    assert_eq!(burned, told.burned, "SEED={seed}");
}

fn check(book: &Book, first_terms: &mut u64, seed: u64) {
    let (statement, told) = (book.statement(), told(book));
    check_burned(book, &told, seed);
    // What former periods' terms were told late is no use of this one.
    let closes = entries(book);
    let mut terms = 0;
    for (_, _, entry) in &closes {
        match entry {
            Entry::PeriodClosed { .. } => {
                terms += 1;
                *first_terms = terms;
            }
            Entry::PlanChanged { .. } => terms += 1,
            _ => {}
        }
    }
    let used: Vec<_> = told.used.range(*first_terms..).map(|(_, sum)| sum.to_string()).collect();
    let parts = statement.stretches.iter().flat_map(|part| part.usage.values());
    assert_eq!(parts.map(quantity).collect::<Vec<_>>(), used, "SEED={seed}");
    let read = edgemeter::statement::Statement::parse(&serde_json::to_string(&statement).unwrap());
    assert_eq!(read.as_ref(), Ok(&statement), "SEED={seed}");
    let invoice = statement.bill().unwrap().invoice.unwrap();
    let overage = invoice.credits.overage;
    assert_eq!(overage, overage.max(Credits::ZERO), "SEED={seed}");
}

/// One event that counts, or not any more.
struct Known {
    id: String,
    period: i32,
    stretch: usize,
    words: i64,
}

#[test]
fn events_and_their_corrections_count_where_they_were_told() {
    for seed in seeds(20) {
        let mut rng = Rng(seed);
        let daily = |version| plan(version, OVERAGE).replacen('{', r#"{"period":"P1D","#, 1);
        let mut account = Account::billed(vec![daily(1), daily(2)], terms("2026-11-23", "P1D"));
        account.row("grant g 500");
        let (mut known, mut at_plan, mut stretch): (Vec<Known>, _, _) = (Vec::new(), 0, 0);
        let mut period = 0;
        for step in 0..40 {
            account.now += [0, 1, 60_000, DAY / 5][rng.pick(4)];
            account.row("visit");
            let open = account.book.ledger.period().unwrap().index;
            if open != period {
                (period, stretch) = (open, 0);
            }
            match rng.below(5) {
                0 => {
                    at_plan = 1 - at_plan;
                    stretch += 1;
                    account.row(&format!("follow {at_plan}"));
                }
                1 if !known.is_empty() => {
                    let gone = known.swap_remove(rng.pick(known.len()));
                    let (id, event) = (format!("c{step}"), gone.id);
                    account.correct(&[EventCorrection {
                        id: &id,
                        source: "/s",
                        event: &event,
                        change: Change::Void,
                    }]);
                }
                _ => {
                    let (id, words) = (format!("e{step}"), rng.below(30) + 1);
                    let said = Said::Words { quantity: words };
                    account.take(&[said.json("/s", &id, account.now)]);
                    known.push(Known { id, period, stretch, words });
                }
            }
            check_burned(&account.book, &told(&account.book), seed);
            let mut expected = vec![0; stretch + 1];
            for event in known.iter().filter(|event| event.period == period) {
                expected[event.stretch] += event.words;
            }
            let used: i64 = expected.iter().sum();
            // Stretches that nothing was used in and that took no time are left out.
            let expected: Vec<_> =
                expected.into_iter().filter(|sum| *sum > 0).map(|sum| sum.to_string()).collect();
            let parts = account.book.statement().stretches;
            let parts = parts.iter().flat_map(|part| part.usage.values().map(quantity));
            assert_eq!(parts.collect::<Vec<_>>(), expected, "SEED={seed}, {used} words");
        }
        account.replays();
    }
}
