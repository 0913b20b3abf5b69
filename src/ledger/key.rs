//! API keys of an account, and what each may spend in a day and in a month.
//!
//! ```text
//! day     [00:00, 24:00) UTC           spent + cost ≤ limits.day
//! month   civil month, UTC             spent + cost ≤ limits.month
//! ```
//!
//! A key with a limit is paid for by the account itself, operation by operation: no isolate has
//! credits for it, so the limit is exact. What it spent is counted from when it got a limit.

use serde::{Deserialize, Serialize};

use super::decide::Session;
use super::entry::Entry;
use super::{KEYS_MAX, LedgerError};
use crate::units::{Credits, Date, Inexact, KeyId, Timestamp};

/// What a key may spend; nothing: what the account has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SpendLimits {
    /// Credits a day, UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub day: Option<Credits>,
    /// Credits a civil month, UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub month: Option<Credits>,
}

/// Which limit was reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SpendPeriod {
    /// That of a day.
    Day,
    /// That of a month.
    Month,
}

/// A key of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Key {
    /// Whether it may be used.
    pub active: bool,
    /// What it may spend.
    pub limits: SpendLimits,
    day: Spent,
    month: Spent,
}

/// Credits spent in one day or month.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Spent {
    /// First instant of it.
    since: Timestamp,
    credits: Credits,
}

impl Spent {
    fn at(self, since: Timestamp) -> Credits {
        if self.since == since { self.credits } else { Credits::ZERO }
    }

    fn add(&mut self, since: Timestamp, cost: Credits) -> Result<(), Inexact> {
        *self = Self { since, credits: self.at(since).plus(cost)? };
        Ok(())
    }
}

fn day(at: Timestamp) -> Timestamp {
    Date::of(at, 0).map(|day| day.start(0)).unwrap_or_default()
}

fn month(at: Timestamp) -> Timestamp {
    let first = |day: Date| Date::new(day.year(), day.month(), 1);
    Date::of(at, 0).and_then(first).map(|day| day.start(0)).unwrap_or_default()
}

impl Key {
    /// A key that may be used, or not, without limits.
    pub(super) fn new(active: bool) -> Self {
        let (limits, spent) = (SpendLimits::default(), Spent::default());
        Self { active, limits, day: spent, month: spent }
    }

    /// Whether it has any limit.
    pub fn is_limited(&self) -> bool {
        self.limits.day.is_some() || self.limits.month.is_some()
    }

    /// Whether isolates may pay for it from their leases.
    pub fn is_leasable(&self) -> bool {
        self.active && !self.is_limited()
    }

    /// What it spent on the day and in the month of `at`.
    pub fn spent(&self, at: Timestamp) -> (Credits, Credits) {
        (self.day.at(day(at)), self.month.at(month(at)))
    }

    /// The first limit that `cost` more at `at` would exceed: which, how much, and what is spent.
    pub(super) fn exceeded(
        &self,
        cost: Credits,
        at: Timestamp,
    ) -> Result<Option<(SpendPeriod, Credits, Credits)>, Inexact> {
        let (day, month) = self.spent(at);
        let limits = [
            (SpendPeriod::Day, self.limits.day, day),
            (SpendPeriod::Month, self.limits.month, month),
        ];
        for (period, limit, spent) in limits {
            if let Some(limit) = limit
                && spent.plus(cost)? > limit
            {
                return Ok(Some((period, limit, spent)));
            }
        }
        Ok(None)
    }

    /// Counts a cost, or takes one back, that was decided at `at`.
    pub(super) fn count(&mut self, cost: Credits, at: Timestamp) -> Result<(), Inexact> {
        if !self.is_limited() {
            return Ok(());
        }
        self.day.add(day(at), cost)?;
        self.month.add(month(at), cost)
    }

    /// Takes back what was counted at `at`, if its day and month are still counted.
    pub(super) fn uncount(&mut self, cost: Credits, at: Timestamp) -> Result<(), Inexact> {
        for (spent, since) in [(&mut self.day, day(at)), (&mut self.month, month(at))] {
            if spent.since == since {
                spent.credits = spent.credits.minus(cost.min(spent.credits))?;
            }
        }
        Ok(())
    }
}

impl Session<'_> {
    /// Creates a key.
    ///
    /// # Errors
    ///
    /// [`LedgerError::KeyExists`] or [`LedgerError::Full`].
    pub fn create_key(&mut self, key: KeyId) -> Result<(), LedgerError> {
        if self.ledger.keys.contains_key(&key) {
            return Err(LedgerError::KeyExists { id: key });
        }
        if self.ledger.keys.len() >= KEYS_MAX {
            return Err(LedgerError::Full { what: "keys", max: KEYS_MAX });
        }
        Ok(self.record(Entry::KeyCreated { key })?)
    }

    /// Disables a key; again changes nothing.
    ///
    /// # Errors
    ///
    /// [`LedgerError::KeyUnknown`].
    pub fn disable_key(&mut self, key: KeyId) -> Result<(), LedgerError> {
        match self.ledger.keys.get(&key) {
            None => Err(LedgerError::KeyUnknown { id: key }),
            Some(known) if !known.active => Ok(()),
            Some(_) => Ok(self.record(Entry::KeyDisabled { key })?),
        }
    }

    /// Sets what a key may spend; the same again changes nothing.
    ///
    /// # Errors
    ///
    /// [`LedgerError::KeyUnknown`], or [`LedgerError::LimitNegative`].
    pub fn limit_key(&mut self, key: KeyId, limits: SpendLimits) -> Result<(), LedgerError> {
        let Some(known) = self.ledger.keys.get(&key) else {
            return Err(LedgerError::KeyUnknown { id: key });
        };
        let of = [(SpendPeriod::Day, limits.day), (SpendPeriod::Month, limits.month)];
        for (period, limit) in of {
            if let Some(limit) = limit.filter(|limit| limit.is_negative()) {
                return Err(LedgerError::LimitNegative { period, limit });
            }
        }
        match known.limits == limits {
            true => Ok(()),
            false => Ok(self.record(Entry::KeyLimited { key, limits })?),
        }
    }
}
