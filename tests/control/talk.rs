//! An isolate, its account, and what they say to each other, a line each.
//!
//! ```text
//! 120 pay            → [debit d1]                   what is said, by the clock of both in ms
//! 140 answer         → plan, keys; paid d1 1 left 99        to the oldest question that is open
//! 140 visit          → available 99 held 0 burned 1
//! ```

use std::collections::{BTreeSet, VecDeque};

use edgemeter::control::{
    Admission, Answer, Client, Denials, End, Flush, Operation, Request, VERSION, Wish, serve,
};
use edgemeter::ledger::{self, Ledger, Most, Operations, Reserve, Session, SpendLimits, Use};
use edgemeter::plan::Plan;
use edgemeter::units::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// At zero, nothing is served.
pub(crate) const BLOCK: &str = r#""block""#;

/// A plan; `price` is a price or tiers (`10:1,*:2`), `at_zero` is JSON.
fn plan(version: u32, price: &str, at_zero: &str) -> String {
    let tier = |tier: &str| match tier.split_once(':').unwrap() {
        ("*", price) => format!(r#"{{"unit_price":"{price}"}}"#),
        (end, price) => format!(r#"{{"up_to":"{end}","unit_price":"{price}"}}"#),
    };
    let price = match price.contains(':') {
        true => {
            let tiers: Vec<String> = price.split(',').map(tier).collect();
            format!(r#"{{"model":"graduated","tiers":[{}]}}"#, tiers.join(","))
        }
        false => format!(r#"{{"model":"per_unit","unit_price":"{price}"}}"#),
    };
    format!(
        r#"{{"id":"p","version":{version},"charges":[{{"id":"words","unit":"credits",
        "price":{price}}}],"credits":{{"burn_order":"standard","rollover":"none",
        "at_zero":{at_zero}}}}}"#
    )
}

pub(crate) struct Talk {
    client: Client,
    ledger: Ledger,
    plan: Plan,
    denials: Denials,
    now: Timestamp,
    open: VecDeque<(Request, Timestamp)>,
    /// A copy of a message that is under way still.
    copy: Option<Request>,
    /// The operations of the last report.
    told: String,
}

/// Has a conversation and compares it, line by line.
pub(crate) fn talk(price: &str, at_zero: &str, script: &str) {
    let json = plan(1, price, at_zero);
    let plan = Plan::parse(&json).unwrap_or_else(|error| panic!("{error}: {json}"));
    let opened = ledger::open("acme".parse().unwrap(), &plan, json);
    let ledger = Ledger::opened(&opened, Timestamp::default()).unwrap();
    let (client, denials) = (Client::new("i", 0), Denials::default());
    let (now, open, told) = (Timestamp::default(), VecDeque::new(), String::new());
    let mut talk = Talk { client, ledger, plan, denials, now, open, copy: None, told };
    talk.say("key k1");
    let (mut said, mut expected) = (String::new(), String::new());
    for line in script.lines().map(|line| line.split("//").next().unwrap().trim()) {
        let Some((at, line)) = line.split_once(' ') else { continue };
        let (command, answer) = line.split_once('→').unwrap_or((line, ""));
        talk.now = Timestamp::from_millis(at.parse().unwrap());
        let command = command.trim();
        let found = talk.say(command);
        said.push_str(&format!("{at:>6} {command:<22} → {found}\n"));
        expected.push_str(&format!("{at:>6} {command:<22} → {}\n", answer.trim()));
    }
    assert!(said == expected, "\n{said}\ninstead of\n{expected}");
}

