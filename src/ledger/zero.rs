//! What happens to an operation that credits cannot pay, by the plan's rule at zero.
//!
//! ```text
//! block      refused                              402
//! grace      debt up to so many credits           the next credits pay it
//! overage    debt while credits are held,         they may come back and pay it
//!            then onto the invoice, up to a cap
//! restrict   served degraded, for nothing
//! ```

use super::decide::Session;
use super::entry::Entry;
use super::operations::Shortfall;
use crate::plan::{AtZero, Plan};
use crate::units::{Credits, Inexact};

/// What becomes of a part of a cost that nothing is left for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Beyond {
    /// The operation is refused.
    Refuse,
    /// Served, and owed.
    Owe,
    /// Served degraded, and free.
    Restrict,
}

/// What can be set aside for an operation, the credits first.
#[derive(Clone, Copy, Debug)]
pub(super) struct Room {
    pub(super) available: Credits,
    /// What the plan allows beyond them; nothing: there is no limit.
    beyond: Option<Credits>,
    /// Whether what does not fit is served degraded.
    pub(super) restricts: bool,
}

impl Room {
    pub(super) fn takes(&self, amount: Credits) -> Result<bool, Inexact> {
        Ok(match self.beyond {
            Some(beyond) => amount <= self.available.plus(beyond)?,
            None => true,
        })
    }
}

fn rule(plan: &Plan) -> AtZero {
    plan.spec().credits.as_ref().map_or(AtZero::Block, |rules| rules.at_zero)
}

impl Session<'_> {
    /// Whether `amount` more may be served than there are credits; `own` was allowed before.
    pub(super) fn beyond(
        &self,
        plan: &Plan,
        amount: Credits,
        own: Credits,
    ) -> Result<Beyond, Inexact> {
        let totals = &self.ledger.totals;
        let owed = totals.debt.plus(self.allowed()?)?.minus(own)?.plus(amount)?;
        let within = match rule(plan) {
            AtZero::Block => false,
            AtZero::Restrict => return Ok(Beyond::Restrict),
            AtZero::Grace { credits } => owed <= credits,
            AtZero::Overage { cap, .. } => {
                let all = totals.overage.plus(owed)?;
                cap.is_none_or(|cap| all <= cap)
            }
        };
        Ok(if within { Beyond::Owe } else { Beyond::Refuse })
    }

    /// What open reservations may cost beyond the credits.
    fn allowed(&self) -> Result<Credits, Inexact> {
        Credits::sum(self.ledger.reservations.values().map(|held| held.beyond))
    }

    /// What can be set aside for an operation.
    pub(super) fn room(&self, plan: &Plan) -> Result<Room, Inexact> {
        let totals = &self.ledger.totals;
        let owed = totals.debt.plus(self.allowed()?)?;
        let left = |most: Credits, used: Credits| Ok(Some(most.minus(used.min(most))?));
        let beyond = match rule(plan) {
            AtZero::Block | AtZero::Restrict => Some(Credits::ZERO),
            AtZero::Grace { credits } => left(credits, owed)?,
            AtZero::Overage { cap: Some(cap), .. } => left(cap, totals.overage.plus(owed)?)?,
            AtZero::Overage { cap: None, .. } => None,
        };
        let restricts = rule(plan) == AtZero::Restrict;
        Ok(Room { available: self.ledger.available()?, beyond, restricts })
    }

    /// How a cost is booked that was served already: as debt where the plan allows it.
    pub(super) fn shortfall(
        &self,
        plan: &Plan,
        amount: Credits,
        own: Credits,
    ) -> Result<Shortfall, Inexact> {
        let zero = Credits::ZERO;
        if amount.is_zero() || self.beyond(plan, amount, own)? == Beyond::Owe {
            return Ok(Shortfall { debt: amount, unpaid: zero });
        }
        // What was allowed when it was reserved stays so, whatever the plan says since.
        let debt = amount.min(own);
        Ok(Shortfall { debt, unpaid: amount.minus(debt)? })
    }

    /// Puts debt onto the invoice, if the plan does that, once no isolate and no operation holds
    /// credits that could come back and pay it.
    pub(super) fn invoice_debt(&mut self, plan: &Plan) -> Result<(), Inexact> {
        let overage = self.ledger.totals.debt;
        let is_invoiced = matches!(rule(plan), AtZero::Overage { .. });
        let is_held = self.ledger.leases.values().any(super::Lease::is_held)
            || self.ledger.reservations.values().any(|one| one.is_held() && !one.held.is_zero());
        if overage.is_zero() || !is_invoiced || is_held {
            return Ok(());
        }
        self.record(Entry::DebtSettled { burns: Vec::new(), overage })
    }
}
