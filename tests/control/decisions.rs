//! What is paid, refused, refunded, and at which price.

use crate::talk::{BLOCK, talk};

#[test]
fn a_failure_costs_nothing_before_and_after_it_was_reported() {
    talk(
        "1",
        BLOCK,
        "
        0     grant g 1000     → 1000 0 0
        1000  warm 8           → 936 56 8
        1100  pay 4            → paid il0.3 1 left 988
        1200  settle il0.1 500 →
        1200  settle il0.2 200 →
        1200  well 3 201       →
        2700  flush            → [il0 0+4 less 1 used 3 back 0, wish il0#2 7.058823/s of 1]
        2700  told             → words k1 0, words k1 500, words k1 200, words k1 201
        2700  well 0 204       →   // too late: it is on its way
        2710  settle il0.0 500 →
        2720  settle il0.2 200 →
        2800  answer           → acked 4; granted 56 for 10000
        2810  visit            → 936 53 11
        4000  flush            → [il0 4+0 used 3 back 53, refund il0.0]
        4050  rest             → false
        4050  drop             →
        4050  rest             → false
        4060  knows            → v1, 936 53 11
        5000  flush            → [il0 4+0 used 3 back 53, refund il0.0]
        5010  knows            → v1, 936 53 11
        5100  answer           → acked 4
        5100  knows            → v1, 990 0 10
        5100  visit            → 990 0 10
        5200  rest             → true
        5200  settle id1 502   →
        5300  flush            → [refund id1]
        5400  answer           →
        5400  visit            → 991 0 9
        ",
    );
}

#[test]
fn a_denial_is_remembered_for_half_a_second() {
    talk(
        "1",
        BLOCK,
        "
        0     grant g 10       → 10 0 0
        1000  pay q=4          → [debit id1]
        1010  answer           → plan; 1 keys; paid id1 4 left 6
        1020  pay q=7          → [debit id2]
        1030  answer           → denied 7 of 6
        1040  pay q=7          → denied 7 of 6
        1040  pay q=8          → denied 8 of 6
        1040  pay q=6          → [debit id3]
        1050  answer           → paid id3 6 left 0
        1050  pay q=7          → [debit id4]
        1060  pay q=1          → [debit id5]
        1070  answer           → denied 7 of 0
        1080  pay q=7          → denied 7 of 0
        1080  answer           → denied 1 of 0
        1090  pay q=6          → denied 6 of 0
        1579  pay q=6          → denied 6 of 0
        1580  pay q=6          → [debit id6]
        1580  drop             →
        1590  pay q=5          → [refund id6, debit id7]
        1600  answer           → denied 5 of 0
        1700  pay q=6          → denied 6 of 0
        1699  pay q=6          → [debit id8]
        1699  drop             →
        1700  pay q=6          → [refund id8, debit id9]
        ",
    );
    // A price that depends on what was used is known to be denied for the very same alone.
    talk(
        "10:1,*:2",
        BLOCK,
        "
        0     grant g 5        → 5 0 0
        1000  pay q=1          → [debit id1]
        1010  answer           → plan; 1 keys; paid id1 1 left 4
        1020  pay q=6          → [debit id2]
        1030  answer           → denied 6 of 4
        1040  pay q=6          → denied 6 of 4
        1040  pay q=7          → [debit id3]
        1040  drop             →
        1040  pay q=6          → denied 6 of 4
        ",
    );
}

#[test]
fn the_rest_of_a_lease_is_given_back_before_anything_is_refused() {
    talk(
        "1",
        BLOCK,
        "
        0     grant g 100      → 100 0 0
        1000  warm 8           → 47 45 8
        1100  pay 2            → paid il0.1 1 left 90
        1100  pay q=80         → [il0 0+2 used 2 back 0, debit id9, wish il0#2 40/s of 80]
        1200  answer           → acked 2; granted 45 for 1468; [il0 2+0 used 2 back 43, debit id10]
        1210  answer           → acked 2; paid id10 80 left 10
        1300  pay q=80         → [debit id11]
        1300  visit            → 10 0 90
        ",
    );
}

#[test]
fn keys_are_refused_limited_and_leased_as_the_account_says() {
    talk(
        "1",
        BLOCK,
        "
        0     grant g 1000     → 1000 0 0
        0     key k2           → 1000 0 0
        1000  pay key=k3       → [debit id1]
        1010  answer           → plan; 2 keys; key refused
        1020  pay charge=images → unpriced
        1030  warm 8           → 936 56 8
        1100  pay key=k2       → paid il0.0 1 left 991
        1200  limit k2 5       → 936 56 8
        1200  disable k1       → 936 56 8
        1200  pay key=k2       → paid il0.1 1 left 990
        1200  pay key=k2 route=more → paid il0.2 1 left 989
        1200  pay              → paid il0.3 1 left 988
        1300  renew            → [il0 0+4 used 4 back 0, wish il0#2 44.444444/s of 1]
        1300  told             → words k2 0, words k2 0, more k2 0, words k1 0
        1310  answer           → 0 keys; acked 4; granted 92 for 10000
        1320  pay              → [debit id10, wish il0#3 41.37931/s of 1]
        1330  answer           → granted 92 for 0; key refused
        1340  pay key=k2 q=5   → [debit id11]
        1350  answer           → paid id11 5 left 983
        1360  pay key=k2       → [debit id12]
        1370  answer           → key limited 5 of 5
        ",
    );
}

#[test]
fn a_key_that_was_refused_is_not_asked_about_for_a_while() {
    talk(
        "1",
        BLOCK,
        "
        0     grant g 1000     → 1000 0 0
        1000  pay key=k3       → [debit id1]
        1010  answer           → plan; 1 keys; key refused
        1011  pay key=k3       → key refused
        1012  pay              → [debit id2]   // the others are
        1013  answer           → paid id2 1 left 999
        1509  pay key=k3       → key refused
        1510  pay key=k3       → [debit id3]
        1520  answer           → key refused
        1521  pay key=k3       → key refused
        1510  pay key=k3       → [debit id4]   // the clock was set back
        ",
    );
}

#[test]
fn a_clients_own_key_is_told_once_its_operation_ended() {
    talk(
        "1",
        BLOCK,
        "
        0     grant g 1000     → 1000 0 0
        1000  pay once=ka      → [debit ka.id1]
        1010  answer           → plan; 1 keys; paid ka.id1 1 left 999
        1020  pay once=kb again=3 → [debit kb.id2]   // and three times more
        1030  answer           → paid kb.id2 1 left 998
        1040  settle ka.id1 200 → flusher
        1050  settle kb.id2 500 →
        1500  flush            → [refund kb.id2, done ka]
        1510  answer           →
        1510  visit            → 999 0 1
        2500  flush            → done
        ",
    );
}

#[test]
fn at_zero_the_plan_says_how_to_go_on() {
    talk(
        "1",
        r#""restrict""#,
        "
        0     grant g 3        → 3 0 0
        1000  pay q=3          → [debit id1]
        1010  answer           → plan; 1 keys; paid id1 3 left 0
        1020  pay              → [debit id2]
        1030  answer           → paid id2 0 left 0 restricted
        ",
    );
    talk(
        "1",
        r#"{"grace":{"credits":"2"}}"#,
        "
        0     grant g 3        → 3 0 0
        1000  pay q=4          → [debit id1]
        1010  answer           → plan; 1 keys; paid id1 4 left 0
        1020  pay q=2          → [debit id2]
        1030  answer           → denied 2 of 0
        1040  pay q=1          → [debit id3]
        1050  answer           → paid id3 1 left 0
        ",
    );
}

#[test]
fn a_new_plan_is_told_and_its_prices_held() {
    talk(
        "10:1,100:3,*:2",
        BLOCK,
        "
        0     grant g 1000     → 1000 0 0
        1000  warm 8           → 938 54 8
        1100  pay              → paid il0.0 3 left 989 at most
        1100  pay              → paid il0.1 3 left 986 at most
        1200  plan 5           → 938 54 8
        1200  pay              → paid il0.2 3 left 983 at most
        1300  flush last       → [il0 0+3 used 9 back 0, wish il0#2 56.666666/s of 3]
        1310  answer           → plan; acked 3; granted 120 for 10000
        1320  pay              → paid il0.3 5 left 982 flush
        1330  flush last       → [il0 3+1 used 14 back 0, wish il0#3 66.666666/s of 5]
        1340  answer           → acked 4; granted 145 for 10000
        1350  visit            → 851 131 18
        ",
    );
    // Also if nothing was used meanwhile.
    talk(
        "10:1,*:2",
        BLOCK,
        "
        0     grant g 100      → 100 0 0
        1000  warm 7           → 93 0 7
        1010  plan 10:3,*:4    → 93 0 7
        1020  pay q=90         → [debit id8, wish il0#1 28/s of 180]
        1030  answer           → plan; denied 350 of 93
        1300  pay              → [debit id9, wish il10#1 23.333333/s of 4]
        1310  answer           → granted 40 for 10000; paid id9 3 left 90 flush
        1320  pay              → paid il10.0 4 left 86 at most
        ",
    );
    // Or nothing at all.
    talk(
        "10:1,*:2",
        BLOCK,
        "
        0     grant g 100      → 100 0 0
        0     key k2           → 100 0 0
        1000  pay key=k3       → [debit id1]
        1010  answer           → plan; 2 keys; key refused
        1020  pay q=90         → [debit id2]
        1020  plan 10:3,*:4    → 100 0 0
        1030  answer           → plan; denied 350 of 100
        1030  pay q=60         → [debit id3]
        ",
    );
    // A price that falls is bounded by what it is now.
    talk(
        "5:2,*:1",
        BLOCK,
        "
        0     grant g 100      → 100 0 0
        1000  warm 8           → 44 43 13
        1100  pay              → paid il0.0 1 left 86 at most
        ",
    );
}
