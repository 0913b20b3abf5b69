//! What operations cost, rated from nothing but plans and what was used before: the arithmetic of
//! running totals, followed through a journal beside the ledger's own.
//!
//! ```text
//! opened ──▶ terms 0 ── plan changed ──▶ terms 1 ── period closed ──▶ terms 2 ──▶ …
//!            plan, used                  plan, nothing used           plan, nothing used
//!
//! cost of a use = running(used + use) − running(used)
//! ```
//!
//! Former terms are kept as long as a ledger keeps them: isolates report late, and events are
//! corrected under the terms that they were counted under.

use std::collections::BTreeMap;
use std::rc::Rc;

use crate::ledger::{Ledger, Use};
use crate::plan::{Charge, Combination, Plan, PlanError, Price};
use crate::rating::{self, Event, RateError, Usage};
use crate::units::order::{map_of, set_of};
use crate::units::{ChargeId, Credits, Inexact, Quantity};

/// Why a use has no cost here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TariffError {
    /// Its terms are not known: they ended before what was followed begins.
    #[error("the terms that it was served under ended before the rows that are at hand")]
    TermsUnknown,
    /// It has no name.
    #[error("it names a route or a charge that its row does not list")]
    Nameless,
    /// Their plan has no such charge.
    #[error("the plan has no charge {charge}")]
    NoCharge {
        /// The charge.
        charge: ChargeId,
    },
    /// The price does not count inline.
    #[error("charge {charge} has no price for single operations")]
    NotInline {
        /// The charge.
        charge: ChargeId,
    },
    /// It cannot be rated.
    #[error(transparent)]
    Rate(#[from] RateError),
}

impl From<Inexact> for TariffError {
    fn from(error: Inexact) -> Self {
        Self::Rate(error.into())
    }
}

/// Terms that are kept, at most: more than a ledger remembers, and than a period may have.
const TERMS_MAX: usize = 64;

/// Units by combination of dimension values; none where the price asks for none.
type Counts = BTreeMap<ChargeId, BTreeMap<Combination, Quantity>>;

/// A plan, and what was used under it.
#[derive(Clone, Debug)]
struct Terms {
    plan: Rc<Plan>,
    used: Counts,
}

/// Plans and running totals.
#[derive(Clone, Debug)]
pub struct Tariff {
    number: u64,
    terms: BTreeMap<u64, Terms>,
}

/// Who is to be rated: what the gateway serves has a price of its own, or none; events may also
/// take off what came before, and those that are billed in currency cost no credits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Served {
    /// By the gateway.
    Inline,
    /// Elsewhere.
    Elsewhere,
}

impl Tariff {
    /// Before anything was used; `number` counts the terms before.
    pub fn opened(plan: Plan, number: u64) -> Self {
        let terms = Terms { plan: Rc::new(plan), used: Counts::new() };
        Self { number, terms: map_of([(number, terms)]) }
    }

    /// From where a ledger stands.
    ///
    /// # Errors
    ///
    /// [`PlanError`] if a plan in it does not load.
    pub fn of(ledger: &Ledger) -> Result<Self, PlanError> {
        let (mut terms, mut plans) = (BTreeMap::new(), BTreeMap::new());
        for one in ledger.remembered_terms() {
            if !plans.contains_key(one.plan_json) {
                plans.insert(one.plan_json, Rc::new(Plan::parse(one.plan_json)?));
            }
            let Some(plan) = plans.get(one.plan_json).cloned() else { continue };
            terms.insert(one.number, Terms { plan, used: counts(one.usage) });
        }
        Ok(Self { number: ledger.terms(), terms })
    }

    /// Number of today's terms.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// The plan of some terms, or today's.
    pub fn plan(&self, terms: Option<u64>) -> Option<&Plan> {
        self.terms.get(&terms.unwrap_or(self.number)).map(|terms| &*terms.plan)
    }

    /// The plan changes: use is counted from nothing, by its prices.
    pub fn change(&mut self, plan: Plan) {
        self.follow(Rc::new(plan));
    }

    /// The period ends: use is counted from nothing.
    pub fn close(&mut self) {
        let Some(ended) = self.terms.get(&self.number) else { return };
        self.follow(ended.plan.clone());
    }

