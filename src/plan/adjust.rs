//! What happens to a line before and after its price: adjustments, in the order of the plan.
//!
//! ```text
//! metered ─ convert ─ round ─ included ─▶ billed ─ PRICE ─▶ discount ─ maximum ─ minimum ─▶ amount
//!           └──── on the quantity ────┘                    └──── on the amount ────┘
//! ```
//!
//! The order is data: it is the order of the list. Those on the quantity stand before those on the
//! amount. Each is a function of the period's running value, not of one event's.

use serde::Serialize;

use crate::units::{Amount, Percentage, Quantity, Rounding, UnitPrice};

/// One step of a line, in the plan's order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub enum Adjustment {
    /// Quantity: one factor, then an optional rounding.
    Convert(Conversion),
    /// Quantity: rounding.
    Round(Round),
    /// Quantity: the first units of the period are free.
    Included {
        /// How many.
        units: Quantity,
    },
    /// Amount: a part is taken off.
    Discount {
        /// Up to 100 percent.
        percent: Percentage,
    },
    /// Amount: never more than this in a period.
    Maximum {
        /// In the charge's unit.
        amount: Amount,
    },
    /// Amount: at least this much, billed at the end of the period.
    Minimum {
        /// In the charge's unit.
        amount: Amount,
    },
    /// Amount: the running amount is rounded, so each invoice bills the difference of two rounded
    /// amounts.
    RoundAmount(Round),
}

/// One factor, then an optional rounding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Conversion {
    /// Multiply or divide.
    pub operation: Operation,
    /// By how much; above zero.
    pub factor: UnitPrice,
    /// How the result is rounded; without it the division must be exact for every quantity.
    pub rounding: Option<Round>,
}

/// Whether a factor multiplies or divides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// billed = metered × factor
    Multiply,
    /// billed = metered ÷ factor
    Divide,
}

/// To how many places, and which way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Round {
    /// Which neighbour is taken.
    pub direction: Rounding,
    /// Digits after the point, -12 ..= 12; below zero: tens, hundreds, ….
    pub places: i8,
}
