//! How an isolate comes to credits of its own, spends them, and tells.

use crate::talk::{BLOCK, talk};

#[test]
fn a_run_of_operations_makes_a_lease() {
    talk(
        "1",
        BLOCK,
        "
        0     grant g 1000     → 1000 0 0
        1000  pay              → [debit id1]
        1020  answer           → plan; 1 keys; paid id1 1 left 999
        1030  pay              → [debit id2]
        1040  answer           → paid id2 1 left 998
        1050  warm 4           → 994 0 6
        1060  pay              → [debit id7]
        1070  answer           → paid id7 1 left 993
        1080  pay              → [debit id8, wish il0#1 28/s of 1]
        1090  answer           → granted 56 for 10000; paid id8 1 left 992 flush
        1100  pay              → paid il0.0 1 left 991
        1100  renew            → [il0 0+1 used 1 back 0, wish il0#2 36/s of 1]
        1110  answer           → acked 1; granted 73 for 10000
        1120  pay 40           → paid il0.40 1 left 951 renew
        1120  renew            → [il0 1+40 used 41 back 0, wish il0#3 196/s of 1]
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
        2499  flush            → [il0 0+3 used 3 back 53]
        2500  flush            → wait
        2500  flush            → wait
        2510  answer           → acked 3
        2520  pay              → [debit id9, wish il0#2 7.236842/s of 1]
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
        10950 pay              → [il0 0+1 used 1 back 55, debit id9]
        10960 answer           → acked 1; paid id9 1 left 990
        30000 visit            → 990 0 10
        ",
    );
    // It is counted from the question, however late the answer comes.
    talk(
        "1",
        BLOCK,
        "
        0     grant g 1000     → 1000 0 0
        1000  warm 7           → 993 0 7
        1000  pay              → [debit id8, wish il0#1 28/s of 1]
        4000  answer           → granted 56 for 10000; paid id8 1 left 992 flush
        10949 pay              → paid il0.0 1 left 991 flush
        10950 pay              → [il0 0+1 used 1 back 55, debit id9]
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
        1099  pay              → [il0 0+2 used 2 back 54, debit id9, wish il0#2 40/s of 1]
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
        2600  flush            → [il0 0+5 used 5 back 0, wish il0#2 8.125/s of 1]
        2700  pay              → paid il0.5 1 left 986
        12600 flush            → wait
        12601 flush            → [il0 0+6 used 6 back 50, wish il0#3 0/s of 1]
        12700 lose             → acked 5; granted 56 for 10000
        12700 flush            → [il0 0+6 used 6 back 50, wish il0#4 0/s of 1]
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
        1000  pay              → [debit id1]
        1100  lose             → plan; 1 keys
        1100  rest             → false
        1100  flusher          → true
        1100  visit            → 999 0 1
        1200  flush            → [refund id1]
        1300  answer           → plan; 1 keys
        1300  visit            → 1000 0 0
        1400  flush            → done
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
        1100  persist il0.0    → [il0 0+1 used 1 back 0]
        1100  persist il0.0    → wait
        1110  answer           → acked 1
        1110  persist il0.0    → done
        1110  persist id1      → done
        1120  pay 12           → paid il0.12 1 left 979
        1120  persist il0.5    → [il0 1+12 used 13 back 0]
        1130  answer           → acked 13
        ",
    );
}

#[test]
fn more_is_asked_for_when_little_is_left() {
    // Under a fifth of the last grant: slower than what it was granted for.
    talk(
        "1",
        BLOCK,
        "
        0     grant g 119      → 119 0 0
        1000  warm 8           → 56 55 8
        1350  pay 5            → paid il0.4 1 left 106
        1700  pay 5            → paid il0.9 1 left 101
        2050  pay 5            → paid il0.14 1 left 96
        2400  pay 5            → paid il0.19 1 left 91
        2750  pay 5            → paid il0.24 1 left 86
        3100  pay 5            → paid il0.29 1 left 81
        3450  pay 5            → paid il0.34 1 left 76
        3800  pay 5            → paid il0.39 1 left 71
        4150  pay 3            → paid il0.42 1 left 68
        4160  pay              → paid il0.43 1 left 67
        4170  pay              → paid il0.44 1 left 66 renew
        4180  pay              → paid il0.45 1 left 65 renew
        ",
    );
    // Half a second's use: faster. And a quarter of a second after a wish that brought nothing.
    talk(
        "1",
        BLOCK,
        "
        0     grant g 15       → 15 0 0
        1000  warm 8           → 4 3 8
        1100  pay              → paid il0.0 1 left 6 renew
        1110  renew            → [il0 0+1 used 1 back 0, wish il0#2 36/s of 1]
        1120  answer           → acked 1; granted 3 for 10000
        1369  pay              → paid il0.1 1 left 5
        1370  pay              → paid il0.2 1 left 4 renew
        ",
    );
}

#[test]
fn one_report_is_under_way_at_a_time_and_debits_beside_it() {
    talk(
        "1",
        BLOCK,
        "
        0     grant g 1000     → 1000 0 0
        1000  warm 8           → 936 56 8
        1100  pay 2            → paid il0.1 1 left 990
        1100  renew            → [il0 0+2 used 2 back 0, wish il0#2 40/s of 1]
        1110  pay q=90         → [debit id9]
        1110  pay q=95         → [debit id10]
        1120  answer last      → paid id10 95 left 895
        1120  renew            → nothing
        1130  drop             →
        1130  renew            → [il0 0+2 used 2 back 0, wish il0#3 420/s of 1]
        1140  answer last      → acked 2; granted 471 for 10000
        1140  answer last      → paid id9 90 left 805
        1150  knows            → v1, 336 469 195
        ",
    );
}

#[test]
fn a_lease_that_the_account_has_forgotten_does_not_begin_anew() {
    talk(
        "1",
        BLOCK,
        "
        0     grant g 15       → 15 0 0
        1000  warm 8           → 4 3 8
        1100  pay 3            → paid il0.2 1 left 4 renew
        1110  renew            → [il0 0+3 used 3 back 0, wish il0#2 44/s of 1]
        1120  answer           → acked 3; granted 3 for 0
        1400  pay              → [debit id9, wish il0#3 27.5/s of 1]
        1410  drop             →   // from here on it may have been granted more
        30000 visit            → 4 0 11
        700000 visit            → 4 0 11
        700000 grant h 1000     → 1004 0 11
        700000 warm 7           → 997 0 18
        700000 pay              → [debit id18, wish il11#1 28/s of 1]
        700010 answer           → granted 56 for 10000; paid id18 1 left 996 flush
        700020 pay              → paid il11.0 1 left 995
        700030 persist il0.2    → done
        ",
    );
    // Nor does what it was spent on count any more.
    talk(
        "1",
        BLOCK,
        "
        0     grant g 1000     → 1000 0 0
        1000  warm 8           → 936 56 8
        1100  pay 5            → paid il0.4 1 left 987
        30000 visit            → 936 56 8
        700000 flush            → [il0 0+5 used 5 back 51]
        700010 answer           → unknown
        700010 rest             → true
        700020 visit            → 936 56 8
        ",
    );
}

#[test]
fn a_wish_is_granted_once_to_a_lease_that_is_known() {
    talk(
        "1",
        BLOCK,
        "
        0     grant g 1000     → 1000 0 0
        1000  wish x 1 0       → plan; 1 keys; granted 20 for 10000
        1000  wish x 1 0       → plan; 1 keys; granted 20 for 0   // again: no more, and no longer
        1000  wish y 1 5       → plan; 1 keys; unknown   // it had five: nobody knows
        1000  wish x 3 20      → plan; 1 keys; granted 20 for 10000
        1000  wish x 2 20      → plan; 1 keys; granted 20 for 0   // overtaken
        1000  visit            → 980 20 0
        2000  wish z 1 0       → plan; 1 keys; granted 20 for 10000
        21000 wish x 4 20      → plan; 1 keys; granted 20 for 0   // its time is over
        21000 visit            → 960 40 0
        700000 wish x 5 20      → plan; 1 keys; unknown
        700000 wish x 6 0       → plan; 1 keys; granted 20 for 10000   // nor does its isolate
        ",
    );
    // What is free needs none, however few there are.
    let free = "0 grant g 50 → 50 0 0\n1000 wish x 1 0 0 → plan; 1 keys";
    talk("0", BLOCK, free);
}

#[test]
fn what_is_granted_while_the_clock_is_set_back_is_not_spent() {
    talk(
        "1",
        BLOCK,
        "
        0     grant g 1000     → 1000 0 0
        60000 warm 7           → 993 0 7
        60000 pay              → [debit id8, wish il0#1 28/s of 1]
        59999 answer           → granted 56 for 10000; paid id8 1 left 992 flush
        59999 pay              → [il0 0+0 used 0 back 56, debit id9]
        ",
    );
}

#[test]
fn a_report_is_due_at_half_of_what_fits_one() {
    talk(
        "1",
        BLOCK,
        "
        0     grant g 1000     → 1000 0 0
        1000  warm 8           → 936 56 8
        3000  pay 2498 q=0.001 → paid il0.2497 0.001 left 989.502
        3000  pay q=0.001      → paid il0.2498 0.001 left 989.501
        3000  pay q=0.001      → paid il0.2499 0.001 left 989.5 renew
        ",
    );
}

#[test]
fn an_isolate_is_told_what_bounds_its_prices() {
    let says = [("1", "7", ""), ("10:1,*:2", "7", "words 7"), ("5:2,*:1", "12", "words 7")];
    for (price, cost, told) in says {
        let script = format!(
            "0 grant g 100 → 100 0 0
            1000 pay q=7 → [debit id1]
            1010 answer → plan; 1 keys; paid id1 {cost} left {}
            1020 usage → {told}",
            100 - cost.parse::<u32>().unwrap()
        );
        talk(price, BLOCK, &script);
    }
}

#[test]
fn an_isolate_is_at_rest_when_nothing_is_left_to_tell() {
    talk(
        "1",
        BLOCK,
        "
        0     grant g 1000     → 1000 0 0
        1000  rest             → true
        1000  warm 8           → 936 56 8
        1000  rest             → false
        2000  flush            → wait
        3000  flush            → [il0 0+0 used 0 back 56]
        3000  drop             →
        3000  rest             → false   // what it gave back is not known there
        3100  flush            → [il0 0+0 used 0 back 56]
        3110  answer           → acked 0
        3110  rest             → true
        4000  warm 8           → 928 56 16
        4000  pay 40           → paid il0.44 1 left 944 renew
        4000  pay 16           → paid il0.60 1 left 928 renew
        4000  rest             → false   // what it spent is not
        ",
    );
}
