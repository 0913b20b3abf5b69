//! The statement of an account, from its ledger; and the period that is over, with its bill.
//!
//! ```text
//! ledger, position ─▶ Book ── its plans read and rated ─▶ Statement
//!                                                            └─ finalize ─▶ Finalized
//! Finalized { {"statement","bill"}, SHA-256 }
//!     no statement: {"statement":null,"bill","book"} ── retry ─▶ Finalized, with an invoice
//! ```
//!
//! What grants did not pay of a stretch is what the ledger books as overage in it: `covered` is the
//! rest of what its use came to, so that an invoice bills exactly what the ledger says, late
//! reports and refunds included. Invariant: a period that is over has a text to keep, whatever its
//! plans make of it: a bill without an invoice says why, and the text holds all that an invoice
//! needs once the reason is gone.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use super::bill::burned;
use super::part::Growth;
use super::{
    Bill, ContractTerms, GrantTaken, JournalRange, NoInvoice, PeriodTerms, PlanStretch, RatedError,
    Statement, StatementError,
};
use crate::invoice::{BilledFee, LifecycleError};
use crate::ledger::{Balance, Entry, Grant, Ledger, PlanUse, Position, Session, used_under};
use crate::plan::{Charge, ChargeUnit, Plan};
use crate::rating::{self, Usage};
use crate::units::{
    AccountId, ChargeId, ContractId, Credits, Date, Inexact, MeterId, Quantity, Timestamp,
};

/// A period that is over, as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finalized {
    /// The JSON that is kept: `{"statement": …, "bill": …}`.
    pub text: String,
    /// SHA-256 of it, in hex.
    pub hash: String,
    /// What a list of invoices says of it.
    pub summary: InvoiceSummary,
    /// The next period's fees that it bills in advance.
    pub fees: Vec<BilledFee>,
}

/// One line in the list of an account's invoices.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InvoiceSummary {
    /// Position of its period in the contract.
    pub index: i32,
    /// First day of the period.
    pub first: Date,
    /// First day after.
    pub until: Date,
    /// Net and tax; nothing if there is no invoice.
    pub total: Option<String>,
    /// What is left to pay of it.
    pub due: Option<String>,
    /// The currency of both.
    pub currency: Option<String>,
    /// `finalized`; `none` if there is no invoice.
    pub status: String,
    /// SHA-256 of the JSON that is kept, in hex.
    pub hash: String,
}

/// What comes next for an account whose period is over: one row of its journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// What was due before the period's end: its last row.
    Due(Vec<Entry>),
    /// The period is closed; to be written with what is kept of it.
    Closed(Vec<Entry>, Box<Finalized>),
}

/// What is kept.
#[derive(Serialize)]
struct Kept<'a> {
    statement: Option<&'a Statement>,
    bill: &'a Bill,
    #[serde(skip_serializing_if = "Option::is_none")]
    book: Option<&'a Book>,
}

/// What was kept, as far as an invoice is made of it.
#[derive(Deserialize)]
struct KeptText<'a> {
    #[serde(borrow)]
    statement: &'a RawValue,
    bill: KeptBill<'a>,
    book: Option<Book>,
}

#[derive(Deserialize)]
struct KeptBill<'a> {
    #[serde(borrow)]
    invoice: Option<&'a RawValue>,
}

/// A period before anybody has read its plans: its statement, but for what only they say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Book {
    account: AccountId,
    at: Timestamp,
    contract: ContractTerms,
    period: PeriodTerms,
    parts: Vec<BookPart>,
    grants: Vec<GrantTaken>,
    billed_ahead: Vec<BilledFee>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ahead: Option<i32>,
    balance: Balance,
    journal: JournalRange,
}

/// A part of it under one plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct BookPart {
    from: Timestamp,
    until: Timestamp,
    plan_json: String,
    usage: BTreeMap<ChargeId, Usage>,
    overage: Credits,
}

