//! An account's usage by time and dimension, part by part of its journal.
//!
//! ```text
//! usage(ask, after) ─▶ the part that the first row is in ─▶ Report ─▶ lines, next
//! ```
//!
//! What happened in a stretch of time stands in rows from a little before it, since clocks differ,
//! to as long after it as an event may come late. One call reads one part: some MB at most.

use serde::{Deserialize, Serialize};

use super::account::{Account, storage};
use super::audit::{fault, unopened};
use super::problem::Problem;
use crate::calendar::Zone;
use crate::ledger::{EVENT_AGE_MS_MAX, EVENT_AHEAD_MS_MAX};
use crate::report::{Ask, Dimension, Line, Report, ReportError, Step, Tariff};
use crate::units::Timestamp;

/// What is asked of an account's usage.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Asked {
    /// The first instant; nothing: the open period's.
    pub(super) from: Option<Timestamp>,
    /// The first one after.
    pub(super) to: Timestamp,
    pub(super) step: Step,
    pub(super) by: Vec<Dimension>,
}

/// Usage of one part of the journal.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct UsagePage {
    pub(super) step: Step,
    pub(super) by: Vec<Dimension>,
    pub(super) from: Timestamp,
    pub(super) to: Timestamp,
    /// To be added to those of the other pages, line by line.
    pub(super) rows: Vec<Line>,
    /// What to ask with `after` for the next page; nothing: this was the last.
    pub(super) next: Option<u64>,
}

impl Account {
    /// What was used, as far as the rows of one part tell it; `after`: where the page before ended.
    pub(super) fn usage(&self, asked: Asked, after: Option<u64>) -> Result<UsagePage, Problem> {
        let ask = self.ask(asked)?;
        let Ask { from, to, step, by, .. } = ask.clone();
        let page = |rows, next| UsagePage { step, by: by.clone(), from, to, rows, next };
        let first = match after {
            Some(after) => Some(after.saturating_add(1)),
            None => {
                let early = from.plus_millis(EVENT_AHEAD_MS_MAX.saturating_neg());
                self.store.first_from(early).map_err(fault)?
            }
        };
        let Some(first) = first else { return Ok(page(Vec::new(), None)) };
        let part = self.store.part_of(first).map_err(fault)?;
        self.has_read(part.read);
        let tariff = part.ledger.as_ref().map(Tariff::of).transpose();
        let tariff = tariff.map_err(|error| storage(error.to_string()))?;
        let mut report = Report::new(ask, tariff);
        let late = to.plus_millis(EVENT_AGE_MS_MAX);
        let mut is_over = part.last.is_none();
        for row in self.store.rows_of(&part).map_err(|error| fault(error.into()))? {
            let row = row.map_err(|error| fault(error.into()))?;
            self.has_read(row.body.len());
            if row.at >= late {
                is_over = true;
                break;
            }
            let taken = if row.n < first { report.follow(&row) } else { report.take(&row) };
            taken.map_err(refused)?;
        }
        let next = part.last.filter(|_| !is_over);
        Ok(page(report.into_lines().collect(), next))
    }
}

impl Account {
    /// What a customer pays for from its budget.
    pub(super) fn has_read(&self, bytes: usize) {
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        self.replayed.set(self.replayed.get().saturating_add(bytes));
    }

    /// The question in the contract's own time.
    fn ask(&self, Asked { from, to, step, by }: Asked) -> Result<Ask, Problem> {
        self.load()?;
        let borrowed = self.hot.borrow();
        let ledger = borrowed.as_ref().map(|hot| &hot.ledger).ok_or_else(unopened)?;
        let zone = ledger.billing().map_or_else(Zone::utc, |billing| billing.zone.clone());
        let period = ledger.period().map(|period| period.start);
        Ok(Ask { from: from.or(period).unwrap_or_default(), to, step, by, zone })
    }
}

fn refused(error: ReportError) -> Problem {
    match error {
        ReportError::TooMany => Problem::new(422, error.code(), error.to_string()).field("by"),
        _ => storage(error.to_string()),
    }
}
