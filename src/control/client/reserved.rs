//! Operations whose cost is known at their end: the account sets credits aside for each of them.
//!
//! ```text
//! reserve ─▶ Held ─▶ running ─▶ raise …    it goes on for longer
//!                       └─▶ end ─▶ listed ─▶ told with the next message ─▶ answered: forgotten
//!         ─▶ refused, or no answer         what may be held for nobody is released
//! ```
//!
//! Invariants: an operation ends once; what ended stays listed until a message that told it is
//! answered, and is told again if there is no answer. At the account an end is final, so nothing is
//! charged twice.

use std::collections::{BTreeSet, VecDeque};

use super::super::admission::{Admission, Held, OnceRefusal};
use super::super::message::{DebitAnswer, Request};
use super::super::once::Once;
use super::{Client, UNDER_WAY_MS};
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

/// Reserved operations that run, and those that ended and were not told yet.
#[derive(Debug, Default)]
pub(super) struct Reserved {
    running: BTreeSet<String>,
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

    pub(super) fn end(&mut self, op: &str, end: End) {
        self.running.remove(op);
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
        request.reserve = Some(Reserve { op, ..reserve });
        request.once = fingerprint.map(|fingerprint| Once { fingerprint, holder: name });
        self.asked = self.asked.saturating_add(1);
        Ok(Admission::Ask(Box::new(request)))
    }

    /// Asks for more of it, for an operation that runs; `reserve` names it.
    pub fn raise(&mut self, reserve: Reserve) -> Request {
        self.asked = self.asked.saturating_add(1);
        Request { reserve: Some(reserve), ..self.blank() }
    }

    /// Notes the end of an operation that was held, and says what to send; see [`Client::tell`].
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
        if !self.reserved.running.contains(&reserve.op) {
            self.reserved.end(&reserve.op, End::Released);
        }
    }

    pub(super) fn held(
        &mut self,
        reserve: &Reserve,
        answer: Option<DebitAnswer>,
        now: Timestamp,
    ) -> Result<Option<Admission>, Inexact> {
        Ok(Some(match answer {
            Some(DebitAnswer::Held { amount, most }) => {
                self.reserved.running.insert(reserve.op.clone());
                let left = self.others()?.plus(self.book.spendable()?)?;
                let (op, restricted) = (reserve.op.clone(), false);
                Admission::Held(Held { op, amount, most, left, restricted })
            }
            Some(DebitAnswer::Restricted) => {
                let (op, restricted) = (reserve.op.clone(), true);
                let zero = Credits::ZERO;
                Admission::Held(Held { op, amount: zero, most: None, left: zero, restricted })
            }
            Some(DebitAnswer::CreditLimitReached { required, available }) => {
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
        }))
    }
}
