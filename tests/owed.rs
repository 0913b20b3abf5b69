//! Routes that go on while the account does not answer: what an isolate serves, what it tells, and
//! what the account makes of it in whatever order it arrives.
//!
//! The client and the account are the real ones; the test is the network between them.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may stop at the first thing that is off"
)]

use edgemeter::control::{
    Admission, Client, Denials, Flush, Operation, Paid, Request, VERSION, serve,
};
use edgemeter::ledger::{self, Debit, Ledger, Owed, Session};
use edgemeter::plan::Plan;
use edgemeter::units::{Credits, Timestamp};

const PLAN: &str = r#"{"id":"p","version":1,"charges":[{"id":"words","unit":"credits",
    "price":{"model":"per_unit","unit_price":"2"}}],
    "credits":{"burn_order":"standard","rollover":"none","at_zero":"block"}}"#;

/// An isolate, an account, and a clock for both.
struct Pair {
    client: Client,
    ledger: Ledger,
    plan: Plan,
    denials: Denials,
    now: Timestamp,
}

impl Pair {
    /// Credits for so many operations. The isolate has not heard of the account.
    fn with_credits(operations: u32) -> Self {
        let plan = Plan::parse(PLAN).unwrap();
        let opened = ledger::open("acme".parse().unwrap(), &plan, PLAN.to_owned());
        let now = Timestamp::from_millis(1_000_000_000);
        let mut ledger = Ledger::opened(&opened, now).unwrap();
        let mut session = Session::start(&mut ledger, now).unwrap();
        session.create_key("k".parse().unwrap()).unwrap();
        if operations > 0 {
            let grant = format!(r#"{{"id":"g","amount":"{}"}}"#, operations * 2);
            session.grant(serde_json::from_str(&grant).unwrap()).unwrap();
        }
        drop(session);
        Self { client: Client::new("i", 0), ledger, plan, denials: Denials::default(), now }
    }

    /// As above; it has heard of the account, and the account does not answer any more.
    fn silent(operations: u32) -> Self {
        let mut pair = Self::with_credits(operations);
        pair.hear_of_it();
        let Admission::Ask(lost) = pair.admit("0") else { panic!("not asked") };
        assert_eq!(pair.unanswered(&lost, "0"), None);
        pair.now = pair.now.plus_millis(1);
        pair
    }

    /// Asks for nothing, so that price and keys are known.
    fn hear_of_it(&mut self) {
        let request = Request { v: VERSION, ..Request::default() };
        self.deliver(&request);
    }

    /// An operation on a route with an allowance.
    fn admit(&mut self, allowance: &str) -> Admission {
        let operation = Operation {
            route: "GET /words".into(),
            charge: "words".parse().unwrap(),
            key: "k".parse().unwrap(),
            quantity: "1".parse().unwrap(),
        };
        self.client.admit_or_owe(operation, allowance.parse().unwrap(), self.now).unwrap()
    }

    fn serve(&mut self, request: &Request) -> edgemeter::control::Answer {
        let mut session = Session::start(&mut self.ledger, self.now).unwrap();
        serve(&mut session, &self.plan, &mut self.denials, request).unwrap()
    }

    fn deliver(&mut self, request: &Request) -> Option<Admission> {
        let answer = self.serve(request);
        self.client.answered(request, answer, self.now, self.now).unwrap()
    }

    fn unanswered(&mut self, request: &Request, allowance: &str) -> Option<Admission> {
        let sent = self.now;
        self.now = sent.plus_millis(5_000);
        let allowance = allowance.parse().unwrap();
        self.client.unanswered(request, sent, Some(allowance), self.now).unwrap()
    }

    fn flush(&mut self) -> Flush {
        self.now = self.now.plus_millis(1_000);
        self.client.flush(self.now, false).unwrap()
    }

    /// Flushes until nothing is left to tell.
    fn tell_all(&mut self) {
        for _ in 0..20 {
            match self.flush() {
                Flush::Send(request) => self.deliver(&request),
                Flush::Wait => None,
                Flush::Done => return,
            };
        }
        panic!("never done");
    }

    /// Burned and owed.
    fn charged(&self) -> [Credits; 2] {
        let balance = self.ledger.balance().unwrap();
        [balance.burned, balance.debt]
    }

    #[track_caller]
    fn check(&self, burned: &str, debt: &str) {
        assert_eq!(self.charged(), [burned.parse().unwrap(), debt.parse().unwrap()]);
    }
}

fn owed(admission: Option<Admission>) -> Paid {
    match admission {
        Some(Admission::Owed(paid)) => paid,
        other => panic!("not owed: {other:?}"),
    }
}

#[test]
fn an_operation_is_charged_once_in_every_order() {
    let debit = Debit {
        op: "id1".to_owned(),
        route: "GET /words".to_owned(),
        charge: "words".parse().unwrap(),
        key: "k".parse().unwrap(),
        quantity: "1".parse().unwrap(),
    };
    let told = Owed { debit: debit.clone(), terms: 0, sent_ms: Some(5_000) };
    let blank = || Request { v: VERSION, ..Request::default() };
    let messages = [
        Request { debit: Some(debit), ..blank() },
        Request { owed: vec![told], ..blank() },
        Request { refunds: vec!["id1".to_owned()], ..blank() },
    ];
    // Every sequence of five messages: copies that are late, repeated, overtaken.
    for (sequence, credits) in (0..243_usize).flat_map(|sequence| [(sequence, 0), (sequence, 9)]) {
        let digits = [1, 3, 9, 27, 81].map(|place| sequence / place % 3);
        let mut pair = Pair::with_credits(credits);
        for digit in digits {
            pair.serve(messages.get(digit).unwrap());
        }
        let has = |digit: usize| digits.contains(&digit);
        let is_charged = !has(2) && (has(1) || credits > 0);
        let due: Credits = if is_charged { "2" } else { "0" }.parse().unwrap();
        let [burned, debt] = pair.charged();
        assert_eq!(burned.plus(debt), Ok(due), "{digits:?} with credits for {credits}");
        assert!(debt.is_zero() || credits == 0, "{digits:?} with credits for {credits}");
        assert_eq!(pair.ledger.audit(), Ok(()));
    }
}

#[test]
fn a_debit_without_an_answer_is_served_by_its_name_and_charged_once() {
    for arrives in [false, true] {
        let mut pair = Pair::with_credits(9);
        pair.hear_of_it();
        let Admission::Ask(request) = pair.admit("10") else { panic!("not asked") };
        if arrives {
            pair.serve(&request);
        }
        let paid = owed(pair.unanswered(&request, "10"));
        let op = request.debit.map(|debit| debit.op).unwrap();
        assert_eq!((paid.op, paid.cost.to_string(), paid.is_exact), (op, "2".to_owned(), true));
        assert!(paid.flush, "somebody must tell it");
        assert!(!pair.client.is_at_rest());
        pair.tell_all();
        pair.check("2", "0");
        assert!(pair.client.is_at_rest());
    }
}

#[test]
fn what_the_account_refused_while_nobody_heard_it_is_debt() {
    let mut pair = Pair::with_credits(0);
    pair.hear_of_it();
    let Admission::Ask(request) = pair.admit("10") else { panic!("not asked") };
    pair.serve(&request);
    owed(pair.unanswered(&request, "10"));
    pair.tell_all();
    pair.check("0", "2");
}

#[test]
fn a_refused_message_is_no_silence() {
    let mut pair = Pair::silent(9);
    owed(Some(pair.admit("100")));
    pair.now = pair.now.plus_millis(1_000);
    let Admission::Ask(request) = pair.admit("100") else { panic!("not asked") };
    assert!(!request.owed.is_empty());
    pair.client.refused(&request, pair.now);
    let Admission::Ask(request) = pair.admit("100") else { panic!("not asked") };
    assert!(!request.owed.is_empty(), "what was told in vain is told again");
    pair.client.refused(&request, pair.now);
    // The one that was served is charged; the two that were refused are not.
    pair.tell_all();
    pair.check("2", "0");
}

#[test]
fn in_silence_nobody_waits_until_the_allowance_is_used_up() {
    let mut pair = Pair::silent(9);
    for _ in 0..3 {
        owed(Some(pair.admit("7")));
    }
    // Three at 2, and 7 do not pay for a fourth; another route may owe more.
    assert!(matches!(pair.admit("7"), Admission::Ask(_)));
    owed(Some(pair.admit("8")));
    assert!(matches!(pair.admit("8"), Admission::Ask(_)));
    pair.tell_all();
    pair.check("8", "0");
    // It answers: whoever comes now asks.
    assert!(matches!(pair.admit("8"), Admission::Ask(_)));
}

#[test]
fn what_is_owed_fits_one_message() {
    let mut pair = Pair::silent(0);
    for _ in 0..1_000 {
        owed(Some(pair.admit("1000000")));
    }
    assert!(matches!(pair.admit("1000000"), Admission::Ask(_)));
    pair.tell_all();
    pair.check("0", "2000");
}

#[test]
fn a_clock_that_jumps_back_ends_the_silence() {
    let mut pair = Pair::silent(9);
    owed(Some(pair.admit("100")));
    pair.now = pair.now.plus_millis(-60_000);
    assert!(matches!(pair.admit("100"), Admission::Ask(_)));
}

#[test]
fn one_operation_a_second_asks_all_the_same() {
    let mut pair = Pair::silent(9);
    let mut asked = 0;
    for _ in 0..50 {
        pair.now = pair.now.plus_millis(100);
        asked += u32::from(matches!(pair.admit("1000"), Admission::Ask(_)));
    }
    assert_eq!(asked, 5);
}

#[test]
fn until_it_answers_one_is_told_at_a_time() {
    let mut pair = Pair::silent(9);
    for _ in 0..4 {
        owed(Some(pair.admit("100")));
    }
    for sent_ms in [None, Some(6_000)] {
        let Flush::Send(request) = pair.flush() else { panic!("nothing to tell") };
        let told: Vec<_> = request.owed.iter().map(|owed| owed.sent_ms).collect();
        // The first message of the silence has a refund as well.
        assert_eq!((told, request.refunds.len()), (vec![sent_ms], 1));
        assert_eq!(pair.unanswered(&request, "100"), None);
    }
    let Flush::Send(request) = pair.flush() else { panic!("nothing to tell") };
    pair.deliver(&request);
    let Flush::Send(request) = pair.flush() else { panic!("nothing to tell") };
    assert_eq!(request.owed.len(), 3);
    pair.deliver(&request);
    assert_eq!(pair.flush(), Flush::Done);
    pair.check("8", "0");
}

#[test]
fn a_failed_operation_costs_nothing() {
    let mut pair = Pair::silent(9);
    let [a, b, c] = [(); 3].map(|()| owed(Some(pair.admit("100"))).op);
    let settle = |pair: &mut Pair, op: &str| {
        pair.client.settle(op, 500, true, pair.now).unwrap();
    };
    // Never told: there is nothing to refund.
    settle(&mut pair, &c);
    let Flush::Send(request) = pair.flush() else { panic!("nothing to tell") };
    assert!(request.owed.first().is_some_and(|owed| owed.debit.op == a));
    // Told, and the answer is lost; then told and answered.
    pair.serve(&request);
    pair.unanswered(&request, "100");
    settle(&mut pair, &a);
    pair.tell_all();
    pair.check("2", "0");
    settle(&mut pair, &b);
    pair.tell_all();
    pair.check("0", "0");
    let debits: Vec<&String> = pair.ledger.debits().keys().collect();
    assert!(!debits.contains(&&c), "{debits:?}");
}

#[test]
fn nothing_is_owed_of_what_is_not_known_or_was_denied() {
    // Never heard of the account: neither its price nor its keys.
    let mut pair = Pair::with_credits(9);
    let Admission::Ask(request) = pair.admit("100") else { panic!("not asked") };
    assert_eq!(pair.unanswered(&request, "100"), None);
    assert!(matches!(pair.admit("100"), Admission::Ask(_)));
    // The account said that it cannot pay.
    let mut pair = Pair::with_credits(0);
    pair.hear_of_it();
    let [Admission::Ask(first), Admission::Ask(second)] = [pair.admit("100"), pair.admit("100")]
    else {
        panic!("not asked")
    };
    assert!(matches!(pair.deliver(&first), Some(Admission::Denied { .. })));
    let (sent, allowance) = (pair.now, "100".parse().unwrap());
    pair.now = sent.plus_millis(400);
    assert_eq!(pair.client.unanswered(&second, sent, Some(allowance), pair.now).unwrap(), None);
    assert!(matches!(pair.admit("100"), Admission::Denied { .. }));
    // A key that the account has disabled.
    let mut pair = Pair::with_credits(9);
    let mut session = Session::start(&mut pair.ledger, pair.now).unwrap();
    session.disable_key("k".parse().unwrap()).unwrap();
    drop(session);
    pair.hear_of_it();
    let Admission::Ask(request) = pair.admit("100") else { panic!("not asked") };
    assert_eq!(pair.unanswered(&request, "100"), None);
}

#[test]
fn what_may_have_been_burned_and_forgotten_is_not_burned_again() {
    let mut pair = Pair::with_credits(9_000);
    pair.hear_of_it();
    let ask = |pair: &mut Pair| match pair.admit("1") {
        Admission::Ask(request) => *request,
        other => panic!("not asked: {other:?}"),
    };
    let first = ask(&mut pair);
    pair.serve(&first);
    pair.now = pair.now.plus_millis(100);
    // So many that the first is forgotten in the bulk.
    for n in 0..5_001 {
        let mut other = first.clone();
        other.debit.as_mut().unwrap().op = format!("x{n}");
        pair.serve(&other);
    }
    assert!(!pair.ledger.debits().contains_key(&first.debit.as_ref().unwrap().op));
    let burned = pair.charged();
    let again = Request { sent_ms: Some(900), ..first.clone() };
    pair.now = pair.now.plus_millis(800);
    assert_eq!(pair.deliver(&again), None);
    assert_eq!(pair.charged(), burned);
    // It was not served: what it may have burned is asked back.
    pair.tell_all();
    assert!(pair.ledger.debits().get("id1").is_some_and(|past| past.refunded));
    // One that is asked for again and is known, or never was, is as ever.
    let next = Request { sent_ms: Some(5), ..ask(&mut pair) };
    pair.now = pair.now.plus_millis(10_000);
    assert!(matches!(pair.deliver(&next), Some(Admission::Paid(_))));
    assert!(matches!(pair.deliver(&next), Some(Admission::Paid(_))));
}
