//! A journal as a ledger writes it has no finding, however it is cut and wherever it begins.

use edgemeter::check::{self, Check, Seen, Verdict};
use edgemeter::ledger::{self, Entry, Grant, GrantKind, GrantTerms};
use edgemeter::units::Timestamp;
use serde_json::{Value, json};

use crate::plans::Rng;
use crate::story::{Story, line};

pub(crate) fn rules() -> [Value; 3] {
    [
        json!({ "overage": { "unit_price": "0.02" } }),
        json!({ "grace": { "credits": "30" } }),
        json!("restrict"),
    ]
}

fn checked(statement: &str, bill: Option<&str>, seen: Option<Seen>, parts: &[&[u8]]) -> Verdict {
    let mut check = Check::new(statement, bill, seen).unwrap();
    parts.iter().for_each(|part| check.take(part));
    check.finish()
}

#[test]
fn random_accounts_are_clean_at_any_cut() {
    let seeds = std::env::var("SEEDS").map_or(15, |text| text.parse().unwrap());
    let first = std::env::var("SEED").map_or(1, |text| text.parse().unwrap());
    let mut operations = 0;
    for seed in first..first + seeds {
        let mut story = Story::new(seed, &rules()[seed as usize % 3]);
        story.run(200, 35_000_000);
        let statement = story.statement();
        let text = serde_json::to_string(&statement).unwrap();
        let bill = serde_json::to_string(&statement.bill().unwrap()).unwrap();
        let export = story.export();
        let mut rng = Rng(seed);
        let row = rng.below(story.rows.len() as i64) as usize;
        let seen = Seen { row: row as u64 + 1, hash: story.rows[row].hash.clone() };
        let (head, tail) = export.as_bytes().split_at(rng.below(export.len() as i64) as usize);
        let whole = checked(&text, Some(&bill), Some(seen), &[head, tail]);
        assert!(whole.clean, "SEED={seed}: {:#?}", whole.findings);
        assert!(whole.seen && whole.billed, "SEED={seed}");
        // From the row before the period's first, and from the first one.
        let after = statement.journal.after as usize;
        for from in [after.saturating_sub(1), after] {
            let part: String = story.rows[from..].iter().map(line).collect();
            let one = checked(&text, Some(&bill), None, &[part.as_bytes()]);
            assert!(one.clean, "SEED={seed} from {from}: {:#?}", one.findings);
            operations += one.operations;
        }
        // Closed periods, whose bill the journal seals.
        for finalized in &story.closed {
            let kept: Value = serde_json::from_str(&finalized.text).unwrap();
            let (statement, bill) = (kept["statement"].to_string(), kept["bill"].to_string());
            let one = checked(&statement, Some(&bill), None, &[export.as_bytes()]);
            assert!(one.clean, "SEED={seed}, a closed period: {:#?}", one.findings);
        }
    }
    assert!(operations > 0);
}

/// Isolates that are busy while a period ends report late, by its terms, with operations in flight:
/// rows of the new period do not tell their prices, and what was charged for them is told.
#[test]
fn a_period_that_ends_in_the_middle_of_use_is_clean() {
    let seeds = std::env::var("SEEDS").map_or(15, |text| text.parse().unwrap());
    let mut unrated = 0;
    // In 39, an operation is reserved in the old period, settled in both, and refunded.
    for seed in (1..=seeds).chain([39]) {
        let mut story = Story::new(seed, &rules()[seed as usize % 3]);
        let end = story.ledger.period().unwrap().end.millis();
        story.now = end - 90_000;
        story.run(150, 3_000);
        let statement = story.statement();
        let closed = story.closed.iter().map(|finalized| {
            let kept: Value = serde_json::from_str(&finalized.text).unwrap();
            kept["statement"].to_string()
        });
        let texts = closed.chain([serde_json::to_string(&statement).unwrap()]);
        for text in texts {
            let of: Value = serde_json::from_str(&text).unwrap();
            let after = of["journal"]["after"].as_u64().unwrap();
            for from in [0, after as usize] {
                let part: String = story.rows[from..].iter().map(line).collect();
                let one = checked(&text, None, None, &[part.as_bytes()]);
                assert!(one.clean, "SEED={seed} from {from}: {:#?}", one.findings);
                unrated += u64::from(!one.unrated.is_zero());
            }
        }
    }
    assert!(unrated > 9, "{unrated} of them had any");
}

#[test]
fn a_check_reads_what_the_ledger_wrote() {
    let mut kinds = std::collections::BTreeSet::new();
    for seed in 1..=6 {
        let mut story = Story::new(seed, &rules()[seed as usize % 3]);
        story.run(200, 35_000_000);
        for row in &story.rows {
            let all = ledger::entries(&row.body).unwrap().into_iter();
            let expected: Vec<Entry> = all.filter_map(as_far_as_asked).collect();
            assert_eq!(check::entries(&row.body).unwrap(), expected, "SEED={seed} row {}", row.n);
            let entries: Vec<Value> = serde_json::from_str(&row.body).unwrap();
            kinds.extend(entries.iter().map(|entry| entry["kind"].to_string()));
        }
    }
    assert!(kinds.len() > 15, "{kinds:?}");
    for body in ["{}", "[1]", r#"[{"kind":"debited"}]"#, r#"[{"kind":"refunded","op":1}]"#] {
        assert!(check::entries(body).is_err(), "{body}");
    }
}

/// An entry without what no check asks for.
fn as_far_as_asked(entry: Entry) -> Option<Entry> {
    let bare = |terms: GrantTerms| GrantTerms {
        kind: GrantKind::Paid,
        priority: 0,
        effective_at: None,
        expires_at: None,
        rollover: None,
        recurrence: None,
        ..terms
    };
    Some(match entry {
        Entry::AccountOpened { account, plan, plan_json, .. } => {
            Entry::AccountOpened { account, plan, plan_json, billing: None }
        }
        Entry::CreditsGranted { grant } => {
            let none = Timestamp::default();
            let new = Grant::new(bare(grant.terms), none, none);
            Entry::CreditsGranted { grant: Grant { given: grant.given, left: grant.left, ..new } }
        }
        Entry::GrantRefilled { grant, lost, added, .. } => {
            Entry::GrantRefilled { grant, lost, added, next: None }
        }
        Entry::GrantTermsChanged { grant, terms, .. } => {
            Entry::GrantTermsChanged { grant, terms: bare(terms), next: None }
        }
        Entry::PlanChanged { .. }
        | Entry::GrantExpired { .. }
        | Entry::PeriodClosed { .. }
        | Entry::PeriodBilled { .. }
        | Entry::DebtSettled { .. }
        | Entry::UsageReported { .. }
        | Entry::Debited { .. }
        | Entry::ReservationSettled { .. }
        | Entry::ReservationReleased { .. }
        | Entry::EventsTaken { .. }
        | Entry::EventCorrected { .. }
        | Entry::Refunded { .. } => entry,
        _ => return None,
    })
}
