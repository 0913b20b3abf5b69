//! The end of a reserved operation: what it used is burned, what it did not goes back.
//!
//! ```text
//! settle, not the last   a part is burned, the rest stays set aside
//! settle, the last       burned, and the rest goes back at once
//! release                nothing more was served
//! expired                nobody said anything: set aside as unreported, for a late settlement or
//!                        the operator
//! ```
//!
//! Invariants: totals only grow, so a part is burned once; the last one and a release are final; it
//! costs what the terms say that it was reserved under, whenever it is told.

use serde::{Deserialize, Serialize};

use super::LedgerError;
use super::decide::{Payer, Session};
use super::entry::Entry;
use super::grant::Burn;
use super::reserve::Reservation;
use super::uses::{self, Rated, USES_MAX, Use};
use crate::plan::Plan;
use crate::units::{Credits, Inexact, Quantity, Timestamp};

/// What an operation has used so far, and whether that was all.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settle {
    /// The operation.
    pub op: String,
    /// Its uses, in all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub uses: Vec<Use>,
    /// Whether it has ended.
    pub last: bool,
    /// HTTP status of its answer, or 0.
    #[serde(default)]
    pub status: u16,
    /// What was used is not known, and was estimated.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub estimated: bool,
}

impl Session<'_> {
    /// Burns what an operation has used so far and ends it if that was the last. Smaller totals
    /// than before change nothing. What has no price is on record, and free. Returns what the
    /// operation cost so far.
    ///
    /// # Errors
    ///
    /// [`LedgerError::ReservationUnknown`] if there is none, or it was released;
    /// [`LedgerError::TooManyUses`].
    pub fn settle(&mut self, plan: &Plan, settle: &Settle) -> Result<Credits, LedgerError> {
        let Settle { op, uses, last, status, estimated } = settle;
        check_count(uses.len())?;
        let unknown = || LedgerError::ReservationUnknown { op: op.clone() };
        let Some(reservation) = self.ledger.reservations.get(op) else {
            // Ended before: the answer is the same, unless it was released.
            let ended = self.ledger.debits.get(op).filter(|past| !past.refunded);
            return ended.map(|past| past.cost).ok_or_else(unknown);
        };
        let (route, key) = (reservation.route.clone(), reservation.key.clone());
        let labels = reservation.labels.clone();
        let (terms, before, own) = (reservation.terms, reservation.cost, reservation.beyond);
        let held = reservation.held;
        let (past, terms) = self.served_under(terms);
        let served_under = past.as_ref().unwrap_or(plan);
        let usages = self.ledger.usages_of(terms);
        let (known, unknown) = uses::known(served_under, uses);
        let rated = uses::served(served_under, usages, &added(&reservation.uses, &known)?);
        if rated.uses.is_empty() && !last {
            return Ok(before);
        }
        let cost = rated.cost()?;
        let Rated { uses, mut unpriced, .. } = rated;
        unpriced.extend(unknown);
        let total = before.plus(cost)?;
        let payable = cost.min(held.min(cost).plus(self.ledger.available()?)?);
        let burns = self.plan_burns(payable, Payer::Lease, self.now)?;
        let shortfall = self.shortfall(plan, cost.minus(Burn::total(&burns)?)?, own)?;
        self.record(Entry::ReservationSettled {
            op: op.clone(),
            route,
            key,
            labels,
            terms,
            uses,
            unpriced,
            cost,
            burns,
            shortfall,
            last: *last,
            status: *status,
            estimated: *estimated,
        })?;
        self.settle_what_came_back()?;
        self.invoice_debt(plan)?;
        Ok(total)
    }

    /// Ends an operation that served nothing more: what is still set aside goes back. Again changes
    /// nothing; one that is not known is noted, so that its reservation, should it arrive later,
    /// holds nothing.
    ///
    /// # Errors
    ///
    /// [`Inexact`] if a sum leaves the range of credits.
    pub fn release(&mut self, op: &str) -> Result<(), Inexact> {
        if self.ledger.reservations.contains_key(op) {
            self.record(Entry::ReservationReleased { op: op.to_owned() })?;
            return self.settle_what_came_back();
        }
        match self.ledger.debits.contains_key(op) {
            true => Ok(()),
            false => self.refund(op),
        }
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

pub(super) fn check_count(count: usize) -> Result<(), LedgerError> {
    match count > USES_MAX {
        true => Err(LedgerError::TooManyUses { count, max: USES_MAX }),
        false => Ok(()),
    }
}

/// What `uses` hold, beyond what was settled before, each combination once.
fn added(before: &[Use], uses: &[Use]) -> Result<Vec<Use>, Inexact> {
    let mut sums: Vec<Use> = Vec::new();
    for one in uses {
        let same = sums.iter_mut().find(|sum| sum.charge == one.charge && sum.of == one.of);
        match same {
            Some(sum) => sum.quantity = sum.quantity.plus(one.quantity)?,
            None => sums.push(one.clone()),
        }
    }
    let mut added = Vec::new();
    for sum in sums {
        let settled = before.iter().filter(|part| part.charge == sum.charge && part.of == sum.of);
        let mut settled = settled.map(|part| part.quantity);
        let settled = settled.try_fold(Quantity::ZERO, Quantity::plus)?;
        let more = sum.quantity.max(settled).minus(settled)?;
        if !more.is_zero() {
            added.push(sum.with(more));
        }
    }
    Ok(added)
}
