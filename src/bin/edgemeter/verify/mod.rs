//! `edgemeter verify`: an exported journal, checked to the byte.
//!
//! ```text
//! line ─▶ Line: exactly the form of an export ─▶ chain over the bytes of `entries`
//!      ─▶ replay ─▶ audit          the first fault ─▶ fault.rs: row, line, byte, field, expected
//! ```
//!
//! A line has one form only, so that no byte of the file is outside of what is checked. Memory: the
//! ledger and two lines, however long the journal is.

mod fault;

use std::path::PathBuf;

use clap::Args;
use edgemeter::ledger::{Ledger, Line, Position, Replay};
use serde_json::json;

use crate::export::Lines;
use crate::failure::Failure;
use crate::table;

/// Options of `edgemeter verify`.
#[derive(Args)]
pub(crate) struct Verify {
    /// The export: what `GET /v1/accounts/{a}/export` gave; - for standard input.
    file: PathBuf,
    /// The journal must end with this row.
    #[arg(long, value_name = "NUMBER")]
    expect_rows: Option<u64>,
    /// Its last row must have this hash: `journal_hash` of the live account.
    #[arg(long, value_name = "HASH")]
    expect_hash: Option<String>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

impl Verify {
    /// Verifies, and returns what to print.
    pub(crate) fn run(&self) -> Result<String, Failure> {
        let mut lines = Lines::open(&self.file)?;
        let mut replay = Replay::default();
        while let Some(bytes) = lines.next()? {
            let next = replay.position().n.saturating_add(1);
            let line = Line::parse(&bytes).map_err(|fault| lines.fault(next, &fault))?;
            if let Err(error) = replay.take(&line.row()) {
                let ahead = lines.peek()?.map(<[u8]>::to_vec);
                let ahead = ahead.as_deref().and_then(|bytes| Line::parse(bytes).ok());
                // After an error the position is still that of the row before.
                let before = replay.position();
                let fault = fault::find(before, &line, ahead.as_ref(), &error);
                return Err(lines.fault(next, &fault));
            }
            let Position { n, operations, .. } = replay.position();
            lines.progress(*n, *operations);
        }
        let Some((ledger, end)) = replay.into_parts() else {
            let remedy = "give what GET /v1/accounts/{a}/export answered";
            return Err(Failure::of_file(&self.file, format!("has no rows: {remedy}")));
        };
        self.compare(&ledger, &end)?;
        self.report(&ledger, &end)
    }

    /// Holds the end against what the live account says, and the ledger against its laws.
    fn compare(&self, ledger: &Ledger, end: &Position) -> Result<(), Failure> {
        let failed = |message: String| Err(Failure::of_file(&self.file, message));
        if let Some(rows) = self.expect_rows.filter(|rows| *rows != end.n) {
            let last = end.n;
            let next = last.saturating_add(1);
            return failed(match last < rows {
                true => format!("ends with row {last}: rows {next} to {rows} are missing"),
                false => format!("goes on to row {last}: row {rows} was expected to be the last"),
            });
        }
        if let Some(hash) = self.expect_hash.as_ref().filter(|hash| **hash != end.hash) {
            let n = end.n;
            return failed(format!(
                "ends at row {n} with hash {}: {hash} was expected: rows are missing at the end, \
                 or this is another journal",
                end.hash
            ));
        }
        match ledger.audit() {
            Ok(()) => Ok(()),
            Err(law) => failed(format!("is whole, but breaks the ledger's law {law:?}: report it")),
        }
    }

    fn report(&self, ledger: &Ledger, end: &Position) -> Result<String, Failure> {
        let balance = ledger.balance().map_err(|error| Failure::of_file(&self.file, error))?;
        if self.json {
            let report = json!({
                "verified": true,
                "account": ledger.account(),
                "plan": ledger.plan(),
                "rows": end.n,
                "operations": end.operations,
                "bytes": end.bytes,
                "balance": balance,
                "hash": end.hash,
            });
            let text = serde_json::to_string_pretty(&report).map_err(Failure::new)?;
            return Ok(format!("{text}\n"));
        }
        let plan = ledger.plan();
        let rows = [
            ("rows", end.n.to_string()),
            ("operations", end.operations.to_string()),
            ("granted", balance.granted.to_string()),
            ("available", balance.available.to_string()),
            ("held", balance.held.to_string()),
            ("burned", balance.burned.to_string()),
            ("expired", balance.expired.to_string()),
            ("voided", balance.voided.to_string()),
        ];
        let rows: Vec<Vec<String>> =
            rows.map(|(name, value)| vec![name.to_owned(), value]).to_vec();
        let title = format!("{}, {} version {}", ledger.account(), plan.id, plan.version);
        let table = table::layout(&rows);
        Ok(format!("{title}\n\n{table}\nverified, last hash {}\n", end.hash))
    }
}
