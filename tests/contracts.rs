//! Contracts: which plan holds at an instant, with which overrides; and what is refused.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::arithmetic_side_effects,
    reason = "a test may panic, its helpers too"
)]

use edgemeter::plan::{Contract, Effective, Plan, PlanRef};
use edgemeter::units::Timestamp;

const CONTRACT: &str = r#"{
    "id": "acme-2026", "plan": { "id": "everything", "version": 7 },
    "starts_at": 1000, "ends_at": 9000,
    "set": { "/charges/calls/price/tiers/0/unit_price": "0.02", "/commit/amount": "400" },
    "phases": [
        { "starts_at": 3000, "set": { "/commit/amount": "600", "/fees/support": null } },
        { "starts_at": 5000, "plan": { "id": "starter", "version": 1 },
          "set": { "/charges/calls/price/tiers/0/unit_price": null } }
    ] }"#;

fn plans() -> [Plan; 2] {
    [include_str!("plans/good/everything.json"), include_str!("plans/good/starter.json")]
        .map(|json| Plan::parse(json).unwrap())
}

fn effective(contract: &str, at: i64) -> Result<Effective, String> {
    let plans = plans();
    let catalog = |wanted: &PlanRef| {
        plans.iter().find(|plan| *plan.id() == wanted.id && plan.version() == wanted.version)
    };
    let contract = Contract::parse(contract).unwrap_or_else(|error| panic!("{error}"));
    contract
        .effective(Timestamp::from_millis(at), catalog)
        .map_err(|error| format!("{} {error}", error.code()))
}

#[test]
fn phases_are_half_open_and_meet() {
    let contract = CONTRACT.replace("\"plan\": { \"id\": \"starter\", \"version\": 1 },", "");
    for (at, expected) in [
        (999, None),
        (1000, Some((1000, 3000))),
        (2999, Some((1000, 3000))),
        (3000, Some((3000, 5000))),
        (5000, Some((5000, 9000))),
        (8999, Some((5000, 9000))),
        (9000, None),
    ] {
        let got = effective(&contract, at).ok();
        let got = got.map(|e| (e.from.millis(), e.until.unwrap().millis()));
        assert_eq!(got, expected, "at {at}");
    }
    let open = contract.replace("\"ends_at\": 9000,", "");
    assert_eq!(effective(&open, i64::MAX).unwrap().until, None);
    let error = effective(&contract, 9000).unwrap_err();
    assert!(error.starts_with("contract_not_in_force"), "{error}");
    let read = Contract::parse(&contract).unwrap();
    assert_eq!(read.id().as_str(), "acme-2026");
    assert_eq!(read.starts_at().millis(), 1000);
    assert_eq!(read.ends_at().map(Timestamp::millis), Some(9000));
    assert_eq!(read.phases().len(), 3);
    assert_eq!(Contract::parse(&open).unwrap().ends_at(), None);
}