/// Does the next step towards closing the period of an account that is over at `now`
/// ([`Ledger::is_period_over`]); `position` is where its journal stands. Whoever calls writes what
/// comes back, and asks again until no period is over. No plan is in its way: a period that has no
/// statement is kept as it stands in the ledger.
///
/// # Errors
///
/// [`StatementError::Inexact`] if a sum of the ledger leaves its range; [`StatementError::Ledger`]
/// if no period is over.
pub fn close_over(
    ledger: &mut Ledger,
    plan: &Plan,
    position: &Position,
    billed_ahead: Vec<BilledFee>,
    now: Timestamp,
) -> Result<Step, StatementError> {
    let mut session = Session::start(ledger, now)?;
    session.prepare_close(plan)?;
    let due = session.finish()?;
    if !due.is_empty() {
        return Ok(Step::Due(due));
    }
    let book = Book::of(ledger, position, billed_ahead)?;
    let kept = match book.read() {
        Ok(statement) => statement.finalize()?,
        Err(error) => book.unread(&error)?,
    };
    let row = position.n.saturating_add(1);
    let entries = Session::start(ledger, now)?.close_over(kept.hash.clone(), row)?;
    Ok(Step::Closed(entries, Box::new(kept)))
}

impl Statement {
    /// The statement of an account's open period, as its journal stands. `billed_ahead` are the
    /// fees that the invoice before it billed.
    ///
    /// # Errors
    ///
    /// [`StatementError::ByOperator`] if no calendar ends the account's periods;
    /// [`StatementError::Ledger`], [`StatementError::Rated`], [`StatementError::Inexact`].
    pub fn of(
        ledger: &Ledger,
        position: &Position,
        billed_ahead: Vec<BilledFee>,
    ) -> Result<Self, StatementError> {
        Book::of(ledger, position, billed_ahead)?.read()
    }

    /// What is kept of the period now that it is over.
    ///
    /// # Errors
    ///
    /// [`StatementError::NotJson`] if it cannot be written down.
    pub fn finalize(&self) -> Result<Finalized, StatementError> {
        let mut bill = self.bill().unwrap_or_else(|error| unbilled(&error, &self.grants));
        let step = |error: LifecycleError| StatementError::NotJson { reason: error.to_string() };
        let invoice = bill.invoice.take();
        bill.invoice = invoice.map(|draft| draft.finalize(self.at).map_err(step)).transpose()?;
        Kept { statement: Some(self), bill: &bill, book: None }.written(&self.period)
    }
}

/// The invoice of a period that was closed without one, from what was kept of it; nothing if it
/// has one. `is_last`: no later period is closed, so that the next one's fees in advance are billed
/// with it; else the next one's own invoice bills them.
///
/// # Errors
///
/// Why there is still none; [`StatementError::NotJson`] if nothing of the kind was kept.
pub fn retry(text: &str, is_last: bool) -> Result<Option<Finalized>, StatementError> {
    let not_json = |error: serde_json::Error| StatementError::NotJson { reason: error.to_string() };
    let kept: KeptText<'_> = serde_json::from_str(text).map_err(not_json)?;
    if kept.bill.invoice.is_some() {
        return Ok(None);
    }
    let mut statement = match kept.book {
        Some(book) => book.read()?,
        None => Statement::parse(kept.statement.get())?,
    };
    statement.ahead = statement.ahead.filter(|_| is_last);
    statement.parts(&Growth::default()).and_then(|(parts, _)| statement.invoice(&parts))?;
    statement.finalize().map(Some)
}

impl Kept<'_> {
    fn written(&self, period: &PeriodTerms) -> Result<Finalized, StatementError> {
        let kept = serde_json::to_string(self);
        let text = kept.map_err(|error| StatementError::NotJson { reason: error.to_string() })?;
        let hash: String =
            Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
        let invoice = self.bill.invoice.as_ref();
        let summary = InvoiceSummary {
            index: period.index,
            first: period.first,
            until: period.until,
            total: invoice.map(|invoice| invoice.totals.total.to_string()),
            due: invoice.map(|invoice| invoice.totals.due.to_string()),
            currency: invoice.map(|invoice| invoice.currency.to_string()),
            status: invoice.map_or("none", |invoice| invoice.status.name()).to_owned(),
            hash: hash.clone(),
        };
        let fees = invoice.map(|invoice| BilledFee::among(&invoice.lines)).unwrap_or_default();
        Ok(Finalized { text, hash, summary, fees })
    }
}

