//! Dynamic.

use super::{charge, check, check_marginals};

#[test]
fn the_priced_value_is_taken_times_the_multiplier() {
    let plain = charge(r#"{ "model": "dynamic" }"#);
    check(&plain, "0.402 0.402 _");
    let margin = charge(r#"{ "model": "dynamic", "multiplier": "1.33333" }"#);
    check(
        &margin,
        "
        0     0         _
        70    93.3331   _
        120   159.9996  _
        ",
    );
    check_marginals(&margin, "70 50 66.6665");
}
