//! Events from elsewhere, case by case: what is refused and why, in which time, how many, and where
//! what is taken back goes when nothing simple is left.

use std::collections::BTreeMap;

use edgemeter::ledger::{
    Change, EVENT_AGE_MS_MAX, EVENT_AHEAD_MS_MAX, Entry, EventCorrection, EventRecord, Refused,
};
use edgemeter::meter::{Event, EventError};
use edgemeter::units::Timestamp;
use serde_json::{Value, json};

use crate::elsewhere::{Account, NOW, Rng, Said};

const BLOCK: &str = r#""block""#;

/// The code of what became of each.
fn codes<T: serde::Serialize>(outcomes: Vec<Result<T, Refused>>) -> Vec<String> {
    let code = |outcome: Result<T, Refused>| match outcome {
        Ok(done) => serde_json::to_value(done).unwrap().as_str().unwrap().to_owned(),
        Err(refused) => format!("{} at {:?}", refused.code(), refused.field()),
    };
    outcomes.into_iter().map(code).collect()
}

fn event(id: &str, kind: &str, data: &Value) -> String {
    json!({ "specversion": "1.0", "id": id, "source": "s", "type": kind, "subject": "acme",
            "data": data })
    .to_string()
}

#[test]
fn what_cannot_count_is_refused_by_name() {
    let mut account = Account::new(BLOCK);
    let call = |data: &Value| event("x", "call", data);
    for (text, expected) in [
        (event("x", "verbs", &json!({})), r#"event_unmetered at "/type""#),
        (event("x", "load", &json!({ "n": 1 })), r#"meter_not_inline at "/type""#),
        (event("x", "words", &json!({ "quantity": -1 })), r#"event_negative at "/data""#),
        (
            event("x", "words", &json!({ "quantity": [] })),
            r#"property_composite at "/data/quantity""#,
        ),
        (call(&json!({ "model": "a" })), r#"property_missing at "/data/tokens""#),
        (call(&json!({ "tokens": 1, "model": "c" })), r#"no_price at "/data""#),
        (event("x", "copy", &json!({ "gb": 1, "ok": false })), "taken"),
        (event("x", "copy", &json!({ "gb": 1, "ok": true })), "duplicate"),
    ] {
        assert_eq!(codes(account.take(&[text])), [expected]);
    }
    assert_eq!(account.sums(), ["0", "0", "0", "0", "0"]);
}

#[test]
fn an_event_is_in_time_as_long_as_no_copy_of_it_is_forgotten() {
    let mut account = Account::new(BLOCK);
    for (id, age, expected) in [
        ("a", EVENT_AGE_MS_MAX, "taken"),
        ("b", EVENT_AGE_MS_MAX + 1, r#"event_too_old at "/time""#),
        ("c", -EVENT_AHEAD_MS_MAX, "taken"),
        ("d", -EVENT_AHEAD_MS_MAX - 1, r#"event_ahead at "/time""#),
    ] {
        let text = Said::Words { quantity: 1 }.json("s", id, NOW);
        let mut at = Event::from_json(text.leak(), None).unwrap();
        at.time = Timestamp::from_millis(NOW - age);
        let taken = account.book.visit(Timestamp::from_millis(NOW), |session, plan| {
            session.take_events(plan, &[at], |_| false).unwrap()
        });
        assert_eq!(codes(taken), [expected], "{id}");
    }
}

#[test]
fn a_charge_counts_so_many_combinations_and_not_one_more() {
    let any = r#"{"model":"matrix","default":"1","entries":[{"when":{"m":"a"},"unit_price":"2"}]}"#;
    let plan = format!(
        r#"{{"id":"p","version":1,"meters":[{{"id":"w","aggregation":"count",
        "dimensions":{{"m":"/m"}}}}],"charges":[{{"id":"words","meter":"w","unit":"credits",
        "price":{any}}}],"credits":{{"burn_order":"standard","rollover":"none",
        "at_zero":"block"}}}}"#
    );
    let mut account = Account::under(vec![plan]);
    let one = |id: usize, m: usize| event(&id.to_string(), "w", &json!({ "m": m.to_string() }));
    let texts: Vec<String> = (0..1_001).map(|n| one(n, n)).chain([one(1_001, 7)]).collect();
    let codes = codes(account.take(&texts));
    assert!(codes[..1_000].iter().all(|code| code == "taken"));
    assert_eq!(codes[1_000..], [r#"too_many_combinations at "/data""#, "taken"]);
    assert_eq!(account.sums()[1], "1001");
    account.replays();
}

#[test]
fn what_does_not_fit_a_row_is_refused_and_fits_the_next_one() {
    let mut account = Account::new(BLOCK);
    let id = |n: usize| format!("{n}{}", "\u{1}".repeat(250));
    let texts: Vec<String> = (0..1_200).map(|n| event(&id(n), "words", &json!({}))).collect();
    let taken = codes(account.take(&texts));
    let fit = taken.iter().take_while(|code| *code == "taken").count();
    assert!((900..1_200).contains(&fit), "{fit}");
    assert!(taken[fit..].iter().all(|code| code == r#"batch_too_long at """#));
    assert!(account.book.journal.last().unwrap().body.len() < 2_000_000);
    assert!(codes(account.take(&texts[fit..])).iter().all(|code| code == "taken"));
    assert_eq!(account.sums()[1], "1200");
}

#[test]
fn terms_that_are_forgotten_are_not_rated_again() {
    let mut account = Account::new(BLOCK);
    account.take(&[Said::Words { quantity: 3 }.json("s", "a", NOW)]);
    let void = |account: &mut Account, id: &str| {
        let one = EventCorrection { id, source: "s", event: "a", change: Change::Void };
        codes(account.correct(&[one])).remove(0)
    };
    for period in 0..8 {
        account.row(&format!("close p{period}"));
    }
    assert_eq!(void(&mut account, "1"), "voided");
    account.row("close last");
    assert_eq!(void(&mut account, "2"), r#"event_terms_forgotten at """#);
    assert_eq!(account.sums(), ["0", "0", "0", "0", "0"]);
    account.replays();
}

#[test]
fn what_was_invoiced_or_forgiven_comes_back_there() {
    let void = |account: &mut Account| {
        let one = EventCorrection { id: "c", source: "s", event: "a", change: Change::Void };
        assert_eq!(codes(account.correct(&[one])), ["voided"]);
        account.sums()
    };
    let words = || [Said::Words { quantity: 3 }.json("s", "a", NOW)];
    let mut account = Account::new(r#"{"overage":{"unit_price":"1"}}"#);
    account.take(&words());
    account.row("close p");
    assert_eq!(void(&mut account), ["0", "0", "-3", "0", "0"]);

    let mut account = Account::new(BLOCK);
    account.take(&words());
    account.row("close p forgive");
    assert_eq!(account.sums(), ["0", "0", "0", "3", "0"]);
    assert_eq!(void(&mut account), ["0", "0", "0", "0", "0"]);

    // Paid by a grant that came later.
    let mut account = Account::new(BLOCK);
    account.take(&words());
    account.row("grant g 5");
    assert_eq!(void(&mut account), ["0", "0", "0", "0", "5"]);
}

#[test]
fn what_an_event_paid_goes_back_there_first() {
    let mut account = Account::new(BLOCK);
    account.row("grant a 20");
    account.row("grant b 10");
    let words = |id: &str, quantity| Said::Words { quantity }.json("s", id, NOW);
    account.take(&[words("x", 15), words("y", 10), words("z", 5)]);
    let amended = words("y", 4);
    let amend = || Change::Amend(Event::from_json(&amended, None).unwrap());
    for (id, event, change, left) in [
        ("1", "y", amend(), ["5", "1"]),
        // Of the five that y had of a, none is left.
        ("2", "y", Change::Void, ["5", "5"]),
        ("3", "x", Change::Void, ["20", "5"]),
        ("4", "y", amend(), ["16", "5"]),
        ("5", "z", Change::Void, ["16", "10"]),
        ("6", "y", Change::Void, ["20", "10"]),
    ] {
        account.correct(&[EventCorrection { id, source: "s", event, change }]);
        let grants = account.book.ledger.grants().values();
        let found: Vec<String> = grants.map(|grant| grant.left.to_string()).collect();
        assert_eq!(found, left, "correction {id}");
    }
    account.replays();
}

#[test]
fn a_correction_that_does_not_fit_a_row_is_refused() {
    let mut account = Account::new(BLOCK);
    let ids: Vec<String> = (0..800).map(|n| format!("{n}{}", "\u{1}".repeat(250))).collect();
    let void = |id| EventCorrection { id, source: "s", event: id, change: Change::Void };
    let corrections: Vec<EventCorrection<'_>> = ids.iter().map(|id| void(id)).collect();
    let done = codes(account.correct(&corrections));
    let fit = done.iter().take_while(|code| *code == "noted").count();
    assert!((400..800).contains(&fit), "{fit}");
    assert!(done[fit..].iter().all(|code| code == r#"batch_too_long at """#));
    assert!(account.book.journal.last().unwrap().body.len() < 2_000_000);
    assert!(codes(account.correct(&corrections[fit..])).iter().all(|code| code == "noted"));
}

/// Isolates, direct debits and events take turns on one account; a word costs one credit.
#[test]
fn what_is_served_and_what_is_told_are_paid_from_the_same_credits() {
    for seed in 0..200 {
        let rng = &mut Rng(seed);
        let mut account = Account::new(r#"{"grace":{"credits":"20"}}"#);
        let (mut served, mut clean) = (0, BTreeMap::new());
        let (mut reported, mut debits) = (0, Vec::new());
        account.row("grant first 100");
        account.row(&format!("lease l 1 40 until={}", NOW + 1_000_000));
        for step in 0..60 {
            account.now += 10;
            let (now, amount) = (account.now, 1 + rng.below(6));
            match rng.below(8) {
                0 => {
                    let command = format!("{now} debit d{step} {amount}");
                    if account.book.row(&command).is_none() {
                        (served, debits) =
                            (served + amount, [debits, vec![(step, amount)]].concat());
                    }
                }
                1 if reported + amount <= 40 => {
                    let used = reported + amount;
                    account
                        .row(&format!("report l used={used} returned=0 ops={reported}+{amount}"));
                    (served, reported) = (served + amount, used);
                }
                2 => {
                    if let Some((debit, amount)) = debits.pop() {
                        account.row(&format!("refund d{debit}"));
                        served -= amount;
                    }
                }
                3 => account.row(&format!("grant g{step} {amount}")),
                4 | 5 => {
                    let event = rng.below(20);
                    let said = Said::Words { quantity: amount };
                    account.take(&[said.json("s", &event.to_string(), NOW)]);
                    clean.entry(event).or_insert(amount);
                }
                _ => {
                    let event = rng.below(20);
                    let (id, named) = (format!("c{step}"), event.to_string());
                    let change = Change::Void;
                    account.correct(&[EventCorrection {
                        id: &id,
                        source: "s",
                        event: &named,
                        change,
                    }]);
                    clean.insert(event, 0);
                }
            }
        }
        account.replays();
        let [burned, debt, ..] = account.sums().map(|sum| sum.parse::<i64>().unwrap());
        assert_eq!(burned + debt, served + clean.values().sum::<i64>(), "SEED={seed}");
        let balance = account.book.ledger.balance().unwrap();
        assert!(debt == 0 || balance.available.is_zero(), "SEED={seed}: debt beside credits");
    }
}

#[test]
fn a_later_plan_may_have_no_price_for_what_an_earlier_one_counted() {
    let plan = |version: u32, models: &[&str]| {
        let entry = |model: &&str| json!({ "when": { "m": model }, "unit_price": "2" });
        let entries: Vec<Value> = models.iter().map(entry).collect();
        json!({
            "id": "p", "version": version,
            "meters": [{ "id": "w", "aggregation": "count", "dimensions": { "m": "/m" } }],
            "charges": [{ "id": "words", "meter": "w", "unit": "credits",
                          "price": { "model": "matrix", "entries": entries } }],
            "credits": { "burn_order": "standard", "rollover": "none", "at_zero": "block" },
        })
        .to_string()
    };
    let mut account = Account::under(vec![plan(1, &["a", "b"]), plan(2, &["b"])]);
    let one = |id: &str, m: &str| event(id, "w", &json!({ "m": m }));
    account.take(&[one("1", "a"), one("2", "b")]);
    account.row("follow 1");
    assert_eq!(codes(account.take(&[one("3", "b")])), ["taken"]);
    assert_eq!(codes(account.take(&[one("4", "a")])), [r#"no_price at "/data""#]);
    assert_eq!(account.sums()[1], "6");
    let other = one("2", "a");
    let change =
        Change::Amend(Event::from_json(&other, Some(Timestamp::from_millis(NOW))).unwrap());
    let amend = EventCorrection { id: "x", source: "s", event: "2", change };
    assert_eq!(codes(account.correct(&[amend])), ["amended"]);
    assert_eq!(account.sums()[1], "6");
    let void = |event| EventCorrection { id: event, source: "s", event, change: Change::Void };
    assert_eq!(codes(account.correct(&[void("1"), void("2"), void("3")])), ["voided"; 3]);
    assert_eq!(account.sums()[1], "0");
    assert!(account.book.ledger.usages().is_empty());
    account.replays();
}

#[test]
fn a_row_is_read_for_the_event_that_it_names_alone() {
    let mut account = Account::new(BLOCK);
    let words = |id: &str, quantity| Said::Words { quantity }.json("s", id, NOW);
    account.take(&[words("x", 3), words("y", 4)]);
    let (x, y) = (words("x", 5), words("y", 6));
    let amend = |id, event, text: &str| EventCorrection {
        id,
        source: "s",
        event,
        change: Change::Amend(Event::from_json(text.to_owned().leak(), None).unwrap()),
    };
    account.correct(&[amend("1", "x", &x), amend("2", "y", &y)]);
    let rows = account.book.journal.iter().rev().take(2);
    let rows: Vec<Vec<Entry>> = rows.map(|row| serde_json::from_str(&row.body).unwrap()).collect();
    // the row, counted from the last; position; what is asked for; whether the row tells of it
    for (row, i, source, event, said) in [
        (1, 0, "s", "x", true),
        (1, 1, "s", "y", true),
        (1, 1, "s", "x", false),
        (1, 0, "t", "x", false),
        (1, 2, "s", "x", false),
        (0, 0, "s", "x", true),
        (0, 1, "s", "y", true),
        (0, 1, "s", "x", false),
        (0, 1, "t", "y", false),
        (0, 2, "s", "y", false),
    ] {
        let found = EventRecord::read(&rows[row], i, source, event).unwrap();
        assert_eq!(found.is_some(), said, "{source} {event} at {i} of {row}");
    }
}

#[test]
fn a_maximum_is_that_of_all_combinations_together() {
    let entry = |model: &str, price: &str| json!({ "when": { "m": model }, "unit_price": price });
    let plan = json!({
        "id": "p", "version": 1,
        "meters": [{ "id": "w", "aggregation": "count", "dimensions": { "m": "/m" } }],
        "charges": [{ "id": "words", "meter": "w", "unit": "credits",
                      "price": { "model": "matrix", "entries": [entry("a", "3"), entry("b", "1")] },
                      "adjustments": [{ "op": "maximum", "amount": "6" }] }],
        "credits": { "burn_order": "standard", "rollover": "none", "at_zero": "block" },
    });
    let mut account = Account::under(vec![plan.to_string()]);
    for (id, model, burned) in
        [("1", "a", "3"), ("2", "b", "4"), ("3", "a", "6"), ("4", "a", "6"), ("5", "b", "6")]
    {
        let taken = codes(account.take(&[event(id, "w", &json!({ "m": model }))]));
        assert_eq!((taken, account.sums()[1].as_str()), (vec!["taken".to_owned()], burned), "{id}");
    }
    account.replays();
}

#[test]
fn seats_are_counted_by_a_fee_and_not_by_credits() {
    let plan = json!({
        "id": "p", "version": 1, "currency": "USD",
        "meters": [{ "id": "calls", "aggregation": "count" },
                   { "id": "seats", "aggregation": "latest", "property": "/n" }],
        "charges": [{ "id": "words", "meter": "calls", "unit": "credits",
                      "price": { "model": "per_unit", "unit_price": "2" } }],
        "fees": [{ "id": "team", "amount": "10", "meter": "seats" }],
        "credits": { "burn_order": "standard", "rollover": "none", "at_zero": "block" },
    });
    let mut account = Account::under(vec![plan.to_string()]);
    let texts = [event("1", "calls", &json!({})), event("2", "seats", &json!({ "n": 3 }))];
    assert_eq!(codes(account.take(&texts)), ["taken", r#"meter_not_inline at "/type""#]);
    assert_eq!(account.sums()[1], "2");
    assert_eq!(Refused::Event(EventError::NoSubject).field(), "/subject");
}
