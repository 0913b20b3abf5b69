//! What entries about grants change: what each has left, and the sums over all of them.

use super::super::correct::{Adjustment, Rolled};
use super::super::grant::{Burn, Grant, GrantTerms};
use super::super::{Invoiced, Ledger, PastDebit, Reservation};
use super::reservations::merge;
use crate::units::{Credits, GrantId, Inexact, Timestamp};

/// What is owed for one operation, over or under way.
struct Owed<'ledger> {
    /// When it was decided, and its id.
    age: (Timestamp, &'ledger String),
    burns: &'ledger mut Vec<Burn>,
    debt: &'ledger mut Credits,
    overage: &'ledger mut Vec<Invoiced>,
}

impl Ledger {
    pub(super) fn add_grant(&mut self, grant: &Grant) -> Result<(), Inexact> {
        self.totals.left = self.totals.left.plus(grant.left)?;
        self.top_ups.pending.remove(&grant.terms.id);
        self.grants.insert(grant.terms.id.clone(), grant.clone());
        Ok(())
    }

    pub(super) fn expire(&mut self, lost: &Burn) -> Result<(), Inexact> {
        self.take(lost)?;
        let voided = self.grants.get(&lost.grant).is_some_and(|grant| grant.voided_at.is_some());
        let total = if voided { &mut self.totals.voided } else { &mut self.totals.expired };
        *total = total.plus(lost.amount)?;
        Ok(())
    }

    pub(super) fn burn(&mut self, burns: &[Burn]) -> Result<(), Inexact> {
        for burn in burns {
            self.totals.left = self.totals.left.minus(burn.amount)?;
            self.totals.burned = self.totals.burned.plus(burn.amount)?;
            if let Some(grant) = self.grants.get_mut(&burn.grant) {
                grant.left = grant.left.minus(burn.amount)?;
                grant.burned = grant.burned.plus(burn.amount)?;
            }
        }
        Ok(())
    }

    pub(super) fn take(&mut self, burn: &Burn) -> Result<(), Inexact> {
        self.totals.left = self.totals.left.minus(burn.amount)?;
        if let Some(grant) = self.grants.get_mut(&burn.grant) {
            grant.left = grant.left.minus(burn.amount)?;
        }
        Ok(())
    }

    pub(super) fn unburn(&mut self, returns: &[Burn]) -> Result<(), Inexact> {
        for back in returns {
            self.totals.left = self.totals.left.plus(back.amount)?;
            self.totals.burned = self.totals.burned.minus(back.amount)?;
            if let Some(grant) = self.grants.get_mut(&back.grant) {
                grant.left = grant.left.plus(back.amount)?;
                grant.burned = grant.burned.minus(back.amount)?;
            }
        }
        Ok(())
    }

    pub(super) fn refill(
        &mut self,
        id: &GrantId,
        lost: Credits,
        added: Credits,
        next: Option<Timestamp>,
    ) -> Result<(), Inexact> {
        self.roll(id, lost, added)?;
        if let Some(grant) = self.grants.get_mut(id) {
            grant.next_refill = next;
        }
        Ok(())
    }

    fn roll(&mut self, id: &GrantId, lost: Credits, added: Credits) -> Result<(), Inexact> {
        self.totals.left = self.totals.left.minus(lost)?.plus(added)?;
        self.totals.expired = self.totals.expired.plus(lost)?;
        if let Some(grant) = self.grants.get_mut(id) {
            grant.left = grant.left.minus(lost)?.plus(added)?;
            grant.given = grant.given.plus(added)?;
        }
        Ok(())
    }

    pub(super) fn change_grant(
        &mut self,
        id: &GrantId,
        terms: &GrantTerms,
        next: Option<Timestamp>,
    ) {
        if let Some(grant) = self.grants.get_mut(id) {
            (grant.terms, grant.next_refill) = (terms.clone(), next);
        }
    }

    pub(super) fn void(&mut self, id: &GrantId) -> Result<(), Inexact> {
        let now = self.clock;
        if let Some(grant) = self.grants.get_mut(id) {
            grant.voided_at = Some(now);
        }
        Ok(())
    }

