//! The ledger, command by command: a row of a table is one command and the balance after it.
//!
//! ```text
//! at   command                                   available held burned expired
//! ```
//!
//! `check` is the only place that touches the ledger; it also replays the journal after each row,
//! so every command is proven to be recorded completely.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may stop at the first thing that is off"
)]

use edgemeter::ledger::{
    self, Adjustment, Balance, Debit, Debited, Entry, GENESIS, GrantTerms, Ledger, LedgerError,
    Operations, Recurrence, ReplayError, Reported, Rollover, Row, Session, chain_hash,
};
use edgemeter::plan::Plan;
use edgemeter::units::{Credits, Timestamp};

/// A plan in credits; `price` and `at_zero` are JSON.
fn plan(version: u32, price: &str, at_zero: &str) -> String {
    format!(
        r#"{{"id":"p","version":{version},"currency":"USD","charges":[{{"id":"words",
        "unit":"credits","price":{price}}}],"credits":{{"burn_order":"standard","rollover":"none",
        "value":"0.01","at_zero":{at_zero}}}}}"#
    )
}

fn per_unit(price: &str) -> String {
    let price = format!(r#"{{"model":"per_unit","unit_price":"{price}"}}"#);
    plan(2, &price, r#""block""#)
}

const ONE_EACH: &str = r#"{"model":"per_unit","unit_price":"1"}"#;
/// Two for each of the first ten, then one.
const TIERS: &str = r#"{"model":"graduated","tiers":[{"up_to":"10","unit_price":"2"},
    {"up_to":null,"unit_price":"1"}]}"#;

#[test]
fn grants_burn_in_order_expire_to_the_millisecond_and_take_refunds_back() {
    check(
        "
        // a grant of 10 that ends at 100, and one of 5 that never does
        1    grant a 10 expires=100           10  0 0  0
        1    grant b 5                        15  0 0  0
        1    grant b 5                        15  0 0  0   // the same again: nothing
        1    grant b 6                        grant_differs
        1    grant c 0                        amount_not_positive
        1    grant c -1                       amount_not_positive
        1    grant c 1 expires=1              ends_before_start
        2    debit x 4                        11  0 4  0   // from a: it ends first
        2    debit x 4                        11  0 4  0   // the same operation: burned once
        3    refund x                         15  0 0  0
        3    refund x                         15  0 0  0   // once
        4    debit x 4                        15  0 0  0   // refunded: a late copy burns nothing
        5    debit y 12                       3   0 12 0   // 10 from a, 2 from b
        5    debit z 4                        short
        6    refund y                         15  0 0  0
        99   debit w 1                        14  0 1  0
        100  visit                            5   0 1  9   // a ended: 9 lost
        101  refund w                         5   0 0  10  // back to a, which has ended
        102  refund w                         5   0 0  10
        ",
    );
}

#[test]
fn a_grant_is_not_spendable_before_it_starts() {
    check(
        "
        1    grant a 10 effective=50          0   0 0  0
        49   debit x 1                        short
        50   debit x 1                        9   0 1  0
        ",
    );
}

#[test]
fn leases_hold_return_and_end() {
    check(
        "
        1    grant a 100                      100 0  0  0
        1    lease l 1 40 until=20            60  40 0  0
        2    debit x 61                       short        // what is held is nobody else's
        3    report l used=3 returned=0 ops=0+3      60  37 3  0
        3    report l used=3 returned=0 ops=0+3      60  37 3  0   // again: nothing
        4    report l used=5 returned=0 ops=1+4      60  35 5  0   // the first two are known
        4    report l used=9 returned=0 ops=7+2      lease_unknown // a report is missing
        4    report l used=90 returned=0 ops=5+85    lease_unknown // more than it holds
        5    report l used=5 returned=30 ops=5+0     90  5  5  0
        5    report l used=4 returned=10 ops=4+1     90  5  5  0   // late and older: nothing
        20   visit                            90  5  5  0   // nobody renewed it: it may be spent
        20   lease l 2 10 until=40            lease_unknown
        21   report l used=8 returned=30 ops=5+3     90  2  8  0   // late, and paid all the same
        22   debit y 91                       short
        23   report l used=9 returned=31 ops=8+1     91  0  9  0   // it is settled after all
        24   report m used=1 returned=0 ops=0+1      lease_unknown
        ",
    );
}