impl Talk {
    fn say(&mut self, command: &str) -> String {
        let words: Vec<&str> = command.split_whitespace().collect();
        let now = self.now;
        match words[0] {
            "pay" => self.pay(&words),
            // As many questions and answers.
            "warm" => {
                for _ in 0..words[1].parse().unwrap() {
                    self.say("pay");
                    self.say("answer");
                }
                self.balance()
            }
            "renew" => match self.client.renew(now).unwrap() {
                Some(request) => self.ask(request),
                None => "nothing".to_owned(),
            },
            "flush" => {
                let flush = self.client.flush(now, words.contains(&"last")).unwrap();
                self.flush(flush)
            }
            "persist" => {
                let flush = self.client.persist(words[1], now).unwrap();
                self.flush(flush)
            }
            "settle" => {
                let status = words[2].parse().unwrap();
                let starts = self.client.settle(words[1], status, status >= 500, now).unwrap();
                if starts { "flusher".to_owned() } else { String::new() }
            }
            "well" => {
                let (number, status) = (words[1].parse().unwrap(), words[2].parse().unwrap());
                self.client.answered_well(number, status);
                String::new()
            }
            "flusher" => self.client.needs_flusher(now).to_string(),
            "rest" => self.client.is_at_rest().to_string(),
            "told" => self.told.clone(),
            "knows" => self.knows(),
            "answer" | "lose" | "drop" | "refuse" => self.post(&words),
            "reserve" | "raise" => self.reserve(&words),
            // With what it used, or released.
            "end" => {
                let settled = words.get(2).map(|quantity| {
                    let uses = vec![used(quantity)];
                    End::Settled { uses, status: 200, estimated: false }
                });
                let end = settled.unwrap_or(End::Released);
                let told = self.client.end(words[1], end, now);
                told.map_or("nothing".to_owned(), |request| self.ask(request))
            }
            "tell" => {
                let told = self.client.tell(now);
                told.map_or("nothing".to_owned(), |request| self.ask(request))
            }
            "copy" => {
                self.copy = self.open.front().map(|(request, _)| request.clone());
                String::new()
            }
            // The copy arrives.
            "late" => {
                let copy = self.copy.clone().unwrap();
                let answer = self.serve(&copy);
                format!("{:?}", answer.debit)
            }
            "wish" => self.wish(&words),
            // What is told of what was used.
            "usage" => {
                let told = self.serve(&Request { v: VERSION, ..Request::default() }).usage;
                told.iter().map(|(charge, used)| format!("{charge} {used}")).collect()
            }
            _ => self.operate(&words),
        }
    }

    /// A request arrives, or many: then all but the last are paid from the lease.
    fn pay(&mut self, words: &[&str]) -> String {
        let option =
            |name: &str| words.iter().find_map(|w| w.strip_prefix(name)?.strip_prefix('='));
        let operation = Operation {
            route: option("route").unwrap_or("words").into(),
            charge: option("charge").unwrap_or("words").parse().unwrap(),
            key: option("key").unwrap_or("k1").parse().unwrap(),
            quantity: option("q").unwrap_or("1").parse().unwrap(),
        };
        for _ in 1..words.get(1).and_then(|word| word.parse().ok()).unwrap_or(1) {
            let paid = self.client.admit(operation.clone(), self.now).unwrap();
            assert!(matches!(paid, Admission::Paid(_)), "{words:?}: {paid:?}");
        }
        let admission = match option("once") {
            Some(name) => {
                let again = option("again").map_or(0, |again| again.parse().unwrap());
                self.client.admit_once(operation, name, "same".to_owned(), again, self.now)
            }
            None => self.client.admit(operation, self.now),
        };
        self.admission(admission.unwrap())
    }

    /// Credits for an operation that may use so many units, and `most` more.
    fn reserve(&mut self, words: &[&str]) -> String {
        let option =
            |name: &str| words.iter().find_map(|w| w.strip_prefix(name)?.strip_prefix('='));
        let least = option("least").map_or(1, |least| least.parse().unwrap());
        let reserve = Reserve {
            op: words.get(1).copied().unwrap_or_default().to_owned(),
            route: "POST /words".to_owned(),
            key: Some(option("key").unwrap_or("k1").parse().unwrap()),
            uses: option("q").map(|q| used(q).into()).into_iter().collect(),
            most: option("most").map(|most| Most { bounded: used(most).into(), least }),
            expires_ms: option("for").map_or(60_000, |ms| ms.parse().unwrap()),
            ..Reserve::default()
        };
        if words[0] == "raise" {
            let request = self.client.raise(reserve);
            return self.ask(request);
        }
        let admission = self.client.reserve(reserve, None, self.now).unwrap();
        self.admission(admission)
    }

    fn knows(&self) -> String {
        match (self.client.plan(), self.client.balance()) {
            (Some(plan), Some(known)) => {
                let version = plan.version();
                format!("v{version}, {} {} {}", known.available, known.held, known.burned)
            }
            (plan, balance) => format!("{plan:?} {balance:?}"),
        }
    }

