//! Graduated percentage: every part of the value costs the percentage of the tier it falls in, plus
//! the flat of every tier that was entered.
//!
//! A graduated price whose unit prices are fractions; the quantity is the sum of the values.

pub(super) use super::graduated::amount;