#[test]
fn overrides_change_the_plan_and_its_hash() {
    let base = &plans()[0];
    let first = effective(CONTRACT, 1000).unwrap().plan;
    assert_eq!((first.id(), first.version()), (base.id(), base.version()));
    let text = first.to_json().unwrap();
    assert!(text.contains(r#""up_to":"1000","unit_price":"0.02","flat":"5""#), "{text}");
    assert!(text.contains(r#""commit":{"amount":"400""#), "{text}");
    assert_ne!(first.hash(), base.hash());
    assert_eq!(effective(CONTRACT, 2999).unwrap().plan.hash(), first.hash());

    // A phase's overrides go on top of the contract's.
    let second = effective(CONTRACT, 3000).unwrap().plan;
    assert_eq!(second.spec().fees.len(), base.spec().fees.len() - 1);
    let text = second.to_json().unwrap();
    assert!(text.contains(r#""commit":{"amount":"600""#), "{text}");
    assert!(text.contains(r#""unit_price":"0.02""#), "{text}");
    assert_ne!(second.hash(), first.hash());

    // Without overrides the effective plan is the plan.
    let plain = r#"{ "id": "c", "plan": { "id": "starter", "version": 1 }, "starts_at": 0 }"#;
    assert_eq!(effective(plain, 0).unwrap().plan, plans()[1]);
}

#[test]
fn lists_are_changed_by_id_or_index() {
    let with = |set: &str| {
        let contract = format!(
            r#"{{ "id": "c", "plan": {{ "id": "everything", "version": 7 }}, "starts_at": 0,
                 "set": {{ {set} }} }}"#
        );
        effective(&contract, 0).map(|effective| effective.plan)
    };
    let fees = |plan: &Plan| -> Vec<String> {
        plan.spec().fees.iter().map(|fee| format!("{}={}", fee.id, fee.amount)).collect()
    };
    for (set, expected) in [
        (
            r#""/fees/seat/amount": "9""#,
            &["access=99", "seat=9", "support=1200", "reserve=100"][..],
        ),
        (r#""/fees/support": null"#, &["access=99", "seat=15", "reserve=100"]),
        (r#""/fees/3": null"#, &["access=99", "seat=15", "support=1200"]),
        (
            r#""/fees/extra": { "id": "extra", "amount": "1" }"#,
            &["access=99", "seat=15", "support=1200", "reserve=100", "extra=1"],
        ),
        (
            r#""/fees/support": { "id": "help", "amount": "1" }"#,
            &["access=99", "seat=15", "help=1", "reserve=100"],
        ),
        (
            r#""/fees": [ { "id": "access", "amount": "1" } ],
               "/taxes": null, "/commit/lines": null"#,
            &["access=1"],
        ),
    ] {
        assert_eq!(fees(&with(set).unwrap()), expected, "{set}");
    }
    assert_eq!(with(r#""/name": null"#).unwrap().spec().name, "everything");
    assert_eq!(with(r#""/meters/tokens/filters/~1status": ["x"]"#).unwrap().spec().meters.len(), 8);

    for (set, expected) in [
        (r#""/fees/none": null"#, "nothing_there /set/~1fees~1none:"),
        (r#""/fees/4": null"#, "nothing_there /set/~1fees~14:"),
        (r#""/fees/none/amount": "1""#, "nothing_there /set/~1fees~1none~1amount:"),
        (r#""/fees/other": { "id": "extra" }"#, "nothing_there /set/~1fees~1other:"),
        (r#""/name/x": "1""#, "nothing_there /set/~1name~1x:"),
        (r#""/name/x/y": "1""#, "nothing_there /set/~1name~1x~1y:"),
        (r#""/commit/amuont": "1""#, "unknown_field /commit/amuont:"),
        (r#""/commit/amount": "0""#, "not_positive /commit/amount:"),
        (r#""/fees/access": null"#, "no_such_line /commit/lines:"),
        (r#""/charges/calls/price/tiers/2/up_to": "5""#, "tier_not_above_previous /charges/1/"),
    ] {
        let error = with(set).unwrap_err();
        assert!(error.starts_with(expected), "{set}: {error}");
    }
}

#[test]
fn a_plan_that_is_not_in_the_catalog_is_an_error() {
    let error =
        effective(r#"{ "id": "c", "plan": { "id": "starter", "version": 2 }, "starts_at": 0 }"#, 0);
    let error = error.unwrap_err();
    assert_eq!(error, "no_such_plan plan starter version 2 is not in the catalog: add it first");
    // A phase on another plan, where the contract's override has no place.
    let error = effective(CONTRACT, 5000).unwrap_err();
    assert!(error.starts_with("nothing_there"), "{error}");
}

#[test]
fn a_broken_contract_is_refused_at_its_field() {
    let good = r#"{ "id": "c", "plan": { "id": "p", "version": 1 }, "starts_at": 5, "ends_at": 9,
                    "set": { "/name": "x" }, "phases": [ { "starts_at": 7 } ] }"#;
    assert!(Contract::parse(good).is_ok());
    for (from, to, expected) in [
        ("{ \"id\"", "[ \"id\"", "not_json "),
        ("\"id\": \"c\"", "\"id\": \"c d\"", "id_character /id"),
        ("\"id\": \"c\",", "", "missing_field /id"),
        ("\"version\": 1", "\"version\": 0", "integer_out_of_range /plan/version"),
        ("\"id\": \"p\",", "", "missing_field /plan/id"),
        ("\"starts_at\": 5,", "", "missing_field /starts_at"),
        ("\"starts_at\": 5", "\"starts_at\": \"5\"", "wrong_type /starts_at"),
        ("\"starts_at\": 5", "\"starts_at\": 9007199254740992", "integer_out_of_range /starts_at"),
        ("\"ends_at\": 9", "\"ends_at\": 7", "instant_not_after /ends_at"),
        ("\"starts_at\": 7", "\"starts_at\": 5", "instant_not_after /phases/0/starts_at"),
        ("\"/name\"", "\"name\"", "not_a_pointer /set/name"),
        ("\"/name\"", "\"/id\"", "not_overridable /set/~1id"),
        ("\"/name\"", "\"/version\"", "not_overridable /set/~1version"),
        ("\"ends_at\"", "\"end\"", "unknown_field /end"),
        ("[ { \"starts_at\": 7 } ]", "{}", "wrong_type /phases"),
        (
            "{ \"starts_at\": 7 }",
            "{ \"starts_at\": 7, \"until\": 8 }",
            "unknown_field /phases/0/until",
        ),
    ] {
        let error = Contract::parse(&good.replace(from, to)).unwrap_err();
        assert_eq!(format!("{} {}", error.code(), error.path), expected, "{to}");
    }
    let many: Vec<String> = (0..201).map(|index| format!("\"/x{index}\": 1")).collect();
    let many = good.replace("\"/name\": \"x\"", &many.join(","));
    assert_eq!(Contract::parse(&many).unwrap_err().code(), "too_many");
    let phases: Vec<String> = (0..51).map(|i| format!("{{ \"starts_at\": {} }}", 6 + i)).collect();
    let phases = good.replace("{ \"starts_at\": 7 }", &phases.join(","));
    assert_eq!(Contract::parse(&phases).unwrap_err().code(), "too_many");
}