#[test]
fn what_a_dead_isolate_may_have_spent_is_nobodys_until_the_operator_returns_it() {
    check(
        "
        1    grant a 10                       10  0  0  0
        1    lease l 1 6 until=20             4   6  0  0
        1    return r 6                       unreported_differs   // it is alive
        2    report l used=1 returned=0 ops=0+1      4   5  1  0
        20   visit                            4   5  1  0
        20   debit x 5                        short
        20   return r 4                       unreported_differs   // not what there is
        600021 visit                          4   5  1  0   // the lease is forgotten, this is not
        600022 report l used=2 returned=0 ops=1+1    lease_unknown
        600023 return r 5                     9   0  1  0
        600023 return r 5                     9   0  1  0   // the same again: nothing
        600023 return r 4                     command_differs
        600023 return s 5                     unreported_differs
        600023 return s 0                     unreported_differs
        ",
    );
    check(
        "
        1    grant a 10                       10  0  0  0
        1    lease l 1 6 until=20             4   6  0  0
        20   return r 6                       10  0  0  0
        21   debit x 7                        3   0  7  0
        22   report l used=2 returned=1 ops=0+2      1   0  9  0   // from what there is
        23   report l used=5 returned=1 ops=2+3      0   0  10 0   // 3 more, 2 of them unpaid
        23   report l used=6 returned=1 ops=5+1      lease_unknown // more than it ever held
        ",
    );
    check(
        "
        // what may be spent of a grant outlives its end, and ends when it comes back
        1    grant a 10 expires=50            10  0  0  0
        1    lease l 1 4 until=20             6   4  0  0
        50   visit                            0   4  0  6
        60   return r 4                       0   0  0  10
        ",
    );
}

#[test]
fn what_isolates_hold_outlives_the_grant_it_came_from() {
    check(
        "
        1    grant a 10 expires=50            10  0  0  0
        1    lease l 1 4 until=60             6   4  0  0
        50   visit                            0   4  0  6
        51   report l used=3 returned=0 ops=0+3      0   1  3  6
        52   report l used=3 returned=1 ops=3+0      0   0  3  7
        ",
    );
}

#[test]
fn keys_gate_debits() {
    check(
        "
        1    grant a 10                       10  0  0  0
        1    disable k1                       10  0  0  0
        1    debit x 1                        key_refused
        1    disable k2                       key_unknown
        1    key k1                           key_exists
        ",
    );
}

#[test]
fn a_changed_dropped_or_reordered_row_is_found_by_number() {
    let mut book = Book::new();
    for n in 1..=4 {
        book.row(&format!("{n} grant g{n} 5"));
    }
    assert!(Ledger::replay(&book.journal).is_ok());
    for n in 0..book.journal.len() {
        let number = n as u64 + 1;
        let mut changed = book.journal.clone();
        changed[n].body = changed[n].body.replacen("\"kind\"", "\"kinb\"", 1);
        assert_eq!(Ledger::replay(&changed), Err(ReplayError::Changed { n: number }));
        let mut shifted = book.journal.clone();
        shifted[n].at = shifted[n].at.plus_millis(1);
        assert_eq!(Ledger::replay(&shifted), Err(ReplayError::Changed { n: number }));
        let mut dropped = book.journal.clone();
        dropped.remove(n);
        if n + 1 < book.journal.len() {
            let gap = ReplayError::Gap { expected: number, found: number + 1 };
            assert_eq!(Ledger::replay(&dropped), Err(gap));
        }
    }
    assert_eq!(Ledger::replay(&[]), Err(ReplayError::NotOpened));
}

#[test]
fn recurring_grants_refill_and_keep_what_rolls_over() {
    check(
        "
        // every day from its anchor; what is left is lost
        0         grant a 10 every=P1D anchor=3600000   10  0 0  0
        1         debit x 4                             6   0 4  0
        3600000   visit                                 10  0 4  6
        3600001   debit y 10                            0   0 14 6
        3600002   debit z 1                             short
        90000000  debit z 1                             9   0 15 6
        // three days at once: one entry, two of them lost unused
        349200000 visit                                 10  0 15 35
        ",
    );
    check(
        "
        // up to 15 of the rest come on top, and at least 2
        0         grant a 10 every=P1D rollover=2..15 expires=345600000   10 0 0  0
        1         debit x 4                             6   0 4  0
        86400000  visit                                 16  0 4  0
        172800000 visit                                 25  0 4  1
        172800001 debit y 25                            0   0 29 1
        259200000 visit                                 12  0 29 1   // 10 and the least
        345600000 visit                                 0   0 29 13  // it ends: it comes no more
        432000000 visit                                 0   0 29 13
        ",
    );
    check(
        "
        // what isolates hold is neither lost nor kept twice
        0         grant a 10 every=P1D                  10  0 0  0
        86390000  lease l 1 6 until=86410000            4   6 0  0
        86400000  visit                                 10  6 0  4
        86400001  report l used=2 returned=4 ops=0+2    14  0 2  4
        0         grant r 1 rollover=3..2               rollover_bounds
        0         grant r 1 rollover=-1..2              rollover_bounds
        ",
    );
}

