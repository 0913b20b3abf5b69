//! Credits set aside for operations whose cost is known at their end.

use crate::book::{check, check_zero};

#[test]
fn reservations_settle_in_parts_and_end_once() {
    check(
        "
        1    grant a 10                       10  0  0  0
        1    reserve r 1 until=1              reservation_time
        1    reserve r 1 until=86400002       reservation_time
        1    reserve r 11 until=50            short
        1    reserve r 6 until=50             4   6  0  0
        1    reserve r 6 until=50             4   6  0  0
        2    debit x 5                        short
        3    settle r 2                       4   4  2  0   // so far
        3    settle r 2                       4   4  2  0
        4    settle r 1                       4   4  2  0   // late and older
        5    settle r 5 last                  5   0  5  0   // the rest goes back
        6    settle r 9 last                  5   0  5  0   // ended
        7    release r                        5   0  5  0
        8    refund r                         10  0  0  0
        8    refund r                         10  0  0  0
        9    reserve r 5 until=50             ended         // the same operation again
        9    settle r 5 last                  reservation_unknown
        ",
    );
    check(
        "
        1    grant a 10                       10  0  0  0
        1    reserve r 6 until=50             4   6  0  0
        2    settle r 2                       4   4  2  0
        3    release r                        8   0  2  0
        3    release r                        8   0  2  0
        4    settle r 3 last                  8   0  2  0
        5    reserve s 8 until=50             0   8  2  0
        6    release s                        8   0  2  0
        7    settle s 1 last                  reservation_unknown
        8    settle q 1 last                  reservation_unknown
        8    reserve q 1 until=50 key=k9      key_refused
        ",
    );
}

#[test]
fn an_operation_that_goes_on_holds_more() {
    check(
        "
        1    grant a 10                       10  0  0  0
        1    reserve r 2 until=50             8   2  0  0
        2    reserve r 5 until=60 held=2      5   5  0  0
        2    reserve r 5 until=60 held=2      5   5  0  0   // again: the answer was lost
        3    reserve r 9 until=70             5   5  0  0   // late: it knows of nothing
        4    settle r 1                       5   4  1  0
        5    reserve r 10 until=90 held=5     0   9  1  0
        6    reserve r 11 until=99 held=10    short
        6    reserve r 11 until=99 held=5     0   9  1  0
        6    settle r 7 last                  3   0  7  0
        7    reserve r 8 until=99 held=10     ended
        7    reserve q 8 until=99 held=10     ended         // held once, and not remembered
        ",
    );
}

#[test]
fn what_has_expired_does_not_begin_anew() {
    check(
        "
        1    grant a 10                       10  0  0  0
        1    reserve r 6 until=50             4   6  0  0
        50   visit                            4   6  0  0   // what it used is told late, or never
        60   reserve r 6 until=99             ended
        60   reserve r 8 until=99 held=6      ended
        61   settle r 2 last                  8   0  2  0
        ",
    );
}

#[test]
fn what_can_be_lowered_is_lowered_to_what_there_is() {
    check(
        "
        1    grant a 10                       10  0  0  0
        1    reserve r 3 most=2 until=50      5   5  0  0
        1    reserve s 3 most=4 until=50      0   10 0  0   // most=2
        1    reserve t 0 most=4 until=50      short
        2    settle r 4 last                  1   5  4  0
        3    reserve s 3 most=4 until=50      1   5  4  0   // the same again
        3    reserve s 3 most=4 until=50 held=5 0 6  4  0   // it goes on, with most=3
        4    reserve s 3 most=9 until=50 held=6 short
        4    reserve s 3 most=4 until=50      0   6  4  0   // lowered: not refused when repeated
        5    release s                        6   0  4  0
        6    reserve u 3 most=9 least=4 until=50 short
        6    reserve u 3 most=9 least=3 until=50 0 6 4  0
        ",
    );
    check_zero(
        r#"{"grace":{"credits":"5"}}"#,
        "
        1    grant a 4                        4  0 0  0 0 0
        1    reserve r 2 most=9 until=50      0  4 0  0 0 0 // most=7
        1    reserve s 0 most=9 until=50      short          // what r may owe is nobody else's
        1    debit x 1                        short
        2    settle r 6                       0  0 4  2 0 0
        3    settle r 12 last                 0  0 4  5 0 3   // more than it was allowed
        ",
    );
    check_zero(
        r#"{"overage":{"unit_price":"0.02","cap":"5"}}"#,
        "
        1    grant a 4                        4  0 0  0 0 0
        1    reserve r 2 most=9 until=50      0  4 0  0 0 0 // most=7
        2    settle r 6 last                  0  0 4  0 2 0
        3    reserve s 0 most=9 until=50      0  0 4  0 2 0 // most=3
        3    release s                        0  0 4  0 2 0
        ",
    );
    check_zero(
        r#""restrict""#,
        "
        1    grant a 4                        4  0 0  0 0 0
        1    reserve r 2 most=9 until=50      0  4 0  0 0 0 // most=2
        1    reserve s 2 most=9 until=50      restricted
        ",
    );
}

