//! When the account asks for money.

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
        10004  visit
        10004  debit v 1                        topup-2 96
        10005  grant topup-2 96
        10006  debit w 81
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
