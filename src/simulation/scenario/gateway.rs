//! What an isolate does with a request, an answer and a round of its flusher, as
//! `src/edge/entry.js` does it, with everything counted.
//!
//! ```text
//! arrives ─▶ decided ─▶ served ─▶ renewal, flusher, and the origin's answer
//!               │  └──▶ refused: what is stranded by then, and could it have been paid?
//!               └─ask─▶ send ─▶ hears ─▶ decided
//! ```

use std::rc::Rc;

use super::{Found, Happening, ORIGIN_MS, ROUNDS, Run};
use crate::control::{Admission, Answer, DENIAL_MS, Flush, Operation, REPORT_MS, Request};
use crate::simulation::books::lease_of;
use crate::simulation::script::START;
use crate::simulation::{Broken, Invariant};
use crate::units::Timestamp;

impl Run {
    pub(super) fn arrives(&mut self, index: usize) -> Result<(), Broken> {
        let second = self.now.saturating_sub(START).div_euclid(1_000);
        let spike = self.traffic.spike.is_some_and(|(from, to)| (from..to).contains(&second));
        let mean =
            if spike { self.traffic.interval_ms.div_euclid(10) } else { self.traffic.interval_ms };
        let next = self.chance.millis(mean.saturating_mul(2).saturating_add(1));
        self.put(next, Happening::Arrives(index));
        let operation = Operation {
            route: Rc::from("GET /words"),
            charge: self.charge.clone(),
            key: self.key.clone(),
            quantity: self.one,
        };
        self.count(|found| &mut found.requests);
        let now = self.clock();
        let Some(isolate) = self.isolates.get_mut(index) else { return Ok(()) };
        let admission = isolate.client.admit(operation, now)?;
        self.decided(index, admission, now)
    }

    /// Counts something until the first 402 and in all.
    fn count(&mut self, which: impl FnOnce(&mut Found) -> &mut [u64; 2]) {
        let early = self.first_402.is_none();
        let [before, all] = which(&mut self.found);
        *all = all.saturating_add(1);
        if early {
            *before = *all;
        }
    }

    fn decided(
        &mut self,
        index: usize,
        admission: Admission,
        sent: Timestamp,
    ) -> Result<(), Broken> {
        let now = self.clock();
        match admission {
            Admission::Paid(paid) => {
                self.count(|found| &mut found.served);
                let Some(isolate) = self.isolates.get_mut(index) else { return Ok(()) };
                let life = isolate.life;
                if let Some((lease, _)) = lease_of(&paid.op) {
                    let spent = isolate.spent.entry(lease.to_owned()).or_default();
                    *spent = spent.saturating_add(1);
                    self.leased = self.leased.saturating_add(1);
                }
                let renewal = if paid.renew { isolate.client.renew(now)? } else { None };
                if let Some(request) = renewal {
                    self.send(index, request, 0);
                }
                if paid.flush {
                    self.put(REPORT_MS, Happening::Flushes { isolate: index, life, round: 1 });
                }
                self.put(ORIGIN_MS, Happening::Settles { isolate: index, life, op: paid.op });
                Ok(())
            }
            Admission::Ask(request) => {
                self.send(index, *request, 0);
                Ok(())
            }
            Admission::Denied { required, .. } => {
                if self.first_402.is_none() {
                    self.first_402 = Some(self.now);
                    self.found.stranded = self.unspent_leases()?;
                }
                let since = sent.millis().saturating_sub(DENIAL_MS).saturating_sub(60);
                let mut recent = self.available.iter().rev();
                let before = recent.clone().position(|(at, _)| *at < since);
                let count = before.map_or(usize::MAX, |index| index.saturating_add(1));
                if recent.by_ref().take(count).all(|(_, available)| *available >= required) {
                    self.found.false_denials = self.found.false_denials.saturating_add(1);
                }
                Ok(())
            }
            other => Err(Broken::new(Invariant::Exact, "a decision", format!("{other:?}"))),
        }
    }

    /// A message to the account; `round` is the flusher's that waits for it, or 0.
    fn send(&mut self, isolate: usize, request: Request, round: u32) {
        self.count(|found| &mut found.calls);
        let life = self.isolates.get(isolate).map_or(0, |isolate| isolate.life);
        let (request, sent, way) = (Rc::new(request), self.clock(), self.way());
        self.put(way, Happening::Asks { isolate, life, sent, request, round });
    }

    pub(super) fn hears(
        &mut self,
        index: usize,
        life: u64,
        sent: Timestamp,
        request: &Request,
        round: u32,
        answer: Answer,
    ) -> Result<(), Broken> {
        let now = self.clock();
        let Some(isolate) = self.isolates.get_mut(index).filter(|i| i.life == life) else {
            return Ok(());
        };
        let admission = isolate.client.answered(request, answer, sent, now)?;
        let flush = isolate.client.needs_flusher(now);
        if let Some(admission) = admission {
            self.decided(index, admission, sent)?;
        }
        if flush {
            self.put(REPORT_MS, Happening::Flushes { isolate: index, life, round: 1 });
        }
        if (1..ROUNDS).contains(&round) {
            let round = round.saturating_add(1);
            self.put(REPORT_MS, Happening::Flushes { isolate: index, life, round });
        }
        Ok(())
    }

    pub(super) fn flushes(&mut self, index: usize, life: u64, round: u32) -> Result<(), Broken> {
        let now = self.clock();
        let Some(isolate) = self.isolates.get_mut(index).filter(|i| i.life == life) else {
            return Ok(());
        };
        let flush = isolate.client.flush(now, round == ROUNDS)?;
        match flush {
            Flush::Send(request) => self.send(index, *request, round),
            Flush::Wait if round < ROUNDS => {
                let round = round.saturating_add(1);
                self.put(REPORT_MS, Happening::Flushes { isolate: index, life, round });
            }
            Flush::Wait | Flush::Done => {}
        }
        Ok(())
    }
}