#[test]
fn a_period_rolls_grants_over_once() {
    check(
        "
        0    grant a 100 rollover=0..50       100 0 0  0
        0    grant b 100                      200 0 0  0   // without a rule all of it stays
        0    grant c 10 rollover=5..5 expires=50      210 0 0 0
        1    debit x 20                       190 0 20 0   // 10 from c, which ends first; 10 from a
        2    close p1                         155 0 20 40  // a: 90 → 50, c: 0 → 5
        2    close p1                         155 0 20 40
        2    close p1 forgive                 command_differs
        50   visit                            150 0 20 45
        ",
    );
}

#[test]
fn voids_and_adjustments_take_what_is_free() {
    check(
        "
        1    grant a 10                       10  0 0  0
        1    grant b 10 expires=100           20  0 0  0
        1    grant s 10 effective=50          20  0 0  0
        2    lease l 1 6 until=20             14  6 0  0
        3    void b                           10  6 0  0   // what is held burns from b first
        3    void b                           10  6 0  0
        3    void x                           grant_unknown
        4    report l used=2 returned=4 ops=0+2      10 0 2 0   // 4 come back to a void
        5    void s                           10  0 2  0
        50   visit                            10  0 2  0
        51   adjust n1 -3                     7   0 2  0
        51   adjust n1 -3                     7   0 2  0
        51   adjust n1 -4                     command_differs
        51   adjust n2 -8                     adjustment_short
        51   adjust n2 3                      adjustment_zero
        51   adjust n2 0 grant=a              adjustment_zero
        51   adjust n2 3 grant=b              grant_ended
        51   adjust n2 3 grant=a              10  0 2  0
        51   adjust n3 -10 grant=a            0   0 2  0
        ",
    );
}

#[test]
fn at_zero_the_plan_decides() {
    let grace = r#"{"grace":{"credits":"5"}}"#;
    check_zero(
        grace,
        "
        1    grant a 10                       10 0 0  0 0 0
        2    debit x 12                       0  0 10 2 0 0
        2    debit x 12                       0  0 10 2 0 0   // again: nothing
        3    debit y 4                        short           // 6 below zero
        3    debit y 3                        0  0 10 5 0 0
        4    refund x                         7  0 3  0 0 0   // 10 come back, and pay y's 3
        4    refund x                         7  0 3  0 0 0
        ",
    );
    check_zero(
        grace,
        "
        1    debit x 4                        0  0 0  4 0 0
        2    grant s 3 effective=10           0  0 0  4 0 0
        11   visit                            0  0 3  1 0 0   // its first use
        12   refund x                         3  0 0  0 0 0   // 3 to s, 1 owed no more
        13   debit y 8                        0  0 3  5 0 0
        14   close p forgive                  0  0 3  0 0 5
        15   refund y                         3  0 0  0 0 5   // forgiven once
        ",
    );
    check_zero(
        grace,
        "
        // what isolates hold may come back and pay it
        1    grant a 10                       10 0 0  0 0 0
        1    lease l 1 8 until=20             2  8 0  0 0 0
        2    debit x 6                        0  8 2  4 0 0
        3    report l used=3 returned=5 ops=0+3      1 0 9 0 0 0
        ",
    );
    check_zero(
        r#"{"overage":{"unit_price":"0.02","cap":"5"}}"#,
        "
        1    grant a 10                       10 0 0  0 0 0
        1    lease l 1 8 until=20             2  8 0  0 0 0
        2    debit x 6                        0  8 2  4 0 0   // the 8 may come back
        3    report l used=3 returned=2 ops=0+3      0 3 7 2 0 0
        4    report l used=6 returned=2 ops=3+3      0 0 10 0 2 0
        5    debit y 3                        0  0 10 0 5 0
        5    debit z 1                        short           // above the cap
        6    refund y                         0  0 10 0 2 0
        7    grant b 10                       10 0 10 0 2 0   // overage stays on the invoice
        8    close p                          10 0 10 0 0 0
        9    refund x                         14 0 6  0 -2 0  // off the next one
        ",
    );
    check_zero(
        r#""restrict""#,
        "
        1    grant a 10                       10 0 0  0 0 0
        2    debit x 11                       restricted
        2    debit x 11                       restricted
        3    debit y 10                       0  0 10 0 0 0
        3    refund x                         0  0 10 0 0 0
        ",
    );
}

