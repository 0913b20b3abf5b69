//! What a period's events come to: eight aggregations as mergeable states.
//!
//! ```text
//! event ── record ──▶ State ── merge ──▶ State ── value(window) ──▶ Measure
//!                       ▲                  │
//!                       └──── JSON ◀───────┘   {"sum":"12.5"}, {"average":{"sum":"9","count":2}}
//! ```
//!
//! A day's state folds into a month's, and an isolate's part into the account's. Invariants, tested
//! below against a model that keeps every event: `merge` is associative and commutative, the empty
//! state changes nothing, and merging states is the same as recording all of their events. (A sum
//! that leaves the range of a number is an error, in whatever order it is reached.)
//!
//! | aggregation | value; 0 without events |
//! |---|---|
//! | count, sum, min, max | what they say |
//! | average | sum over count, to 12 places, halves away from zero |
//! | unique_count | how many different values, exactly |
//! | latest | the value of the latest event; at one instant, of the greater id, then source |
//! | time_weighted_sum | values change a level (+3 seats, −1); its average over the window |

use std::borrow::Cow;
use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use super::measure::Measure;
use super::unique::{Unique, UniqueError};
use super::weighted::Weighted;
use super::window::Window;
use crate::plan::Aggregation;
use crate::units::round::{Rounding, divide};
use crate::units::{Inexact, Timestamp};

/// Why a state cannot take an event or another state. Ordered by precedence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AggregateError {
    /// Two aggregations do not mix.
    #[error("a state of {right:?} does not merge into one of {left:?}: they are different meters")]
    Mismatch {
        /// The state that should have grown.
        left: Aggregation,
        /// The state or sample that came.
        right: Aggregation,
    },
    /// More different values than a state may hold.
    #[error(transparent)]
    Unique(#[from] UniqueError),
    /// A sum left the range of a number.
    #[error(transparent)]
    Inexact(#[from] Inexact),
}

impl AggregateError {
    /// Stable machine-readable code. Never reworded.
    pub fn code(self) -> &'static str {
        match self {
            Self::Mismatch { .. } => "aggregation_mismatch",
            Self::Unique(error) => error.code(),
            Self::Inexact(_) => "amount_not_exact",
        }
    }
}

/// What one event contributes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Contribution<'a> {
    /// It happened.
    Once,
    /// A number.
    Number(Measure),
    /// A name to count once.
    Name(Cow<'a, str>),
}

/// An event as its meter sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample<'a> {
    /// When it happened.
    pub at: Timestamp,
    /// The event's id, the order at one instant.
    pub id: &'a str,
    /// The event's source, the order of equal ids.
    pub source: &'a str,
    /// What it adds.
    pub contribution: Contribution<'a>,
}

/// The latest value and what makes it the latest.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Latest {
    at: Timestamp,
    id: String,
    source: String,
    value: Measure,
}

/// The sum and the number of values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Average {
    sum: Measure,
    count: u64,
}

/// The state of one aggregation over some events.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// [`Aggregation::Count`].
    Count(u64),
    /// [`Aggregation::Sum`].
    Sum(Measure),
    /// [`Aggregation::Min`].
    Min(Option<Measure>),
    /// [`Aggregation::Max`].
    Max(Option<Measure>),
    /// [`Aggregation::Average`].
    Average(Average),
    /// [`Aggregation::UniqueCount`].
    UniqueCount(Unique),
    /// [`Aggregation::Latest`].
    Latest(Option<Latest>),
    /// [`Aggregation::TimeWeightedSum`].
    TimeWeightedSum(Weighted),
}

impl State {
    /// The state of no events.
    pub fn empty(aggregation: Aggregation) -> Self {
        match aggregation {
            Aggregation::Count => Self::Count(0),
            Aggregation::Sum => Self::Sum(Measure::ZERO),
            Aggregation::Min => Self::Min(None),
            Aggregation::Max => Self::Max(None),
            Aggregation::Average => Self::Average(Average::default()),
            Aggregation::UniqueCount => Self::UniqueCount(Unique::default()),
            Aggregation::Latest => Self::Latest(None),
            Aggregation::TimeWeightedSum => Self::TimeWeightedSum(Weighted::default()),
        }
    }

    /// The state of one event.
    ///
    /// # Errors
    ///
    /// [`AggregateError::Mismatch`] if the contribution is not of the aggregation's kind.
    pub fn of(aggregation: Aggregation, sample: &Sample<'_>) -> Result<Self, AggregateError> {
        let Sample { at, id, source, ref contribution } = *sample;
        match (aggregation, contribution) {
            (Aggregation::Count, _) => Ok(Self::Count(1)),
            (Aggregation::UniqueCount, Contribution::Name(name)) => {
                Ok(Self::UniqueCount(Unique::of(name)))
            }
            (_, &Contribution::Number(value)) => match aggregation {
                Aggregation::Sum => Ok(Self::Sum(value)),
                Aggregation::Min => Ok(Self::Min(Some(value))),
                Aggregation::Max => Ok(Self::Max(Some(value))),
                Aggregation::Average => Ok(Self::Average(Average { sum: value, count: 1 })),
                Aggregation::Latest => {
                    let (id, source) = (id.to_owned(), source.to_owned());
                    Ok(Self::Latest(Some(Latest { at, id, source, value })))
                }
                Aggregation::TimeWeightedSum => Ok(Self::TimeWeightedSum(Weighted::of(at, value))),
                other => Err(AggregateError::Mismatch { left: other, right: Aggregation::Sum }),
            },
            (left, Contribution::Name(_)) => {
                Err(AggregateError::Mismatch { left, right: Aggregation::UniqueCount })
            }
            (left, Contribution::Once) => {
                Err(AggregateError::Mismatch { left, right: Aggregation::Count })
            }
        }
    }

