//! Changes of plan in the middle of a period: each part is counted and rated by itself, and what
//! the ledger burned is what the invoice says.

use edgemeter::units::Credits;

use crate::billing::{BLOCK, DAY, ONE, OVERAGE, book, daily, quantity, run};
use crate::book::{Book, TIERS};
use crate::elsewhere::Rng;

/// Five for each of the first three, then two.
const STEEP: &str = r#"{"model":"graduated","tiers":[{"up_to":"3","unit_price":"5"},
    {"up_to":null,"unit_price":"2"}]}"#;
const DOZENS: &str = r#"{"model":"package","price":"12","size":"12"}"#;

#[test]
fn a_new_plan_counts_from_its_own_first_tier() {
    let mut book = book(&[daily(1, TIERS, BLOCK), daily(2, STEEP, BLOCK), daily(3, TIERS, BLOCK)]);
    for (command, available) in [
        ("0 grant g 200", "200"),
        ("1 debit a 8", "184"), // 8 × 2
        ("2 follow 1", "184"),
        ("2 debit b 4", "167"),       // 3 × 5 + 2
        ("3 owe c 4 terms=0", "161"), // 2 × 2 + 2: the first plan had come to eight
        ("4 follow 2", "161"),
        ("4 debit d 10", "141"), // 10 × 2
        ("4 debit e 1", "140"),
        ("5 follow 0", "140"),
        ("5 debit f 0", "140"),
    ] {
        assert_eq!(run(&mut book, command), None, "{command}");
        assert_eq!(book.ledger.available().unwrap().to_string(), available, "{command}");
    }
    let covered: Vec<_> =
        book.statement().stretches.iter().map(|part| part.covered.to_string()).collect();
    assert_eq!(covered, ["22", "17", "21", "0"]);
    assert!(book.statement().stretches[3].usage.is_empty(), "nothing of it was used");
}

/// Prices of one credit of overage: 0.02 before the change, 0.05 after it.
#[test]
fn a_refund_goes_off_the_part_that_billed_it() {
    let dear = OVERAGE.replace("0.02", "0.05");
    let plans = [daily(1, ONE, OVERAGE), daily(2, ONE, &dear), daily(3, ONE, BLOCK)];
    for (commands, total) in [
        ("1 debit a 3; 2 follow 1; 3 debit b 2", "0.16"),
        ("1 debit a 3; 2 follow 1; 3 debit b 2; 4 refund a", "0.10"),
        ("1 debit a 3; 2 follow 1; 3 debit b 2; 4 refund b", "0.06"),
        ("1 debit a 3; 2 follow 1; 3 refund a; 4 debit b 2", "0.10"),
        ("1 debit a 3; 2 follow 1; 3 debit b 2; 4 follow 2; 5 refund b; 5 refund a", "0.00"),
        // Owed while a lease holds the credits, invoiced after the change: at its price.
        ("1 grant g 4; 2 lease l 1 4 until=9000; 3 debit a 3; 4 follow 1; 9000 visit", "0.15"),
        (
            "1 grant g 4; 2 lease l 1 4 until=9000; 3 debit a 3; 4 follow 1; 9000 visit; \
             9001 refund a",
            "0.00",
        ),
    ] {
        let mut book = book(&plans);
        for command in commands.split("; ") {
            assert_eq!(run(&mut book, command), None, "{command}");
        }
        run(&mut book, &format!("{DAY} visit"));
        assert_eq!(book.invoices[0].summary.total.as_deref(), Some(total), "{commands}");
        assert_eq!(book.ledger.balance().unwrap().overage.to_string(), "0", "{commands}");
    }
}

/// Part by part onto the invoice: the state says how much, not how often.
#[test]
fn a_long_operation_takes_no_more_room_than_a_short_one() {
    let mut book = book(&[daily(1, ONE, OVERAGE), daily(2, ONE, OVERAGE)]);
    assert_eq!(run(&mut book, "0 reserve a 100 until=9000"), None);
    let mut part = |at: i64| {
        assert_eq!(run(&mut book, &format!("{at} settle a {at}")), None, "part {at}");
        let overage = book.ledger.balance().unwrap().overage.to_string();
        assert_eq!(overage, at.to_string(), "part {at} is on the invoice");
        serde_json::to_string(&book.ledger).unwrap().len()
    };
    let (short, long) = (part(1), (2..=60).map(&mut part).last().unwrap());
    assert!(long <= short + 20, "{long} bytes after 60 parts, {short} after the first");
    // Under other terms it is another sum, and both come back.
    for command in ["61 follow 1", "62 settle a 62 last", "63 refund a"] {
        assert_eq!(run(&mut book, command), None, "{command}");
    }
    assert_eq!(book.ledger.balance().unwrap().overage.to_string(), "0");
}

