//! The state that an amount is a function of: what a period's events come to, for one charge.
//!
//! ```text
//! most models          Total        1500
//! price_each: window   Windows      { 10:00 → 9, 11:00 → 10 }
//! matrix               Combinations { {model: a, kind: input} → 1000, … }
//! percentage           Events       value 800, 4 events, of these free: value 250, 2 events; …
//! ```
//!
//! Invariant: [`Usage::plus`] is associative and commutative, so a day folds into a month and an
//! isolate's part into the account's. The allowances of a percentage price are given in the order
//! of the events, so its parts are made by [`super::after`] from the state before them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::plan::Combination;
use crate::units::order::map_of;
use crate::units::{Amount, Inexact, Quantity, Timestamp, once_each};

/// What a period's events come to, for one charge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Usage {
    /// One quantity; for `dynamic` and `graduated_percentage` it is the sum of the values.
    Total(Quantity),
    /// A quantity per window, by the window's start.
    Windows(#[serde(deserialize_with = "once_each::deserialize")] BTreeMap<Timestamp, Quantity>),
    /// A quantity per combination of dimension values.
    #[serde(with = "combinations")]
    Combinations(BTreeMap<Combination, Quantity>),
    /// Values and allowances of single events.
    Events(EventUsage),
}

/// What the events of a percentage price come to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventUsage {
    /// Sum of the values.
    pub value: Quantity,
    /// Number of events.
    pub events: u64,
    /// The part of `value` that was free.
    pub free_value: Quantity,
    /// The events that paid no fixed amount.
    pub free_events: u64,
    /// What the minimum per event added, in the charge's unit.
    pub raised: Amount,
    /// What the maximum per event took off, in the charge's unit.
    pub cut: Amount,
}

/// One thing that happened, as far as a charge is concerned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// So many units, or an event of this value.
    Use(Quantity),
    /// So many units in the window that starts then.
    InWindow(Timestamp, Quantity),
    /// So many units of one combination of dimension values.
    Of(Combination, Quantity),
}

/// Two states that belong to different charges.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UsageError {
    /// A total and, say, a matrix have no sum.
    #[error("{left} and {right} are states of different models: merge states of one charge")]
    DifferentShapes {
        /// Shape of the first state.
        left: &'static str,
        /// Shape of the second state.
        right: &'static str,
    },
    /// The sum needs more digits than a quantity has.
    #[error(transparent)]
    Inexact(#[from] Inexact),
}

impl UsageError {
    /// Stable machine-readable code. Never reworded.
    pub fn code(self) -> &'static str {
        match self {
            Self::DifferentShapes { .. } => "usage_shapes_differ",
            Self::Inexact(_) => "usage_not_exact",
        }
    }
}

impl Usage {
    /// The name of the variant, for people.
    pub fn shape(&self) -> &'static str {
        match self {
            Self::Total(_) => "total",
            Self::Windows(_) => "windows",
            Self::Combinations(_) => "combinations",
            Self::Events(_) => "events",
        }
    }

    /// Both parts together.
    ///
    /// # Errors
    ///
    /// [`UsageError`] if the shapes differ or a sum leaves its range.
    pub fn plus(&self, other: &Self) -> Result<Self, UsageError> {
        Ok(match (self, other) {
            (Self::Total(a), Self::Total(b)) => Self::Total(a.plus(*b)?),
            (Self::Windows(a), Self::Windows(b)) => Self::Windows(sum_of_maps(a, b)?),
            (Self::Combinations(a), Self::Combinations(b)) => {
                Self::Combinations(sum_of_maps(a, b)?)
            }
            (Self::Events(a), Self::Events(b)) => Self::Events(a.plus(b)?),
            _ => {
                let (left, right) = (self.shape(), other.shape());
                return Err(UsageError::DifferentShapes { left, right });
            }
        })
    }
}

impl EventUsage {
    /// Both parts together.
    ///
    /// # Errors
    ///
    /// [`Inexact`] if a sum leaves its range.
    pub fn plus(&self, other: &Self) -> Result<Self, Inexact> {
        Ok(Self {
            value: self.value.plus(other.value)?,
            events: self.events.checked_add(other.events).ok_or(Inexact)?,
            free_value: self.free_value.plus(other.free_value)?,
            free_events: self.free_events.checked_add(other.free_events).ok_or(Inexact)?,
            raised: self.raised.plus(other.raised)?,
            cut: self.cut.plus(other.cut)?,
        })
    }
}

fn sum_of_maps<K: Ord + Clone>(
    a: &BTreeMap<K, Quantity>,
    b: &BTreeMap<K, Quantity>,
) -> Result<BTreeMap<K, Quantity>, Inexact> {
    let mut sum = a.clone();
    for (key, quantity) in b {
        let slot = sum.entry(key.clone()).or_default();
        *slot = slot.plus(*quantity)?;
    }
    Ok(sum)
}

/// JSON has no map keys but strings: a list of pairs instead.
mod combinations {
    use std::collections::BTreeMap;

    use serde::{Deserialize, Deserializer, Serializer};

    use super::{Combination, Quantity, map_of, once_each};

    pub(super) fn serialize<S: Serializer>(
        map: &BTreeMap<Combination, Quantity>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(map)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<BTreeMap<Combination, Quantity>, D::Error> {
        #[derive(Deserialize)]
        struct Names(#[serde(deserialize_with = "once_each::deserialize")] Combination);

        let pairs: Vec<(Names, Quantity)> = Vec::deserialize(deserializer)?;
        let count = pairs.len();
        let map = map_of(pairs.into_iter().map(|(names, of)| (names.0, of)));
        if map.len() == count {
            return Ok(map);
        }
        Err(serde::de::Error::custom("lists a combination twice: add the quantities up"))
    }
}
