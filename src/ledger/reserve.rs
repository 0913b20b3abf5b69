//! Reservations: credits set aside for one operation whose cost is known only at its end.
//!
//! ```text
//! held ──▶ settled in parts, then for good    each part is burned, the rest goes back at the end
//!      ──▶ released                           nothing was served
//!      ──▶ expired                            nobody said anything in time: what is left stays set
//!                                             aside as unreported, for a late settlement or the
//!                                             operator
//! ```
//!
//! Invariants: settled and released are final; a part is burned once, as its total only grows; more
//! than was reserved is paid from what is available, and what nothing pays is on record.

use serde::{Deserialize, Serialize};

use super::decide::{Debited, Payer, Session};
use super::entry::{Debit, Entry};
use super::grant::Burn;
use super::{LedgerError, RESERVATIONS_MAX, inline};
use crate::plan::Plan;
use crate::units::{Credits, Inexact, Quantity, Timestamp};

/// Credits set aside for one operation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reservation {
    /// The operation; its quantity is what was settled so far.
    pub debit: Debit,
    /// Credits that are still set aside.
    pub held: Credits,
    /// What its parts cost so far.
    pub cost: Credits,
    /// Who paid for them.
    pub burns: Vec<Burn>,
    /// What of it was served below zero and is not paid yet.
    pub debt: Credits,
    /// What of it went onto the invoice.
    #[serde(default)]
    pub overage: Credits,
    /// When it was made, or a part of it was settled last.
    #[serde(default)]
    pub at: Timestamp,
    /// When it expires.
    pub expires_at: Timestamp,
    /// When it did, if it did.
    pub expired_at: Option<Timestamp>,
}

impl Reservation {
    /// Whether its credits are set aside for somebody who may still settle in time.
    pub fn is_held(&self) -> bool {
        self.expired_at.is_none()
    }
}

impl Session<'_> {
    /// Sets `amount` aside for an operation, until `expires_at`; the same operation again changes
    /// nothing. The quantity of `debit` is zero: nothing is served yet.
    ///
    /// # Errors
    ///
    /// [`LedgerError::AmountNotPositive`], [`LedgerError::Full`] or [`LedgerError::Inexact`].
    pub fn reserve(
        &mut self,
        debit: Debit,
        amount: Credits,
        expires_at: Timestamp,
    ) -> Result<Debited, LedgerError> {
        if amount <= Credits::ZERO {
            return Err(LedgerError::AmountNotPositive { amount });
        }
        let known = self.ledger.reservations.get(&debit.op);
        let ended = self.ledger.debits.get(&debit.op);
        if known.is_some() || ended.is_some() {
            return Ok(Debited::Paid { cost: amount });
        }
        if !self.ledger.keys.get(&debit.key).is_some_and(|key| key.active) {
            return Ok(Debited::KeyRefused);
        }
        if let Some(limited) = self.limited(&debit.key, amount)? {
            return Ok(limited);
        }
        let available = self.ledger.available()?;
        if amount > available {
            return Ok(Debited::Short { required: amount, available });
        }
        if self.ledger.reservations.len() >= RESERVATIONS_MAX {
            return Err(LedgerError::Full { what: "reservations", max: RESERVATIONS_MAX });
        }
        let debit = Debit { quantity: Quantity::ZERO, ..debit };
        self.record(Entry::Reserved { debit, amount, expires_at })?;
        Ok(Debited::Paid { cost: amount })
    }

    /// Burns what an operation has used so far, `quantity` in all, and ends it if `last`. A smaller
    /// total than before changes nothing. Returns what the operation cost so far.
    ///
    /// # Errors
    ///
    /// [`LedgerError::ReservationUnknown`] if there is none, or it was released;
    /// [`LedgerError::ReservationUnpriced`] if the plan has no price for it.
    pub fn settle_reservation(
        &mut self,
        plan: &Plan,
        op: &str,
        quantity: Quantity,
        last: bool,
    ) -> Result<Credits, LedgerError> {
        let unknown = || LedgerError::ReservationUnknown { op: op.to_owned() };
        let Some(reservation) = self.ledger.reservations.get(op) else {
            // Ended before: the answer is the same, unless it was released.
            let ended = self.ledger.debits.get(op).filter(|past| !past.refunded);
            return ended.map(|past| past.cost).ok_or_else(unknown);
        };
        let before = reservation.debit.quantity;
        let added = quantity.max(before).minus(before)?;
        if added.is_zero() && !last {
            return Ok(reservation.cost);
        }
        let unpriced = || LedgerError::ReservationUnpriced { op: op.to_owned() };
        let charge = plan.charge(&reservation.debit.charge).ok_or_else(unpriced)?;
        let usage = self.ledger.usage(charge.id());
        let cost = inline::cost(charge, usage, added).ok_or_else(unpriced)?;
        let total = reservation.cost.plus(cost)?;
        let backed = reservation.held.min(cost);
        let payable = cost.min(backed.plus(self.ledger.available()?)?);
        let burns = self.plan_burns(payable, Payer::Lease, self.now)?;
        let shortfall = self.shortfall(plan, cost.minus(payable)?)?;
        let op = op.to_owned();
        self.record(Entry::ReservationSettled { op, added, cost, burns, shortfall, last })?;
        self.settle_what_came_back()?;
        self.invoice_debt(plan)?;
        Ok(total)
    }

    /// Ends an operation that served nothing more: what is still set aside goes back. Again changes
    /// nothing.
    ///
    /// # Errors
    ///
    /// [`Inexact`] if a sum leaves the range of credits.
    pub fn release_reservation(&mut self, op: &str) -> Result<(), Inexact> {
        if !self.ledger.reservations.contains_key(op) {
            return Ok(());
        }
        self.record(Entry::ReservationReleased { op: op.to_owned() })?;
        self.settle_what_came_back()
    }

    /// Ends the wait for reservations that nobody settled.
    pub(super) fn expire_reservations(&mut self, at: Timestamp) -> Result<(), Inexact> {
        let due = |held: &Reservation| held.is_held() && held.expires_at <= at;
        let held = self.ledger.reservations.iter().filter(|(_, held)| due(held));
        let due: Vec<String> = held.map(|(op, _)| op.clone()).collect();
        for op in due {
            self.record(Entry::ReservationExpired { op })?;
        }
        Ok(())
    }
}
