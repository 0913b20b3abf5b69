//! When the account asks for money.

use edgemeter::ledger::{GRANTS_MAX, Ledger};
use edgemeter::units::Credits;

use crate::book::{Book, check};

#[test]
fn a_top_up_is_asked_for_once_in_a_cool_off_and_counts_until_it_is_settled() {
    let mut book = Book::new();
    let table = "
        1      grant a 100
        2      topup threshold=20 target=100 cool=10000
        3      debit x 80
        4      debit y 1                        topup-1 81
        5      debit z 19                       topup-1 81   // it counts as owned
        6      failed topup-1
        7      grant c 5                        // cools off
        10003  visit
        10004  visit                            topup-2 95   // whatever the visit is for
        10004  debit v 1                        topup-2 95
        10005  grant topup-2 95
        10006  debit w 80
        20005  debit u 1                        topup-3 82
        20006  topup                            topup-3 82
    ";
    for line in table.lines().map(|line| line.split("//").next().unwrap()) {
        let (command, expected) = line.split_at(line.find("   topup-").unwrap_or(line.len()));
        if command.trim().is_empty() {
            continue;
        }
        assert_eq!(book.row(command.trim()), None, "row: {line}");
        let pending = book.ledger.top_ups().pending.iter();
        let pending: Vec<String> =
            pending.map(|(id, top)| format!("{id} {}", top.amount)).collect();
        assert_eq!(pending.join(" "), expected.trim(), "row: {line}");
    }
}

#[test]
fn an_empty_account_asks_again_by_itself() {
    let mut book = Book::new();
    let mut due = |command: &str| {
        assert_ne!(book.row(command).as_deref(), Some("top_up_unknown"), "row: {command}");
        (book.ledger.next_due().map(|at| at.millis()), book.ledger.top_ups().asked)
    };
    assert_eq!(due("1 topup threshold=20 target=100 cool=10000"), (None, 1));
    assert_eq!(due("2 failed topup-1"), (Some(10_001), 1));
    assert_eq!(due("3 debit x 1"), (Some(10_001), 1));
    assert_eq!(due("10001 debit y 1"), (None, 2), "a refusal is a visit as well");
    assert_eq!(due("10002 failed topup-2"), (Some(20_001), 2));
    assert_eq!(due("10003 grant topup-3 20"), (None, 2), "enough");
    assert_eq!(due("10004 debit z 1"), (Some(20_001), 2));
    assert_eq!(due("20001 visit"), (None, 4), "an id that is taken is passed over");
    assert_eq!(due("20002 failed topup-4"), (Some(30_001), 4));
    assert_eq!(due("20003 topup"), (None, 4));
    assert_eq!(Ledger::replay(&book.journal).as_ref(), Ok(&book.ledger));
}

#[test]
fn nothing_is_asked_for_that_could_not_be_credited() {
    let mut book = Book::new();
    for n in 1..GRANTS_MAX {
        assert_eq!(book.row(&format!("1 grant g{n} 0.01")), None);
    }
    assert_eq!(book.row("2 topup threshold=100 target=200 cool=1000"), None);
    assert_eq!(book.ledger.top_ups().asked, 1);
    book.row("3 grant topup-1 50");
    assert_eq!(book.ledger.top_ups().asked, 1);
    assert_eq!((book.row("2000 visit"), book.ledger.top_ups().asked), (None, 1));
    assert_eq!(book.ledger.next_due(), None);

    let mut book = Book::new();
    for command in ["1 grant a 9999999999999999", "1 debit x 9999999999999999"] {
        assert_eq!(book.row(command), None);
    }
    assert_eq!(book.row("2 topup threshold=1 target=1 cool=1000"), None);
    assert_eq!((book.ledger.top_ups().asked, book.ledger.next_due()), (0, None));
}

#[test]
fn a_rule_that_could_never_be_content_is_refused() {
    check(
        "
        1   topup threshold=20 target=19 cool=10000     top_up_rule
        1   topup threshold=-5 target=0 cool=10000      top_up_rule
        1   topup threshold=0 target=1 cool=999         top_up_rule
        1   failed topup-1                              top_up_unknown
        ",
    );
    assert_eq!(Credits::ZERO, Book::new().ledger.available().unwrap());
}
