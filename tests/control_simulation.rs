//! Isolates, an account and a bad network in virtual time, with an auditor.
//!
//! ```text
//! isolates ── admit, flush, crash ──▶ network: delays, drops, repeats, reorders ──▶ account
//! ```
//!
//! The auditor is a second, simpler model: it counts what was served and what was granted, and
//! knows nothing of leases. After every step: conservation and no overspend at the account; at the
//! end: what was served is what was burned, but for what crashed isolates had not reported, and
//! that is within what the account has on record. The journal replays to the live state.
//!
//! A failure prints its seed; `SEED=<n> cargo test --test control_simulation` replays it.

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

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use edgemeter::control::{Admission, Answer, Client, Flush, Operation, Request, serve};
use edgemeter::ledger::{self, Entry, GENESIS, GrantTerms, Ledger, Row, Session, chain_hash};
use edgemeter::plan::Plan;
use edgemeter::units::{Credits, Quantity, Timestamp};

const STEPS: u64 = 3_000;
const START: i64 = 1_800_000_000_000;

#[test]
fn nothing_is_overspent_charged_twice_or_lost_beyond_the_record() {
    let seeds = match std::env::var("SEED") {
        Ok(seed) => vec![seed.parse().unwrap()],
        Err(_) => (0..24).collect::<Vec<u64>>(),
    };
    for seed in seeds {
        World::new(seed).run();
    }
}

/// SplitMix64: small, seedable, the same on every platform.
struct Rng(u64);

impl Rng {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
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
}

