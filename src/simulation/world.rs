//! One run: isolates, an account and a bad network, in virtual time.
//!
//! ```text
//! event ─▶ isolate ── admit, flush, settle ──▶ post ──▶ account visit ──▶ row ──▶ books
//!                  ◀────────── answer, error, time-out ── post ◀──┘          └──▶ audit
//! ```

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::rc::Rc;

use super::account::{Account, Point, Visit};
use super::books::Books;
use super::chance::Chance;
use super::post::Letter;
use super::reserved::Running;
use super::script::{Event, Kind, START, Setup};
use super::tally::{Count, Tally};
use super::tariff::Tariff;
use super::{Broken, Invariant};
use crate::control::{Client, Denials, KeyList, Request};
use crate::ledger::{self, Entry, GrantTerms, Session};
use crate::plan::Plan;
use crate::units::{Credits, Inexact, KeyId, Timestamp};

/// A message is given up after so long, in milliseconds: `ACCOUNT_MS` of the gateway.
pub(super) const ACCOUNT_MS: i64 = 5_000;
/// What an isolate did not tell for longer, in milliseconds, may have been forgotten. The account
/// remembers for ten minutes: an answer may be so late, its refund again, and there is a minute
/// left for leases to end and messages to arrive.
pub(super) const REMEMBERED_MS: i64 = 240_000;

/// An operation that was paid and whose answer is not there yet.
pub(super) struct Flying {
    pub op: String,
    pub at: i64,
}

/// A key and when that changed what it may do.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct KnownKey {
    pub created: i64,
    pub disabled: Option<i64>,
    /// From here on the account alone pays for it.
    pub leasable_until: Option<i64>,
    pub limited: bool,
}

/// A message that an isolate waits for.
pub(super) struct Ticket {
    pub request: Rc<Request>,
    /// By the isolate's clock, and truly.
    pub sent: Timestamp,
    pub sent_at: i64,
    /// How often the account had crashed by then.
    pub crashes: u64,
    pub is_retry: bool,
    /// A renewal beside a request, or a flusher's: nobody's operation waits for it.
    pub is_renewal: bool,
    /// What its operation's route may owe.
    pub allowance: Option<Credits>,
}

pub(super) struct Isolate {
    pub life: u64,
    pub client: Client,
    pub tickets: BTreeMap<u64, Ticket>,
    pub flying: VecDeque<Flying>,
    /// Operations that credits are set aside for.
    pub held: VecDeque<Running>,
    /// Its clock against true time, in milliseconds.
    pub skew: i64,
    /// Jumps back: when and how far.
    pub jumps: Vec<(i64, i64)>,
    /// The last denial: when the question was sent, and when the answer arrived.
    pub denied: Option<(i64, i64)>,
    /// The last refusal of each key, likewise.
    pub refused: BTreeMap<KeyId, (i64, i64)>,
    /// When it last had nothing to tell, or was heard.
    pub told_at: i64,
    /// Number of the account's terms that it knows.
    pub terms: u64,
    /// The latest list that it heard of keys that leases may pay for.
    pub keys: KeyList,
}

pub(super) struct World {
    pub setup: Setup,
    pub now: i64,
    pub account: Account,
    account_skew: i64,
    pub isolates: Vec<Isolate>,
    lives: u64,
    pub post: BTreeMap<(i64, u64), (Letter, u64)>,
    pub posted: u64,
    /// The latest letter that was delivered.
    pub latest: u64,
    /// Percent of messages that are lost, and as many that are slow.
    pub storm: u64,
    pub books: Books,
    pub tally: Tally,
    /// What could be paid at most, if that has a bound, and since when: as far back as a denial may
    /// reach.
    pub payable: VecDeque<(i64, Option<Credits>)>,
    pub keys: BTreeMap<KeyId, KnownKey>,
    pub top_ups: Vec<GrantTerms>,
    pub returns: u64,
    pub keys_made: u64,
    pub corrections: u64,
    /// The seed of what is happening now, and how many consequences it has had.
    pub cause: u64,
    pub consequences: u64,
    pub story: Option<Vec<String>>,
}

impl World {
    pub(super) fn new(setup: &Setup, tells: bool) -> Result<Self, Broken> {
        let [first, ..] = setup.tariffs;
        let tariff = Tariff::of(first);
        let (plan, json) = tariff.plan(1)?;
        let account = "acme".parse().map_err(|error| made("an account", &error))?;
        let opened = ledger::open(account, &plan, json);
        let at = Timestamp::from_millis(START);
        let mut books = Books::default();
        books.versions.push(first);
        books.observe(&opened, at, START)?;
        let mut world = Self {
            setup: setup.clone(),
            now: START,
            account: Account::open(plan, opened, at, setup.snapshot_rows)?,
            account_skew: 0,
            isolates: Vec::new(),
            lives: 0,
            post: BTreeMap::new(),
            posted: 0,
            latest: 0,
            storm: 8,
            books,
            tally: Tally::default(),
            payable: VecDeque::new(),
            keys: BTreeMap::new(),
            keys_made: 0,
            corrections: 0,
            top_ups: Vec::new(),
            returns: 0,
            cause: setup.seed,
            consequences: 0,
            story: tells.then(Vec::new),
        };
        world.visit(|session, plan, _| Ok(session.include(plan)))?;
        world.create_key()?;
        world.had_once(setup.past)?;
        for slot in 0..setup.isolates {
            let isolate = world.born(u64::from(slot));
            world.isolates.push(isolate);
        }
        Ok(world)
    }