/// What went off a closed invoice goes off the next overage, under whichever plan that comes, and
/// at the price that it has there.
#[test]
fn what_goes_off_too_late_is_carried_to_the_next_overage() {
    let dear = OVERAGE.replace("0.02", "0.05");
    let plans = [daily(1, ONE, OVERAGE), daily(2, ONE, &dear)];
    for (commands, totals, left) in [
        ("refund a; follow 1; debit b 5", ["0.06", "0.10"], "0"),
        ("follow 1; refund a; debit b 5", ["0.06", "0.10"], "0"),
        ("refund a; debit b 2; follow 1; debit c 5", ["0.06", "0.20"], "0"),
        ("debit b 2; follow 1; refund a; refund b; debit c 1", ["0.06", "0.00"], "-2"),
    ] {
        let mut book = book(&plans);
        run(&mut book, &format!("{} debit a 3", DAY - 1));
        for (at, command) in (DAY + 1..).zip(commands.split("; ")) {
            assert_eq!(run(&mut book, &format!("{at} {command}")), None, "{command}");
        }
        run(&mut book, &format!("{} visit", 2 * DAY));
        let found: Vec<_> =
            book.invoices.iter().map(|kept| kept.summary.total.clone().unwrap()).collect();
        assert_eq!(found, totals, "{commands}");
        assert_eq!(book.ledger.balance().unwrap().overage.to_string(), left, "{commands}");
    }
}

/// What each price comes to, unit by unit: nothing of the rating that is asked.
fn comes_to(version: u32, units: i64) -> i64 {
    match version {
        1 => units.min(10) * 2 + (units - 10).max(0),
        2 => units.min(3) * 5 + (units - 3).max(0) * 2,
        3 => (units + 11) / 12 * 12,
        _ => units,
    }
}

fn seeds() -> Vec<u64> {
    match std::env::var("SEED") {
        Ok(seed) => vec![seed.parse().unwrap()],
        Err(_) => (0..30).collect(),
    }
}

fn one(book: &mut Book, rng: &mut Rng, number: usize, at: i64) {
    let terms = book.ledger.terms();
    let command = match rng.below(9) {
        0 => format!("follow {}", rng.below(4)),
        1 => format!("owe o{number} {} terms={}", rng.below(5), terms.saturating_sub(1)),
        2 => format!("reserve r{number} {} until={}", 1 + rng.below(6), at + 50_000),
        3 => format!("settle r{} {} last", number - 1, 1 + rng.below(6)),
        4 => format!("grant g{number} {}", 1 + rng.below(40)),
        _ => format!("debit d{number} {}", rng.below(7)),
    };
    // What is refused changes nothing.
    run(book, &format!("{at} {command}"));
}

#[test]
fn what_was_burned_is_what_the_parts_come_to() {
    let plans: Vec<String> = (1..)
        .zip([TIERS, STEEP, DOZENS, ONE])
        .map(|(version, price)| daily(version, price, OVERAGE))
        .collect();
    for seed in seeds() {
        let (mut book, rng) = (book(&plans), &mut Rng(seed));
        for number in 1..80 {
            one(&mut book, rng, number, 200 * number as i64);
        }
        let (mut served, mut billed) = (0, Credits::ZERO);
        for part in &book.statement().stretches {
            let units = part.usage.values().next().map_or("0".to_owned(), quantity);
            let came_to = comes_to(part.plan.version(), units.parse().unwrap());
            served += came_to;
            let came_to: Credits = came_to.to_string().parse().unwrap();
            billed = billed.plus(came_to.minus(part.covered).unwrap()).unwrap();
        }
        let balance = book.ledger.balance().unwrap();
        let sums = [balance.burned, balance.debt, balance.overage, balance.unpaid];
        assert_eq!(Credits::sum(sums).unwrap().to_string(), served.to_string(), "SEED={seed}");
        assert_eq!(billed, balance.overage, "SEED={seed}: what credits did not pay is billed");
    }
}
