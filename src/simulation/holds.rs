//! The auditor's books of reserved operations.
//!
//! ```text
//! isolate  asked ─▶ running ─▶ settled | released        asked ─▶ refused | given up
//! journal  reserved ─▶ reserved, more ─▶ settled, in parts ─▶ settled, the last | released
//!                                   └──▶ expired
//! ```
//!
//! It has its own bound: words at the highest price that they may come to, tokens at their model's.
//! Nothing is set aside beyond that or below it, and what stays within it is paid from it
//! (`set_aside.rs` has the entries of the journal).

use rust_decimal::Decimal;

use super::Broken;
use super::Invariant::{BoundedLoss, NoOverspend};
use super::books::{Books, Terms};
use super::world::made;
use crate::ledger::MEMORY_MS;
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
    pub key: Option<KeyId>,
    pub terms: usize,
    /// Units that are set aside for.
    pub most: u64,
    pub charged: Used,
    pub reserved: Credits,
    pub held: Credits,
    pub beyond: Credits,
    pub cost: Credits,
    pub expires_at: Timestamp,
    pub expired_at: Option<Timestamp>,
    /// The operator gave back what was set aside for it when it expired.
    pub returned: bool,
    pub begun: bool,
    pub ended_at: Option<Timestamp>,
    /// How many had ended by then.
    pub end: usize,
}

impl Terms {
    /// The most that these can come to cost, whatever others use meanwhile; nothing without a
    /// price.
    pub(super) fn bound(&self, shape: Shape, used: Used) -> Result<Option<Credits>, Broken> {
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
        if units <= hold.most && hold.expired_at.is_none() && bound.is_none_or(|bound| bound > left)
        {
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

    /// An operation that was settled lately, if there is one.
    pub(super) fn settled_lately(&self, since: i64) -> Option<String> {
        let lately = |hold: &Hold| hold.ended_at.is_some_and(|at| at.millis() > since);
        let settled = |hold: &Hold| matches!(hold.told, Told::Settled { .. }) && lately(hold);
        self.holds.iter().rev().find(|(_, hold)| settled(hold)).map(|(op, _)| op.clone())
    }

    /// What is set aside for operations that ended when the account had forgotten them.
    pub(super) fn settled_too_late(&self) -> Result<Credits, Broken> {
        let too_late = |hold: &&Hold| match hold.told {
            Told::Settled { late } => hold.is_expired() && late,
            _ => hold.ended_at.is_some_and(|at| hold.is_forgotten(at)),
        };
        Ok(Credits::sum(self.holds.values().filter(too_late).map(|hold| hold.held))?)
    }

    /// At the end: every operation was settled as its isolate told, once.
    pub(super) fn check_each_hold(&self) -> Result<(), Broken> {
        for (op, hold) in &self.holds {
            let settled = hold.ended_at.is_some() && hold.charged == hold.used;
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
    pub(super) fn is_expired(&self) -> bool {
        self.expired_at.is_some() && self.ended_at.is_none()
    }

    /// Whether the account does not remember it any more.
    pub(super) fn is_forgotten(&self, at: Timestamp) -> bool {
        self.expired_at.is_some_and(|expired| at.millis_since(expired) > MEMORY_MS)
    }

    /// What of it is not charged yet.
    pub(super) fn rest(&self, used: Used) -> Used {
        Used {
            words: used.words.saturating_sub(self.charged.words),
            tokens: used.tokens.saturating_sub(self.charged.tokens),
        }
    }
}
