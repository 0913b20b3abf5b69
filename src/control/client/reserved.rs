//! Operations whose cost is known at their end: the account sets credits aside for each of them.
//!
//! ```text
//! reserve ─▶ asked ─▶ Held ─▶ running ─▶ raise …    it goes on for longer
//!              │                 └─▶ end ─▶ listed ─▶ told with the next message ─▶ answered
//!              ├─▶ no answer: what may be held for nobody is released
//!              └─▶ refused
//! ```
//!
//! Invariants: an operation ends once, and a raise that is not answered ends nothing: a release
//! that overtook the settlement would make it free. What ended stays listed until a message that
//! told it is answered, and is told again if there is no answer. At the account an end is final, so
//! nothing is charged twice.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::super::admission::{Admission, Held, OnceRefusal};
use super::super::message::{DebitAnswer, Request};
use super::super::once::Once;
use super::{Client, RETRY_MS, UNDER_WAY_MS};
use crate::ledger::{Reserve, Settle, Use};
use crate::units::{Credits, Inexact, Timestamp};

/// Ends of a message, at most.
const ENDS_MAX: usize = 500;
/// Ends that wait for the account to answer, at most: the oldest are given up, and what was set
/// aside for them stays on record there.
const WAITING_MAX: usize = 20_000;

/// How a reserved operation ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// It used something.
    Settled {
        /// In all.
        uses: Vec<Use>,
        /// HTTP status of its answer.
        status: u16,
        /// What was used is not known, and was estimated.
        estimated: bool,
    },
    /// It served nothing.
    Released,
    /// It was no reservation, but the client has a key for it.
    Done,
}

#[derive(Debug)]
struct Ended {
    op: String,
    end: End,
    sent: Option<Timestamp>,
}

/// Reserved operations that are asked for, that run, and that ended and were not told yet.
#[derive(Debug, Default)]
pub(super) struct Reserved {
    /// How often: the same key of a client may be asked for twice.
    asked: BTreeMap<String, usize>,
    /// With what is held for each.
    running: BTreeMap<String, Credits>,
    ended: VecDeque<Ended>,
}

impl Reserved {
    /// Whether nothing runs.
    pub(super) fn is_idle(&self) -> bool {
        self.running.is_empty()
    }

    /// Whether nothing waits to be told.
    pub(super) fn has_told(&self) -> bool {
        self.ended.is_empty()
    }

    fn ask(&mut self, op: &str) {
        let asked = self.asked.entry(op.to_owned()).or_default();
        *asked = asked.saturating_add(1);
    }

    /// One question is answered, or never will be. Returns whether another one is open.
    fn answered(&mut self, op: &str) -> bool {
        let left = self.asked.get(op).map_or(0, |asked| asked.saturating_sub(1));
        if left == 0 {
            self.asked.remove(op);
        } else {
            self.asked.insert(op.to_owned(), left);
        }
        left > 0
    }

    pub(super) fn end(&mut self, op: &str, end: End) {
        let is_known = self.asked.remove(op).is_some() | self.running.remove(op).is_some();
        if !is_known && self.ended.iter().any(|ended| ended.op == op) {
            return;
        }
        if self.ended.len() >= WAITING_MAX {
            self.ended.pop_front();
        }
        self.ended.push_back(Ended { op: op.to_owned(), end, sent: None });
    }

    /// Puts what is to be told into a message: what was never sent, or too long ago.
    pub(super) fn tell(&mut self, request: &mut Request, now: Timestamp) {
        let is_due = |ended: &&mut Ended| {
            ended.sent.is_none_or(|sent| sent > now || now.millis_since(sent) > UNDER_WAY_MS)
        };
        for ended in self.ended.iter_mut().filter(is_due).take(ENDS_MAX) {
            ended.sent = Some(now);
            let op = ended.op.clone();
            match ended.end.clone() {
                End::Settled { uses, status, estimated } => {
                    request.settles.push(Settle { op, uses, last: true, status, estimated });
                }
                End::Released => request.releases.push(op),
                End::Done => request.done.push(op),
            }
        }
    }

    /// A message was answered: what it told is forgotten.
    pub(super) fn forget(&mut self, request: &Request) {
        if let Some(told) = told(request) {
            self.ended.retain(|ended| !told.contains(ended.op.as_str()));
        }
    }

    /// A message was not answered: what it told is to be told again.
    pub(super) fn not_heard(&mut self, request: &Request) {
        let Some(told) = told(request) else { return };
        for ended in self.ended.iter_mut().filter(|ended| told.contains(ended.op.as_str())) {
            ended.sent = None;
        }
    }
}

fn told(request: &Request) -> Option<BTreeSet<&str>> {
    let settled = request.settles.iter().map(|settle| settle.op.as_str());
    let others = request.releases.iter().chain(&request.done).map(String::as_str);
    let told: BTreeSet<&str> = settled.chain(others).collect();
    (!told.is_empty()).then_some(told)
}

