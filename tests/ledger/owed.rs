//! What was served while the account did not answer: charged once, whatever arrives first, and
//! whatever the plan, the key and the credits say by then.

use edgemeter::ledger::{Balance, DEBITS_MIN};
use edgemeter::units::Credits;

use crate::book::{Book, TIERS, check_book, check_zero, plan};

const BLOCK: &str = r#""block""#;

#[test]
fn it_burns_what_is_free_and_the_rest_is_debt() {
    check_zero(
        BLOCK,
        "
        1    grant a 10                       10 0 0  0 0 0
        2    owe x 4                          6  0 4  0 0 0
        3    owe y 9                          0  0 10 3 0 0   // though the plan blocks at zero
        4    debit z 1                        short
        5    grant b 5                        2  0 13 0 0 0   // the next credits pay it
        6    refund y                         11 0 4  0 0 0   // 6 to a and 3 to b
        7    lease l 1 8 until=20             3  8 4  0 0 0
        8    owe v 5                          0  8 7  2 0 0   // what isolates hold is theirs
        9    report l used=1 returned=7 ops=0+1      5 0 10 0 0 0
        ",
    );
}

#[test]
fn it_is_charged_once_whatever_arrives_first() {
    check_zero(
        BLOCK,
        "
        1    grant a 10                       10 0 0  0 0 0
        2    debit x 2                        8  0 2  0 0 0
        3    owe x 2 sent=5000                8  0 2  0 0 0   // the debit had arrived
        4    owe y 3                          5  0 5  0 0 0
        5    owe y 3 sent=1000                5  0 5  0 0 0   // told again
        6    debit y 3                        5  0 5  0 0 0   // a late copy
        7    refund z                         5  0 5  0 0 0   // it failed
        8    owe z 1 sent=20                  5  0 5  0 0 0
        9    refund y                         8  0 2  0 0 0
        10   owe y 3 sent=5000                8  0 2  0 0 0
        ",
    );
}

#[test]
fn it_was_served_already_whatever_forbids_it_now() {
    check_zero(
        BLOCK,
        "
        1    debit x 2                        short
        2    owe x 2                          0  0 0  2 0 0   // refused, and nobody heard it
        3    disable k1                       0  0 0  2 0 0
        3    debit y 1                        key_refused
        4    owe y 1                          0  0 0  3 0 0
        5    owe z 1 key=never                0  0 0  4 0 0
        ",
    );
    check_zero(
        r#"{"grace":{"credits":"5"}}"#,
        "
        1    owe x 7                          0  0 0  7 0 0   // beyond the grace
        2    debit y 1                        short
        ",
    );
    check_zero(
        r#"{"overage":{"unit_price":"0.02","cap":"5"}}"#,
        "
        1    owe x 7                          0  0 0  0 7 0   // beyond the cap
        2    debit y 1                        short
        ",
    );
    check_zero(
        r#""restrict""#,
        "
        1    debit x 1                        restricted
        2    owe x 1 sent=10                  0  0 0  0 0 0   // decided to be free
        3    owe y 1                          0  0 0  1 0 0   // was not served degraded
        ",
    );
    check_book(
        Book::new(),
        "
        1    grant a 10                       0 0
        1    limit k1 day=3                   0 0
        2    owe x 5                          5 0   // beyond the key's limit
        2    debit y 1                        key_limited
        3    refund x                         0 0
        3    debit z 1                        1 0   // and counted for it
        ",
        |balance| vec![balance.burned, balance.debt],
    );
}

#[test]
fn it_is_rated_by_the_terms_it_was_served_under() {
    check_book(
        Book::under(&plan(1, TIERS, BLOCK)),
        "
        1    grant a 100                      100 0
        1    debit x 8                        84  16
        2    close p                          84  16
        3    owe y 4 terms=0                  78  22  // two at 2, two at 1: the period that ended
        3    owe v 1 terms=0                  77  23
        4    debit z 1                        75  25  // the first of the next one
        5    plan 5                           75  25
        6    owe u 1 terms=1                  73  27
        7    owe w 1                          68  32
        8    owe t 1 terms=77                 63  37  // never heard of: as of today
        3024000005 owe s 1 terms=1            61  39  // remembered for 35 days
        3024000006 owe r 1 terms=1            56  44
        ",
        |balance: &Balance| vec![balance.available, balance.burned],
    );
}

#[test]
fn eight_former_terms_are_remembered() {
    check_book(
        Book::under(&plan(1, TIERS, BLOCK)),
        "
        1    grant a 100                      100 0
        1    debit x 10                       80  20
        2    close p1                         80  20
        3    close p2                         80  20
        4    close p3                         80  20
        5    close p4                         80  20
        6    close p5                         80  20
        7    close p6                         80  20
        8    close p7                         80  20
        9    close p8                         80  20
        10   owe y 1 terms=0                  79  21  // the eleventh of the first period
        11   close p9                         79  21
        12   owe z 1 terms=0                  77  23  // the first of today's
        ",
        |balance: &Balance| vec![balance.available, balance.burned],
    );
}

#[test]
fn what_may_have_been_charged_and_forgotten_is_not_charged_again() {
    let columns = |balance: &Balance| vec![balance.available, balance.burned];
    check_book(
        Book::new(),
        "
        1       grant a 100                   100 0
        2       debit x 1                     99  1
        555002  owe x 1 sent=555000           99  1
        555003  owe y 1 sent=555001           99  1   // 45 s of doubt: as old as x may be
        600003  debit v 1                     98  2   // x is forgotten now
        600003  owe x 1 sent=600001           98  2
        600003  owe y 1 sent=554000           97  3
        600004  owe z 1                       96  4   // never sent before
        ",
        columns,
    );
    // Forgotten in the bulk.
    let mut book = Book::new();
    book.row("1 grant a 100000");
    for n in 0..=DEBITS_MIN + DEBITS_MIN / 4 {
        book.row(&format!("{} debit d{n} 1", 100_000 + n));
    }
    let available = |book: &Book| book.ledger.available().unwrap();
    let (before, oldest) = (available(&book), 100_000 + DEBITS_MIN / 4 - 1);
    let now = 160_001;
    book.row(&format!("{now} owe d0 1 sent={}", now - oldest - 45_000));
    assert_eq!(available(&book), before, "it may be one of those");
    book.row(&format!("{now} owe new 1 sent={}", now - oldest - 45_001));
    assert_eq!(available(&book), before.minus(Credits::ONE).unwrap(), "it came after them");
}

/// Less two seconds, by which its message may be late.
#[test]
fn a_debit_is_remembered_for_ten_minutes() {
    let mut book = Book::new();
    assert_eq!(book.row("10000000 visit"), None);
    let table = [
        (None, false),
        (Some(0), false),
        (Some(598_000), false),
        (Some(598_001), true),
        (Some(-1), false),
        (Some(i64::MAX), true),
    ];
    for (sent_ms, forgotten) in table {
        let found = book.ledger.may_have_forgotten_debit("x", sent_ms);
        assert_eq!(found, forgotten, "{sent_ms:?}");
    }
}
