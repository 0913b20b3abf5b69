//! What an isolate wrote down of its lease: counters, and the operations not yet acknowledged.
//!
//! ```text
//! number:   0 … acked │ acked … sent │ sent … next
//!           forgotten │ under way    │ may still be struck off
//! ```

use std::collections::VecDeque;
use std::rc::Rc;

use rust_decimal::Decimal;

use super::admission::Operation;
use super::message::{Report, Wish};
use super::{REPORT_OPERATIONS_MAX, VALIDITY_MS_MIN};
use crate::ledger;
use crate::units::{Credits, Inexact, Quantity, Timestamp, exact};

/// Spending stops this long before the deadline, for clocks that tick unevenly, in milliseconds.
const GUARD_MS: i64 = VALIDITY_MS_MIN / 20;
/// Younger operations are left to the renewal that is due about then: each message is a call and
/// a row, and a busy isolate would send two where one does.
const FRESH_MS: i64 = 1_500;

#[derive(Debug)]
struct Listed {
    operation: Rc<Operation>,
    cost: Credits,
    terms: u64,
    at: Timestamp,
    status: u16,
    /// It failed before it was sent: it costs nothing.
    struck: bool,
}

/// One isolate's book of one lease.
#[derive(Debug)]
pub(super) struct LeaseBook {
    id: String,
    /// Number of the last wish, and of the last one that was answered.
    seq: u64,
    answered: u64,
    granted: Credits,
    returned: Credits,
    /// Cost of all operations that were not struck off.
    spent: Credits,
    deadline: Timestamp,
    acked: u64,
    sent: u64,
    reported_return: Credits,
    last_grant: Credits,
    last_cost: Credits,
    list: VecDeque<Listed>,
    /// The last lease before this one that was spent, and how many of its operations were burned.
    before: Option<(String, u64)>,
}

impl LeaseBook {
    pub(super) fn new(id: String) -> Self {
        Self {
            id,
            seq: 0,
            answered: 0,
            granted: Credits::ZERO,
            returned: Credits::ZERO,
            spent: Credits::ZERO,
            deadline: Timestamp::default(),
            acked: 0,
            sent: 0,
            reported_return: Credits::ZERO,
            last_grant: Credits::ZERO,
            last_cost: Credits::ZERO,
            list: VecDeque::new(),
            before: None,
        }
    }

    pub(super) fn id(&self) -> &str {
        &self.id
    }

    pub(super) fn last_cost(&self) -> Credits {
        self.last_cost
    }

    /// Starts over under a new name: the account has ended the old lease.
    pub(super) fn renew_as(&mut self, id: String) {
        let burned = (self.acked > 0).then(|| (std::mem::take(&mut self.id), self.acked));
        let before = burned.or(self.before.take());
        *self = Self { before, ..Self::new(id) };
    }

    /// Whether nothing is held, listed or to be given back, and no grant may be unknown here.
    pub(super) fn is_at_rest(&self) -> bool {
        let nothing_held = self.spendable().is_ok_and(Credits::is_zero);
        let settled = self.list.is_empty() && self.reported_return == self.returned;
        nothing_held && settled && !self.is_in_doubt()
    }

    pub(super) fn is_past(&self, now: Timestamp) -> bool {
        now.plus_millis(GUARD_MS) >= self.deadline
    }

    /// Whether all that is not acknowledged is so young that its report may wait for a renewal.
    pub(super) fn is_fresh(&self, now: Timestamp) -> bool {
        self.list.front().is_some_and(|first| (0..FRESH_MS).contains(&now.millis_since(first.at)))
    }

    /// Nothing more is spent of it before the account answers again.
    pub(super) fn stop(&mut self) {
        self.deadline = Timestamp::default();
    }

    /// Whether this lease was used, is at rest and past: another one takes its place.
    pub(super) fn is_over(&self, now: Timestamp) -> bool {
        self.seq > 0 && self.is_past(now) && self.is_at_rest()
    }

    pub(super) fn spendable(&self) -> Result<Credits, Inexact> {
        self.granted.minus(self.returned)?.minus(self.spent)
    }

    /// Whether less than a fifth of the last grant is left.
    pub(super) fn is_low(&self) -> Result<bool, Inexact> {
        Ok(exact::mul(self.spendable()?.get(), Decimal::from(5))? < self.last_grant.get())
    }

    /// Whether half of what one report can carry is listed: time to report, lest the list fills up
    /// before the answer is there and operations have to be paid directly.
    pub(super) fn is_filling(&self) -> bool {
        self.list.len() >= REPORT_OPERATIONS_MAX / 2
    }

    /// Pays an operation; its number, or nothing if the lease cannot pay it now.
    pub(super) fn pay(
        &mut self,
        operation: &Rc<Operation>,
        cost: Credits,
        terms: u64,
        now: Timestamp,
    ) -> Result<Option<u64>, Inexact> {
        if self.is_past(now) || self.list.len() >= REPORT_OPERATIONS_MAX {
            return Ok(None);
        }
        if self.spendable()? < cost {
            return Ok(None);
        }
        self.spent = self.spent.plus(cost)?;
        self.last_cost = cost;
        let number = self.next();
        let operation = Rc::clone(operation);
        let listed = Listed { operation, cost, terms, at: now, status: 0, struck: false };
        self.list.push_back(listed);
        Ok(Some(number))
    }

    fn next(&self) -> u64 {
        self.acked.saturating_add(u64::try_from(self.list.len()).unwrap_or(u64::MAX))
    }

    fn number_of(&self, op: &str) -> Option<u64> {
        op.strip_prefix(self.id.as_str())?.strip_prefix('.')?.parse().ok()
    }

