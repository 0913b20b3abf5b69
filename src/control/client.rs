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
//! ```
//!
//! Invariants: spendable is never below zero; nothing is spent at or after the deadline, which is
//! counted from when the isolate *asked*, while the account counts twice as long from when it
//! *answered*; operations are numbered without gaps in the order of admission; at most one message
//! with a report is under way.

use std::collections::{BTreeSet, VecDeque};
use std::rc::Rc;

use super::admission::{Admission, Flush, Operation, Paid};
use super::lease_book::LeaseBook;
use super::message::{Answer, DebitAnswer, Request, VERSION};
use super::rate::Rate;
use super::{DENIAL_MS, REPORT_MS};
use crate::ledger::{Balance, Debit, inline};
use crate::plan::Plan;
use crate::units::{Credits, Inexact, KeyId, Quantity, Timestamp};

/// How long a message may be under way before another may be sent in its place.
const UNDER_WAY_MS: i64 = 10_000;
/// How soon an isolate asks again after a wish that brought nothing.
const RETRY_MS: i64 = 250;

/// One account as one isolate knows it.
#[derive(Debug)]
pub struct Client {
    isolate: Rc<str>,
    plan: Option<Plan>,
    keys: BTreeSet<KeyId>,
    keys_revision: u64,
    balance: Option<Balance>,
    book: LeaseBook,
    rate: Rate,
    refunds: VecDeque<String>,
    denied: Option<(Timestamp, Credits)>,
    under_way: Option<Timestamp>,
    ask_not_before: Timestamp,
    flushing: Option<Timestamp>,
    idle: bool,
    counter: u64,
}

impl Client {
    /// Knows nothing yet. `isolate` must be unique for ever: lease and operation ids start with it.
    pub fn new(isolate: &str, counter: u64) -> Self {
        Self {
            isolate: isolate.into(),
            plan: None,
            keys: BTreeSet::new(),
            keys_revision: 0,
            balance: None,
            book: LeaseBook::new(format!("{isolate}l{counter}")),
            rate: Rate::default(),
            refunds: VecDeque::new(),
            denied: None,
            under_way: None,
            ask_not_before: Timestamp::default(),
            flushing: None,
            idle: false,
            counter,
        }
    }

    /// The account's credits as of the last answer.
    pub fn balance(&self) -> Option<&Balance> {
        self.balance.as_ref()
    }

    /// The plan as of the last answer.
    pub fn plan(&self) -> Option<&Plan> {
        self.plan.as_ref()
    }

    /// Whether nothing would be lost by forgetting this account.
    pub fn is_at_rest(&self) -> bool {
        self.under_way.is_none() && self.book.is_at_rest() && self.refunds.is_empty()
    }

    /// Decides an operation. No I/O; takes O(tiers).
    ///
    /// # Errors
    ///
    /// [`Inexact`] if a sum leaves the range of credits.
    pub fn admit(&mut self, operation: Operation, now: Timestamp) -> Result<Admission, Inexact> {
        let cost = match self.price(&operation) {
            Some(Ok(cost)) => cost,
            Some(Err(())) => return Ok(Admission::Unpriced),
            None => return Ok(self.ask(operation, Credits::ZERO, now)),
        };
        if self.keys.contains(&operation.key)
            && let Some(paid) = self.pay(&operation, cost, now)?
        {
            return Ok(Admission::Paid(paid));
        }
        if let Some(available) = self.denial(cost, now) {
            return Ok(Admission::Denied { required: cost, available });
        }
        Ok(self.ask(operation, cost, now))
    }

    /// The price, if the isolate can know it; `Err` if the plan has none for this.
    fn price(&self, operation: &Operation) -> Option<Result<Credits, ()>> {
        let Some(charge) = self.plan.as_ref()?.charge(&operation.charge) else {
            return Some(Err(()));
        };
        if !inline::is_constant(charge) {
            return None;
        }
        Some(inline::cost(charge, Quantity::ZERO, operation.quantity).ok_or(()))
    }

