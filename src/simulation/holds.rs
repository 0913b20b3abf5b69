//! The auditor's books of reserved operations.
//!
//! ```text
//! isolate  asked ─▶ running ─▶ settled | released        asked ─▶ refused | given up
//! journal  reserved ─▶ reserved, more ─▶ settled, in parts ─▶ settled, the last | released
//!                                   └──▶ expired
//! ```
//!
//! It has its own bound: words at the highest price that they may come to, tokens at their model's.
//! Nothing is set aside beyond that or below it, and what stays within it is paid from it.

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use super::Broken;
use super::Invariant::{BoundedLoss, NoDoubleCharge, NoOverspend, NoStranding, Rating};
use super::books::{Books, Terms};
use super::sums::total;
use super::world::made;
use crate::ledger::{Entry, TERMS_MAX, Use};
use crate::units::{Credits, KeyId, Timestamp, exact};

/// Words and tokens of one operation, in all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Used {
    pub words: u64,
    pub tokens: u64,
}

/// What an operation asks for: some words, and units that may be lowered: tokens of a model, or
/// more words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Shape {
    pub words: u64,
    pub model: Option<usize>,
}

impl Shape {
    /// Its use with so many units of what may be lowered.
    pub(super) fn with(self, units: u64) -> Used {
        match self.model {
            Some(_) => Used { words: self.words, tokens: units },
            None => Used { words: self.words.saturating_add(units), tokens: 0 },
        }
    }
}

/// What an isolate knows of an operation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Told {
    /// Asked for, or running.
    #[default]
    Open,
    /// It ended with its use; perhaps too late for the account to remember it.
    Settled { late: bool },
    /// It served nothing more, or nobody heard of it.
    Released,
    /// Refused, when the account had crashed so many times.
    Refused(u64),
}

/// One reserved operation.
#[derive(Clone, Debug, Default)]
pub(super) struct Hold {
    pub life: u64,
    pub shape: Shape,
    pub told: Told,
    /// The most units that were asked for, and what its isolate said that it used.
    pub asked: u64,
    pub used: Used,
    key: Option<KeyId>,
    terms: usize,
    /// Units that are set aside for.
    most: u64,
    charged: Used,
    reserved: Credits,
    held: Credits,
    beyond: Credits,
    cost: Credits,
    expires_at: Timestamp,
    expired: bool,
    /// The operator gave back what was set aside for it when it expired.
    returned: bool,
    begun: bool,
    ended: bool,
}

impl Terms {
    /// The most that these can come to cost, whatever others use meanwhile; nothing without a price.
    fn bound(&self, shape: Shape, used: Used) -> Result<Option<Credits>, Broken> {
        let price = self.tariff.highest(self.usage)?;
        let times = |price: Credits, units: u64| -> Result<Credits, Broken> {
            let product = Credits::new(exact::mul(price.get(), Decimal::from(units))?);
            product.map_err(|error| made("a bound", &error))
        };
        let words = times(price, used.words)?;
        match shape.model {
            None => Ok(Some(words)),
            Some(model) => match self.tariff.model(model)? {
                Some(price) => Ok(Some(words.plus(times(price, used.tokens)?)?)),
                None => Ok(None),
            },
        }
    }
}

impl Books {
    /// An isolate asks for an operation, or for more of it.
    pub(super) fn asked(&mut self, op: &str, life: u64, shape: Shape, most: u64) {
        let hold = self.holds.entry(op.to_owned()).or_default();
        (hold.life, hold.shape, hold.asked) = (life, shape, hold.asked.max(most));
    }

    /// What its isolate makes of an operation: an end is an end.
    pub(super) fn told(&mut self, op: &str, told: Told) {
        let hold = self.holds.entry(op.to_owned()).or_default();
        if hold.told == Told::Open {
            hold.told = told;
        }
    }

    /// An operation ends with what it used: that is set aside for it, if it kept to its bound.
    pub(super) fn ends(
        &mut self,
        op: &str,
        units: u64,
        late_ms: i64,
        now: i64,
    ) -> Result<(), Broken> {
        let Some(hold) = self.holds.get(op) else { return Ok(()) };
        let used = hold.shape.with(units);
        let late = now.saturating_sub(hold.expires_at.millis()) > late_ms;
        let terms = self.terms.get(hold.terms);
        let rest = hold.rest(used);
        let bound = terms.map(|terms| terms.bound(hold.shape, rest)).transpose()?.flatten();
        let left = hold.held.plus(hold.beyond)?;
        if units <= hold.most && !hold.expired && bound.is_none_or(|bound| bound > left) {
            let expected = format!("{op}: {bound:?} for {used:?} set aside");
            return Err(Broken::new(NoOverspend, expected, left));
        }
        if let Some(hold) = self.holds.get_mut(op) {
            hold.used = used;
        }
        self.told(op, Told::Settled { late });
        Ok(())
    }

    /// A part of what an operation uses is told.
    pub(super) fn uses(&mut self, op: &str, units: u64) -> Option<Used> {
        let hold = self.holds.get_mut(op)?;
        hold.used = hold.shape.with(units);
        Some(hold.used)
    }

