//! Grants: burn order, expiry, refunds, refills, periods, voids, adjustments; and the journal.

use std::collections::BTreeMap;

use edgemeter::ledger::{Ledger, Position, Replay, ReplayError};
use serde_json::Value;

use crate::book::{Book, check};

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
fn what_leaves_the_range_of_credits_is_not_given_and_no_visit_fails() {
    check(
        "
        // one more does not fit: it does not come, and its rest stays
        0         grant a 9999999999999999 every=P1D    9999999999999999 0 0 0
        86400000  visit                                 9999999999999999 0 0 0
        86400001  debit x 9                             9999999999999990 0 9 0
        432000000 visit                                 9999999999999990 0 9 0
        432000000 adjust n1 1 grant=a                   amount_not_exact
        ",
    );
    check(
        "
        // two steps at once, of which one fits
        0         grant a 5000000000000000              5000000000000000 0 0 0
        0         grant b 2000000000000000 every=P1D    7000000000000000 0 0 0
        172800000 visit                                 7000000000000000 0 0 2000000000000000
        ",
    );
    check(
        "
        // minima that do not fit
        0         grant a 9000000000000000              9000000000000000 0 0 0
        0  grant b 1 every=P1D rollover=1000000000000000..1000000000000000  9000000000000001 0 0 0
        0  grant c 1 rollover=600000000000000..600000000000000  9000000000000002 0 0 0
        0  grant d 1 rollover=600000000000000..600000000000000  9000000000000003 0 0 0
        1         close p1                              9600000000000002 0 0 0
        86400000  visit                                 9600000000000002 0 0 0
        86400001  close p2                              9600000000000002 0 0 0
        ",
    );
    check(
        "
        // what starts later has its place from now on
        0    grant s 5000000000000000 effective=10      0 0 0 0
        1    grant a 4000000000000000                   4000000000000000 0 0 0
        2    debit x 4000000000000000                   0 0 4000000000000000 0
        3    grant b 4000000000000000                   amount_not_exact
        4    adjust n1 4000000000000000 grant=s         amount_not_exact
        10   visit                                      5000000000000000 0 4000000000000000 0
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
    check(
        "
        // a minimum fills up what is left, once; what starts later is not of this period
        0    grant a 10 rollover=6..20        10  0 0  0
        0    grant s 3 effective=50 rollover=6..6     10 0 0 0
        1    debit x 6                        4   0 6  0
        2    close p1                         6   0 6  0
        3    close p2                         6   0 6  0
        50   visit                            9   0 6  0
        ",
    );
}

#[test]
fn a_correction_is_known_by_its_name_for_five_weeks() {
    check(
        "
        1           grant a 10                10  0 0  0
        2           adjust n -3               7   0 0  0
        3           adjust n -3               7   0 0  0
        4           adjust n -4               command_differs
        3024000002  adjust n -3               7   0 0  0
        3024000003  adjust n -3               4   0 0  0   // asked for anew
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
        51   adjust n3 -8 reason=300          reason_too_long
        51   adjust n3 -8 reason=257          reason_too_long
        51   adjust n3 -8 reason=256          2   0 2  0
        51   adjust n4 -2 grant=a             0   0 2  0
        ",
    );
}

#[test]
fn a_row_says_what_happened_and_leaves_out_what_is_zero() {
    let table = [
        ("1 grant a 3", "grant kind"),
        ("2 debit x 2", "burns cost debit kind"),
        ("3 refund x", "kind op returns"),
        ("4 reserve r 1 until=50", "amount expires_at key kind op route"),
        ("5 settle r 1 last", "burns cost key kind last op route status uses"),
        ("6 owe y 4", "burns cost debit debt kind"),
        ("7 refund y", "debt kind op returns"),
    ];
    let mut book = Book::new();
    for (command, fields) in table {
        assert_eq!(book.row(command), None, "{command}");
        let body = &book.journal.last().unwrap().body;
        let entries: Vec<BTreeMap<String, Value>> = serde_json::from_str(body).unwrap();
        let found: Vec<&str> = entries[0].keys().map(String::as_str).collect();
        assert_eq!(found.join(" "), fields, "{command}");
    }
}

#[test]
fn a_position_counts_rows_operations_and_bytes() {
    let mut book = Book::new();
    for command in [
        "1 grant a 100",
        "2 lease l 1 40 until=20",
        "3 report l used=3 returned=0 ops=0+3",
        "4 debit x 2",
        "5 refund x",
    ] {
        assert_eq!(book.row(command), None, "{command}");
    }
    let mut replay = Replay::default();
    book.journal.iter().for_each(|row| replay.take(row).unwrap());
    let Position { n, operations, bytes, .. } = *replay.position();
    let length: usize = book.journal.iter().map(|row| row.body.len()).sum();
    assert_eq!((n, operations, bytes), (book.journal.len() as u64, 4, length as u64));
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
    let why = String::new();
    let errors = [
        (ReplayError::Gap { expected: 3, found: 4 }, "row_missing", 3),
        (ReplayError::Ends { n: 5 }, "row_missing", 5),
        (ReplayError::Changed { n: 6 }, "row_changed", 6),
        (ReplayError::Unfit { n: 7, why }, "row_unfit", 7),
        (ReplayError::NotOpened, "row_not_opening", 1),
    ];
    for (error, code, row) in errors {
        assert_eq!((error.code(), error.row()), (code, row));
    }
}
