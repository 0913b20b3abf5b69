//! Adjustments: before and after the price, in the order of the plan.

use edgemeter::rating::{Usage, closing};

use super::{charge_with, check, check_marginals, credits, text};
use edgemeter::plan::Charge;

fn per_unit(price: &str, adjustments: &str) -> Charge {
    charge_with(
        &format!(r#"{{ "model": "per_unit", "unit_price": "{price}" }}"#),
        &format!(r#", "adjustments": [ {adjustments} ]"#),
    )
}

#[test]
fn quantities_are_converted_and_rounded() {
    let divide = r#"{ "op": "convert", "operation": "divide", "factor": "1000",
                      "rounding": { "direction": "ceiling", "places": 2 } }"#;
    check(&per_unit("1", divide), "1247 1.25 _ \n 0 0 _");
    let thirds = r#"{ "op": "convert", "operation": "divide", "factor": "3",
                      "rounding": { "direction": "half_up", "places": 1 } }"#;
    check(&per_unit("1", thirds), "1 0.3 _ \n 2 0.7 _ \n 3 1 _");
    let exact = r#"{ "op": "convert", "operation": "divide", "factor": "0.8" }"#;
    check(&per_unit("1", exact), "1 1.25 _");
    let multiply = r#"{ "op": "convert", "operation": "multiply", "factor": "1.5",
                        "rounding": { "direction": "floor" } }"#;
    check(&per_unit("1", multiply), "4.2 6 _ \n 1 1 _");
    let round = r#"{ "op": "round", "direction": "ceiling", "places": -2 }"#;
    check(&per_unit("1", round), "123.456 200 _ \n 200 200 _");
}

#[test]
fn included_units_come_off_where_the_plan_says() {
    let then_included = r#"{ "op": "convert", "operation": "divide", "factor": "1000",
                             "rounding": { "direction": "ceiling" } },
                           { "op": "included", "units": "0.5" }"#;
    check(&per_unit("10", then_included), "1400 15 _ \n 0 0 _"); // ⌈1.4⌉ − 0.5 = 1.5
    let first_included = r#"{ "op": "included", "units": "400" },
                            { "op": "convert", "operation": "divide", "factor": "1000",
                              "rounding": { "direction": "ceiling" } }"#;
    check(&per_unit("10", first_included), "1400 10 _ \n 400 0 _ \n 400.5 10 _");
    check_marginals(
        &per_unit("2", r#"{ "op": "included", "units": "10" }"#),
        "
        5    15   20
        0    10   0
        125  30   60
        ",
    );
}

#[test]
fn the_order_of_maximum_and_discount_is_data() {
    let discount_first = r#"{ "op": "discount", "percent": "10" },
                            { "op": "maximum", "amount": "100" }"#;
    check(&per_unit("10", discount_first), "10 90 _ \n 12 100 _");
    let maximum_first = r#"{ "op": "maximum", "amount": "100" },
                           { "op": "discount", "percent": "10" }"#;
    check(&per_unit("10", maximum_first), "10 90 _ \n 12 90 _");
    check(&per_unit("10", r#"{ "op": "discount", "percent": "100" }"#), "5 0 _");
}

#[test]
fn a_maximum_that_is_reached_stays_reached() {
    check_marginals(
        &per_unit("10", r#"{ "op": "maximum", "amount": "100" }"#),
        "
        7   5   30
        10  1   0
        12  8   0
        ",
    );
}

#[test]
fn a_minimum_is_due_when_the_period_ends() {
    let minimum = per_unit("10", r#"{ "op": "minimum", "amount": "100" }"#);
    check(
        &minimum,
        "
        0    100  0
        7    100  70
        10   100  _
        11   110  _
        ",
    );
    check_marginals(&minimum, "0 7 70");
    for (quantity, missing) in [("0", "100"), ("7", "30"), ("10", "0"), ("11", "0")] {
        let usage = Usage::Total(quantity.parse().unwrap());
        assert_eq!(text(closing(&minimum, &usage)), missing, "{quantity}");
    }
}

#[test]
fn a_running_amount_may_be_rounded() {
    // 70 × 1.33333 = 93.3331; 120 × 1.33333 = 159.9996: each invoice bills rounded cents.
    let cents = r#"{ "op": "round_amount", "direction": "half_up", "places": 2 }"#;
    let rounded = per_unit("1.33333", cents);
    check(&rounded, "70 93.33 _ \n 120 160 _");
    check_marginals(&rounded, "70 50 66.67");
    let capped = format!(r#"{cents}, {{ "op": "maximum", "amount": "100" }}"#);
    check_marginals(&per_unit("1.33333", &capped), "70 50 6.67");
}

#[test]
fn adjustments_decide_how_fine_a_quantity_may_be() {
    let places = |charge: &Charge| charge.quantity_places();
    assert_eq!(places(&credits(r#"{ "model": "per_unit", "unit_price": "0.3" }"#)), 11);
    assert_eq!(places(&credits(r#"{ "model": "package", "size": "3", "price": "0.25" }"#)), 12);
    let graduated = r#"{ "model": "graduated", "tiers": [
        { "up_to": "0.125", "unit_price": "0.5" }, { "unit_price": "0.0625" } ] }"#;
    assert_eq!(places(&credits(graduated)), 8);
    let volume = graduated.replace("graduated", "volume");
    assert_eq!(places(&credits(&volume)), 8);
    let percent = r#"{ "model": "percentage", "percent": "2.5", "minimum": "0.25" }"#;
    assert_eq!(places(&credits(percent)), 9);
    let blocks = r#"{ "model": "graduated", "tiers": [
        { "unit_price": "0.5", "block_size": "0.001" } ] }"#;
    assert_eq!(places(&credits(blocks)), 12);
    // In currency 24 places are kept until the line is rounded.
    assert_eq!(places(&per_unit("0.000000000001", "")), 12);
    let discount = r#"{ "op": "discount", "percent": "0.5" }"#;
    assert_eq!(places(&per_unit("0.000000000001", discount)), 9);
    let convert = r#"{ "op": "convert", "operation": "multiply", "factor": "0.25" }"#;
    assert_eq!(places(&per_unit("1", convert)), 10);
}
