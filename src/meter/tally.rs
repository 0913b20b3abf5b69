//! What one meter has counted in one period: a state per window and per dimensions.
//!
//! ```text
//! period  [───────────────────────────────)
//! windows [── 0 ──)[── 1 ──)[── 2 ──)[─ 3 ─)      one window if the meter has no width
//!         {model: a} → State   {model: b} → State      in each of them
//! ```
//!
//! Windows are counted from the period's start, and the last one ends with the period. Invariants:
//! all states are of one aggregation; at most [`STATES_MAX`] of them; merging is associative and
//! commutative, because it is for each state.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::aggregate::{AggregateError, Sample, State};
use super::convert::{converted, rounded};
use super::measure::Measure;
use super::window::Window;
use crate::plan::{Aggregation, Combination, MeterSpec};
use crate::units::{Inexact, Timestamp};

/// States of one meter in one period, at most: a window a minute for a month, or ten thousands of
/// combinations of dimension values.
pub const STATES_MAX: usize = 50_000;

/// Values that the levels of one meter have in one period, at most: each window has one for each
/// combination, whether anything changed in it or not.
pub const VALUES_MAX: usize = 1_000_000;

/// Why a tally cannot grow. Ordered by precedence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TallyError {
    /// A stored list names one window and combination twice.
    #[error("window {start} with dimensions {dimensions:?} stands twice: merge them first")]
    Duplicate {
        /// Start of the window, UTC milliseconds.
        start: Timestamp,
        /// The combination at fault.
        dimensions: Combination,
    },
    /// Two meters, periods or window widths.
    #[error("tallies of different meters, periods or widths do not merge: keep them apart")]
    Different,
    /// An event that happened before or after.
    #[error("event of {at} is outside the period [{}, {}): bill it where it happened",
        period.start(), period.end())]
    Outside {
        /// When it happened, UTC milliseconds.
        at: Timestamp,
        /// The period of the tally.
        period: Window,
    },
    /// More states than [`STATES_MAX`].
    #[error(
        "more than 50000 windows and dimension values: use wider windows or coarser dimensions"
    )]
    TooMany,
    /// More values than [`VALUES_MAX`].
    #[error("more than 1000000 windows of a level: use wider windows or coarser dimensions")]
    TooManyValues,
    /// A state refused.
    #[error(transparent)]
    State(#[from] AggregateError),
    /// A value that leaves the range of a measure.
    #[error(transparent)]
    Inexact(#[from] Inexact),
}

impl TallyError {
    /// Stable machine-readable code. Never reworded.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Duplicate { .. } => "tally_duplicate",
            Self::Different => "tally_different",
            Self::Outside { .. } => "tally_outside",
            Self::TooMany => "tally_too_many",
            Self::TooManyValues => "tally_too_many_values",
            Self::State(error) => error.code(),
            Self::Inexact(_) => "amount_not_exact",
        }
    }
}

/// A window's start and the dimension values in it.
type Key = (Timestamp, Combination);

/// The states of one meter in one period.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "TallySpec", into = "TallySpec")]
pub struct Tally {
    aggregation: Aggregation,
    period: Window,
    window_ms: Option<i64>,
    states: BTreeMap<Key, State>,
}

/// The wire form: a list, because a window and its dimensions are no JSON name.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct TallySpec {
    aggregation: Aggregation,
    period: Window,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    window_ms: Option<i64>,
    states: Vec<(Timestamp, Combination, State)>,
}

impl Tally {
    /// No use yet in `period`; `window_ms` is the width of a meter's windows.
    pub fn empty(aggregation: Aggregation, period: Window, window_ms: Option<u64>) -> Self {
        // A width past the integers of a timestamp is longer than any period: one window.
        let window_ms = window_ms.and_then(|width| i64::try_from(width).ok());
        Self { aggregation, period, window_ms, states: BTreeMap::new() }
    }

    /// Takes one more sample. An error leaves the tally as it was.
    ///
    /// # Errors
    ///
    /// [`TallyError`].
    pub fn record(
        &mut self,
        dimensions: Combination,
        sample: &Sample<'_>,
    ) -> Result<(), TallyError> {
        if !self.period.contains(sample.at) {
            return Err(TallyError::Outside { at: sample.at, period: self.period });
        }
        let start = self.window_at(sample.at).start();
        self.add((start, dimensions), State::of(self.aggregation, sample)?)
    }

    /// Takes all states of `other`, say another day's or another isolate's.
    ///
    /// # Errors
    ///
    /// [`TallyError`]; the tally may then hold a part of `other` and is to be thrown away.
    pub fn merge(&mut self, other: Self) -> Result<(), TallyError> {
        let same = self.aggregation == other.aggregation
            && self.period == other.period
            && self.window_ms == other.window_ms;
        if !same {
            return Err(TallyError::Different);
        }
        for (key, state) in other.states {
            self.add(key, state)?;
        }
        Ok(())
    }