    fn pay(
        &mut self,
        operation: &Operation,
        cost: Credits,
        now: Timestamp,
    ) -> Result<Option<Paid>, Inexact> {
        let Some(number) = self.book.pay(operation, cost, now)? else { return Ok(None) };
        self.rate.note(cost, now)?;
        self.idle = false;
        let left = self.book.spendable()?.plus(self.others()?)?;
        let renew = self.should_renew(now)?;
        Ok(Some(Paid {
            op: format!("{}.{number}", self.book.id()),
            cost,
            left,
            renew,
            flush: self.start_flushing(now),
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
        if self.ask_not_before > now {
            return Ok(false);
        }
        // Below a fifth of the last grant, or half a second at the present rate.
        Ok(self.book.is_low()? || self.rate.is_above_twice(self.book.spendable()?, now))
    }

    /// What the account had available beside this isolate's lease, when it last answered.
    fn others(&self) -> Result<Credits, Inexact> {
        Ok(self.balance.as_ref().map_or(Credits::ZERO, |balance| balance.available))
    }

    fn denial(&self, cost: Credits, now: Timestamp) -> Option<Credits> {
        let (until, available) = self.denied?;
        (now < until && available < cost).then_some(available)
    }

    fn may_send(&self, now: Timestamp) -> bool {
        self.under_way.is_none_or(|since| now.millis_since(since) > UNDER_WAY_MS)
    }

    /// Whether the caller should start a flusher: there is none, or it has not been heard of.
    fn start_flushing(&mut self, now: Timestamp) -> bool {
        let stale = |until: Timestamp| until <= now;
        let start = self.flushing.is_none_or(stale);
        if start {
            self.flushing = Some(now.plus_millis(REPORT_MS.saturating_mul(5)));
        }
        start
    }

    fn ask(&mut self, operation: Operation, cost: Credits, now: Timestamp) -> Admission {
        self.counter = self.counter.saturating_add(1);
        let op = format!("{}d{}", self.isolate, self.counter);
        let mut request = self.request(cost, now);
        let Operation { route, charge, key, quantity } = operation;
        request.debit = Some(Debit { op, route: route.to_string(), charge, key, quantity });
        Admission::Ask(Box::new(request))
    }

    /// A message; with report and wish, if no other one with these is under way.
    fn request(&mut self, cost: Credits, now: Timestamp) -> Request {
        let plan = self.plan.as_ref().map(|plan| plan.hash().to_owned()).unwrap_or_default();
        let mut request =
            Request { v: VERSION, plan, keys: self.keys_revision, ..Request::default() };
        if !self.may_send(now) {
            return request;
        }
        if self.book.is_over(now) {
            // The account forgets a lease that has been at rest for long: never ask under its name.
            self.new_book();
        }
        request.report = self.book.report();
        request.refunds = self.due_refunds();
        let rate = self.rate.per_second(now).unwrap_or_default();
        if self.ask_not_before <= now && !cost.is_zero() && !rate.is_zero() {
            request.wish = Some(self.book.next_wish(rate, cost));
        }
        if is_exclusive(&request) {
            self.under_way = Some(now);
        }
        request
    }

    fn new_book(&mut self) {
        self.counter = self.counter.saturating_add(1);
        self.book.renew_as(format!("{}l{}", self.isolate, self.counter));
    }

    fn due_refunds(&self) -> Vec<String> {
        self.refunds.iter().filter(|op| !self.book.is_unacknowledged(op)).cloned().collect()
    }

    /// Asks for more credits, beside a request that was paid. Nothing if a message is under way.
    pub fn renew(&mut self, now: Timestamp) -> Option<Request> {
        let cost = self.book.last_cost();
        self.may_send(now).then(|| self.request(cost, now))
    }

    /// Reports what was spent, unless a renewal is about to; gives an idle lease back. Call every
    /// [`REPORT_MS`] until `Done`; after the `last` call the next paid operation starts another
    /// flusher.
    ///
    /// # Errors
    ///
    /// [`Inexact`] if a sum leaves the range of credits.
    pub fn flush(&mut self, now: Timestamp, last: bool) -> Result<Flush, Inexact> {
        self.flushing = (!last).then(|| now.plus_millis(REPORT_MS.saturating_mul(5)));
        if !self.may_send(now) {
            return Ok(Flush::Wait);
        }
        let rests = self.idle || self.book.is_past(now);
        if rests {
            self.book.give_back()?;
        }
        self.idle = true;
        let refunds = self.due_refunds();
        // What an unanswered wish was granted must be known before it can be given back.
        let doubt = self.book.is_in_doubt();
        if !rests && !last && !doubt && refunds.is_empty() && self.book.is_fresh(now) {
            return Ok(Flush::Wait);
        }
        let report = self.book.report();
        let wish = doubt.then(|| self.book.next_wish(Credits::ZERO, self.book.last_cost()));
        if report.is_none() && refunds.is_empty() && wish.is_none() {
            if self.book.is_at_rest() && self.refunds.is_empty() {
                self.flushing = None;
                return Ok(Flush::Done);
            }
            return Ok(Flush::Wait);
        }
        self.under_way = Some(now);
        let plan = self.plan.as_ref().map(|plan| plan.hash().to_owned()).unwrap_or_default();
        let keys = self.keys_revision;
        let request =
            Request { v: VERSION, plan, keys, report, refunds, wish, ..Request::default() };
        Ok(Flush::Send(Box::new(request)))
    }

    /// Whether the caller should start a flusher, after an answer or for want of one: something is
    /// to be reported, given back or refunded, and nobody is at it.
    pub fn needs_flusher(&mut self, now: Timestamp) -> bool {
        let rests = self.book.is_at_rest() && self.refunds.is_empty();
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
        if !failed || settled {
            return Ok(false);
        }
        self.refunds.push_back(op.to_owned());
        Ok(self.start_flushing(now))
    }

    /// The account did not answer: another message may be sent, with the same report again. A
    /// debit may have been burned all the same, for nobody: it is refunded.
    pub fn unanswered(&mut self, request: &Request) {
        if let Some(debit) = &request.debit {
            self.refunds.push_back(debit.op.clone());
        }
        self.free(request);
    }

    fn free(&mut self, request: &Request) {
        if is_exclusive(request) {
            self.under_way = None;
        }
    }

    /// Takes an answer to a request that was sent at `sent`, and decides its debit, if any.
    ///
    /// # Errors
    ///
    /// [`Inexact`] if a sum leaves the range of credits.
    pub fn answered(
        &mut self,
        request: &Request,
        answer: Answer,
        sent: Timestamp,
        now: Timestamp,
    ) -> Result<Option<Admission>, Inexact> {
        self.free(request);
        self.refunds.retain(|op| !request.refunds.contains(op));
        if let Some(json) = &answer.plan_json {
            self.plan = Plan::parse(json).ok();
        }
        if let Some(keys) = answer.keys {
            self.keys_revision = keys.revision;
            self.keys = keys.active.into_iter().collect();
        }
        self.balance = Some(answer.balance);
        if let (Some(acked), Some(report)) = (answer.acked, &request.report) {
            self.book.acknowledge(&report.lease, acked, report.returned);
        }
        let reported = request.report.as_ref().map(|report| report.lease.as_str());
        let wished = request.wish.as_ref().map(|wish| wish.lease.as_str());
        let is_ours = [reported, wished].contains(&Some(self.book.id()));
        if answer.lease_unknown && is_ours {
            self.new_book();
        } else if let Some(wish) = &request.wish {
            let deadline = sent.plus_millis(answer.validity_ms);
            let got = self.book.grant(wish, answer.granted, deadline)?;
            self.ask_not_before = if got { now } else { now.plus_millis(RETRY_MS) };
        }
        let Some(debit) = &request.debit else { return Ok(None) };
        let Some(verdict) = answer.debit else { return Ok(None) };
        self.verdict(debit, verdict, now).map(Some)
    }

    fn verdict(
        &mut self,
        debit: &Debit,
        verdict: DebitAnswer,
        now: Timestamp,
    ) -> Result<Admission, Inexact> {
        match verdict {
            DebitAnswer::Paid { cost } => {
                self.rate.note(cost, now)?;
                self.denied = None;
                self.idle = false;
                let left = self.others()?.plus(self.book.spendable()?)?;
                // A lease that came with the answer must be given back some time.
                let flush = !self.book.is_at_rest() && self.start_flushing(now);
                Ok(Admission::Paid(Paid { op: debit.op.clone(), cost, left, renew: false, flush }))
            }
            DebitAnswer::KeyRefused => Ok(Admission::KeyRefused),
            DebitAnswer::RatingFailed => Ok(Admission::Unpriced),
            DebitAnswer::CreditLimitReached { required, available } => {
                let operation = Operation {
                    route: debit.route.as_str().into(),
                    charge: debit.charge.clone(),
                    key: debit.key.clone(),
                    quantity: debit.quantity,
                };
                // A lease may have come meanwhile, or hold a rest that is too small by itself.
                if let Some(paid) = self.pay(&operation, required, now)? {
                    return Ok(Admission::Paid(paid));
                }
                if self.may_send(now) && self.book.give_back()? {
                    self.ask_not_before = now.plus_millis(RETRY_MS);
                    return Ok(self.ask(operation, required, now));
                }
                self.denied = Some((now.plus_millis(DENIAL_MS), available));
                Ok(Admission::Denied { required, available })
            }
        }
    }
}

/// Messages with a report, refunds or a wish go one at a time; debits alone need no order.
fn is_exclusive(request: &Request) -> bool {
    request.report.is_some() || request.wish.is_some() || !request.refunds.is_empty()
}
