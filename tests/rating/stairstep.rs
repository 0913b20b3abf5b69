//! Stairstep.

use super::{charge, check, check_marginals};

#[test]
fn the_step_of_the_total_has_one_price() {
    let steps = r#""tiers": [ { "up_to": "250", "flat": "10" }, { "up_to": "500", "flat": "20" },
                              { "flat": "30" } ]"#;
    let steps_at_zero = charge(&format!(r#"{{ "model": "stairstep", {steps} }}"#));
    check(
        &steps_at_zero,
        "
        0      10   0
        0.1    10   _
        250    10   _
        250.5  20   _
        500    20   _
        1000   30   _
        ",
    );
    check_marginals(
        &steps_at_zero,
        "
        0    1    10
        250  1    10
        251  249  0
        ",
    );
    let free = charge(&format!(r#"{{ "model": "stairstep", "flat_at_zero": false, {steps} }}"#));
    check(&free, "0 0 _");
}
