//! Graduated percentage.

use super::{charge, check, check_marginals};

#[test]
fn every_part_of_the_value_costs_its_tier() {
    let tiers = charge(
        r#"{ "model": "graduated_percentage", "tiers": [
            { "up_to": "10", "percent": "1", "flat": "200" },
            { "up_to": "20", "percent": "2", "flat": "300" },
            { "percent": "3", "flat": "400" } ] }"#,
    );
    check(
        &tiers,
        "
        0     200      0
        1     200.01   _
        10    200.1    _
        11    500.12   _
        12    500.14   _
        20.5  900.315  _
        ",
    );
    check_marginals(&tiers, "10 1 300.02");
}
