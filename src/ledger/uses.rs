//! What one operation used: quantities of one or more charges, with dimension values where a price
//! depends on them.
//!
//! ```text
//! [ { charge: input,  of: { model: a }, quantity: 1200 },
//!   { charge: output, of: { model: a }, quantity: 300 } ]     cost = Σ marginal, in this order
//! ```
//!
//! Invariants: a use counts by the dimensions that its charge prices, and no others, so that what a
//! client writes into a request makes no new states; a list costs something or cannot be rated as a
//! whole.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Ledger, inline};
use crate::plan::{Charge, Combination, Plan, Price};
use crate::rating::{self, Event, Usage};
use crate::units::{ChargeId, Credits, Inexact, Quantity};

/// Uses of one operation, at most.
pub const USES_MAX: usize = 32;
/// Combinations of dimension values that a charge counts in a period, at most.
pub const COMBINATIONS_MAX: usize = 1_000;

/// A quantity of one charge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Use {
    /// The charge that prices it.
    pub charge: ChargeId,
    /// Dimension values, if the price depends on them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub of: Combination,
    /// Meter units.
    pub quantity: Quantity,
}

impl Use {
    /// The same use of so many units.
    pub(super) fn with(&self, quantity: Quantity) -> Self {
        Self { quantity, ..self.clone() }
    }

    /// What it is to its charge.
    pub(super) fn event(&self, charge: &Charge) -> Event {
        match rating::empty(charge) {
            Usage::Combinations(_) => Event::Of(self.of.clone(), self.quantity),
            _ => Event::Use(self.quantity),
        }
    }

    /// With the dimensions alone that the charge prices.
    fn projected(&self, charge: &Charge) -> Self {
        let Price::Matrix(matrix) = charge.price() else {
            return Self { of: Combination::new(), ..self.clone() };
        };
        let priced = |name: &String| matrix.names().any(|of| of == name);
        let of = self.of.iter().filter(|(name, _)| priced(name));
        let of = of.map(|(name, value)| (name.clone(), value.clone())).collect();
        Self { of, ..self.clone() }
    }
}

/// The most that may be used of a charge, or of one of several: which of them each unit goes to is
/// known only at the end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AtMost {
    /// The charge.
    pub charge: ChargeId,
    /// Others that it may turn out to be.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub or: Vec<ChargeId>,
    /// Dimension values, if the price depends on them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub of: Combination,
    /// Meter units, at most.
    pub quantity: Quantity,
}

impl From<Use> for AtMost {
    fn from(Use { charge, of, quantity }: Use) -> Self {
        Self { charge, or: Vec::new(), of, quantity }
    }
}

impl AtMost {
    /// The same of so many units.
    pub fn with(&self, quantity: Quantity) -> Self {
        Self { quantity, ..self.clone() }
    }

    /// The most that it can come to cost, whatever others use meanwhile: all of it at the dearest
    /// of its charges. Nothing if there is no bound.
    fn bound(&self, plan: &Plan, usages: &Usages) -> Option<Credits> {
        let mut most = Credits::ZERO;
        for id in std::iter::once(&self.charge).chain(&self.or) {
            let charge = plan.charge(id)?;
            let (of, quantity) = (self.of.clone(), self.quantity);
            let one = Use { charge: id.clone(), of, quantity }.projected(charge);
            let before = state(charge, usages).ok()?;
            most = most.max(inline::bound(charge, &before, &one.event(charge))?);
        }
        Some(most)
    }
}

/// What was used in a period, by charge: a total, or a quantity per combination.
pub(super) type Usages = BTreeMap<ChargeId, Usage>;

/// Adds a use to what was used.
pub(super) fn count(
    usages: &mut Usages,
    charge: &ChargeId,
    of: &Combination,
    quantity: Quantity,
) -> Result<(), Inexact> {
    let none = || match of.is_empty() {
        true => Usage::Total(Quantity::ZERO),
        false => Usage::Combinations(BTreeMap::new()),
    };
    let usage = usages.entry(charge.clone()).or_insert_with(none);
    if let (Usage::Total(total), false) = (&*usage, of.is_empty()) {
        // A later plan prices by dimension what an earlier one did not.
        *usage = Usage::Combinations(BTreeMap::from([(Combination::new(), *total)]));
    }
    match usage {
        Usage::Total(total) => *total = total.plus(quantity)?,
        Usage::Combinations(map) => {
            let slot = map.entry(of.clone()).or_default();
            *slot = slot.plus(quantity)?;
        }
        Usage::Windows(_) | Usage::Events(_) => return Err(Inexact),
    }
    Ok(())
}

