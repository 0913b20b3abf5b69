//! What a plan includes comes with it, on every step, and follows when the plan changes.

use edgemeter::ledger::{Balance, GRANTS_MAX, GrantKind, Ledger};
use edgemeter::units::Credits;

use crate::book::{Book, check_book};

const DAY_MS: i64 = 86_400_000;

/// A plan of so many words a step.
fn plan(version: u32, grants: &str, rollover: &str) -> String {
    format!(
        r#"{{"id":"p","version":{version},"charges":[{{"id":"words","unit":"credits",
        "price":{{"model":"per_unit","unit_price":"1"}}}}],"credits":{{"burn_order":"standard",
        "rollover":{rollover},"at_zero":{{"grace":{{"credits":"5"}}}},"grants":[{grants}]}}}}"#
    )
}

fn daily(name: &str, amount: u32) -> String {
    format!(r#"{{"id":"{name}","amount":"{amount}","every":"P1D"}}"#)
}

/// available, held, burned, expired, debt
fn columns(balance: &Balance) -> Vec<Credits> {
    let Balance { available, held, burned, expired, debt, .. } = *balance;
    vec![available, held, burned, expired, debt]
}

#[track_caller]
fn check(plans: Vec<String>, table: &str) {
    check_book(Book::with_plans(plans), table, columns);
}

const NOTHING: &str = r#""none""#;

#[test]
fn a_plan_s_grants_are_there_from_the_start_and_come_again() {
    check(
        vec![plan(1, &daily("free", 10), NOTHING)],
        "
        0         visit                  10 0 0  0  0
        1         debit x 4              6  0 4  0  0
        86399999  visit                  6  0 4  0  0
        86400000  visit                  10 0 4  6  0
        // what ends with its step burns before what lasts, whoever paid for it
        86400001  grant paid 7           17 0 4  6  0
        86400002  debit y 12             5  0 16 6  0
        172800000 visit                  15 0 16 6  0
        ",
    );
    check(
        vec![plan(1, &daily("free", 10), r#"{"min":"0","max":"5"}"#)],
        "
        1         debit x 2              8  0 2  0  0
        86400000  visit                  15 0 2  3  0
        ",
    );
    check(
        vec![plan(1, &format!("{},{}", daily("a", 1), daily("b", 2)), NOTHING)],
        "0        visit                  3  0 0  0  0",
    );
}

#[test]
fn another_plan_takes_over_step_by_step_and_gives_nothing_twice() {
    let small = plan(1, &daily("free", 10), NOTHING);
    let large = plan(2, &format!("{},{}", daily("free", 25), daily("extra", 3)), NOTHING);
    let bare = plan(3, "", NOTHING);
    let plans = vec![small, large, bare];
    check(
        plans.clone(),
        "
        1         debit x 4              6  0 4  0  0
        2         follow 1               9  0 4  0  0   // extra starts at once, free is as it was
        2         follow 1               9  0 4  0  0
        3         follow 0               9  0 4  0  0   // extra lasts to the end of its step
        4         follow 1               9  0 4  0  0   // and is not given again
        86400000  visit                  28 0 4  6  0   // free by the terms of today
        86400002  visit                  28 0 4  9  0   // extra's steps are counted from its start
        ",
    );
    check(
        plans.clone(),
        "
        1         follow 2               10 0 0  0  0   // nothing comes any more
        86399999  debit x 1              9  0 1  0  0
        86400000  visit                  0  0 1  9  0
        86400001  follow 0               10 0 1  9  0   // and starts anew
        172800001 visit                  10 0 1  19 0
        ",
    );
    check(
        plans,
        "
        // what is given at a change pays debt
        1         debit x 14             0  0 10 0  4
        2         follow 1               0  0 13 0  1
        86400000  visit                  24 0 14 0  0
        ",
    );
}

#[test]
fn a_stopped_grant_that_rolls_over_stays_until_it_is_used() {
    let rolling = |version, grants: &str| plan(version, grants, r#"{"min":"0","max":"50"}"#);
    check(
        vec![rolling(1, &daily("free", 10)), rolling(2, "")],
        "
        1         follow 1               10 0 0  0  0
        259200000 visit                  10 0 0  0  0
        259200001 follow 0               10 0 0  0  0   // it goes on, and makes up for nothing
        345600000 visit                  20 0 0  0  0
        ",
    );
    let filling = |version, grants: &str| plan(version, grants, r#"{"min":"10","max":"50"}"#);
    check(
        vec![filling(1, &daily("free", 10)), filling(2, "")],
        "
        1         debit x 4              6  0 4  0  0
        2         follow 1               6  0 4  0  0
        3         close p1               6  0 4  0  0   // a minimum fills what comes again
        4         debit y 5              1  0 9  0  0
        5         close p2               1  0 9  0  0
        6         follow 0               1  0 9  0  0
        7         close p3               1  0 9  0  0
        86400000  visit                  20 0 9  0  0   // the minimum, and the amount
        ",
    );
}

#[test]
fn a_grant_that_would_remember_the_age_of_its_credits_is_refused() {
    let grant = |lasts: &str| {
        format!(r#"{{"id":"free","amount":"1","every":"P1D","expires_after":"{lasts}"}}"#)
    };
    let same = plan(2, &grant("P1D"), NOTHING);
    let longer = plan(3, &grant("P2D"), NOTHING);
    let rolling = plan(4, &grant("P1D"), r#"{"min":"0","max":"5"}"#);
    check(
        vec![plan(1, "", NOTHING), same, longer, rolling],
        "
        1         follow 2               plan_grant_lasts
        1         follow 3               plan_grant_lasts
        1         follow 1               1  0 0  0  0
        86400001  visit                  1  0 0  1  0
        ",
    );
}

#[test]
fn a_name_that_is_taken_is_passed_over() {
    let grants = format!("{},{}", daily("a", 1), daily("b", 2));
    let plans = vec![plan(1, "", NOTHING), plan(2, &grants, NOTHING), plan(3, "", NOTHING)];
    let mut book = Book::with_plans(plans);
    for command in ["1 grant plan:1:0 5", "1 grant plan:1:2 5", "2 follow 1", "2 follow 2"] {
        assert_eq!(book.row(command), None, "row: {command}");
    }
    let named = |book: &Book| -> Vec<String> {
        let grants = book.ledger.grants().iter();
        grants.map(|(id, grant)| format!("{id} {}", grant.terms.amount)).collect()
    };
    assert_eq!(named(&book), ["plan:1:0 5", "plan:1:1 1", "plan:1:2 5", "plan:1:3 2"]);
    // Another plan's are counted anew.
    assert_eq!(book.row("172800000 follow 1"), None);
    assert_eq!(named(&book)[4..], ["plan:3:0 1", "plan:3:1 2"]);
    assert_eq!(Ledger::replay(&book.journal).as_ref(), Ok(&book.ledger));
}

#[test]
fn a_plan_whose_grants_an_account_cannot_hold_is_refused() {
    let both = format!("{},{}", daily("a", 1), daily("b", 2));
    let plans =
        vec![plan(1, "", NOTHING), plan(2, &daily("a", 1), NOTHING), plan(3, &both, NOTHING)];
    let mut book = Book::with_plans(plans);
    for n in 1..GRANTS_MAX {
        assert_eq!(book.row(&format!("1 grant g{n} 1")), None, "grant {n}");
    }
    assert_eq!(book.row("2 follow 2").as_deref(), Some("account_full"));
    assert_eq!(book.row("2 follow 1"), None);
    assert_eq!(book.ledger.grants().len(), GRANTS_MAX);
    assert_eq!(book.row("3 grant z 1").as_deref(), Some("account_full"));
}

#[test]
fn a_grant_that_goes_on_as_it_was_is_not_told() {
    let ten = |version| plan(version, &daily("free", 10), NOTHING);
    let plans = vec![ten(1), ten(2), plan(3, &daily("free", 11), NOTHING)];
    let mut book = Book::with_plans(plans);
    for (command, told) in [("86400000 follow 1", false), ("86400001 follow 2", true)] {
        assert_eq!(book.row(command), None, "{command}");
        let body = &book.journal.last().unwrap().body;
        assert_eq!(body.contains("grant_terms_changed"), told, "{command}: {body}");
    }
}

#[test]
fn a_plan_s_grant_says_where_it_comes_from() {
    let book = Book::under(&plan(1, &daily("free", 10), NOTHING));
    let (id, grant) = book.ledger.grants().first_key_value().unwrap();
    assert_eq!((id.as_str(), grant.terms.kind), ("plan:0:0", GrantKind::Included));
    assert_eq!(grant.of_plan.as_ref().map(|name| name.as_str()), Some("free"));
    assert_eq!(grant.next_refill.map(|at| at.millis()), Some(DAY_MS));
    assert_eq!(grant.terms.priority, 100);
}