    /// Whether the account has not yet burned this operation, if it is one of this lease.
    pub(super) fn is_unacknowledged(&self, op: &str) -> bool {
        self.number_of(op).is_some_and(|number| number >= self.acked)
    }

    /// Whether the account has burned this operation, of this lease or of the last one spent.
    pub(super) fn is_burned(&self, op: &str) -> bool {
        let before = self.before.as_ref().map(|(id, acked)| (id.as_str(), *acked));
        [Some((self.id.as_str(), self.acked)), before].into_iter().flatten().any(|(id, acked)| {
            let number = op.strip_prefix(id).and_then(|rest| rest.strip_prefix('.'));
            number.and_then(|text| text.parse().ok()).is_some_and(|number: u64| number < acked)
        })
    }

    /// Notes an answer. A failed operation that was not sent yet is struck off and costs nothing.
    /// Returns whether that was all there is to do.
    pub(super) fn settle(&mut self, op: &str, status: u16, failed: bool) -> Result<bool, Inexact> {
        let Some(number) = self.number_of(op).filter(|number| *number >= self.sent) else {
            return Ok(false);
        };
        let index = usize::try_from(number.saturating_sub(self.acked)).unwrap_or(usize::MAX);
        let Some(listed) = self.list.get_mut(index) else { return Ok(false) };
        listed.status = status;
        if failed {
            self.spent = self.spent.minus(listed.cost)?;
            listed.cost = Credits::ZERO;
            listed.struck = true;
        }
        Ok(true)
    }

    /// Notes an answer that is not a failure; too late if it was sent, and then of no interest.
    pub(super) fn note_status(&mut self, number: u64, status: u16) {
        let index = usize::try_from(number.saturating_sub(self.acked)).unwrap_or(usize::MAX);
        if number >= self.sent
            && let Some(listed) = self.list.get_mut(index)
        {
            listed.status = status;
        }
    }

    /// Gives back what could be spent. Returns whether there was anything.
    pub(super) fn give_back(&mut self) -> Result<bool, Inexact> {
        let rest = self.spendable()?;
        self.returned = self.returned.plus(rest)?;
        Ok(!rest.is_zero())
    }

    /// Whether a wish is without an answer: the account may have granted what is not known here.
    pub(super) fn is_in_doubt(&self) -> bool {
        self.answered < self.seq
    }

    /// The next wish of this lease. With a rate of zero it asks for nothing but the answer.
    pub(super) fn next_wish(&mut self, rate: Credits, cost: Credits) -> Wish {
        self.seq = self.seq.saturating_add(1);
        Wish { lease: self.id.clone(), seq: self.seq, rate, cost, granted: self.granted }
    }

    /// What is not acknowledged, up to where the terms changed; nothing if that is nothing.
    pub(super) fn report(&mut self) -> Result<Option<Report>, Inexact> {
        if self.list.is_empty() && self.reported_return == self.returned {
            return Ok(None);
        }
        let terms = self.list.front().map(|first| first.terms).unwrap_or_default();
        let count = self.list.iter().take_while(|listed| listed.terms == terms).count();
        let later = self.list.iter().skip(count).map(|listed| listed.cost);
        let used = self.spent.minus(Credits::sum(later)?)?;
        self.sent = self.acked.saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
        Ok(Some(Report {
            lease: self.id.clone(),
            terms,
            used,
            returned: self.returned,
            operations: self.packed(count),
        }))
    }

    /// The first `count` operations.
    fn packed(&self, count: usize) -> ledger::Operations {
        let at = self.list.front().map(|first| first.at).unwrap_or_default();
        let mut packed = ledger::Operations { from: self.acked, at, ..Default::default() };
        for Listed { operation, at: when, status, struck, .. } in self.list.iter().take(count) {
            let same_route = |(route, charge): &(String, _)| {
                route.as_str() == &*operation.route && *charge == operation.charge
            };
            let route = packed.routes.iter().position(same_route).unwrap_or_else(|| {
                packed.routes.push((operation.route.to_string(), operation.charge.clone()));
                packed.routes.len().saturating_sub(1)
            });
            let key = packed.keys.iter().position(|k| *k == operation.key).unwrap_or_else(|| {
                packed.keys.push(operation.key.clone());
                packed.keys.len().saturating_sub(1)
            });
            let index = |i: usize| u16::try_from(i).unwrap_or(u16::MAX);
            packed.list.push(ledger::Operation(
                index(route),
                index(key),
                if *struck { Quantity::ZERO } else { operation.quantity },
                when.millis_since(at),
                *status,
            ));
        }
        packed
    }

    /// The account has burned the operations before `acked`.
    pub(super) fn acknowledge(&mut self, lease: &str, acked: u64, returned: Credits) {
        if lease != self.id {
            return;
        }
        self.reported_return = self.reported_return.max(returned);
        while self.acked < acked {
            if self.list.pop_front().is_none() {
                break;
            }
            self.acked = self.acked.saturating_add(1);
        }
        self.sent = self.sent.max(self.acked);
    }

    /// The account answered a wish: it granted `granted` so far. Returns whether that is more than
    /// before.
    pub(super) fn grant(
        &mut self,
        wish: &Wish,
        granted: Option<Credits>,
        deadline: Timestamp,
    ) -> Result<bool, Inexact> {
        if wish.lease != self.id {
            return Ok(false);
        }
        self.answered = self.answered.max(wish.seq);
        let Some(granted) = granted else { return Ok(false) };
        self.deadline = self.deadline.max(deadline);
        let more = granted.minus(self.granted)?;
        if more.is_zero() || more.is_negative() {
            return Ok(false);
        }
        (self.granted, self.last_grant) = (granted, more);
        Ok(true)
    }
}
