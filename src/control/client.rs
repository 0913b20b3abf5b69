//! The isolate's side: what it may spend of one account without asking.
//!
//! ```text
//! lease:  granted ─┬─ returned
//!                  ├─ spent     = reported + operations still listed
//!                  └─ spendable = granted − returned − spent, until the deadline
//!
//! admit ──▶ Paid           from the lease: no I/O
//!       ──▶ Ask(request)   the account decides; `answered` gives the verdict
//!       ──▶ Denied         the account could not pay, at most DENIAL_MS ago
//!       ──▶ Unpriced       the plan has no price for it; what a key may do, the account says
//!       ──▶ Owed           the account does not answer: see `client/owed.rs`
//! ```
//!
//! Invariants: spendable is never below zero; nothing is spent at or after the deadline, which is
//! counted from when the isolate *asked*, while the account counts twice as long from when it
//! *answered*; operations are numbered without gaps in the order of admission; at most one message
//! with a report is under way.

mod again;
mod answered;
mod denied;
mod named;
mod owed;
mod refunds;
mod reserved;

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::REPORT_MS;
use super::admission::{Admission, Flush, Operation, Paid};
use super::lease_book::LeaseBook;
use super::message::{Request, VERSION, Wish};
use super::once::Once;
use super::prices::{Price, Prices, Unpriced};
use super::rate::Rate;
use crate::ledger::Balance;
use crate::plan::Plan;
use crate::units::{Credits, Inexact, KeyId, Timestamp};

pub use again::{Again, Known};
pub use reserved::End;

use denied::Denied;
use owed::OwedBook;
use refunds::Refunds;
use reserved::Reserved;

/// How long a message may be under way before another may be sent in its place.
const UNDER_WAY_MS: i64 = 10_000;
/// How soon an isolate asks again after a wish that brought nothing.
const RETRY_MS: i64 = 250;

/// One account as one isolate knows it.
#[derive(Debug)]
pub struct Client {
    isolate: Rc<str>,
    prices: Prices,
    keys: BTreeSet<KeyId>,
    keys_revision: u64,
    balance: Option<Balance>,
    book: LeaseBook,
    rate: Rate,
    refunds: Refunds,
    reserved: Reserved,
    owed: OwedBook,
    /// Debits without an answer.
    asked: usize,
    denied: Option<Denied>,
    /// Keys that the account refused, and until when they are refused from memory.
    refused: BTreeMap<KeyId, Timestamp>,
    under_way: Option<Timestamp>,
    ask_not_before: Timestamp,
    flushing: Option<Timestamp>,
    idle: bool,
    counter: u64,
    /// Rises with every answer, and with every new lease.
    as_of: u64,
    /// The latest instant heard of.
    clock: Timestamp,
}

impl Client {
    /// Knows nothing yet. `isolate` must be unique for ever: lease and operation ids start with it.
    pub fn new(isolate: &str, counter: u64) -> Self {
        Self {
            isolate: isolate.into(),
            prices: Prices::default(),
            keys: BTreeSet::new(),
            keys_revision: 0,
            balance: None,
            book: LeaseBook::new(format!("{isolate}l{counter}")),
            rate: Rate::default(),
            refunds: Refunds::default(),
            reserved: Reserved::default(),
            owed: OwedBook::default(),
            asked: 0,
            denied: None,
            refused: BTreeMap::new(),
            under_way: None,
            ask_not_before: Timestamp::default(),
            flushing: None,
            idle: false,
            counter,
            as_of: 0,
            clock: Timestamp::default(),
        }
    }

    /// The account's credits as of the last answer.
    pub fn balance(&self) -> Option<&Balance> {
        self.balance.as_ref()
    }

    /// The plan as of the last answer.
    pub fn plan(&self) -> Option<&Plan> {
        self.prices.plan()
    }

    /// Whether nothing would be lost by forgetting this account.
    pub fn is_at_rest(&self) -> bool {
        let waits = self.under_way.is_some() || self.asked > 0;
        !waits && self.reserved.is_idle() && self.book.is_at_rest() && self.has_told()
    }

    /// Whether no refund waits, nothing is owed, and what ended was told.
    fn has_told(&self) -> bool {
        self.refunds.is_empty() && self.owed.is_empty() && self.reserved.has_told()
    }

    /// Decides an operation. No I/O; takes O(tiers).
    ///
    /// # Errors
    ///
    /// [`Inexact`] if a sum leaves the range of credits.
    pub fn admit(&mut self, operation: Operation, now: Timestamp) -> Result<Admission, Inexact> {
        match self.decide(&operation, now)? {
            Ok(decided) => Ok(decided),
            Err(cost) => self.ask(operation, cost, now),
        }
    }

