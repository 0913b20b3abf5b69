//! When to ask for money: a rule that watches the balance.
//!
//! ```text
//! balance + asked for < threshold  ─▶ ask for target − (balance + asked for), once in a cool-off
//! a grant with the id of what was asked for ─▶ it has come
//! failed                                    ─▶ it will not come; the cool-off goes on
//! ```
//!
//! The rule asks; a payment rail takes the money and gives the grant. Invariant: what was asked for
//! and is not settled counts, so that no two top-ups are asked for where one is enough.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::LedgerError;
use super::decide::Session;
use super::entry::Entry;
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
        let TopUps { rule, ref pending, asked, last } = self.ledger.top_ups;
        let Some(TopUpRule { threshold, target, cool_off_ms }) = rule else { return Ok(()) };
        let cools = last.is_some_and(|last| self.now.millis_since(last) < cool_off_ms);
        if cools || pending.len() >= PENDING_MAX {
            return Ok(());
        }
        let balance = self.ledger.balance()?;
        let coming = Credits::sum(pending.values().map(|top_up| top_up.amount))?;
        // Debt is paid first, so it is missing as well.
        let owned = balance.balance.minus(balance.debt)?.plus(coming)?;
        if owned >= threshold {
            return Ok(());
        }
        let amount = target.minus(owned)?;
        let id = format!("topup-{}", asked.saturating_add(1));
        let Ok(id) = id.parse::<GrantId>() else { return Ok(()) };
        // An id that the operator took for something else is passed over.
        let taken = self.ledger.grants.contains_key(&id);
        let amount = if taken { Credits::ZERO } else { amount };
        self.record(Entry::TopUpAsked { id, amount })
    }
}
