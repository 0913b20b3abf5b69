//! Ordinary traffic: what the protocol costs, and what it leaves, when nothing goes wrong.
//!
//! ```text
//! isolates × requests a second ─▶ until the balance is gone, and ten seconds of refusals after it
//!     flushers of 20 rounds a second apart, renewals beside requests, 20 to 60 ms to the account
//!     and back: as src/edge/entry.js does it
//! ```

mod found;

use std::collections::BTreeMap;
use std::rc::Rc;

use super::Broken;
use super::account::Account;
use super::books::lease_of;
use super::chance::{Chance, mix};
use super::script::START;
use super::tariff::Tariff;
use super::world::made;
use crate::control::{Admission, Answer, Client, Flush, Operation, REPORT_MS, Request, serve};
use crate::ledger::{self, GrantKind, GrantTerms};
use crate::units::{ChargeId, Credits, KeyId, Quantity, Timestamp};
use found::credits;
pub use found::{Found, Traffic};

/// Credits at first; an operation costs one.
pub const BALANCE: u64 = 20_000;
/// Refused requests go on for so long after the first, in milliseconds.
pub const TAIL_MS: i64 = 10_000;
/// A flusher's rounds: `FLUSH_ROUNDS` of the gateway.
const ROUNDS: u32 = 20;
/// To the account, and as long back: from and by at most, in milliseconds.
const WAY_MS: (i64, i64) = (10, 21);
/// The origin's answer, in milliseconds.
const ORIGIN_MS: i64 = 50;
/// No run lasts longer, in milliseconds.
const LAST_MS: i64 = 3_600_000;

enum Happening {
    Arrives(usize),
    Asks {
        isolate: usize,
        life: u64,
        sent: Timestamp,
        request: Rc<Request>,
        round: u32,
    },
    Hears {
        isolate: usize,
        life: u64,
        sent: Timestamp,
        request: Rc<Request>,
        round: u32,
        answer: Box<Answer>,
    },
    Settles {
        isolate: usize,
        life: u64,
        op: String,
    },
    Flushes {
        isolate: usize,
        life: u64,
        round: u32,
    },
    Alarm,
    Crash,
}

struct Isolate {
    client: Client,
    life: u64,
    /// Served and not known to be reported.
    spent: BTreeMap<String, u64>,
}

struct Run {
    traffic: Traffic,
    chance: Chance,
    now: i64,
    account: Account,
    isolates: Vec<Isolate>,
    lives: u64,
    queue: BTreeMap<(i64, u64), Happening>,
    queued: u64,
    first_402: Option<i64>,
    /// What was available, since when.
    available: Vec<(i64, Credits)>,
    leased: u64,
    found: Found,
    charge: ChargeId,
    key: KeyId,
    one: Quantity,
}

/// Runs one kind of traffic.
///
/// # Errors
///
/// What the simulator could not make, or what is not exact.
pub fn scenario(traffic: Traffic, seed: u64) -> Result<Found, String> {
    let run = Run::new(traffic, seed).and_then(Run::run);
    run.map_err(|Broken { expected, found, .. }| format!("{expected}: {found}"))
}

impl Run {
    fn new(traffic: Traffic, seed: u64) -> Result<Self, Broken> {
        let (plan, json) = Tariff::of(0).plan(1)?;
        let opened = ledger::open("acme".parse().map_err(|e| made("an account", &e))?, &plan, json);
        let at = Timestamp::from_millis(START);
        let mut run = Self {
            traffic,
            chance: Chance::new(mix(seed, 1)),
            now: START,
            account: Account::open(plan, opened, at, 1_000)?,
            isolates: Vec::new(),
            lives: 0,
            queue: BTreeMap::new(),
            queued: 0,
            first_402: None,
            available: Vec::new(),
            leased: 0,
            found: Found::default(),
            charge: "words".parse().map_err(|e| made("a charge", &e))?,
            key: "k0".parse().map_err(|e| made("a key", &e))?,
            one: "1".parse().map_err(|e| made("a quantity", &e))?,
        };
        let terms = GrantTerms {
            id: "g0".parse().map_err(|e| made("a grant", &e))?,
            amount: credits(BALANCE)?,
            kind: GrantKind::Paid,
            priority: 0,
            effective_at: None,
            expires_at: None,
            rollover: None,
            recurrence: None,
        };
        let key = run.key.clone();
        run.account.visit(at, |session, _, _| {
            Ok((session.create_key(key), session.grant(terms)).0.is_ok())
        })?;
        for index in 0..usize::from(traffic.isolates) {
            let isolate = run.born();
            run.isolates.push(isolate);
            let at = run.chance.millis(traffic.interval_ms.saturating_mul(2));
            run.put(at, Happening::Arrives(index));
        }
        if let Some(every) = traffic.crash_ms {
            run.put(every, Happening::Crash);
        }
        Ok(run)
    }

