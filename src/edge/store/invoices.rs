//! Closed periods, a row each: what was used, what it was billed, and the hash of both.
//!
//! ```text
//! invoice(idx, n, summary, fees, body)     n: the journal's row that holds the body's hash
//! part("invoice", idx, i, state)           the rest of a body that is too long for one row
//! ```
//!
//! Invariant: a row here and its row of the journal are written together or not at all, and neither
//! is ever touched again, unless it says that there is no invoice: one that is written later takes
//! its place, with a row of the journal of its own.

use sha2::{Digest, Sha256};
use worker::{Result, SqlStorageValue};

use super::parts::{self, Kind};
use super::read::{number, text};
use super::{Head, Outcome, Store, integer};
use crate::invoice::BilledFee;
use crate::ledger::{ClosedPeriod, Entry, Ledger};
use crate::statement::{Finalized, InvoiceSummary};

pub(super) const TABLE: &str = "
    CREATE TABLE IF NOT EXISTS invoice (
        idx INTEGER PRIMARY KEY, n INTEGER NOT NULL, summary TEXT NOT NULL, fees TEXT NOT NULL,
        body TEXT NOT NULL
     );";

/// What is kept of a closed period.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
pub(in super::super) struct KeptInvoice {
    /// `{"statement": …, "bill": …}`
    pub(in super::super) body: String,
    /// SHA-256 of it, in hex, as the journal has it.
    pub(in super::super) hash: String,
    /// The journal's row.
    pub(in super::super) row: u64,
}

impl KeptInvoice {
    /// Whether it is what was written.
    pub(in super::super) fn is_sound(&self) -> bool {
        let hash = Sha256::digest(self.body.as_bytes());
        hash.iter().map(|byte| format!("{byte:02x}")).collect::<String>() == self.hash
    }
}

impl Store {
    /// Writes the row that closes a period or bills it, and what is kept of the period.
    pub(in super::super) fn append_invoice(
        &self,
        head: &Head,
        ledger: &Ledger,
        entries: &[Entry],
        kept: &Finalized,
    ) -> Result<Head> {
        let (summary, fees) =
            (serde_json::to_string(&kept.summary)?, serde_json::to_string(&kept.fees)?);
        let (first, rest) = parts::split(&kept.text);
        let index = u64::try_from(kept.summary.index).unwrap_or_default();
        let of_it = |closed: &ClosedPeriod| closed.index == kept.summary.index;
        let bills = |e: &Entry| matches!(e, Entry::PeriodBilled { closed } if of_it(closed));
        let again = entries.iter().any(bills);
        self.append_with(head, ledger, entries, |n| {
            if again {
                // What said that there is no invoice.
                self.drop_parts_of(Kind::Invoice, index)?;
                let delete = "DELETE FROM invoice WHERE idx = ?";
                self.sql.exec(delete, vec![integer(index)?])?;
            }
            self.write_parts(Kind::Invoice, index, rest)?;
            let insert = "INSERT INTO invoice (idx, n, summary, fees, body)
                          VALUES (?, ?, ?, ?, ?)";
            let bindings = vec![
                integer(index)?,
                integer(n)?,
                summary.as_str().into(),
                fees.as_str().into(),
                first.into(),
            ];
            self.sql.exec(insert, bindings).map(drop)
        })
    }

    /// Fees of the open period that the invoice before it billed.
    pub(in super::super) fn billed_ahead(&self) -> Result<Vec<BilledFee>> {
        let query = "SELECT fees FROM invoice ORDER BY idx DESC LIMIT 1";
        let row = self.sql.exec(query, None)?.raw().next().transpose()?;
        let fees = row.map(|row| text(row.into_iter().next()));
        fees.map_or(Ok(Vec::new()), |fees| Ok(serde_json::from_str(&fees)?))
    }

    /// What a list says of the periods before one, newest first.
    pub(in super::super) fn invoices(
        &self,
        before: i32,
        limit: u64,
    ) -> Result<Vec<InvoiceSummary>> {
        let query = "SELECT summary FROM invoice WHERE idx < ? ORDER BY idx DESC LIMIT ?";
        let before = SqlStorageValue::try_from_i64(before.into())?;
        let rows = self.sql.exec(query, vec![before, integer(limit)?])?.raw();
        rows.map(|row| Ok(serde_json::from_str(&text(row?.into_iter().next()))?)).collect()
    }

    /// What is kept of one period, with the hash that the journal has of it.
    pub(in super::super) fn invoice(&self, index: i32) -> Outcome<Option<KeptInvoice>> {
        let query = "SELECT n, body FROM invoice WHERE idx = ?";
        let bindings = vec![SqlStorageValue::try_from_i64(index.into())?];
        let Some(row) = self.sql.exec(query, bindings)?.raw().next().transpose()? else {
            return Ok(None);
        };
        let mut cells = row.into_iter();
        let (n, mut body) = (number(cells.next()), text(cells.next()));
        let part = u64::try_from(index).unwrap_or_default();
        self.read_parts(Kind::Invoice, part, &mut body)?;
        let told = self.rows(n.saturating_sub(1), n)?.next().transpose()?;
        let told =
            told.map(|row| serde_json::from_str::<Vec<Entry>>(&row.body).unwrap_or_default());
        let hash = told.into_iter().flatten().find_map(|entry| match entry {
            Entry::PeriodClosed { closed: Some(closed), .. } | Entry::PeriodBilled { closed } => {
                (closed.index == index).then_some(closed.invoice)
            }
            _ => None,
        });
        Ok(Some(KeptInvoice { body, hash: hash.unwrap_or_default(), row: n }))
    }
}
