//! Isolates, an account and a bad network in virtual time, with an auditor.
//!
//! ```text
//! isolates ── admit, flush, crash ──▶ network: delays, drops, repeats, reorders ──▶ account
//! ```
//!
//! The auditor is a second, simpler model: it counts what was served and what was granted, and
//! knows nothing of leases. After every step: conservation at the account, and never more served
//! than granted, but for what an operator gave back of what crashed isolates had not reported. At
//! the end: what was served is what was burned, but for that, which is on record; without a crash
//! nothing stays set aside. The journal replays to the live state.
//!
//! A failure prints its seed; `SEED=<n> cargo test --test control_simulation` replays it, and
//! `SEEDS=<n>` runs more of them.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::indexing_slicing,
    clippy::large_enum_variant,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may stop at the first thing that is off"
)]

mod audit;
mod post;
mod rng;

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use edgemeter::control::{Admission, Answer, Client, Denials, Flush, Operation, Request};
use edgemeter::ledger::{self, Entry, GENESIS, GrantTerms, Ledger, Row, Session, chain_hash};
use edgemeter::plan::Plan;
use edgemeter::units::{Credits, Quantity, Timestamp};

use rng::Rng;

const STEPS: u64 = 3_000;
/// Seeds that found something: an unanswered wish; one that came after its successor; a lease that
/// was forgotten and began anew under its name.
const FOUND: [u64; 3] = [57, 65, 73];
const START: i64 = 1_800_000_000_000;

#[test]
fn nothing_is_overspent_charged_twice_or_lost_beyond_the_record() {
    let seeds = std::env::var("SEEDS").map_or(24, |seeds| seeds.parse().unwrap());
    let seeds = match std::env::var("SEED") {
        Ok(seed) => vec![seed.parse().unwrap()],
        Err(_) => (0..seeds).chain(FOUND).collect::<Vec<u64>>(),
    };
    for seed in seeds {
        World::new(seed).run();
    }
}

/// One message or its answer, somewhere between an isolate and the account.
enum Letter {
    Ask { isolate: usize, ticket: u64, request: Request, sent: Timestamp },
    Reply { isolate: usize, ticket: u64, request: Request, answer: Answer, sent: Timestamp },
}

struct Isolate {
    client: Client,
    /// Messages that it waits for; an answer to another one is nobody's.
    tickets: BTreeSet<u64>,
    /// Virtual clock against the account's, in milliseconds.
    skew: i64,
    /// Operations that were paid and whose answers are not there yet.
    flying: Vec<(String, Credits)>,
    /// Operations that failed or had no answer: should it crash, some of them are not refunded.
    failed: u64,
}

struct World {
    seed: u64,
    rng: Rng,
    now: i64,
    plan: Plan,
    price: Credits,
    ledger: Ledger,
    denials: Denials,
    journal: Vec<Row>,
    isolates: Vec<Isolate>,
    lives: u64,
    post: BTreeMap<(i64, u64), Letter>,
    letters: u64,
    /// Percent of letters that are lost, and as many that take half a minute.
    storm: u64,
    /// The auditor's books.
    granted: Credits,
    served: BTreeMap<String, Credits>,
    served_sum: Credits,
    /// Unreported credits that the operator gave back.
    returned: Credits,
    returns: bool,
    /// What crashed isolates may have paid for nobody.
    for_nobody: Credits,
    crashes: u64,
}

