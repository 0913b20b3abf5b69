//! What an isolate served while the account did not answer, and tells it later (RFC 8506:
//! Credit-Control-Failure-Handling CONTINUE).
//!
//! ```text
//! debit d9 ──▶ no answer ──▶ served, owed ──▶ told ──▶ burned, as far as credits are free
//!                                                └──▶ the rest is debt: the next credits pay it
//! ```
//!
//! It was served already, so it is charged whatever the plan does at zero, and whatever became of
//! its key since; at the price of the terms that it was served under. Invariant: an operation is
//! charged once, whether its debit, its telling or its refund arrives first; one that may have been
//! charged and forgotten since is not charged again.

use serde::{Deserialize, Serialize};

use super::decide::{Payer, Session};
use super::entry::Entry;
use super::grant::Burn;
use super::operations::Debit;
use super::{Ledger, MEMORY_MS, uses};
use crate::plan::Plan;
use crate::units::Inexact;

/// How much longer ago an operation may have arrived than its isolate says, in milliseconds: a
/// message that is late, and two clocks that jump.
const DOUBT_MS: i64 = 45_000;
/// The same of a debit that is asked for again within seconds, by one clock.
const RETRY_DOUBT_MS: i64 = 2_000;

/// An operation that was served without an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Owed {
    /// The operation.
    pub debit: Debit,
    /// Number of the terms (plan and period) that it was served under.
    pub terms: u64,
    /// How long ago it was first sent, as a debit or as owed, in milliseconds; nothing: never
    /// before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent_ms: Option<i64>,
}

impl Session<'_> {
    /// Charges operations that were served already, each once.
    ///
    /// # Errors
    ///
    /// [`Inexact`] if a sum leaves the range of credits.
    pub fn owe(&mut self, plan: &Plan, operations: &[Owed]) -> Result<(), Inexact> {
        // Operations of a message were mostly served under the same terms.
        let mut past: Option<(u64, Option<Plan>)> = None;
        for Owed { debit, terms, sent_ms } in operations {
            let known = self.ledger.debits.contains_key(&debit.op);
            if known || self.ledger.may_have_forgotten(*sent_ms, DOUBT_MS) {
                continue;
            }
            if past.as_ref().is_none_or(|(number, _)| number != terms) {
                let json = self.ledger.past_plan(*terms);
                past = Some((*terms, json.map(Plan::parse).and_then(Result::ok)));
            }
            match past.as_ref().and_then(|(_, plan)| plan.as_ref()) {
                Some(past) => self.owe_one(past, debit, Some(*terms))?,
                // Forgotten terms are long past: what they left is rated as of today.
                None => self.owe_one(plan, debit, None)?,
            }
        }
        self.invoice_debt(plan)
    }

    fn owe_one(&mut self, plan: &Plan, debit: &Debit, terms: Option<u64>) -> Result<(), Inexact> {
        let rated = uses::rate(plan, self.ledger.usages_of(terms), &[debit.used()]);
        // What lost its price since is on record, and free.
        let cost = rated.unwrap_or_default().cost()?;
        let payable = cost.min(self.ledger.available()?);
        let burns = self.plan_burns(payable, Payer::Account, self.now)?;
        let debt = cost.minus(Burn::total(&burns)?)?;
        let (debit, restricted) = (debit.clone(), false);
        self.record(Entry::Debited { debit, terms, cost, burns, debt, restricted })
    }
}

impl Ledger {
    /// Whether a debit that is asked for again, first `sent_ms` ago, may have been burned, and the
    /// memory of that be gone: an account that takes hundreds of debits a second remembers seconds.
    pub fn may_have_forgotten_debit(&self, op: &str, sent_ms: Option<i64>) -> bool {
        !self.debits.contains_key(op) && self.may_have_forgotten(sent_ms, RETRY_DOUBT_MS)
    }

    /// Whether an operation that was first sent so long ago may have been charged, and the memory
    /// of that be gone.
    fn may_have_forgotten(&self, sent_ms: Option<i64>, doubt_ms: i64) -> bool {
        let Some(sent_ms) = sent_ms else { return false };
        let age = sent_ms.max(0).saturating_add(doubt_ms);
        age > MEMORY_MS || self.clock.plus_millis(age.saturating_neg()) <= self.forgotten
    }
}
