//! Operations whose cost is known at their end: held, raised, ended once, whatever the network
//! does.

use crate::talk::{BLOCK, talk};

#[test]
fn credits_are_held_lowered_and_the_rest_goes_back() {
    talk(
        "1",
        BLOCK,
        "
        0     grant g 100      → 100 0 0
        1000  reserve q=5 most=10 → [reserve ir1 1..10]
        1010  answer           → plan; 1 keys; held ir1 15 most 10 left 85
        1020  visit            → 85 15 0
        1020  rest             → false
        1100  reserve q=5 most=4096 → [reserve ir2 1..4096]
        1110  answer           → held ir2 85 most 80 left 0
        1120  reserve q=1      → [reserve ir3]
        1130  answer           → denied 1 of 0
        1200  end ir1 7        → [settle ir1 7]
        1200  end ir1          → nothing   // it ended once
        1200  tell             → nothing
        1210  answer           →
        1220  visit            → 8 85 7
        1300  end ir2          → [release ir2]
        1310  answer           →
        1320  visit            → 93 0 7
        1320  rest             → true
        ",
    );
}

#[test]
fn an_operation_that_goes_on_is_raised() {
    talk(
        "1",
        BLOCK,
        "
        0     grant g 100      → 100 0 0
        1000  reserve most=30  → [reserve ir1 1..30]
        1010  answer           → plan; 1 keys; held ir1 30 most 30 left 70
        1100  raise ir1 most=60 least=10 → [reserve ir1 10..60 over 30]
        1110  answer           → held ir1 60 most 60 left 40
        1200  raise ir1 most=120 least=50 → [reserve ir1 50..120 over 60]
        1210  answer           → denied 50 of 40
        1220  visit            → 40 60 0
        // refused once, and not for good
        1300  grant h 10       → 50 60 0
        1310  raise ir1 most=120 least=50 → [reserve ir1 50..120 over 60]
        1320  answer           → held ir1 110 most 110 left 0
        1400  end ir1 100      → [settle ir1 100]
        1410  answer           →
        1420  visit            → 10 0 100
        ",
    );
}

#[test]
fn a_lost_answer_is_told_again_and_a_late_copy_changes_nothing() {
    talk(
        "1",
        BLOCK,
        "
        0     grant g 20       → 20 0 0
        1000  reserve most=100 → [reserve ir1 1..100]
        1000  copy             →
        1010  late             → Some(Held { amount: Credits(20), most: Some(Quantity(20)) })
        1020  visit            → 0 20 0
        // nothing is left, and it is held all the same
        1100  answer           → plan; 1 keys; held ir1 20 most 20 left 0
        1200  grant h 5        → 5 20 0
        1300  raise ir1 most=100 → [reserve ir1 1..100 over 20]
        1300  copy             →
        1310  lose             →
        1320  visit            → 0 25 0
        1330  raise ir1 most=100 → [reserve ir1 1..100 over 20]
        1340  answer           → held ir1 25 most 25 left 0
        1400  grant h2 5       → 5 25 0
        1410  late             → Some(Held { amount: Credits(25), most: Some(Quantity(25)) })
        1420  visit            → 5 25 0
        1500  end ir1 21       → [settle ir1 21]
        1500  copy             →
        1510  lose             →
        1520  visit            → 9 0 21
        1530  tell             → [settle ir1 21]
        1540  answer           →
        1550  late             → None
        1560  visit            → 9 0 21
        1560  rest             → true
        ",
    );
}

#[test]
fn what_may_be_held_for_nobody_is_released() {
    // The account heard, and its answer is lost; or it never heard; or it does not take it.
    for (fate, held) in [("lose", "19 1 0"), ("drop", "20 0 0"), ("refuse", "20 0 0")] {
        let script = format!(
            "
        0     grant g 20       → 20 0 0
        1000  reserve q=1      → [reserve ir1]
        1000  copy             →
        1010  {fate}           → NEWS
        1020  visit            → {held}
        1030  flush            → [release ir1]
        1030  rest             → false
        1040  answer           → AGAIN
        1050  rest             → true
        1060  visit            → 20 0 0
        1070  late             → Some(Ended)
        1080  visit            → 20 0 0
        ",
        );
        let news = |is: bool| if is { "plan; 1 keys" } else { "" };
        let script = script.replace("NEWS", news(fate == "lose")).replace("AGAIN", news(true));
        talk("1", BLOCK, &script);
    }
}

