//! Which model fits: each cost against a what-if of its own, each reason at its bound.

use edgemeter::plan::Plan;
use edgemeter::statement::{Fit, Model, Scenario};
use edgemeter::units::Timestamp;
use serde_json::{Value, json};

use crate::given::{END, START, every_model, load, one, overage, prepaid, statement, stretch};

fn plan(json: &Value) -> Plan {
    Plan::parse(&json.to_string()).unwrap_or_else(|error| panic!("{error}"))
}

fn fit(given: &Value, plans: &[Plan], days: &[&str]) -> Fit {
    let days: Vec<_> = days.iter().map(|day| day.parse().unwrap()).collect();
    load(given).fit(plans, &days).unwrap_or_else(|error| panic!("{error}"))
}

/// `code model value bound` of each reason.
fn reasons(fit: &Fit) -> Vec<String> {
    let word = |value: Value| value.as_str().unwrap().to_owned();
    let reason = |of: &edgemeter::statement::Reason| {
        format!("{} {} {} {}", word(json!(of.code)), word(json!(of.model)), of.value, of.bound)
    };
    fit.reasons.iter().map(reason).collect()
}

/// A plan with one price, a fee and a commit, each as it is given.
fn simple(unit_price: &str, fee: Option<&str>, commit: Option<&str>) -> Value {
    let mut plan = json!({ "id": "simple", "version": 1, "currency": "USD", "charges": [
        { "id": "calls", "unit": "currency",
          "price": { "model": "per_unit", "unit_price": unit_price } } ] });
    if let Some(amount) = fee {
        plan["fees"] = json!([{ "id": "access", "amount": amount }]);
    }
    if let Some(amount) = commit {
        plan["commit"] = json!({ "amount": amount });
    }
    plan
}

/// The whole of November, with so many calls.
fn used(plan: &Value, calls: &str) -> Value {
    let usage = json!({ "calls": { "total": calls } });
    let mut given = statement(json!([stretch(START, END, plan, &usage, "0")]), json!([]));
    given["at"] = json!(END);
    given
}

