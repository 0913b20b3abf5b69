//! Billing periods: civil months, weeks or days in the account's time zone, stored as instants.
//!
//! ```text
//! anchor 2026-01-31, monthly, Europe/Berlin
//! index 0   [2026-01-31, 2026-02-28)     [2026-01-30T23:00Z, 2026-02-27T23:00Z)
//! index 1   [2026-02-28, 2026-03-31)     [2026-02-27T23:00Z, 2026-03-30T22:00Z)
//! ```
//!
//! A period's identity is the contract and the index, so that it can never be billed twice, in
//! whatever zone the biller's own clock is. Invariants, tested over changes of offset: periods meet
//! exactly, every instant from the anchor on is in one of them, and boundaries do not drift.

use serde::Serialize;

use super::zone::Zone;
use crate::meter::{EmptyWindow, Window};
use crate::units::{Cadence, Date, DateError, Timestamp};

/// Why there is no such period. Ordered by precedence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PeriodError {
    /// Before the first period.
    #[error("{at} is before the contract's first period (milliseconds, UTC): bill from its start")]
    BeforeFirst {
        /// The instant at fault.
        at: Timestamp,
    },
    /// Outside the calendar.
    #[error("period is before the first, or leaves the years 0 to 9999: check the index")]
    Calendar,
    /// More steps of a fee or a grant than [`STEPS_MAX`].
    #[error("the part has more than 4000 steps of a fee or grant: use a longer cadence for them")]
    TooManySteps,
    /// The calendar on the wall left the whole period out.
    #[error(transparent)]
    LeftOut(#[from] EmptyWindow),
}

impl PeriodError {
    /// Stable machine-readable code. Never reworded.
    pub fn code(self) -> &'static str {
        match self {
            Self::BeforeFirst { .. } => "period_before_first",
            Self::Calendar => "period_outside_calendar",
            Self::TooManySteps => "period_too_many_steps",
            Self::LeftOut(_) => "period_left_out",
        }
    }
}

impl From<DateError> for PeriodError {
    fn from(_: DateError) -> Self {
        Self::Calendar
    }
}

/// How an account's time is cut into periods.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// First day of period 0; the others are counted from it.
    pub anchor: Date,
    /// Length of a period.
    pub cadence: Cadence,
    /// Where midnight is.
    pub zone: Zone,
}

/// One billing period.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Period {
    /// Position in the contract, from 0.
    pub index: i32,
    /// First civil day inside.
    pub first: Date,
    /// First civil day after.
    pub until: Date,
    /// The same as instants.
    pub window: Window,
}

/// Steps of one fee or grant within a period, at most: those of a day in ten years.
pub const STEPS_MAX: usize = 4_000;

/// The steps of a calendar that touch a window, in order; the first may begin before it.
pub(crate) struct Steps<'s> {
    calendar: &'s Schedule,
    next: Period,
    end: Timestamp,
    left: usize,
}

impl<'s> Steps<'s> {
    pub(crate) fn over(calendar: &'s Schedule, window: Window) -> Result<Self, PeriodError> {
        let next = calendar.period_at(window.start())?;
        Ok(Self { calendar, next, end: window.end(), left: STEPS_MAX })
    }
}

impl Iterator for Steps<'_> {
    type Item = Result<Period, PeriodError>;

    /// After an error the steps are to be thrown away.
    fn next(&mut self) -> Option<Self::Item> {
        let step = self.next;
        if step.window.start() >= self.end {
            return None;
        }
        let Some(left) = self.left.checked_sub(1) else {
            return Some(Err(PeriodError::TooManySteps));
        };
        self.left = left;
        let next = step.index.checked_add(1).ok_or(PeriodError::Calendar);
        match next.and_then(|index| self.calendar.period(index)) {
            Ok(next) => self.next = next,
            Err(error) => return Some(Err(error)),
        }
        Some(Ok(step))
    }
}

