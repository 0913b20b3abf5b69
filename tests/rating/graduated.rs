//! Graduated.

use super::{charge, charge_with, check, check_marginals};

#[test]
fn every_unit_costs_its_tier_and_every_tier_its_flat() {
    let tiers = charge(
        r#"{ "model": "graduated", "tiers": [
            { "up_to": "10", "unit_price": "10", "flat": "2" },
            { "up_to": "20", "unit_price": "5", "flat": "3" },
            { "unit_price": "5", "flat": "3" } ] }"#,
    );
    check(
        &tiers,
        "
        0      2       0
        0.5    7       _
        10     102     _
        10.001 105.005 _
        20     155     _
        21     163     _
        ",
    );
    check_marginals(
        &tiers,
        "
        0    10     102
        10   0.001  3.005
        9    2      18
        0    21     163
        5    0      0
        ",
    );
}

#[test]
fn bounds_may_be_fractions() {
    check(
        &charge(
            r#"{ "model": "graduated", "tiers": [
                { "up_to": "0.1", "unit_price": "10" }, { "up_to": "1", "unit_price": "5" },
                { "unit_price": "2" } ] }"#,
        ),
        "
        0.05  0.5  _
        0.5   3    _
        2     7.5  _
        ",
    );
}

#[test]
fn the_first_flat_without_use_is_the_plans_choice() {
    let free = charge(
        r#"{ "model": "graduated", "flat_at_zero": false, "tiers": [
            { "up_to": "5", "flat": "1" }, { "unit_price": "1", "flat": "2" } ] }"#,
    );
    check(
        &free,
        "
        0     0   _
        0.001 1   _
        7     5   _
        ",
    );
}

#[test]
fn blocks_round_up_within_their_tier() {
    check(
        &charge(
            r#"{ "model": "graduated", "tiers": [
                { "up_to": "1000", "unit_price": "2.95", "block_size": "100" },
                { "unit_price": "5.95", "block_size": "1000" } ] }"#,
        ),
        "
        0     0      _
        99    2.95   _
        100   2.95   _
        199   5.9    _
        1000  29.5   _
        1001  35.45  _
        2001  41.4   _
        ",
    );
}

#[test]
fn a_tier_may_be_capped() {
    check(
        &charge(
            r#"{ "model": "graduated", "tiers": [
                { "up_to": "10", "unit_price": "1", "flat": "2", "cap": "7" },
                { "unit_price": "3" } ] }"#,
        ),
        "
        4   6    _
        5   7    _
        6   7    _
        10  7    _
        11  10   _
        ",
    );
}

#[test]
fn negative_tiers_give_money_back() {
    let tiers = charge_with(
        r#"{ "model": "graduated", "tiers": [
            { "up_to": "10", "unit_price": "1" }, { "unit_price": "-1", "flat": "-4" } ] }"#,
        r#", "allow_negative": true"#,
    );
    check(&tiers, "12 4 _");
    check_marginals(&tiers, "9 2 -4");
}

#[test]
fn a_thousand_tiers_are_climbed_exactly() {
    let tiers: Vec<String> = (1..1000)
        .map(|bound| format!(r#"{{ "up_to": "{bound}", "unit_price": "0.000000000001" }}"#))
        .chain([r#"{ "unit_price": "1000000000000000" }"#.to_owned()])
        .collect();
    let price = format!(r#"{{ "model": "graduated", "tiers": [{}] }}"#, tiers.join(","));
    check(
        &charge(&price),
        "
        998.5   0.0000000009985           _
        999     0.000000000999            _
        1000    1000000000000000.000000000999 _
        1001    2000000000000000.000000000999 _
        9000    amount_not_exact  _
        ",
    );
}
