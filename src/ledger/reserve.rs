//! Reservations: credits set aside for one operation whose cost is known only at its end.
//!
//! ```text
//! held ──▶ raised                            it goes on for longer than was reserved at first
//!      ──▶ settled in parts, then for good   each part is burned, the rest goes back at the end
//!      ──▶ released                          nothing was served
//!      ──▶ expired                           nobody said anything in time: what is left stays set
//!                                            aside as unreported, for a late settlement or the
//!                                            operator
//! ```
//!
//! What is set aside is a bound on the cost, whatever others use meanwhile. The part of it that may
//! be lowered (the length of an answer) is lowered to what the account can pay.
//!
//! Invariants: settled and released are final; a part is burned once, as its total only grows; more
//! than was reserved is paid from what is available, and what nothing pays is on record.

use serde::{Deserialize, Serialize};

use super::decide::{Debited, Payer, Session};
use super::entry::Entry;
use super::grant::Burn;
use super::uses::{self, AtMost, Rated, USES_MAX, Use};
use super::zero::Room;
use super::{LedgerError, RESERVATIONS_MAX};
use crate::plan::{Combination, Plan};
use crate::units::{Credits, Inexact, KeyId, Quantity, Timestamp};

/// How long credits may be set aside for one operation, in milliseconds: a day.
pub const RESERVATION_MS_MAX: i64 = 86_400_000;

/// What credits are to be set aside for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reserve {
    /// Operation id, unique within the account.
    pub op: String,
    /// Method and pattern of the route, or what else names the work.
    pub route: String,
    /// The key that asked, if one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<KeyId>,
    /// What the operation is about, for whoever reads the journal.
    #[serde(default, skip_serializing_if = "Combination::is_empty")]
    pub labels: Combination,
    /// What it uses at most, where that cannot be lowered; of an operation that goes on, in all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub uses: Vec<AtMost>,
    /// What it uses at most besides, and that can be lowered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub most: Option<Most>,
    /// For how long, in milliseconds.
    pub expires_ms: i64,
}

/// A bound that can be lowered to what there is credit for, by whole units.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Most {
    /// What is used, and how much of it at most.
    #[serde(rename = "use")]
    pub bounded: AtMost,
    /// Fewer units than this are of no use; of an operation that goes on, so many more.
    pub least: u64,
}

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

/// Credits set aside for one operation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reservation {
    /// Method and pattern of the route.
    pub route: String,
    /// The key that asked, if one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<KeyId>,
    /// What it used so far, as it counts.
    pub uses: Vec<Use>,
    /// The bound that was set aside, in all.
    pub reserved: Credits,
    /// The lowered part of it, in units.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub most: Option<Quantity>,
    /// Credits that are still set aside.
    pub held: Credits,
    /// What it may still cost beyond the credits, as the plan allows.
    #[serde(default)]
    pub beyond: Credits,
    /// Number of the terms that it is priced by.
    pub terms: u64,
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

    /// What it cost, and may still cost.
    pub(super) fn at_most(&self) -> Result<Credits, Inexact> {
        self.cost.plus(self.held)?.plus(self.beyond)
    }
}

/// A bound on a cost: of units that were lowered to what fits.
#[derive(Clone, Copy, Debug)]
struct Bound {
    cost: Credits,
    most: Option<Quantity>,
}

