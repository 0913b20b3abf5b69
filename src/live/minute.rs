//! The last minute, second by second: for the chart and its table.
//!
//! ```text
//! 60 seconds, oldest first, nothing for the silent ones ──▶ Minute { sums, peak, seconds }
//! ```
//!
//! Invariant (tested in view.rs): the minute's totals are the sums of the seconds shown.

use rust_decimal::Decimal;
use serde::Serialize;

use super::WINDOW_SECONDS;
use super::kept::Kept;
use super::style::NumberStyle;
use crate::units::{Credits, Inexact, Timestamp};

/// The last minute's calls.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Minute {
    /// All calls, as text.
    pub calls: String,
    /// All credits they burned, as text.
    pub credits: String,
    /// Most calls in one second.
    pub peak: u32,
    /// [`WINDOW_SECONDS`] entries, oldest first; the last is the current second.
    pub seconds: Vec<SecondView>,
}

/// One second of the chart and its table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SecondView {
    /// When it begins.
    pub at: Timestamp,
    /// Calls, for the bar.
    pub calls: u32,
    /// Calls, as text.
    pub calls_text: String,
    /// Credits burned, as text.
    pub credits: String,
}

/// The seconds as the page shows them.
pub(super) fn minute<'a>(
    seconds: impl Iterator<Item = (i64, Option<&'a Kept>)>,
    style: &NumberStyle,
) -> Result<Minute, Inexact> {
    let (mut calls, mut credits, mut peak) = (0_u64, Credits::ZERO, 0);
    let mut views = Vec::with_capacity(WINDOW_SECONDS.into());
    for (second, kept) in seconds {
        let (of_it, cost) = kept.map_or_else(Default::default, |kept| (kept.calls, kept.credits));
        calls = calls.saturating_add(of_it.into());
        credits = credits.plus(cost)?;
        peak = peak.max(of_it);
        views.push(SecondView {
            at: Timestamp::from_millis(second.saturating_mul(1000)),
            calls: of_it,
            calls_text: style.write(Decimal::from(of_it)),
            credits: style.write(cost.get()),
        });
    }
    Ok(Minute {
        calls: style.write(Decimal::from(calls)),
        credits: style.write(credits.get()),
        peak,
        seconds: views,
    })
}