impl Schedule {
    /// The period at a position.
    ///
    /// # Errors
    ///
    /// [`PeriodError`].
    pub fn period(&self, index: i32) -> Result<Period, PeriodError> {
        if index < 0 {
            return Err(PeriodError::Calendar);
        }
        let next = index.checked_add(1).ok_or(PeriodError::Calendar)?;
        let first = self.cadence.start(self.anchor, index)?;
        let until = self.cadence.start(self.anchor, next)?;
        let window = Window::new(self.zone.start_of(first), self.zone.start_of(until))?;
        Ok(Period { index, first, until, window })
    }

    /// The period that holds an instant.
    ///
    /// # Errors
    ///
    /// [`PeriodError`].
    pub fn period_at(&self, at: Timestamp) -> Result<Period, PeriodError> {
        let start = |index| self.cadence.start(self.anchor, index).map(|d| self.zone.start_of(d));
        if at < start(0)? {
            return Err(PeriodError::BeforeFirst { at });
        }
        // Double the index until its period begins after `at`, then halve the gap.
        let (mut low, mut high) = (0_i32, 1_i32);
        while start(high).is_ok_and(|begin: Timestamp| begin <= at) {
            low = high;
            high = high.checked_mul(2).ok_or(PeriodError::Calendar)?;
        }
        while high.checked_sub(low) != Some(1) {
            let middle = low.midpoint(high);
            if start(middle).is_ok_and(|begin: Timestamp| begin <= at) {
                low = middle;
            } else {
                high = middle;
            }
        }
        self.period(low)
    }
}

impl Period {
    /// Civil days inside, at least 1.
    pub fn days(self) -> i64 {
        self.first.days_until(self.until)
    }

    /// Civil days of `[start, end)` within the period, by the calendar of `zone`.
    ///
    /// The day of a change belongs to what begins on it, so the parts of a period have exactly its
    /// days together.
    ///
    /// # Errors
    ///
    /// [`DateError`] outside the years 0 to 9999.
    pub fn days_covered(self, part: Window, zone: &Zone) -> Result<i64, DateError> {
        let clamp = |date: Date| date.max(self.first).min(self.until);
        let first = clamp(zone.date_at(part.start())?);
        let until = clamp(zone.date_at(part.end())?);
        // The period's own end may be no midnight where midnight is left out.
        let until = if part.end() >= self.window.end() { self.until } else { until };
        let first = if part.start() <= self.window.start() { self.first } else { first };
        Ok(first.days_until(until).max(0))
    }
}

#[cfg(test)]
mod tests {
    use super::super::zone::ZoneSpec;
    use super::*;
    use crate::meter::parse_rfc3339;

    fn at(text: &str) -> Timestamp {
        parse_rfc3339(text).unwrap()
    }

    fn berlin() -> Zone {
        let changes = vec![
            (at("2026-03-29T01:00:00Z"), 120),
            (at("2026-10-25T01:00:00Z"), 60),
            (at("2027-03-28T01:00:00Z"), 120),
        ];
        Zone::new(ZoneSpec { name: "Europe/Berlin".to_owned(), offset: 60, changes }).unwrap()
    }

    fn schedule(anchor: &str, cadence: &str, zone: Zone) -> Schedule {
        Schedule { anchor: anchor.parse().unwrap(), cadence: cadence.parse().unwrap(), zone }
    }

    #[test]
    fn periods_are_civil_and_stored_as_instants() {
        let monthly = schedule("2026-01-31", "P1M", berlin());
        for (index, first, until, start, end, days) in [
            (0, "2026-01-31", "2026-02-28", "2026-01-30T23:00:00Z", "2026-02-27T23:00:00Z", 28),
            (1, "2026-02-28", "2026-03-31", "2026-02-27T23:00:00Z", "2026-03-30T22:00:00Z", 31),
            (2, "2026-03-31", "2026-04-30", "2026-03-30T22:00:00Z", "2026-04-29T22:00:00Z", 30),
        ] {
            let period = monthly.period(index).unwrap();
            assert_eq!(
                (period.first.to_string(), period.until.to_string()),
                (first.to_owned(), until.to_owned())
            );
            assert_eq!((period.window.start(), period.window.end()), (at(start), at(end)));
            assert_eq!((period.index, period.days()), (index, days));
        }
    }

