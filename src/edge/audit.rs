//! What an auditor asks of an account: its journal, page by page, and whether it is sound.
//!
//! ```text
//! journal(after, limit) ─▶ rows as they were hashed, at most JOURNAL_BYTES_MAX and one row
//! verify(from)          ─▶ Verified, or a problem: journal_damaged, segment_damaged,
//!                          checkpoint_damaged, live_differs; with the row
//! ```
//!
//! An account that is too damaged to be opened can still be asked where.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::account::{Account, storage};
use super::problem::{JOURNAL_DAMAGED, Problem};
use super::store::{Broken, Part, Verified};
use crate::ledger::{ReplayError, Row};
use crate::units::Timestamp;

/// Rows of one journal page, at most.
pub(super) const JOURNAL_ROWS_MAX: u64 = 1_000;
/// Bytes of one page, but for its last row.
const JOURNAL_BYTES_MAX: usize = 1_000_000;

/// One journal row on the wire; `entries` are the very bytes that were hashed.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct JournalRow {
    pub(super) n: u64,
    pub(super) at: Timestamp,
    pub(super) hash: String,
    pub(super) entries: Box<RawValue>,
}

/// Some rows, and where the journal ended when they were read.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct JournalPage {
    pub(super) rows: Vec<JournalRow>,
    /// Number of the last row.
    pub(super) last: u64,
    /// Its hash.
    pub(super) hash: String,
}

impl Account {
    /// Rows after row `after`: fewer than `limit` if they are long. A page without rows is the end.
    pub(super) fn journal(&self, after: u64, limit: u64) -> Result<JournalPage, Problem> {
        let (last, hash) = self.store.end().map_err(fault)?.ok_or_else(unopened)?;
        let limit = limit.min(JOURNAL_ROWS_MAX);
        let rows = self.store.page(after, limit, JOURNAL_BYTES_MAX).map_err(fault)?;
        let row = |Row { n, at, body, hash }: Row| {
            let entries = RawValue::from_string(body).map_err(|_| {
                let why = "its entries are not JSON".to_owned();
                fault(Broken::Journal(ReplayError::Unfit { n, why }))
            })?;
            Ok(JournalRow { n, at, hash, entries })
        };
        let rows = rows.into_iter().map(row).collect::<Result<_, Problem>>()?;
        Ok(JournalPage { rows, last, hash })
    }

    /// Checks the part of the journal that row `from` is in.
    pub(super) fn verify(&self, from: u64) -> Result<Verified, Problem> {
        let loaded = self.load();
        let borrowed = self.hot.borrow();
        let live = borrowed.as_ref().map(|hot| (&hot.ledger, &hot.head));
        match self.store.verify(from, live) {
            Ok(Some(verified)) if verified.next.is_none() => loaded.map(|()| verified),
            Ok(Some(verified)) => Ok(verified),
            Ok(None) => Err(unopened()),
            Err(Part::Journal(broken)) => Err(fault(broken)),
            Err(Part::Segment { n, why }) => Err(damaged("segment_damaged", "segment", n, &why)),
            Err(Part::Checkpoint { n, why }) => {
                Err(damaged("checkpoint_damaged", "checkpoint", n, &why))
            }
            Err(Part::Live { n }) => {
                let why = "the account in memory is not what its rows lead to";
                Err(damaged("live_differs", "account", n, why))
            }
        }
    }
}

pub(super) fn unopened() -> Problem {
    Problem::new(404, "account_unknown", "this account was never opened")
}

pub(super) fn fault(broken: Broken) -> Problem {
    match broken {
        Broken::Storage(error) => storage(error),
        Broken::Journal(error) => {
            let n = error.row();
            damaged(JOURNAL_DAMAGED, "journal", n, &error.to_string()).with("why", error.code())
        }
    }
}

fn damaged(code: &str, part: &str, n: u64, why: &str) -> Problem {
    worker::console_error!("account: {part} at row {n} damaged: {why}");
    Problem::new(500, code, format!("{part} at row {n}: {why}")).with("row", n)
}