#[test]
fn what_nobody_settles_is_nobodys_until_it_is_settled_or_returned() {
    check(
        "
        1    grant a 10                       10  0  0  0
        1    reserve r 4 until=50             6   4  0  0
        1    reserve s 4 until=60             2   8  0  0
        50   visit                            2   8  0  0
        51   debit x 3                        short
        52   settle r 3 last                  3   4  3  0   // late, and paid all the same
        60   return t 4                       7   0  3  0
        61   settle s 2 last                  5   0  5  0   // from what there is
        ",
    );
    check(
        "
        // a grant that ended pays what was reserved in time
        1    grant a 10 expires=20            10  0  0  0
        1    reserve r 4 until=50             6   4  0  0
        20   visit                            0   4  0  6
        30   settle r 3 last                  0   0  3  7
        ",
    );
}

#[test]
fn more_than_was_reserved_is_paid_or_on_record() {
    check_zero(
        r#""block""#,
        "
        1    grant a 10                       10 0 0  0 0 0
        1    reserve r 4 until=50             6  4 0  0 0 0
        2    settle r 7                       3  0 7  0 0 0
        3    settle r 12 last                 0  0 10 0 0 2
        ",
    );
    check_zero(
        r#"{"grace":{"credits":"5"}}"#,
        "
        1    grant a 4                        4  0 0  0 0 0
        1    reserve r 4 until=50             0  4 0  0 0 0
        2    settle r 7 last                  0  0 4  3 0 0
        3    grant b 1                        0  0 5  2 0 0
        4    refund r                         5  0 0  0 0 0
        ",
    );
}

#[test]
fn what_is_owed_for_an_open_reservation_is_paid_like_any_debt() {
    let grace = r#"{"grace":{"credits":"5"}}"#;
    check_zero(
        grace,
        "
        1    grant a 5                        5  0 0  0 0 0
        1    reserve r 5 until=50             0  5 0  0 0 0
        2    settle r 8                       0  0 5  3 0 0
        3    grant b 10                       7  0 8  0 0 0
        4    settle r 9 last                  6  0 9  0 0 0
        5    refund r                         15 0 0  0 0 0
        ",
    );
    check_zero(
        grace,
        "
        1    grant a 5                        5  0 0  0 0 0
        1    reserve r 5 until=50             0  5 0  0 0 0
        2    settle r 8                       0  0 5  3 0 0
        3    close p forgive                  0  0 5  0 0 3
        4    settle r 9 last                  0  0 5  1 0 3
        5    refund r                         5  0 0  0 0 3   // forgiven once
        ",
    );
    check_zero(
        grace,
        "
        // the oldest first, whatever it is owed for
        1    debit x 1                        0  0 0  1 0 0
        2    grant a 2                        1  0 1  0 0 0
        2    reserve r 1 until=50             0  1 1  0 0 0
        3    settle r 3                       0  0 2  2 0 0
        4    debit y 2                        0  0 2  4 0 0
        5    grant b 3 expires=20             0  0 5  1 0 0   // 2 for r, 1 for y
        20   settle r 3 last                  0  0 5  1 0 0
        21   refund y                         0  0 4  0 0 0   // 1 to b, which has ended
        22   refund r                         1  0 1  0 0 0
        ",
    );
    check_zero(
        r#"{"overage":{"unit_price":"0.02","cap":"5"}}"#,
        "
        1    grant a 4                        4  0 0  0 0 0
        1    reserve r 4 until=50             0  4 0  0 0 0
        2    settle r 6                       0  0 4  0 2 0
        3    settle r 7 last                  0  0 4  0 3 0
        4    refund r                         4  0 0  0 0 0
        ",
    );
}
