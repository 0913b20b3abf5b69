//! What one operation used: quantities of one or more charges, with dimension values where a price
//! depends on them.
//!
//! ```text
//! [ { charge: input,  of: { model: a }, quantity: 1200 },
//!   { charge: output, of: { model: a }, quantity: 300 } ]     cost = Σ marginal, in this order
//! ```
//!
//! Invariants: a use counts by the dimensions that its charge prices, and no others, so that what a
//! client writes into a request makes no new states; what is asked for costs something or cannot be
//! rated as a whole, and of what was served, what has a price is charged.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use serde::{Deserialize, Serialize};

use super::{Ledger, inline};
use crate::plan::{Charge, Combination, Plan, Price};
use crate::rating::{self, Event, Usage};
use crate::units::{ChargeId, Credits, Inexact, Quantity};

/// Uses of one operation, at most.
pub const USES_MAX: usize = 32;
/// Combinations of dimension values that a charge counts in a period, at most; what was reserved by
/// then may bring more.
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
    pub(super) fn projected(&self, charge: &Charge) -> Self {
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

    /// Whether it may turn out to be of this charge and combination.
    fn may_be(&self, charge: &Charge, of: &Combination) -> bool {
        let is_named = self.charge == *charge.id() || self.or.contains(charge.id());
        let (id, quantity) = (charge.id().clone(), self.quantity);
        is_named && Use { charge: id, of: self.of.clone(), quantity }.projected(charge).of == *of
    }

    /// The most that it can come to cost, whatever others use meanwhile: all of it at the dearest
    /// of its charges. Nothing if there is no bound, or a charge would count more combinations than
    /// it may.
    fn bound(&self, plan: &Plan, usages: &Usages) -> Option<Credits> {
        let mut most = Credits::ZERO;
        for id in std::iter::once(&self.charge).chain(&self.or) {
            let charge = plan.charge(id)?;
            let (of, quantity) = (self.of.clone(), self.quantity);
            let one = Use { charge: id.clone(), of, quantity }.projected(charge);
            if let Some(Usage::Combinations(map)) = usages.get(id)
                && !map.contains_key(&one.of)
                && map.len() >= COMBINATIONS_MAX
            {
                return None;
            }
            let before = state(charge, usages, &one.of).ok()?;
            let bound = inline::bound(charge, &before, &one.event(charge))?;
            most = most.max(if quantity.is_zero() { Credits::ZERO } else { bound });
        }
        Some(most)
    }
}

/// What was used under one plan in a period, by charge: a total, or a quantity per combination.
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

/// Whether anything was used.
pub(super) fn is_any(usages: &Usages) -> bool {
    usages.values().any(is_used)
}

/// Whether any of a charge was used.
pub(super) fn is_used(usage: &Usage) -> bool {
    match usage {
        Usage::Total(total) => !total.is_zero(),
        Usage::Combinations(map) => map.values().any(|quantity| !quantity.is_zero()),
        Usage::Windows(_) | Usage::Events(_) => false,
    }
}

/// Takes a use off what was used.
fn uncount(usages: &mut Usages, one: &Use) -> Result<(), Inexact> {
    let left = match usages.get_mut(&one.charge).ok_or(Inexact)? {
        Usage::Total(total) => {
            *total = total.minus(one.quantity)?;
            !total.is_zero()
        }
        Usage::Combinations(map) => {
            let slot = map.get_mut(&one.of).ok_or(Inexact)?;
            *slot = slot.minus(one.quantity)?;
            map.retain(|_, quantity| !quantity.is_zero());
            !map.is_empty()
        }
        Usage::Windows(_) | Usage::Events(_) => return Err(Inexact),
    };
    if !left {
        usages.remove(&one.charge);
    }
    Ok(())
}

/// Counts some uses in the place of others.
pub(super) fn exchange(usages: &mut Usages, before: &[Use], after: &[Use]) -> Result<(), Inexact> {
    before.iter().try_for_each(|one| uncount(usages, one))?;
    after.iter().try_for_each(|one| count(usages, &one.charge, &one.of, one.quantity))
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
pub(super) fn whole(charge: &Charge, usages: &Usages) -> Result<Usage, Inexact> {
    let used = usages.get(charge.id());
    let Price::Matrix(matrix) = charge.price() else { return Ok(Usage::Total(total(used)?)) };
    let Some(Usage::Combinations(map)) = used else {
        return Ok(Usage::Combinations(BTreeMap::new()));
    };
    let fits = |one: &Combination| !one.is_empty() && matrix.unit_price(one).is_some();
    let fit = map.iter().filter(|(one, _)| fits(one));
    Ok(Usage::Combinations(fit.map(|(of, sum)| (of.clone(), *sum)).collect()))
}

/// The same as far as the price of one combination needs it: if that depends on no other one, it
/// alone.
pub(super) fn state(charge: &Charge, usages: &Usages, of: &Combination) -> Result<Usage, Inexact> {
    let is_matrix = matches!(charge.price(), Price::Matrix(_));
    if !is_matrix || !charge.amount_steps().is_empty() {
        return whole(charge, usages);
    }
    let used = match usages.get(charge.id()) {
        Some(Usage::Combinations(map)) => map.get(of).copied(),
        Some(Usage::Total(total)) if of.is_empty() => Some(*total),
        _ => None,
    };
    let used = used.map(|sum| (of.clone(), sum));
    Ok(Usage::Combinations(used.into_iter().collect()))
}

/// Uses as they count, with what each of them costs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Rated {
    pub(super) uses: Vec<Use>,
    pub(super) costs: Vec<Credits>,
    /// Those that the plan has no price for.
    pub(super) unpriced: Vec<Use>,
}

