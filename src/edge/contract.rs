//! The terms of an account's contract: opening it, closing the periods that are over, and what is
//! written of them.
//!
//! ```text
//! visit ─▶ over? ─▶ what was due before the end: a row ─▶ statement, bill: kept
//!            │        ─▶ period_closed with their hash: a row, written with them ─▶ over? …
//!            └─ no ─▶ what was asked for
//! ```
//!
//! Invariants: a period is closed before anything else is decided, once, whether an alarm came or
//! not, and so many at once at most; its invoice and the row that holds its hash are written
//! together or not at all.

use serde::{Deserialize, Serialize};

use super::account::{Account, Hot, closed, storage};
use super::problem::Problem;
use super::store::{Head, KeptInvoice, Store};
use crate::calendar::Zone;
use crate::ledger::{self, BillingTerms, Entry, Ledger, LedgerError, Periods, Session};
use crate::plan::Plan;
use crate::statement::{self, Finalized, InvoiceSummary, Statement, StatementError, Step};
use crate::units::{AccountId, Date, Inexact, Timestamp};

/// How long a statement is told again if nothing was written since, in ms: several pages that ask
/// at once cost one.
const STATEMENT_MS: i64 = 1_000;

/// A statement that was told.
#[derive(Debug)]
pub(super) struct Told {
    row: u64,
    at: Timestamp,
    statement: String,
}

/// The code of an account that has more periods to close than one call does.
pub(super) const CLOSING: &str = "periods_closing";

/// What a call that opens an account says about time.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct OpeningTerms {
    /// First day of period 0; nothing: the day of the opening.
    pub(super) from: Option<Date>,
    pub(super) zone: Zone,
    pub(super) periods: Periods,
}

impl OpeningTerms {
    fn billing(&self, plan: &Plan) -> Result<BillingTerms, Problem> {
        let now = super::now();
        let today = self.zone.date_at(now).map_err(|error| storage(error.to_string()))?;
        let (zone, every) = (self.zone.clone(), plan.spec().period);
        let from = self.from.unwrap_or(today);
        let terms = BillingTerms { from, zone, every, periods: self.periods };
        terms.check(now).map_err(|error| {
            Problem::from(error).field("/contract/from").value(&from.to_string())
        })?;
        Ok(terms)
    }

    /// Whether an account was opened with these very terms.
    fn are_of(&self, ledger: &Ledger) -> bool {
        ledger.billing().is_some_and(|terms| {
            let is_from = self.from.is_none_or(|from| from == terms.from);
            is_from && self.zone == terms.zone && self.periods == terms.periods
        })
    }
}

impl Account {
    /// Opens the account; the same again changes nothing. Returns whether it is new.
    pub(super) fn open(
        &self,
        account: AccountId,
        json: String,
        asked: &OpeningTerms,
    ) -> Result<bool, Problem> {
        let plan = Plan::parse(&json)?;
        self.load()?;
        if let Some(hot) = self.hot.borrow().as_ref() {
            let detail = "account exists with another plan or other terms: use a new id, or repeat \
                          the same contract";
            return match hot.plan.hash() == plan.hash() && asked.are_of(&hot.ledger) {
                true => Ok(false),
                false => Err(Problem::new(409, "account_exists", detail).field("/contract")),
            };
        }
        let entry = ledger::open_billed(account, &plan, json, asked.billing(&plan)?);
        let inexact = |error: Inexact| storage(error.to_string());
        let mut ledger = Ledger::opened(&entry, super::now()).ok_or_else(|| storage("entry"))?;
        let mut session = Session::start(&mut ledger, super::now()).map_err(inexact)?;
        session.include(&plan)?;
        let mut entries = vec![entry];
        entries.extend(session.finish().map_err(inexact)?);
        self.store.create().map_err(storage)?;
        let head = self.store.append(&Head::start(), &ledger, &entries, &[]).map_err(storage)?;
        *self.hot.borrow_mut() = Some(Hot { ledger, plan, head, alarm: None });
        Ok(true)
    }

    /// The statement of the open period, as JSON; the same for a moment if nothing was written.
    pub(super) fn statement(&self) -> Result<String, Problem> {
        self.visit(|_, _| Ok(()))?;
        let borrowed = self.hot.borrow();
        let hot = borrowed.as_ref().ok_or_else(super::audit::unopened)?;
        if hot.ledger.period().is_none() {
            return Err(StatementError::ByOperator.into());
        }
        let (row, now) = (hot.head.position.n, super::now());
        let is_fresh = |told: &&Told| {
            told.row == row && (0..STATEMENT_MS).contains(&now.millis_since(told.at))
        };
        if let Some(told) = self.told.borrow().as_ref().filter(is_fresh) {
            return Ok(told.statement.clone());
        }
        let ahead = self.store.billed_ahead().map_err(storage)?;
        let statement = Statement::of(&hot.ledger, &hot.head.position, ahead)?;
        let statement = serde_json::to_string(&statement).map_err(storage)?;
        *self.told.borrow_mut() = Some(Told { row, at: now, statement: statement.clone() });
        Ok(statement)
    }

