//! What an isolate knows of prices: the plan, and bounds where a price depends on the account's
//! total.
//!
//! ```text
//! constant price      known exactly
//! price of a total    ceiling(charge, use known): the most that the account can come to rate
//! any other           the account decides
//! ```
//!
//! Invariant: plan, terms and use come from one answer, the latest; whatever order answers arrive
//! in, an operation is held for at no less than the account will rate it under these terms.

use std::collections::BTreeMap;

use super::admission::Operation;
use super::message::Answer;
use crate::ledger::inline;
use crate::plan::Plan;
use crate::rating::{Ceiling, Event, Usage};
use crate::units::{ChargeId, Credits, Quantity};

/// What an operation costs, or at most costs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Price {
    pub(super) cost: Credits,
    pub(super) is_exact: bool,
}

/// The plan has no price for an operation.
#[derive(Clone, Copy, Debug)]
pub(super) struct Unpriced;

/// Prices as of the last answer.
#[derive(Debug, Default)]
pub(super) struct Prices {
    plan: Option<Plan>,
    terms: u64,
    usage: BTreeMap<ChargeId, Quantity>,
    /// Bounds of what operations can cost, of charges whose price depends on the usage.
    ceilings: BTreeMap<ChargeId, Option<Ceiling>>,
}

impl Prices {
    pub(super) fn plan(&self) -> Option<&Plan> {
        self.plan.as_ref()
    }

    /// The plan's hash, or nothing.
    pub(super) fn plan_hash(&self) -> String {
        self.plan.as_ref().map(|plan| plan.hash().to_owned()).unwrap_or_default()
    }

    pub(super) fn terms(&self) -> u64 {
        self.terms
    }

    /// The price or its ceiling, if the isolate can know it; `Err` if the plan has none for this.
    pub(super) fn of(&mut self, operation: &Operation) -> Option<Result<Price, Unpriced>> {
        let Some(charge) = self.plan.as_ref()?.charge(&operation.charge) else {
            return Some(Err(Unpriced));
        };
        if inline::is_constant(charge) {
            let (none, event) = (Usage::Total(Quantity::ZERO), Event::Use(operation.quantity));
            let cost = inline::cost(charge, &none, &event).ok_or(Unpriced);
            return Some(cost.map(|cost| Price { cost, is_exact: true }));
        }
        if !self.ceilings.contains_key(charge.id()) {
            // Use only rises while the terms last, and with it the bound only comes closer.
            let from = self.usage.get(charge.id()).copied();
            let ceiling = from.and_then(|from| inline::ceiling(charge, from));
            self.ceilings.insert(charge.id().clone(), ceiling);
        }
        let ceiling = self.ceilings.get(charge.id())?.as_ref()?;
        let cost = inline::hold(ceiling, operation.quantity)?;
        Some(Ok(Price { cost, is_exact: false }))
    }

    /// Plan, period and use belong together: they are taken from one answer, and never from one
    /// that is older than what is known.
    pub(super) fn take(&mut self, answer: &Answer) {
        if answer.terms < self.terms {
            return;
        }
        if let Some(json) = &answer.plan_json {
            self.plan = Plan::parse(json).ok();
        }
        // The message asked for news since another plan than is known here by now.
        if self.plan.as_ref().is_some_and(|plan| plan.hash() != answer.plan.hash) {
            self.plan = None;
        }
        if self.usage != answer.usage || self.terms != answer.terms {
            self.ceilings.clear();
        }
        self.terms = answer.terms;
        self.usage.clone_from(&answer.usage);
    }
}
