//! How often something recurs: an ISO 8601 duration of one part.
//!
//! ```text
//! "P7D" "P2W" = "P14D"   "P1M" "P3M" "P1Y" = "P12M"   civil months, counted from an anchor day
//! ```

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{Date, DateError};

/// A number of civil days or months; a week is seven days and a year is twelve months, so two texts
/// that mean the same are equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Cadence {
    count: i32,
    part: Part,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Part {
    Days,
    Months,
}

/// A text that is not a cadence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is not a cadence: write 1 to 1000 days, weeks, months or years, like \"P1M\" or \"P7D\"")]
pub struct CadenceError;

impl Cadence {
    /// Every civil month.
    pub const MONTHLY: Self = Self { count: 1, part: Part::Months };

    /// The start of step `index` of a series that starts on `anchor`; step 0 is the anchor.
    ///
    /// Steps `[start(i), start(i + 1))` meet exactly and never drift: each is counted from the
    /// anchor.
    ///
    /// # Errors
    ///
    /// [`DateError`] outside the years 0 to 9999.
    pub fn start(self, anchor: Date, index: i32) -> Result<Date, DateError> {
        let steps = self.count.checked_mul(index).ok_or(DateError)?;
        match self.part {
            Part::Days => anchor.plus_days(steps.into()),
            Part::Months => anchor.plus_months(steps),
        }
    }
}

impl FromStr for Cadence {
    type Err = CadenceError;

    fn from_str(text: &str) -> Result<Self, CadenceError> {
        let body = text.strip_prefix('P').ok_or(CadenceError)?;
        let (part, each) = match body.as_bytes().last() {
            Some(b'D') => (Part::Days, 1),
            Some(b'W') => (Part::Days, 7),
            Some(b'M') => (Part::Months, 1),
            Some(b'Y') => (Part::Months, 12),
            _ => return Err(CadenceError),
        };
        let digits = body.trim_end_matches(['D', 'W', 'M', 'Y']);
        let plain = digits.len().saturating_add(1) == body.len()
            && digits.bytes().all(|b| b.is_ascii_digit())
            && !digits.starts_with('0');
        let count: u16 = plain.then(|| digits.parse().ok()).flatten().ok_or(CadenceError)?;
        let fits = count <= 1000;
        fits.then(|| Self { count: i32::from(count).saturating_mul(each), part })
            .ok_or(CadenceError)
    }
}

impl TryFrom<String> for Cadence {
    type Error = CadenceError;

    fn try_from(text: String) -> Result<Self, CadenceError> {
        text.parse()
    }
}

impl From<Cadence> for String {
    fn from(cadence: Cadence) -> Self {
        cadence.to_string()
    }
}

impl fmt::Display for Cadence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let letter = match self.part {
            Part::Days => 'D',
            Part::Months => 'M',
        };
        write!(f, "P{}{letter}", self.count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_that_mean_the_same_are_equal() {
        for (text, canonical) in [
            ("P7D", "P7D"),
            ("P1W", "P7D"),
            ("P1M", "P1M"),
            ("P1Y", "P12M"),
            ("P1000D", "P1000D"),
            ("P1000Y", "P12000M"),
        ] {
            assert_eq!(text.parse::<Cadence>().unwrap().to_string(), canonical);
        }
        for bad in [
            "", "P", "P0D", "P01D", "P-1D", "P+1D", "1M", "PM", "P1", "P1H", "P1DD", "P1M2D",
            "P1001D", "P1.5M", "p1m", "P1m", "P 1M",
        ] {
            assert_eq!(bad.parse::<Cadence>(), Err(CadenceError), "{bad:?}");
        }
        assert_eq!(Cadence::MONTHLY, "P1M".parse().unwrap());
        assert_eq!(serde_json::to_string(&Cadence::MONTHLY).unwrap(), "\"P1M\"");
        assert_eq!(serde_json::from_str::<Cadence>("\"P1M\"").unwrap(), Cadence::MONTHLY);
    }

    #[test]
    fn steps_are_counted_from_the_anchor() {
        let start = |cadence: &str, anchor: &str, index| {
            let cadence: Cadence = cadence.parse().unwrap();
            cadence.start(anchor.parse().unwrap(), index).map(|date| date.to_string())
        };
        for (cadence, anchor, index, expected) in [
            ("P1M", "2026-01-31", 0, "2026-01-31"),
            ("P1M", "2026-01-31", 1, "2026-02-28"),
            ("P1M", "2026-01-31", 2, "2026-03-31"),
            ("P3M", "2026-01-31", 1, "2026-04-30"),
            ("P1Y", "2024-02-29", 1, "2025-02-28"),
            ("P1Y", "2024-02-29", 4, "2028-02-29"),
            ("P7D", "2026-02-25", 1, "2026-03-04"),
            ("P2W", "2026-02-25", -1, "2026-02-11"),
        ] {
            assert_eq!(start(cadence, anchor, index).as_deref(), Ok(expected), "{cadence} {index}");
        }
        assert_eq!(start("P1000Y", "2026-01-01", i32::MAX), Err(DateError));
    }
}
