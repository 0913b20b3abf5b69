//! Package.

use super::{charge, check, check_marginals};

#[test]
fn a_package_that_was_begun_is_billed() {
    let packages = charge(r#"{ "model": "package", "size": "10", "price": "15" }"#);
    check(
        &packages,
        "
        0     0    _
        0.1   15   _
        9     15   _
        10    15   _
        10.01 30   _
        11    30   _
        ",
    );
    check_marginals(
        &packages,
        "
        0  1   15
        1  9   0
        9  2   15
        1  30  45
        ",
    );
}

#[test]
fn free_units_come_off_first() {
    check(
        &charge(r#"{ "model": "package", "size": "10", "price": "100", "free_units": "10" }"#),
        "
        3    0     _
        10   0     _
        11   100   _
        121  1200  _
        ",
    );
}

#[test]
fn a_plan_may_bill_whole_packages_only() {
    check(
        &charge(r#"{ "model": "package", "size": "100", "price": "1", "rounding": "floor" }"#),
        "
        99    0   _
        100   1   _
        199   1   _
        ",
    );
}

#[test]
fn sizes_may_be_fractions() {
    // 0.3 / 0.1 is 3 packages; in floats it is 2.9999999999999996.
    check(
        &charge(r#"{ "model": "package", "size": "0.1", "price": "1" }"#),
        "
        0.3             3   _
        0.300000000001  4   _
        ",
    );
    check(
        &charge(r#"{ "model": "package", "size": "1000", "price": "0.0000000001" }"#),
        "1001 0.0000000002 _",
    );
}
