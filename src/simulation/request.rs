//! What an isolate does with requests, answers and rounds of its flusher, as `src/edge/entry.js`
//! does it.

use std::rc::Rc;

use rust_decimal::prelude::ToPrimitive;

use super::Broken;
use super::Invariant::{ClientStopsFirst, Exact, NoFalseDenial, NoFalseRefusal, Revoked};
use super::books::{Fate, Service, lease_of};
use super::chance::Chance;
use super::tally::Count;
use super::world::{Flying, KnownKey, REMEMBERED_MS, Ticket, World, made};
use crate::control::{Admission, Answer, DENIAL_MS, Flush, Operation, VALIDITY_MS_MAX};
use crate::ledger::Debit;
use crate::units::{Credits, KeyId};

/// Between two ticks of a clock that ticks unevenly, in milliseconds.
const CLOCK_GUARD_MS: i64 = 50;

/// Why an isolate decides now.
pub(super) struct Asked {
    pub key: KeyId,
    pub quantity: u64,
    /// The question to the account, unless it decided from memory, and when it was sent.
    pub op: Option<String>,
    pub sent_at: i64,
    /// How often the account had crashed by then.
    pub crashes: u64,
    /// What its route may owe.
    pub allowance: Option<Credits>,
}

impl World {
    pub(super) fn admit(&mut self, slot: usize, chance: &mut Chance) -> Result<(), Broken> {
        let now = self.wake(slot)?;
        let key = self.some_key(chance)?;
        let quantity = chance.of(&[1_u64, 1, 1, 2, 5]);
        let operation = Operation {
            route: Rc::from("GET /words"),
            charge: "words".parse().map_err(|e| made("a charge", &e))?,
            key: key.clone(),
            quantity: quantity.to_string().parse().map_err(|e| made("a quantity", &e))?,
        };
        let allowance = self.some_allowance(chance)?;
        let client = &mut self.isolate(slot)?.client;
        let admission = match allowance {
            Some(allowance) => client.admit_or_owe(operation, allowance, now)?,
            None => client.admit(operation, now)?,
        };
        let (sent_at, crashes) = (self.now, self.books.crashes);
        let asked = Asked { key, quantity, op: None, sent_at, crashes, allowance };
        self.decided(slot, admission, &asked)
    }

    /// Mostly one that may be used.
    pub(super) fn some_key(&self, chance: &mut Chance) -> Result<KeyId, Broken> {
        let number = match chance.below(20) {
            0 => chance.below(self.keys_made.saturating_add(1)),
            1..=9 => self.keys_made.saturating_sub(1),
            _ => 0,
        };
        format!("k{number}").parse().map_err(|e| made("a key", &e))
    }

    pub(super) fn decided(
        &mut self,
        slot: usize,
        admission: Admission,
        asked: &Asked,
    ) -> Result<(), Broken> {
        let life = self.isolate(slot)?.life;
        let now = self.now;
        match admission {
            Admission::Paid(paid) => {
                self.paid(slot, &paid.op, paid.cost, asked)?;
                if paid.renew {
                    let clock = self.wake(slot)?;
                    if let Some(request) = self.isolate(slot)?.client.renew(clock)? {
                        self.send(slot, request, true, None)?;
                    }
                }
                return Ok(());
            }
            Admission::Owed(paid) => return self.owed(slot, &paid.op, paid.cost, asked),
            Admission::Ask(request) => return self.send(slot, *request, false, asked.allowance),
            Admission::Denied { required, available } => {
                self.tell(|| format!("i{life}        refuses: {required} of {available}"));
                self.denied(slot, required, asked)?;
            }
            Admission::KeyRefused => {
                let key = &asked.key;
                self.tally.note(Count::KeysRefused);
                let sent_at = self.refused(slot, key, asked.op.is_some(), asked.sent_at)?;
                let always = |key: &KnownKey| {
                    key.created < sent_at && key.disabled.is_none_or(|at| at > now)
                };
                if self.keys.get(key).is_some_and(always) {
                    return Err(Broken::new(NoFalseRefusal, format!("{key} works"), "403"));
                }
                self.tell(|| format!("i{life}        refuses: {key} is not active"));
            }
            Admission::KeyLimited { .. } => {
                let key = &asked.key;
                self.tally.note(Count::KeysAtLimit);
                if !self.keys.get(key).is_some_and(|key| key.limited) {
                    return Err(Broken::new(NoFalseRefusal, format!("{key} has no limit"), "402"));
                }
                self.tell(|| format!("i{life}        refuses: {key} has spent its limit"));
            }
            Admission::Unpriced | Admission::Held(_) | Admission::Once(_) => {
                return Err(Broken::new(Exact, "a price", "none"));
            }
        }
        if let Some(op) = &asked.op {
            self.books.closed(op, Fate::Refused(asked.crashes), life)?;
        }
        Ok(())
    }

