//! What is not run, and why: each dialect by its name.
//!
//! A dialect that this crate can express is not here: it runs. `cumulative_delta` is how every
//! charge bills; `lago_ceil5` is a meter's rounding; a price's `flat_at_zero: false` is Flexprice's
//! free zero; the prices of Lago's dynamic events are summed by a meter.

use crate::case::Case;

/// Dialects that are refused by name.
const DIALECTS: &[(&str, &str)] = &[
    (
        "lago_latest_floor0",
        "a negative latest value is a correction here, not zero: hiding it would hide a mistake",
    ),
    (
        "meteroid_volume_gap",
        "a quantity between two tiers matches none and is free at its source: here tiers meet",
    ),
    (
        "killbill_multi_unit_capacity",
        "one price of several meters' peaks: here a charge has one meter",
    ),
    (
        "flexprice_overage_factor",
        "a commit in units with a factor on what goes beyond: two tiers say the same, in the open",
    ),
    (
        "lago_minmax_or",
        "its allowances combine otherwise as soon as there is a bound per event: here they end \
         alike with and without one",
    ),
    ("fixed_30_day_month", "months of 30 days: here a month has its days, as the calendar says"),
    (
        "lago_wallets_after_tax",
        "several wallets of money, each for some kinds of fees: here credits are units of the plan, \
         and every grant pays for every charge in credits",
    ),
    (
        "lago_v0_credits_before_tax",
        "superseded at its source: credits are a payment and do not lower the tax",
    ),
];

/// Why a case is not run; `None` if it is.
pub(crate) fn reason_to_skip(case: &Case) -> Option<(&'static str, &'static str)> {
    DIALECTS.iter().find(|(name, _)| case.dialect.as_deref() == Some(name)).copied()
}

/// How many cases each row of the tables skips; rows that skip nothing are left out.
pub(crate) fn skipped(cases: &[Case]) -> Vec<(&'static str, usize, &'static str)> {
    let row = |(name, reason): &(&'static str, &'static str)| {
        let count = cases.iter().filter_map(reason_to_skip).filter(|(n, _)| n == name).count();
        (*name, count, *reason)
    };
    DIALECTS.iter().map(row).filter(|(_, count, _)| *count > 0).collect()
}
