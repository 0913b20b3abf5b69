//! What happens to an account without being asked for: at an instant, in this order.
//!
//! ```text
//! a lease or reservation ends ─▶ the billing period ends: the visit stops, until it is closed
//!   ─▶ a grant ends ─▶ a grant starts ─▶ a grant is refilled
//! and after each of them: what is free pays debt
//! ```
//!
//! A visit does everything that is due first, in order of time, however late it comes: an alarm
//! that comes late, twice or never changes nothing.
//!
//! Invariant: credits that isolates hold were set aside in time and stay spendable by them. In
//! burn order, what is held counts first against grants that have ended, then against the first to
//! burn; only the free rest of a grant expires, rolls over or pays debt.

use super::decide::{Payer, Session};
use super::entry::Entry;
use super::grant::{Burn, Grant, Rollover};
use super::{Lease, Ledger};
use crate::units::{Credits, GrantId, Inexact, Timestamp};

/// What is due at an instant, in the order in which it is done.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Due {
    LeasesEnd,
    PeriodEnds,
    GrantsEnd,
    GrantsStart,
    Refill(GrantId),
}

impl Ledger {
    /// The first thing that is due after `since`, until `now`.
    fn due(&self, since: Timestamp, now: Timestamp) -> Option<(Timestamp, Due)> {
        let within = |at: &Timestamp| *at > since && *at <= now;
        let leases = self.leases.values().filter(|lease| lease.is_held());
        let leases = leases.map(|lease| lease.release_at);
        let leases = leases.chain(self.reservation_ends()).filter(|at| *at <= now);
        let open = || self.grants.values().filter(|grant| !grant.left.is_zero());
        let ends = open().filter_map(Grant::ends_at).filter(within);
        // Of use to nobody but a debt: everybody else looks at the instant.
        let starts = open().filter(|_| !self.totals.debt.is_zero());
        let starts = starts.map(|grant| grant.effective_at).filter(within);
        let refills = self.grants.values().filter_map(|grant| {
            let at = grant.next_refill.filter(|at| *at <= now && !grant.is_past(*at))?;
            Some((at, Due::Refill(grant.terms.id.clone())))
        });
        let period = self.period.as_ref().map(|period| period.end).filter(|end| *end <= now);
        let first = leases.min().map(|at| (at, Due::LeasesEnd)).into_iter();
        let first = first.chain(period.map(|at| (at, Due::PeriodEnds)));
        let first = first.chain(ends.min().map(|at| (at, Due::GrantsEnd)));
        first.chain(starts.min().map(|at| (at, Due::GrantsStart))).chain(refills).min()
    }

    fn reservation_ends(&self) -> impl Iterator<Item = Timestamp> {
        self.reservations.values().filter(|held| held.is_held()).map(|held| held.expires_at)
    }

    /// The next instant at which something is due by itself, if anything is.
    pub fn next_due(&self) -> Option<Timestamp> {
        let leases = self.leases.values().filter(|lease| lease.is_held());
        let open = self.grants.values().filter(|grant| !grant.left.is_zero());
        // What is left in a grant that has ended is held for isolates: their leases are due, and
        // what is unreported waits for a report or for the operator.
        let ends = open.filter_map(Grant::ends_at).filter(|end| *end > self.clock);
        let refills = self
            .grants
            .values()
            .filter_map(|grant| grant.next_refill.filter(|at| !grant.is_past(*at)));
        let leases = leases.map(|lease| lease.release_at).chain(self.reservation_ends());
        let period = self.period.iter().map(|period| period.end);
        leases.chain(ends).chain(refills).chain(self.next_ask()).chain(period).min()
    }
}

