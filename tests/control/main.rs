//! Credit control, said line by line: what an isolate asks, what the account answers, and what
//! becomes of the requests.
//!
//! ```text
//! <ms> pay | flush | answer | …   → what it says      talk.rs has the words
//! <ms> grant | visit | …          → available held burned
//! ```

#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "a test may stop at the first thing that is off"
)]

mod talk;

use talk::talk;

const BLOCK: &str = r#""block""#;

#[test]
fn a_run_of_operations_makes_a_lease() {
    talk(
        "1",
        BLOCK,
        "
        0     grant g 1000     → 1000 0 0
        1000  pay              → ask [debit id1]
        1020  answer           → plan; 1 keys; paid id1 1 left 999
        1030  pay              → ask [debit id2]
        1040  answer           → paid id2 1 left 998
        1050  warm 4           → 994 0 6
        1060  pay              → ask [debit id7]
        1070  answer           → paid id7 1 left 993
        1080  pay              → ask [debit id8, wish il0#1 28/s of 1]
        1090  answer           → granted 56 for 10000; paid id8 1 left 992 flush
        1100  pay              → paid il0.0 1 left 991
        1100  renew            → ask [il0 0+1 used 1 back 0, wish il0#2 36/s of 1]
        1110  answer           → acked 1; granted 73 for 10000
        1120  pay 40           → paid il0.40 1 left 951 renew
        1120  renew            → ask [il0 1+40 used 41 back 0, wish il0#3 196/s of 1]
        1130  renew            → nothing
        1140  pay              → paid il0.41 1 left 950
        1150  answer           → acked 41; granted 433 for 10000
        1160  rest             → false
        ",
    );
}

#[test]
fn what_is_spent_is_reported_and_what_is_not_is_given_back() {
    talk(
        "1",
        BLOCK,
        "
        0     grant g 1000     → 1000 0 0
        1000  warm 8           → 936 56 8
        1100  pay 3            → paid il0.2 1 left 989
        2000  flush            → wait
        2499  flush            → ask [il0 0+3 used 3 back 53]
        2500  flush            → wait
        2500  flush            → wait
        2510  answer           → acked 3
        2520  pay              → ask [debit id9, wish il0#2 7.236842/s of 1]
        3500  flush            → wait
        4500  flush            → wait
        4510  answer           → granted 70 for 10000; paid id9 1 left 988
        4520  visit            → 974 14 12
        5500  flush            → wait
        5510  flusher          → false
        6000  pay              → paid il0.3 1 left 987
        ",
    );
}

#[test]
fn a_lease_is_spent_until_its_deadline_and_not_later() {
    talk(
        "1",
        BLOCK,
        "
        0     grant g 1000     → 1000 0 0
        1000  warm 8           → 936 56 8
        10949 pay              → paid il0.0 1 left 991 flush
        10950 pay              → ask [il0 0+1 used 1 back 55, debit id9]
        10960 answer           → acked 1; paid id9 1 left 990
        30000 visit            → 990 0 10
        ",
    );
    // A clock that jumped back says nothing of how long that is.
    talk(
        "1",
        BLOCK,
        "
        0     grant g 1000     → 1000 0 0
        1000  warm 8           → 936 56 8
        1100  pay              → paid il0.0 1 left 991
        1100  pay              → paid il0.1 1 left 990
        1099  pay              → ask [il0 0+2 used 2 back 54, debit id9, wish il0#2 40/s of 1]
        1099  drop             →
        ",
    );
}

#[test]
fn a_message_that_is_lost_is_sent_again_and_changes_nothing_twice() {
    // Nobody says that it is lost: ten seconds later it is sent again.
    talk(
        "1",
        BLOCK,
        "
        0     grant g 1000     → 1000 0 0
        1000  warm 8           → 936 56 8
        1100  pay 5            → paid il0.4 1 left 987
        2600  flush            → ask [il0 0+5 used 5 back 0, wish il0#2 8.125/s of 1]
        2700  pay              → paid il0.5 1 left 986
        12600 flush            → wait
        12601 flush            → ask [il0 0+6 used 6 back 50, wish il0#3 0/s of 1]
        12700 lose             → acked 5; granted 56 for 10000
        12700 flush            → ask [il0 0+6 used 6 back 50, wish il0#4 0/s of 1]
        12800 answer           → acked 6; granted 56 for 0
        12800 answer           → acked 6; granted 56 for 0   // the first one after all
        12900 visit            → 986 0 14
        14000 flush            → done
        15000 flush            → done
        15000 rest             → true
        ",
    );
    // A debit that nobody heard of is refunded, whether or not it was burned.
    talk(
        "1",
        BLOCK,
        "
        0     grant g 1000     → 1000 0 0
        1000  pay              → ask [debit id1]
        1100  lose             → plan; 1 keys
        1100  rest             → false
        1100  flusher          → true
        1100  visit            → 999 0 1
        1200  flush            → ask [refund id1]
        1300  answer           → plan; 1 keys
        1300  visit            → 1000 0 0
        1400  flush            → done
        ",
    );
}

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
        2700  flush            → ask [il0 0+4 less 1 used 3 back 0, wish il0#2 7.058823/s of 1]
        2710  settle il0.0 500 →
        2720  settle il0.2 200 →
        2800  answer           → acked 4; granted 56 for 10000
        2810  visit            → 936 53 11
        4000  flush            → ask [il0 4+0 used 3 back 53, refund il0.0]
        4100  answer           → acked 4
        4100  visit            → 990 0 10
        4200  settle id1 502   →
        4300  flush            → ask [refund id1]
        4400  answer           →
        4400  visit            → 991 0 9
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
        1000  pay q=4          → ask [debit id1]
        1010  answer           → plan; 1 keys; paid id1 4 left 6
        1020  pay q=7          → ask [debit id2]
        1030  answer           → denied 7 of 6
        1040  pay q=7          → denied 7 of 6
        1040  pay q=8          → denied 8 of 6
        1040  pay q=6          → ask [debit id3]
        1050  answer           → paid id3 6 left 0
        1050  pay q=7          → ask [debit id4]
        1060  pay q=1          → ask [debit id5]
        1070  answer           → denied 7 of 0
        1080  pay q=7          → denied 7 of 0
        1080  answer           → denied 1 of 0
        1090  pay q=6          → denied 6 of 0
        1579  pay q=6          → denied 6 of 0
        1580  pay q=6          → ask [debit id6]
        1580  drop             →
        1590  pay q=5          → ask [refund id6, debit id7]
        1600  answer           → denied 5 of 0
        1700  pay q=6          → denied 6 of 0
        1699  pay q=6          → ask [debit id8]
        1699  drop             →
        1700  pay q=6          → ask [refund id8, debit id9]
        ",
    );
    // A price that depends on what was used is known to be denied for the very same alone.
    talk(
        "10:1,*:2",
        BLOCK,
        "
        0     grant g 5        → 5 0 0
        1000  pay q=1          → ask [debit id1]
        1010  answer           → plan; 1 keys; paid id1 1 left 4
        1020  pay q=6          → ask [debit id2]
        1030  answer           → denied 6 of 4
        1040  pay q=6          → denied 6 of 4
        1040  pay q=7          → ask [debit id3]
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
        1100  pay q=80         → ask [il0 0+2 used 2 back 0, debit id9, wish il0#2 40/s of 80]
        1200  answer           → acked 2; granted 45 for 1468; ask [il0 2+0 used 2 back 43, debit id10]
        1210  answer           → acked 2; paid id10 80 left 10
        1300  pay q=80         → ask [debit id11]
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
        1000  pay key=k3       → ask [debit id1]
        1010  answer           → plan; 2 keys; key refused
        1020  pay charge=images → unpriced
        1030  warm 8           → 936 56 8
        1100  pay key=k2       → paid il0.0 1 left 991
        1200  limit k2 5       → 936 56 8
        1200  disable k1       → 936 56 8
        1200  pay key=k2       → paid il0.1 1 left 990
        1300  renew            → ask [il0 0+2 used 2 back 0, wish il0#2 37.037037/s of 1]
        1310  answer           → 0 keys; acked 2; granted 76 for 10000
        1320  pay              → ask [debit id10, wish il0#3 34.482758/s of 1]
        1330  answer           → granted 76 for 0; key refused
        1340  pay key=k2 q=5   → ask [debit id11]
        1350  answer           → paid id11 5 left 985
        1360  pay key=k2       → ask [debit id12]
        1370  answer           → key limited 5 of 5
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
        1000  pay q=3          → ask [debit id1]
        1010  answer           → plan; 1 keys; paid id1 3 left 0
        1020  pay              → ask [debit id2]
        1030  answer           → paid id2 0 left 0 restricted
        ",
    );
    talk(
        "1",
        r#"{"grace":{"credits":"2"}}"#,
        "
        0     grant g 3        → 3 0 0
        1000  pay q=4          → ask [debit id1]
        1010  answer           → plan; 1 keys; paid id1 4 left 0
        1020  pay q=2          → ask [debit id2]
        1030  answer           → denied 2 of 0
        1040  pay q=1          → ask [debit id3]
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
        1300  flush last       → ask [il0 0+3 used 9 back 0, wish il0#2 56.666666/s of 3]
        1310  answer           → plan; acked 3; granted 120 for 10000
        1320  pay              → paid il0.3 5 left 982 flush
        1330  flush last       → ask [il0 3+1 used 14 back 0, wish il0#3 66.666666/s of 5]
        1340  answer           → acked 4; granted 145 for 10000
        1350  visit            → 851 131 18
        ",
    );
}

#[test]
fn an_answer_may_wait_for_its_burn() {
    talk(
        "1",
        BLOCK,
        "
        0     grant g 1000     → 1000 0 0
        1000  warm 8           → 936 56 8
        1100  pay              → paid il0.0 1 left 991
        1100  persist il0.0    → ask [il0 0+1 used 1 back 0]
        1100  persist il0.0    → wait
        1110  answer           → acked 1
        1110  persist il0.0    → done
        1110  persist id1      → done
        1120  pay 12           → paid il0.12 1 left 979
        1120  persist il0.5    → ask [il0 1+12 used 13 back 0]
        1130  answer           → acked 13
        ",
    );
}
