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
    self, Debit, Debited, Entry, GENESIS, GrantTerms, Ledger, LedgerError, Operations, ReplayError,
    Row, Session, chain_hash,
};
use edgemeter::plan::Plan;
use edgemeter::units::{Credits, Timestamp};

const PLAN: &str = r#"{"id":"p","version":1,"charges":[{"id":"words","unit":"credits",
    "price":{"model":"per_unit","unit_price":"1"}}],
    "credits":{"burn_order":"standard","rollover":"none","at_zero":"block"}}"#;

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
        600023 return r 4                     return_differs
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

struct Book {
    plan: Plan,
    ledger: Ledger,
    journal: Vec<Row>,
}

impl Book {
    fn new() -> Self {
        let plan = Plan::parse(PLAN).unwrap();
        let opened = ledger::open("acme".parse().unwrap(), &plan, PLAN.to_owned());
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
            session.report(plan, words[1], used, returned, operations).err().and_then(code)
        }
        other => panic!("no such command: {other}"),
    }
}

#[track_caller]
fn check(table: &str) {
    let mut book = Book::new();
    for line in table.lines().map(|line| line.split("//").next().unwrap().trim()) {
        if line.is_empty() {
            continue;
        }
        let words: Vec<&str> = line.split_whitespace().collect();
        let is_error = words.last().unwrap().parse::<Credits>().is_err();
        let cells = if is_error { 1 } else { 4 };
        // A command without amounts ends where the expectation starts.
        let (command, expected) = words.split_at(words.len() - cells);
        let before = book.ledger.balance().unwrap();
        let got = book.row(&command.join(" "));
        let balance = book.ledger.balance().unwrap();
        if is_error {
            assert_eq!(got.as_deref(), Some(expected[0]), "row: {line}");
            assert_eq!(balance, before, "a refusal changes nothing: {line}");
        } else {
            assert_eq!(got, None, "row: {line}");
            let amounts = [balance.available, balance.held, balance.burned, balance.expired];
            assert_eq!(amounts.map(|a| a.to_string()), expected, "row: {line}");
        }
        assert_eq!(book.ledger.audit(), Ok(()), "row: {line}");
        let mut replayed = Ledger::replay(&book.journal).unwrap();
        replayed.advance(book.ledger.clock());
        assert!(replayed == book.ledger, "replay after row: {line}");
    }
}