    /// Decides what it can by itself; otherwise, what the operation costs as far as that is known.
    fn decide(
        &mut self,
        operation: &Operation,
        now: Timestamp,
    ) -> Result<Result<Admission, Credits>, Inexact> {
        self.look_at_clock(now);
        let price = match self.prices.of(operation) {
            Some(Ok(price)) => price,
            Some(Err(Unpriced)) => return Ok(Ok(Admission::Unpriced)),
            None => return Ok(Err(Credits::ZERO)),
        };
        if self.keys.contains(&operation.key)
            && let Some(paid) = self.pay(operation, price, now)?
        {
            return Ok(Ok(Admission::Paid(paid)));
        }
        if self.refused.get(&operation.key).is_some_and(|until| now < *until) {
            return Ok(Ok(Admission::KeyRefused));
        }
        Ok(self.denial(operation, price, now).ok_or(price.cost))
    }

    /// A clock that jumped back says nothing of how long a lease, a denial or a silence may be
    /// relied on.
    fn look_at_clock(&mut self, now: Timestamp) {
        if now < self.clock {
            self.book.stop();
            self.owed.heard();
            self.denied = None;
            self.refused.clear();
        }
        self.clock = now;
    }

    fn pay(
        &mut self,
        operation: &Operation,
        price: Price,
        now: Timestamp,
    ) -> Result<Option<Paid>, Inexact> {
        let spent = self.spend(&Rc::new(operation.clone()), price, now)?;
        Ok(spent.map(|Again { number, left, renew, flush }| Paid {
            op: format!("{}.{number}", self.book.id()),
            cost: price.cost,
            is_exact: price.is_exact,
            restricted: false,
            repeated: false,
            left,
            renew,
            flush,
        }))
    }

    /// Whether the lease runs low, or holds so many operations that they should be reported now.
    fn should_renew(&self, now: Timestamp) -> Result<bool, Inexact> {
        if !self.may_send(now) {
            return Ok(false);
        }
        if self.book.is_filling() {
            return Ok(true);
        }
        if self.ask_not_before > now || !self.rate.is_known() {
            return Ok(false);
        }
        // Below a fifth of the last grant, or half a second at the present rate.
        Ok(self.book.is_low()? || self.rate.is_above_twice(self.book.spendable()?, now))
    }

    /// What the account had available beside this isolate's lease, when it last answered.
    fn others(&self) -> Result<Credits, Inexact> {
        Ok(self.balance.as_ref().map_or(Credits::ZERO, |balance| balance.available))
    }

    fn may_send(&self, now: Timestamp) -> bool {
        self.under_way.is_none_or(|since| now.millis_since(since) > UNDER_WAY_MS)
    }

    /// Whether the caller should start a flusher: there is none, or it has not been heard of.
    fn start_flushing(&mut self, now: Timestamp) -> bool {
        let start = self.flushing.is_none_or(|until| until <= now);
        if start {
            self.flushing = Some(now.plus_millis(REPORT_MS.saturating_mul(5)));
        }
        start
    }

    fn ask(
        &mut self,
        operation: Operation,
        cost: Credits,
        now: Timestamp,
    ) -> Result<Admission, Inexact> {
        let op = self.next_debit();
        let mut request = self.request(cost, now)?;
        request.debit = Some(operation.debit(op));
        self.asked = self.asked.saturating_add(1);
        Ok(Admission::Ask(Box::new(request)))
    }

    /// The name of an operation that no lease pays.
    fn next_debit(&mut self) -> String {
        self.counter = self.counter.saturating_add(1);
        format!("{}d{}", self.isolate, self.counter)
    }

    fn blank(&self) -> Request {
        let plan = self.prices.plan_hash();
        Request { v: VERSION, plan, keys: self.keys_revision, ..Request::default() }
    }

    /// A message; with report and wish, if no other one with these is under way.
    fn request(&mut self, cost: Credits, now: Timestamp) -> Result<Request, Inexact> {
        let mut request = self.blank();
        if !self.may_send(now) {
            return Ok(request);
        }
        if self.book.is_over(now) {
            // The account forgets a lease that has been at rest for long: never ask under its name.
            self.new_book();
        } else if self.book.is_past(now) {
            // What may not be spent any more goes back with the first message there is.
            self.book.give_back()?;
        }
        request.report = self.book.report()?;
        request.refunds = self.due_refunds(now);
        request.owed = self.owed.told(now);
        self.reserved.tell(&mut request, now);
        request.wish = self.wish(cost, now);
        self.under_way = if request.is_exclusive() { Some(now) } else { self.under_way };
        Ok(request)
    }

    /// Asks for what the present rate will need, if there is one.
    fn wish(&mut self, cost: Credits, now: Timestamp) -> Option<Wish> {
        let rate = self.rate.per_second(now).unwrap_or_default();
        let may_wish = self.ask_not_before <= now && self.rate.is_known();
        let is_wanted = may_wish && !cost.is_zero() && !rate.is_zero();
        is_wanted.then(|| self.book.next_wish(rate, cost))
    }

