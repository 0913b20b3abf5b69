//! Volume.

use super::{charge, check, check_marginals};

#[test]
fn the_tier_of_the_total_prices_all_units() {
    let tiers = charge(
        r#"{ "model": "volume", "tiers": [
            { "up_to": "100", "unit_price": "2", "flat": "10" },
            { "up_to": "200", "unit_price": "1" },
            { "unit_price": "0.5", "flat": "50" } ] }"#,
    );
    check(
        &tiers,
        "
        0      10      0
        1      12      _
        100    210     _
        100.5  100.5   _
        200    200     _
        300    200     _
        ",
    );
    check_marginals(
        &tiers,
        "
        0    1    12
        100  1    -109
        99   1    2
        200  100  0
        ",
    );
}

#[test]
fn a_fraction_above_a_bound_is_in_the_next_tier() {
    check(
        &charge(
            r#"{ "model": "volume", "tiers": [ { "up_to": "99", "unit_price": "1" },
                { "up_to": "199", "unit_price": "0.5" }, { "unit_price": "0.25" } ] }"#,
        ),
        "
        99    99     _
        99.5  49.75  _
        100   50     _
        ",
    );
}

#[test]
fn blocks_round_the_total_up() {
    check(
        &charge(
            r#"{ "model": "volume", "flat_at_zero": false, "tiers": [
                { "up_to": "1000", "unit_price": "1", "block_size": "100" },
                { "up_to": "101000", "unit_price": "1", "block_size": "1000" },
                { "unit_price": "0.5", "flat": "1", "block_size": "1000", "cap": "150.5" } ] }"#,
        ),
        "
        0       0      _
        1       1      _
        1000    10     _
        101001  52     _
        300000  150.5  _
        ",
    );
}
