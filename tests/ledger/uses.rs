//! Uses of several charges and combinations, and what becomes of them when plans and periods
//! change.

use edgemeter::ledger::{Balance, COMBINATIONS_MAX, USES_MAX};
use edgemeter::units::Credits;

use crate::book::{Book, TIERS, check, check_book, check_zero, plan};

const BLOCK: &str = r#""block""#;
const MODELS: &str = r#"{"model":"matrix","entries":[
    {"when":{"model":"a"},"unit_price":"3"},{"when":{"model":"b"},"unit_price":"1"}]}"#;
const ONE_MODEL: &str = r#"{"model":"matrix","entries":[{"when":{"model":"b"},"unit_price":"1"}]}"#;
const ANY_MODEL: &str = r#"{"model":"matrix","default":"1","entries":[
    {"when":{"model":"x"},"unit_price":"1"}]}"#;
const TWO_EACH: &str = r#"{"model":"per_unit","unit_price":"2"}"#;

/// available, held, burned, debt, unpaid
fn columns(balance: &Balance) -> Vec<Credits> {
    let Balance { available, held, burned, debt, unpaid, .. } = *balance;
    vec![available, held, burned, debt, unpaid]
}

/// Under the first of these prices; `follow <n>` changes to another.
#[track_caller]
fn check_prices(prices: &[&str], table: &str) {
    let plans = (1..).zip(prices).map(|(version, price)| plan(version, price, BLOCK)).collect();
    check_book(Book::with_plans(plans), table, columns);
}

#[test]
fn what_was_served_is_charged_as_far_as_it_has_a_price() {
    check_prices(
        &[MODELS],
        "
        1    grant g 100                      100 0  0  0 0
        1    reserve r a:5+b:10 until=50      75  25 0  0 0
        1    reserve s b:1+c:1 until=50       unpriced
        1    reserve s 1 until=50             unpriced
        1    reserve s b:1+pages/1 until=50   unpriced
        2    settle r a:2+b:3                 75  16 9  0 0
        2    settle r b:3+a:1                 75  16 9  0 0
        3    settle r a:2+c:7+pages/1+b:4 last 90 0  10 0 0
        3    settle r b:9 last                90  0  10 0 0
        ",
    );
}

#[test]
fn it_costs_what_the_terms_say_that_it_was_reserved_under() {
    check_prices(
        &[MODELS, TWO_EACH, ONE_MODEL],
        "
        1    grant g 100                         100 0  0  0 0
        1    reserve r a:5 until=3600000         85  15 0  0 0
        1    reserve q a:1+b:1 until=3600000     81  19 0  0 0
        2    settle q a:1+b:1 last               81  15 4  0 0
        3    follow 1                            81  15 4  0 0
        4    reserve r a:5 until=3600000         81  15 4  0 0
        4    reserve r a:6 until=3600000 held=15 78  18 4  0 0   // three each
        5    reserve s 4 until=3600000           70  26 4  0 0   // two each
        6    follow 2                            70  26 4  0 0
        7    reserve t b:5 until=3600000         65  31 4  0 0   // a's past use is not in the way
        8    settle t b:5 last                   65  26 9  0 0
        // former terms are remembered for as long as something is reserved under them
        700001 settle r a:6 last                 65  8  27 0 0
        700002 settle s 4 last                   65  0  35 0 0
        ",
    );
    check_prices(
        &[TIERS],
        "
        1    grant g 100                      100 0  0  0 0
        1    reserve r 8 until=50             84  16 0  0 0
        2    debit x 10                       64  16 20 0 0
        3    close p                          64  16 20 0 0
        4    debit y 1                        62  16 22 0 0   // from the first tier again
        5    settle r 8 last                  70  0  30 0 0   // after x, in the period before
        ",
    );
}

