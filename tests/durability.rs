//! `Client::persist`: an answer may leave once the account has burned what it cost, and only then.
//!
//! The client and the account are the real ones; the test is the network between them.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test may stop at the first thing off")]

use edgemeter::control::{Admission, Answer, Client, Denials, Flush, Operation, Request, serve};
use edgemeter::ledger::{self, Ledger, Session};
use edgemeter::plan::Plan;
use edgemeter::units::Timestamp;

const PLAN: &str = r#"{"id":"p","version":1,"charges":[{"id":"words","unit":"credits",
    "price":{"model":"per_unit","unit_price":"1"}}],
    "credits":{"burn_order":"standard","rollover":"none","at_zero":"block"}}"#;

/// An isolate, an account, and a clock for both.
struct Pair {
    client: Client,
    ledger: Ledger,
    plan: Plan,
    now: Timestamp,
}

impl Pair {
    /// With a lease at the isolate.
    fn with_lease() -> Self {
        let plan = Plan::parse(PLAN).unwrap();
        let opened = ledger::open("acme".parse().unwrap(), &plan, PLAN.to_owned());
        let ledger = Ledger::opened(&opened, Timestamp::from_millis(0)).unwrap();
        let (client, now) = (Client::new("i", 0), Timestamp::from_millis(0));
        let mut pair = Self { client, ledger, plan, now };
        let mut session = Session::start(&mut pair.ledger, now).unwrap();
        session.create_key("k".parse().unwrap()).unwrap();
        let terms = serde_json::from_str(r#"{"id":"g","amount":"10000"}"#).unwrap();
        session.grant(terms).unwrap();
        for _ in 0..100 {
            if pair.pay().starts_with("il") {
                return pair;
            }
        }
        panic!("no lease in a hundred operations");
    }

    fn admit(&mut self) -> Admission {
        self.now = self.now.plus_millis(10);
        let operation = Operation {
            route: "GET /words".into(),
            charge: "words".parse().unwrap(),
            key: "k".parse().unwrap(),
            quantity: "1".parse().unwrap(),
        };
        self.client.admit(operation, self.now).unwrap()
    }

    /// Pays one operation, asking the account if need be; its id.
    fn pay(&mut self) -> String {
        match self.admit() {
            Admission::Paid(paid) => paid.op,
            Admission::Ask(request) => match self.deliver(&request) {
                Some(Admission::Paid(paid)) => paid.op,
                other => panic!("not paid: {other:?}"),
            },
            other => panic!("not paid: {other:?}"),
        }
    }

    fn serve(&mut self, request: &Request) -> Answer {
        let mut session = Session::start(&mut self.ledger, self.now).unwrap();
        serve(&mut session, &self.plan, &mut Denials::default(), request).unwrap()
    }

    fn deliver(&mut self, request: &Request) -> Option<Admission> {
        let answer = self.serve(request);
        self.client.answered(request, answer, self.now, self.now).unwrap()
    }

    fn persist(&mut self, op: &str) -> Flush {
        self.client.persist(op, self.now).unwrap()
    }

    fn burned(&self) -> String {
        self.ledger.balance().unwrap().burned.to_string()
    }
}

#[test]
fn an_answer_leaves_once_its_operation_is_burned() {
    let mut pair = Pair::with_lease();
    let (first, second) = (pair.pay(), pair.pay());
    let Flush::Send(report) = pair.persist(&first) else { panic!("nothing to send") };
    // One report is under way, for all that were admitted before it: nobody sends another.
    assert_eq!([pair.persist(&first), pair.persist(&second)], [Flush::Wait, Flush::Wait]);
    let late = pair.pay();
    pair.deliver(&report);
    assert_eq!([pair.persist(&first), pair.persist(&second)], [Flush::Done, Flush::Done]);
    let Flush::Send(report) = pair.persist(&late) else { panic!("nothing to send") };
    pair.deliver(&report);
    assert_eq!(pair.persist(&late), Flush::Done);
}

#[test]
fn a_report_that_is_lost_is_sent_again_and_burns_once() {
    let mut pair = Pair::with_lease();
    let op = pair.pay();
    let Flush::Send(lost) = pair.persist(&op) else { panic!("nothing to send") };
    pair.serve(&lost);
    let burned = pair.burned();
    assert_eq!(pair.client.unanswered(&lost, pair.now, None, pair.now), Ok(None));
    let Flush::Send(again) = pair.persist(&op) else { panic!("not sent again") };
    pair.deliver(&again);
    assert_eq!((pair.persist(&op), pair.burned()), (Flush::Done, burned));
}

#[test]
fn what_the_account_decided_itself_is_burned_already() {
    let mut pair = Pair::with_lease();
    assert_eq!(pair.persist("id7"), Flush::Done);
    // An operation that nobody here knows of is never told to be burned.
    for unknown in ["il99.0", "jd7", "il0.x", ""] {
        assert_eq!(pair.persist(unknown), Flush::Wait, "{unknown:?}");
    }
}

#[test]
fn the_lease_that_follows_does_not_forget_what_was_burned() {
    let mut pair = Pair::with_lease();
    let op = pair.pay();
    // The lease comes to rest and its time passes: the next one has another name.
    for _ in 0..5 {
        pair.now = pair.now.plus_millis(30_000);
        if let Flush::Send(request) = pair.client.flush(pair.now, true).unwrap() {
            pair.deliver(&request);
        }
    }
    let next = (0..100).map(|_| pair.pay()).find(|next| next.starts_with("il")).unwrap();
    assert_ne!(op.split('.').next(), next.split('.').next());
    assert_eq!(pair.persist(&op), Flush::Done);
    assert!(matches!(pair.persist(&next), Flush::Send(_)));
}

#[test]
fn a_lease_that_the_account_has_forgotten_proves_nothing() {
    let mut pair = Pair::with_lease();
    let op = pair.pay();
    let Flush::Send(report) = pair.persist(&op) else { panic!("nothing to send") };
    let mut answer = pair.serve(&report);
    (answer.acked, answer.lease_unknown) = (None, true);
    pair.client.answered(&report, answer, pair.now, pair.now).unwrap();
    assert_eq!(pair.persist(&op), Flush::Wait);
}