    fn follow(&mut self, plan: Rc<Plan>) {
        self.number = self.number.saturating_add(1);
        self.terms.insert(self.number, Terms { plan, used: Counts::new() });
        if self.terms.len() > TERMS_MAX {
            self.terms.pop_first();
        }
    }

    fn of_number(&mut self, terms: Option<u64>) -> Result<&mut Terms, TariffError> {
        self.terms.get_mut(&terms.unwrap_or(self.number)).ok_or(TariffError::TermsUnknown)
    }

    /// Counts use that is not rated.
    ///
    /// # Errors
    ///
    /// [`TariffError::TermsUnknown`]; [`Inexact`] if a sum leaves its range.
    pub fn count(
        &mut self,
        terms: Option<u64>,
        charge: &ChargeId,
        of: &Combination,
        quantity: Quantity,
    ) -> Result<(), TariffError> {
        Ok(add(&mut self.of_number(terms)?.used, charge, of, quantity)?)
    }

    /// What a use costs after all that came before; it is counted.
    ///
    /// # Errors
    ///
    /// [`TariffError`]; it is counted all the same if only its price is missing.
    pub fn take(
        &mut self,
        terms: Option<u64>,
        served: Served,
        charge: &ChargeId,
        of: &Combination,
        quantity: Quantity,
    ) -> Result<Credits, TariffError> {
        let terms = self.of_number(terms)?;
        let unpriced = || TariffError::NoCharge { charge: charge.clone() };
        let priced = terms.plan.charge(charge).ok_or_else(unpriced);
        let cost = priced.and_then(|priced| cost(priced, &terms.used, served, of, quantity));
        add(&mut terms.used, charge, of, quantity)?;
        cost
    }

    /// What it costs more, by charge, that an event used `after` in the place of `before`; it is
    /// counted so.
    ///
    /// # Errors
    ///
    /// [`TariffError`].
    pub fn correct(
        &mut self,
        number: u64,
        before: &[Use],
        after: &[Use],
    ) -> Result<BTreeMap<ChargeId, Credits>, TariffError> {
        let Terms { plan, used } = self.of_number(Some(number))?;
        exchange(plan, used, before, after)
    }

    /// Whether anything was used under some terms, whether it has a price or not.
    pub fn is_used(&self, number: u64) -> bool {
        let counts = self.terms.get(&number).into_iter().flat_map(|terms| terms.used.values());
        counts.flat_map(BTreeMap::values).any(|quantity| !quantity.is_zero())
    }

    /// What was used under some terms, by charge, as far as it fits their prices.
    ///
    /// # Errors
    ///
    /// [`Inexact`] if a sum leaves its range.
    pub fn usage_under(&self, number: u64) -> Result<BTreeMap<ChargeId, Usage>, Inexact> {
        let Some(terms) = self.terms.get(&number) else { return Ok(BTreeMap::new()) };
        let mut usage = BTreeMap::new();
        // What a price by window or by event counts was served without a price, and is free.
        let by_use = |charge: &&Charge| {
            matches!(rating::empty(charge), Usage::Total(_) | Usage::Combinations(_))
        };
        for charge in terms.plan.charges().iter().filter(by_use) {
            let whole = match whole(charge, &terms.used)? {
                Usage::Combinations(mut of) => {
                    of.retain(|_, quantity| !quantity.is_zero());
                    (!of.is_empty()).then_some(Usage::Combinations(of))
                }
                Usage::Total(total) => (!total.is_zero()).then_some(Usage::Total(total)),
                other => Some(other),
            };
            usage.extend(whole.map(|whole| (charge.id().clone(), whole)));
        }
        Ok(usage)
    }
}

/// The price of one unit, where it is the same whatever was used before.
pub fn flat(charge: &Charge, of: &Combination) -> Option<crate::units::UnitPrice> {
    if !charge.quantity_steps().is_empty() || !charge.amount_steps().is_empty() {
        return None;
    }
    match charge.price() {
        Price::PerUnit(unit) => Some(*unit),
        Price::Matrix(matrix) => matrix.unit_price(of),
        _ => None,
    }
}

