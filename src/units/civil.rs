//! Civil dates of the proleptic Gregorian calendar: what a month is, for periods and proration.
//!
//! ```text
//! Timestamp ── Date::of(instant, offset) ──▶ Date ── plus_months ──▶ Date ── start(offset) ──▶ …
//! 2026-01-31 + 1 month = 2026-02-28;  + 2 months = 2026-03-31: always counted from the anchor
//! ```
//!
//! The offset from UTC is an argument, in minutes: the core has no time zone database.
//! Invariant: a `Date` is a day that exists, in the years 0 to 9999.
//!
//! Source of the day count: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms".

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::Timestamp;

/// Milliseconds of a civil day without a change of offset.
pub const MILLIS_PER_DAY: i64 = 86_400_000;

const MILLIS_PER_MINUTE: i64 = 60_000;

/// A day of the calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Date {
    year: i32,
    month: u8,
    day: u8,
}

/// A text or a triple that is not a day of the calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is not a day of the calendar: write it like \"2026-01-31\"")]
pub struct DateError;

impl Date {
    /// The day `year-month-day`.
    ///
    /// # Errors
    ///
    /// [`DateError`] if there is no such day.
    pub fn new(year: i32, month: u8, day: u8) -> Result<Self, DateError> {
        let exists = (0..=9999).contains(&year)
            && (1..=12).contains(&month)
            && (1..=days_in_month(year, month)).contains(&day);
        exists.then_some(Self { year, month, day }).ok_or(DateError)
    }

    /// Its year, 0 to 9999.
    pub fn year(self) -> i32 {
        self.year
    }

    /// Its month, 1 to 12.
    pub fn month(self) -> u8 {
        self.month
    }

    /// The day that a clock `offset_minutes` ahead of UTC shows at `instant`.
    ///
    /// # Errors
    ///
    /// [`DateError`] outside the years 0 to 9999.
    pub fn of(instant: Timestamp, offset_minutes: i32) -> Result<Self, DateError> {
        let offset = i64::from(offset_minutes).saturating_mul(MILLIS_PER_MINUTE);
        Self::from_days(instant.plus_millis(offset).millis().div_euclid(MILLIS_PER_DAY))
    }

    /// Midnight of this day on a clock `offset_minutes` ahead of UTC.
    pub fn start(self, offset_minutes: i32) -> Timestamp {
        let offset = i64::from(offset_minutes).saturating_mul(MILLIS_PER_MINUTE);
        let millis = self.days().saturating_mul(MILLIS_PER_DAY);
        Timestamp::from_millis(millis.saturating_sub(offset))
    }

    /// Days since 1970-01-01; negative before.
    pub fn days(self) -> i64 {
        // Years begin in March here, so that the leap day is a year's last.
        let (month, day) = (i64::from(self.month), i64::from(self.day));
        let year = i64::from(self.year).saturating_sub(i64::from(month <= 2));
        let era = year.div_euclid(400);
        let year_of_era = year.rem_euclid(400);
        let month_from_march = month.saturating_add(9).rem_euclid(12);
        let days_before_month = month_from_march.saturating_mul(153).saturating_add(2) / 5;
        let day_of_era = year_of_era
            .saturating_mul(365)
            .saturating_add(year_of_era / 4)
            .saturating_sub(year_of_era / 100)
            .saturating_add(days_before_month)
            .saturating_add(day)
            .saturating_sub(1);
        era.saturating_mul(146_097).saturating_add(day_of_era).saturating_sub(719_468)
    }