#[test]
fn what_was_served_is_rated_by_the_terms_it_was_served_under() {
    let tiers = || Book::under(&plan(1, TIERS, r#""block""#));
    let columns = |balance: &Balance| vec![balance.available, balance.held, balance.burned];
    check_book(
        tiers(),
        "
        1    grant a 100                      100 0  0
        1    lease l 1 40 until=20            60  40 0
        2    debit x 8                        44  40 16  // the first eight
        3    report l used=8 returned=0 ops=0+4      46 32 22  // 8 at most: two at 2, two at 1
        4    close p                          46 32 22
        5    report l used=12 returned=0 ops=4+2 terms=0   48 28 24  // the period that ended
        6    debit y 1                        46 28 26  // the first of the next one
        7    plan 5                           46 28 26
        7    plan 5                           46 28 26
        8    debit z 1                        41 28 31
        9    report l used=16 returned=0 ops=6+2 terms=0   43 24 33  // still the first period
        9    report l used=20 returned=0 ops=8+2 terms=1   43 20 37  // the second, at 2 each
        9    report l used=25 returned=0 ops=10+1 terms=2  43 15 42
        600008 report l used=30 returned=5 ops=11+1 terms=1  48 5 47 // forgotten: as of today
        ",
        columns,
    );
}

struct Book {
    plan: Plan,
    ledger: Ledger,
    journal: Vec<Row>,
}

impl Book {
    fn new() -> Self {
        Self::under(&plan(1, ONE_EACH, r#""block""#))
    }

    fn under(json: &str) -> Self {
        let plan = Plan::parse(json).unwrap_or_else(|error| panic!("{error}: {json}"));
        let opened = ledger::open("acme".parse().unwrap(), &plan, json.to_owned());
        let ledger = Ledger::opened(&opened, Timestamp::from_millis(0)).unwrap();
        let mut book = Self { plan, ledger, journal: Vec::new() };
        book.write(&[opened]);
        book.row("0 key k1");
        book
    }

    fn write(&mut self, entries: &[Entry]) {
        let (n, at) = (self.journal.len() as u64 + 1, self.ledger.clock());
        let body = serde_json::to_string(entries).unwrap();
        let previous = self.journal.last().map_or(GENESIS, |row| row.hash.as_str());
        let hash = chain_hash(previous, n, at, &body);
        self.journal.push(Row { n, at, body, hash });
    }

    /// Runs one command; the code of what came of it, if it is worth a word.
    fn row(&mut self, command: &str) -> Option<String> {
        let words: Vec<&str> = command.split_whitespace().collect();
        let at = Timestamp::from_millis(words[0].parse().unwrap());
        if words[1] == "plan" {
            self.plan = Plan::parse(&per_unit(words[2])).unwrap();
        }
        let plan = self.plan.clone();
        let mut session = Session::start(&mut self.ledger, at).unwrap();
        let result = run(&mut session, &plan, &words[1..]);
        let entries = session.into_entries();
        if !entries.is_empty() {
            self.write(&entries);
        }
        result
    }
}

fn run(session: &mut Session<'_>, plan: &Plan, words: &[&str]) -> Option<String> {
    let credits = |text: &str| text.parse::<Credits>().unwrap();
    let option = |name: &str| {
        let found = words.iter().find_map(|word| word.strip_prefix(name));
        found.map(|text| text.strip_prefix('=').unwrap())
    };
    let instant = |name: &str| option(name).map(|t| Timestamp::from_millis(t.parse().unwrap()));
    let code = |error: LedgerError| Some(error.code().to_owned());
    match words[0] {
        "visit" => None,
        "plan" => {
            session.change_plan(plan, per_unit(words[1])).unwrap();
            None
        }
        "key" => session.create_key(words[1].parse().unwrap()).err().and_then(code),
        "disable" => session.disable_key(words[1].parse().unwrap()).err().and_then(code),
        "grant" => {
            let terms = GrantTerms {
                id: words[1].parse().unwrap(),
                amount: credits(words[2]),
                kind: ledger::GrantKind::Paid,
                priority: 0,
                effective_at: instant("effective"),
                expires_at: instant("expires"),
                rollover: option("rollover").map(|text| {
                    let (min, max) = text.split_once("..").unwrap();
                    Rollover { min: credits(min), max: credits(max) }
                }),
                recurrence: option("every").map(|every| Recurrence {
                    every: every.parse().unwrap(),
                    anchor: instant("anchor").unwrap_or_default(),
                }),
            };
            session.grant(terms).err().and_then(code)
        }
        "debit" => {
            let debit = Debit {
                op: words[1].to_owned(),
                route: "GET /words".to_owned(),
                charge: "words".parse().unwrap(),
                key: "k1".parse().unwrap(),
                quantity: words[2].parse().unwrap(),
            };
            match session.debit(plan, debit).unwrap() {
                Debited::Paid { .. } => None,
                Debited::Restricted => Some("restricted".to_owned()),
                Debited::Short { .. } => Some("short".to_owned()),
                Debited::KeyRefused => Some("key_refused".to_owned()),
                Debited::Unpriced => Some("unpriced".to_owned()),
            }
        }
        "refund" => {
            session.refund(words[1]).unwrap();
            None
        }
        "return" => {
            let (id, amount) = (words[1].parse().unwrap(), credits(words[2]));
            session.return_unreported(id, amount).err().and_then(code)
        }
        "void" => session.void(&words[1].parse().unwrap()).err().and_then(code),
        "adjust" => {
            let adjustment = Adjustment {
                id: words[1].parse().unwrap(),
                amount: credits(words[2]),
                grant: option("grant").map(|id| id.parse().unwrap()),
                reason: "a test".to_owned(),
            };
            session.adjust(adjustment).err().and_then(code)
        }
        "close" => {
            let forgive = words.contains(&"forgive");
            session.close_period(plan, words[1].parse().unwrap(), forgive).err().and_then(code)
        }
        "lease" => {
            let (seq, amount) = (words[2].parse().unwrap(), credits(words[3]));
            let until = instant("until").unwrap();
            session.grant_lease(words[1], seq, amount, until).err().and_then(code)
        }
        "report" => {
            let (from, count) = option("ops").unwrap().split_once('+').unwrap();
            let one = || ledger::Operation(0, 0, "1".parse().unwrap(), 0, 200);
            let operations = Operations {
                from: from.parse().unwrap(),
                at: session.now(),
                routes: vec![("GET /words".to_owned(), "words".parse().unwrap())],
                keys: vec!["k1".parse().unwrap()],
                list: (0..count.parse::<usize>().unwrap()).map(|_| one()).collect(),
            };
            let (used, returned) = (option("used").unwrap(), option("returned").unwrap());
            let (used, returned) = (credits(used), credits(returned));
            let terms = option("terms").map_or(session.ledger().terms(), |t| t.parse().unwrap());
            let reported = Reported { terms, used, returned, operations };
            session.report(plan, words[1], reported).err().and_then(code)
        }
        other => panic!("no such command: {other}"),
    }
}

#[track_caller]
fn check(table: &str) {
    check_book(Book::new(), table, |balance| {
        vec![balance.available, balance.held, balance.burned, balance.expired]
    });
}

/// Under a rule at zero: available, held, burned, debt, overage, unpaid.
#[track_caller]
fn check_zero(at_zero: &str, table: &str) {
    check_book(Book::under(&plan(1, ONE_EACH, at_zero)), table, |balance| {
        let Balance { available, held, burned, debt, overage, unpaid, .. } = *balance;
        vec![available, held, burned, debt, overage, unpaid]
    });
}

#[track_caller]
fn check_book(mut book: Book, table: &str, columns: fn(&Balance) -> Vec<Credits>) {
    let width = columns(&book.ledger.balance().unwrap()).len();
    for line in table.lines().map(|line| line.split("//").next().unwrap().trim()) {
        if line.is_empty() {
            continue;
        }
        let words: Vec<&str> = line.split_whitespace().collect();
        let is_error = words.last().unwrap().parse::<Credits>().is_err();
        // A command without amounts ends where the expectation starts.
        let (command, expected) = words.split_at(words.len() - if is_error { 1 } else { width });
        let before = book.ledger.balance().unwrap();
        let got = book.row(&command.join(" "));
        let balance = book.ledger.balance().unwrap();
        if is_error {
            assert_eq!(got.as_deref(), Some(expected[0]), "row: {line}");
            assert_eq!(balance, before, "a refusal changes nothing: {line}");
        } else {
            assert_eq!(got, None, "row: {line}");
            let amounts: Vec<String> = columns(&balance).iter().map(Credits::to_string).collect();
            assert_eq!(amounts, expected, "row: {line}");
        }
        assert_eq!(book.ledger.audit(), Ok(()), "row: {line}");
        let mut replayed = Ledger::replay(&book.journal).unwrap();
        replayed.advance(book.ledger.clock());
        assert!(replayed == book.ledger, "replay after row: {line}");
    }
}