    /// Which aggregation this is a state of.
    pub fn aggregation(&self) -> Aggregation {
        match self {
            Self::Count(_) => Aggregation::Count,
            Self::Sum(_) => Aggregation::Sum,
            Self::Min(_) => Aggregation::Min,
            Self::Max(_) => Aggregation::Max,
            Self::Average(_) => Aggregation::Average,
            Self::UniqueCount(_) => Aggregation::UniqueCount,
            Self::Latest(_) => Aggregation::Latest,
            Self::TimeWeightedSum(_) => Aggregation::TimeWeightedSum,
        }
    }

    /// Takes one more event. An error leaves the state as it was.
    ///
    /// # Errors
    ///
    /// [`AggregateError`].
    pub fn record(&mut self, sample: &Sample<'_>) -> Result<(), AggregateError> {
        self.merge(Self::of(self.aggregation(), sample)?)
    }

    /// Takes all events of another state. An error leaves the state as it was.
    ///
    /// # Errors
    ///
    /// [`AggregateError`].
    pub fn merge(&mut self, other: Self) -> Result<(), AggregateError> {
        match (self, other) {
            (Self::Count(mine), Self::Count(other)) => {
                *mine = mine.checked_add(other).ok_or(Inexact)?;
            }
            (Self::Sum(mine), Self::Sum(other)) => *mine = mine.plus(other)?,
            (Self::Min(mine), Self::Min(other)) => keep(mine, other, Ordering::Less),
            (Self::Max(mine), Self::Max(other)) => keep(mine, other, Ordering::Greater),
            (Self::Average(mine), Self::Average(other)) => {
                let count = mine.count.checked_add(other.count).ok_or(Inexact)?;
                *mine = Average { sum: mine.sum.plus(other.sum)?, count };
            }
            (Self::UniqueCount(mine), Self::UniqueCount(other)) => mine.merge(other)?,
            (Self::Latest(mine), Self::Latest(other)) => keep(mine, other, Ordering::Greater),
            (Self::TimeWeightedSum(mine), Self::TimeWeightedSum(other)) => {
                *mine = mine.plus(other)?;
            }
            (mine, other) => {
                let (left, right) = (mine.aggregation(), other.aggregation());
                return Err(AggregateError::Mismatch { left, right });
            }
        }
        Ok(())
    }

    /// What the events come to in `window`, which must be the one that they were recorded for.
    ///
    /// `carried` is the level at the window's start of a [`Aggregation::TimeWeightedSum`]; the
    /// other aggregations begin anew with each window and do not read it.
    ///
    /// # Errors
    ///
    /// [`Inexact`] if the value leaves the range of a measure.
    pub fn value(&self, window: Window, carried: Measure) -> Result<Measure, Inexact> {
        match self {
            Self::Count(count) => whole(*count),
            Self::Sum(sum) => Ok(*sum),
            Self::Min(value) | Self::Max(value) => Ok(value.unwrap_or_default()),
            Self::Average(Average { count: 0, .. }) => Ok(Measure::ZERO),
            Self::Average(Average { sum, count }) => {
                let mean = divide(sum.get(), (*count).into(), MEAN_DECIMALS, Rounding::HalfUp)?;
                Measure::new(mean).map_err(|_| Inexact)
            }
            Self::UniqueCount(unique) => whole(unique.count()),
            Self::Latest(latest) => Ok(latest.as_ref().map_or(Measure::ZERO, |l| l.value)),
            Self::TimeWeightedSum(weighted) => weighted.average(window, carried),
        }
    }
}

/// Decimal places of a mean, the finest that a measure has.
pub(super) const MEAN_DECIMALS: i32 = 12;

/// Keeps the one of two values that compares as `wanted` to the other.
fn keep<T: Ord>(mine: &mut Option<T>, other: Option<T>, wanted: Ordering) {
    let replaced = match (mine.as_ref(), &other) {
        (Some(mine), Some(other)) => other.cmp(mine) == wanted,
        (None, Some(_)) => true,
        (_, None) => false,
    };
    if replaced {
        *mine = other;
    }
}

fn whole(count: u64) -> Result<Measure, Inexact> {
    Measure::new(count.into()).map_err(|_| Inexact)
}

#[cfg(test)]
mod tests;