    fn paid(&mut self, slot: usize, op: &str, cost: Credits, asked: &Asked) -> Result<(), Broken> {
        let (life, now) = (self.isolate(slot)?.life, self.now);
        self.tell(|| format!("i{life}        serves {op} for {cost}"));
        self.tally.note(Count::Served);
        self.tally.credits = self.tally.credits.plus(cost)?;
        let terms = usize::try_from(self.isolate(slot)?.terms).unwrap_or(usize::MAX);
        self.books.served(Service { op, cost, quantity: asked.quantity, terms, life })?;
        if let Some((lease, _)) = lease_of(op) {
            self.tally.note(Count::ServedFromLease);
            self.check_lease(slot, lease, &asked.key)?;
            // The account's debit was refused, and a lease paid meanwhile.
            if let Some(op) = &asked.op {
                self.books.closed(op, Fate::Refused(asked.crashes), life)?;
            }
        }
        self.isolate(slot)?.flying.push_back(Flying { op: op.to_owned(), at: now });
        self.audit_served()
    }

    /// The client stops before the account releases; and a revoked key stops with the lease.
    fn check_lease(&mut self, slot: usize, lease: &str, key: &KeyId) -> Result<(), Broken> {
        let ledger = &self.account.ledger;
        let open = ledger.leases().get(lease).is_some_and(|lease| lease.ended_at.is_none());
        let cut_short = self.books.leases.get(lease).is_some_and(|lease| lease.cut_short);
        if !open && !cut_short {
            let found = "an operation is paid with it";
            return Err(Broken::new(ClientStopsFirst, format!("{lease} is over"), found));
        }
        if !self.isolate(slot)?.keys.active.contains(key) {
            let expected = format!("{key} stops once the account said so");
            return Err(Broken::new(Revoked, expected, "it is served"));
        }
        let since = self.now.saturating_sub(VALIDITY_MS_MAX).saturating_sub(CLOCK_GUARD_MS);
        let since = since.saturating_sub(self.jumped_back(slot, since)?);
        let is_stale = |key: &KnownKey| key.leasable_until.is_some_and(|at| at < since);
        if self.keys.get(key).is_none_or(is_stale) {
            return Err(Broken::new(Revoked, format!("{key} stops with {lease}"), "it is served"));
        }
        Ok(())
    }

    /// How far an isolate's clock went back since then, in all.
    fn jumped_back(&mut self, slot: usize, since: i64) -> Result<i64, Broken> {
        // A jump counts for as long as what it prolongs may have begun before it.
        let since = since.saturating_sub(VALIDITY_MS_MAX);
        let jumps = &self.isolate(slot)?.jumps;
        let jumps = jumps.iter().rev().take_while(|(at, _)| *at >= since);
        Ok(jumps.map(|(_, back)| *back).sum())
    }

    /// No false 402: the account itself could not pay, as far as anybody can know.
    fn denied(&mut self, slot: usize, required: Credits, asked: &Asked) -> Result<(), Broken> {
        let now = self.now;
        self.tally.note(Count::Denied);
        if asked.op.is_some() {
            self.isolate(slot)?.denied = Some((asked.sent_at, now));
        } else {
            self.tally.note(Count::DeniedFromMemory);
        }
        let Some((sent_at, received_at)) = self.isolate(slot)?.denied else {
            return Err(Broken::new(NoFalseDenial, "a denial of the account", "none"));
        };
        let back = self.jumped_back(slot, received_at)?;
        let age = now.saturating_sub(received_at);
        if age > DENIAL_MS.saturating_add(CLOCK_GUARD_MS).saturating_add(back) {
            let expected = format!("a denial of at most {DENIAL_MS} ms");
            return Err(Broken::new(NoFalseDenial, expected, format!("one of {age} ms")));
        }
        match self.least_payable(sent_at) {
            Some(least) if least < required => Ok(()),
            least => {
                let expected = format!("{required} paid: at least {least:?} could be");
                Err(Broken::new(NoFalseDenial, expected, "402"))
            }
        }
    }

    /// The origin's answer is there; one in eight is a failure, which costs nothing.
    pub(super) fn settle(&mut self, slot: usize, chance: &mut Chance) -> Result<(), Broken> {
        let (clock, now) = (self.wake(slot)?, self.now);
        for _ in 0..chance.below(4).saturating_add(1) {
            let Some(flying) = self.isolate(slot)?.flying.pop_front() else { break };
            self.settle_one(slot, &flying, chance.percent(12), clock, now)?;
        }
        Ok(())
    }

    fn settle_one(
        &mut self,
        slot: usize,
        flying: &Flying,
        failed: bool,
        clock: crate::units::Timestamp,
        now: i64,
    ) -> Result<(), Broken> {
        let isolate = self.isolate(slot)?;
        let (status, life) = (if failed { 500 } else { 200 }, isolate.life);
        isolate.client.settle(&flying.op, status, failed, clock)?;
        if failed {
            let is_late = now.saturating_sub(flying.at) > REMEMBERED_MS;
            self.tally.note(Count::Failed);
            self.books.failed(&flying.op, is_late)?;
            self.tell(|| format!("i{life}        {} failed", flying.op));
        }
        Ok(())
    }

