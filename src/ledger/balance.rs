//! How an account stands: sums over its grants, leases and reservations, and whether they agree.

use serde::{Deserialize, Serialize};

use super::{Lease, Ledger, Totals};
use crate::units::{Credits, Inexact};

/// An account's credits at an instant.
/// `granted = available + held + burned + expired + voided`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Balance {
    /// Credits of all grants that have started.
    pub granted: Credits,
    /// What can be spent by anybody.
    pub available: Credits,
    /// What is set aside for isolates, `unreported` included.
    pub held: Credits,
    /// What operations cost, refunds taken off.
    pub burned: Credits,
    /// What ended unspent.
    pub expired: Credits,
    /// What the operator took away.
    #[serde(default)]
    pub voided: Credits,
    /// `available + held`: what the customer still owns.
    pub balance: Credits,
    /// Of grants that have not started; in none of the sums above.
    pub scheduled: Credits,
    /// Part of `held` whose isolates vanished: how much of it they spent is not known.
    pub unreported: Credits,
    /// Served below zero, as the plan or a route allows; the next credits pay it.
    #[serde(default)]
    pub debt: Credits,
    /// Served beyond the credits in this period, as the plan allows: for the invoice. Below zero if
    /// what an earlier invoice holds was refunded.
    #[serde(default)]
    pub overage: Credits,
    /// Served, and nobody pays: the operator's loss.
    pub unpaid: Credits,
}

impl Ledger {
    /// Credits set aside for isolates, those included that may have been spent and were never
    /// reported.
    ///
    /// # Errors
    ///
    /// [`Inexact`] if a sum leaves the range of credits.
    pub fn held(&self) -> Result<Credits, Inexact> {
        let open = self.leases.values().filter(|lease| lease.ended_at.is_none());
        let reserved = self.reservations.values().filter(|held| held.is_held());
        let reserved = Credits::sum(reserved.map(|reservation| reservation.held))?;
        let held = self.totals.unreported.plus(reserved)?;
        open.map(Lease::outstanding).try_fold(held, |sum, part| sum.plus(part?))
    }

    /// Credits of grants that have not started.
    pub(super) fn scheduled(&self) -> Result<Credits, Inexact> {
        let later = self.grants.values().filter(|grant| grant.effective_at > self.clock);
        Credits::sum(later.map(|grant| grant.left))
    }

    /// All that was ever given: while it is in range, so is every sum over a part of it.
    pub(super) fn given(&self) -> Result<Credits, Inexact> {
        let Totals { left, burned, expired, voided, .. } = self.totals;
        Credits::sum([left, burned, expired, voided])
    }

    /// Credits that anybody can spend now.
    ///
    /// # Errors
    ///
    /// [`Inexact`] if a sum leaves the range of credits.
    pub fn available(&self) -> Result<Credits, Inexact> {
        self.totals.left.minus(self.scheduled()?)?.minus(self.held()?)
    }

    /// The account's credits, as of the ledger's clock.
    ///
    /// # Errors
    ///
    /// [`Inexact`] if a sum leaves the range of credits.
    pub fn balance(&self) -> Result<Balance, Inexact> {
        let (held, scheduled) = (self.held()?, self.scheduled()?);
        let balance = self.totals.left.minus(scheduled)?;
        let spent = self.totals.burned.plus(self.totals.expired)?.plus(self.totals.voided)?;
        Ok(Balance {
            granted: balance.plus(spent)?,
            available: balance.minus(held)?,
            held,
            burned: self.totals.burned,
            expired: self.totals.expired,
            voided: self.totals.voided,
            balance,
            scheduled,
            unreported: self.totals.unreported,
            debt: self.totals.debt,
            overage: self.totals.overage,
            unpaid: self.totals.unpaid,
        })
    }

    /// Checks the invariants that a live account can be asked for: conservation against the sum of
    /// the grants' amounts, nothing below zero, counters in order.
    ///
    /// # Errors
    ///
    /// The name of the first invariant that does not hold.
    pub fn audit(&self) -> Result<(), &'static str> {
        let balance = self.balance().map_err(|_| "range")?;
        let amounts = self.grants.values().map(|grant| grant.given);
        let granted = Credits::sum(amounts).map_err(|_| "range")?;
        let scheduled = balance.scheduled.plus(balance.granted).map_err(|_| "range")?;
        let left = Credits::sum(self.grants.values().map(|grant| grant.left));
        if granted != scheduled || left != Ok(self.totals.left) {
            return Err("conservation");
        }
        if balance.available.is_negative() || self.grants.values().any(|g| g.left.is_negative()) {
            return Err("no_overspend");
        }
        let in_order = |lease: &Lease| lease.outstanding().is_ok_and(|left| !left.is_negative());
        if !self.leases.values().all(in_order) {
            return Err("counters");
        }
        // Ended leases are forgotten after a while, what they had not reported is not.
        let ended = self.leases.values().filter(|lease| lease.ended_at.is_some());
        let expired = self.reservations.values().filter(|held| !held.is_held());
        let expired = expired.map(|reservation| Ok(reservation.held));
        let ended = ended
            .map(Lease::outstanding)
            .chain(expired)
            .try_fold(Credits::ZERO, |sum, part| sum.plus(part?));
        if !ended.is_ok_and(|ended| ended <= self.totals.unreported) {
            return Err("unreported");
        }
        Ok(())
    }
}
