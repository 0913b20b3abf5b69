//! Tables for settlement, and its laws on seeded random invoices.
//!
//! `SEED=n cargo test --lib settle` replays one seed.

#![expect(clippy::arithmetic_side_effects, reason = "the oracle counts in small integers")]

use super::*;
use crate::units::LineId;

fn usd() -> Currency {
    "USD".parse().unwrap()
}

fn cents(minor: i64) -> Money {
    Money::from_minor(minor, usd()).unwrap()
}

/// Lines `a`, `b`, `c`, … of so many cents.
fn lines(amounts: &[i64]) -> Vec<Money> {
    amounts.iter().map(|c| cents(*c)).collect()
}

/// The positions of the lines that a rule names, `a` being 0; all if it names none.
fn on<'a, Rule>(rule: &'a Rule, of: &BTreeSet<LineId>) -> On<'a, Rule> {
    let position = |line: &LineId| usize::from(line.as_str().as_bytes()[0] - b'a');
    let lines = if of.is_empty() { (0..26).collect() } else { of.iter().map(position).collect() };
    On { rule, lines }
}

fn settled(
    amounts: &[i64],
    discounts: &[DiscountSpec],
    taxes: &[TaxSpec],
    credits: &[Money],
) -> (Vec<Settled>, Totals) {
    let discounts: Vec<_> = discounts.iter().map(|rule| on(rule, &rule.lines)).collect();
    let taxes: Vec<_> = taxes.iter().map(|rule| on(rule, &rule.lines)).collect();
    settle(usd(), &lines(amounts), &discounts, &taxes, credits).unwrap()
}

/// `"10%"` or `"2.50"`, then the lines: `"10% a b"`.
fn discount(text: &str) -> DiscountSpec {
    let mut words = text.split_whitespace();
    let off = words.next().unwrap();
    let off = match off.strip_suffix('%') {
        Some(percent) => Off::Percent(percent.parse().unwrap()),
        None => Off::Amount(off.parse().unwrap()),
    };
    let lines = words.map(|w| w.parse().unwrap()).collect();
    DiscountSpec { id: "d".parse().unwrap(), name: "d".to_owned(), off, lines }
}

fn tax(text: &str) -> TaxSpec {
    let mut words = text.split_whitespace();
    let percent = words.next().unwrap().parse().unwrap();
    let lines = words.map(|w| w.parse().unwrap()).collect();
    TaxSpec { id: "t".parse().unwrap(), name: "t".to_owned(), percent, lines }
}

/// Settles and prints `subtotal -discount =net +tax =total -credits =due | net+tax/paid …`.
fn check(amounts: &[i64], discounts: &[&str], taxes: &[&str], credits: &[i64]) -> String {
    let discounts: Vec<_> = discounts.iter().map(|text| discount(text)).collect();
    let taxes: Vec<_> = taxes.iter().map(|text| tax(text)).collect();
    let credits: Vec<_> = credits.iter().map(|c| cents(*c)).collect();
    let (lines, totals) = settled(amounts, &discounts, &taxes, &credits);
    let Totals { subtotal, discount, net, tax, total, credits_applied, due, .. } = totals;
    let [s, d, n, t, o, c, u] =
        [subtotal, discount, net, tax, total, credits_applied, due].map(Money::minor);
    let line = |line: &Settled| {
        let tax = line.total.minor() - line.net.minor();
        format!("{}+{tax}/{}", line.net.minor(), line.paid_by_credits.minor())
    };
    let lines: Vec<String> = lines.iter().map(line).collect();
    format!("{s} -{d} ={n} +{t} ={o} -{c} ={u} | {}", lines.join(" "))
}

#[test]
fn lines_settle_in_the_order_of_the_field() {
    for (amounts, discounts, taxes, credits, expected) in [
        (&[][..], &[][..], &[][..], &[][..], "0 -0 =0 +0 =0 -0 =0 | "),
        (&[100], &["10%"], &["10"], &[], "100 -10 =90 +9 =99 -0 =99 | 90+9/0"),
        // Percentages compound, fixed discounts stop at what is left.
        (&[10_000], &["10%", "25%"], &[], &[], "10000 -3250 =6750 +0 =6750 -0 =6750 | 6750+0/0"),
        (&[500], &["10", "20%"], &[], &[], "500 -500 =0 +0 =0 -0 =0 | 0+0/0"),
        // A discount on some lines, then one on all: 3000 → 0, 7000 → 6300.
        (
            &[3_000, 7_000],
            &["40 a", "10%"],
            &[],
            &[],
            "10000 -3700 =6300 +0 =6300 -0 =6300 | 0+0/0 6300+0/0",
        ),
        // 3.5 cents round up, and are shared 2 and 2.
        (&[3, 4], &["50%"], &[], &[1], "7 -4 =3 +0 =3 -1 =2 | 1+0/1 2+0/0"),
        // Rates add up, each is rounded: 8.87 + 2.12 + 0.50.
        (
            &[9_999],
            &[],
            &["8.875", "2.125", "0.5"],
            &[],
            "9999 -0 =9999 +1149 =11148 -0 =11148 | 9999+1149/0",
        ),
        // A tax on some lines.
        (
            &[1_000, 500],
            &[],
            &["10 a", "20 b"],
            &[],
            "1500 -0 =1500 +200 =1700 -0 =1700 | 1000+100/0 500+100/0",
        ),
        // Credits pay the tax too, in order, and never more than is due.
        (
            &[1_000, 1_000],
            &[],
            &["10"],
            &[1_500, 1_500],
            "2000 -0 =2000 +200 =2200 -2200 =0 | 1000+100/1100 1000+100/1100",
        ),
        // A correction lowers what discounts take, is taxed apart and takes no credits.
        (
            &[1_000, -400],
            &["50%"],
            &["10"],
            &[100],
            "600 -300 =300 +30 =330 -100 =230 | 700+70/100 -400+-40/0",
        ),
        // More corrections than charges: no discount, and the customer is owed.
        (
            &[100, -400],
            &["50%", "1"],
            &["10"],
            &[100],
            "-300 -0 =-300 +-30 =-330 -0 =-330 | 100+10/0 -400+-40/0",
        ),
        (&[100], &["10% b"], &["10 b"], &[], "100 -0 =100 +0 =100 -0 =100 | 100+0/0"),
    ] {
        assert_eq!(check(amounts, discounts, taxes, credits), expected);
    }
}

