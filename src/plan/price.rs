//! Prices as a plan writes them: one variant a model, named as the field names them.
//!
//! | model | amount |
//! |---|---|
//! | per_unit | q × unit price |
//! | package | ⌈(q − free) / size⌉ × price; 0 at zero |
//! | graduated | every tier's units at that tier's price, plus the flat of every tier entered |
//! | volume | all units at the price of the tier that q falls in, plus its flat |
//! | stairstep | the flat of the tier that q falls in |
//! | percentage | a part of the value, plus a fixed amount per event |
//! | graduated_percentage | percentage by tier of the value, plus the flat of every tier entered |
//! | matrix | a unit price per combination of dimension values |
//! | dynamic | the price that comes with the events, times a multiplier |

use serde::Serialize;

use super::spec::Combination;
use crate::units::{Amount, Percentage, Quantity, Rounding, UnitPrice};

/// A price, as written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "model", rename_all = "snake_case")]
pub enum PriceSpec {
    /// Every unit costs the same.
    PerUnit {
        /// Price of one.
        unit_price: UnitPrice,
    },
    /// Units are sold by the package.
    Package {
        /// Units in a package; above zero.
        size: Quantity,
        /// Price of a package.
        price: UnitPrice,
        /// The first units are free; default: 0.
        free_units: Quantity,
        /// Whether a package that was begun is billed (ceiling, the default) or not (floor).
        rounding: Rounding,
    },
    /// Every unit costs what its tier says.
    Graduated {
        /// In rising order, the last one open.
        tiers: Vec<TierSpec>,
        /// Whether the first tier's flat is billed without any use; default: yes.
        flat_at_zero: bool,
    },
    /// All units cost what the tier of the total says.
    Volume {
        /// In rising order, the last one open.
        tiers: Vec<TierSpec>,
        /// Whether the first tier's flat is billed without any use; default: yes.
        flat_at_zero: bool,
    },
    /// The tier of the total has one price.
    Stairstep {
        /// In rising order, the last one open.
        tiers: Vec<StepSpec>,
        /// Whether the first tier's flat is billed without any use; default: yes.
        flat_at_zero: bool,
    },
    /// A part of each event's value, plus a fixed amount.
    Percentage(PercentageSpec),
    /// A part of the total value, by tier.
    GraduatedPercentage {
        /// In rising order, the last one open.
        tiers: Vec<PercentTierSpec>,
        /// Whether the first tier's flat is billed without any use; default: yes.
        flat_at_zero: bool,
    },
    /// A unit price per combination of dimension values; the most specific entry wins.
    Matrix {
        /// What is listed.
        entries: Vec<MatrixEntry>,
        /// What is not listed; none: it is an error.
        default: Option<UnitPrice>,
    },
    /// The priced value comes with the events.
    Dynamic {
        /// Times this; default: 1.
        multiplier: UnitPrice,
    },
}

/// One tier of a graduated or a volume price: `(previous up_to, up_to]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct TierSpec {
    /// Inclusive upper end; none: open.
    pub up_to: Option<Quantity>,
    /// Price of a unit, or of a block if there is a block size; default: 0.
    pub unit_price: UnitPrice,
    /// Billed once when the tier is entered; default: 0.
    pub flat: Amount,
    /// The tier's units are rounded up to whole blocks of this size.
    pub block_size: Option<Quantity>,
    /// The most that the tier costs, its flat included.
    pub cap: Option<Amount>,
}

/// One step of a stairstep price: `(previous up_to, up_to]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct StepSpec {
    /// Inclusive upper end; none: open.
    pub up_to: Option<Quantity>,
    /// What any quantity in this step costs.
    pub flat: Amount,
}

/// One tier of a graduated percentage: `(previous up_to, up_to]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct PercentTierSpec {
    /// Inclusive upper end; none: open.
    pub up_to: Option<Quantity>,
    /// The part of the value in this tier.
    pub percent: Percentage,
    /// Billed once when the tier is entered; default: 0.
    pub flat: Amount,
}

/// A part of each event's value, plus a fixed amount; allowances first, limits per event last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct PercentageSpec {
    /// The part of the value.
    pub percent: Percentage,
    /// Per event that is not free; default: 0.
    pub fixed: Amount,
    /// The first events of the period are free.
    pub free_events: Option<u64>,
    /// The first value of the period is free; with `free_events`, whichever ends first.
    pub free_value: Option<Quantity>,
    /// An event that is not free costs at least this.
    pub minimum: Option<Amount>,
    /// An event costs at most this.
    pub maximum: Option<Amount>,
}

/// One cell, or one row, of a matrix.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MatrixEntry {
    /// Dimension → value; dimensions left out match anything.
    pub when: Combination,
    /// Price of a unit.
    pub unit_price: UnitPrice,
}