    /// The day `days` after 1970-01-01.
    ///
    /// # Errors
    ///
    /// [`DateError`] outside the years 0 to 9999.
    pub fn from_days(days: i64) -> Result<Self, DateError> {
        let shifted = days.saturating_add(719_468);
        let era = shifted.div_euclid(146_097);
        let day_of_era = shifted.rem_euclid(146_097);
        let year_of_era = day_of_era
            .saturating_sub(day_of_era / 1_460)
            .saturating_add(day_of_era / 36_524)
            .saturating_sub(day_of_era / 146_096)
            / 365;
        let days_before_year = year_of_era
            .saturating_mul(365)
            .saturating_add(year_of_era / 4)
            .saturating_sub(year_of_era / 100);
        let day_of_year = day_of_era.saturating_sub(days_before_year);
        let month_from_march = day_of_year.saturating_mul(5).saturating_add(2) / 153;
        let days_before_month = month_from_march.saturating_mul(153).saturating_add(2) / 5;
        let day = day_of_year.saturating_sub(days_before_month).saturating_add(1);
        let month = month_from_march.saturating_add(2).rem_euclid(12).saturating_add(1);
        let year = era
            .saturating_mul(400)
            .saturating_add(year_of_era)
            .saturating_add(i64::from(month <= 2));
        Self::new(
            i32::try_from(year).map_err(|_| DateError)?,
            u8::try_from(month).map_err(|_| DateError)?,
            u8::try_from(day).map_err(|_| DateError)?,
        )
    }

    /// The same day of the month, `months` later; the month's last day if it has no such day.
    ///
    /// Count from the first day of a series, not from the one before: from 31 January, two steps
    /// of one month would end on 28 March.
    ///
    /// # Errors
    ///
    /// [`DateError`] outside the years 0 to 9999.
    pub fn plus_months(self, months: i32) -> Result<Self, DateError> {
        let index = i64::from(self.year)
            .saturating_mul(12)
            .saturating_add(i64::from(self.month))
            .saturating_sub(1)
            .saturating_add(i64::from(months));
        let year = i32::try_from(index.div_euclid(12)).map_err(|_| DateError)?;
        let month = u8::try_from(index.rem_euclid(12).saturating_add(1)).map_err(|_| DateError)?;
        Self::new(year, month, self.day.min(days_in_month(year, month)))
    }

    /// The day `days` later.
    ///
    /// # Errors
    ///
    /// [`DateError`] outside the years 0 to 9999.
    pub fn plus_days(self, days: i64) -> Result<Self, DateError> {
        Self::from_days(self.days().saturating_add(days))
    }

    /// Days in `[self, end)`; negative if `end` is earlier.
    pub fn days_until(self, end: Self) -> i64 {
        end.days().saturating_sub(self.days())
    }
}

fn is_leap(year: i32) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn days_in_month(year: i32, month: u8) -> u8 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

impl FromStr for Date {
    type Err = DateError;

    fn from_str(text: &str) -> Result<Self, DateError> {
        let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = *text.as_bytes() else {
            return Err(DateError);
        };
        let digit = |byte: u8| byte.is_ascii_digit().then(|| byte.wrapping_sub(b'0'));
        let pair = |a: u8, b: u8| digit(a)?.checked_mul(10)?.checked_add(digit(b)?);
        let (century, year) = (pair(y1, y2).ok_or(DateError)?, pair(y3, y4).ok_or(DateError)?);
        let year = i32::from(century).saturating_mul(100).saturating_add(i32::from(year));
        let (month, day) = (pair(m1, m2).ok_or(DateError)?, pair(d1, d2).ok_or(DateError)?);
        Self::new(year, month, day)
    }
}

impl TryFrom<String> for Date {
    type Error = DateError;

    fn try_from(text: String) -> Result<Self, DateError> {
        text.parse()
    }
}

