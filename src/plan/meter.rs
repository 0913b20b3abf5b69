//! A meter as a plan writes it: which events count, and how they become a quantity.
//!
//! ```text
//! event ── type, filters ──▶ property ── aggregation (per window, per dimension) ──▶ quantity
//! ```

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::adjust::{Conversion, Round};
use crate::units::MeterId;

/// A rule that turns usage events into a quantity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MeterSpec {
    /// Which meter.
    pub id: MeterId,
    /// The CloudEvents type that it counts; default: the id.
    pub event_type: String,
    /// How values become one.
    pub aggregation: Aggregation,
    /// JSON pointer to the value in an event's data; needed by all but `count`.
    pub property: Option<String>,
    /// JSON pointer → values: an event counts if each property has one of its values.
    pub filters: BTreeMap<String, BTreeSet<String>>,
    /// Dimension name → JSON pointer to its value.
    pub dimensions: BTreeMap<String, String>,
    /// Length of a window of its own aggregate, in milliseconds, counted from the period's start;
    /// the windows' values add up. None: one value a period.
    pub window_ms: Option<u64>,
    /// From what is metered to what is billed.
    pub conversion: Option<Conversion>,
    /// Rounding of the aggregate, before the conversion.
    pub rounding: Option<Round>,
}

/// How the values of many events become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Aggregation {
    /// The number of events.
    Count,
    /// Their sum.
    Sum,
    /// The smallest.
    Min,
    /// The largest.
    Max,
    /// Sum over count.
    Average,
    /// The number of different values.
    UniqueCount,
    /// The value of the latest event.
    Latest,
    /// Each running total, weighted with the part of the period for which it stood.
    TimeWeightedSum,
}
