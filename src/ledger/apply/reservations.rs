//! What entries about reservations change.

use super::super::entry::Entry;
use super::super::grant::Burn;
use super::super::{Ledger, PastDebit, Reservation};
use crate::units::{Credits, Inexact};

impl Ledger {
    pub(super) fn reserve(&mut self, entry: &Entry) -> Result<(), Inexact> {
        let Entry::Reserved { op, route, key, labels, amount, beyond, most, expires_at } = entry
        else {
            return Ok(());
        };
        let (clock, terms) = (self.clock, self.terms);
        let fresh = || Reservation {
            route: route.clone(),
            key: key.clone(),
            labels: labels.clone(),
            uses: Vec::new(),
            reserved: Credits::ZERO,
            most: None,
            held: Credits::ZERO,
            beyond: Credits::ZERO,
            terms,
            cost: Credits::ZERO,
            burns: Vec::new(),
            debt: Credits::ZERO,
            overage: Vec::new(),
            at: clock,
            expires_at: *expires_at,
            expired_at: None,
        };
        let reservation = self.reservations.entry(op.clone()).or_insert_with(fresh);
        reservation.held = reservation.held.plus(*amount)?;
        reservation.beyond = reservation.beyond.plus(*beyond)?;
        reservation.reserved = reservation.reserved.plus(*amount)?.plus(*beyond)?;
        (reservation.most, reservation.expires_at) = (*most, *expires_at);
        Ok(())
    }

    pub(super) fn settle_reservation(&mut self, entry: &Entry) -> Result<(), Inexact> {
        let Entry::ReservationSettled { op, terms, uses, cost, burns, shortfall, last, .. } = entry
        else {
            return Ok(());
        };
        let Some(reservation) = self.reservations.get_mut(op) else { return Ok(()) };
        let freed = reservation.held.min(*cost);
        reservation.held = reservation.held.minus(freed)?;
        // Whether it was owed, or paid from what was free by then: that much less is to come.
        let allowed = reservation.beyond.min(cost.minus(freed)?);
        reservation.beyond = reservation.beyond.minus(allowed)?;
        reservation.cost = reservation.cost.plus(*cost)?;
        reservation.debt = reservation.debt.plus(shortfall.debt)?;
        reservation.at = self.clock;
        merge(&mut reservation.burns, burns)?;
        for one in uses {
            let known = &mut reservation.uses;
            match known.iter_mut().find(|part| part.charge == one.charge && part.of == one.of) {
                Some(part) => part.quantity = part.quantity.plus(one.quantity)?,
                None => known.push(one.clone()),
            }
        }
        if reservation.expired_at.is_some() {
            self.totals.unreported = self.totals.unreported.minus(freed)?;
        }
        self.totals.debt = self.totals.debt.plus(shortfall.debt)?;
        self.totals.unpaid = self.totals.unpaid.plus(shortfall.unpaid)?;
        for one in uses {
            self.count(*terms, &one.charge, &one.of, one.quantity)?;
        }
        self.burn(burns)?;
        if *last { self.end_reservation(op, false) } else { Ok(()) }
    }

    /// What is still set aside is nobody's any more; what was burned may be refunded.
    pub(super) fn end_reservation(&mut self, op: &str, released: bool) -> Result<(), Inexact> {
        let Some(reservation) = self.reservations.remove(op) else { return Ok(()) };
        let Reservation { key, uses, held, cost, burns, debt, overage, expired_at, .. } =
            reservation;
        if expired_at.is_some() {
            self.totals.unreported = self.totals.unreported.minus(held)?;
        }
        let key = match key {
            Some(key) => self.count_key(&key, cost)?,
            None => None,
        };
        let past = PastDebit::paid(self.clock, cost, burns, debt);
        let refunded = released && uses.is_empty();
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

/// Adds burns to a list that knows each grant once: parts of a long operation are many.
pub(super) fn merge(burns: &mut Vec<Burn>, more: &[Burn]) -> Result<(), Inexact> {
    for burn in more {
        match burns.iter_mut().find(|known| known.grant == burn.grant) {
            Some(known) => known.amount = known.amount.plus(burn.amount)?,
            None => burns.push(burn.clone()),
        }
    }
    Ok(())
}
