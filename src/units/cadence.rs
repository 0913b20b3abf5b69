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
