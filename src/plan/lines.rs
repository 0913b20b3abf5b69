//! A price of a total as what it is, a line in each tier: `amount = constant + unit × quantity`, in
//! integers.
//!
//! ```text
//! graduated   constant = what the tiers below cost + flat − unit × lower end
//! volume      constant = flat
//! stairstep   unit = 0
//! per unit    one line, constant 0
//! ```
//!
//! The fast lane for marginals: two searches, two products, no decimal until the result. It serves
//! prices without blocks and caps, charges without adjustments, quantities of up to
//! [`PLACES`] places and 64 bits; all else takes the decimals of `rating`, and a law holds both to
//! the same digits.
//!
//! Invariant: where it has an answer, the answer is exact.

use rust_decimal::Decimal;

use super::charge::Price;
use super::ladder::{Ladder, Rung};
use crate::units::{Amount, Quantity, exact};

/// Decimal places of a quantity on the fast lane: a thousandth, so that 9 × 10^15 units still fit.
const PLACES: u32 = 3;

/// Tiers as lines, counted in 10^-[`PLACES`] units and in 10^-`places` of the charge's unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Lines {
    bounds: Vec<i64>,
    lines: Vec<Line>,
    places: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Line {
    unit: i64,
    constant: i128,
}

impl Lines {
    /// The lines of a price, if it has some and they fit.
    pub(super) fn of(price: &Price, quantity_places: u32) -> Option<Self> {
        let one = |unit: Decimal| {
            let rung = Rung {
                above: Decimal::ZERO,
                unit,
                flat: Decimal::ZERO,
                block: None,
                cap: None,
                below: Decimal::ZERO,
            };
            Self::new(&[], &[rung])
        };
        // A quantity that is too fine for the charge must meet the error of the slow lane.
        if quantity_places < PLACES {
            return None;
        }
        match price {
            Price::PerUnit(unit) | Price::Dynamic(unit) => one(unit.get()),
            Price::Graduated(ladder) | Price::GraduatedPercentage(ladder) => {
                Self::new(ladder.bounds(), ladder.rungs())
            }
            Price::Volume(ladder) | Price::Stairstep(ladder) => Self::of_top_tier(ladder),
            Price::Package(_) | Price::Percentage(_) | Price::Matrix(_) => None,
        }
    }

    /// In a volume price the tier's units are all units, not only those above its lower end.
    fn of_top_tier(ladder: &Ladder) -> Option<Self> {
        let from_zero = |rung: &Rung| Rung { above: Decimal::ZERO, ..*rung };
        let rungs: Vec<Rung> = ladder.rungs().iter().map(from_zero).collect();
        Self::new(ladder.bounds(), &rungs)
    }

    fn new(bounds: &[Decimal], rungs: &[Rung]) -> Option<Self> {
        let unit_places = rungs.iter().map(|rung| rung.unit.normalize().scale()).max()?;
        let mut places = PLACES.checked_add(unit_places)?;
        let mut constants = Vec::with_capacity(rungs.len());
        for rung in rungs {
            if rung.block.is_some() || rung.cap.is_some() {
                return None;
            }
            let entry = exact::add(rung.below, rung.flat).ok()?;
            let constant = exact::sub(entry, exact::mul(rung.unit, rung.above).ok()?).ok()?;
            places = places.max(constant.normalize().scale());
            constants.push(constant);
        }
        // The quantity brings PLACES; the unit price brings the rest.
        let unit_places = places.checked_sub(PLACES)?;
        let mut lines = Vec::with_capacity(rungs.len());
        for (rung, constant) in rungs.iter().zip(constants) {
            let unit = i64::try_from(counted(rung.unit, unit_places)?).ok()?;
            lines.push(Line { unit, constant: counted(constant, places)? });
        }
        let bounds = bounds.iter().map(|bound| i64::try_from(counted(*bound, PLACES)?).ok());
        Some(Self { bounds: bounds.collect::<Option<_>>()?, lines, places })
    }

    /// What `added` units cost after `before`, as `rating::marginal` has it; none if the numbers
    /// are not of this lane.
    pub(crate) fn marginal(&self, before: Quantity, added: Quantity) -> Option<Amount> {
        let before = small(before)?;
        let after = before.checked_add(small(added)?)?;
        self.amount(self.running(after)?.checked_sub(self.running(before)?)?)
    }

    /// The running amount of a total in units of 10^-[`PLACES`]: nothing without use.
    pub(crate) fn running(&self, total: i64) -> Option<i128> {
        if total == 0 {
            return Some(0);
        }
        let line = self.lines.get(self.bounds.partition_point(|bound| *bound < total))?;
        i128::from(line.unit).checked_mul(i128::from(total))?.checked_add(line.constant)
    }

    /// A difference of running amounts, as an amount.
    pub(crate) fn amount(&self, difference: i128) -> Option<Amount> {
        Amount::of_units(difference, self.places)
    }
}

/// A quantity in units of 10^-[`PLACES`], if it is one of them and fits 64 bits.
pub(crate) fn small(quantity: Quantity) -> Option<i64> {
    let quantity = quantity.get();
    let power = match PLACES.checked_sub(quantity.scale())? {
        0 => 1,
        1 => 10,
        2 => 100,
        _ => 1_000,
    };
    i64::try_from(quantity.mantissa()).ok()?.checked_mul(power)
}

/// The quantity of so many units of 10^-[`PLACES`].
pub(crate) fn quantity(units: i64) -> Option<Quantity> {
    Quantity::new(Decimal::try_from_i128_with_scale(units.into(), PLACES).ok()?).ok()
}

/// A decimal in units of 10^-`places`.
fn counted(value: Decimal, places: u32) -> Option<i128> {
    let value = value.normalize();
    let power = 10_i128.checked_pow(places.checked_sub(value.scale())?)?;
    value.mantissa().checked_mul(power)
}

const _: () = assert!(PLACES == 3, "`small` lists the powers of ten");
