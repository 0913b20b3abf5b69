//! The auditor reads what the journal says of reserved operations: each entry against its own
//! bound, and against what the isolates told.
//!
//! ```text
//! reserved     what is asked for costs at most what is held now        no more, and no less
//! settled      by its own terms, as told, once; paid from what was held
//! released     not what was settled         expired     not before its time
//! ```

use rust_decimal::prelude::ToPrimitive;

use super::Broken;
use super::Invariant::{BoundedLoss, NoDoubleCharge, NoOverspend, NoStranding, Rating};
use super::books::Books;
use super::holds::{Hold, Told, Used};
use super::sums::total;
use super::tariff::Zero;
use crate::ledger::{DEBITS_MIN, Entry, TERMS_MAX, Use};
use crate::units::{Credits, Timestamp};

impl Books {
    /// One durable entry about a reserved operation.
    pub(super) fn observe_hold(&mut self, entry: &Entry, at: Timestamp) -> Result<(), Broken> {
        match entry {
            Entry::Reserved { .. } => self.reserved(entry, at),
            Entry::ReservationSettled { .. } => self.settled(entry, at),
            Entry::ReservationReleased { op } => {
                let hold = self.open_hold(op)?;
                if matches!(hold.told, Told::Settled { .. }) {
                    let found = "it is released";
                    return Err(Broken::new(BoundedLoss, format!("{op} settled"), found));
                }
                self.end_hold(op, at)
            }
            Entry::ReservationExpired { op } => {
                let hold = self.open_hold(op)?;
                let (due, held) = (hold.expires_at, hold.held);
                if at < due || hold.expired_at.is_some() {
                    return Err(Broken::new(BoundedLoss, format!("{op} expires at {due}"), at));
                }
                hold.expired_at = Some(at);
                self.sums.set_aside = self.sums.set_aside.minus(held)?;
                self.sums.vanished = self.sums.vanished.plus(held)?;
                Ok(())
            }
            Entry::UnreportedReturned { .. } => {
                self.sums.vanished = Credits::ZERO;
                for hold in self.holds.values_mut().filter(|hold| hold.is_expired()) {
                    (hold.held, hold.returned) = (Credits::ZERO, true);
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// One that the account has not ended: every end is final there.
    fn open_hold(&mut self, op: &str) -> Result<&mut Hold, Broken> {
        match self.holds.get_mut(op) {
            Some(hold) if hold.begun && hold.ended_at.is_none() => Ok(hold),
            hold => {
                let found = format!("{hold:?}");
                Err(Broken::new(NoDoubleCharge, format!("{op} held, and not ended"), found))
            }
        }
    }

    fn reserved(&mut self, entry: &Entry, at: Timestamp) -> Result<(), Broken> {
        let Entry::Reserved { op, key, amount, beyond, most, expires_at, .. } = entry else {
            return Ok(());
        };
        let (today, crashes) = (self.terms.len().saturating_sub(1), self.crashes);
        let hold = self.holds.entry(op.clone()).or_default();
        // A copy that comes after the account forgot its refusal is held for nobody.
        let refused = matches!(hold.told, Told::Refused(then) if then == crashes);
        if hold.ended_at.is_some() || hold.expired_at.is_some() || refused {
            let found = format!("{hold:?}");
            return Err(Broken::new(NoDoubleCharge, format!("nothing held for {op}"), found));
        }
        if !hold.begun {
            (hold.begun, hold.terms, hold.key) = (true, today, key.clone());
        }
        let units = most.and_then(|most| most.get().to_u64()).unwrap_or(u64::MAX);
        if units > hold.asked || units < hold.most || *expires_at < hold.expires_at {
            let expected = format!("{op}: {} to {} units", hold.most, hold.asked);
            return Err(Broken::new(NoStranding, expected, units));
        }
        let terms = self.terms.get(hold.terms);
        let rest = hold.rest(hold.shape.with(units));
        let bound = terms.map(|terms| terms.bound(hold.shape, rest)).transpose()?.flatten();
        let left = hold.held.plus(hold.beyond)?;
        let more = bound.unwrap_or_default().minus(left)?.max(Credits::ZERO);
        let found = amount.plus(*beyond)?;
        if found != more || bound.is_none() {
            let invariant = if found < more { NoOverspend } else { NoStranding };
            let expected = format!("{op}: {more} more for {units} units, beside {left}");
            return Err(Broken::new(invariant, expected, found));
        }
        (hold.most, hold.expires_at) = (units, *expires_at);
        hold.held = hold.held.plus(*amount)?;
        hold.beyond = hold.beyond.plus(*beyond)?;
        hold.reserved = hold.reserved.plus(found)?;
        self.sums.set_aside = self.sums.set_aside.plus(*amount)?;
        self.sums.allowed = self.sums.allowed.plus(*beyond)?;
        self.check_allowed(op, *beyond, at)
    }

    /// What may be owed for reserved operations is within what the plan allows at zero.
    fn check_allowed(&self, op: &str, beyond: Credits, at: Timestamp) -> Result<(), Broken> {
        let limit = match self.tariff().zero {
            Zero::Restrict => Some(Credits::ZERO),
            _ => self.tariff().limit()?,
        };
        let Some(limit) = limit.filter(|_| !beyond.is_zero()) else { return Ok(()) };
        let allowed = self.holds.values().filter(|hold| !hold.is_forgotten(at));
        let allowed = Credits::sum(allowed.map(|hold| hold.beyond))?;
        let sum = self.owed()?.plus(allowed)?;
        match sum <= limit {
            true => Ok(()),
            false => Err(Broken::new(NoOverspend, format!("{op}: at most {limit} owed"), sum)),
        }
    }

    /// A part, or the last, of what an operation used.
    fn settled(&mut self, entry: &Entry, at: Timestamp) -> Result<(), Broken> {
        let Entry::ReservationSettled {
            op,
            terms,
            uses,
            unpriced,
            cost,
            burns,
            shortfall,
            last,
            ..
        } = entry
        else {
            return Ok(());
        };
        let today = self.terms.len().saturating_sub(1);
        let number = terms.map_or(today, |n| usize::try_from(n).unwrap_or(usize::MAX));
        let hold = self.open_hold(op)?.clone();
        let new = used(uses);
        let charged = Used {
            words: hold.charged.words.saturating_add(new.words),
            tokens: hold.charged.tokens.saturating_add(new.tokens),
        };
        let free = self.free_of_charge(&hold, number, unpriced);
        let told = Used { tokens: charged.tokens.saturating_add(free), ..charged };
        hold.check_told(op, told, *last)?;
        if !unpriced.is_empty() && free == 0 {
            return Err(Broken::new(Rating, format!("{op} has a price"), format!("{unpriced:?}")));
        }
        if number != hold.terms && today.saturating_sub(hold.terms) <= TERMS_MAX {
            return Err(Broken::new(Rating, format!("{op}: terms {}", hold.terms), number));
        }
        let due = self.price(number, new.words)?;
        let none = Used { words: 0, tokens: new.tokens };
        let tokens =
            self.terms.get(number).map(|terms| terms.bound(hold.shape, none)).transpose()?;
        let due = due.plus(tokens.flatten().unwrap_or_default())?;
        let burned = total(burns)?;
        let paid = burned.plus(shortfall.debt)?.plus(shortfall.unpaid)?;
        if due != *cost || paid != *cost {
            return Err(Broken::new(
                Rating,
                format!("{op} costs {due}"),
                format!("{cost}, {paid}"),
            ));
        }
        let most = hold.shape.with(hold.most);
        let within = charged.words <= most.words && charged.tokens <= most.tokens;
        let all = hold.cost.plus(due)?;
        let over =
            all > hold.reserved || shortfall.debt > hold.beyond || !shortfall.unpaid.is_zero();
        if within && over && !hold.returned && number == hold.terms {
            let expected = format!("{op}: at most {}, of it {} owed", hold.reserved, hold.beyond);
            return Err(Broken::new(NoOverspend, expected, format!("{all}, {shortfall:?}")));
        }
        // What it used beyond its bound, and nobody pays, was at the operator's risk.
        if !within {
            self.sums.overrun = self.sums.overrun.plus(shortfall.unpaid)?;
            self.served = self.served.minus(shortfall.unpaid)?;
        }
        self.served = self.served.plus(due)?;
        self.sums.burned = self.sums.burned.plus(burned)?;
        self.sums.unpaid = self.sums.unpaid.plus(shortfall.unpaid)?;
        match shortfall.debt > hold.beyond {
            true => self.owe(shortfall.debt)?,
            false => self.sums.debt = self.sums.debt.plus(shortfall.debt)?,
        }
        let freed = hold.held.min(due);
        self.free(op, freed, hold.beyond.min(due.minus(freed)?))?;
        let hold = self.open_hold(op)?;
        (hold.charged, hold.cost) = (if *last { told } else { charged }, all);
        if *last { self.end_hold(op, at) } else { Ok(()) }
    }

    /// Tokens that cost nothing: its own terms are forgotten, after many others in its life, and
    /// today's have no price for the model.
    fn free_of_charge(&self, hold: &Hold, number: usize, unpriced: &[Use]) -> u64 {
        let tariff = self.terms.get(number).map(|terms| terms.tariff);
        let lacks = |model| tariff.is_some_and(|tariff| matches!(tariff.model(model), Ok(None)));
        match number != hold.terms && hold.shape.model.is_some_and(lacks) {
            true => used(unpriced).tokens,
            false => 0,
        }
    }

    fn free(&mut self, op: &str, held: Credits, beyond: Credits) -> Result<(), Broken> {
        let hold = self.open_hold(op)?;
        hold.held = hold.held.minus(held)?;
        hold.beyond = hold.beyond.minus(beyond)?;
        let sums = if hold.expired_at.is_some() {
            &mut self.sums.vanished
        } else {
            &mut self.sums.set_aside
        };
        *sums = sums.minus(held)?;
        self.sums.allowed = self.sums.allowed.minus(beyond)?;
        Ok(())
    }

    /// What is left goes back, and a key that has a limit spent what it cost.
    fn end_hold(&mut self, op: &str, at: Timestamp) -> Result<(), Broken> {
        let hold = self.open_hold(op)?;
        let (held, beyond, cost, key) = (hold.held, hold.beyond, hold.cost, hold.key.clone());
        self.free(op, held, beyond)?;
        let ends = self.ends;
        let hold = self.open_hold(op)?;
        (hold.ended_at, hold.end) = (Some(at), ends);
        if let Some((_, spent)) = key.and_then(|key| self.limits.get_mut(&key)) {
            *spent = spent.plus(cost)?;
        }
        Ok(())
    }

    /// The account notes that an operation ended which it does not know.
    pub(super) fn released_unknown(&mut self, op: &str, at: Timestamp) -> Result<(), Broken> {
        let ends = self.ends;
        let hold = self.holds.entry(op.to_owned()).or_default();
        let is_open = hold.begun && hold.ended_at.is_none() && hold.expired_at.is_none();
        // It was settled, and so many ended since that the account does not know it any more.
        let is_forgotten = hold.ended_at.is_some() && ends.saturating_sub(hold.end) >= DEBITS_MIN;
        if is_open || (hold.told != Told::Released && !is_forgotten) {
            let found = format!("{hold:?}");
            return Err(Broken::new(NoDoubleCharge, format!("{op} goes on"), found));
        }
        hold.ended_at = Some(at);
        Ok(())
    }
}

impl Hold {
    /// What is charged in all is what its isolate told: all of it at its end, at most that before.
    fn check_told(&self, op: &str, charged: Used, last: bool) -> Result<(), Broken> {
        let Used { words, tokens } = self.used;
        let is_told = match last {
            true => matches!(self.told, Told::Settled { .. }) && charged == self.used,
            false => charged.words <= words && charged.tokens <= tokens,
        };
        match is_told {
            true => Ok(()),
            false => {
                let expected = format!("{op}: {:?} as its isolate told", self.used);
                Err(Broken::new(NoDoubleCharge, expected, format!("{charged:?}")))
            }
        }
    }
}

fn used(uses: &[Use]) -> Used {
    let mut sum = Used::default();
    for one in uses {
        let units = one.quantity.get().to_u64().unwrap_or(u64::MAX);
        let slot = if one.of.is_empty() { &mut sum.words } else { &mut sum.tokens };
        *slot = slot.saturating_add(units);
    }
    sum
}
