//! What isolates hold and report.

use crate::book::check;

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