#[test]
fn every_cost_is_that_of_a_what_if() {
    let mut offers = [every_model(), every_model(), every_model()];
    offers[0]["charges"][0]["price"]["unit_price"] = json!("1");
    offers[1]["commit"] = json!({ "amount": "50" });
    // Not comparable: it bills by the year.
    offers[2]["period"] = json!("P1Y");
    let offers: Vec<_> = offers.iter().map(plan).collect();
    let given = one();
    let fit = fit(&given, &offers, &[]);
    let statement = load(&given);
    let at = Some(Timestamp::from_millis(given["at"].as_i64().unwrap()));
    assert_eq!(fit.plans.len(), 4);
    for (index, candidate) in fit.plans.iter().enumerate().take(3) {
        let cost = |times: &str| {
            let plan = index.checked_sub(1).map(|index| &offers[index]);
            let all = times.parse().unwrap();
            let scenario = Scenario { plan, all, projected: at, ..Scenario::default() };
            statement.what_if(&scenario).unwrap().other.spend.unwrap()
        };
        let costs = candidate.costs.unwrap();
        assert_eq!([costs.spend, costs.tenth, costs.spike], ["1", "0.1", "10"].map(cost));
    }
    assert_eq!((fit.plans[3].costs, fit.plans[3].problem), (None, Some("what_if_other_cadence")));
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn every_reason_has_its_number_and_its_bound() {
    for (fee, commit, calls, days, expected) in [
        (None, None, "100", vec![], vec!["spike_costs credits 10 5", "spike_costs hybrid 10 5"]),
        (
            None,
            None,
            "100",
            vec!["5", "0", "1"],
            vec!["spread_wide metered 5 5", "spike_costs credits 10 5", "spike_costs hybrid 10 5"],
        ),
        (None, None, "0", vec!["4.99", "1"], vec![]),
        (None, None, "0", vec!["2", "1"], vec![]),
        (None, None, "0", vec!["1.99", "1"], vec!["spread_narrow access 1.99 2"]),
        (None, None, "0", vec!["7"], vec![]),
        (
            None,
            None,
            "0",
            vec!["30", "3"],
            vec![
                "spread_wide metered 10 5",
                "spread_very_wide metered 10 10",
                "spread_very_wide hybrid 10 10",
            ],
        ),
        // 100 × 0.1 = 10 of fees of 10: a spike costs 110 for 20.
        (
            Some("10"),
            None,
            "100",
            vec![],
            vec!["spike_costs credits 5.5 5", "spike_costs hybrid 5.5 5", "fees_lead access 50 50"],
        ),
        (
            Some("100"),
            None,
            "100",
            vec![],
            vec!["spike_is_flat access 1.82 2", "fees_lead access 90.91 50"],
        ),
        // 10 of 12.5 and of 20.02 are counted.
        (
            None,
            Some("12.5"),
            "100",
            vec![],
            vec!["spike_costs credits 8 5", "spike_costs hybrid 8 5", "commit_used hybrid 80 80"],
        ),
        (
            None,
            Some("20"),
            "100",
            vec![],
            vec!["spike_costs credits 5 5", "spike_costs hybrid 5 5"],
        ),
        (
            None,
            Some("20.02"),
            "100",
            vec![],
            vec![
                "spike_costs credits 5 5",
                "spike_costs hybrid 5 5",
                "commit_unused metered 49.95 50",
            ],
        ),
    ] {
        let plan = simple("0.1", fee, commit);
        let fit = fit(&used(&plan, calls), &[], &days);
        assert_eq!(reasons(&fit), expected, "{fee:?} {commit:?} {calls} {days:?}");
        // Each reason is a point, and the most points win.
        let points = |model: Model| fit.reasons.iter().filter(|of| of.model == model).count();
        for of in &fit.models {
            assert_eq!(of.points as usize, points(of.model));
            assert!(points(of.model) <= points(fit.recommended));
        }
    }
}

#[test]
fn credits_that_burn_and_credits_that_lie() {
    let grants = |burned: &str, left: &str| {
        json!([{ "id": "a", "kind": "paid", "priority": 1, "amount": "100", "left": left,
                 "burned": burned, "effective_at": START }])
    };
    for (burned, left, expected) in [
        ("50", "50", "credits_burned credits 50 50"),
        ("49.9", "50.1", ""),
        ("20", "80", ""),
        ("19.99", "80.01", "credits_idle metered 19.99 20"),
        ("0", "0", ""),
    ] {
        let usage = json!({ "input": { "total": "0" } });
        let part = stretch(START, END, &prepaid(overage()), &usage, "0");
        let got = reasons(&fit(&statement(json!([part]), grants(burned, left)), &[], &[]));
        let got = got.iter().find(|reason| reason.starts_with("credits_"));
        assert_eq!(got.map_or("", String::as_str), expected);
    }
    // 20 prices in use, of which 5 are enough to say so.
    let many = reasons(&fit(&one(), &[], &[]));
    assert!(many.contains(&"many_prices credits 11 5".to_owned()), "{many:?}");
}

#[test]
fn a_plan_sells_by_one_of_four_models() {
    let access = json!({ "id": "p", "version": 1, "currency": "USD",
                         "fees": [{ "id": "access", "amount": "5" }] });
    let mut both = prepaid(overage());
    let call = json!({ "id": "calls", "unit": "currency",
                       "price": { "model": "per_unit", "unit_price": "1" } });
    both["charges"].as_array_mut().unwrap().push(call);
    for (json, expected) in [
        (simple("1", None, None), Model::Metered),
        (simple("1", Some("5"), None), Model::Hybrid),
        (simple("1", None, Some("5")), Model::Hybrid),
        (access, Model::Access),
        (prepaid(overage()), Model::Credits),
        (both, Model::Hybrid),
    ] {
        assert_eq!(Model::of(&plan(&json)), expected, "{json}");
    }
}

#[test]
fn without_a_currency_costs_are_credits_and_without_a_value_there_are_none() {
    let mut plain = prepaid(json!("block"));
    plain["credits"].as_object_mut().unwrap().remove("value");
    let usage = json!({ "input": { "total": "20000" } });
    let of = |plan: &Value| {
        let mut given = statement(json!([stretch(START, END, plan, &usage, "40")]), json!([]));
        given["at"] = json!(END);
        fit(&given, &[], &[]).plans.remove(0)
    };
    let candidate = of(&plain);
    assert_eq!((candidate.costs, candidate.problem), (None, Some("no_credit_value")));
    plain.as_object_mut().unwrap().remove("currency");
    let expected = json!({ "unit": "credits", "spend": "40", "tenth": "4", "spike": "400",
                           "spike_needs": "360" });
    assert_eq!(json!(of(&plain).costs), expected);
}
