//! `edgemeter simulate --scenarios`: ordinary traffic, and what is asked of it.
//!
//! ```text
//! isolates × requests a second   worst of five seeds: overspent, stranded, false 402, calls
//! with crashes                   what was lost, against what one isolate may lose
//! ```
//!
//! A row that misses what is asked of it is named, and the exit code is 1.

use edgemeter::simulation::{BALANCE, Found, TAIL_MS, Traffic, scenario};
use edgemeter::units::Credits;

use crate::failure::Failure;
use crate::table;

/// Seeds of each kind of traffic; the worst is shown.
const SEEDS: u64 = 5;

/// A row of the table, and the most calls per request that are asked for, in thousandths.
const ROWS: [(&str, Traffic, Option<u64>); 6] = [
    ("8 × 20/s", traffic(8, 50), Some(60)),
    ("40 × 2/s", traffic(40, 500), Some(400)),
    ("200 × 0.2/s", traffic(200, 5_000), Some(1_000)),
    ("8 × 20/s, 10 s of 200/s", Traffic { spike: Some((30, 40)), ..traffic(8, 50) }, None),
    ("40 × 2/s, 10 s of 20/s", Traffic { spike: Some((30, 40)), ..traffic(40, 500) }, None),
    ("8 × 20/s, a crash every 5 s", Traffic { crash_ms: Some(5_000), ..traffic(8, 50) }, None),
];

const fn traffic(isolates: u16, interval_ms: i64) -> Traffic {
    Traffic { isolates, interval_ms, spike: None, crash_ms: None }
}

/// Two seconds' use of 20 requests a second, as much as a lease holds, and what arrives while it
/// is renewed: an isolate that crashes loses no more.
const LOST_MOST: u64 = 60;

/// Runs every kind of traffic and lays the worst out; fails if that is not good enough.
pub(crate) fn table(first_seed: u64) -> Result<String, Failure> {
    let header = [
        "isolates × requests",
        "served before 402",
        "overspent",
        "stranded at 402",
        "unspent at end",
        "false 402",
        "calls/request",
        "asked",
        "with refusals",
    ];
    let mut rows = vec![header.map(str::to_owned).to_vec()];
    let (mut crashes, mut missed) = (Vec::new(), Vec::new());
    for (name, traffic, asked) in ROWS {
        let mut worst = Found::default();
        for seed in first_seed..first_seed.saturating_add(SEEDS) {
            let found = scenario(traffic, seed).map_err(Failure::new)?;
            missed.extend(misses(&found, asked).map(|what| format!("{name}, seed {seed}: {what}")));
            worst = worse(worst, found);
        }
        let [before, all] = ratios(&worst);
        rows.push(vec![
            name.to_owned(),
            worst.served[0].to_string(),
            worst.overspent.to_string(),
            worst.stranded.to_string(),
            worst.unspent.to_string(),
            worst.false_denials.to_string(),
            thousandths(before),
            asked.map(thousandths).unwrap_or_default(),
            thousandths(all),
        ]);
        if traffic.crash_ms.is_some() {
            crashes.push((name, worst));
        }
    }
    let mut text = format!(
        "{BALANCE} credits, one a request; 20 to 60 ms to the account and back; refusals go on for \
         {} s after the first 402; the worst of {SEEDS} seeds\n\n",
        TAIL_MS.div_euclid(1_000)
    );
    text.push_str(&table::layout(&rows));
    for (name, Found { crashes, lost_most, lost, unreported, .. }) in crashes {
        text.push_str(&format!(
            "\n{name}: {crashes} crashes lost {lost} credits of use in all, at most {lost_most} \
             each; {unreported} are on record as unreported\n"
        ));
    }
    if missed.is_empty() {
        return Ok(text);
    }
    crate::print(&text)?;
    Err(Failure::new(format!("a row misses what is asked of it\n{}", missed.join("\n"))))
}

/// What a run should not have shown.
fn misses(found: &Found, asked: Option<u64>) -> impl Iterator<Item = &'static str> {
    let [before, _] = ratios(found);
    let lost_most = Credits::new(LOST_MOST.into()).unwrap_or_default();
    let table = [
        (found.overspent.is_zero(), "credits were overspent"),
        (found.stranded.is_zero(), "credits were stranded at the first 402"),
        (found.unspent.is_zero(), "credits were left at the end"),
        (found.false_denials == 0, "a request was refused that could be paid"),
        (asked.is_none_or(|most| before <= most), "too many calls per request"),
        (found.lost <= found.unreported, "use was lost that is not on record"),
        (found.lost_most <= lost_most, "a crash lost more than a lease"),
    ];
    table.into_iter().filter(|(is_good, _)| !is_good).map(|(_, what)| what)
}

/// The worse of two, figure by figure.
fn worse(a: Found, b: Found) -> Found {
    let most = |a: Credits, b: Credits| a.max(b);
    let ([a_before, a_all], [b_before, b_all]) = (ratios(&a), ratios(&b));
    let calls = if (a_before, a_all) >= (b_before, b_all) { a } else { b };
    let least = if a.served[0] == 0 { b.served[0] } else { a.served[0].min(b.served[0]) };
    Found {
        requests: calls.requests,
        calls: calls.calls,
        served: [least, a.served[1].max(b.served[1])],
        overspent: most(a.overspent, b.overspent),
        stranded: most(a.stranded, b.stranded),
        unspent: most(a.unspent, b.unspent),
        false_denials: a.false_denials.max(b.false_denials),
        crashes: a.crashes.max(b.crashes),
        lost_most: most(a.lost_most, b.lost_most),
        lost: most(a.lost, b.lost),
        unreported: most(a.unreported, b.unreported),
    }
}

/// Calls per thousand requests, until the first 402 and in all, rounded up.
fn ratios(found: &Found) -> [u64; 2] {
    let [before, all] = [0, 1].map(|index: usize| {
        let calls = found.calls.get(index).copied().unwrap_or(0).saturating_mul(1_000);
        let requests = found.requests.get(index).copied().unwrap_or(0).max(1);
        calls.div_ceil(requests)
    });
    [before, all]
}

fn thousandths(number: u64) -> String {
    format!("{}.{:03}", number.div_euclid(1_000), number.rem_euclid(1_000))
}