    /// The account hears the oldest question, or the last one, and its answer arrives or is lost;
    /// or it never heard.
    fn post(&mut self, words: &[&str]) -> String {
        let next = match words.contains(&"last") {
            true => self.open.pop_back(),
            false => self.open.pop_front(),
        };
        let Some((request, sent)) = next else { return "nobody asked".to_owned() };
        if words[0] == "drop" {
            self.client.unanswered(&request, sent, None, self.now).unwrap();
            return String::new();
        }
        if words[0] == "refuse" {
            self.client.refused(&request, self.now);
            return String::new();
        }
        let answer = self.serve(&request);
        let mut text = told(&answer);
        if words[0] == "lose" {
            self.client.unanswered(&request, sent, None, self.now).unwrap();
            return text.join("; ");
        }
        let admission = self.client.answered(&request, answer, sent, self.now).unwrap();
        if let Some(admission) = admission {
            text.push(self.admission(admission));
        }
        text.join("; ")
    }

    /// A message of any other isolate: the account's answer alone.
    fn wish(&mut self, words: &[&str]) -> String {
        let (lease, seq) = (words[1].to_owned(), words[2].parse().unwrap());
        let (granted, rate) = (words[3].parse().unwrap(), "10".parse().unwrap());
        let cost = words.get(4).copied().unwrap_or("1").parse().unwrap();
        let wish = Some(Wish { lease, seq, rate, cost, granted });
        let request = Request { v: VERSION, wish, ..Request::default() };
        told(&self.serve(&request)).join("; ")
    }