impl Client {
    /// Asks for credits for one operation. Its id is given here; `reserve.op` is the name of the
    /// client's key for it, if there is one, which stands for the `fingerprint` of its request.
    ///
    /// # Errors
    ///
    /// [`Inexact`] if a sum leaves the range of credits.
    pub fn reserve(
        &mut self,
        reserve: Reserve,
        fingerprint: Option<String>,
        now: Timestamp,
    ) -> Result<Admission, Inexact> {
        self.look_at_clock(now);
        if let Some(key) = &reserve.key
            && self.refused.get(key).is_some_and(|until| now < *until)
        {
            return Ok(Admission::KeyRefused);
        }
        self.counter = self.counter.saturating_add(1);
        let name = format!("{}r{}", self.isolate, self.counter);
        let mut request = self.request(Credits::ZERO, now)?;
        let op = if fingerprint.is_some() { Once::op(&reserve.op, &name) } else { name.clone() };
        self.reserved.ask(&op);
        request.reserve = Some(Reserve { op, held: Credits::ZERO, ..reserve });
        request.once = fingerprint.map(|fingerprint| Once { fingerprint, holder: name });
        self.asked = self.asked.saturating_add(1);
        Ok(Admission::Ask(Box::new(request)))
    }

    /// Asks for more of it, for an operation that runs; `reserve` names it, and what it may use in
    /// all.
    pub fn raise(&mut self, reserve: Reserve) -> Request {
        self.asked = self.asked.saturating_add(1);
        let held = self.reserved.running.get(&reserve.op).copied().unwrap_or_default();
        Request { reserve: Some(Reserve { held, ..reserve }), ..self.blank() }
    }

    /// Notes the end of an operation that was held, and says what to send; see [`Client::tell`].
    /// Another end of the same operation changes nothing.
    pub fn end(&mut self, op: &str, end: End, now: Timestamp) -> Option<Request> {
        self.reserved.end(op, end);
        self.tell(now)
    }

    /// A message that tells what ended, if something waits to be told.
    pub fn tell(&mut self, now: Timestamp) -> Option<Request> {
        let mut request = self.blank();
        self.reserved.tell(&mut request, now);
        told(&request).is_some().then_some(request)
    }

    /// There is no telling whether the account holds something for it.
    pub(super) fn give_up(&mut self, reserve: &Reserve) {
        let is_first = self.reserved.asked.contains_key(&reserve.op);
        let is_open = self.reserved.answered(&reserve.op);
        if is_first && !is_open && !self.reserved.running.contains_key(&reserve.op) {
            self.reserved.end(&reserve.op, End::Released);
        }
    }

    pub(super) fn held(
        &mut self,
        reserve: &Reserve,
        answer: Option<DebitAnswer>,
        now: Timestamp,
    ) -> Result<Option<Admission>, Inexact> {
        let op = reserve.op.clone();
        let is_first = self.reserved.asked.contains_key(&op);
        let held = |amount: Credits, most, left, restricted| {
            Admission::Held(Held { op: op.clone(), amount, most, left, restricted })
        };
        let admission = match answer {
            Some(DebitAnswer::Held { amount, most }) => {
                let known = self.reserved.running.get(&op).copied();
                // It ended while more was asked for: that ends with it.
                let Some(before) = known.or(is_first.then_some(Credits::ZERO)) else {
                    return Ok(None);
                };
                self.reserved.running.insert(op.clone(), amount.max(before));
                held(amount, most, self.others()?.plus(self.book.spendable()?)?, false)
            }
            Some(DebitAnswer::Restricted) => held(Credits::ZERO, None, Credits::ZERO, true),
            Some(DebitAnswer::CreditLimitReached { required, available }) => {
                // With what an idle lease holds the account may be able to.
                let may_ask = is_first && Once::name_of(&op).is_none() && self.may_send(now);
                if may_ask && self.book.give_back()? {
                    self.reserved.answered(&op);
                    self.ask_not_before = now.plus_millis(RETRY_MS);
                    return self.reserve(reserve.clone(), None, now).map(Some);
                }
                Admission::Denied { required, available }
            }
            Some(DebitAnswer::KeyRefused) => {
                if let Some(key) = &reserve.key {
                    self.refuse_key(key, now);
                }
                Admission::KeyRefused
            }
            Some(DebitAnswer::KeyLimitReached { period, limit, spent }) => {
                Admission::KeyLimited { period, limit, spent }
            }
            Some(DebitAnswer::RatingFailed) => Admission::Unpriced,
            Some(DebitAnswer::Repeated { op, cost }) => Admission::Paid(self.repeated(op, cost)?),
            Some(
                answer @ (DebitAnswer::OnceInFlight
                | DebitAnswer::OnceDiffers
                | DebitAnswer::OnceSpent),
            ) => match OnceRefusal::of(&answer) {
                Some(refusal) => Admission::Once(refusal),
                None => return Ok(None),
            },
            // It cannot be told from what was asked before.
            Some(DebitAnswer::Paid { .. } | DebitAnswer::Ended) | None => {
                self.give_up(reserve);
                return Ok(None);
            }
        };
        if is_first {
            self.reserved.answered(&op);
        }
        Ok(Some(admission))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_is_told_again_once_nobody_answers_or_the_clock_was_set_back() {
        let at = |ms: i64| Timestamp::from_millis(1_000_000 + ms);
        for (ms, again) in [(0, 0), (UNDER_WAY_MS, 0), (UNDER_WAY_MS + 1, 1), (-1, 1)] {
            let mut reserved = Reserved::default();
            reserved.ask("a");
            reserved.end("a", End::Released);
            let told = |reserved: &mut Reserved, now| {
                let mut request = Request::default();
                reserved.tell(&mut request, now);
                request.releases.len()
            };
            assert_eq!((told(&mut reserved, at(0)), told(&mut reserved, at(ms))), (1, again));
        }
    }
}
