//! Check my bill: a customer's own proof that a bill is what was used, at the prices of the plan.
//!
//! ```text
//! journal, as bytes ─▶ lines ─▶ chain: no row changed, missing, repeated, out of order
//!                        └─▶ rerate: every operation rated from nothing, who paid, refunds
//!                              └─▶ compare: usage, grants, what credits paid = the statement's
//! statement ─▶ bill ─▶ compare: = the bill that was sent, to the last digit
//! a row that was seen before ─▶ the journal still has it
//! ```
//!
//! Nothing of the ledger's own arithmetic is asked: only plans, [`rating`](crate::rating) and sums.
//! Who writes journal, statement and bill anew, hashes and all, has to make every sum fit; what he
//! can still change is found by one row that the customer saw before.
//!
//! Invariants: a journal as a ledger writes it has no finding; memory does not grow with the rows,
//! but for the names of events.

mod books;
mod chain;
mod compare;
mod finding;
mod memory;
mod read;
mod rerate;

use serde::{Deserialize, Serialize};

pub use finding::{Fault, Finding};
pub use read::entries;

use crate::json::{Json, from_text};
use crate::ledger::{Entry, Line};
use crate::plan::Plan;
use crate::report::Tariff;
use crate::statement::{Statement, StatementError};
use crate::units::{AccountId, Credits, Inexact, Timestamp};
use chain::Chain;
use rerate::Rerate;

/// Findings of one kind that are listed, at most.
pub const FINDINGS_MAX: usize = 20;
/// Bytes of one line, at most: the platform allows 2 MB for a row.
pub const LINE_BYTES_MAX: usize = 8_000_000;

/// A check that cannot begin.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CheckError {
    /// The statement is none.
    #[error(transparent)]
    Statement(#[from] StatementError),
    /// The bill is none.
    #[error("the bill is not JSON: {reason}")]
    Bill {
        /// The parser's words, with line and column.
        reason: String,
    },
}

impl CheckError {
    /// Stable machine-readable code. Never reworded.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Statement(error) => error.code(),
            Self::Bill { .. } => "bill_not_json",
        }
    }
}

/// A row that the customer saw before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// Its number.
    pub row: u64,
    /// Its hash, in hex.
    pub hash: String,
}

/// How far a check is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Progress<'c> {
    /// Rows read.
    pub rows: u64,
    /// Rows that there are, by the statement.
    pub of: u64,
    /// Operations rated again.
    pub operations: u64,
    /// The first thing that does not hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finding: Option<&'c Finding>,
}

/// What a check came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// Whether all of it holds.
    pub clean: bool,
    /// What does not, in the order in which it was found; 20 of a kind at most.
    pub findings: Vec<Finding>,
    /// How many more there are.
    pub more: u64,
    /// Whose bill it is.
    pub account: AccountId,
    /// The first row that was read, and the last.
    pub first: u64,
    /// The last row.
    pub last: u64,
    /// Its hash: what to keep, and to show next time.
    pub hash: String,
    /// Rows that were read.
    pub rows: u64,
    /// Operations, events and reserved operations that were rated again.
    pub operations: u64,
    /// Operations of terms before the rows: their bill is an earlier one.
    pub earlier: u64,
    /// What was charged for them: by whom it was paid is checked, what it should be is not.
    pub unrated: Credits,
    /// Refunds that were compared with what was charged.
    pub refunds: u64,
    /// Grants whose credits were followed.
    pub grants: u64,
    /// Parts of the period under one plan each.
    pub stretches: u64,
    /// The invoice's total, if the plan has a currency.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total: Option<String>,
    /// Its currency.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
    /// Whether the bill that was sent was compared.
    pub billed: bool,
    /// Whether a row that was seen before was found again.
    pub seen: bool,
}

/// What was found so far.
#[derive(Clone, Debug, Default)]
struct Found {
    list: Vec<Finding>,
    more: u64,
}

impl Found {
    fn tell(&mut self, row: Option<u64>, operation: Option<String>, fault: Fault) {
        let code = fault.code();
        let alike = self.list.iter().filter(|finding| finding.fault.code() == code);
        match alike.count() < FINDINGS_MAX {
            true => self.list.push(Finding { row, operation, fault }),
            false => self.more = self.more.saturating_add(1),
        }
    }

