//! What a report is asked: a stretch of time, its steps, and the dimensions to tell apart.
//!
//! Days are those of the wall calendar; an hour begins where the clock on the wall shows a full
//! one, so that places half an hour off have hours of their own.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::calendar::Zone;
use crate::units::Timestamp;

/// Dimensions of a report, at most.
pub const DIMENSIONS_MAX: usize = 8;
/// An hour, in milliseconds.
const HOUR_MS: i64 = 3_600_000;

/// How long a bucket is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// An hour of the zone's clock.
    Hour,
    /// A day of its calendar.
    Day,
    /// All of it.
    All,
}

/// By what use is told apart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Dimension {
    /// The charge that priced it.
    Charge,
    /// Method and pattern of the route, or what else names the work; nothing for events.
    Route,
    /// The key that asked; nothing where none did.
    Key,
    /// A dimension of the price, or else a label of the operation.
    Of(String),
}

/// A question that cannot be answered. Ordered by precedence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AskError {
    /// No such step.
    #[error("step {step:?} is not known: hour, day or all")]
    Step {
        /// What was asked for.
        step: String,
    },
    /// A dimension without a name, or one that comes twice.
    #[error("dimension {name:?} is empty or comes twice: name each one once")]
    Dimension {
        /// What was asked for.
        name: String,
    },
    /// Too many at once.
    #[error("{count} dimensions: at most 8")]
    TooMany {
        /// How many were asked for.
        count: usize,
    },
}

impl AskError {
    /// Stable machine-readable code. Never reworded.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Step { .. } => "step_unknown",
            Self::Dimension { .. } => "dimension_name",
            Self::TooMany { .. } => "too_many_dimensions",
        }
    }
}

impl FromStr for Step {
    type Err = AskError;

    fn from_str(text: &str) -> Result<Self, AskError> {
        match text {
            "hour" => Ok(Self::Hour),
            "day" => Ok(Self::Day),
            "all" => Ok(Self::All),
            _ => Err(AskError::Step { step: text.to_owned() }),
        }
    }
}

impl Dimension {
    /// Its name.
    pub fn name(&self) -> &str {
        match self {
            Self::Charge => "charge",
            Self::Route => "route",
            Self::Key => "key",
            Self::Of(name) => name,
        }
    }

    /// Names with commas between them; an empty text names none.
    ///
    /// # Errors
    ///
    /// [`AskError`].
    pub fn list(text: &str) -> Result<Vec<Self>, AskError> {
        let names = text.split(',').filter(|_| !text.is_empty());
        let mut list: Vec<Self> = Vec::new();
        for name in names {
            let one = Self::from(name);
            if name.is_empty() || list.contains(&one) {
                return Err(AskError::Dimension { name: name.to_owned() });
            }
            list.push(one);
        }
        match list.len() > DIMENSIONS_MAX {
            true => Err(AskError::TooMany { count: list.len() }),
            false => Ok(list),
        }
    }
}

impl From<&str> for Dimension {
    fn from(name: &str) -> Self {
        match name {
            "charge" => Self::Charge,
            "route" => Self::Route,
            "key" => Self::Key,
            _ => Self::Of(name.to_owned()),
        }
    }
}

impl From<String> for Dimension {
    fn from(name: String) -> Self {
        Self::from(name.as_str())
    }
}

impl From<Dimension> for String {
    fn from(one: Dimension) -> Self {
        one.name().to_owned()
    }
}

/// A question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ask {
    /// The first instant that counts.
    pub from: Timestamp,
    /// The first one that does not any more.
    pub to: Timestamp,
    /// The buckets.
    pub step: Step,
    /// What is told apart.
    pub by: Vec<Dimension>,
    /// Whose hours and days.
    pub zone: Zone,
}

impl Ask {
    /// Where the bucket of an instant begins, and the first instant after it for which one has to
    /// ask again; nothing outside of what was asked for. The first bucket begins no earlier than
    /// the question.
    pub(super) fn bucket(&self, at: Timestamp) -> Option<(Timestamp, Timestamp)> {
        if at < self.from || at >= self.to {
            return None;
        }
        let (start, end) = match self.step {
            Step::All => (self.from, self.to),
            Step::Hour => {
                let wall = i64::from(self.zone.offset_at(at)).saturating_mul(60_000);
                let into = at.plus_millis(wall).millis().rem_euclid(HOUR_MS);
                let start = at.plus_millis(into.saturating_neg());
                // The clock may be set within the hour: what comes after that asks again.
                (start, at.plus_millis(1))
            }
            Step::Day => {
                let today = self.zone.date_at(at).ok()?;
                let end = today.plus_days(1).map_or(self.to, |next| self.zone.start_of(next));
                (self.zone.start_of(today), end)
            }
        };
        Some((start.max(self.from), end))
    }
}