#[test]
fn what_goes_on_is_bounded_beyond_what_it_cost() {
    check_prices(
        &[TIERS],
        "
        1    grant g 100                      100 0  0  0 0
        1    reserve r 12 until=50            76  24 0  0 0
        2    settle r 12                      76  2  22 0 0
        3    reserve r 15 until=50 held=24    75  3  22 0 0   // three more, one each
        4    settle r 15 last                 75  0  25 0 0
        // what is held is enough, and now it is held for longer
        5    reserve s 5 most=10 until=30     60  15 25 0 0
        6    reserve s 5 most=9 until=60 held=15 60 15 25 0 0
        40   visit                            60  15 25 0 0
        41   settle s 14 last                 61  0  39 0 0
        ",
    );
}

#[test]
fn what_was_settled_is_taken_off_what_it_may_turn_out_to_be() {
    let pages = r#""charges":[{"id":"pages","unit":"credits",
        "price":{"model":"per_unit","unit_price":"3"}},"#;
    let one = plan(1, r#"{"model":"per_unit","unit_price":"1"}"#, BLOCK);
    check_book(
        Book::under(&one.replace(r#""charges":["#, pages)),
        "
        1    grant g 100                             100 0  0  0 0
        1    reserve r pages|words/10 until=50       70  30 0  0 0   // at the dearest
        2    settle r words/4                        70  26 4  0 0
        3    reserve r pages|words/12 until=50 held=30 70 26 4 0 0
        4    reserve r pages|words/14 until=50 held=30 66 30 4 0 0
        5    settle r words/4+pages/10 last          66  0  34 0 0
        // first off what can be of that charge alone
        6    reserve s 5 most=pages|words/5 until=50 46  20 34 0 0
        7    settle s words/6                        46  14 40 0 0
        8    reserve s 5 most=pages|words/5 until=50 held=20 46 14 40 0 0
        8    reserve s 5 most=pages|words/6 until=50 held=20 45 15 40 0 0
        9    settle s words/6+pages/5 last           45  0  55 0 0
        ",
        columns,
    );
}

#[test]
fn what_was_allowed_when_it_was_reserved_stays_so() {
    let price = r#"{"model":"per_unit","unit_price":"1"}"#;
    let plans = vec![plan(1, price, r#"{"grace":{"credits":"5"}}"#), plan(2, price, BLOCK)];
    check_book(
        Book::with_plans(plans),
        "
        1    grant g 4                        4  0  0  0 0
        1    reserve r 2 most=9 until=50      0  4  0  0 0   // most=7
        2    follow 1                         0  4  0  0 0
        3    settle r 9                       0  0  4  5 0
        3    settle r 10 last                 0  0  4  5 1
        ",
        columns,
    );
    check_zero(
        r#"{"overage":{"unit_price":"0.02","cap":"5"}}"#,
        "
        // what is held may come back and pay
        1    grant g 10                       10 0 0  0 0 0
        1    reserve r 10 until=50            0 10 0  0 0 0
        2    debit x 3                        0 10 0  3 0 0
        3    settle r 2 last                  5  0 5  0 0 0
        ",
    );
}

#[test]
fn combinations_are_bounded_and_what_was_reserved_is_charged() {
    let mut book = Book::under(&plan(1, ANY_MODEL, BLOCK));
    book.row("1 grant g 5000");
    let names: Vec<String> = (1..COMBINATIONS_MAX).map(|n| format!("m{n}:1")).collect();
    for (n, some) in names.chunks(USES_MAX).enumerate() {
        let uses = some.join("+");
        assert_eq!(book.row(&format!("1 reserve r{n} {uses} until=50")), None);
        assert_eq!(book.row(&format!("1 settle r{n} {uses} last")), None);
    }
    check_book(
        book,
        "
        2    reserve a x:1 until=50           4000 1 999  0 0
        2    reserve b y:1 until=50           3999 2 999  0 0
        3    settle a x:1 last                3999 1 1000 0 0
        3    reserve c z:1 until=50           unpriced
        3    reserve c x:1 until=50           3998 2 1000 0 0
        4    settle b y:1 last                3998 1 1001 0 0
        ",
        columns,
    );
}

#[test]
fn an_end_without_use_is_an_end() {
    check(
        "
        1    grant g 10                       10 0 0 0
        1    reserve r 5 until=50             5  5 0 0
        2    settle r 0 last                  10 0 0 0
        3    settle r 0 last                  10 0 0 0   // the same answer
        3    settle r 4 last                  10 0 0 0
        3    release r                        10 0 0 0
        4    reserve s 6 until=50             4  6 0 0
        5    settle s 2                       4  4 2 0
        6    refund s                         10 0 0 0
        6    settle s 3 last                  reservation_unknown
        6    reserve s 6 until=50             ended
        ",
    );
}

#[test]
fn a_key_that_is_disabled_or_at_its_limit_gets_no_more() {
    check(
        "
        1    grant g 20                       20 0 0 0
        1    key k2                           20 0 0 0
        1    reserve r 2 key=k2 until=50      18 2 0 0
        2    disable k2                       18 2 0 0
        3    reserve r 2 key=k2 until=50      18 2 0 0   // told again
        3    reserve r 5 key=k2 until=50 held=2 key_refused
        3    reserve r 5 until=50 held=2      key_refused
        4    settle r 2 last                  18 0 2 0
        5    limit k1 day=5                   18 0 2 0
        5    reserve s 4 until=50             14 4 2 0
        5    reserve t 2 until=50             key_limited
        6    settle s 1 last                  17 0 3 0
        7    reserve t 4 until=50             13 4 3 0
        7    reserve t 5 until=50 held=4      key_limited
        ",
    );
    // What is held already pays for more at a price that fell: the limit has no say in it.
    check_prices(
        &[TIERS],
        "
        1    grant g 100                          100 0  0  0 0
        1    reserve r 12 until=50                76  24 0  0 0
        2    debit x 11                           55  24 21 0 0   // from here on one each
        3    limit k1 day=5                       55  24 21 0 0
        4    reserve r 20 until=60 held=24        55  24 21 0 0
        4    reserve r 25 until=60 held=24        key_limited
        55   visit                                55  24 21 0 0
        56   settle r 20 last                     59  0  41 0 0
        ",
    );
}

/// What was served may be of another charge than what was reserved: at most six for all of its
/// models together.
#[test]
fn a_maximum_is_that_of_all_models_together() {
    let pages = format!(
        r#",{{"id":"pages","unit":"credits","price":{MODELS},
        "adjustments":[{{"op":"maximum","amount":"6"}}]}}]"#
    );
    let json = plan(1, TWO_EACH, BLOCK).replacen(']', &pages, 1);
    check_book(
        Book::under(&json),
        "
        1    grant g 100                          100 0  0  0 0
        2    reserve r 25 until=50                50  50 0  0 0
        3    settle r pages/a:1+pages/b:1 last    96  0  4  0 0
        4    reserve s 25 until=50                46  50 4  0 0
        5    settle s pages/a:1 last              94  0  6  0 0   // not three
        ",
        columns,
    );
}

#[test]
fn an_operation_holds_and_tells_so_many_uses_and_not_one_more() {
    let mut book = Book::under(&plan(1, ANY_MODEL, BLOCK));
    let some = |count: usize| (0..count).map(|n| format!("m{n}:1")).collect::<Vec<_>>().join("+");
    let (most, more) = (some(USES_MAX), some(USES_MAX + 1));
    for (command, code) in [
        ("1 grant g 100".to_owned(), None),
        (format!("2 reserve r {more} until=50"), Some("too_many_uses")),
        (format!("2 reserve r {most} until=50"), None),
        (format!("3 settle r {more}"), Some("too_many_uses")),
        (format!("3 settle r {most} last"), None),
    ] {
        assert_eq!(book.row(&command).as_deref(), code, "{command}");
    }
}

#[test]
fn what_a_price_does_not_name_does_not_keep_uses_apart() {
    // Ten at two, six at one; at most all at two.
    check_prices(
        &[TIERS],
        "
        1    grant g 100                          100 0  0  0 0
        2    reserve r a:8+b:8 until=50           68  32 0  0 0
        3    settle r a:8+b:8 last                74  0  26 0 0
        ",
    );
}
