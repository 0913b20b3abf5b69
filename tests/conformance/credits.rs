//! Cases of kind `credits`: grants, burns, resets and conversions through the ledger.
//!
//! ```text
//! usage, resets, voids, `to` ─▶ instants in order ─▶ one visit each ─▶ balances
//! ```
//!
//! What a source calls overage inside a period is a debt here (`at_zero: grace`): the next credits
//! pay it. A reset is the end of a period.

use std::collections::BTreeMap;

use edgemeter::ledger::{
    self, Debit, Debited, GrantKind, GrantTerms, Ledger, Purchase, Recurrence, Rollover, Session,
};
use edgemeter::meter::parse_rfc3339;
use edgemeter::plan::Plan;
use edgemeter::units::{Credits, Currency, Date, GrantId, Timestamp, UnitPrice};
use rust_decimal::Decimal;
use serde_json::Value;

use crate::case::{Case, Got, parse, text};

pub(crate) fn run(case: &Case) -> Result<Got, String> {
    match case.model.as_str() {
        "grant_burn_down" => Account::open(case, GRACE)?.burn_down(case),
        "burn_order" => burn_order(case),
        "insufficient" | "settlement" => settlement(case),
        "rollover" => rollover(case),
        "conversion" | "rounding" | "purchase" => purchase(case),
        other => Err(format!("no runner for credits of model {other:?}")),
    }
}

const GRACE: &str = r#"{"grace":{"credits":"1000000000"}}"#;
const BLOCK: &str = r#""block""#;

struct Account {
    plan: Plan,
    ledger: Ledger,
    debits: u64,
}

