//! Tables of money: rounding, sums, shares.

use super::*;

fn currency(code: &str) -> Currency {
    code.parse().unwrap()
}

fn round(amount: &str, code: &str) -> Result<String, &'static str> {
    let amount = amount.parse().unwrap();
    Money::round(amount, currency(code)).map(|m| m.to_string()).map_err(MoneyError::code)
}

fn minor(units: i64) -> Money {
    Money::from_minor(units, currency("USD")).unwrap()
}

#[test]
fn the_one_rounding_is_half_away_from_zero_to_the_minor_unit() {
    for (amount, code, expected) in [
        ("0.005", "USD", "0.01"),
        ("-0.005", "USD", "-0.01"),
        ("0.0049", "USD", "0.00"),
        ("7.335", "USD", "7.34"),
        ("100.556", "INR", "100.56"),
        ("0.5", "JPY", "1"),
        ("1000.5", "VND", "1001"),
        ("1.0004", "KWD", "1.000"),
        ("1.0005", "KWD", "1.001"),
        ("1.00005", "CLF", "1.0001"),
        ("12", "USD", "12.00"),
        ("90071992547409.91", "USD", "90071992547409.91"),
        ("-90071992547409.914", "USD", "-90071992547409.91"),
    ] {
        assert_eq!(round(amount, code).as_deref(), Ok(expected), "{amount} {code}");
    }
    assert_eq!(round("90071992547409.915", "USD"), Err("money_too_large"));
    assert_eq!(round("-90071992547409.92", "USD"), Err("money_too_large"));
    assert_eq!(round("9999999999999999", "CLF"), Err("money_too_large"));
}

#[test]
fn exactly_takes_whole_minor_units_only() {
    let exactly = |text: &str| {
        let money = Money::exactly(text.parse().unwrap(), currency("USD"));
        money.map(Money::minor).map_err(MoneyError::code)
    };
    assert_eq!(exactly("12.3400"), Ok(1234));
    assert_eq!(exactly("-0.01"), Ok(-1));
    assert_eq!(exactly("0.001"), Err("money_too_fine"));
    assert_eq!(exactly("79228162514264337593543950335"), Err("money_too_large"));
}

#[test]
fn sums_stay_in_one_currency_and_in_range() {
    let (one, two) = (minor(1), minor(2));
    assert_eq!(one.plus(two), Ok(minor(3)));
    assert_eq!(one.minus(two), Ok(minor(-1)));
    assert_eq!((one.min(two), two.min(one), one.min(one)), (Ok(one), Ok(one), Ok(one)));
    assert_eq!(Money::sum(currency("USD"), [one, two, two]), Ok(minor(5)));
    assert_eq!(Money::sum(currency("USD"), []), Ok(Money::zero(currency("USD"))));
    assert!(minor(-1).is_negative() && !minor(0).is_negative() && minor(0).is_zero());
    assert!(!one.is_zero() && !one.is_negative());

    let yen = Money::from_minor(1, currency("JPY")).unwrap();
    for result in [one.plus(yen), one.minus(yen), one.min(yen)] {
        assert_eq!(result.unwrap_err().code(), "currency_mismatch");
    }
    let most = minor(MINOR_UNITS_MAX);
    assert_eq!(most.plus(one), Err(MoneyError::TooLarge));
    assert_eq!(most.negated().minus(one), Err(MoneyError::TooLarge));
    assert_eq!(Money::from_minor(i64::MIN, currency("USD")), Err(MoneyError::TooLarge));
    assert_eq!(most.currency().code(), "USD");
}

#[test]
fn proration_rounds_once() {
    for (amount, part, whole, expected) in [
        (5000, 17, 31, 2742), // 27.419…
        (10_000, 17, 31, 5484),
        (6000, 24, 31, 4645),
        (10_000, 15, 30, 5000),
        (-5000, 17, 31, -2742),
        (1, 1, 2, 1),
        (7, 0, 30, 0),
        (7, 30, 30, 7),
        (7, 60, 30, 14),
    ] {
        assert_eq!(minor(amount).prorated(part, whole), Ok(minor(expected)), "{amount}");
    }
    assert_eq!(minor(7).prorated(1, 0).unwrap_err().code(), "no_weight");
    assert_eq!(minor(MINOR_UNITS_MAX).prorated(2, 1), Err(MoneyError::TooLarge));
    assert_eq!(minor(MINOR_UNITS_MAX).prorated(u32::MAX, 1), Err(MoneyError::TooLarge));
}

#[test]
fn allocation_gives_the_rest_to_the_largest_remainders() {
    for (total, weights, expected) in [
        (5, &[1, 1, 1][..], &[2, 2, 1][..]),
        (-5, &[1, 1, 1], &[-2, -2, -1]),
        (600, &[1000, 500], &[400, 200]),
        (1, &[100, 1], &[1, 0]),
        (1, &[1, 100], &[0, 1]),
        (100, &[1, 2, 3], &[17, 33, 50]),
        (10, &[0, 3, 0], &[0, 10, 0]),
        (0, &[0, 0], &[0, 0]),
        (0, &[], &[]),
        (MINOR_UNITS_MAX, &[i64::MAX, i64::MAX], &[4_503_599_627_370_496, 4_503_599_627_370_495]),
    ] {
        let parts = minor(total).allocate(weights).unwrap();
        let parts: Vec<i64> = parts.into_iter().map(Money::minor).collect();
        assert_eq!(parts, expected, "{total} by {weights:?}");
    }
    assert_eq!(minor(1).allocate(&[0, 0]).unwrap_err().code(), "no_weight");
    assert_eq!(minor(1).allocate(&[]).unwrap_err().code(), "no_weight");
    assert_eq!(minor(1).allocate(&[1, -1]).unwrap_err().code(), "negative_weight");
}

#[test]
fn money_is_a_string_of_major_units() {
    assert_eq!(serde_json::to_string(&minor(-1230)).unwrap(), "\"-12.30\"");
    let yen = Money::from_minor(12, currency("JPY")).unwrap();
    assert_eq!(serde_json::to_string(&yen).unwrap(), "\"12\"");
}
