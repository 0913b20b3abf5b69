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
//! not; its invoice and the row that holds its hash are written together or not at all.

use serde::{Deserialize, Serialize};

use super::account::{Account, Hot, closed, storage};
use super::problem::Problem;
use super::store::{Head, KeptInvoice, Store};
use crate::calendar::Zone;
use crate::ledger::{self, BillingTerms, Entry, Ledger, LedgerError, Periods, Session};
use crate::plan::Plan;
use crate::statement::{self, InvoiceSummary, Statement, StatementError, Step};
use crate::units::{AccountId, Date, Inexact};

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

    /// The statement of the open period, as JSON.
    pub(super) fn statement(&self) -> Result<String, Problem> {
        self.visit(|_, _| Ok(()))?;
        let borrowed = self.hot.borrow();
        let hot = borrowed.as_ref().ok_or_else(super::audit::unopened)?;
        let ahead = self.store.billed_ahead().map_err(storage)?;
        let statement = Statement::of(&hot.ledger, &hot.head.position, ahead)?;
        serde_json::to_string(&statement).map_err(storage)
    }

    /// What is kept of closed periods before one, newest first.
    pub(super) fn invoices(&self, before: i32, limit: u64) -> Result<Vec<InvoiceSummary>, Problem> {
        self.visit(|_, _| Ok(()))?;
        self.store.invoices(before, limit).map_err(storage)
    }

    /// What is kept of one closed period, as the journal says it was.
    pub(super) fn invoice(&self, index: i32) -> Result<KeptInvoice, Problem> {
        self.visit(|_, _| Ok(()))?;
        let kept = self.store.invoice(index).map_err(closed)?;
        let unknown = || Problem::not_found("invoice", &index.to_string()).field("index");
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

/// Closes every period that is over, one after the other; what was recorded.
pub(super) fn close_over(store: &Store, hot: &mut Hot) -> Result<Vec<Entry>, Problem> {
    let (now, mut all) = (super::now(), Vec::new());
    while hot.ledger.is_period_over(now) {
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