impl Account {
    fn open(case: &Case, at_zero: &str) -> Result<Self, String> {
        let json = format!(
            r#"{{"id":"p","version":1,"charges":[{{"id":"credits","unit":"credits",
            "price":{{"model":"per_unit","unit_price":"1"}}}}],
            "credits":{{"burn_order":"standard","rollover":"none","at_zero":{at_zero}}}}}"#
        );
        let plan = Plan::parse(&json).map_err(|e| e.to_string())?;
        let opened = ledger::open(parse("account", "acme")?, &plan, json);
        let from = case.text("from").map(instant).transpose()?.unwrap_or_default();
        let ledger = Ledger::opened(&opened, from).ok_or("not opened")?;
        let mut account = Self { plan, ledger, debits: 0 };
        account.visit(from, |session, _| {
            session.create_key(parse("key", "k1")?).map_err(|e| e.to_string())
        })?;
        for grant in case.list("grants") {
            account.grant(case, grant)?;
        }
        Ok(account)
    }

    fn visit<T>(
        &mut self,
        at: Timestamp,
        act: impl FnOnce(&mut Session<'_>, &Plan) -> Result<T, String>,
    ) -> Result<T, String> {
        let mut session = Session::start(&mut self.ledger, at).map_err(|e| e.to_string())?;
        act(&mut session, &self.plan)
    }

    fn grant(&mut self, case: &Case, grant: &Value) -> Result<(), String> {
        let field = |name: &str| grant.get(name).and_then(Value::as_str);
        let at = |name: &str| field(name).map(instant).transpose();
        let credits = |name: &str| field(name).map(|found| parse::<Credits>(name, found));
        let id: GrantId = parse("id", &field("id").ok_or("a grant has no id")?.to_lowercase())?;
        let effective_at = at("effective_at")?.or(at("created_at")?);
        let rollover = credits("rollover_min").zip(credits("rollover_max"));
        let recurrence = grant.get("recurrence").map(recurrence).transpose()?;
        let starting =
            case.get("starting_balances").and_then(|all| all.get(field("id")?)?.as_str());
        let amount = starting.or(field("amount")).unwrap_or("1");
        let terms = GrantTerms {
            id: id.clone(),
            amount: parse("amount", amount)?,
            kind: match field("category") {
                Some("granted") => GrantKind::Promotional,
                _ => GrantKind::Paid,
            },
            // Without a priority a grant burns last.
            priority: field("priority").map_or(Ok(255), |found| parse("priority", found))?,
            effective_at,
            expires_at: at("expires_at")?,
            rollover: rollover
                .map(|(min, max)| Ok::<_, String>(Rollover { min: min?, max: max? }))
                .transpose()?,
            recurrence,
        };
        let now = self.ledger.clock();
        self.visit(now, |session, _| session.grant(terms).map_err(|e| e.to_string()))?;
        Ok(())
    }

    /// Burns `amount` credits.
    fn debit(&mut self, at: Timestamp, amount: &str) -> Result<Debited, String> {
        self.debits = self.debits.saturating_add(1);
        let debit = Debit {
            op: format!("d{}", self.debits),
            route: "POST /usage".to_owned(),
            charge: parse("charge", "credits")?,
            key: parse("key", "k1")?,
            quantity: parse("amount", amount)?,
        };
        self.visit(at, |session, plan| session.debit(plan, debit).map_err(|e| e.to_string()))
    }

    /// Everything that a case says happens, in order of time; at one instant resets and voids come
    /// before usage.
    fn burn_down(mut self, case: &Case) -> Result<Got, String> {
        enum Step {
            Reset,
            Void(GrantId),
            Use(String),
        }
        let mut steps: Vec<(Timestamp, u8, Step)> = Vec::new();
        for reset in case.list("resets") {
            steps.push((instant(reset.as_str().unwrap_or_default())?, 1, Step::Reset));
        }
        for grant in case.list("grants") {
            let ended = grant.get("deleted_at").or(grant.get("voided_at"));
            if let Some(at) = ended.and_then(Value::as_str) {
                let id = grant.get("id").and_then(Value::as_str).unwrap_or_default();
                steps.push((instant(at)?, 0, Step::Void(parse("id", id)?)));
            }
        }
        for usage in case.list("usage") {
            let field = |name: &str| usage.get(name).and_then(Value::as_str).unwrap_or_default();
            steps.push((instant(field("at"))?, 2, Step::Use(field("amount").to_owned())));
        }
        steps.sort_by_key(|(at, order, _)| (*at, *order));
        let forgive = case.get("preserve_overage") != Some(&Value::Bool(true));
        for (index, (at, _, step)) in steps.into_iter().enumerate() {
            match step {
                Step::Reset => self.visit(at, |session, plan| {
                    let id = parse("id", &format!("p{index}"))?;
                    session.close_period(plan, id, forgive).map_err(|e| e.to_string())
                })?,
                Step::Void(id) => {
                    self.visit(at, |session, _| session.void(&id).map_err(|e| e.to_string()))?;
                }
                Step::Use(amount) => {
                    self.debit(at, &amount)?;
                }
            }
        }
        self.visit(instant(case.needed("to")?)?, |_, _| Ok(()))?;
        self.got()
    }

    fn got(&self) -> Result<Got, String> {
        let now = self.ledger.clock();
        let balance = self.ledger.balance().map_err(|e| e.to_string())?;
        let started = |grant: &ledger::Grant| match grant.effective_at <= now {
            true => grant.left,
            false => Credits::ZERO,
        };
        let balances: serde_json::Map<String, Value> = self
            .ledger
            .grants()
            .iter()
            .map(|(id, grant)| (id.to_string(), text(started(grant))))
            .collect();
        let burned = self.ledger.usage(&parse("charge", "credits")?);
        Ok(Got::from([
            ("balances".to_owned(), Value::Object(balances)),
            ("total_balance".to_owned(), text(balance.balance)),
            ("overage".to_owned(), text(balance.debt)),
            ("usage_in_period".to_owned(), text(burned)),
            ("burn_order".to_owned(), Value::Array(self.burned_in_order())),
        ]))
    }

    /// The grants that burns were taken from, in the order in which they would go on.
    fn burned_in_order(&self) -> Vec<Value> {
        let mut grants: Vec<_> =
            self.ledger.grants().values().filter(|grant| grant.left < grant.given).collect();
        grants.sort_by_key(|grant| grant.burn_key());
        grants.into_iter().map(|grant| text(&grant.terms.id)).collect()
    }
}

fn recurrence(found: &Value) -> Result<Recurrence, String> {
    let field = |name: &str| found.get(name).and_then(Value::as_str).unwrap_or_default();
    let every = match field("interval") {
        "DAY" => "P1D",
        "WEEK" => "P1W",
        other => return Err(format!("no cadence for {other:?}")),
    };
    Ok(Recurrence { every: parse("interval", every)?, anchor: instant(field("anchor"))? })
}