impl Session<'_> {
    /// Does what became due after `since`.
    pub(super) fn do_due(&mut self, mut since: Timestamp) -> Result<(), Inexact> {
        while let Some((at, due)) = self.ledger.due(since, self.now) {
            match due {
                Due::LeasesEnd => {
                    self.end_leases(at)?;
                    self.expire_reservations(at)?;
                }
                Due::PeriodEnds => return Ok(()),
                Due::GrantsEnd => {
                    self.expire_grants(at)?;
                    since = at;
                    // What starts at this very instant starts after what ends.
                    self.pay_debt(at)?;
                }
                Due::GrantsStart => {
                    self.pay_debt(at)?;
                    since = at;
                }
                Due::Refill(id) => self.refill(&id, at)?,
            }
        }
        Ok(())
    }

    /// Ends leases that nobody renewed. What they had not reported stays set aside: it may have
    /// been spent, and nothing is ever spent twice.
    fn end_leases(&mut self, at: Timestamp) -> Result<(), Inexact> {
        let due = |lease: &Lease| lease.is_held() && lease.release_at <= at;
        let leases = self.ledger.leases.iter().filter(|(_, lease)| due(lease));
        let due: Vec<(String, Credits)> = leases
            .map(|(id, lease)| Ok((id.clone(), lease.outstanding()?)))
            .collect::<Result<_, Inexact>>()?;
        for (lease, unreported) in due {
            self.record(Entry::LeaseEnded { lease, unreported })?;
        }
        Ok(())
    }

    /// What of each grant that has started nobody holds, the first to burn first.
    pub(super) fn free_parts(&self, at: Timestamp) -> Result<Vec<(GrantId, Credits)>, Inexact> {
        let mut held = self.ledger.held()?;
        let part = |grant: &Grant| {
            let kept = held.min(grant.left);
            held = held.minus(kept)?;
            Ok((grant.terms.id.clone(), grant.left.minus(kept)?))
        };
        self.in_burn_order(at).into_iter().map(part).collect()
    }

    /// Ends grants that are past: their free rest is lost.
    pub(super) fn expire_grants(&mut self, at: Timestamp) -> Result<(), Inexact> {
        for (grant, amount) in self.free_parts(at)? {
            let is_past = self.ledger.grants.get(&grant).is_some_and(|grant| grant.is_past(at));
            if is_past && !amount.is_zero() {
                self.record(Entry::GrantExpired { lost: Burn { grant, amount } })?;
            }
        }
        Ok(())
    }

    /// Does at once what credits that came back change: what is in grants that have ended is
    /// nobody's any more, and what is free pays debt first.
    pub(super) fn settle_what_came_back(&mut self) -> Result<(), Inexact> {
        let past = |grant: &Grant| grant.is_past(self.now) && !grant.left.is_zero();
        if self.ledger.grants.values().any(past) {
            self.expire_grants(self.now)?;
        }
        self.pay_debt(self.now)
    }

    /// Gives a recurring grant's amount again, once for each of its steps until now: while no debt
    /// is to be paid between them, several steps are one entry. A step that leaves the range of
    /// credits gives nothing and takes nothing.
    fn refill(&mut self, id: &GrantId, at: Timestamp) -> Result<(), Inexact> {
        let Some(grant) = self.ledger.grants.get(id).cloned() else { return Ok(()) };
        let Some(recurrence) = grant.terms.recurrence else { return Ok(()) };
        let rollover = grant.terms.rollover.unwrap_or(Rollover::NOTHING);
        let free = self.free_parts(at)?.into_iter().find(|(found, _)| found == id);
        let mut rest = free.map_or(Credits::ZERO, |(_, amount)| amount);
        let (mut lost, mut added) = (Credits::ZERO, Credits::ZERO);
        let given = self.ledger.given()?;
        let step_of = |rest: Credits, added: Credits| -> Result<(Credits, Credits), Inexact> {
            let kept = rollover.kept(rest);
            let stays = kept.min(rest);
            let comes = kept.minus(stays)?.plus(grant.terms.amount)?;
            given.plus(added)?.plus(comes)?;
            Ok((rest.minus(stays)?, comes))
        };
        let mut next = Some(at);
        while let Some(step) = next.filter(|step| *step <= self.now && !grant.is_past(*step)) {
            if let Ok((goes, comes)) = step_of(rest, added) {
                (lost, added) = (lost.plus(goes)?, added.plus(comes)?);
                rest = rest.minus(goes)?.plus(comes)?;
            }
            next = recurrence.after(step);
            if !self.ledger.totals.debt.is_zero() {
                break;
            }
        }
        self.record(Entry::GrantRefilled { grant: id.clone(), lost, added, next })?;
        self.pay_debt(at)
    }

    /// Credits that anybody can spend at `at`, as far as what is due is done.
    fn available_at(&self, at: Timestamp) -> Result<Credits, Inexact> {
        let free = self
            .free_parts(at)?
            .into_iter()
            .filter(|(id, _)| self.ledger.grants.get(id).is_some_and(|grant| !grant.is_past(at)));
        Credits::sum(free.map(|(_, amount)| amount))
    }

    /// Pays what was served below zero from what is free.
    pub(super) fn pay_debt(&mut self, at: Timestamp) -> Result<(), Inexact> {
        if self.ledger.totals.debt.is_zero() {
            return Ok(());
        }
        let amount = self.ledger.totals.debt.min(self.available_at(at)?);
        let burns = self.plan_burns(amount, Payer::Account, at)?;
        match burns.is_empty() {
            true => Ok(()),
            false => self.record(Entry::DebtSettled { burns, overage: Credits::ZERO }),
        }
    }
}