impl From<Date> for String {
    fn from(date: Date) -> Self {
        date.to_string()
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(text: &str) -> Date {
        text.parse().unwrap()
    }

    #[test]
    fn days_are_counted_from_1970_both_ways() {
        for (text, days) in [
            ("1970-01-01", 0),
            ("1969-12-31", -1),
            ("1970-03-01", 59),
            ("2000-02-29", 11_016),
            ("2000-03-01", 11_017),
            ("2026-11-22", 20_779),
            ("0000-01-01", -719_528),
            ("9999-12-31", 2_932_896),
        ] {
            assert_eq!(date(text).days(), days, "{text}");
            assert_eq!(Date::from_days(days), Ok(date(text)), "{days}");
        }
        assert_eq!(Date::from_days(2_932_897), Err(DateError));
        assert_eq!(Date::from_days(-719_529), Err(DateError));
        assert_eq!(Date::from_days(i64::MAX), Err(DateError));
    }

    #[test]
    fn every_day_follows_the_one_before() {
        // The oracle counts on its own fingers: month lengths and leap years, day by day.
        let (mut year, mut month, mut day) = (1896, 1, 1);
        for days in Date::new(1896, 1, 1).unwrap().days()..Date::new(2105, 1, 1).unwrap().days() {
            let expected = Date::new(year, month, day).unwrap();
            assert_eq!(Date::from_days(days), Ok(expected));
            assert_eq!(expected.days(), days);
            let leap = year % 400 == 0 || (year % 4 == 0 && year % 100 != 0);
            let february = if leap { 29 } else { 28 };
            let lengths = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
            day += 1;
            if day > lengths[usize::from(month) - 1] {
                (month, day) = (month + 1, 1);
            }
            if month > 12 {
                (year, month) = (year + 1, 1);
            }
        }
    }

    #[test]
    fn months_end_where_they_end() {
        for (start, months, expected) in [
            ("2026-01-31", 1, "2026-02-28"),
            ("2024-01-31", 1, "2024-02-29"),
            ("2026-01-31", 2, "2026-03-31"),
            ("2026-01-31", 3, "2026-04-30"),
            ("2026-12-15", 1, "2027-01-15"),
            ("2026-01-15", -1, "2025-12-15"),
            ("2026-03-31", -13, "2025-02-28"),
            ("2024-02-29", 12, "2025-02-28"),
        ] {
            assert_eq!(date(start).plus_months(months), Ok(date(expected)), "{start} {months}");
        }
        assert_eq!(date("9999-12-01").plus_months(1), Err(DateError));
        assert_eq!(date("0000-01-01").plus_months(-1), Err(DateError));
        assert_eq!(date("2026-01-01").plus_months(i32::MAX), Err(DateError));
        assert_eq!(date("2026-02-27").plus_days(2), Ok(date("2026-03-01")));
        assert_eq!(date("2026-02-27").plus_days(i64::MAX), Err(DateError));
        assert_eq!(date("2026-01-16").days_until(date("2026-01-31")), 15);
        assert_eq!(date("2026-01-31").days_until(date("2026-01-16")), -15);
    }

    #[test]
    fn a_day_depends_on_the_clock() {
        let midnight = date("2026-07-01").start(0);
        assert_eq!(midnight.millis(), 1_782_864_000_000);
        assert_eq!(Date::of(midnight, 0), Ok(date("2026-07-01")));
        assert_eq!(Date::of(midnight.plus_millis(-1), 0), Ok(date("2026-06-30")));
        assert_eq!(Date::of(midnight.plus_millis(-1), 1), Ok(date("2026-07-01")));
        assert_eq!(Date::of(midnight, -1), Ok(date("2026-06-30")));
        // UTC+2: the day begins two hours earlier.
        assert_eq!(date("2026-07-01").start(120), midnight.plus_millis(-7_200_000));
        assert_eq!(date("2026-07-01").start(-120), midnight.plus_millis(7_200_000));
        assert_eq!(Date::of(Timestamp::from_millis(i64::MAX), 0), Err(DateError));
    }

    #[test]
    fn texts_are_days_that_exist() {
        assert_eq!(date("2026-01-05").to_string(), "2026-01-05");
        assert_eq!(date("0007-01-05").to_string(), "0007-01-05");
        for bad in [
            "2026-02-29",
            "2026-13-01",
            "2026-00-01",
            "2026-01-00",
            "2026-04-31",
            "2100-02-29",
            "26-01-01",
            "2026-1-01",
            "2026-01-1",
            "2026-01-01-",
            "2026-01-01Z",
            "2026/01/01",
            "+026-01-01",
            "",
            "2026-01",
        ] {
            assert_eq!(bad.parse::<Date>(), Err(DateError), "{bad:?}");
        }
        assert_eq!(Date::new(-1, 1, 1), Err(DateError));
        assert_eq!(Date::new(10_000, 1, 1), Err(DateError));
        assert_eq!(serde_json::to_string(&date("2026-01-05")).unwrap(), "\"2026-01-05\"");
        assert!(serde_json::from_str::<Date>("\"2026-02-30\"").is_err());
    }
}