/// An instant, or the start of a day.
fn instant(found: &str) -> Result<Timestamp, String> {
    let day = || found.parse::<Date>().ok().map(|day| day.start(0));
    parse_rfc3339(found).or_else(day).ok_or_else(|| format!("{found:?} is no instant"))
}

/// Grants and one debit; or grants alone, burned one by one to see their order.
fn burn_order(case: &Case) -> Result<Got, String> {
    let mut account = Account::open(case, BLOCK)?;
    let now = |account: &Account| {
        let starts = account.ledger.grants().values().map(|grant| grant.effective_at);
        starts.max().unwrap_or_default()
    };
    if let Some(debit) = case.text("debit") {
        let at = now(&account);
        account.debit(at, debit)?;
        return account.got();
    }
    let mut order = Vec::new();
    while order.len() < account.ledger.grants().len() {
        let before = account.ledger.grants().clone();
        let at = now(&account);
        account.debit(at, "1")?;
        let burned = account
            .ledger
            .grants()
            .iter()
            .find(|(id, grant)| before.get(*id).is_some_and(|was| was.left != grant.left));
        let (id, _) = burned.ok_or("nothing was burned")?;
        order.push(text(id));
    }
    Ok(Got::from([("burn_order".to_owned(), Value::Array(order))]))
}

/// One grant, one debit, and no more than there is.
fn settlement(case: &Case) -> Result<Got, String> {
    let mut account = Account::open(case, BLOCK)?;
    let credits = case.text("balance").or(case.text("credits")).ok_or("no credits")?;
    let grant = serde_json::json!({ "id": "g1", "amount": credits });
    account.grant(case, &grant)?;
    let debit = case.text("debit").or(case.text("charge")).ok_or("no debit")?;
    let now = account.ledger.clock();
    let debited = account.debit(now, debit)?;
    let balance = account.ledger.balance().map_err(|e| e.to_string())?;
    let mut got = BTreeMap::from([
        ("balance".to_owned(), text(balance.balance)),
        ("credits_used".to_owned(), text(balance.burned)),
        ("invoice".to_owned(), text(balance.overage)),
    ]);
    if let Debited::Short { .. } = debited {
        got.insert("error".to_owned(), text("insufficient_balance"));
    }
    Ok(got)
}

/// A grant that comes every month, used in the first.
fn rollover(case: &Case) -> Result<Got, String> {
    let mut account = Account::open(case, BLOCK)?;
    let grant = serde_json::json!({
        "id": "g1", "amount": case.needed("granted_per_period")?, "rollover_min": "0",
        "rollover_max": case.needed("rollover_max")?,
        "recurrence": { "interval": "WEEK", "anchor": "1970-01-01T00:00:00Z" },
    });
    account.grant(case, &grant)?;
    account.debit(Timestamp::from_millis(1), case.needed("used")?)?;
    account.visit(instant("1970-01-08")?, |_, _| Ok(()))?;
    let available = account.ledger.available().map_err(|e| e.to_string())?;
    let amount: Credits = parse("amount", case.needed("granted_per_period")?)?;
    let carried = available.minus(amount).map_err(|e| e.to_string())?;
    Ok(Got::from([
        ("carried".to_owned(), text(carried)),
        ("available_next".to_owned(), text(available)),
    ]))
}

/// What credits cost, and what that money buys.
fn purchase(case: &Case) -> Result<Got, String> {
    let value: UnitPrice =
        parse("rate", case.text("rate").or(case.text("cost_per_credit")).ok_or("no rate")?)?;
    let currency: Currency = parse("currency", case.text("currency").unwrap_or("USD"))?;
    let asked: Decimal = parse("credits", case.needed("credits")?)?;
    let purchase = Purchase::of(asked, value, currency).map_err(|e| e.to_string())?;
    Ok(Got::from([
        ("amount".to_owned(), text(purchase.money.major())),
        ("purchase_amount".to_owned(), text(purchase.money.major())),
        ("credits".to_owned(), text(purchase.credits)),
    ]))
}