    fn born(&mut self, seed: u64) -> Isolate {
        self.lives = self.lives.saturating_add(1);
        Isolate {
            life: self.lives,
            client: Client::new(&format!("i{}", self.lives), 0),
            tickets: BTreeMap::new(),
            flying: VecDeque::new(),
            held: VecDeque::new(),
            skew: Chance::new(seed).millis(10_001).saturating_sub(5_000),
            jumps: Vec::new(),
            denied: None,
            refused: BTreeMap::new(),
            told_at: self.now,
            terms: 0,
            keys: KeyList::default(),
        }
    }

    /// A line of the story, if one is told.
    pub(super) fn tell(&mut self, line: impl FnOnce() -> String) {
        if let Some(story) = &mut self.story {
            let at = self.now.saturating_sub(START);
            let (seconds, millis) = (at.div_euclid(1_000), at.rem_euclid(1_000));
            story.push(format!("{seconds:>6}.{millis:03}  {}", line()));
        }
    }

    pub(super) fn step(&mut self, event: &Event) -> Result<(), Broken> {
        self.run_until(event.at)?;
        (self.cause, self.consequences) = (event.seed, 0);
        let mut chance = Chance::new(event.seed);
        match event.kind {
            Kind::Admit(slot) => self.admit(usize::from(slot), &mut chance),
            Kind::Settle(slot) => self.settle(usize::from(slot), &mut chance),
            Kind::Flush(slot) => self.flush(usize::from(slot), chance.percent(15)),
            Kind::Crash(slot) => self.crash(usize::from(slot), event.seed),
            Kind::IsolateClock(slot) => self.isolate_clock(usize::from(slot), &mut chance),
            Kind::AccountClock => {
                self.account_skew = match self.account_skew {
                    0 => chance.millis(5_000).saturating_neg(),
                    _ => 0,
                };
                self.tally.note(Count::AccountClockJumps);
                let skew = self.account_skew;
                self.tell(|| format!("account   its clock stands {skew} ms off"));
                Ok(())
            }
            Kind::AccountCrash(point) => {
                self.account.armed = Some(point);
                Ok(())
            }
            Kind::Visit => self.look(),
            Kind::TopUp => self.top_up(&mut chance),
            Kind::TopUpAgain => self.top_up_again(&mut chance),
            Kind::OperatorReturn => self.operator_return(),
            Kind::CreateKey => self.create_key(),
            Kind::DisableKey => self.disable_key(),
            Kind::LimitKey => self.limit_key(&mut chance),
            Kind::ChangePlan => self.change_plan(&mut chance),
            Kind::ClosePeriod => self.close_period(&mut chance),
            Kind::Void => self.void(&mut chance),
            Kind::Adjust => self.adjust(&mut chance),
            Kind::Forge => self.forge(&mut chance),
            Kind::Reserve(slot) => self.reserve(usize::from(slot), &mut chance),
            Kind::Raise(slot) => self.raise(usize::from(slot), &mut chance),
            Kind::End(slot) => self.end_some(usize::from(slot), &mut chance),
            Kind::Storm => {
                self.storm = chance.of(&[0, 8, 8, 8, 20, 40]);
                let storm = self.storm;
                self.tell(|| format!("network   {storm} percent of messages are lost"));
                Ok(())
            }
        }
    }

    /// Delivers what is due until then.
    pub(super) fn run_until(&mut self, at: i64) -> Result<(), Broken> {
        while let Some((&(due, number), _)) = self.post.first_key_value() {
            if due > at {
                break;
            }
            self.now = self.now.max(due);
            if let Some((letter, seed)) = self.post.remove(&(due, number)) {
                (self.cause, self.consequences) = (seed, 0);
                self.deliver(letter, number)?;
            }
        }
        self.now = self.now.max(at);
        Ok(())
    }

    pub(super) fn isolate(&mut self, slot: usize) -> Result<&mut Isolate, Broken> {
        self.isolates
            .get_mut(slot)
            .ok_or_else(|| Broken::new(Invariant::Exact, "an isolate", format!("slot {slot}")))
    }

    /// True time as an isolate sees it, awake from here on.
    pub(super) fn wake(&mut self, slot: usize) -> Result<Timestamp, Broken> {
        let now = self.now;
        let isolate = self.isolate(slot)?;
        if isolate.client.is_at_rest() {
            isolate.told_at = now;
        }
        let silent = now.saturating_sub(isolate.told_at) > REMEMBERED_MS;
        let (life, clock) = (isolate.life, now.saturating_add(isolate.skew));
        if silent {
            self.books.died(life)?;
        }
        Ok(Timestamp::from_millis(clock))
    }