impl Session<'_> {
    /// Sets credits aside for an operation, or more of them; less than before, or the same again,
    /// changes nothing.
    ///
    /// # Errors
    ///
    /// [`LedgerError::ReservationTime`], [`LedgerError::TooManyUses`], [`LedgerError::Full`] or
    /// [`LedgerError::Inexact`].
    pub fn reserve(&mut self, plan: &Plan, reserve: &Reserve) -> Result<Debited, LedgerError> {
        let Reserve { op, key, expires_ms, .. } = reserve;
        if !(1..=RESERVATION_MS_MAX).contains(expires_ms) {
            return Err(LedgerError::ReservationTime { ms: *expires_ms });
        }
        let others = reserve.most.iter().map(|most| &most.bounded).chain(&reserve.uses);
        check_count(others.map(|one| one.or.len().saturating_add(1)).sum())?;
        if self.ledger.debits.contains_key(op) {
            return Ok(Debited::Ended);
        }
        let known = self.ledger.reservations.get(op).cloned();
        if known.as_ref().is_some_and(|known| !known.is_held()) {
            return Ok(Debited::Ended);
        }
        let active = |key: &KeyId| self.ledger.keys.get(key).is_some_and(|key| key.active);
        if known.is_none() && !key.as_ref().is_none_or(active) {
            return Ok(Debited::KeyRefused);
        }
        let before = known.as_ref().map_or(Credits::ZERO, |known| known.reserved);
        let least = known.as_ref().and_then(|known| known.most).unwrap_or_default();
        let Some(all) = self.bound_of(plan, reserve, None)? else { return Ok(Debited::Unpriced) };
        if let Some(known) = known.as_ref().filter(|known| all.cost <= known.reserved) {
            return Ok(Debited::Held { amount: known.reserved, most: known.most });
        }
        let room = self.room(plan)?;
        let fits = |cost: Credits| -> Result<bool, Inexact> {
            let more = cost.minus(before)?;
            Ok(room.takes(more)? && self.limited(key.as_ref(), more)?.is_none())
        };
        let bound = match fits(all.cost)? {
            true => all,
            false => match self.lowered(plan, reserve, least, fits)? {
                Some(bound) => bound,
                None => return self.too_little(plan, reserve, &room, all.cost.minus(before)?),
            },
        };
        if known.is_none() && self.ledger.reservations.len() >= RESERVATIONS_MAX {
            return Err(LedgerError::Full { what: "reservations", max: RESERVATIONS_MAX });
        }
        let amount = bound.cost.minus(before)?;
        self.record(Entry::Reserved {
            op: op.clone(),
            route: reserve.route.clone(),
            key: key.clone(),
            labels: reserve.labels.clone(),
            amount: amount.min(room.available),
            beyond: amount.minus(amount.min(room.available))?,
            most: bound.most,
            expires_at: self.now.plus_millis(*expires_ms),
        })?;
        Ok(Debited::Held { amount: bound.cost, most: bound.most })
    }

    /// The bound on the cost of an operation, of `units` of its part that can be lowered.
    fn bound_of(
        &self,
        plan: &Plan,
        Reserve { uses, most, .. }: &Reserve,
        units: Option<Quantity>,
    ) -> Result<Option<Bound>, Inexact> {
        let units = units.or(most.as_ref().map(|most| most.bounded.quantity));
        let lowered = most.as_ref().zip(units).map(|(most, units)| most.bounded.with(units));
        let all = uses.iter().chain(&lowered);
        let cost = uses::bound(plan, &self.ledger.usage, all);
        Ok(cost.map(|cost| Bound { cost, most: units }))
    }

    /// The most whole units that fit; nothing if those are too few.
    fn lowered(
        &self,
        plan: &Plan,
        reserve: &Reserve,
        before: Quantity,
        fits: impl Fn(Credits) -> Result<bool, Inexact>,
    ) -> Result<Option<Bound>, Inexact> {
        let Some(most) = &reserve.most else { return Ok(None) };
        let Some(low) = before.whole().checked_add(most.least) else { return Ok(None) };
        let bound = |units: u64| self.bound_of(plan, reserve, Some(Quantity::of_whole(units)?));
        let fit = |units: u64| -> Result<Option<Bound>, Inexact> {
            match bound(units)? {
                Some(bound) if fits(bound.cost)? => Ok(Some(bound)),
                _ => Ok(None),
            }
        };
        let high = most.bounded.quantity.whole();
        let (mut low, mut high) = (low, high);
        if low > high {
            return Ok(None);
        }
        let Some(mut best) = fit(low)? else { return Ok(None) };
        // `low` fits, and nothing above `high` does.
        while low < high {
            let middle = low.saturating_add(high.saturating_sub(low).div_ceil(2));
            match fit(middle)? {
                Some(bound) => (low, best) = (middle, bound),
                None => high = middle.saturating_sub(1),
            }
        }
        Ok(Some(best))
    }

    /// Why nothing can be set aside.
    fn too_little(
        &self,
        plan: &Plan,
        reserve: &Reserve,
        room: &Room,
        all: Credits,
    ) -> Result<Debited, LedgerError> {
        // What is asked of the customer is the least that would do.
        let least = reserve.most.as_ref().map(|most| Quantity::of_whole(most.least)).transpose()?;
        let required = match least {
            Some(least) => self.bound_of(plan, reserve, Some(least))?.map(|bound| bound.cost),
            None => None,
        };
        let required = required.unwrap_or(all).min(all);
        if let Some(limited) = self.limited(reserve.key.as_ref(), required)? {
            return Ok(limited);
        }
        if room.restricts {
            return Ok(Debited::Restricted);
        }
        Ok(Debited::Short { required, available: room.available })
    }

    /// Burns what an operation has used so far and ends it if that was the last. Smaller totals
    /// than before change nothing. Returns what the operation cost so far.
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
        let (terms, before, own) = (reservation.terms, reservation.cost, reservation.beyond);
        let held = reservation.held;
        let (past, terms) = self.served_under(terms);
        let served_under = past.as_ref().unwrap_or(plan);
        let usages = self.ledger.usages_of(terms);
        // What lost its price since is on record, and free.
        let new = match uses::projected(served_under, uses) {
            Some(uses) => added(&reservation.uses, &uses)?,
            None => Vec::new(),
        };
        let rated = uses::rate(served_under, usages, &new).unwrap_or_default();
        if rated.uses.is_empty() && !last {
            return Ok(before);
        }
        let cost = rated.cost()?;
        let Rated { uses, .. } = rated;
        let total = before.plus(cost)?;
        let payable = cost.min(held.min(cost).plus(self.ledger.available()?)?);
        let burns = self.plan_burns(payable, Payer::Lease, self.now)?;
        let shortfall = self.shortfall(plan, cost.minus(Burn::total(&burns)?)?, own)?;
        self.record(Entry::ReservationSettled {
            op: op.clone(),
            route,
            key,
            terms,
            uses,
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

fn check_count(count: usize) -> Result<(), LedgerError> {
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
