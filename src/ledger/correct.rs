//! What an operator does to an account by hand: voids, adjustments, another plan, and the end of a
//! period. The same again changes nothing.
//!
//! ```text
//! void         a grant ends now; its free rest is nobody's any more
//! adjust −n    takes n free credits, from one grant or in burn order
//! adjust +n    gives n credits back to one grant
//! plan         from here on; what was served before is rated by the plan of its time
//! close        each grant that does not recur and has a rollover keeps min(max, max(min, rest));
//!              use is counted from zero, overage goes onto the invoice
//! ```
//!
//! Invariant: what isolates hold is never taken; it ends when it comes back.

use serde::{Deserialize, Serialize};

use super::decide::{Payer, Session};
use super::entry::{Entry, PlanRef};
use super::grant::Burn;
use super::{COMMANDS_MAX, Command, Grant, LedgerError, REASON_BYTES_MAX};
use crate::plan::Plan;
use crate::units::{Credits, GrantId, Inexact};

/// A correction by the operator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Adjustment {
    /// Names it once.
    pub id: GrantId,
    /// Above zero gives to `grant`; below zero takes away.
    pub amount: Credits,
    /// The grant; without it, credits are taken in burn order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grant: Option<GrantId>,
    /// Why, for whoever reads the journal; 256 bytes at most.
    pub reason: String,
}

/// What a period's end did to a grant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rolled {
    /// The grant.
    pub grant: GrantId,
    /// What did not stay.
    pub lost: Credits,
    /// What the rollover's minimum added.
    pub added: Credits,
}