struct World {
    seed: u64,
    rng: Rng,
    now: i64,
    plan: Plan,
    price: Credits,
    ledger: Ledger,
    journal: Vec<Row>,
    isolates: Vec<Isolate>,
    lives: u64,
    post: BTreeMap<(i64, u64), Letter>,
    letters: u64,
    /// The auditor's books.
    granted: Credits,
    served: BTreeMap<String, Credits>,
    lost: Credits,
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
            journal: Vec::new(),
            isolates: Vec::new(),
            lives: 0,
            post: BTreeMap::new(),
            letters: 0,
            granted: Credits::ZERO,
            served: BTreeMap::new(),
            lost: Credits::ZERO,
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
        Isolate { client, tickets: BTreeSet::new(), skew, flying: Vec::new() }
    }

    fn run(mut self) {
        for step in 0..STEPS {
            self.now += self.rng.below(40) as i64;
            self.deliver();
            match self.rng.below(100) {
                0 => self.grant(),
                1 if step % 7 == 0 => self.crash(),
                2..=4 => self.flush(),
                5..=7 => self.visit(|_| ()),
                8..=25 => self.settle(),
                _ => self.admit(),
            }
            self.audit();
        }
        // Everybody stops, reports, gives back; then whatever crashed isolates held is released.
        for _ in 0..40 {
            self.now += 1_000;
            self.deliver();
            while self.isolates.iter().any(|isolate| !isolate.flying.is_empty()) {
                self.settle();
            }
            for isolate in 0..self.isolates.len() {
                self.flush_one(isolate);
            }
            self.audit();
        }
        self.now += 60_000;
        self.deliver();
        self.visit(|_| ());
        self.audit();
        self.final_audit();
    }

    fn visit<T>(&mut self, act: impl FnOnce(&mut Session<'_>) -> T) -> T {
        // The account's clock may jump back; a ledger's never does.
        let jump = if self.rng.chance(2) { -3_000 } else { 0 };
        let at = Timestamp::from_millis(self.now + jump);
        let mut session = Session::start(&mut self.ledger, at).unwrap();
        let result = act(&mut session);
        let entries = session.into_entries();
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
            Credits::new(self.price.get() * rust_decimal::Decimal::from(1 + self.rng.below(300)));
        let amount = amount.unwrap();
        let id = format!("g{}", self.journal.len()).parse().unwrap();
        let terms = GrantTerms {
            id,
            amount,
            kind: ledger::GrantKind::Paid,
            priority: self.rng.below(3) as u8,
            effective_at: None,
            expires_at: None,
        };
        self.visit(|session| session.grant(terms).unwrap());
        self.granted = self.granted.plus(amount).unwrap();
    }

    fn crash(&mut self) {
        let index = self.rng.below(self.isolates.len() as u64) as usize;
        self.isolates[index] = self.born();
        self.crashes += 1;
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
            key: "k1".parse().unwrap(),
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
                self.isolates[index].flying.push((paid.op, paid.cost));
                if paid.renew {
                    let now = self.clock(index);
                    if let Some(request) = self.isolates[index].client.renew(now) {
                        self.send(index, request);
                    }
                }
            }
            Admission::Ask(request) => self.send(index, *request),
            Admission::Denied { .. } => {}
            Admission::KeyRefused | Admission::Unpriced => panic!("SEED={}", self.seed),
        }
    }

    /// The origin's answer is there; one in eight is a failure, which costs nothing.
    fn settle(&mut self) {
        let index = self.rng.below(self.isolates.len() as u64) as usize;
        let now = self.clock(index);
        let Some((op, _)) = self.isolates[index].flying.pop() else { return };
        let failed = self.rng.chance(12);
        let status = if failed { 500 } else { 200 };
        self.isolates[index].client.settle(&op, status, failed, now).unwrap();
        if failed {
            self.served.insert(op, Credits::ZERO);
        }
    }

    fn flush(&mut self) {
        let index = self.rng.below(self.isolates.len() as u64) as usize;
        self.flush_one(index);
    }

    fn flush_one(&mut self, index: usize) {
        let now = self.clock(index);
        if let Flush::Send(request) = self.isolates[index].client.flush(now).unwrap() {
            self.send(index, *request);
        }
    }

    fn send(&mut self, isolate: usize, request: Request) {
        let sent = self.clock(isolate);
        self.letters += 1;
        let ticket = self.letters;
        self.isolates[isolate].tickets.insert(ticket);
        let copies = if self.rng.chance(10) { 2 } else { 1 };
        for _ in 0..copies {
            let letter = Letter::Ask { isolate, ticket, request: request.clone(), sent };
            self.mail(letter);
        }
    }

    fn mail(&mut self, letter: Letter) {
        // One in twelve is lost; some are slow enough to meet a released lease.
        if self.rng.chance(8) {
            return self.lose(letter);
        }
        let delay = match self.rng.below(50) {
            0 => 30_000,
            1..=4 => 2_000,
            _ => self.rng.below(30) as i64,
        };
        self.letters += 1;
        self.post.insert((self.now + delay, self.letters), letter);
    }

    /// The isolate gives the message up, whether or not it arrived.
    fn lose(&mut self, letter: Letter) {
        let (Letter::Ask { isolate, ticket, request, .. }
        | Letter::Reply { isolate, ticket, request, .. }) = letter;
        if self.isolates[isolate].tickets.remove(&ticket) {
            self.isolates[isolate].client.unanswered(&request);
        }
    }

    fn deliver(&mut self) {
        while let Some((&(at, number), _)) = self.post.first_key_value() {
            if at > self.now {
                break;
            }
            match self.post.remove(&(at, number)).unwrap() {
                Letter::Ask { isolate, ticket, request, sent } => {
                    let plan = self.plan.clone();
                    let answer = self.visit(|session| serve(session, &plan, &request)).unwrap();
                    self.mail(Letter::Reply { isolate, ticket, request, answer, sent });
                }
                Letter::Reply { isolate, ticket, request, answer, sent } => {
                    self.reply(isolate, ticket, &request, answer, sent);
                }
            }
        }
    }

    fn reply(
        &mut self,
        isolate: usize,
        ticket: u64,
        request: &Request,
        answer: Answer,
        sent: Timestamp,
    ) {
        if !self.isolates[isolate].tickets.remove(&ticket) {
            return;
        }
        let now = self.clock(isolate);
        let client = &mut self.isolates[isolate].client;
        if let Some(admission) = client.answered(request, answer, sent, now).unwrap() {
            self.decided(isolate, admission);
        }
    }

    fn audit(&mut self) {
        let seed = self.seed;
        assert_eq!(self.ledger.audit(), Ok(()), "SEED={seed}");
        let balance = self.ledger.balance().unwrap();
        assert_eq!(balance.granted, self.granted, "SEED={seed}");
        let parts = [balance.available, balance.held, balance.burned, balance.expired];
        assert_eq!(Credits::sum(parts).unwrap(), self.granted, "SEED={seed}: conservation");
        assert!(!balance.held.is_negative(), "SEED={seed}");
    }

    fn final_audit(&mut self) {
        let seed = self.seed;
        let balance = self.ledger.balance().unwrap();
        assert_eq!(balance.held, Credits::ZERO, "SEED={seed}: nothing is stranded");
        let served = Credits::sum(self.served.values().copied()).unwrap();
        self.lost = balance.unreported.plus(balance.unpaid).unwrap();
        let bound = self.granted.plus(self.lost).unwrap();
        assert!(served <= bound, "SEED={seed}: served {served} of {}", self.granted);
        let short = served.minus(balance.burned).unwrap();
        // A debit may be burned while its isolate dies: only then is more burned than served.
        let unserved = self.crashes == 0 && short.is_negative();
        assert!(!unserved, "SEED={seed}: {short} burned for what was not served");
        assert!(short <= self.lost, "SEED={seed}: {short} not burned, {} on record", self.lost);
        let mut replayed = Ledger::replay(&self.journal).unwrap();
        replayed.advance(self.ledger.clock());
        assert!(replayed == self.ledger, "SEED={seed}: the journal is complete");
    }
}