    /// What was counted: window, dimensions and value, in their order. Each value is rounded, then
    /// converted, as the meter says.
    ///
    /// A window without events has no value, except for a level: a time-weighted sum begins at
    /// `carried` and goes on through windows in which nothing changed.
    ///
    /// # Errors
    ///
    /// [`TallyError::Inexact`] if a value leaves the range of a measure;
    /// [`TallyError::TooManyValues`].
    pub fn values(
        &self,
        meter: &MeterSpec,
        carried: &BTreeMap<Combination, Measure>,
    ) -> Result<Vec<(Window, Combination, Measure)>, TallyError> {
        let billed = |(window, dimensions, value)| {
            let value = meter.rounding.map_or(Ok(value), |rule| rounded(value, rule))?;
            let value = meter.conversion.map_or(Ok(value), |rule| converted(value, rule))?;
            Ok((window, dimensions, value))
        };
        self.raw_values(carried)?.into_iter().map(billed).collect()
    }

    /// [`Tally::values`] of a meter that neither rounds nor converts.
    ///
    /// # Errors
    ///
    /// As [`Tally::values`].
    pub fn raw_values(
        &self,
        carried: &BTreeMap<Combination, Measure>,
    ) -> Result<Vec<(Window, Combination, Measure)>, TallyError> {
        if self.aggregation == Aggregation::TimeWeightedSum {
            return self.levels(carried);
        }
        let value = |((start, dimensions), state): (&Key, &State)| {
            let window = self.window_at(*start);
            Ok((window, dimensions.clone(), state.value(window, Measure::ZERO)?))
        };
        self.states.iter().map(value).collect()
    }

    /// The levels at the period's end, which the next period of a time-weighted sum begins with.
    ///
    /// # Errors
    ///
    /// [`Inexact`] if a level leaves the range of a measure.
    pub fn levels_after(
        &self,
        carried: &BTreeMap<Combination, Measure>,
    ) -> Result<BTreeMap<Combination, Measure>, Inexact> {
        let mut levels = carried.clone();
        for ((_, dimensions), state) in &self.states {
            if let State::TimeWeightedSum(changes) = state {
                let level = levels.entry(dimensions.clone()).or_default();
                *level = level.plus(changes.change())?;
            }
        }
        Ok(levels)
    }

    /// The average level of each window, for each combination that has or had a level.
    fn levels(
        &self,
        carried: &BTreeMap<Combination, Measure>,
    ) -> Result<Vec<(Window, Combination, Measure)>, TallyError> {
        let mut levels = self.levels_after(carried)?;
        for (dimensions, level) in &mut levels {
            *level = carried.get(dimensions).copied().unwrap_or_default();
        }
        let unchanged = State::empty(self.aggregation);
        let mut values = Vec::new();
        // Nothing has changed where there was nothing: no window to walk.
        let mut window = (!levels.is_empty()).then(|| self.window_at(self.period.start()));
        while let Some(here) = window {
            for (dimensions, level) in &mut levels {
                if values.len() >= VALUES_MAX {
                    return Err(TallyError::TooManyValues);
                }
                let key = (here.start(), dimensions.clone());
                let state = self.states.get(&key).unwrap_or(&unchanged);
                values.push((here, dimensions.clone(), state.value(here, *level)?));
                if let State::TimeWeightedSum(changes) = state {
                    *level = level.plus(changes.change())?;
                }
            }
            window = (here.end() < self.period.end()).then(|| self.window_at(here.end()));
        }
        Ok(values)
    }

    /// The window that holds an instant of the period.
    fn window_at(&self, at: Timestamp) -> Window {
        self.window_ms
            .and_then(|width| Window::containing(at, width, self.period.start()))
            .and_then(|window| window.intersect(self.period))
            .unwrap_or(self.period)
    }

    fn add(&mut self, key: Key, state: State) -> Result<(), TallyError> {
        if let Some(mine) = self.states.get_mut(&key) {
            return Ok(mine.merge(state)?);
        }
        if self.states.len() >= STATES_MAX {
            return Err(TallyError::TooMany);
        }
        let mut mine = State::empty(self.aggregation);
        mine.merge(state)?;
        self.states.insert(key, mine);
        Ok(())
    }
}

impl TryFrom<TallySpec> for Tally {
    type Error = TallyError;

    fn try_from(spec: TallySpec) -> Result<Self, TallyError> {
        let TallySpec { aggregation, period, window_ms, states } = spec;
        let mut tally = Self { aggregation, period, window_ms, states: BTreeMap::new() };
        for (start, dimensions, state) in states {
            if !period.contains(start) || tally.window_at(start).start() != start {
                return Err(TallyError::Outside { at: start, period });
            }
            let key = (start, dimensions);
            if tally.states.contains_key(&key) {
                let (start, dimensions) = key;
                return Err(TallyError::Duplicate { start, dimensions });
            }
            tally.add(key, state)?;
        }
        Ok(tally)
    }
}

impl From<Tally> for TallySpec {
    fn from(tally: Tally) -> Self {
        let Tally { aggregation, period, window_ms, states } = tally;
        let states = states.into_iter().map(|((start, of), state)| (start, of, state)).collect();
        Self { aggregation, period, window_ms, states }
    }
}

#[cfg(test)]
mod tests;