impl Book {
    fn of(
        ledger: &Ledger,
        position: &Position,
        billed_ahead: Vec<BilledFee>,
    ) -> Result<Self, StatementError> {
        let (Some(terms), Some(open)) = (ledger.billing(), ledger.period()) else {
            return Err(StatementError::ByOperator);
        };
        let schedule = terms.schedule();
        let period = schedule.period(open.index)?;
        let next = open.index.saturating_add(1);
        let at = ledger.clock();
        let mut grants: Vec<&Grant> = ledger.grants().values().collect();
        grants.retain(|grant| !(grant.left.is_zero() && grant.burned.is_zero()));
        grants.sort_by_cached_key(|grant| (!grant.is_past(at), grant.burn_key()));
        let id: ContractId = ledger.account().as_str().parse().map_err(|_| Inexact)?;
        Ok(Self {
            account: ledger.account().clone(),
            at,
            contract: ContractTerms { id, from: terms.from, zone: terms.zone.clone() },
            period: PeriodTerms::from(period),
            parts: ledger.stretches()?.into_iter().map(BookPart::from).collect(),
            grants: grants.into_iter().map(|grant| GrantTaken::of(grant, grant.burned)).collect(),
            billed_ahead,
            ahead: schedule.period(next).is_ok().then_some(next),
            balance: ledger.balance()?,
            journal: JournalRange {
                after: open.after,
                terms: open.terms,
                rows: position.n,
                hash: position.hash.clone(),
            },
        })
    }

    fn read(&self) -> Result<Statement, StatementError> {
        let stretches = self.parts.iter().map(BookPart::read).collect::<Result<_, _>>()?;
        Ok(Statement {
            account: self.account.clone(),
            at: self.at,
            contract: self.contract.clone(),
            period: self.period,
            stretches,
            grants: self.grants.clone(),
            billed_ahead: self.billed_ahead.clone(),
            ahead: self.ahead,
            payments: Vec::new(),
            balance: self.balance.clone(),
            journal: self.journal.clone(),
        })
    }

    /// What is kept of a period that has no statement.
    fn unread(&self, error: &StatementError) -> Result<Finalized, StatementError> {
        let bill = unbilled(error, &self.grants);
        Kept { statement: None, bill: &bill, book: Some(self) }.written(&self.period)
    }
}

impl From<PlanUse<'_>> for BookPart {
    fn from(part: PlanUse<'_>) -> Self {
        let PlanUse { from, until, plan_json, usage, overage, .. } = part;
        Self { from, until, plan_json: plan_json.to_owned(), usage: usage.clone(), overage }
    }
}

impl BookPart {
    fn read(&self) -> Result<PlanStretch, StatementError> {
        let plan = Plan::parse(&self.plan_json)?;
        let usage = used_under(&plan, &self.usage)?;
        let mut burned = Credits::ZERO;
        let in_credits = |charge: &&Charge| charge.unit() == ChargeUnit::Credits;
        for charge in plan.charges().iter().filter(in_credits) {
            let Some(used) = usage.get(charge.id()) else { continue };
            let fail = |reason| RatedError { charge: charge.id().clone(), reason };
            let amount = rating::running(charge, used).map_err(fail)?;
            burned = burned.plus(amount.credits().map_err(|_| Inexact)?)?;
        }
        let (from, until, covered) = (self.from, self.until, burned.minus(self.overage)?);
        Ok(PlanStretch { from, until, seats: seats(&plan), plan, usage, covered })
    }
}

/// A bill that says why it has no invoice.
fn unbilled(error: &StatementError, grants: &[GrantTaken]) -> Bill {
    Bill {
        invoice: None,
        no_invoice: Some(NoInvoice { code: error.code(), message: error.to_string() }),
        charges: Vec::new(),
        grants: burned(grants),
    }
}

/// The account counts no seats: events of such meters are refused.
fn seats(plan: &Plan) -> BTreeMap<MeterId, Quantity> {
    let meters = plan.spec().fees.iter().filter_map(|fee| fee.meter.clone());
    meters.map(|meter| (meter, Quantity::default())).collect()
}