    /// One visit to the account; nothing if it crashed before it could answer.
    pub(super) fn visit<T>(
        &mut self,
        act: impl FnOnce(&mut Session<'_>, &Plan, &mut Denials) -> Result<T, Inexact>,
    ) -> Result<Option<T>, Broken> {
        let at = Timestamp::from_millis(self.now.saturating_add(self.account_skew));
        let held = self.account.ledger.held()?;
        let Visit { answer, entries, crashed } = self.account.visit(at, act)?;
        if let Some(point) = crashed {
            self.note_crash(point);
        }
        if !entries.is_empty() {
            self.tally.note(Count::Rows);
        }
        for entry in &entries {
            self.books.observe(entry, self.account.ledger.clock(), self.now)?;
            match entry {
                Entry::KeyCreated { key } => {
                    let known = KnownKey { created: self.now, ..KnownKey::default() };
                    self.keys.insert(key.clone(), known);
                }
                Entry::KeyDisabled { key } => {
                    let known = self.keys.entry(key.clone()).or_default();
                    (known.disabled, known.leasable_until) = (Some(self.now), Some(self.now));
                }
                Entry::KeyLimited { key, .. } => {
                    let known = self.keys.entry(key.clone()).or_default();
                    known.leasable_until = known.leasable_until.or(Some(self.now));
                    known.limited = true;
                }
                Entry::Reserved { key: Some(key), .. } => self.check_hold(key)?,
                _ => {}
            }
            if matches!(entry, Entry::GrantExpired { .. }) && !held.is_zero() {
                self.tally.note(Count::ExpiriesWhileHeld);
            }
            let n = self.account.rows.len();
            self.tell(|| format!("account   row {n}: {}", super::story::entry(entry)));
        }
        if crashed.is_some() || !entries.is_empty() {
            self.audit()?;
        }
        self.note_payable()?;
        if crashed.is_none() {
            self.arm();
        }
        Ok(answer)
    }

    /// Nothing is set aside for a key that is not active.
    fn check_hold(&self, key: &KeyId) -> Result<(), Broken> {
        match self.keys.get(key).is_some_and(|known| known.disabled.is_none()) {
            true => Ok(()),
            false => {
                let expected = format!("nothing set aside for {key}, which is not active");
                Err(Broken::new(Invariant::Revoked, expected, "it is"))
            }
        }
    }

    fn note_crash(&mut self, point: Point) {
        self.books.crashes = self.books.crashes.saturating_add(1);
        self.tally.note(Count::AccountCrashes);
        if !point.is_durable() && point != Point::BeforeStart {
            self.tally.note(Count::CrashesUndurable);
        }
        if self.isolates.iter().filter(|isolate| !isolate.tickets.is_empty()).count() > 1 {
            self.tally.note(Count::CrashesUnanswered);
        }
        self.tell(|| format!("account   crashes: {point:?}"));
    }

    /// Somebody looks at the account: what is due is done.
    pub(super) fn look(&mut self) -> Result<(), Broken> {
        self.visit(|_, _, _| Ok(())).map(|_| ())
    }

    fn crash(&mut self, slot: usize, seed: u64) -> Result<(), Broken> {
        let isolate = self.born(seed);
        let dead = std::mem::replace(self.isolate(slot)?, isolate);
        let lost = self.books.died(dead.life)?;
        self.tally.note(Count::IsolateCrashes);
        if !lost.is_zero() {
            self.tally.note(Count::CrashesUnreported);
        }
        let asked: BTreeSet<String> = dead
            .tickets
            .values()
            .filter_map(|ticket| Some(ticket.request.debit.as_ref()?.op.clone()))
            .collect();
        for op in asked {
            self.books.closed(&op, super::books::Fate::Open, dead.life)?;
        }
        self.tell(|| format!("i{}        crashes, with {lost} not reported", dead.life));
        Ok(())
    }

    fn isolate_clock(&mut self, slot: usize, chance: &mut Chance) -> Result<(), Broken> {
        let now = self.now;
        let isolate = self.isolate(slot)?;
        let jump = chance.millis(5_001);
        let skew = match chance.percent(70) && isolate.skew.saturating_sub(jump) >= -5_000 {
            true => isolate.skew.saturating_sub(jump),
            false => isolate.skew.saturating_add(jump).min(5_000),
        };
        let back = isolate.skew.saturating_sub(skew);
        if back > 0 {
            isolate.jumps.push((now, back));
        }
        isolate.skew = skew;
        let life = isolate.life;
        self.tally.note(Count::IsolateClockJumps);
        self.tell(|| format!("i{life}        its clock stands {skew} ms off"));
        Ok(())
    }
}

/// A part of the world that cannot be made: the simulator's own fault.
pub(super) fn made(what: &str, error: &dyn std::fmt::Display) -> Broken {
    Broken::new(Invariant::Exact, what, error)
}