    fn new_book(&mut self) {
        self.counter = self.counter.saturating_add(1);
        self.as_of = self.as_of.saturating_add(1);
        self.book.renew_as(format!("{}l{}", self.isolate, self.counter));
    }

    fn due_refunds(&mut self, now: Timestamp) -> Vec<String> {
        self.refunds.due(now, |op| !self.book.is_unacknowledged(op))
    }

    /// Asks for more credits, beside a request that was paid. Nothing if a message is under way.
    ///
    /// # Errors
    ///
    /// [`Inexact`] if a sum leaves the range of credits.
    pub fn renew(&mut self, now: Timestamp) -> Result<Option<Request>, Inexact> {
        let cost = self.book.last_cost();
        self.may_send(now).then(|| self.request(cost, now)).transpose()
    }

    /// Reports what was spent, unless a renewal is about to; gives an idle lease back. Call every
    /// [`REPORT_MS`] until `Done`; after the `last` call the next paid operation starts another
    /// flusher.
    ///
    /// # Errors
    ///
    /// [`Inexact`] if a sum leaves the range of credits.
    pub fn flush(&mut self, now: Timestamp, last: bool) -> Result<Flush, Inexact> {
        self.look_at_clock(now);
        self.flushing = (!last).then(|| now.plus_millis(REPORT_MS.saturating_mul(5)));
        if !self.may_send(now) {
            return Ok(Flush::Wait);
        }
        let rests = self.idle || self.book.is_past(now);
        if rests {
            self.book.give_back()?;
        }
        self.idle = true;
        let mut request = Request { refunds: self.due_refunds(now), ..self.blank() };
        // What an unanswered wish was granted must be known before it can be given back.
        let doubt = self.book.is_in_doubt();
        request.owed = self.owed.told(now);
        self.reserved.tell(&mut request, now);
        let waits = !request.tells() && self.book.is_fresh(now);
        if !rests && !last && !doubt && waits {
            return Ok(Flush::Wait);
        }
        request.report = self.book.report()?;
        let cost = self.book.last_cost();
        request.wish = match doubt {
            true => Some(self.book.next_wish(Credits::ZERO, cost)),
            // A report that goes anyway asks for more as well, and spares the renewal.
            false if !rests && request.report.is_some() => self.wish(cost, now),
            false => None,
        };
        if !request.tells() && request.wish.is_none() {
            if self.book.is_at_rest() && self.has_told() {
                self.flushing = None;
                return Ok(Flush::Done);
            }
            return Ok(Flush::Wait);
        }
        self.under_way = if request.is_exclusive() { Some(now) } else { self.under_way };
        Ok(Flush::Send(Box::new(request)))
    }

    /// Reports at once, until the account has burned `op`. Many wait for one report: each looks.
    ///
    /// # Errors
    ///
    /// [`Inexact`] if a sum leaves the range of credits.
    pub fn persist(&mut self, op: &str, now: Timestamp) -> Result<Flush, Inexact> {
        let direct = op.strip_prefix(&*self.isolate).is_some_and(|rest| rest.starts_with('d'));
        let direct = direct || Once::name_of(op).is_some();
        if direct || self.book.is_burned(op) {
            return Ok(Flush::Done);
        }
        if !self.may_send(now) || !self.book.is_unacknowledged(op) {
            return Ok(Flush::Wait);
        }
        let wish = self.should_renew(now)?.then(|| self.book.last_cost());
        Ok(Flush::Send(Box::new(self.request(wish.unwrap_or_default(), now)?)))
    }

    /// Whether the caller should start a flusher, after an answer or for want of one: something is
    /// to be reported, given back or refunded, and nobody is at it.
    pub fn needs_flusher(&mut self, now: Timestamp) -> bool {
        let rests = self.book.is_at_rest() && self.has_told();
        !rests && self.start_flushing(now)
    }

    /// The answer to an operation is there. A failed one costs nothing: before it was reported it
    /// is struck off, after that it is refunded. Returns whether a flusher must be started.
    ///
    /// # Errors
    ///
    /// [`Inexact`] if a sum leaves the range of credits.
    pub fn settle(
        &mut self,
        op: &str,
        status: u16,
        failed: bool,
        now: Timestamp,
    ) -> Result<bool, Inexact> {
        let settled = self.book.settle(op, status, failed)?;
        if let Some(name) = Once::name_of(op).filter(|_| !failed) {
            self.reserved.end(name, End::Done);
            return Ok(self.start_flushing(now));
        }
        if !failed || settled || self.owed.strike(op)? {
            return Ok(false);
        }
        self.refunds.add(op, now);
        Ok(self.start_flushing(now))
    }
}
