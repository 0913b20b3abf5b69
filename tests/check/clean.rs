//! A journal as a ledger writes it has no finding, however it is cut and wherever it begins.

use edgemeter::check::{Check, Seen, Verdict};
use serde_json::{Value, json};

use crate::story::{Rng, Story, line};

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
    let seeds = std::env::var("SEEDS").map_or(40, |text| text.parse().unwrap());
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
