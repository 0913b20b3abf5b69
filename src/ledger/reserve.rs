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

use super::decide::{Debited, Session};
use super::entry::{Entry, is_zero};
use super::grant::Burn;
use super::settle::check_count;
use super::uses::{self, AtMost, Usages, Use};
use super::zero::Room;
use super::{Invoiced, LedgerError, RESERVATIONS_MAX};
use crate::plan::{Combination, Plan};
use crate::units::{Credits, Inexact, KeyId, Quantity, Timestamp};

/// How long credits may be set aside for one operation, in milliseconds: a day.
pub const RESERVATION_MS_MAX: i64 = 86_400_000;

/// What credits are to be set aside for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
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
    /// What is held for it already, as far as whoever asks knows; zero: nothing yet. If more is, an
    /// answer was lost or this message is late, and what is held is told again.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub held: Credits,
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

/// Credits set aside for one operation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reservation {
    /// Method and pattern of the route.
    pub route: String,
    /// The key that asked, if one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<KeyId>,
    /// What it is about.
    #[serde(default, skip_serializing_if = "Combination::is_empty")]
    pub labels: Combination,
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
    pub overage: Vec<Invoiced>,
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

/// What is asked for, and what it is priced by: an operation that goes on keeps its terms.
struct Asked<'a> {
    reserve: &'a Reserve,
    known: Option<&'a Reservation>,
    plan: &'a Plan,
    usages: &'a Usages,
}

/// A bound on what an operation still costs, and the units of its part that can be lowered.
#[derive(Clone, Copy, Debug)]
struct Bound {
    /// What is not set aside yet; below zero if less would do.
    more: Credits,
    most: Option<Quantity>,
}

impl Asked<'_> {
    /// The bound with `units` of the part that can be lowered, or all of them; nothing if there is
    /// none. What was settled before is not set aside again.
    fn bound(&self, units: Option<Quantity>) -> Result<Option<Bound>, Inexact> {
        let Reserve { uses, most, .. } = self.reserve;
        let units = units.or(most.as_ref().map(|most| most.bounded.quantity));
        let lowered = most.as_ref().zip(units).map(|(most, units)| most.bounded.with(units));
        let mut all: Vec<AtMost> = uses.iter().cloned().chain(lowered).collect();
        if let Some(known) = self.known {
            uses::take_off(self.plan, &mut all, &known.uses)?;
        }
        let rest = uses::bound(self.plan, self.usages, &all);
        let left = match self.known {
            Some(known) => known.held.plus(known.beyond)?,
            None => Credits::ZERO,
        };
        let bound = |rest: Credits| Ok(Bound { more: rest.minus(left)?, most: units });
        rest.map(bound).transpose()
    }

    /// The most whole units that fit; nothing if those are too few.
    fn lowered(
        &self,
        fits: impl Fn(Bound) -> Result<bool, Inexact>,
    ) -> Result<Option<Bound>, Inexact> {
        let Some(most) = &self.reserve.most else { return Ok(None) };
        let before = self.known.and_then(|known| known.most).unwrap_or_default();
        let Some(mut low) = before.whole().checked_add(most.least) else { return Ok(None) };
        let mut high = most.bounded.quantity.whole();
        if low > high {
            return Ok(None);
        }
        let fit = |units: u64| -> Result<Option<Bound>, Inexact> {
            match self.bound(Some(Quantity::of_whole(units)?))? {
                Some(bound) if fits(bound)? => Ok(Some(bound)),
                _ => Ok(None),
            }
        };
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

    /// What the least that would do costs.
    fn least(&self, all: Bound) -> Result<Credits, Inexact> {
        let most = self.reserve.most.as_ref();
        let before = self.known.and_then(|known| known.most).unwrap_or_default();
        let least = most.and_then(|most| before.whole().checked_add(most.least));
        let least = match least.map(Quantity::of_whole).transpose()? {
            Some(units) => self.bound(Some(units))?,
            None => None,
        };
        Ok(least.map_or(all.more, |least| least.more.min(all.more)))
    }
}