    /// What the operator does.
    fn operate(&mut self, words: &[&str]) -> String {
        let mut session = Session::start(&mut self.ledger, self.now).unwrap();
        match words {
            ["key", id] => session.create_key(id.parse().unwrap()).unwrap(),
            ["disable", id] => session.disable_key(id.parse().unwrap()).unwrap(),
            ["limit", id, day] => {
                let limits = SpendLimits { day: Some(day.parse().unwrap()), month: None };
                session.limit_key(id.parse().unwrap(), limits).unwrap();
            }
            ["grant", id, amount] => {
                let terms = format!(r#"{{"id":"{id}","amount":"{amount}"}}"#);
                session.grant(serde_json::from_str(&terms).unwrap()).unwrap();
            }
            ["plan", price] => {
                let json = plan(2, price, r#""block""#);
                self.plan = Plan::parse(&json).unwrap();
                session.change_plan(&self.plan, json).unwrap();
            }
            ["visit"] => {}
            other => panic!("no such command: {other:?}"),
        }
        session.finish().unwrap();
        self.balance()
    }

    fn balance(&self) -> String {
        let balance = self.ledger.balance().unwrap();
        format!("{} {} {}", balance.available, balance.held, balance.burned)
    }

    fn serve(&mut self, request: &Request) -> Answer {
        let mut session = Session::start(&mut self.ledger, self.now).unwrap();
        let answer = serve(&mut session, &self.plan, &mut self.denials, request).unwrap();
        session.finish().unwrap();
        assert_eq!(travelled(&answer), answer);
        answer
    }

    fn flush(&mut self, flush: Flush) -> String {
        match flush {
            Flush::Send(request) => self.ask(*request),
            Flush::Wait => "wait".to_owned(),
            Flush::Done => "done".to_owned(),
        }
    }

    fn ask(&mut self, request: Request) -> String {
        assert_eq!(request.v, VERSION);
        assert_eq!(travelled(&request), request);
        let mut parts = Vec::new();
        if let Some(report) = &request.report {
            let (list, from) = (&report.operations.list, report.operations.from);
            let struck = list.iter().filter(|operation| operation.2.is_zero()).count();
            let failed = if struck == 0 { String::new() } else { format!(" less {struck}") };
            self.told = details(&report.operations);
            let (lease, used, returned) = (&report.lease, report.used, report.returned);
            let count = list.len();
            parts.push(format!("{lease} {from}+{count}{failed} used {used} back {returned}"));
        }
        parts.extend(request.refunds.iter().map(|op| format!("refund {op}")));
        parts.extend(request.debit.iter().map(|debit| format!("debit {}", debit.op)));
        parts.extend(request.reserve.iter().map(|reserve| {
            let Reserve { op, held, most, .. } = reserve;
            let most = most.as_ref().map_or(String::new(), |most| {
                format!(" {}..{}", most.least, most.bounded.quantity)
            });
            let held = if held.is_zero() { String::new() } else { format!(" over {held}") };
            format!("reserve {op}{most}{held}")
        }));
        parts.extend(request.settles.iter().map(|settle| {
            let used: Vec<String> = settle.uses.iter().map(|of| of.quantity.to_string()).collect();
            format!("settle {} {}", settle.op, used.join(" "))
        }));
        parts.extend(request.releases.iter().map(|op| format!("release {op}")));
        parts.extend(request.done.iter().map(|name| format!("done {name}")));
        if let Some(wish) = &request.wish {
            parts
                .push(format!("wish {}#{} {}/s of {}", wish.lease, wish.seq, wish.rate, wish.cost));
        }
        self.open.push_back((request, self.now));
        format!("[{}]", parts.join(", "))
    }

    fn admission(&mut self, admission: Admission) -> String {
        match admission {
            Admission::Ask(request) => self.ask(*request),
            Admission::Paid(paid) => {
                let mut text = format!("paid {} {} left {}", paid.op, paid.cost, paid.left);
                let flags = [
                    (!paid.is_exact, " at most"),
                    (paid.restricted, " restricted"),
                    (paid.renew, " renew"),
                    (paid.flush, " flush"),
                ];
                text.extend(flags.into_iter().filter(|(is, _)| *is).map(|(_, flag)| flag));
                text
            }
            Admission::Denied { required, available } => {
                format!("denied {required} of {available}")
            }
            Admission::KeyRefused => "key refused".to_owned(),
            Admission::KeyLimited { limit, spent, .. } => format!("key limited {spent} of {limit}"),
            Admission::Unpriced => "unpriced".to_owned(),
            Admission::Once(refusal) => format!("once {refusal:?}"),
            Admission::Owed(paid) => format!("owed {} {}", paid.op, paid.cost),
            Admission::Held(held) => {
                let most = held.most.map_or(String::new(), |most| format!(" most {most}"));
                let restricted = if held.restricted { " restricted" } else { "" };
                format!("held {} {}{most} left {}{restricted}", held.op, held.amount, held.left)
            }
        }
    }
}

/// A message as it arrives.
fn travelled<T: Serialize + DeserializeOwned>(message: &T) -> T {
    serde_json::from_str(&serde_json::to_string(message).unwrap()).unwrap()
}

fn used(quantity: &str) -> Use {
    let (charge, of) = ("words".parse().unwrap(), Default::default());
    Use { charge, of, quantity: quantity.parse().unwrap() }
}

/// What an answer tells beside the balance.
fn told(answer: &Answer) -> Vec<String> {
    assert_eq!(answer.v, VERSION);
    let mut parts = Vec::new();
    parts.extend(answer.plan_json.iter().map(|_| "plan".to_owned()));
    parts.extend(answer.keys.iter().map(|keys| format!("{} keys", keys.active.len())));
    parts.extend(answer.acked.map(|acked| format!("acked {acked}")));
    parts.extend(answer.lease_unknown.then(|| "unknown".to_owned()));
    let valid = answer.validity_ms;
    parts.extend(answer.granted.map(|granted| format!("granted {granted} for {valid}")));
    parts
}

/// Operations one by one: route, key and status.
fn details(Operations { at, routes, keys, list, .. }: &Operations) -> String {
    // Offsets count from the first one, and nothing happens at 1970.
    assert!(list.first().is_none_or(|first| first.3 == 0 && at.millis() > 0), "{at} {list:?}");
    let word = |ledger::Operation(route, key, _, _, status): &ledger::Operation| {
        let (route, key) = (&routes[usize::from(*route)].0, &keys[usize::from(*key)]);
        format!("{route} {key} {status}")
    };
    // A column names each thing once.
    assert_eq!(routes.iter().collect::<BTreeSet<_>>().len(), routes.len(), "{routes:?}");
    assert_eq!(keys.iter().collect::<BTreeSet<_>>().len(), keys.len(), "{keys:?}");
    list.iter().map(word).collect::<Vec<String>>().join(", ")
}