    #[test]
    fn every_instant_is_in_one_period() {
        for (anchor, cadence) in [
            ("2026-01-31", "P1M"),
            ("2026-02-01", "P1W"),
            ("2026-03-28", "P1D"),
            ("2024-02-29", "P1Y"),
        ] {
            let schedule = schedule(anchor, cadence, berlin());
            let mut expected = schedule.period(0).unwrap();
            for index in 0..40 {
                let period = schedule.period(index).unwrap();
                assert_eq!(period.window.start(), expected.window.start(), "{cadence} {index}");
                let last = period.window.end().plus_millis(-1);
                for inside in [period.window.start(), last] {
                    assert_eq!(schedule.period_at(inside), Ok(period), "{cadence} {index}");
                }
                expected = schedule.period(index + 1).unwrap();
                assert_eq!(period.window.end(), expected.window.start(), "{cadence} {index}");
            }
        }
    }

    #[test]
    fn there_is_no_period_before_the_first_or_outside_the_calendar() {
        let monthly = schedule("2026-01-01", "P1M", Zone::utc());
        let code = |result: Result<Period, PeriodError>| result.unwrap_err().code();
        assert_eq!(code(monthly.period_at(at("2025-12-31T23:59:59.999Z"))), "period_before_first");
        assert_eq!(code(monthly.period(i32::MAX)), "period_outside_calendar");
        assert_eq!(code(monthly.period(12 * 8_000)), "period_outside_calendar");
        let last = schedule("9999-11-01", "P1M", Zone::utc());
        assert_eq!(last.period(0).unwrap().days(), 30);
        assert_eq!(code(last.period_at(at("9999-12-15T00:00:00Z"))), "period_outside_calendar");
        // Samoa left 30 December 2011 out.
        let changes = vec![(at("2011-12-30T10:00:00Z"), 840)];
        let apia = Zone::new(ZoneSpec { name: "Pacific/Apia".to_owned(), offset: -600, changes });
        let daily = schedule("2011-12-29", "P1D", apia.unwrap());
        assert_eq!(code(daily.period(1)), "period_left_out");
        assert_eq!(daily.period(2).unwrap().window.start(), daily.period(0).unwrap().window.end());
    }

    #[test]
    fn the_days_of_the_parts_are_the_days_of_the_period() {
        let schedule = schedule("2026-03-01", "P1M", berlin());
        let period = schedule.period(0).unwrap();
        let (start, end) = (period.window.start(), period.window.end());
        let covered =
            |from, to| period.days_covered(Window::new(from, to).unwrap(), &schedule.zone).unwrap();
        assert_eq!(covered(start, end), 31);
        for (cut, before) in [
            ("2026-03-01T12:00:00Z", 0),
            ("2026-03-15T22:59:59Z", 14),
            ("2026-03-15T23:00:00Z", 15),
            // Three hours before the clock is put forward, and a day after it.
            ("2026-03-28T22:00:00Z", 27),
            ("2026-03-29T22:00:00Z", 29),
            ("2026-03-31T21:59:59Z", 30),
        ] {
            let cut = at(cut);
            assert_eq!((covered(start, cut), covered(cut, end)), (before, 31 - before), "{cut}");
        }
        // What lies outside is not covered.
        assert_eq!(covered(at("2026-01-01T00:00:00Z"), at("2026-02-01T00:00:00Z")), 0);
        assert_eq!(covered(at("2026-05-01T00:00:00Z"), at("2026-06-01T00:00:00Z")), 0);
        assert_eq!(covered(at("2026-01-01T00:00:00Z"), at("2026-06-01T00:00:00Z")), 31);
    }
}