impl World {
    fn new(seed: u64) -> Self {
        let mut rng = Rng(seed);
        let price = ["1", "0.3", "0.000000000001", "17.25"][rng.below(4) as usize];
        let json = format!(
            r#"{{"id":"p","version":1,"charges":[{{"id":"words","unit":"credits",
            "price":{{"model":"per_unit","unit_price":"{price}"}}}}],
            "credits":{{"burn_order":"standard","rollover":"none","at_zero":"block"}}}}"#
        );
        let plan = Plan::parse(&json).unwrap();
        let opened = ledger::open("acme".parse().unwrap(), &plan, json);
        let at = Timestamp::from_millis(START);
        let ledger = Ledger::opened(&opened, at).unwrap();
        let mut world = Self {
            seed,
            rng,
            now: START,
            plan,
            price: price.parse().unwrap(),
            ledger,
            denials: Denials::default(),
            journal: Vec::new(),
            isolates: Vec::new(),
            lives: 0,
            post: BTreeMap::new(),
            letters: 0,
            storm: 8,
            granted: Credits::ZERO,
            served: BTreeMap::new(),
            served_sum: Credits::ZERO,
            returned: Credits::ZERO,
            returns: seed.is_multiple_of(3),
            for_nobody: Credits::ZERO,
            crashes: 0,
        };
        world.write(&[opened]);
        world.visit(|session| session.create_key("k1".parse().unwrap()).unwrap());
        for _ in 0..1 + world.rng.below(6) {
            let isolate = world.born();
            world.isolates.push(isolate);
        }
        world
    }

    fn born(&mut self) -> Isolate {
        self.lives += 1;
        let client = Client::new(&format!("i{}", self.lives), 0);
        let skew = self.rng.below(10_000) as i64 - 5_000;
        Isolate { client, tickets: BTreeSet::new(), skew, flying: Vec::new(), failed: 0 }
    }

    fn run(mut self) {
        for step in 0..STEPS {
            // The last messages of all are the likeliest to be lost: nothing comes to mend them.
            self.storm = if step + 100 > STEPS { 40 } else { 8 };
            self.now += self.rng.below(40) as i64;
            self.deliver();
            match self.rng.below(100) {
                0 => self.grant(),
                1 if step % 7 == 0 && self.seed % 4 != 1 => self.crash(),
                1 if self.returns => self.return_unreported(),
                2 if self.rng.chance(10) => self.lull(),
                2..=4 => self.flush(),
                5..=7 => self.visit(|_| ()),
                8..=25 => self.settle(),
                _ => self.admit(),
            }
            self.audit();
        }
        self.storm = 8;
        // Everybody stops, reports, gives back; then the leases of crashed isolates end.
        for _ in 0..80 {
            self.now += 1_000;
            self.deliver();
            self.settle_all();
            for isolate in 0..self.isolates.len() {
                self.flush_one(isolate);
            }
            self.audit();
        }
        for _ in 0..2 {
            self.now += 60_000;
            self.deliver();
            self.visit(|_| ());
            self.audit();
        }
        self.final_audit();
    }

    fn visit<T>(&mut self, act: impl FnOnce(&mut Session<'_>) -> T) -> T {
        // The account's clock may jump back; a ledger's never does.
        let jump = if self.rng.chance(2) { -3_000 } else { 0 };
        let at = Timestamp::from_millis(self.now + jump);
        let mut session = Session::start(&mut self.ledger, at).unwrap();
        let result = act(&mut session);
        let entries = session.finish().unwrap();
        if !entries.is_empty() {
            self.write(&entries);
        }
        result
    }

    fn write(&mut self, entries: &[Entry]) {
        let (n, at) = (self.journal.len() as u64 + 1, self.ledger.clock());
        let body = serde_json::to_string(entries).unwrap();
        let previous = self.journal.last().map_or(GENESIS, |row| row.hash.as_str());
        let hash = chain_hash(previous, n, at, &body);
        self.journal.push(Row { n, at, body, hash });
    }

    fn grant(&mut self) {
        let amount =
            Credits::new(self.price.get() * rust_decimal::Decimal::from(1 + self.rng.below(200)));
        let amount = amount.unwrap();
        let id = format!("g{}", self.journal.len()).parse().unwrap();
        let terms = GrantTerms {
            id,
            amount,
            kind: ledger::GrantKind::Paid,
            priority: self.rng.below(3) as u8,
            effective_at: None,
            rollover: None,
            recurrence: None,
            expires_at: self
                .rng
                .chance(25)
                .then(|| Timestamp::from_millis(self.now + 4_000 + self.rng.below(60_000) as i64)),
        };
        self.visit(|session| session.grant(terms).unwrap());
        self.granted = self.granted.plus(amount).unwrap();
    }

    fn return_unreported(&mut self) {
        let amount = self.ledger.balance().unwrap().unreported;
        let id = format!("r{}", self.journal.len()).parse().unwrap();
        if !amount.is_zero() && self.visit(|session| session.return_unreported(id, amount)).is_ok()
        {
            self.returned = self.returned.plus(amount).unwrap();
        }
    }

    fn crash(&mut self) {
        let index = self.rng.below(self.isolates.len() as u64) as usize;
        self.give_up(index);
        self.isolates[index] = self.born();
        self.crashes += 1;
    }

    /// Nothing will be heard of what this isolate asked for, nor of its refunds.
    fn give_up(&mut self, index: usize) {
        let Isolate { tickets, failed, .. } = &self.isolates[index];
        let operations = u64::try_from(tickets.len()).unwrap() + failed;
        let amount = self.price.get() * rust_decimal::Decimal::from(operations);
        self.for_nobody = self.for_nobody.plus(Credits::new(amount).unwrap()).unwrap();
    }

    fn clock(&self, isolate: usize) -> Timestamp {
        Timestamp::from_millis(self.now + self.isolates[isolate].skew)
    }

    fn admit(&mut self) {
        let index = self.rng.below(self.isolates.len() as u64) as usize;
        let now = self.clock(index);
        let operation = Operation {
            route: Rc::from("GET /words"),
            charge: "words".parse().unwrap(),
            key: if self.rng.chance(5) { "k2" } else { "k1" }.parse().unwrap(),
            quantity: "1".parse::<Quantity>().unwrap(),
        };
        let admission = self.isolates[index].client.admit(operation, now).unwrap();
        self.decided(index, admission);
    }

    fn decided(&mut self, index: usize, admission: Admission) {
        match admission {
            Admission::Paid(paid) => {
                let twice = self.served.insert(paid.op.clone(), paid.cost);
                assert!(twice.is_none(), "SEED={}: {} was served twice", self.seed, paid.op);
                self.served_sum = self.served_sum.plus(paid.cost).unwrap();
                self.isolates[index].flying.push((paid.op, paid.cost));
                if paid.renew {
                    let now = self.clock(index);
                    if let Some(request) = self.isolates[index].client.renew(now).unwrap() {
                        self.send(index, request);
                    }
                }
            }
            Admission::Ask(request) => self.send(index, *request),
            Admission::Denied { .. } => {}
            Admission::KeyRefused | Admission::KeyLimited { .. } => {}
            Admission::Unpriced => panic!("SEED={}", self.seed),
        }
    }

    /// The origin's answer is there; one in eight is a failure, which costs nothing.
    fn settle(&mut self) {
        let index = self.rng.below(self.isolates.len() as u64) as usize;
        let now = self.clock(index);
        let Some((op, cost)) = self.isolates[index].flying.pop() else { return };
        let failed = self.rng.chance(12);
        let status = if failed { 500 } else { 200 };
        self.isolates[index].client.settle(&op, status, failed, now).unwrap();
        if failed {
            self.isolates[index].failed += 1;
            self.served.insert(op, Credits::ZERO);
            self.served_sum = self.served_sum.minus(cost).unwrap();
        }
    }

    /// Nobody asks for anything for up to 40 seconds, or 20 minutes; some isolates do not even get
    /// to report.
    fn lull(&mut self) {
        let second = if self.rng.chance(10) { 30_000 } else { 1_000 };
        // An isolate that sleeps for longer than it is remembered is as good as dead.
        let may_sleep = second == 1_000 || self.seed % 4 != 1;
        let asleep = if may_sleep { self.rng.below(1 << self.isolates.len()) } else { 0 };
        for _ in 0..self.rng.below(40) {
            self.now += second;
            self.deliver();
            // An account refunds what is at most ten minutes old: no answer takes longer.
            self.settle_all();
            for index in 0..self.isolates.len() {
                if asleep >> index & 1 == 0 {
                    self.flush_one(index);
                }
            }
            self.audit();
        }
        for index in 0..self.isolates.len() {
            if second > 1_000 && asleep >> index & 1 == 1 {
                self.give_up(index);
            }
        }
    }

    fn settle_all(&mut self) {
        while self.isolates.iter().any(|isolate| !isolate.flying.is_empty()) {
            self.settle();
        }
    }

    fn flush(&mut self) {
        let index = self.rng.below(self.isolates.len() as u64) as usize;
        self.flush_one(index);
    }

    fn flush_one(&mut self, index: usize) {
        let now = self.clock(index);
        if let Flush::Send(request) = self.isolates[index].client.flush(now, false).unwrap() {
            self.send(index, *request);
        }
    }
}
