//! Paying the same again by what is known of it, and deciding every operation anew, are the same:
//! two isolates with the same traffic, one of which takes the short way wherever it can.
//!
//! ```text
//! seed ─▶ operations, answers, failures, pauses ─▶ both clients, an account each ─▶ equal journals
//! ```

#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test may stop at the first thing that is off"
)]

use std::rc::Rc;

use edgemeter::control::{
    Admission, Again, Client, Denials, Flush, Known, Operation, Paid, Request, serve,
};
use edgemeter::ledger::{self, Entry, Ledger, Session};
use edgemeter::plan::Plan;
use edgemeter::units::{Credits, Timestamp};

struct Pair {
    client: Client,
    ledger: Ledger,
    plan: Plan,
    denials: Denials,
    entries: Vec<Entry>,
    known: Vec<Option<(Known, Paid)>>,
    short: bool,
    taken: u32,
}

fn plan(price: &str) -> (Plan, String) {
    let json = format!(
        r#"{{"id":"p","version":1,"charges":[{{"id":"words","unit":"credits","price":{price}}}],
        "credits":{{"burn_order":"standard","rollover":"none","at_zero":"block"}}}}"#
    );
    (Plan::parse(&json).unwrap(), json)
}

impl Pair {
    fn new(short: bool, price: &str, now: Timestamp) -> Self {
        let (plan, json) = plan(price);
        let opened = ledger::open("acme".parse().unwrap(), &plan, json);
        let mut ledger = Ledger::opened(&opened, now).unwrap();
        let mut session = Session::start(&mut ledger, now).unwrap();
        session.create_key("k1".parse().unwrap()).unwrap();
        let grant = serde_json::from_str(r#"{"id":"g","amount":"900"}"#).unwrap();
        session.grant(grant).unwrap();
        drop(session);
        Self {
            client: Client::new("i", 0),
            ledger,
            plan,
            denials: Denials::default(),
            entries: vec![opened],
            known: vec![None, None],
            short,
            taken: 0,
        }
    }

    fn ask(&mut self, request: &Request, now: Timestamp) -> Option<Admission> {
        let mut session = Session::start(&mut self.ledger, now).unwrap();
        let answer = serve(&mut session, &self.plan, &mut self.denials, request).unwrap();
        self.entries.extend(session.finish().unwrap());
        self.client.answered(request, answer, now, now).unwrap()
    }

    fn pay(&mut self, kind: usize, now: Timestamp) -> Admission {
        if self.short
            && let Some((known, before)) = self.known[kind].clone()
            && let Some(again) = self.client.admit_again(&known, now).unwrap()
        {
            assert!(self.client.is_current(&known));
            self.taken += 1;
            let Again { number, left, renew, flush } = again;
            let (lease, _) = before.op.rsplit_once('.').unwrap();
            let op = format!("{lease}.{number}");
            return Admission::Paid(Paid { op, left, renew, flush, ..before });
        }
        let operation = Operation {
            route: Rc::from(["GET /words", "POST /words"][kind]),
            charge: "words".parse().unwrap(),
            key: "k1".parse().unwrap(),
            quantity: ["1", "2.5"][kind].parse().unwrap(),
        };
        let admitted = self.client.admit(operation.clone(), now).unwrap();
        if let Admission::Paid(paid) = &admitted {
            self.known[kind] = self.client.know(operation).map(|known| (known, paid.clone()));
        }
        admitted
    }

    /// One operation to its end; what the client was told.
    fn serve(&mut self, kind: usize, failed: bool, now: Timestamp) -> String {
        let mut admitted = self.pay(kind, now);
        while let Admission::Ask(request) = &admitted {
            admitted = self.ask(&request.clone(), now).unwrap();
        }
        if let Admission::Paid(paid) = &admitted {
            let status = if failed { 500 } else { 200 };
            self.client.settle(&paid.op, status, failed, now).unwrap();
            if paid.renew
                && let Some(request) = self.client.renew(now).unwrap()
            {
                self.ask(&request, now);
            }
        }
        format!("{admitted:?}")
    }

    fn flush(&mut self, now: Timestamp) {
        if let Flush::Send(request) = self.client.flush(now, false).unwrap() {
            self.ask(&request, now);
        }
    }
}

#[test]
fn what_is_paid_again_is_what_would_be_paid_anew() {
    let prices = [
        r#"{"model":"per_unit","unit_price":"1"}"#,
        r#"{"model":"graduated","tiers":[{"up_to":"100","unit_price":"2"},
            {"up_to":null,"unit_price":"0.3"}]}"#,
    ];
    let mut taken = 0;
    for (seed, price) in (1_u64..40).zip(prices.into_iter().cycle()) {
        let mut now = 1_000_000;
        let at = Timestamp::from_millis;
        let mut pairs = [true, false].map(|short| Pair::new(short, price, at(now)));
        let mut state = seed;
        let mut below = |end: u32| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            u32::try_from(state >> 33).unwrap() % end
        };
        for step in 0..1_500 {
            now += [0, 1, 20, 60, 60][usize::try_from(below(5)).unwrap()];
            now += if below(200) == 0 { 12_000 } else { 0 };
            let (kind, failed, flushes) =
                (usize::from(below(2) == 1), below(10) == 0, below(30) == 0);
            let [short, long] = &mut pairs;
            assert_eq!(
                short.serve(kind, failed, at(now)),
                long.serve(kind, failed, at(now)),
                "seed {seed}, step {step}"
            );
            if flushes {
                short.flush(at(now));
                long.flush(at(now));
            }
        }
        let [short, long] = pairs;
        assert_eq!(short.entries, long.entries, "seed {seed}: the same journal");
        assert!(short.ledger.balance().unwrap().burned > Credits::ZERO);
        taken += short.taken;
    }
    assert!(taken > 5_000, "the short way was taken {taken} times");
}