/// All units of a charge, whatever their dimensions.
pub(super) fn total(usage: Option<&Usage>) -> Result<Quantity, Inexact> {
    match usage {
        Some(Usage::Total(total)) => Ok(*total),
        Some(Usage::Combinations(map)) => {
            map.values().try_fold(Quantity::ZERO, |sum, part| sum.plus(*part))
        }
        _ => Ok(Quantity::ZERO),
    }
}

/// The state that a charge is rated by: what was used while it was priced otherwise counts as far
/// as it fits.
pub(super) fn state(charge: &Charge, usages: &Usages) -> Result<Usage, Inexact> {
    let used = usages.get(charge.id());
    Ok(match rating::empty(charge) {
        Usage::Combinations(_) => match used {
            Some(Usage::Combinations(map)) => {
                let fit = map.iter().filter(|(of, _)| !of.is_empty());
                Usage::Combinations(fit.map(|(of, sum)| (of.clone(), *sum)).collect())
            }
            _ => Usage::Combinations(BTreeMap::new()),
        },
        _ => Usage::Total(total(used)?),
    })
}

/// Uses as they count, with what each of them costs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Rated {
    pub(super) uses: Vec<Use>,
    pub(super) costs: Vec<Credits>,
}

impl Rated {
    pub(super) fn cost(&self) -> Result<Credits, Inexact> {
        Credits::sum(self.costs.iter().copied())
    }
}

/// Uses as they count; nothing if the plan does not have one of their charges.
pub(super) fn projected(plan: &Plan, uses: &[Use]) -> Option<Vec<Use>> {
    uses.iter().map(|one| Some(one.projected(plan.charge(&one.charge)?))).collect()
}

/// Rates a list of uses, each after the ones before it; nothing if one of them has no price.
pub(super) fn rate(plan: &Plan, usages: &Usages, uses: &[Use]) -> Option<Rated> {
    let mut states: BTreeMap<&ChargeId, Usage> = BTreeMap::new();
    let mut rated = Rated::default();
    for one in uses {
        let charge = plan.charge(&one.charge)?;
        let one = one.projected(charge);
        if !states.contains_key(charge.id()) {
            states.insert(charge.id(), state(charge, usages).ok()?);
        }
        let before = states.get_mut(charge.id())?;
        let event = one.event(charge);
        rated.costs.push(inline::cost(charge, before, &event)?);
        *before = rating::after(charge, before, &event).ok()?;
        if matches!(before, Usage::Combinations(map) if map.len() > COMBINATIONS_MAX) {
            return None;
        }
        rated.uses.push(one);
    }
    Some(rated)
}

/// The most that all of these can come to cost together; nothing if there is no bound.
pub(super) fn bound<'a>(
    plan: &Plan,
    usages: &Usages,
    all: impl IntoIterator<Item = &'a AtMost>,
) -> Option<Credits> {
    let bounds = all.into_iter().map(|one| one.bound(plan, usages));
    Credits::sum(bounds.collect::<Option<Vec<_>>>()?).ok()
}

impl Ledger {
    /// Units used in this period on one charge, whatever their dimensions.
    pub fn usage(&self, charge: &ChargeId) -> Quantity {
        total(self.usage.get(charge)).unwrap_or_default()
    }

    /// What was used in this period, by charge.
    pub fn usages(&self) -> &BTreeMap<ChargeId, Usage> {
        &self.usage
    }

    /// What was used under former terms, or under today's.
    pub(super) fn usages_of(&self, terms: Option<u64>) -> &Usages {
        let past = terms.and_then(|terms| self.past_terms.get(&terms));
        past.map_or(&self.usage, |past| &past.usage)
    }
}