impl Session<'_> {
    /// Whether a command of this id was done before.
    pub(super) fn is_repeated(&self, id: &GrantId, command: &Command) -> Result<bool, LedgerError> {
        if let Some(past) = self.ledger.commands.get(id) {
            let same = past.command == *command;
            let differs = || LedgerError::CommandDiffers { id: id.clone() };
            return same.then_some(true).ok_or_else(differs);
        }
        match self.ledger.commands.len() >= COMMANDS_MAX {
            true => Err(LedgerError::Full { what: "corrections of a month", max: COMMANDS_MAX }),
            false => Ok(false),
        }
    }

    fn open_grant(&self, id: &GrantId) -> Result<&Grant, LedgerError> {
        let known = self.ledger.grants.get(id);
        let grant = known.ok_or_else(|| LedgerError::GrantUnknown { id: id.clone() })?;
        match grant.is_past(self.now) {
            true => Err(LedgerError::GrantEnded { id: id.clone() }),
            false => Ok(grant),
        }
    }

    /// Ends a grant now; again changes nothing.
    ///
    /// # Errors
    ///
    /// [`LedgerError::GrantUnknown`], or [`LedgerError::GrantEnded`] if it expired before.
    pub fn void(&mut self, id: &GrantId) -> Result<(), LedgerError> {
        if self.ledger.grants.get(id).is_some_and(|grant| grant.voided_at.is_some()) {
            return Ok(());
        }
        let grant = self.open_grant(id)?;
        let unstarted = (grant.effective_at > self.now).then_some(grant.left);
        self.record(Entry::GrantVoided { grant: id.clone() })?;
        if let Some(amount) = unstarted.filter(|left| !left.is_zero()) {
            // Nobody can hold any of it.
            self.record(Entry::GrantExpired { lost: Burn { grant: id.clone(), amount } })?;
        }
        Ok(self.expire_grants(self.now)?)
    }

    /// Takes credits away or gives some back to a grant; the same again changes nothing.
    ///
    /// # Errors
    ///
    /// [`LedgerError`] in the order of its variants.
    pub fn adjust(&mut self, adjustment: Adjustment) -> Result<(), LedgerError> {
        if self.is_repeated(&adjustment.id, &Command::Adjust(adjustment.clone()))? {
            return Ok(());
        }
        let Adjustment { amount, ref grant, .. } = adjustment;
        if let Some(id) = grant {
            self.open_grant(id)?;
        }
        if amount.is_zero() || (!amount.is_negative() && grant.is_none()) {
            return Err(LedgerError::AdjustmentZero);
        }
        let bytes = adjustment.reason.len();
        if bytes > REASON_BYTES_MAX {
            return Err(LedgerError::ReasonTooLong { bytes, max: REASON_BYTES_MAX });
        }
        let taken = match amount.is_negative() {
            true => self.taken(Credits::ZERO.minus(amount)?, grant.as_ref())?,
            false => {
                self.ledger.given()?.plus(amount)?;
                Vec::new()
            }
        };
        self.record(Entry::Adjusted { adjustment, taken })?;
        Ok(self.settle_what_came_back()?)
    }

    fn taken(&self, amount: Credits, grant: Option<&GrantId>) -> Result<Vec<Burn>, LedgerError> {
        let of_grant = |id: &GrantId| -> Result<Credits, Inexact> {
            let parts = self.free_parts(self.now)?;
            let found = parts.into_iter().find(|(found, _)| found == id);
            // One that has not started is in no one's reach, so it is free.
            let left = || self.ledger.grants.get(id).map_or(Credits::ZERO, |grant| grant.left);
            Ok(found.map_or_else(left, |(_, free)| free))
        };
        let available = match grant {
            Some(id) => of_grant(id)?,
            None => self.ledger.available()?,
        };
        if amount > available {
            return Err(LedgerError::AdjustmentShort { amount, available });
        }
        Ok(match grant {
            Some(id) => vec![Burn { grant: id.clone(), amount }],
            None => self.plan_burns(amount, Payer::Account, self.now)?,
        })
    }

    /// Changes what the account pays; the same plan again changes nothing. Returns whether it did.
    /// What was served before is rated by the plan that it was served under; what the plans include
    /// follows (`included.rs`).
    ///
    /// # Errors
    ///
    /// [`LedgerError`] in the order of its variants.
    pub fn change_plan(&mut self, plan: &Plan, json: String) -> Result<bool, LedgerError> {
        if plan.hash() == self.ledger.plan().hash {
            return Ok(false);
        }
        self.check_period(plan)?;
        let included = self.included(plan, self.ledger.terms.saturating_add(1))?;
        self.record(Entry::PlanChanged { plan: PlanRef::of(plan), plan_json: json })?;
        included.into_iter().try_for_each(|entry| self.record(entry))?;
        self.pay_debt(self.now)?;
        Ok(true)
    }

    /// Ends a billing period of an account whose periods the calendar does not end; the same id
    /// again changes nothing.
    ///
    /// # Errors
    ///
    /// [`LedgerError::PeriodsScheduled`], [`LedgerError::CommandDiffers`], [`LedgerError::Full`] or
    /// [`LedgerError::Inexact`].
    pub fn close_period(
        &mut self,
        plan: &Plan,
        id: GrantId,
        forgive_debt: bool,
    ) -> Result<(), LedgerError> {
        if let Some(period) = self.ledger.period() {
            return Err(LedgerError::PeriodsScheduled { end: period.end });
        }
        if self.is_repeated(&id, &Command::ClosePeriod { forgive_debt })? {
            return Ok(());
        }
        self.invoice_debt(plan)?;
        let rolled = self.rolled()?;
        let (debt, overage) = (self.ledger.totals.debt, self.ledger.totals.overage);
        let forgiven = if forgive_debt { debt } else { Credits::ZERO };
        let closed = None;
        self.record(Entry::PeriodClosed { id, rolled, overage, forgive_debt, forgiven, closed })?;
        Ok(self.pay_debt(self.now)?)
    }

    /// What the end of a period does to each grant that it changes.
    pub(super) fn rolled(&self) -> Result<Vec<Rolled>, Inexact> {
        let mut parts = self.free_parts(self.now)?;
        // What is used up is not among the parts, and a minimum fills it again.
        let empty = self.ledger.grants.values().filter(|grant| {
            grant.left.is_zero() && grant.effective_at <= self.now && !grant.is_past(self.now)
        });
        parts.extend(empty.map(|grant| (grant.terms.id.clone(), Credits::ZERO)));
        let (mut rolled, mut given) = (Vec::new(), self.ledger.given()?);
        for (grant, free) in parts {
            let Some(one) = self.rolled_one(grant, free)? else { continue };
            // A minimum that leaves the range of credits is not given.
            let Ok(sum) = given.plus(one.added) else { continue };
            given = sum;
            rolled.push(one);
        }
        Ok(rolled)
    }

    fn rolled_one(&self, grant: GrantId, free: Credits) -> Result<Option<Rolled>, Inexact> {
        let known = self.ledger.grants.get(&grant);
        let rolls =
            known.filter(|grant| grant.terms.recurrence.is_none() && !grant.is_past(self.now));
        let Some(rollover) = rolls.and_then(|grant| grant.terms.rollover) else { return Ok(None) };
        let kept = rollover.kept(free);
        let lost = free.minus(kept.min(free))?;
        let added = kept.minus(kept.min(free))?;
        let changes = !(lost.is_zero() && added.is_zero());
        Ok(changes.then_some(Rolled { grant, lost, added }))
    }
}