    pub(super) fn adjust(
        &mut self,
        adjustment: &Adjustment,
        taken: &[Burn],
    ) -> Result<(), Inexact> {
        for burn in taken {
            self.take(burn)?;
            self.totals.voided = self.totals.voided.plus(burn.amount)?;
        }
        if let Some(id) = &adjustment.grant
            && !adjustment.amount.is_negative()
            && let Some(grant) = self.grants.get_mut(id)
        {
            grant.left = grant.left.plus(adjustment.amount)?;
            grant.given = grant.given.plus(adjustment.amount)?;
            self.totals.left = self.totals.left.plus(adjustment.amount)?;
        }
        Ok(())
    }

    pub(super) fn close_period(
        &mut self,
        rolled: &[Rolled],
        overage: Credits,
        forgiven: Credits,
    ) -> Result<(), Inexact> {
        for Rolled { grant, lost, added } in rolled {
            self.roll(grant, *lost, *added)?;
        }
        self.end_terms(None)?;
        self.period_from = self.clock;
        self.totals.overage = self.totals.overage.minus(overage)?;
        self.totals.unpaid = self.totals.unpaid.plus(forgiven)?;
        self.forgive(forgiven)
    }

    fn forgive(&mut self, amount: Credits) -> Result<(), Inexact> {
        self.totals.debt = self.totals.debt.minus(amount)?;
        if amount.is_zero() {
            return Ok(());
        }
        for owed in self.owed() {
            *owed.debt = Credits::ZERO;
        }
        Ok(())
    }

    /// Debt that is known by name, the oldest first.
    fn owed(&mut self) -> Vec<Owed<'_>> {
        let debits = self.debits.iter_mut().map(|(op, past)| {
            let PastDebit { at, burns, debt, overage, .. } = past;
            Owed { age: (*at, op), burns, debt, overage }
        });
        let reserved = self.reservations.iter_mut().map(|(op, reservation)| {
            let Reservation { at, burns, debt, overage, .. } = reservation;
            Owed { age: (*at, op), burns, debt, overage }
        });
        let open = |owed: &Owed<'_>| !owed.debt.is_zero();
        let mut owed: Vec<Owed<'_>> = debits.chain(reserved).filter(open).collect();
        owed.sort_unstable_by_key(|owed| owed.age);
        owed
    }

    /// Debt is paid oldest first: so that a refund finds who paid for its operation.
    pub(super) fn settle_debt(&mut self, burns: &[Burn], overage: Credits) -> Result<(), Inexact> {
        let (total, terms) = (self.totals.debt, self.terms);
        let owed = self.owed();
        let older = total.minus(Credits::sum(owed.iter().map(|owed| *owed.debt))?)?;
        let (mut burns_left, mut overage_left) = (burns.to_vec(), overage);
        // What nobody remembers by name is older than what somebody does.
        let unnamed = Burn::split_off(&mut burns_left, older)?;
        let rest = older.minus(Burn::total(&unnamed)?)?;
        overage_left = overage_left.minus(rest.min(overage_left))?;
        for Owed { burns, debt, overage, .. } in owed {
            let paid = Burn::split_off(&mut burns_left, *debt)?;
            *debt = debt.minus(Burn::total(&paid)?)?;
            merge(burns, &paid)?;
            let invoiced = (*debt).min(overage_left);
            overage_left = overage_left.minus(invoiced)?;
            *debt = debt.minus(invoiced)?;
            match overage.last_mut().filter(|newest| newest.0 == terms) {
                // Parts of a long operation are many, its plans are few.
                Some(newest) => newest.1 = newest.1.plus(invoiced)?,
                None if invoiced.is_zero() => {}
                None => overage.push(Invoiced(terms, invoiced)),
            }
        }
        self.totals.debt = total.minus(Burn::total(burns)?)?.minus(overage)?;
        self.totals.overage = self.totals.overage.plus(overage)?;
        self.burned_by_events(&unnamed)?;
        self.burn(burns)
    }
}
