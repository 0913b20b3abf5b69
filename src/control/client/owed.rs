//! What an isolate served without an answer of the account, on routes that go on
//! ([`FailureHandling::Continue`](super::super::FailureHandling)).
//!
//! ```text
//! debit ── no answer ──▶ silent: served at once, owed      while Σ owed ≤ allowance
//!                           │ one operation a second asks all the same
//!                           └──▶ an answer ──▶ what is owed is told ──▶ answered: forgotten
//!       ── refused ──▶ over: the account is there, and nothing is owed for it
//! ```
//!
//! Invariants: what is owed stays listed until a message that told it is answered, and never costs
//! more than the allowance; nothing is owed for an account that just said it cannot pay, of which
//! no price is known, or by a key that is not known to be active. While the account is silent one
//! of them is told at a time: what was sent before may have been charged, and the account
//! remembers only for a while that it was.

use std::collections::VecDeque;

use super::super::REPORT_MS;
use super::super::admission::{Admission, Operation, Paid};
use super::super::message::Request;
use super::super::prices::Price;
use super::Client;
use crate::ledger::{Debit, Owed};
use crate::units::{Credits, Inexact, Timestamp};

/// Operations that one isolate owes of one account, at most: one message tells them all.
const OWED_MAX: usize = 1_000;

#[derive(Debug)]
struct Listed {
    debit: Debit,
    cost: Credits,
    terms: u64,
    /// When it was first sent, if it was.
    sent: Option<Timestamp>,
}

/// What is owed, the first served first.
#[derive(Debug, Default)]
pub(super) struct OwedBook {
    list: VecDeque<Listed>,
    sum: Credits,
    /// The account did not answer; when an operation asks again.
    silent: Option<Timestamp>,
}

impl OwedBook {
    pub(super) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The account answered, or nobody knows how long ago it did not.
    pub(super) fn heard(&mut self) {
        self.silent = None;
    }

    fn not_heard(&mut self, now: Timestamp) {
        self.silent = Some(now.plus_millis(REPORT_MS));
    }

    /// Whether an operation need not wait for an answer. One a second does.
    fn is_silent(&mut self, now: Timestamp) -> bool {
        match self.silent {
            Some(until) if now < until => true,
            Some(_) => {
                self.not_heard(now);
                false
            }
            None => false,
        }
    }

    /// What the next message tells.
    pub(super) fn told(&mut self, now: Timestamp) -> Vec<Owed> {
        let count = if self.silent.is_some() { 1 } else { OWED_MAX };
        let told = self.list.iter_mut().take(count).map(|listed| {
            let sent_ms = listed.sent.map(|sent| now.millis_since(sent).max(0));
            listed.sent = listed.sent.or(Some(now));
            Owed { debit: listed.debit.clone(), terms: listed.terms, sent_ms }
        });
        told.collect()
    }

    /// A message that told these was answered.
    pub(super) fn forget(&mut self, told: &[Owed]) -> Result<(), Inexact> {
        for owed in told {
            self.take(&owed.debit.op)?;
        }
        Ok(())
    }

    fn take(&mut self, op: &str) -> Result<Option<Listed>, Inexact> {
        let Some(index) = self.list.iter().position(|listed| listed.debit.op == op) else {
            return Ok(None);
        };
        let Some(listed) = self.list.remove(index) else { return Ok(None) };
        self.sum = self.sum.minus(listed.cost)?;
        Ok(Some(listed))
    }

    /// Strikes off an operation that failed. Returns whether the account never heard of it.
    pub(super) fn strike(&mut self, op: &str) -> Result<bool, Inexact> {
        Ok(self.take(op)?.is_some_and(|listed| listed.sent.is_none()))
    }
}

impl Client {
    /// As [`Client::admit`], on a route that goes on while the account does not answer.
    ///
    /// # Errors
    ///
    /// [`Inexact`] if a sum leaves the range of credits.
    pub fn admit_or_owe(
        &mut self,
        operation: Operation,
        allowance: Credits,
        now: Timestamp,
    ) -> Result<Admission, Inexact> {
        let cost = match self.decide(&operation, now)? {
            Ok(decided) => return Ok(decided),
            Err(cost) => cost,
        };
        if self.owed.is_silent(now) {
            let op = self.next_debit();
            let debit = operation.clone().debit(op);
            if let Some(paid) = self.owe(debit, None, allowance, now)? {
                return Ok(Admission::Owed(paid));
            }
        }
        self.ask(operation, cost, now)
    }

    /// The account did not answer: another message may be sent, with the same report again. A
    /// debit is served and owed if there is an `allowance` and it lasts. Otherwise it is over; it
    /// may have been burned all the same, for nobody: it is refunded.
    ///
    /// # Errors
    ///
    /// [`Inexact`] if a sum leaves the range of credits.
    pub fn unanswered(
        &mut self,
        request: &Request,
        sent: Timestamp,
        allowance: Option<Credits>,
        now: Timestamp,
    ) -> Result<Option<Admission>, Inexact> {
        self.look_at_clock(now);
        self.free(request);
        self.owed.not_heard(now);
        self.reserved.not_heard(request);
        if let Some(reserve) = &request.reserve {
            self.give_up(reserve);
        }
        let Some(debit) = &request.debit else { return Ok(None) };
        if let Some(allowance) = allowance
            && let Some(paid) = self.owe(debit.clone(), Some(sent), allowance, now)?
        {
            return Ok(Some(Admission::Owed(paid)));
        }
        self.refunds.add(&debit.op, now);
        Ok(None)
    }

    /// The account answered, but not to the message: it does not take it. Nothing is served on
    /// credit for that. What it told stays listed; its debit is over, as one without an answer.
    pub fn refused(&mut self, request: &Request, now: Timestamp) {
        self.look_at_clock(now);
        self.free(request);
        self.owed.heard();
        self.reserved.not_heard(request);
        if let Some(reserve) = &request.reserve {
            self.give_up(reserve);
        }
        if let Some(debit) = &request.debit {
            self.refunds.add(&debit.op, now);
        }
    }

    /// Serves an operation on credit; nothing if the allowance or what is known does not allow it.
    fn owe(
        &mut self,
        debit: Debit,
        sent: Option<Timestamp>,
        allowance: Credits,
        now: Timestamp,
    ) -> Result<Option<Paid>, Inexact> {
        let operation = Operation::of(&debit);
        let Some(Ok(Price { cost, is_exact })) = self.prices.of(&operation) else {
            return Ok(None);
        };
        let price = Price { cost, is_exact };
        let sum = self.owed.sum.plus(cost)?;
        // What the customer owes already counts: the account was silent before.
        let debt = self.balance.as_ref().map_or(Credits::ZERO, |balance| balance.debt);
        let is_full = sum.plus(debt)? > allowance || self.owed.list.len() >= OWED_MAX;
        let is_known = self.keys.contains(&operation.key);
        if is_full || !is_known || self.denial(&operation, price, now).is_some() {
            return Ok(None);
        }
        let (op, terms) = (debit.op.clone(), self.prices.terms());
        self.owed.list.push_back(Listed { debit, cost, terms, sent });
        self.owed.sum = sum;
        self.rate.note(cost, now)?;
        self.idle = false;
        let left = self.others()?.plus(self.book.spendable()?)?;
        let (flush, restricted, renew) = (self.start_flushing(now), false, false);
        let repeated = false;
        Ok(Some(Paid { op, cost, is_exact, restricted, repeated, left, renew, flush }))
    }
}
