//! When a grant comes again: steps of a cadence, counted from an anchor, so that they never drift.
//!
//! ```text
//! every P1M, anchor 31 January 09:00 UTC:   31 Jan 09:00 · 28 Feb 09:00 · 31 Mar 09:00 · …
//! ```
//!
//! Invariant: `after(t)` is the first step later than `t`; steps before the anchor count as well.

use serde::{Deserialize, Serialize};

use crate::units::{Cadence, Date, Timestamp};

/// Steps from the anchor that are looked at, at most: days of more than 500 years.
const STEPS_MAX: i32 = 200_000;

/// A cadence and where it is counted from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recurrence {
    /// How often: days, weeks, months or years, in UTC.
    pub every: Cadence,
    /// One of its steps, to the millisecond.
    pub anchor: Timestamp,
}

impl Recurrence {
    /// The first step after `instant`; nothing beyond the years 0 to 9999.
    pub fn after(&self, instant: Timestamp) -> Option<Timestamp> {
        let (mut low, mut high) = (STEPS_MAX.saturating_neg(), STEPS_MAX);
        while low < high {
            // Rounded down, so that `middle < high`.
            let middle = low.saturating_add(high.saturating_sub(low) / 2);
            match self.step(middle) {
                Some(step) if step > instant => high = middle,
                Some(_) => low = middle.saturating_add(1),
                // Outside the calendar: before it everything is earlier, after it nothing is.
                None if middle < 0 => low = middle.saturating_add(1),
                None => high = middle,
            }
        }
        self.step(low).filter(|step| *step > instant)
    }

    fn step(&self, index: i32) -> Option<Timestamp> {
        let day = Date::of(self.anchor, 0).ok()?;
        let within_day = self.anchor.millis_since(day.start(0));
        let start = self.every.start(day, index).ok()?;
        Some(start.start(0).plus_millis(within_day))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::meter::parse_rfc3339;

    #[test]
    fn steps_are_counted_from_the_anchor_and_never_drift() {
        let table = "
            // every  anchor                after                 next
            P1D       2024-01-01T00:00:00Z  2024-01-01T00:00:00Z  2024-01-02T00:00:00Z
            P1D       2024-01-01T09:30:00Z  2024-01-05T09:29:59Z  2024-01-05T09:30:00Z
            P1W       2024-01-04T00:00:00Z  2024-01-02T00:00:00Z  2024-01-04T00:00:00Z
            P1W       2024-01-04T00:00:00Z  2023-12-25T00:00:00Z  2023-12-28T00:00:00Z
            P1M       2024-01-31T09:00:00Z  2024-01-31T09:00:00Z  2024-02-29T09:00:00Z
            P1M       2024-01-31T09:00:00Z  2024-02-29T09:00:00Z  2024-03-31T09:00:00Z
            P1M       2024-01-31T09:00:00Z  2026-11-23T00:00:00Z  2026-11-30T09:00:00Z
            P1Y       2024-02-29T00:00:00Z  2024-03-01T00:00:00Z  2025-02-28T00:00:00Z
            P1000Y    2024-02-29T00:00:00Z  2024-03-01T00:00:00Z  3024-02-29T00:00:00Z
            P1000Y    2024-02-29T00:00:00Z  9024-03-01T00:00:00Z  never
            // as many steps as are looked at
            P1D       2024-01-01T00:00:00Z  2571-07-31T00:00:00Z  2571-08-01T00:00:00Z
            P1D       2024-01-01T00:00:00Z  2571-08-01T00:00:00Z  never
        ";
        for row in table.lines().map(|line| line.split("//").next().unwrap().trim()) {
            let cells: Vec<&str> = row.split_whitespace().collect();
            let [every, anchor, after, next] = cells[..] else { continue };
            let at = |text: &str| parse_rfc3339(text).unwrap();
            let recurrence = Recurrence { every: every.parse().unwrap(), anchor: at(anchor) };
            let expected = (next != "never").then(|| at(next));
            assert_eq!(recurrence.after(at(after)), expected, "row: {row}");
        }
    }
}
