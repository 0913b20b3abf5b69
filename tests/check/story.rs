//! A random account: leases, debits, reservations, events, corrections, refunds, grants, changes of
//! plan and periods that close; with all that an account object keeps beside its ledger.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "numbers of a test are small"
)]

use std::collections::BTreeMap;

use edgemeter::calendar::Zone;
use edgemeter::ledger::{
    self, AtMost, BillingTerms, Change, Debit, Entry, EventCorrection, EventKey, EventPlace,
    EventRecord, GENESIS, GrantTerms, Ledger, Operation, Operations, Owed, Periods, Position,
    Reported, Reserve, Row, Session, Settle, Use, chain_hash,
};
use edgemeter::meter::Event;
use edgemeter::plan::{Combination, Plan};
use edgemeter::statement::{Finalized, Statement};
use edgemeter::units::{Credits, Timestamp};
use serde_json::{Value, json};

use crate::plans::{Rng, START, plan, rfc3339};

pub(crate) struct Lease {
    terms: u64,
    next: u64,
}

/// An account and what is kept beside its ledger.
pub(crate) struct Story {
    pub(crate) rng: Rng,
    plans: [String; 2],
    pub(crate) plan: Plan,
    pub(crate) ledger: Ledger,
    pub(crate) rows: Vec<Row>,
    position: Position,
    pub(crate) now: i64,
    /// Closed periods.
    pub(crate) closed: Vec<Finalized>,
    leases: BTreeMap<String, Lease>,
    ops: Vec<String>,
    reserved: Vec<(String, Vec<Use>)>,
    keys: BTreeMap<EventKey, EventPlace>,
    events: Vec<(String, i64)>,
    count: u64,
}

impl Story {
    pub(crate) fn new(seed: u64, at_zero: &Value) -> Self {
        let plans = [plan(1, at_zero), plan(2, at_zero)];
        let first = Plan::parse(&plans[0]).unwrap();
        let billing = BillingTerms {
            from: "2026-11-01".parse().unwrap(),
            zone: Zone::utc(),
            every: first.spec().period,
            periods: Periods::Scheduled,
        };
        let opened =
            ledger::open_billed("acme".parse().unwrap(), &first, plans[0].clone(), billing);
        let now = START + 3_600_000;
        let mut ledger = Ledger::opened(&opened, Timestamp::from_millis(now)).unwrap();
        let mut session = Session::start(&mut ledger, Timestamp::from_millis(now)).unwrap();
        session.include(&first).unwrap();
        for key in ["k1", "k2"] {
            session.create_key(key.parse().unwrap()).unwrap();
        }
        let mut entries = vec![opened];
        entries.extend(session.finish().unwrap());
        let mut story = Self {
            rng: Rng(seed),
            plans,
            plan: first,
            ledger,
            rows: Vec::new(),
            position: Position::default(),
            now,
            closed: Vec::new(),
            leases: BTreeMap::new(),
            ops: Vec::new(),
            reserved: Vec::new(),
            keys: BTreeMap::new(),
            events: Vec::new(),
            count: 0,
        };
        story.write(&entries);
        story
    }

    fn write(&mut self, entries: &[Entry]) {
        if entries.is_empty() {
            return;
        }
        let (n, at) = (self.rows.len() as u64 + 1, self.ledger.clock());
        let body = serde_json::to_string(entries).unwrap();
        let previous = self.rows.last().map_or(GENESIS, |row| row.hash.as_str());
        let hash = chain_hash(previous, n, at, &body);
        self.position = self.position.after(at, &body, entries);
        self.rows.push(Row { n, at, body, hash });
    }

