//! Per unit.

use super::{charge, charge_with, check, check_marginals, credits};

#[test]
fn every_unit_costs_the_same() {
    check(
        &charge(r#"{ "model": "per_unit", "unit_price": "5.12345" }"#),
        "
        0      0         _
        1      5.12345   _
        10     51.2345   _
        0.5    2.561725  _
        ",
    );
}

#[test]
fn prices_may_be_tiny_and_totals_large() {
    let tiny = charge(r#"{ "model": "per_unit", "unit_price": "0.000000000001" }"#);
    check(
        &tiny,
        "
        1                  0.000000000001   _
        1000000000000000   1000             _
        9999999999999999   9999.999999999999 _
        0.000000000001     0.000000000000000000000001 _
        ",
    );
    // 10^15 units at 12 digits a price: 28 digits and exact, or refused.
    let long = charge(r#"{ "model": "per_unit", "unit_price": "1.234567890123" }"#);
    check(
        &long,
        "
        1000000000000000   1234567890123000      _
        1234567890123456   1524157875323318.763913025088 _
        1234567890123456.7 1524157875323319.6281105481741 _
        1234567890123456.789012 amount_not_exact _
        ",
    );
}

#[test]
fn credits_keep_twelve_places_and_refuse_a_thirteenth() {
    check(
        &credits(r#"{ "model": "per_unit", "unit_price": "0.0000001" }"#),
        "
        1          0.0000001       _
        0.00001    0.000000000001  _
        0.000001   quantity_too_fine _
        ",
    );
}

#[test]
fn a_negative_price_is_allowed_by_name() {
    let negative = charge_with(
        r#"{ "model": "per_unit", "unit_price": "-2.5" }"#,
        r#", "allow_negative": true"#,
    );
    check(&negative, "4 -10 _");
    check_marginals(&negative, "1 3 -7.5");
}