    pub(super) fn settle_all(&mut self, slot: usize) -> Result<(), Broken> {
        let (clock, now) = (self.wake(slot)?, self.now);
        while let Some(flying) = self.isolate(slot)?.flying.pop_front() {
            self.settle_one(slot, &flying, false, clock, now)?;
        }
        Ok(())
    }

    /// A flusher's round; after the `last` nobody comes until the next paid operation.
    pub(super) fn flush(&mut self, slot: usize, last: bool) -> Result<(), Broken> {
        let clock = self.wake(slot)?;
        match self.isolate(slot)?.client.flush(clock, last)? {
            Flush::Send(request) => self.send(slot, *request, true, None),
            Flush::Wait | Flush::Done => Ok(()),
        }
    }

    /// When the account was asked about a key that is refused: just now, or at most as long ago as
    /// an isolate may remember.
    fn refused(
        &mut self,
        slot: usize,
        key: &KeyId,
        asked: bool,
        sent_at: i64,
    ) -> Result<i64, Broken> {
        let now = self.now;
        let isolate = self.isolate(slot)?;
        // An answer may come in no time.
        if asked || sent_at < now {
            isolate.refused.insert(key.clone(), (sent_at, now));
            return Ok(sent_at);
        }
        let lately = |(_, heard): &&(i64, i64)| now.saturating_sub(*heard) <= DENIAL_MS;
        Ok(isolate.refused.get(key).filter(lately).map_or(sent_at, |(sent, _)| *sent))
    }

    /// The account's answer, if it is still waited for.
    pub(super) fn reply(&mut self, slot: usize, ticket: u64, answer: Answer) -> Result<(), Broken> {
        let Some(waiting) = self.isolate(slot)?.tickets.remove(&ticket) else { return Ok(()) };
        let clock = self.wake(slot)?;
        let now = self.now;
        let isolate = self.isolate(slot)?;
        let life = isolate.life;
        isolate.terms = isolate.terms.max(answer.terms);
        if let Some(keys) = answer.keys.as_ref().filter(|k| k.revision > isolate.keys.revision) {
            isolate.keys.clone_from(keys);
        }
        if waiting.request.tells() {
            isolate.told_at = now;
        }
        let admission = isolate.client.answered(&waiting.request, answer, waiting.sent, clock)?;
        self.tell(|| format!("i{life}        hears the answer to #{ticket}"));
        if let Some(reserve) = &waiting.request.reserve {
            return self.heard(slot, &waiting, reserve, admission);
        }
        let (Some(admission), Some(debit)) = (admission, &waiting.request.debit) else {
            return Ok(());
        };
        if matches!(admission, Admission::Ask(_)) {
            // A rest of the lease is given back first: the first question is closed.
            self.books.closed(&debit.op, Fate::Refused(waiting.crashes), life)?;
        }
        let (key, op) = (debit.key.clone(), Some(debit.op.clone()));
        let quantity = units(debit);
        let Ticket { sent_at, crashes, allowance, .. } = waiting;
        let asked = Asked { key, quantity, op, sent_at, crashes, allowance };
        self.decided(slot, admission, &asked)
    }

    /// Nothing was heard in time.
    pub(super) fn give_up(&mut self, slot: usize, ticket: u64) -> Result<(), Broken> {
        let Some(waiting) = self.isolate(slot)?.tickets.remove(&ticket) else { return Ok(()) };
        let clock = self.wake(slot)?;
        let isolate = self.isolate(slot)?;
        let Ticket { request, sent, allowance, sent_at, crashes, .. } = &waiting;
        let admission = isolate.client.unanswered(request, *sent, *allowance, clock)?;
        let (life, others) = (isolate.life, !isolate.tickets.is_empty());
        self.tally.note(Count::TimedOut);
        if waiting.is_renewal && others {
            self.tally.note(Count::RenewalsGivenUp);
        }
        self.tell(|| format!("i{life}        gives #{ticket} up"));
        if let Some(reserve) = &request.reserve {
            return self.heard(slot, &waiting, reserve, None);
        }
        match (admission, &request.debit) {
            (Some(admission), Some(debit)) => {
                let (sent_at, crashes, allowance) = (*sent_at, *crashes, *allowance);
                let (key, op, quantity) = (debit.key.clone(), Some(debit.op.clone()), units(debit));
                let asked = Asked { key, quantity, op, sent_at, crashes, allowance };
                self.decided(slot, admission, &asked)
            }
            (_, Some(debit)) => self.books.closed(&debit.op, Fate::GivenUp, life),
            (_, None) => Ok(()),
        }
    }
}

fn units(debit: &Debit) -> u64 {
    debit.quantity.get().to_u64().unwrap_or(u64::MAX)
}
