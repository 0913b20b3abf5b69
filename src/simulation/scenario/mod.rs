//! Ordinary traffic: what the protocol costs, and what it leaves, when nothing goes wrong.
//!
//! ```text
//! isolates × requests a second ─▶ until the balance is gone, and ten seconds of refusals after it
//!     flushers of 20 rounds a second apart, renewals beside requests, 20 to 60 ms to the account
//!     and back: as src/edge/entry.js does it
//! ```

mod gateway;

use std::collections::BTreeMap;
use std::rc::Rc;

use super::Broken;
use super::account::Account;
use super::chance::{Chance, mix};
use super::script::START;
use super::tariff::Tariff;
use super::world::made;
use crate::control::{Answer, Client, REPORT_MS, Request, serve};
use crate::ledger::{self, GrantKind, GrantTerms, Lease};
use crate::units::{ChargeId, Credits, KeyId, Quantity, Timestamp};

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

/// A kind of traffic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Traffic {
    /// How many isolates there are.
    pub isolates: u16,
    /// Milliseconds between two requests of an isolate, on average.
    pub interval_ms: i64,
    /// Ten times as many requests between these two seconds.
    pub spike: Option<(i64, i64)>,
    /// An isolate crashes every so many milliseconds, and another takes its place.
    pub crash_ms: Option<i64>,
}

/// What came of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// Requests, until the first 402 and in all.
    pub requests: [u64; 2],
    /// Messages to the account, likewise.
    pub calls: [u64; 2],
    /// Requests served until the first 402, and in all.
    pub served: [u64; 2],
    /// Credits served beyond the balance.
    pub overspent: Credits,
    /// Credits that isolates held and had not spent at the first 402.
    pub stranded: Credits,
    /// Credits that nobody had spent at the end, those on record as unreported left out.
    pub unspent: Credits,
    /// Refusals while the account itself could have paid.
    pub false_denials: u64,
    /// Isolates that crashed.
    pub crashes: u64,
    /// The most that one of them had served and not reported.
    pub lost_most: Credits,
    /// All that they had served and not reported.
    pub lost: Credits,
    /// What is on record for them: at least that.
    pub unreported: Credits,
}

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

    /// Credits that isolates were granted, and neither spent nor gave back: those alive.
    fn unspent_leases(&self) -> Result<Credits, Broken> {
        let mut unspent = Credits::ZERO;
        for isolate in &self.isolates {
            for (id, lease) in self.leases_of(isolate.life) {
                let spent = isolate.spent.get(id).copied().unwrap_or(0);
                let rest = lease.granted.minus(lease.returned)?.minus(credits(spent)?)?;
                unspent = unspent.plus(rest.max(Credits::ZERO))?;
            }
        }
        Ok(unspent)
    }

    fn leases_of(&self, life: u64) -> impl Iterator<Item = (&String, &Lease)> {
        let prefix = format!("i{life}l");
        let leases = self.account.ledger.leases().iter();
        leases.filter(move |(id, _)| id.starts_with(&prefix))
    }

    /// One isolate is gone, with what it had not reported.
    fn crash(&mut self) -> Result<(), Broken> {
        if let Some(every) = self.traffic.crash_ms {
            self.put(every, Happening::Crash);
        }
        let count = u64::from(self.traffic.isolates);
        let index = usize::try_from(self.chance.below(count)).unwrap_or(0);
        let born = self.born();
        let Some(isolate) = self.isolates.get_mut(index) else { return Ok(()) };
        let dead = std::mem::replace(isolate, born);
        let mut lost = Credits::ZERO;
        for (id, lease) in self.leases_of(dead.life) {
            let spent = credits(dead.spent.get(id).copied().unwrap_or(0))?;
            lost = lost.plus(spent.minus(lease.used)?.max(Credits::ZERO))?;
        }
        self.found.crashes = self.found.crashes.saturating_add(1);
        self.found.lost = self.found.lost.plus(lost)?;
        self.found.lost_most = self.found.lost_most.max(lost);
        Ok(())
    }
}

fn credits(units: u64) -> Result<Credits, Broken> {
    Credits::new(rust_decimal::Decimal::from(units)).map_err(|error| made("credits", &error))
}
