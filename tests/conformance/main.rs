//! The conformance cases: worked examples of other billing systems, rated by this one.
//!
//! ```text
//! tests/cases/*.json ── Case ── kind ──▶ rating | aggregation | invoice | credits ──▶ got
//! EDGEMETER_CASES=<file or folder> runs other cases of the same format instead
//! ```
//!
//! One line per failing case (id, expected, got), then `N passed, N failed, N skipped`. A case is
//! skipped only if the table in `dialects.rs` names its dialect, with the reason. The
//! numbers come from this crate; nothing here computes a price. No test harness: the report must
//! be seen also when all is well.

#![expect(clippy::expect_used, clippy::indexing_slicing, reason = "a test may panic")]

mod aggregation;
mod by_event;
mod case;
mod credits;
mod dialects;
mod invoice;
mod periods;
mod rating;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use case::{Case, Got};

fn main() -> ExitCode {
    let path = std::env::var_os("EDGEMETER_CASES").map_or_else(own_cases, PathBuf::from);
    let cases = match load(&path) {
        Ok(cases) => cases,
        Err(error) => {
            println!("{}: {error}", path.display());
            return ExitCode::FAILURE;
        }
    };
    let (mut passed, mut failed, mut skipped) = (0_u32, 0_u32, 0_u32);
    for case in &cases {
        if dialects::reason_to_skip(case).is_some() {
            skipped = skipped.saturating_add(1);
            continue;
        }
        let complaints = match run(case) {
            Ok(got) => case.differences(&got),
            // Each source has its own words for a refusal: that it is one is what is compared.
            Err(_) if case.expected.get("error").is_some() => Vec::new(),
            Err(error) => vec![format!("expected {}, got an error: {error}", case.expected)],
        };
        if complaints.is_empty() {
            passed = passed.saturating_add(1);
        } else {
            failed = failed.saturating_add(1);
            println!("{}: {}", case.id, complaints.join("; "));
        }
    }
    for (name, count, reason) in dialects::skipped(&cases) {
        println!("skipped {count} of {name}: {reason}");
    }
    println!("{passed} passed, {failed} failed, {skipped} skipped");
    if failed == 0 && passed > 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn own_cases() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases")
}

fn run(case: &Case) -> Result<Got, String> {
    match case.kind.as_str() {
        "rating" => rating::run(case),
        "aggregation" => aggregation::run(case),
        "invoice" => invoice::run(case),
        "credits" => credits::run(case),
        other => Err(format!("no runner for cases of kind {other:?}")),
    }
}

/// All cases of a file, or of the JSON files of a folder in the order of their names.
fn load(path: &Path) -> Result<Vec<Case>, String> {
    let mut files = vec![path.to_owned()];
    if path.is_dir() {
        let entries = std::fs::read_dir(path).map_err(|e| e.to_string())?;
        files = entries.filter_map(|entry| entry.ok().map(|e| e.path())).collect();
        files.retain(|file| file.extension().is_some_and(|extension| extension == "json"));
        files.sort();
    }
    let mut cases = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(&file).map_err(|e| e.to_string())?;
        let more: Vec<Case> =
            serde_json::from_str(&text).map_err(|e| format!("{}: {e}", file.display()))?;
        cases.extend(more);
    }
    Ok(cases)
}
