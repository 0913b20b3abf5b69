//! What clients' idempotency keys do to a message of an isolate: the row of a key decides first,
//! and is written in the same breath as the charge.
//!
//! ```text
//! request.once ─▶ row? ─▶ judge ─▶ answered: repeated, in flight, differs, spent
//!                            └──▶ the first: decided as any other ─▶ charged: a row
//! done, settled ─▶ row: done        refunded, released ─▶ no row
//! ```

use super::account::{Account, storage};
use super::problem::Problem;
use crate::control::{Answer, DebitAnswer, KnownOnce, Once, REPEATS_MAX, Request};
use crate::units::Credits;

impl Account {
    /// Decides a message; its rows are written by the time this returns.
    pub(super) fn control_once(&self, request: &Request) -> Result<Answer, Problem> {
        let asked = request.debit.as_ref().map(|debit| debit.op.as_str());
        let asked = asked.or(request.reserve.as_ref().map(|reserve| reserve.op.as_str()));
        let named = asked.and_then(|op| Some((op, Once::name_of(op)?)));
        let Some(((op, name), once)) = named.zip(request.once.as_ref()) else {
            let answer = self.decide_control(request)?;
            self.note_ended(request)?;
            self.drop_failed(request)?;
            return Ok(answer);
        };
        // The same message may tell that the first one ended.
        self.note_ended(request)?;
        let now = super::now();
        let known = self.store.once(name).map_err(storage)?;
        let most = request.repeats.min(REPEATS_MAX);
        if let Some(verdict) = known.as_ref().and_then(|known| known.judge(once, most, now)) {
            let rest = Request { debit: None, reserve: None, once: None, ..request.clone() };
            let mut answer = self.decide_control(&rest)?;
            answer.debit = Some(match (verdict, known) {
                (DebitAnswer::Repeated { .. }, _) if !self.is_active(request) => {
                    DebitAnswer::KeyRefused
                }
                (DebitAnswer::Repeated { op, cost }, Some(known)) => {
                    let repeats = known.repeats.saturating_add(1);
                    let again = KnownOnce { once: once.clone(), repeats, done: false, ..known };
                    self.store.keep_once(name, &again, 1).map_err(storage)?;
                    DebitAnswer::Repeated { op, cost }
                }
                (verdict, _) => verdict,
            });
            self.drop_failed(request)?;
            return Ok(answer);
        }
        let answer = self.decide_control(request)?;
        self.drop_failed(request)?;
        let cost = match &answer.debit {
            Some(DebitAnswer::Paid { cost }) => *cost,
            Some(DebitAnswer::Held { amount, .. }) => *amount,
            Some(DebitAnswer::Restricted) => Credits::ZERO,
            _ => return Ok(answer),
        };
        let (op, once) = (op.to_owned(), once.clone());
        let first = KnownOnce { op, once, at: now, done: false, cost, repeats: 0 };
        let new = self.onces.get();
        self.onces.set(new.wrapping_add(1));
        self.store.keep_once(name, &first, new).map_err(storage)?;
        Ok(answer)
    }

    /// Whether the key that asks is active: what it paid for is not served to it after its end.
    fn is_active(&self, request: &Request) -> bool {
        let hot = self.hot.borrow();
        let key = request.debit.as_ref().map(|debit| &debit.key);
        let key = key.zip(hot.as_ref()).and_then(|(key, hot)| hot.ledger.keys().get(key));
        key.is_some_and(|key| key.active)
    }

    fn note_ended(&self, request: &Request) -> Result<(), Problem> {
        let settled = request.settles.iter().filter(|settle| settle.last);
        let settled = settled.filter_map(|settle| Once::name_of(&settle.op));
        let mut done = request.done.iter().map(String::as_str).chain(settled);
        done.try_for_each(|name| self.store.end_once(name).map_err(storage))
    }

    fn drop_failed(&self, request: &Request) -> Result<(), Problem> {
        let failed = request.releases.iter().chain(&request.refunds);
        let mut failed = failed.filter_map(|op| Some((Once::name_of(op)?, op)));
        failed.try_for_each(|(name, op)| self.store.drop_once(name, op).map_err(storage))
    }
}