    /// Closes what is over, then acts.
    pub(crate) fn visit<T>(&mut self, act: impl FnOnce(&mut Session<'_>, &Plan) -> T) -> T {
        let now = Timestamp::from_millis(self.now);
        while self.ledger.is_period_over(now) {
            let mut session = Session::start(&mut self.ledger, now).unwrap();
            session.prepare_close(&self.plan).unwrap();
            let before = session.finish().unwrap();
            self.write(&before);
            let finalized = self.statement().finalize().unwrap();
            let row = self.rows.len() as u64 + 1;
            let session = Session::start(&mut self.ledger, now).unwrap();
            let entries = session.close_over(finalized.hash.clone(), row).unwrap();
            self.write(&entries);
            self.closed.push(finalized);
        }
        let mut session = Session::start(&mut self.ledger, now).unwrap();
        let result = act(&mut session, &self.plan);
        let entries = session.finish().unwrap();
        self.write(&entries);
        if self.ledger.plan().hash != self.plan.hash() {
            self.plan = Plan::parse(self.ledger.plan_json()).unwrap();
        }
        result
    }

    /// The statement of the open period.
    pub(crate) fn statement(&self) -> Statement {
        Statement::of(&self.ledger, &self.position, Vec::new()).unwrap()
    }

    fn name(&mut self, what: &str) -> String {
        self.count += 1;
        format!("{what}{}", self.count)
    }

    /// So many random commands, minutes to hours apart.
    pub(crate) fn run(&mut self, steps: usize, apart_ms: i64) {
        for _ in 0..steps {
            self.now += self.rng.below(apart_ms);
            self.step();
        }
        self.visit(|_, _| ());
        assert_eq!(self.ledger.audit(), Ok(()));
    }

    fn step(&mut self) {
        match self.rng.below(20) {
            0 | 1 => self.grant(),
            2..=4 => self.debit(),
            5..=8 => self.report(),
            9..=12 => self.reserved(),
            13..=15 => self.events(),
            16 => self.correct(),
            17 => self.refund(),
            18 if self.rng.below(6) == 0 => {
                let json = self.rng.clone().pick(&self.plans.clone()).clone();
                self.rng.below(2);
                let plan = Plan::parse(&json).unwrap();
                self.visit(|session, _| session.change_plan(&plan, json).unwrap());
            }
            _ => self.owe(),
        }
    }

    fn grant(&mut self) {
        let id = self.name("g");
        let amount = self.rng.below(60) + 1;
        let ends = (self.rng.below(3) == 0).then(|| Timestamp::from_millis(self.now + 9_000_000));
        let terms = json!({ "id": id, "amount": amount.to_string(), "expires_at": ends,
                            "priority": self.rng.below(3) });
        let terms: GrantTerms = serde_json::from_value(terms).unwrap();
        self.visit(|session, _| session.grant(terms).map(drop).unwrap());
    }

    fn direct(&mut self) -> Debit {
        let op = self.name("d");
        self.ops.push(op.clone());
        let charge = *self.rng.pick(&["words", "calls"]);
        Debit {
            op,
            route: format!("GET /{charge}"),
            charge: charge.parse().unwrap(),
            key: self.rng.pick(&["k1", "k2"]).parse().unwrap(),
            quantity: self.rng.below(9).to_string().parse().unwrap(),
        }
    }

    fn debit(&mut self) {
        let debit = self.direct();
        self.visit(|session, plan| session.debit(plan, debit).map(drop).unwrap());
    }

    fn owe(&mut self) {
        let debit = self.direct();
        let late = self.rng.below(4) == 0;
        self.visit(|session, plan| {
            let terms = session.ledger().terms().saturating_sub(u64::from(late));
            session.owe(plan, &[Owed { debit, terms, sent_ms: None }]).unwrap();
        });
    }

    fn report(&mut self) {
        if self.leases.len() < 3 || self.rng.below(6) == 0 {
            let id = self.name("l");
            let terms = self.ledger.terms();
            let until = Timestamp::from_millis(self.now + 40_000);
            let amount = self.rng.below(30) + 1;
            self.visit(|session, _| {
                let most = session.ledger().available().unwrap();
                let amount = amount.to_string().parse::<Credits>().unwrap().min(most);
                session.grant_lease(&id, 1, amount, until).unwrap();
            });
            self.leases.insert(id, Lease { terms, next: 0 });
        }
        let ids: Vec<String> = self.leases.keys().cloned().collect();
        let id = self.rng.pick(&ids).clone();
        let Some(known) = self.ledger.leases().get(&id).cloned() else {
            self.leases.remove(&id);
            return;
        };
        let lease = &self.leases[&id];
        let (terms, from) = (lease.terms, lease.next);
        let count = self.rng.below(5);
        let mut routes = vec![
            ("GET /words".to_owned(), "words".parse().unwrap()),
            ("GET /calls".to_owned(), "calls".parse().unwrap()),
        ];
        // Of words alone, no row tells the price: it is the same for all of them.
        routes.truncate(1 + usize::from(self.rng.below(3) > 0));
        let list = (0..count).map(|_| {
            let rng = &mut self.rng;
            let (route, key) = (rng.below(routes.len() as i64) as u16, rng.below(2) as u16);
            let quantity = rng.below(3).to_string().parse().unwrap();
            Operation(route, key, quantity, -rng.below(5_000), *rng.pick(&[200, 200, 0]))
        });
        let list: Vec<Operation> = list.collect();
        let operations = Operations {
            from,
            at: Timestamp::from_millis(self.now),
            routes,
            keys: vec!["k1".parse().unwrap(), "k2".parse().unwrap()],
            list,
        };
        let rest = known.granted.minus(known.used).unwrap().minus(known.returned).unwrap();
        let gives = self.rng.below(3) == 0;
        let (used, returned) = match gives {
            true => (known.used, known.returned.plus(rest).unwrap()),
            false => (known.used.plus(rest).unwrap(), known.returned),
        };
        self.ops.extend((0..count as u64).map(|i| format!("{id}.{}", from + i)));
        let reported = Reported { terms, used, returned, operations };
        let next = self.visit(|session, plan| session.report(plan, &id, reported).unwrap_or(from));
        if let Some(lease) = self.leases.get_mut(&id) {
            lease.next = next;
        }
    }

    fn uses(&mut self) -> Vec<Use> {
        let model = *self.rng.pick(&["a", "b"]);
        let one = |charge: &str, of: Combination, quantity: i64| Use {
            charge: charge.parse().unwrap(),
            of,
            quantity: quantity.to_string().parse().unwrap(),
        };
        let model = Combination::from([("model".to_owned(), model.to_owned())]);
        let none = Combination::new();
        vec![
            one("calls", none.clone(), self.rng.below(3)),
            one("tokens", model, self.rng.below(4)),
            one("words", none, self.rng.below(4)),
        ]
    }

    fn reserved(&mut self) {
        if self.reserved.is_empty() || self.rng.below(3) == 0 {
            let (op, uses) = (self.name("r"), self.uses());
            let labels = Combination::from([("team".to_owned(), "blue".to_owned())]);
            let reserve = Reserve {
                op: op.clone(),
                route: "POST /chat".to_owned(),
                key: Some("k1".parse().unwrap()),
                labels,
                uses: uses.iter().cloned().map(AtMost::from).collect(),
                expires_ms: 600_000,
                ..Reserve::default()
            };
            self.visit(|session, plan| session.reserve(plan, &reserve).map(drop).unwrap());
            self.reserved.push((op, uses));
            return;
        }
        let index = self.rng.below(self.reserved.len() as i64) as usize;
        let (op, mut uses) = self.reserved[index].clone();
        let last = self.rng.below(2) == 0;
        if self.rng.below(5) == 0 {
            self.reserved.remove(index);
            self.visit(|session, _| session.release(&op).unwrap());
            return;
        }
        for one in &mut uses {
            if self.rng.below(3) == 0 {
                one.quantity = one.quantity.plus("1".parse().unwrap()).unwrap();
            }
        }
        if last {
            self.reserved.remove(index);
            self.ops.push(op.clone());
        }
        let settle = Settle { op, uses, last, status: 200, estimated: self.rng.below(4) == 0 };
        // An operation that is long forgotten is refused.
        let _ = self.visit(|session, plan| session.settle(plan, &settle));
    }

    fn event(&mut self, id: &str, time: i64) -> String {
        let (kind, data) = match self.rng.below(3) {
            0 => ("copy", json!({ "gb": self.rng.below(7).to_string() })),
            1 => ("words", json!({ "quantity": self.rng.below(9) })),
            _ => {
                let model = *self.rng.pick(&["a", "b"]);
                ("call", json!({ "tokens": self.rng.below(9), "model": model }))
            }
        };
        let time = rfc3339(time);
        json!({ "specversion": "1.0", "id": id, "source": "/tests", "type": kind,
                "subject": "acme", "time": time, "data": data })
        .to_string()
    }

    fn events(&mut self) {
        let mut texts = Vec::new();
        for _ in 0..self.rng.below(4) + 1 {
            let (id, age) = (self.name("e"), self.rng.below(2) * self.rng.below(40_000_000));
            texts.push(self.event(&id, self.now - age));
            self.events.push((id, self.now - age));
        }
        let at = Timestamp::from_millis(self.now);
        let events: Vec<Event<'_>> =
            texts.iter().map(|text| Event::from_json(text, Some(at)).unwrap()).collect();
        let keys = self.visit(|session, plan| {
            session.take_events(plan, &events, |_| false).unwrap();
            session.event_keys()
        });
        self.remember(keys);
    }

    fn remember(&mut self, keys: Vec<(EventKey, usize)>) {
        let n = self.rows.len() as u64;
        self.keys.extend(keys.into_iter().map(|(key, i)| (key, EventPlace { n, i: i as u64 })));
    }

    fn correct(&mut self) {
        if self.events.is_empty() {
            return;
        }
        let (event, time) = self.rng.clone().pick(&self.events.clone()).clone();
        self.rng.below(2);
        let id = self.name("c");
        let text = self.event(&event, time);
        let at = Timestamp::from_millis(self.now);
        let amended = Event::from_json(&text, Some(at)).unwrap();
        let change = if self.rng.below(2) == 0 { Change::Void } else { Change::Amend(amended) };
        let correction = EventCorrection { id: &id, source: "/tests", event: &event, change };
        let mut records = BTreeMap::new();
        let key = EventKey::of("/tests", &event);
        if let Some(place) = self.keys.get(&key) {
            let entries = ledger::entries(&self.rows[place.n as usize - 1].body).unwrap();
            let record = EventRecord::read(&entries, place.i, "/tests", &event).unwrap();
            records.extend(record.map(|record| (key, record)));
        }
        let keys = self.visit(|session, plan| {
            session.correct_events(plan, &[correction], |_| false, records).unwrap();
            session.event_keys()
        });
        self.remember(keys);
    }

    fn refund(&mut self) {
        let Some(from) = self.ops.len().checked_sub(1) else { return };
        let back = self.rng.below(8).min(from as i64) as usize;
        let op = self.ops[from - back].clone();
        self.visit(|session, _| session.refund(&op).unwrap());
    }

    /// The rows as an export has them.
    pub(crate) fn export(&self) -> String {
        self.rows.iter().map(line).collect()
    }
}

pub(crate) fn line(row: &Row) -> String {
    let Row { n, at, body, hash } = row;
    format!("{{\"n\":{n},\"at\":{at},\"hash\":\"{hash}\",\"entries\":{body}}}\n")
}