#[test]
fn a_raise_without_an_answer_ends_nothing() {
    talk(
        "1",
        BLOCK,
        "
        0     grant g 100      → 100 0 0
        1000  reserve most=30  → [reserve ir1 1..30]
        1010  answer           → plan; 1 keys; held ir1 30 most 30 left 70
        1100  raise ir1 most=60 → [reserve ir1 1..60 over 30]
        // it ends meanwhile, and what tells so is lost
        1200  end ir1 25       → [settle ir1 25]
        1210  drop             →
        1220  drop             →
        1230  visit            → 70 30 0
        1240  tell             → [settle ir1 25]
        1250  answer           →
        1260  visit            → 75 0 25
        1270  rest             → true
        // the raise is answered after the end
        2000  reserve most=10  → [reserve ir2 1..10]
        2010  answer           → held ir2 10 most 10 left 65
        2100  raise ir2 most=20 → [reserve ir2 1..20 over 10]
        2110  end ir2 5        → [settle ir2 5]
        2120  answer           →
        2130  visit            → 55 20 25
        2140  answer           →
        2150  visit            → 70 0 30
        2160  rest             → true
        ",
    );
}

#[test]
fn the_client_may_be_gone_before_the_answer() {
    talk(
        "1",
        BLOCK,
        "
        0     grant g 100      → 100 0 0
        1000  reserve most=30  → [reserve ir1 1..30]
        1010  end ir1          → [release ir1]
        1020  answer last      → plan; 1 keys   // the release overtakes
        1030  answer           → plan; 1 keys
        1040  visit            → 100 0 0
        1040  rest             → true
        ",
    );
}

#[test]
fn an_idle_lease_is_given_back_before_a_reservation_is_refused() {
    talk(
        "1",
        BLOCK,
        "
        0     grant g 100      → 100 0 0
        1000  warm 8           → 47 45 8
        1100  reserve q=80     → [reserve ir9]
        1110  answer           → [il0 0+0 used 0 back 45, reserve ir10]
        1120  answer           → acked 0; held ir10 80 left 12
        1130  visit            → 12 80 8
        ",
    );
}

#[test]
fn keys_and_prices_are_asked_of_the_account() {
    talk(
        "1",
        r#""restrict""#,
        "
        0     grant g 10       → 10 0 0
        1000  reserve q=1 key=k9 → [reserve ir1]
        1010  answer           → plan; 1 keys; key refused
        1020  reserve q=1 key=k9 → key refused
        1030  limit k1 5       → 10 0 0
        1040  reserve q=6      → [reserve ir2]
        1050  answer           → 0 keys; key limited 0 of 5
        1060  reserve most=9   → [reserve ir3 1..9]
        1070  answer           → held ir3 5 most 5 left 5
        1080  limit k1 100     → 5 5 0
        1090  reserve most=9 least=6 → [reserve ir4 6..9]
        1090  copy             →
        1100  answer           → 0 keys; held ir4 0 left 0 restricted
        // it is served for nothing: a late copy sets nothing aside
        1105  grant h 50       → 55 5 0
        1105  late             → Some(Restricted)
        1105  visit            → 55 5 0
        1110  end ir3 5        → [settle ir3 5]
        1120  answer           →
        1130  rest             → true
        1509  reserve q=1 key=k9 → key refused
        1510  reserve q=1 key=k9 → [reserve ir5]   // half a second later it is asked again
        1520  answer           → key refused
        ",
    );
}

#[test]
fn ends_that_nobody_heard_of_are_told_together() {
    talk(
        "1",
        BLOCK,
        "
        0     grant g 100      → 100 0 0
        1000  reserve q=5      → [reserve ir1]
        1010  answer           → plan; 1 keys; held ir1 5 left 95
        1010  reserve q=5      → [reserve ir2]
        1020  answer           → held ir2 5 left 90
        1030  end ir1 2        → [settle ir1 2]
        1030  drop             →
        1040  end ir2          → [settle ir1 2, release ir2]
        1040  drop             →
        1050  tell             → [settle ir1 2, release ir2]
        1060  answer           →
        1060  tell             → nothing
        1060  visit            → 98 0 2
        ",
    );
}