#[test]
fn shares_are_named_and_nothing_is_left_out_silently() {
    let (settled, totals) = settled(
        &[1_000, 500],
        &[discount("10% a"), discount("0%")],
        &[tax("10"), tax("0")],
        &[cents(300), cents(2_000), cents(5)],
    );
    let json = serde_json::to_string(&settled[0]).unwrap();
    assert_eq!(
        json,
        concat!(
            r#"{"amount":"10.00","discounts":[{"id":"d","amount":"1.00"}],"net":"9.00","#,
            r#""taxes":[{"id":"t","amount":"0.90"}],"total":"9.90","paid_by_credits":"9.90"}"#
        )
    );
    assert!(settled[1].discounts.is_empty());
    // On the invoice every discount, tax and credit is listed, also when it came to nothing.
    assert_eq!((totals.discounts.len(), totals.taxes.len()), (2, 2));
    assert_eq!(totals.credits, [cents(300), cents(1_240), cents(0)]);
    assert!(totals.due.is_zero());
}

#[test]
fn what_does_not_add_up_is_refused() {
    let eur = Money::from_minor(1, "EUR".parse().unwrap()).unwrap();
    let mixed = settle(usd(), &[eur], &[], &[], &[]).unwrap_err();
    assert_eq!(mixed.code(), "currency_mismatch");
    let most = lines(&[crate::units::MINOR_UNITS_MAX, 1]);
    assert_eq!(settle(usd(), &most, &[], &[], &[]).unwrap_err().code(), "money_too_large");
    assert_eq!(SettleError::from(Inexact).code(), "amount_not_exact");
}

/// The oracle computes the same in integers of a thousandth of a cent, sum by sum.
#[test]
fn parts_sum_to_the_whole() {
    for seed in seeds() {
        let mut state = seed;
        let mut next = |below: i64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695);
            i64::try_from(state >> 33).unwrap() % below
        };
        let amounts: Vec<i64> = (0..=next(5)).map(|_| next(100_000) - 10_000).collect();
        let percent = next(100);
        let fixed = next(20_000);
        let rates = [next(30), next(30)];
        let offered = [cents(next(30_000)), cents(next(30_000))];
        let discounts = [
            discount(&format!("{percent}%")),
            discount(&format!("{}.{:02}", fixed / 100, fixed % 100)),
        ];
        let taxes = rates.map(|rate| tax(&rate.to_string()));
        let (settled, totals) = settled(&amounts, &discounts, &taxes, &offered);

        let subtotal: i64 = amounts.iter().sum();
        let rounded = |exact: i64, by: i64| (exact.abs() * 2 + by) / (2 * by) * exact.signum();
        let first = if subtotal > 0 { rounded(subtotal * percent, 100) } else { 0 };
        let second = fixed.min((subtotal - first).max(0));
        assert_eq!(totals.discount, cents(first + second), "SEED={seed}");
        let (mut charges, mut corrections) = (0, 0);
        for line in &settled {
            if line.net.is_negative() {
                corrections += line.net.minor();
            } else {
                charges += line.net.minor();
            }
        }
        let tax: i64 =
            rates.iter().map(|r| rounded(charges * r, 100) + rounded(corrections * r, 100)).sum();
        assert_eq!(totals.tax, cents(tax), "SEED={seed}");
        let total = subtotal - first - second + tax;
        let credits = total.max(0).min(offered[0].minor() + offered[1].minor());
        assert_eq!(totals.total, cents(total), "SEED={seed}");
        assert_eq!(totals.due, cents(total - credits), "SEED={seed}");

        let of_lines = |part: fn(&Settled) -> i64| settled.iter().map(part).sum::<i64>();
        assert_eq!(of_lines(|l| l.net.minor()), subtotal - first - second, "SEED={seed}");
        assert_eq!(of_lines(|l| l.total.minor()), total, "SEED={seed}");
        assert_eq!(of_lines(|l| l.paid_by_credits.minor()), credits, "SEED={seed}");
        for (line, amount) in settled.iter().zip(&amounts) {
            let off: i64 = line.discounts.iter().map(|s| s.amount.minor()).sum();
            assert_eq!(amount - off, line.net.minor(), "SEED={seed}");
            assert!(off >= 0 && off <= (*amount).max(0), "SEED={seed}");
        }
    }
}

fn seeds() -> Vec<u64> {
    match std::env::var("SEED") {
        Ok(seed) => vec![seed.parse().expect("SEED is an integer")],
        Err(_) => (0..2_000).collect(),
    }
}
