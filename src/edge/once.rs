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
use crate::control::{Answer, DebitAnswer, KnownOnce, Once, Request};
use crate::units::Timestamp;

impl Account {
    /// Decides a message; its rows are written by the time this returns.
    pub(super) fn control_once(&self, request: &Request) -> Result<Answer, Problem> {
        let asked = request.debit.as_ref().map(|debit| debit.op.as_str());
        let asked = asked.or(request.reserve.as_ref().map(|reserve| reserve.op.as_str()));
        let Some((op, once)) = asked.zip(request.once.as_ref()) else {
            let answer = self.decide_control(request)?;
            self.end_named(request)?;
            return Ok(answer);
        };
        let now = super::now();
        let known = self.store.once(op).map_err(storage)?;
        if let Some(verdict) = known.as_ref().and_then(|known| known.judge(once, now)) {
            let rest = Request { debit: None, reserve: None, once: None, ..request.clone() };
            let mut answer = self.decide_control(&rest)?;
            if let (DebitAnswer::Repeated { .. }, Some(known)) = (&verdict, known) {
                let repeats = known.repeats.saturating_add(1);
                let again = KnownOnce { once: once.clone(), repeats, done: false, ..known };
                self.store.keep_once(op, &again, 1).map_err(storage)?;
            }
            answer.debit = Some(verdict);
            self.end_named(request)?;
            return Ok(answer);
        }
        let answer = self.decide_control(request)?;
        self.end_named(request)?;
        let cost = match &answer.debit {
            Some(DebitAnswer::Paid { cost }) => *cost,
            Some(DebitAnswer::Held { amount, .. }) => *amount,
            Some(DebitAnswer::Restricted) => Default::default(),
            _ => return Ok(answer),
        };
        self.keep(op, once, cost, now)?;
        Ok(answer)
    }

    fn keep(
        &self,
        op: &str,
        once: &Once,
        cost: crate::units::Credits,
        at: Timestamp,
    ) -> Result<(), Problem> {
        let first = KnownOnce { once: once.clone(), at, done: false, cost, repeats: 0 };
        let new = self.onces.get();
        self.onces.set(new.wrapping_add(1));
        self.store.keep_once(op, &first, new).map_err(storage)
    }

    fn end_named(&self, request: &Request) -> Result<(), Problem> {
        let settled = request.settles.iter().filter(|settle| settle.last);
        let done = request.done.iter().chain(settled.map(|settle| &settle.op));
        let failed = request.releases.iter().chain(&request.refunds);
        let named = |op: &&String| Once::is_named(op);
        done.filter(named).try_for_each(|op| self.store.end_once(op).map_err(storage))?;
        failed.filter(named).try_for_each(|op| self.store.drop_once(op).map_err(storage))
    }
}