impl Rated {
    pub(super) fn cost(&self) -> Result<Credits, Inexact> {
        Credits::sum(self.costs.iter().copied())
    }
}

/// Uses as they count, and those of which the plan does not have the charge.
pub(super) fn known(plan: &Plan, uses: &[Use]) -> (Vec<Use>, Vec<Use>) {
    let (mut known, mut unknown) = (Vec::new(), Vec::new());
    for one in uses {
        match plan.charge(&one.charge) {
            Some(charge) => known.push(one.projected(charge)),
            None => unknown.push(one.clone()),
        }
    }
    (known, unknown)
}

/// Rates a list of uses, each after the ones before it; nothing if one of them has no price.
pub(super) fn rate(plan: &Plan, usages: &Usages, uses: &[Use]) -> Option<Rated> {
    let rated = served(plan, usages, uses);
    rated.unpriced.is_empty().then_some(rated)
}

/// The same of uses that were served already: what has no price is left out.
pub(super) fn served(plan: &Plan, usages: &Usages, uses: &[Use]) -> Rated {
    let (mut states, mut rated) = (BTreeMap::new(), Rated::default());
    for one in uses {
        match next(plan, usages, &mut states, one) {
            Some((one, cost)) => {
                rated.uses.push(one);
                rated.costs.push(cost);
            }
            None => rated.unpriced.push(one.clone()),
        }
    }
    rated
}

/// States of charges, or of their combinations.
type States<'p> = BTreeMap<(&'p ChargeId, Combination), Usage>;

fn next<'p>(
    plan: &'p Plan,
    usages: &Usages,
    states: &mut States<'p>,
    one: &Use,
) -> Option<(Use, Credits)> {
    let charge = plan.charge(&one.charge)?;
    let one = one.projected(charge);
    let alone = charge.amount_steps().is_empty();
    let part = if alone { one.of.clone() } else { Combination::new() };
    let before = match states.entry((charge.id(), part)) {
        Entry::Occupied(known) => known.into_mut(),
        Entry::Vacant(new) => new.insert(state(charge, usages, &one.of).ok()?),
    };
    let event = one.event(charge);
    let cost = inline::cost(charge, before, &event)?;
    *before = rating::after(charge, before, &event).ok()?;
    Some((one, cost))
}

/// The most that all of these can come to cost together; nothing if there is no bound.
pub(super) fn bound(plan: &Plan, usages: &Usages, all: &[AtMost]) -> Option<Credits> {
    let bounds = all.iter().map(|one| one.bound(plan, usages));
    Credits::sum(bounds.collect::<Option<Vec<_>>>()?).ok()
}

/// Takes what was settled off what may be used: first off what can be of its charge alone.
pub(super) fn take_off(plan: &Plan, all: &mut [AtMost], settled: &[Use]) -> Result<(), Inexact> {
    all.sort_by_key(|one| one.or.len());
    for part in settled {
        let Some(charge) = plan.charge(&part.charge) else { continue };
        let mut rest = part.quantity;
        for one in all.iter_mut().filter(|one| one.may_be(charge, &part.of)) {
            let taken = rest.min(one.quantity);
            (rest, one.quantity) = (rest.minus(taken)?, one.quantity.minus(taken)?);
        }
    }
    Ok(())
}

impl Ledger {
    /// Units used of one charge since the plan changed or the period began, whatever their
    /// dimensions.
    pub fn usage(&self, charge: &ChargeId) -> Quantity {
        total(self.usage.get(charge)).unwrap_or_default()
    }

    /// What was used since then, by charge.
    pub fn usages(&self) -> &BTreeMap<ChargeId, Usage> {
        &self.usage
    }

    /// What was used under former terms, or under today's.
    pub(super) fn usages_of(&self, terms: Option<u64>) -> &Usages {
        let past = terms.and_then(|terms| self.past_terms.get(&terms));
        past.map_or(&self.usage, |past| &past.usage)
    }
}
