//! A ledger, its journal, and the commands of the tables.

use std::fmt::Debug;
use std::str::FromStr;

use edgemeter::invoice::BilledFee;
use edgemeter::ledger::{
    self, Adjustment, AtMost, Balance, BillingTerms, Debit, Debited, Entry, GENESIS, GrantTerms,
    Ledger, LedgerError, Most, Operations, Owed, Position, Recurrence, Reported, Reserve, Rollover,
    Row, Session, Settle, SpendLimits, TopUpRule, Use, chain_hash,
};
use edgemeter::plan::{Combination, Plan};
use edgemeter::statement::{Finalized, Statement, Step, close_over};
use edgemeter::units::{Credits, Timestamp};

/// A plan in credits; `price` and `at_zero` are JSON.
pub(crate) fn plan(version: u32, price: &str, at_zero: &str) -> String {
    format!(
        r#"{{"id":"p","version":{version},"currency":"USD","charges":[{{"id":"words",
        "unit":"credits","price":{price}}}],"credits":{{"burn_order":"standard","rollover":"none",
        "value":"0.01","at_zero":{at_zero}}}}}"#
    )
}

fn per_unit(price: &str) -> String {
    let price = format!(r#"{{"model":"per_unit","unit_price":"{price}"}}"#);
    plan(2, &price, r#""block""#)
}

const ONE_EACH: &str = r#"{"model":"per_unit","unit_price":"1"}"#;
/// Two for each of the first ten, then one.
pub(crate) const TIERS: &str = r#"{"model":"graduated","tiers":[{"up_to":"10","unit_price":"2"},
    {"up_to":null,"unit_price":"1"}]}"#;

pub(crate) struct Book {
    plan: Plan,
    /// Plans that `follow <n>` changes to.
    plans: Vec<String>,
    pub(crate) ledger: Ledger,
    pub(crate) journal: Vec<Row>,
    /// What was kept of closed periods.
    pub(crate) invoices: Vec<Finalized>,
}

