//! Who pays for what happened elsewhere, and to whom goes what is taken back.
//!
//! ```text
//! cost ≥ 0   credits in burn order ─▶ debt
//! cost < 0   debt that no operation owes by name
//!              ─▶ overage of the open period
//!              ─▶ grants: those that the event itself burned, then those that burned last
//!              ─▶ the next invoice, or what nobody paid
//! ```
//!
//! So burned, debt and overage are what they would be if only the rest had ever happened.
//! Invariant: no grant gets back more than events burned of it.

use serde::{Deserialize, Serialize};

use crate::ledger::decide::{Payer, Session};
use crate::ledger::entry::is_zero;
use crate::ledger::{Burn, Ledger};
use crate::plan::{AtZero, Plan};
use crate::units::{Credits, Inexact};

/// How a cost is booked; below zero: what it takes off.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Booked {
    /// Who paid.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub burns: Vec<Burn>,
    /// What each grant got back.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub returns: Vec<Burn>,
    /// What credits did not pay; below zero: what is owed no more.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub debt: Credits,
    /// What goes off the invoice, below zero.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub overage: Credits,
    /// What nobody paid and need not pay, below zero.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub unpaid: Credits,
}

fn negative(amount: Credits) -> Result<Credits, Inexact> {
    Credits::ZERO.minus(amount)
}

impl Session<'_> {
    /// How `cost` is booked for an event that paid `own` so far.
    pub(super) fn booked(
        &self,
        plan: &Plan,
        cost: Credits,
        own: &[Burn],
    ) -> Result<Booked, Inexact> {
        if !cost.is_negative() {
            let payable = cost.min(self.ledger.available()?);
            let burns = self.plan_burns(payable, Payer::Account, self.now)?;
            let debt = cost.minus(Burn::total(&burns)?)?;
            return Ok(Booked { burns, debt, ..Booked::default() });
        }
        let totals = &self.ledger.totals;
        let mut rest = negative(cost)?;
        let mut part = |most: Credits| -> Result<Credits, Inexact> {
            let part = rest.min(most.max(Credits::ZERO));
            rest = rest.minus(part)?;
            Ok(part)
        };
        let debt = part(self.ledger.unnamed_debt()?)?;
        let mut overage = part(totals.overage)?;
        let mut left = self.ledger.event_burns.clone();
        let mut returns = Vec::new();
        let last = self.ledger.event_burns.iter().rev();
        for Burn { grant, amount } in own.iter().chain(last) {
            let Some(burned) = left.iter_mut().find(|burn| burn.grant == *grant) else { continue };
            let amount = part(burned.amount.min(*amount))?;
            burned.amount = burned.amount.minus(amount)?;
            add(&mut returns, grant, amount)?;
        }
        // What is left was invoiced in a period that is closed, or forgiven with it.
        let is_invoiced = plan
            .spec()
            .credits
            .as_ref()
            .is_some_and(|rules| matches!(rules.at_zero, AtZero::Overage { .. }));
        let unpaid = if is_invoiced { Credits::ZERO } else { part(totals.unpaid)? };
        overage = overage.plus(rest)?;
        let (debt, overage, unpaid) = (negative(debt)?, negative(overage)?, negative(unpaid)?);
        Ok(Booked { burns: Vec::new(), returns, debt, overage, unpaid })
    }
}

/// Adds to a list in which each grant stands once.
pub(super) fn add(
    list: &mut Vec<Burn>,
    grant: &crate::units::GrantId,
    amount: Credits,
) -> Result<(), Inexact> {
    if amount.is_zero() {
        return Ok(());
    }
    match list.iter_mut().find(|burn| burn.grant == *grant) {
        Some(burn) => burn.amount = burn.amount.plus(amount)?,
        None => list.push(Burn { grant: grant.clone(), amount }),
    }
    Ok(())
}

/// Takes from such a list, no more than there is.
pub(in crate::ledger) fn take(list: &mut Vec<Burn>, off: &[Burn]) -> Result<(), Inexact> {
    for Burn { grant, amount } in off {
        if let Some(burn) = list.iter_mut().find(|burn| burn.grant == *grant) {
            burn.amount = burn.amount.minus(burn.amount.min(*amount))?;
        }
    }
    list.retain(|burn| !burn.amount.is_zero());
    Ok(())
}

impl Ledger {
    /// What is owed that no operation is known to owe.
    fn unnamed_debt(&self) -> Result<Credits, Inexact> {
        let debits = self.debits.values().map(|past| past.debt);
        let named = debits.chain(self.reservations.values().map(|held| held.debt));
        named.into_iter().try_fold(self.totals.debt, Credits::minus)
    }
}