fn cost(
    charge: &Charge,
    used: &Counts,
    served: Served,
    of: &Combination,
    quantity: Quantity,
) -> Result<Credits, TariffError> {
    let not_inline = || TariffError::NotInline { charge: charge.id().clone() };
    if !matches!(rating::empty(charge), Usage::Total(_) | Usage::Combinations(_)) {
        return Err(not_inline());
    }
    if charge.currency().is_some() {
        return match served {
            // Counted for the invoice.
            Served::Elsewhere => Ok(Credits::ZERO),
            Served::Inline => Err(not_inline()),
        };
    }
    let amount = match flat(charge, of) {
        Some(unit) => unit.times(quantity)?,
        None => {
            let event = match rating::empty(charge) {
                Usage::Combinations(_) => Event::Of(of.clone(), quantity),
                _ => Event::Use(quantity),
            };
            rating::marginal(charge, &state(charge, used, of)?, &event)?
        }
    };
    let credits = amount.credits().map_err(|_| Inexact)?;
    match served == Served::Inline && credits.is_negative() {
        true => Err(not_inline()),
        false => Ok(credits),
    }
}

/// The state that the price of one combination depends on.
fn state(charge: &Charge, used: &Counts, of: &Combination) -> Result<Usage, Inexact> {
    match charge.amount_steps().is_empty() && matches!(charge.price(), Price::Matrix(_)) {
        true => {
            let before = used.get(charge.id()).and_then(|counts| counts.get(of));
            let before = before.map(|quantity| (of.clone(), *quantity));
            Ok(Usage::Combinations(map_of(before)))
        }
        false => whole(charge, used),
    }
}

/// All that was used of a charge, as far as it fits its price.
fn whole(charge: &Charge, used: &Counts) -> Result<Usage, Inexact> {
    let counts = used.get(charge.id()).into_iter().flatten();
    let Price::Matrix(matrix) = charge.price() else {
        let mut total = Quantity::ZERO;
        for (_, quantity) in counts {
            total = total.plus(*quantity)?;
        }
        return Ok(Usage::Total(total));
    };
    let fits = |of: &Combination| !of.is_empty() && matrix.unit_price(of).is_some();
    let fit = counts.filter(|(of, _)| fits(of));
    Ok(Usage::Combinations(map_of(fit.map(|(of, quantity)| (of.clone(), *quantity)))))
}

fn add(
    used: &mut Counts,
    charge: &ChargeId,
    of: &Combination,
    quantity: Quantity,
) -> Result<(), Inexact> {
    if let Some(slot) = used.get_mut(charge).and_then(|counts| counts.get_mut(of)) {
        *slot = slot.plus(quantity)?;
        return Ok(());
    }
    used.entry(charge.clone()).or_default().insert(of.clone(), quantity);
    Ok(())
}

/// Counts `after` in the place of `before`; what that costs, by charge.
fn exchange(
    plan: &Plan,
    used: &mut Counts,
    before: &[Use],
    after: &[Use],
) -> Result<BTreeMap<ChargeId, Credits>, TariffError> {
    let (former, mut costs) = (used.clone(), BTreeMap::new());
    for one in before {
        let slot = used.get_mut(&one.charge).and_then(|counts| counts.get_mut(&one.of));
        let slot = slot.ok_or(Inexact)?;
        *slot = slot.minus(one.quantity)?;
    }
    for one in after {
        add(used, &one.charge, &one.of, one.quantity)?;
    }
    used.values_mut().for_each(|counts| counts.retain(|_, quantity| !quantity.is_zero()));
    let touched = set_of(before.iter().chain(after).map(|one| &one.charge));
    for id in touched {
        let Some(charge) = plan.charge(id).filter(|charge| charge.currency().is_none()) else {
            continue;
        };
        let (from, to) = (whole(charge, &former)?, whole(charge, used)?);
        let amount = rating::difference(charge, &from, &to)?;
        costs.insert(id.clone(), amount.credits().map_err(|_| Inexact)?);
    }
    Ok(costs)
}

fn counts(usage: &BTreeMap<ChargeId, Usage>) -> Counts {
    let of = |usage: &Usage| match usage {
        Usage::Total(total) => map_of([(Combination::new(), *total)]),
        Usage::Combinations(of) => of.clone(),
        Usage::Windows(_) | Usage::Events(_) => BTreeMap::new(),
    };
    map_of(usage.iter().map(|(charge, usage)| (charge.clone(), of(usage))))
}
