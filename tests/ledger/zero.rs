//! The plan's rule at zero, and the terms that operations are rated by.

use edgemeter::ledger::Balance;

use crate::book::{Book, TIERS, check_book, check_zero, plan};

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
        600008 report l used=30 returned=5 ops=11+1 terms=1  51 5 44 // late, and as it was then
        ",
        columns,
    );
}
