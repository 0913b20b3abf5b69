//! Tiers, ready to be climbed: bounds to search, and the cost of all lower tiers added up once.
//!
//! ```text
//! quantity   0 ──────────── 1 000 ──────────── 10 000 ────────────▶
//! rung       │       0        │        1          │       2 (open)
//! unit       │     0.01       │      0.008        │     0.005
//! below      │       0        │       10          │       82          graduated only
//! ```
//!
//! A rung covers `(above, up_to]`: the bounds meet exactly, so a fraction never falls between two.
//! Invariants: never empty, bounds rise, the last rung is open; `below` of a graduated rung is what
//! a quantity equal to `above` costs, flats included, so a price needs one search and no loop.

use rust_decimal::Decimal;

use super::error::Fault;
use crate::units::round::{Rounding, divide};
use crate::units::{Inexact, exact};

/// Checked tiers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ladder {
    bounds: Vec<Decimal>,
    rungs: Vec<Rung>,
    flat_at_zero: bool,
}

/// One checked tier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rung {
    /// Exclusive lower end.
    pub above: Decimal,
    /// Price of a unit, or of a block; a fraction of one if the ladder is of percentages.
    pub unit: Decimal,
    /// Billed once when the tier is entered.
    pub flat: Decimal,
    /// Units are rounded up to blocks of this size.
    pub block: Option<Decimal>,
    /// The most that the tier costs.
    pub cap: Option<Decimal>,
    /// What the tiers below cost in full; zero if the tier of the total decides alone.
    pub below: Decimal,
}

/// A tier on its way to a [`Rung`].
#[derive(Clone, Copy, Debug)]
pub(super) struct Tier {
    pub(super) up_to: Option<Decimal>,
    pub(super) unit: Decimal,
    pub(super) flat: Decimal,
    pub(super) block: Option<Decimal>,
    pub(super) cap: Option<Decimal>,
}

/// Whether lower tiers count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Climb {
    /// Every tier that was passed costs.
    EachTier,
    /// The tier of the total costs, alone.
    TopTier,
}

impl Rung {
    /// What `units` of this rung cost: flat and blocks and cap included, lower rungs left out.
    ///
    /// # Errors
    ///
    /// [`Inexact`] if a product or a sum needs more than 96 bits.
    pub fn cost(&self, units: Decimal) -> Result<Decimal, Inexact> {
        let cost = exact::mul(self.counted(units)?, self.unit)?;
        let cost = if self.flat.is_zero() { cost } else { exact::add(cost, self.flat)? };
        Ok(self.cap.map_or(cost, |cap| cost.min(cap)))
    }

    /// What is multiplied with the price: units, or whole blocks.
    ///
    /// # Errors
    ///
    /// [`Inexact`] if the division needs more than 127 bits.
    pub fn counted(&self, units: Decimal) -> Result<Decimal, Inexact> {
        match self.block {
            Some(block) => divide(units, block, 0, Rounding::Ceiling),
            None => Ok(units),
        }
    }
}

impl Ladder {
    /// Checks the tiers and adds up what each costs in full. A fault comes with the tier's index
    /// and field.
    pub(super) fn new(
        tiers: &[Tier],
        climb: Climb,
        flat_at_zero: bool,
    ) -> Result<Self, (Option<usize>, &'static str, Fault)> {
        let last = tiers.len().checked_sub(1).ok_or((None, "", Fault::EmptyList))?;
        let mut ladder = Self { bounds: Vec::new(), rungs: Vec::new(), flat_at_zero };
        let (mut above, mut below) = (Decimal::ZERO, Decimal::ZERO);
        for (index, tier) in tiers.iter().enumerate() {
            let &Tier { up_to, unit, flat, block, cap } = tier;
            let rung = Rung { above, unit, flat, block, cap, below };
            ladder.rungs.push(rung);
            let Some(up_to) = up_to else {
                if index == last {
                    break;
                }
                return Err((Some(index), "up_to", Fault::OpenTierNotLast));
            };
            if up_to <= above {
                let fault = Fault::TierNotAbovePrevious {
                    up_to: up_to.to_string(),
                    previous: above.to_string(),
                };
                return Err((Some(index), "up_to", fault));
            }
            if index == last {
                let fault = Fault::LastTierClosed { up_to: up_to.to_string() };
                return Err((Some(index), "up_to", fault));
            }
            if climb == Climb::EachTier {
                let full = |rung: Rung| exact::add(below, rung.cost(exact::sub(up_to, above)?)?);
                below = full(rung).map_err(|inexact| (Some(index), "", Fault::from(inexact)))?;
            }
            ladder.bounds.push(up_to);
            above = up_to;
        }
        Ok(ladder)
    }

    /// The index of the rung that `quantity` falls in: the first whose bound is not below it.
    pub fn index_of(&self, quantity: Decimal) -> usize {
        self.bounds.partition_point(|bound| *bound < quantity)
    }

    /// The rung that `quantity` falls in, zero in the first one.
    ///
    /// # Errors
    ///
    /// Never for a ladder that was checked: the last rung is open.
    pub fn rung_of(&self, quantity: Decimal) -> Result<&Rung, Inexact> {
        self.rungs.get(self.index_of(quantity)).ok_or(Inexact)
    }

    /// All rungs, from the lowest.
    pub fn rungs(&self) -> &[Rung] {
        &self.rungs
    }

    /// The closed upper ends, from the lowest: one less than there are rungs.
    pub fn bounds(&self) -> &[Decimal] {
        &self.bounds
    }

    /// Whether the first flat is billed at the end of a period without any use.
    pub fn flat_at_zero(&self) -> bool {
        self.flat_at_zero
    }
}
