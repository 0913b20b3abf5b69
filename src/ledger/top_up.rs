//! When to ask for money: a rule that watches the balance.
//!
//! ```text
//! balance + asked for < threshold  ─▶ ask for target − (balance + asked for), once in a cool-off:
//!                                     on every visit, and the end of the cool-off is due
//! a grant with the id of what was asked for ─▶ it has come
//! failed                                    ─▶ it will not come; the cool-off goes on
//! ```
//!
//! The rule asks; a payment rail takes the money and gives the grant. Invariant: what was asked for
//! and is not settled counts, so that no two top-ups are asked for where one is enough; and nothing
//! is asked for that could not be credited.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::decide::Session;
use super::entry::Entry;
use super::{GRANTS_MAX, Ledger, LedgerError};
use crate::units::{Credits, GrantId, Inexact, Timestamp};

/// Top-ups that may be on their way at once.
const PENDING_MAX: usize = 10;
/// The shortest time between two of them, in milliseconds.
pub const COOL_OFF_MS_MIN: i64 = 1_000;

/// When to ask, and for how much.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TopUpRule {
    /// Ask when what the account owns and is to get is below this.
    pub threshold: Credits,
    /// Ask for what is missing to this.
    pub target: Credits,
    /// Ask again after this time at the earliest, in milliseconds.
    pub cool_off_ms: i64,
}

/// A top-up that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TopUp {
    /// When.
    pub at: Timestamp,
    /// How many credits.
    pub amount: Credits,
}

/// An account's top-ups.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TopUps {
    /// The rule, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<TopUpRule>,
    /// Those on their way, by the id that the grant must have.
    pub pending: BTreeMap<GrantId, TopUp>,
    /// How many were ever asked for.
    pub asked: u64,
    /// When the last one was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<Timestamp>,
}

impl Session<'_> {
    /// Sets or ends the rule.
    ///
    /// # Errors
    ///
    /// [`LedgerError::TopUpRule`] if it could never be content.
    pub fn set_top_up(&mut self, rule: Option<TopUpRule>) -> Result<(), LedgerError> {
        if let Some(TopUpRule { threshold, target, cool_off_ms }) = rule
            && (target < threshold || target <= Credits::ZERO || cool_off_ms < COOL_OFF_MS_MIN)
        {
            return Err(LedgerError::TopUpRule { threshold, target, cool_off_ms });
        }
        if self.ledger.top_ups.rule == rule {
            return Ok(());
        }
        Ok(self.record(Entry::TopUpRuleSet { rule })?)
    }

    /// A top-up will not come.
    ///
    /// # Errors
    ///
    /// [`LedgerError::TopUpUnknown`] if none of that id is on its way.
    pub fn fail_top_up(&mut self, id: GrantId) -> Result<(), LedgerError> {
        match self.ledger.top_ups.pending.contains_key(&id) {
            true => Ok(self.record(Entry::TopUpFailed { id })?),
            false => Err(LedgerError::TopUpUnknown { id }),
        }
    }

    /// Asks for money if the rule says so.
    pub(super) fn ask_for_top_up(&mut self) -> Result<(), Inexact> {
        if self.ledger.top_ups.cools_until().is_some_and(|end| end > self.now) {
            return Ok(());
        }
        let Some(amount) = self.ledger.missing() else { return Ok(()) };
        loop {
            let number = self.ledger.top_ups.asked.saturating_add(1);
            let Ok(id) = format!("topup-{number}").parse::<GrantId>() else { return Ok(()) };
            // An id that the operator took for something else is passed over.
            let is_taken = self.ledger.grants.contains_key(&id);
            let amount = if is_taken { Credits::ZERO } else { amount };
            self.record(Entry::TopUpAsked { id, amount })?;
            if !is_taken {
                return Ok(());
            }
        }
    }
}

impl TopUps {
    /// Until when nothing more is asked for.
    fn cools_until(&self) -> Option<Timestamp> {
        Some(self.last?.plus_millis(self.rule?.cool_off_ms))
    }
}

impl Ledger {
    /// When money is to be asked for, if nothing comes until then.
    pub(super) fn next_ask(&self) -> Option<Timestamp> {
        let at = self.top_ups.cools_until()?;
        self.missing().map(|_| at)
    }

    /// What to ask for, if the rule wants anything and it could be credited.
    fn missing(&self) -> Option<Credits> {
        let TopUps { rule, pending, .. } = &self.top_ups;
        let TopUpRule { threshold, target, .. } = (*rule)?;
        let is_full = self.grants.len().saturating_add(pending.len()) >= GRANTS_MAX;
        if is_full || pending.len() >= PENDING_MAX {
            return None;
        }
        let balance = self.balance().ok()?;
        let coming = Credits::sum(pending.values().map(|top_up| top_up.amount)).ok()?;
        // Debt is paid first, so it is missing as well.
        let owned = balance.balance.minus(balance.debt).ok()?.plus(coming).ok()?;
        if owned >= threshold {
            return None;
        }
        let amount = target.minus(owned).ok()?;
        self.given().ok()?.plus(coming).ok()?.plus(amount).ok().map(|_| amount)
    }
}