impl Book {
    pub(crate) fn new() -> Self {
        Self::under(&plan(1, ONE_EACH, r#""block""#))
    }

    pub(crate) fn under(json: &str) -> Self {
        let plan = Plan::parse(json).unwrap_or_else(|error| panic!("{error}: {json}"));
        let opened = ledger::open("acme".parse().unwrap(), &plan, json.to_owned());
        Self::opened(plan, opened, Timestamp::from_millis(0))
    }

    /// Under the first of the plans, by a contract's calendar.
    pub(crate) fn billed(plans: Vec<String>, terms: BillingTerms, at: Timestamp) -> Self {
        let plan = Plan::parse(&plans[0]).unwrap();
        terms.check(at).unwrap();
        let acme = "acme".parse().unwrap();
        let opened = ledger::open_billed(acme, &plan, plans[0].clone(), terms);
        Self { plans, ..Self::opened(plan, opened, at) }
    }

    fn opened(plan: Plan, opened: Entry, at: Timestamp) -> Self {
        let mut ledger = Ledger::opened(&opened, at).unwrap();
        let mut session = Session::start(&mut ledger, at).unwrap();
        session.include(&plan).unwrap();
        let mut entries = vec![opened];
        entries.extend(session.finish().unwrap());
        let (plans, journal, invoices) = (Vec::new(), Vec::new(), Vec::new());
        let mut book = Self { plan, plans, ledger, journal, invoices };
        book.write(&entries);
        book.row(&format!("{at} key k1"));
        book
    }

    /// Under the first of the plans; `follow <n>` is a row that changes to another.
    pub(crate) fn with_plans(plans: Vec<String>) -> Self {
        Self { plans: plans.clone(), ..Self::under(&plans[0]) }
    }

    /// One visit that is no row of a table.
    pub(crate) fn visit<T>(
        &mut self,
        at: Timestamp,
        act: impl FnOnce(&mut Session<'_>, &Plan) -> T,
    ) -> T {
        self.close_over(at);
        let mut session = Session::start(&mut self.ledger, at).unwrap();
        let result = act(&mut session, &self.plan);
        let entries = session.finish().unwrap();
        if !entries.is_empty() {
            self.write(&entries);
        }
        result
    }

    /// Closes what is over, as the account does.
    fn close_over(&mut self, at: Timestamp) {
        while self.ledger.is_period_over(at) {
            let (position, ahead) = (self.position(), self.billed_ahead());
            match close_over(&mut self.ledger, &self.plan, &position, ahead, at).unwrap() {
                Step::Due(entries) => self.write(&entries),
                Step::Closed(entries, kept) => {
                    self.write(&entries);
                    self.invoices.push(*kept);
                }
            }
        }
    }

    /// Writes the invoice of a closed period that had none.
    pub(crate) fn bill(&mut self, index: i32, invoice: &Finalized) {
        let (at, row) = (self.ledger.clock(), self.journal.len() as u64 + 1);
        let session = Session::start(&mut self.ledger, at).unwrap();
        let entries = session.bill_closed(index, invoice.hash.clone(), row).unwrap();
        self.write(&entries);
    }

    fn billed_ahead(&self) -> Vec<BilledFee> {
        self.invoices.last().map_or_else(Vec::new, |kept| kept.fees.clone())
    }

    pub(crate) fn position(&self) -> Position {
        let (n, hash) = self.journal.last().map_or((0, ""), |row| (row.n, row.hash.as_str()));
        Position { n, hash: hash.to_owned(), ..Position::default() }
    }

    /// What the open period's invoice asks.
    pub(crate) fn statement(&self) -> Statement {
        Statement::of(&self.ledger, &self.position(), self.billed_ahead()).unwrap()
    }

    fn write(&mut self, entries: &[Entry]) {
        let (n, at) = (self.journal.len() as u64 + 1, self.ledger.clock());
        let body = serde_json::to_string(entries).unwrap();
        let previous = self.journal.last().map_or(GENESIS, |row| row.hash.as_str());
        let hash = chain_hash(previous, n, at, &body);
        self.journal.push(Row { n, at, body, hash });
    }

    /// Runs one command; the code of what came of it, if it is worth a word.
    pub(crate) fn row(&mut self, command: &str) -> Option<String> {
        let words: Vec<&str> = command.split_whitespace().collect();
        let at = Timestamp::from_millis(words[0].parse().unwrap());
        self.close_over(at);
        let followed = match words[1] {
            "plan" => Some(per_unit(words[2])),
            "follow" => Some(self.plans[words[2].parse::<usize>().unwrap()].clone()),
            _ => None,
        };
        let json = followed.clone().unwrap_or_default();
        let plan = followed.map_or(self.plan.clone(), |json| Plan::parse(&json).unwrap());
        let mut session = Session::start(&mut self.ledger, at).unwrap();
        let result = match words[1] {
            "plan" | "follow" => {
                let changed = session.change_plan(&plan, json);
                changed.err().map(|error| error.code().to_owned())
            }
            _ => run(&mut session, &plan, &Words(&words[1..])),
        };
        let entries = session.finish().unwrap();
        if self.ledger.plan().hash == plan.hash() {
            self.plan = plan;
        }
        if !entries.is_empty() {
            self.write(&entries);
        }
        result
    }
}

/// One command, word by word.
struct Words<'a>(&'a [&'a str]);

impl<'a> Words<'a> {
    fn word<T: FromStr<Err: Debug>>(&self, index: usize) -> T {
        self.0[index].parse().unwrap()
    }

    /// The text after `name=`.
    fn option(&self, name: &str) -> Option<&'a str> {
        self.0.iter().find_map(|word| word.strip_prefix(name)?.strip_prefix('='))
    }

    fn instant(&self, name: &str) -> Option<Timestamp> {
        self.option(name).map(|text| Timestamp::from_millis(text.parse().unwrap()))
    }
}

/// The code of what came of a command, if it is worth a word.
fn run(session: &mut Session<'_>, plan: &Plan, words: &Words<'_>) -> Option<String> {
    let refused = match words.0[0] {
        "visit" => Ok(()),
        "key" => session.create_key(words.word(1)),
        "disable" => session.disable_key(words.word(1)),
        "grant" => session.grant(terms(words)).map(|_| ()),
        "void" => session.void(&words.word(1)),
        "adjust" => session.adjust(Adjustment {
            id: words.word(1),
            amount: words.word(2),
            grant: words.option("grant").map(|id| id.parse().unwrap()),
            reason: "r".repeat(words.option("reason").map_or(6, |bytes| bytes.parse().unwrap())),
        }),
        "close" => session.close_period(plan, words.word(1), words.0.contains(&"forgive")),
        "debit" => return debit(session, plan, words),
        "owe" => session.owe(plan, &[owed(session, words)]).map_err(LedgerError::from),
        "refund" => session.refund(words.0[1]).map_err(LedgerError::from),
        "return" => session.return_unreported(words.word(1), words.word(2)),
        "limit" => {
            let amount = |name: &str| words.option(name).map(|text| text.parse().unwrap());
            let limits = SpendLimits { day: amount("day"), month: amount("month") };
            session.limit_key(words.word(1), limits)
        }
        "topup" => session.set_top_up(words.option("target").map(|target| TopUpRule {
            threshold: words.option("threshold").unwrap().parse().unwrap(),
            target: target.parse().unwrap(),
            cool_off_ms: words.option("cool").unwrap().parse().unwrap(),
        })),
        "failed" => session.fail_top_up(words.word(1)),
        "reserve" => {
            let now = session.now();
            match session.reserve(plan, &reserve(words, now)) {
                Ok(debited) => return outcome(&debited),
                Err(error) => Err(error),
            }
        }
        "settle" => {
            let (op, last) = (words.word(1), words.0.contains(&"last"));
            let uses = all_used(words.0[2]);
            session
                .settle(plan, &Settle { op, uses, last, status: 200, estimated: false })
                .map(|_| ())
        }
        "release" => session.release(words.0[1]).map_err(LedgerError::from),
        "lease" => {
            let until = words.instant("until").unwrap();
            session.grant_lease(words.0[1], words.word(2), words.word(3), until)
        }
        "report" => session.report(plan, words.0[1], reported(session, words)).map(|_| ()),
        other => panic!("no such command: {other}"),
    };
    refused.err().map(|error| error.code().to_owned())
}

fn terms(words: &Words<'_>) -> GrantTerms {
    GrantTerms {
        id: words.word(1),
        amount: words.word(2),
        kind: ledger::GrantKind::Paid,
        priority: 100,
        effective_at: words.instant("effective"),
        expires_at: words.instant("expires"),
        rollover: words.option("rollover").map(|text| {
            let (min, max) = text.split_once("..").unwrap();
            Rollover { min: min.parse().unwrap(), max: max.parse().unwrap() }
        }),
        recurrence: words.option("every").map(|every| Recurrence {
            every: every.parse().unwrap(),
            anchor: words.instant("anchor").unwrap_or_default(),
        }),
    }
}

fn operation(words: &Words<'_>, quantity: &str) -> Debit {
    Debit {
        op: words.word(1),
        route: "GET /words".to_owned(),
        charge: "words".parse().unwrap(),
        key: words.option("key").unwrap_or("k1").parse().unwrap(),
        quantity: quantity.parse().unwrap(),
    }
}

/// `5`, `a:5` of a model, `pages/5` of another charge.
fn used(text: &str) -> Use {
    let (charge, text) = text.split_once('/').unwrap_or(("words", text));
    let (model, quantity) = text.split_once(':').unwrap_or(("", text));
    let of = (!model.is_empty()).then(|| ("model".to_owned(), model.to_owned()));
    let of: Combination = of.into_iter().collect();
    Use { charge: charge.parse().unwrap(), of, quantity: quantity.parse().unwrap() }
}

/// As `used`, or of one of several charges: `pages|words/5`.
fn at_most(text: &str) -> AtMost {
    let Some((first, others)) = text.split_once('|') else { return used(text).into() };
    let (others, units) = others.split_once('/').unwrap();
    let or = others.split('|').map(|charge| charge.parse().unwrap()).collect();
    AtMost { or, ..used(&format!("{first}/{units}")).into() }
}

/// `a:5+b:3`
fn all_used(text: &str) -> Vec<Use> {
    text.split('+').map(used).collect()
}

/// So many words, and `most=<n>` more of which `least=<n>` are needed.
fn reserve(words: &Words<'_>, now: Timestamp) -> Reserve {
    let least = words.option("least").map_or(1, |least| least.parse().unwrap());
    Reserve {
        op: words.word(1),
        route: "POST /words".to_owned(),
        key: Some(words.option("key").unwrap_or("k1").parse().unwrap()),
        labels: Combination::new(),
        uses: words.0[2].split('+').map(at_most).collect(),
        most: words.option("most").map(|most| Most { bounded: at_most(most), least }),
        held: words.option("held").map_or(Credits::ZERO, |held| held.parse().unwrap()),
        expires_ms: words.instant("until").unwrap().millis_since(now),
    }
}

/// Served without an answer, under today's terms unless it says others.
fn owed(session: &Session<'_>, words: &Words<'_>) -> Owed {
    let number = |name: &str| words.option(name).map(|text| text.parse::<u64>().unwrap());
    Owed {
        debit: operation(words, words.0[2]),
        terms: number("terms").unwrap_or(session.ledger().terms()),
        sent_ms: words.option("sent").map(|text| text.parse().unwrap()),
    }
}

fn debit(session: &mut Session<'_>, plan: &Plan, words: &Words<'_>) -> Option<String> {
    outcome(&session.debit(plan, operation(words, words.0[2])).unwrap())
}

fn outcome(debited: &Debited) -> Option<String> {
    let refused = match debited {
        Debited::Paid { .. } | Debited::Held { .. } => return None,
        Debited::Ended => "ended",
        Debited::Restricted => "restricted",
        Debited::Short { .. } => "short",
        Debited::KeyRefused => "key_refused",
        Debited::KeyLimited { .. } => "key_limited",
        Debited::Unpriced => "unpriced",
    };
    Some(refused.to_owned())
}

fn reported(session: &Session<'_>, words: &Words<'_>) -> Reported {
    let (from, count) = words.option("ops").unwrap().split_once('+').unwrap();
    let one = || ledger::Operation(0, 0, "1".parse().unwrap(), 0, 200);
    let operations = Operations {
        from: from.parse().unwrap(),
        at: session.now(),
        routes: vec![("GET /words".to_owned(), "words".parse().unwrap())],
        keys: vec!["k1".parse().unwrap()],
        list: (0..count.parse::<usize>().unwrap()).map(|_| one()).collect(),
    };
    let amount = |name: &str| words.option(name).unwrap().parse::<Credits>().unwrap();
    let terms = words.option("terms").map(|terms| terms.parse().unwrap());
    let terms = terms.unwrap_or(session.ledger().terms());
    Reported { terms, used: amount("used"), returned: amount("returned"), operations }
}

#[track_caller]
pub(crate) fn check(table: &str) {
    check_book(Book::new(), table, |balance| {
        vec![balance.available, balance.held, balance.burned, balance.expired]
    });
}

/// Under a rule at zero: available, held, burned, debt, overage, unpaid.
#[track_caller]
pub(crate) fn check_zero(at_zero: &str, table: &str) {
    check_book(Book::under(&plan(1, ONE_EACH, at_zero)), table, |balance| {
        let Balance { available, held, burned, debt, overage, unpaid, .. } = *balance;
        vec![available, held, burned, debt, overage, unpaid]
    });
}

#[track_caller]
pub(crate) fn check_book(mut book: Book, table: &str, columns: fn(&Balance) -> Vec<Credits>) {
    let width = columns(&book.ledger.balance().unwrap()).len();
    let lines = table.lines().map(|line| line.split("//").next().unwrap().trim());
    for line in lines.filter(|line| !line.is_empty()) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let is_error = words.last().unwrap().parse::<Credits>().is_err();
        // A command without amounts ends where the expectation starts.
        let (command, expected) = words.split_at(words.len() - if is_error { 1 } else { width });
        let before = book.ledger.balance().unwrap();
        let got = book.row(&command.join(" "));
        let balance = book.ledger.balance().unwrap();
        if is_error {
            assert_eq!(got.as_deref(), Some(expected[0]), "row: {line}");
            assert_eq!(balance, before, "a refusal changes nothing: {line}");
        } else {
            assert_eq!(got, None, "row: {line}");
            let amounts: Vec<String> = columns(&balance).iter().map(Credits::to_string).collect();
            assert_eq!(amounts, expected, "row: {line}");
        }
        assert_eq!(book.ledger.audit(), Ok(()), "row: {line}");
        let is_ahead = |due| due > book.ledger.clock();
        assert!(book.ledger.next_due().is_none_or(is_ahead), "all that is due is done: {line}");
        let mut replayed = Ledger::replay(&book.journal).unwrap();
        replayed.advance(book.ledger.clock());
        assert!(replayed == book.ledger, "replay after row: {line}");
    }
}