    /// A row that was missing came after all.
    fn came(&mut self, n: u64) {
        let missing = |finding: &Finding| {
            finding.row == Some(n) && finding.fault == Fault::RowMissing { count: 1 }
        };
        self.list.retain(|finding| !missing(finding));
    }
}

/// A check on its way through a journal.
#[derive(Clone, Debug)]
pub struct Check {
    statement: Statement,
    bill: Option<Json>,
    seen: Option<Seen>,
    was_seen: bool,
    /// The beginning of a line that is not whole.
    rest: Vec<u8>,
    chain: Chain,
    rerate: Option<Rerate>,
    found: Found,
    rows: u64,
    is_compared: bool,
    /// The last row that seals the bill, and the hash of the bill that it seals.
    seal: Option<(u64, String)>,
}

impl Check {
    /// A check of a period by its statement; the bill is compared if there is one: a bill, or an
    /// answer that holds one as `bill`.
    ///
    /// # Errors
    ///
    /// [`CheckError`].
    pub fn new(
        statement: &str,
        bill: Option<&str>,
        seen: Option<Seen>,
    ) -> Result<Self, CheckError> {
        let statement = Statement::parse(statement)?;
        let json =
            |text: &str| from_text(text).map_err(|e| CheckError::Bill { reason: e.to_string() });
        let bill: Option<Json> = bill.map(json).transpose()?;
        Ok(Self {
            statement,
            bill,
            seen,
            was_seen: false,
            rest: Vec::new(),
            chain: Chain::default(),
            rerate: None,
            found: Found::default(),
            rows: 0,
            is_compared: false,
            seal: None,
        })
    }

    /// The row after which the journal is wanted: with the row before the period's first one, so
    /// that the first one's hash can be checked. The whole journal may be given as well.
    pub fn after(&self) -> u64 {
        self.statement.journal.after.saturating_sub(1)
    }

    /// Takes the next bytes of the journal, in the form of an export; cut anywhere.
    pub fn take(&mut self, bytes: &[u8]) {
        let mut bytes = bytes;
        while let Some(end) = memchr::memchr(b'\n', bytes) {
            let (line, later) = bytes.split_at(end.saturating_add(1));
            bytes = later;
            if self.rest.is_empty() {
                self.line(line);
                continue;
            }
            let mut whole = std::mem::take(&mut self.rest);
            whole.extend_from_slice(line);
            self.line(&whole);
        }
        if self.rest.len().saturating_add(bytes.len()) <= LINE_BYTES_MAX {
            self.rest.extend_from_slice(bytes);
        }
    }

