//! What entries about reservations change.

use super::super::entry::{Debit, Shortfall};
use super::super::grant::Burn;
use super::super::{Ledger, PastDebit, Reservation};
use crate::units::{Credits, Inexact, Quantity, Timestamp};

impl Ledger {
    pub(super) fn reserve(
        &mut self,
        debit: &Debit,
        amount: Credits,
        expires_at: Timestamp,
    ) -> Result<(), Inexact> {
        let reservation = Reservation {
            debit: debit.clone(),
            held: amount,
            cost: Credits::ZERO,
            burns: Vec::new(),
            debt: Credits::ZERO,
            overage: Credits::ZERO,
            at: self.clock,
            expires_at,
            expired_at: None,
        };
        self.reservations.insert(debit.op.clone(), reservation);
        Ok(())
    }

    pub(super) fn settle_reservation(
        &mut self,
        op: &str,
        added: Quantity,
        cost: Credits,
        burns: &[Burn],
        shortfall: Shortfall,
        last: bool,
    ) -> Result<(), Inexact> {
        let Some(reservation) = self.reservations.get_mut(op) else { return Ok(()) };
        let charge = reservation.debit.charge.clone();
        let freed = reservation.held.min(cost);
        reservation.held = reservation.held.minus(freed)?;
        reservation.cost = reservation.cost.plus(cost)?;
        reservation.debt = reservation.debt.plus(shortfall.debt)?;
        reservation.at = self.clock;
        reservation.burns.extend_from_slice(burns);
        reservation.debit.quantity = reservation.debit.quantity.plus(added)?;
        if reservation.expired_at.is_some() {
            self.totals.unreported = self.totals.unreported.minus(freed)?;
        }
        self.totals.debt = self.totals.debt.plus(shortfall.debt)?;
        self.totals.unpaid = self.totals.unpaid.plus(shortfall.unpaid)?;
        self.count(None, &charge, added)?;
        self.burn(burns)?;
        if last { self.end_reservation(op) } else { Ok(()) }
    }

    /// What is still set aside is nobody's any more; what was burned may be refunded.
    pub(super) fn end_reservation(&mut self, op: &str) -> Result<(), Inexact> {
        let Some(reservation) = self.reservations.remove(op) else { return Ok(()) };
        let Reservation { debit, held, cost, burns, debt, overage, expired_at, .. } = reservation;
        if expired_at.is_some() {
            self.totals.unreported = self.totals.unreported.minus(held)?;
        }
        let key = self.count_key(&debit.key, cost)?;
        let past = PastDebit::paid(self.clock, cost, burns, debt);
        let refunded = debit.quantity.is_zero();
        self.remember(op, PastDebit { key, overage, refunded, ..past });
        Ok(())
    }

    pub(super) fn expire_reservation(&mut self, op: &str) -> Result<(), Inexact> {
        let Some(reservation) = self.reservations.get_mut(op) else { return Ok(()) };
        reservation.expired_at = Some(self.clock);
        self.totals.unreported = self.totals.unreported.plus(reservation.held)?;
        Ok(())
    }
}