    /// One durable entry about a reserved operation.
    pub(super) fn observe_hold(&mut self, entry: &Entry, at: Timestamp) -> Result<(), Broken> {
        match entry {
            Entry::Reserved { .. } => self.reserved(entry),
            Entry::ReservationSettled { .. } => self.settled(entry),
            Entry::ReservationReleased { op } => {
                let hold = self.open_hold(op)?;
                if matches!(hold.told, Told::Settled { .. }) {
                    let found = "it is released";
                    return Err(Broken::new(BoundedLoss, format!("{op} settled"), found));
                }
                self.end_hold(op)
            }
            Entry::ReservationExpired { op } => {
                let hold = self.open_hold(op)?;
                let (due, held) = (hold.expires_at, hold.held);
                if at < due || hold.expired {
                    return Err(Broken::new(BoundedLoss, format!("{op} expires at {due}"), at));
                }
                hold.expired = true;
                self.sums.set_aside = self.sums.set_aside.minus(held)?;
                self.sums.vanished = self.sums.vanished.plus(held)?;
                Ok(())
            }
            Entry::UnreportedReturned { .. } => {
                self.sums.vanished = Credits::ZERO;
                for hold in self.holds.values_mut().filter(|hold| hold.expired && !hold.ended) {
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
            Some(hold) if hold.begun && !hold.ended => Ok(hold),
            hold => {
                let found = format!("{hold:?}");
                Err(Broken::new(NoDoubleCharge, format!("{op} held, and not ended"), found))
            }
        }
    }

    fn reserved(&mut self, entry: &Entry) -> Result<(), Broken> {
        let Entry::Reserved { op, key, amount, beyond, most, expires_at, .. } = entry else {
            return Ok(());
        };
        let (today, crashes) = (self.terms.len().saturating_sub(1), self.crashes);
        let hold = self.holds.entry(op.clone()).or_default();
        // A copy that comes after the account forgot its refusal is held for nobody.
        let refused = matches!(hold.told, Told::Refused(then) if then == crashes);
        if hold.ended || hold.expired || refused {
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
        Ok(())
    }

    /// A part, or the last, of what an operation used.
    fn settled(&mut self, entry: &Entry) -> Result<(), Broken> {
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
        let ended = matches!(hold.told, Told::Settled { .. });
        let is_told = match last {
            true => ended && charged == hold.used,
            false => charged.words <= hold.used.words && charged.tokens <= hold.used.tokens,
        };
        if !is_told || !unpriced.is_empty() {
            let expected = format!("{op}: {:?} as its isolate told", hold.used);
            return Err(Broken::new(NoDoubleCharge, expected, format!("{charged:?}")));
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
        (hold.charged, hold.cost) = (charged, all);
        if *last { self.end_hold(op) } else { Ok(()) }
    }

    fn free(&mut self, op: &str, held: Credits, beyond: Credits) -> Result<(), Broken> {
        let hold = self.open_hold(op)?;
        hold.held = hold.held.minus(held)?;
        hold.beyond = hold.beyond.minus(beyond)?;
        let sums = if hold.expired { &mut self.sums.vanished } else { &mut self.sums.set_aside };
        *sums = sums.minus(held)?;
        self.sums.allowed = self.sums.allowed.minus(beyond)?;
        Ok(())
    }

    /// What is left goes back, and a key that has a limit spent what it cost.
    fn end_hold(&mut self, op: &str) -> Result<(), Broken> {
        let hold = self.open_hold(op)?;
        let (held, beyond, cost, key) = (hold.held, hold.beyond, hold.cost, hold.key.clone());
        self.free(op, held, beyond)?;
        self.open_hold(op)?.ended = true;
        if let Some((_, spent)) = key.and_then(|key| self.limits.get_mut(&key)) {
            *spent = spent.plus(cost)?;
        }
        Ok(())
    }

    /// The account notes that an operation ended which it does not know.
    pub(super) fn released_unknown(&mut self, op: &str) -> Result<(), Broken> {
        let hold = self.holds.entry(op.to_owned()).or_default();
        let is_open = hold.begun && !hold.ended && !hold.expired;
        if is_open || hold.told != Told::Released {
            let found = format!("{hold:?}");
            return Err(Broken::new(NoDoubleCharge, format!("{op} goes on"), found));
        }
        hold.ended = true;
        Ok(())
    }

    /// At the end: every operation was settled as its isolate told, once.
    pub(super) fn check_each_hold(&self) -> Result<(), Broken> {
        for (op, hold) in &self.holds {
            let settled = hold.ended && hold.charged == hold.used;
            let is_due = hold.told == Told::Settled { late: false };
            if is_due && !settled && !self.is_dead(hold.life) {
                let (expected, found) = (format!("{op} settled: {:?}", hold.used), hold.charged);
                return Err(Broken::new(BoundedLoss, expected, format!("{found:?}")));
            }
        }
        Ok(())
    }
}

impl Hold {
    /// What of it is not charged yet.
    fn rest(&self, used: Used) -> Used {
        Used {
            words: used.words.saturating_sub(self.charged.words),
            tokens: used.tokens.saturating_sub(self.charged.tokens),
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