    /// How far it is.
    pub fn progress(&self) -> Progress<'_> {
        Progress {
            rows: self.rows,
            of: self.statement.journal.rows,
            operations: self.rerate.as_ref().map_or(0, |rerate| rerate.operations),
            finding: self.found.list.first(),
        }
    }

    /// What it came to.
    pub fn finish(mut self) -> Verdict {
        if !self.rest.is_empty() {
            let rest = std::mem::take(&mut self.rest);
            self.line(&rest);
        }
        let last = self.chain.last().map_or(0, |(n, _)| n);
        let rows = self.statement.journal.rows;
        if last < rows {
            self.found.tell(Some(last), None, Fault::JournalCut { rows });
        }
        if self.seen.is_some() && !self.was_seen {
            self.found.tell(None, None, Fault::SeenMissing);
        }
        self.compare_seal();
        let (total, currency) = self.compare_bill();
        let rerate = self.rerate.as_ref();
        Verdict {
            clean: self.found.list.is_empty(),
            more: self.found.more,
            account: self.statement.account.clone(),
            first: self.chain.first.unwrap_or_default(),
            last,
            hash: self.chain.last().map(|(_, hash)| hash.to_owned()).unwrap_or_default(),
            rows: self.rows,
            operations: rerate.map_or(0, |rerate| rerate.operations),
            earlier: rerate.map_or(0, |rerate| rerate.earlier),
            unrated: rerate.map_or(Credits::ZERO, |rerate| rerate.unrated),
            refunds: rerate.map_or(0, |rerate| rerate.refunds),
            grants: rerate
                .map_or(0, |rerate| u64::try_from(rerate.books.grants.len()).unwrap_or(u64::MAX)),
            stretches: u64::try_from(self.statement.stretches.len()).unwrap_or(u64::MAX),
            total,
            currency,
            billed: self.bill.is_some(),
            seen: self.was_seen,
            findings: self.found.list,
        }
    }

    fn line(&mut self, bytes: &[u8]) {
        let expected = self.chain.last().map_or(1, |(n, _)| n.saturating_add(1));
        let line = match Line::parse(bytes) {
            Ok(line) => line,
            Err(fault) => {
                let why = format!("byte {}, {}: {}", fault.at, fault.field, fault.what);
                return self.found.tell(Some(expected), None, Fault::Line { why });
            }
        };
        self.rows = self.rows.saturating_add(1);
        let found = &mut self.found;
        let after = self.statement.journal.after;
        let row = self.chain.take(&line, after, |n, fault| {
            if fault == Fault::RowReordered {
                found.came(n);
            }
            found.tell(Some(n), None, fault);
        });
        if let Some(seen) = self.seen.as_ref().filter(|seen| seen.row == line.n) {
            self.was_seen = true;
            if seen.hash != line.hash {
                let seen = seen.hash.clone();
                self.found.tell(Some(line.n), None, Fault::SeenDiffers { seen });
            }
        }
        if row == chain::Row::Counts {
            self.row(&line);
        }
    }

    fn row(&mut self, line: &Line<'_>) {
        let (n, at) = (line.n, Timestamp::from_millis(line.at));
        let last = self.statement.journal.rows;
        if n == last && line.hash != self.statement.journal.hash {
            self.found.tell(Some(n), None, Fault::EndDiffers);
        }
        // A journal that begins within an earlier period says nothing until this one begins.
        let is_before = n <= self.statement.journal.after && self.chain.first != Some(1);
        if is_before {
            return;
        }
        let entries = match entries(line.body) {
            Ok(entries) => entries,
            Err(why) => return self.found.tell(Some(n), None, Fault::RowUnfit { why }),
        };
        if n > last {
            self.sealed(n, &entries);
            return;
        }
        for entry in &entries {
            if let Err(error) = self.entry(n, at, entry) {
                let why = error.to_string();
                self.found.tell(Some(n), None, Fault::Inexact { why });
            }
        }
        if n == last {
            self.compare();
        }
    }

    fn entry(&mut self, n: u64, at: Timestamp, entry: &Entry) -> Result<(), Inexact> {
        if let Entry::AccountOpened { account, plan, plan_json, .. } = entry {
            if *account != self.statement.account {
                let why = format!("it is of account {account}");
                self.found.tell(Some(n), None, Fault::RowUnfit { why });
            }
            if let Some(plan) = self.plan(n, &plan.hash, plan_json) {
                self.rerate = Some(Rerate::new(Tariff::opened(plan, 0), true));
            }
            return Ok(());
        }
        if self.rerate.is_none() {
            let Some(first) = self.statement.stretches.first() else { return Ok(()) };
            let tariff = Tariff::opened(first.plan.clone(), self.statement.journal.terms);
            self.rerate = Some(Rerate::new(tariff, false));
        }
        if let Entry::PlanChanged { plan, plan_json } = entry {
            let plan = self.plan(n, &plan.hash, plan_json);
            return match (plan, &mut self.rerate) {
                (Some(plan), Some(rerate)) => rerate.change(plan, at),
                _ => Ok(()),
            };
        }
        let found = &mut self.found;
        let mut tell = |operation, fault| found.tell(Some(n), operation, fault);
        match &mut self.rerate {
            Some(rerate) => rerate.entry(entry, at, &mut tell),
            None => Ok(()),
        }
    }

    /// A plan that the journal holds, if it loads; it must be the one of its hash.
    fn plan(&mut self, n: u64, hash: &str, json: &str) -> Option<Plan> {
        match Plan::parse(json) {
            Ok(plan) => {
                if plan.hash() != hash {
                    self.found.tell(Some(n), None, Fault::PlanChanged);
                }
                Some(plan)
            }
            Err(error) => {
                let why = error.to_string();
                self.found.tell(Some(n), None, Fault::PlanUnread { why });
                None
            }
        }
    }
}