impl Session<'_> {
    /// Sets credits aside for an operation, or more of them if whoever asks knows what is held. The
    /// same again changes nothing.
    ///
    /// # Errors
    ///
    /// [`LedgerError::ReservationTime`], [`LedgerError::TooManyUses`], [`LedgerError::Full`] or
    /// [`LedgerError::Inexact`].
    pub fn reserve(&mut self, plan: &Plan, reserve: &Reserve) -> Result<Debited, LedgerError> {
        let Reserve { op, expires_ms, .. } = reserve;
        if !(1..=RESERVATION_MS_MAX).contains(expires_ms) {
            return Err(LedgerError::ReservationTime { ms: *expires_ms });
        }
        let all = reserve.most.iter().map(|most| &most.bounded).chain(&reserve.uses);
        check_count(all.map(|one| one.or.len().saturating_add(1)).sum())?;
        let known = self.ledger.reservations.get(op).cloned();
        if let Some(told) = self.told_before(reserve, known.as_ref()) {
            return Ok(told);
        }
        let key = known.as_ref().map_or(&reserve.key, |known| &known.key).as_ref();
        let active = |key: &KeyId| self.ledger.keys.get(key).is_some_and(|key| key.active);
        if !key.is_none_or(active) {
            return Ok(Debited::KeyRefused);
        }
        let (past, terms) = match &known {
            Some(known) => self.served_under(known.terms),
            None => (None, None),
        };
        let priced_by = past.as_ref().unwrap_or(plan);
        let usages = self.ledger.usages_of(terms);
        let asked = Asked { reserve, known: known.as_ref(), plan: priced_by, usages };
        let Some(all) = asked.bound(None)? else { return Ok(Debited::Unpriced) };
        let room = self.room(plan)?;
        let fits = |bound: Bound| -> Result<bool, Inexact> {
            let more = bound.more.max(Credits::ZERO);
            // What is held already pays for more, at prices that fell: nothing is asked of anybody.
            let is_held = known.is_some() && more.is_zero();
            Ok(is_held || room.takes(more)? && self.limited(key, more)?.is_none())
        };
        let bound = match fits(all)? {
            true => all,
            false => match asked.lowered(fits)? {
                Some(bound) => bound,
                None => return self.too_little(&room, key, asked.least(all)?),
            },
        };
        if known.is_none() && self.ledger.reservations.len() >= RESERVATIONS_MAX {
            return Err(LedgerError::Full { what: "reservations", max: RESERVATIONS_MAX });
        }
        self.set_aside(reserve, known.as_ref(), &room, bound)
    }

    /// What is known of it already, if that is all there is to say.
    fn told_before(&self, reserve: &Reserve, known: Option<&Reservation>) -> Option<Debited> {
        let ended = self.ledger.debits.contains_key(&reserve.op);
        match known {
            Some(known) if known.is_held() && reserve.held < known.reserved => {
                Some(Debited::Held { amount: known.reserved, most: known.most })
            }
            Some(known) => (ended || !known.is_held()).then_some(Debited::Ended),
            // It was held once, and nobody remembers: it does not begin anew.
            None => (ended || !reserve.held.is_zero()).then_some(Debited::Ended),
        }
    }

    fn set_aside(
        &mut self,
        reserve: &Reserve,
        known: Option<&Reservation>,
        room: &Room,
        Bound { more, most, .. }: Bound,
    ) -> Result<Debited, LedgerError> {
        let more = more.max(Credits::ZERO);
        let amount = more.min(room.available);
        let ends = known.map_or(Timestamp::default(), |known| known.expires_at);
        self.record(Entry::Reserved {
            op: reserve.op.clone(),
            route: reserve.route.clone(),
            key: known.map_or(&reserve.key, |known| &known.key).clone(),
            labels: reserve.labels.clone(),
            amount,
            beyond: more.minus(amount)?,
            most,
            expires_at: self.now.plus_millis(reserve.expires_ms).max(ends),
        })?;
        let before = known.map_or(Credits::ZERO, |known| known.reserved);
        Ok(Debited::Held { amount: before.plus(more)?, most })
    }

    /// Why nothing can be set aside. What is asked of the customer is the least that would do.
    fn too_little(
        &self,
        room: &Room,
        key: Option<&KeyId>,
        required: Credits,
    ) -> Result<Debited, LedgerError> {
        if let Some(limited) = self.limited(key, required)? {
            return Ok(limited);
        }
        if room.restricts {
            return Ok(Debited::Restricted);
        }
        Ok(Debited::Short { required, available: room.available })
    }
}
