//! Keys and what they may spend.

use crate::book::{Book, check};

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
fn a_key_spends_at_most_its_limit_in_a_day_and_in_a_month() {
    check(
        "
        // 31 January 1970, 12:00 UTC is 2635200000
        1           grant a 100                      100 0 0  0
        1           limit k2 day=5                   key_unknown
        1           limit k1 day=-1                  limit_negative
        1           limit k1 day=5 month=8           100 0 0  0
        1           limit k1 day=5 month=8           100 0 0  0
        2635200000  debit v 6                        key_limited
        2635200000  debit w 5                        95  0 5  0
        2635200001  debit x 1                        key_limited    // of the day
        2635200002  refund w                         100 0 0  0
        2635200003  debit x 5                        95  0 5  0
        2678399999  debit y 1                        key_limited
        2678400000  debit y 5                        90  0 10 0     // February
        2764800000  debit z 4                        key_limited    // of the month
        2764800000  debit z 3                        87  0 13 0
        2764800001  limit k1 day=4                   87  0 13 0
        2764800002  debit q 1                        86  0 14 0
        2764800002  debit r 1                        key_limited
        2764800003  limit k1                         86  0 14 0
        2764800003  debit r 9                        77  0 23 0
        ",
    );
    check(
        "
        // what is reserved counts
        1   grant a 100                              100 0 0  0
        1   limit k1 day=5                           100 0 0  0
        2   reserve r 3 until=50                     97  3 0  0
        2   reserve s 3 until=50                     key_limited
        3   debit x 2                                95  3 2  0
        3   debit y 1                                key_limited
        4   settle r 1 last                          97  0 3  0
        5   debit y 2                                95  0 5  0
        5   debit z 1                                key_limited
        6   refund r                                 96  0 4  0     // may be spent again
        6   debit z 2                                key_limited
        6   debit z 1                                95  0 5  0
        ",
    );
}

#[test]
fn what_is_so_already_is_not_written_again() {
    let mut book = Book::new();
    for (command, rows) in [
        ("1 disable k1", 1),
        ("2 disable k1", 0),
        ("3 limit k1 day=5", 1),
        ("4 limit k1 day=5", 0),
        ("5 limit k1 month=5", 1),
        ("6 limit k1", 1),
        ("7 limit k1", 0),
    ] {
        let before = book.journal.len();
        assert_eq!(book.row(command), None, "{command}");
        assert_eq!(book.journal.len() - before, rows, "{command}");
    }
}