    fn born(&mut self) -> Isolate {
        self.lives = self.lives.saturating_add(1);
        let (life, client) = (self.lives, Client::new(&format!("i{}", self.lives), 0));
        Isolate { client, life, spent: BTreeMap::new() }
    }

    fn put(&mut self, after: i64, what: Happening) {
        self.queued = self.queued.saturating_add(1);
        self.queue.insert((self.now.saturating_add(after), self.queued), what);
    }

    fn clock(&self) -> Timestamp {
        Timestamp::from_millis(self.now)
    }

    fn run(mut self) -> Result<Found, Broken> {
        while let Some(((at, _), what)) = self.queue.pop_first() {
            self.now = at;
            let over = self.first_402.is_some_and(|first| at > first.saturating_add(TAIL_MS));
            if over || at > START.saturating_add(LAST_MS) {
                break;
            }
            self.happen(what)?;
        }
        let balance = self.account.ledger.balance()?;
        let served = credits(self.found.served[1])?;
        self.found.overspent = served.minus(credits(BALANCE)?)?.max(Credits::ZERO);
        // Two minutes later every lease of a dead isolate has ended.
        self.now = self.now.saturating_add(120_000);
        let at = self.clock();
        self.account.visit(at, |_, _, _| Ok(()))?;
        self.found.unreported = self.account.ledger.balance()?.unreported;
        self.found.unspent = balance.available.plus(self.unspent_leases()?)?;
        Ok(self.found)
    }

    fn happen(&mut self, what: Happening) -> Result<(), Broken> {
        match what {
            Happening::Arrives(index) => self.arrives(index),
            Happening::Asks { isolate, life, sent, request, round } => {
                let at = self.clock();
                let visit = self
                    .account
                    .visit(at, |session, plan, denials| serve(session, plan, denials, &request))?;
                self.note_available()?;
                self.arm();
                let Some(answer) = visit.answer.map(Box::new) else { return Ok(()) };
                let way = self.way();
                self.put(way, Happening::Hears { isolate, life, sent, request, round, answer });
                Ok(())
            }
            Happening::Hears { isolate, life, sent, request, round, answer } => {
                self.hears(isolate, life, sent, &request, round, *answer)
            }
            Happening::Settles { isolate, life, op } => {
                let now = self.clock();
                let Some(known) = self.isolates.get_mut(isolate).filter(|i| i.life == life) else {
                    return Ok(());
                };
                if known.client.settle(&op, 200, false, now)? {
                    self.put(REPORT_MS, Happening::Flushes { isolate, life, round: 1 });
                }
                Ok(())
            }
            Happening::Flushes { isolate, life, round } => self.flushes(isolate, life, round),
            Happening::Alarm => {
                self.account.alarm = None;
                let at = self.clock();
                self.account.visit(at, |_, _, _| Ok(()))?;
                self.note_available()?;
                self.arm();
                Ok(())
            }
            Happening::Crash => self.crash(),
        }
    }

    fn way(&mut self) -> i64 {
        let (from, by) = WAY_MS;
        from.saturating_add(self.chance.millis(by))
    }

    fn arm(&mut self) {
        let Some(due) = self.account.ledger.next_due() else { return };
        if self.account.alarm.is_none_or(|alarm| alarm > due) {
            self.account.alarm = Some(due);
            self.put(due.millis_since(self.clock()).max(0), Happening::Alarm);
        }
    }

    fn note_available(&mut self) -> Result<(), Broken> {
        let available = self.account.ledger.available()?;
        self.available.push((self.now, available));
        Ok(())
    }

    fn arrives(&mut self, index: usize) -> Result<(), Broken> {
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
                let since =
                    sent.millis().saturating_sub(crate::control::DENIAL_MS).saturating_sub(60);
                let mut recent = self.available.iter().rev();
                let before = recent.clone().position(|(at, _)| *at < since);
                let count = before.map_or(usize::MAX, |index| index.saturating_add(1));
                if recent.by_ref().take(count).all(|(_, available)| *available >= required) {
                    self.found.false_denials = self.found.false_denials.saturating_add(1);
                }
                Ok(())
            }
            other => Err(Broken::new(super::Invariant::Exact, "a decision", format!("{other:?}"))),
        }
    }

    /// A message to the account; `round` is the flusher's that waits for it, or 0.
    fn send(&mut self, isolate: usize, request: Request, round: u32) {
        self.count(|found| &mut found.calls);
        let life = self.isolates.get(isolate).map_or(0, |isolate| isolate.life);
        let (request, sent, way) = (Rc::new(request), self.clock(), self.way());
        self.put(way, Happening::Asks { isolate, life, sent, request, round });
    }

    fn hears(
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

    fn flushes(&mut self, index: usize, life: u64, round: u32) -> Result<(), Broken> {
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