    /// What is kept of closed periods before one, newest first.
    pub(super) fn invoices(&self, before: i32, limit: u64) -> Result<Vec<InvoiceSummary>, Problem> {
        match self.is_billed()? {
            true => self.store.invoices(before, limit).map_err(storage),
            false => Ok(Vec::new()),
        }
    }

    /// Whether the calendar ends the account's periods; accounts from before contracts have no
    /// table of invoices.
    fn is_billed(&self) -> Result<bool, Problem> {
        self.visit(|session, _| Ok(session.ledger().period().is_some()))
    }

    /// Writes the invoice of a closed period that has none, if there is no reason any more why it
    /// has none; one that it has stays as it is.
    pub(super) fn retry_invoice(&self, index: i32) -> Result<InvoiceSummary, Problem> {
        let kept = self.invoice(index)?;
        let listed = |index: i32| {
            let newest = self.store.invoices(index, 1).map_err(storage)?;
            newest.into_iter().next().ok_or_else(|| storage("invoice"))
        };
        let is_last = listed(i32::MAX)?.index == index;
        let refused = |error: StatementError| Problem::new(409, error.code(), error.to_string());
        let Some(bill) = statement::retry(&kept.body, is_last).map_err(refused)? else {
            return listed(index.saturating_add(1));
        };
        let mut borrowed = self.hot.borrow_mut();
        let hot = borrowed.as_mut().ok_or_else(super::audit::unopened)?;
        let written = Self::written_bill(&self.store, hot, &bill);
        match written {
            Ok(head) => hot.head = head,
            Err(problem) => {
                *borrowed = None;
                return Err(problem);
            }
        }
        Ok(bill.summary)
    }

    fn written_bill(store: &Store, hot: &mut Hot, bill: &Finalized) -> Result<Head, Problem> {
        let inexact = |error: Inexact| storage(error.to_string());
        let (index, row) = (bill.summary.index, hot.head.position.n.saturating_add(1));
        let session = Session::start(&mut hot.ledger, super::now()).map_err(inexact)?;
        let entries = session.bill_closed(index, bill.hash.clone(), row).map_err(inexact)?;
        store.append_invoice(&hot.head, &hot.ledger, &entries, bill).map_err(storage)
    }

    /// What is kept of one closed period, as the journal says it was.
    pub(super) fn invoice(&self, index: i32) -> Result<KeptInvoice, Problem> {
        let unknown = || Problem::not_found("invoice", &index.to_string()).field("index");
        let kept = match self.is_billed()? {
            true => self.store.invoice(index).map_err(closed)?,
            false => None,
        };
        let kept = kept.ok_or_else(unknown)?;
        match kept.is_sound() {
            true => Ok(kept),
            false => {
                worker::console_error!("account: invoice {index} is not what was written");
                let detail = "the kept invoice is not what its journal row says: restore it";
                Err(Problem::new(500, "invoice_damaged", detail).with("row", kept.row))
            }
        }
    }
}

/// Closes the periods that are over, one after the other; what was recorded. A clock that jumped
/// leaves more of them than one call closes: the next call or alarm goes on.
pub(super) fn close_over(
    store: &Store,
    hot: &mut Hot,
    now: Timestamp,
) -> Result<Vec<Entry>, Problem> {
    let mut all = Vec::new();
    let first = hot.ledger.period().map_or(0, |period| period.index);
    while hot.ledger.closes_another(now, first) {
        let ahead = store.billed_ahead().map_err(storage)?;
        let step =
            statement::close_over(&mut hot.ledger, &hot.plan, &hot.head.position, ahead, now)?;
        let (entries, head) = match step {
            Step::Due(entries) => {
                let head = store.append(&hot.head, &hot.ledger, &entries, &[]);
                (entries, head)
            }
            Step::Closed(entries, kept) => {
                let head = store.append_invoice(&hot.head, &hot.ledger, &entries, &kept);
                (entries, head)
            }
        };
        hot.head = head.map_err(storage)?;
        all.extend(entries);
    }
    Ok(all)
}

/// What there is to say until all of them are closed.
pub(super) fn closing() -> Problem {
    let detail = "periods of this account ended long ago and are being closed: ask again";
    Problem::new(503, CLOSING, detail).with("retryable", true)
}

impl From<StatementError> for Problem {
    fn from(error: StatementError) -> Self {
        match error {
            StatementError::ByOperator => Self::new(409, error.code(), error.to_string()),
            StatementError::Ledger(error) => Self::from(error),
            StatementError::Inexact(error) => Self::from(LedgerError::Inexact(error)),
            _ => {
                worker::console_error!("statement: {error:?}");
                Self::new(500, error.code(), error.to_string())
            }
        }
    }
}
