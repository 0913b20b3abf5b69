//! What each grant has, and the sums over all: the books of a check, kept beside the ledger's.
//!
//! ```text
//! from row 1          every grant from when it was given: nothing is ever below zero
//! from a period on    what a grant had before is what the statement says is left, less what the
//!                     rows did to it: known at the end, and then never below zero either
//! ```

use std::collections::BTreeMap;

use super::finding::Fault;
use crate::ledger::{Adjustment, Burn, Entry, Rolled};
use crate::units::{Credits, GrantId, Inexact};

/// One grant.
#[derive(Clone, Debug, Default)]
pub(super) struct Grant {
    /// What it has; of one that was given before the rows began: what changed.
    pub(super) left: Credits,
    /// The lowest that was.
    pub(super) lowest: Credits,
    /// Burned in the period, what came back taken off.
    pub(super) burned: Credits,
    /// Credits of one step, where a row says so.
    pub(super) amount: Option<Credits>,
    /// Whether the rows tell all of it.
    pub(super) is_whole: bool,
}

/// The books of an account.
#[derive(Clone, Debug, Default)]
pub(super) struct Books {
    pub(super) grants: BTreeMap<GrantId, Grant>,
    pub(super) burned: Credits,
    pub(super) debt: Credits,
    pub(super) overage: Credits,
    pub(super) unpaid: Credits,
    /// Whether the rows begin with the account.
    pub(super) is_whole: bool,
    faults: Vec<Fault>,
}

impl Books {
    /// Books of an account from its first row on, or from a later one.
    pub(super) fn new(is_whole: bool) -> Self {
        Self { is_whole, ..Self::default() }
    }

    /// What was found since it was asked last.
    pub(super) fn faults(&mut self) -> Vec<Fault> {
        std::mem::take(&mut self.faults)
    }

    fn grant(&mut self, id: &GrantId) -> &mut Grant {
        if self.is_whole && !self.grants.contains_key(id) {
            self.faults.push(Fault::GrantUnknown { grant: id.clone() });
        }
        self.grants.entry(id.clone()).or_default()
    }

    fn add(&mut self, id: &GrantId, amount: Credits) -> Result<(), Inexact> {
        let grant = self.grant(id);
        let left = grant.left.plus(amount)?;
        let before = std::mem::replace(&mut grant.left, left);
        grant.lowest = grant.lowest.min(left);
        if grant.is_whole && left.is_negative() && amount.is_negative() {
            let taken = Credits::ZERO.minus(amount)?;
            self.faults.push(Fault::GrantOverdrawn { grant: id.clone(), left: before, taken });
        }
        Ok(())
    }

    fn take(&mut self, burns: &[Burn]) -> Result<(), Inexact> {
        burns.iter().try_for_each(|burn| self.add(&burn.grant, Credits::ZERO.minus(burn.amount)?))
    }

    /// Grants paid for use.
    pub(super) fn burn(&mut self, burns: &[Burn]) -> Result<(), Inexact> {
        self.take(burns)?;
        for burn in burns {
            self.burned = self.burned.plus(burn.amount)?;
            let grant = self.grant(&burn.grant);
            grant.burned = grant.burned.plus(burn.amount)?;
        }
        Ok(())
    }

    /// Grants got back what they had paid.
    pub(super) fn unburn(&mut self, returns: &[Burn]) -> Result<(), Inexact> {
        for back in returns {
            self.add(&back.grant, back.amount)?;
            self.burned = self.burned.minus(back.amount)?;
            let grant = self.grant(&back.grant);
            grant.burned = grant.burned.minus(back.amount)?;
        }
        Ok(())
    }

    /// What is owed, goes onto the invoice, or is paid by nobody.
    pub(super) fn owe(
        &mut self,
        debt: Credits,
        overage: Credits,
        unpaid: Credits,
    ) -> Result<(), Inexact> {
        self.debt = self.debt.plus(debt)?;
        self.overage = self.overage.plus(overage)?;
        self.unpaid = self.unpaid.plus(unpaid)?;
        Ok(())
    }

    /// What entries that tell of no use do.
    pub(super) fn entry(&mut self, entry: &Entry) -> Result<(), Inexact> {
        match entry {
            Entry::CreditsGranted { grant } => self.give(grant),
            Entry::GrantExpired { lost } => self.take(std::slice::from_ref(lost)),
            Entry::GrantRefilled { grant, lost, added, .. } => {
                self.add(grant, Credits::ZERO.minus(*lost)?)?;
                self.add(grant, *added)
            }
            Entry::GrantTermsChanged { grant, terms, .. } => {
                self.grant(grant).amount = Some(terms.amount);
                Ok(())
            }
            Entry::Adjusted { adjustment, taken } => self.adjust(adjustment, taken),
            Entry::DebtSettled { burns, overage } => {
                let paid = Credits::sum(burns.iter().map(|burn| burn.amount))?;
                let gone = Credits::ZERO.minus(paid.plus(*overage)?)?;
                self.owe(gone, *overage, Credits::ZERO)?;
                if self.is_whole && self.debt.is_negative() {
                    let cost = self.debt.minus(gone)?;
                    let paid = paid.plus(*overage)?;
                    self.faults.push(Fault::PaymentDiffers { cost, paid });
                }
                self.burn(burns)
            }
            Entry::PeriodClosed { rolled, overage, forgiven, .. } => {
                self.close(rolled, *overage, *forgiven)
            }
            _ => Ok(()),
        }
    }

    fn give(&mut self, given: &crate::ledger::Grant) -> Result<(), Inexact> {
        let id = given.terms.id.clone();
        if self.grants.contains_key(&id) {
            self.faults.push(Fault::GrantRepeated { grant: id });
            return Ok(());
        }
        let (amount, left) = (given.terms.amount, given.left);
        if left != amount || given.given != amount {
            let (what, grant) = ("amount", id.clone());
            let fault = Fault::GrantDiffers { grant, what, journal: left, statement: amount };
            self.faults.push(fault);
        }
        let grant = Grant { left, amount: Some(amount), is_whole: true, ..Grant::default() };
        self.grants.insert(id, grant);
        Ok(())
    }

    fn adjust(&mut self, adjustment: &Adjustment, taken: &[Burn]) -> Result<(), Inexact> {
        self.take(taken)?;
        match &adjustment.grant {
            Some(grant) if !adjustment.amount.is_negative() => self.add(grant, adjustment.amount),
            _ => Ok(()),
        }
    }

    fn close(
        &mut self,
        rolled: &[Rolled],
        overage: Credits,
        forgiven: Credits,
    ) -> Result<(), Inexact> {
        for Rolled { grant, lost, added } in rolled {
            self.add(grant, Credits::ZERO.minus(*lost)?)?;
            self.add(grant, *added)?;
        }
        self.grants.values_mut().for_each(|grant| grant.burned = Credits::ZERO);
        let zero = Credits::ZERO;
        self.owe(zero.minus(forgiven)?, zero.minus(overage)?, forgiven)
    }
}
