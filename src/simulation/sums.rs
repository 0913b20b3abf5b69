//! The auditor's sums: what the account's balance must say.
//!
//! ```text
//! granted = available + held + burned + expired + voided
//! served  = burned + debt + overage + invoiced + unpaid     of what was reported
//! ```

use std::collections::BTreeMap;

use super::Broken;
use super::Invariant::{Conservation, NoDoubleCharge};
use crate::ledger::{Burn, Entry, Rolled};
use crate::units::{Credits, GrantId, Inexact, Timestamp};

#[derive(Clone, Copy, Debug, Default)]
struct Grant {
    from: Timestamp,
    end: Option<Timestamp>,
    voided: bool,
}

/// Sums over the durable journal.
#[derive(Debug, Default)]
pub(super) struct Sums {
    grants: BTreeMap<GrantId, Grant>,
    /// The latest grant of each name that plans have.
    of_plan: BTreeMap<GrantId, GrantId>,
    /// All grants, those included that have not started.
    pub granted: Credits,
    pub burned: Credits,
    pub expired: Credits,
    pub voided: Credits,
    pub debt: Credits,
    pub overage: Credits,
    /// Overage of periods that ended.
    pub invoiced: Credits,
    pub unpaid: Credits,
    /// Part of it: debt that ended with its period.
    pub forgiven: Credits,
    /// Unreported credits that the operator gave back.
    pub returned: Credits,
    /// Set aside for reserved operations, and for those of them that expired.
    pub set_aside: Credits,
    pub vanished: Credits,
    /// What reserved operations may cost beyond the credits.
    pub allowed: Credits,
    /// Part of what is unpaid: used beyond what was reserved.
    pub overrun: Credits,
}

impl Sums {
    /// What one durable entry says about grants; of operations, the books take care.
    pub(super) fn observe(&mut self, entry: &Entry, at: Timestamp) -> Result<(), Broken> {
        match entry {
            Entry::CreditsGranted { grant } => {
                let (from, end) = (grant.effective_at, grant.terms.expires_at);
                let known = Grant { from, end, voided: false };
                if self.grants.insert(grant.terms.id.clone(), known).is_some() {
                    return Err(Broken::new(NoDoubleCharge, "a new grant", &grant.terms.id));
                }
                self.granted = self.granted.plus(grant.terms.amount)?;
                if let Some(name) = &grant.of_plan {
                    self.included(name, &grant.terms.id, at)?;
                }
            }
            Entry::GrantTermsChanged { grant, terms, .. } => {
                if let Some(grant) = self.grants.get_mut(grant) {
                    grant.end = terms.expires_at;
                }
            }
            Entry::GrantVoided { grant } => {
                if let Some(grant) = self.grants.get_mut(grant) {
                    (grant.end, grant.voided) = (Some(at), true);
                }
            }
            Entry::GrantExpired { lost } => self.expired(lost, at)?,
            Entry::GrantRefilled { lost, added, .. } => self.rolled(*lost, *added)?,
            Entry::Adjusted { adjustment, taken } => {
                for burn in taken {
                    self.voided = self.voided.plus(burn.amount)?;
                }
                if !adjustment.amount.is_negative() {
                    self.granted = self.granted.plus(adjustment.amount)?;
                }
            }
            Entry::PeriodClosed { rolled, overage, forgiven, .. } => {
                for Rolled { lost, added, .. } in rolled {
                    self.rolled(*lost, *added)?;
                }
                self.overage = self.overage.minus(*overage)?;
                self.invoiced = self.invoiced.plus(*overage)?;
                self.debt = self.debt.minus(*forgiven)?;
                self.unpaid = self.unpaid.plus(*forgiven)?;
                self.forgiven = self.forgiven.plus(*forgiven)?;
            }
            Entry::DebtSettled { burns, overage } => {
                let burned = total(burns)?;
                self.burned = self.burned.plus(burned)?;
                self.debt = self.debt.minus(burned)?.minus(*overage)?;
                self.overage = self.overage.plus(*overage)?;
            }
            Entry::UnreportedReturned { amount, .. } => {
                self.returned = self.returned.plus(*amount)?;
            }
            _ => {}
        }
        Ok(())
    }

    /// What a plan includes starts anew only where its last step has ended, or was taken away.
    fn included(&mut self, name: &GrantId, id: &GrantId, at: Timestamp) -> Result<(), Broken> {
        let last = self.of_plan.insert(name.clone(), id.clone());
        let last = last.and_then(|id| self.grants.get(&id));
        match last.is_none_or(|last| last.voided || last.end.is_some_and(|end| end <= at)) {
            true => Ok(()),
            false => Err(Broken::new(NoDoubleCharge, format!("{name} goes on"), id)),
        }
    }

    fn expired(&mut self, lost: &Burn, at: Timestamp) -> Result<(), Broken> {
        let grant = self.grants.get(&lost.grant).copied().unwrap_or_default();
        let unstarted = grant.voided && grant.from > at;
        if !unstarted && grant.end.is_none_or(|end| end > at) {
            let expected = format!("{} ends at {:?}", lost.grant, grant.end);
            return Err(Broken::new(Conservation, expected, format!("it ended at {at}")));
        }
        let sum = if grant.voided { &mut self.voided } else { &mut self.expired };
        *sum = sum.plus(lost.amount)?;
        Ok(())
    }

    fn rolled(&mut self, lost: Credits, added: Credits) -> Result<(), Broken> {
        self.expired = self.expired.plus(lost)?;
        self.granted = self.granted.plus(added)?;
        Ok(())
    }

    /// Whether a grant may pay at an instant for somebody who holds nothing of it.
    pub(super) fn may_pay(&self, burn: &Burn, at: Timestamp) -> bool {
        let grant = self.grants.get(&burn.grant);
        grant.is_some_and(|grant| grant.from <= at && grant.end.is_none_or(|end| at < end))
    }
}

/// The sum of some burns.
pub(super) fn total(burns: &[Burn]) -> Result<Credits, Inexact> {
    Credits::sum(burns.iter().map(|burn| burn.amount))
}
