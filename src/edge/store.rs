//! An account's SQLite: the journal, and a snapshot so that waking up does not replay all of it.
//!
//! ```text
//! journal(n, at, body, hash)     append only; the truth
//! snapshot(id = 1, n, hash, state)   the ledger after row n, at most SNAPSHOT_ROWS rows old
//! ```
//!
//! One row is written per change and one more per [`SNAPSHOT_ROWS`] changes: rows written are what
//! the platform charges for. Integers stay within ±(2^53 − 1): numbers of rows and milliseconds.

use serde::Deserialize;
use worker::{Result, SqlStorage, SqlStorageValue};

use crate::ledger::{Entry, GENESIS, Ledger, Row, chain_hash};
use crate::units::Timestamp;

/// A snapshot is written every so many rows.
const SNAPSHOT_ROWS: u64 = 256;

/// The journal's end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) n: u64,
    pub(super) hash: String,
}

/// An account's storage.
#[derive(Clone)]
pub(super) struct Store {
    sql: SqlStorage,
}

#[derive(Deserialize)]
struct SavedRow {
    n: i64,
    at: i64,
    body: String,
    hash: String,
}

#[derive(Deserialize)]
struct Saved {
    n: i64,
    hash: String,
    state: String,
}

#[derive(Deserialize)]
struct Name {
    #[expect(dead_code, reason = "only whether there is one")]
    name: String,
}

impl From<SavedRow> for Row {
    fn from(row: SavedRow) -> Self {
        let n = u64::try_from(row.n).unwrap_or(0);
        Self { n, at: Timestamp::from_millis(row.at), body: row.body, hash: row.hash }
    }
}

fn integer(n: u64) -> Result<SqlStorageValue> {
    SqlStorageValue::try_from_i64(i64::try_from(n).unwrap_or(i64::MAX))
}

impl Store {
    pub(super) fn new(sql: SqlStorage) -> Self {
        Self { sql }
    }

    /// Makes the tables. Only an account that is being opened has any.
    pub(super) fn create(&self) -> Result<()> {
        self.sql.exec(
            "CREATE TABLE IF NOT EXISTS journal (
                n INTEGER PRIMARY KEY, at INTEGER NOT NULL, body TEXT NOT NULL, hash TEXT NOT NULL
             );
             CREATE TABLE IF NOT EXISTS snapshot (
                id INTEGER PRIMARY KEY CHECK (id = 1),
                n INTEGER NOT NULL, hash TEXT NOT NULL, state TEXT NOT NULL
             );",
            None,
        )?;
        Ok(())
    }

    /// The ledger as it was last written; nothing if the account was never opened.
    pub(super) fn load(&self) -> Result<Option<(Ledger, Head)>> {
        let query = "SELECT name FROM sqlite_master WHERE type = 'table' AND name = 'journal'";
        if self.sql.exec(query, None)?.to_array::<Name>()?.is_empty() {
            return Ok(None);
        }
        let saved = self.sql.exec("SELECT n, hash, state FROM snapshot", None)?;
        let saved = saved.to_array::<Saved>()?.into_iter().next();
        let (mut ledger, mut head) = match saved {
            Some(saved) => {
                let ledger: Ledger = serde_json::from_str(&saved.state)?;
                (Some(ledger), Head { n: u64::try_from(saved.n).unwrap_or(0), hash: saved.hash })
            }
            None => (None, Head { n: 0, hash: GENESIS.to_owned() }),
        };
        for row in self.rows(head.n, u64::from(u32::MAX))? {
            Ledger::apply_row(&mut ledger, &row)
                .map_err(|error| worker::Error::RustError(error.to_string()))?;
            head = Head { n: row.n, hash: row.hash };
        }
        Ok(ledger.map(|ledger| (ledger, head)))
    }

    /// At most `limit` rows after row `after`.
    pub(super) fn rows(&self, after: u64, limit: u64) -> Result<Vec<Row>> {
        let query = "SELECT n, at, body, hash FROM journal WHERE n > ? ORDER BY n LIMIT ?";
        let bindings = vec![integer(after)?, integer(limit)?];
        let rows = self.sql.exec(query, bindings)?.to_array::<SavedRow>()?;
        Ok(rows.into_iter().map(Row::from).collect())
    }

    /// Rows decided at or after `at`, at most `limit`, the newest.
    pub(super) fn rows_since(&self, at: Timestamp, limit: u64) -> Result<Vec<Row>> {
        // Rows are in order of time, so the newest come off the primary key without an index.
        let query = "SELECT n, at, body, hash FROM journal ORDER BY n DESC LIMIT ?";
        let rows = self.sql.exec(query, vec![integer(limit)?])?.to_array::<SavedRow>()?;
        let recent = rows.into_iter().map(Row::from).filter(|row| row.at >= at);
        let mut rows: Vec<Row> = recent.collect();
        rows.reverse();
        Ok(rows)
    }

    /// Writes one row, and a snapshot when it is time. No await: both or neither are stored.
    pub(super) fn append(&self, head: &Head, ledger: &Ledger, entries: &[Entry]) -> Result<Head> {
        let (n, at) = (head.n.saturating_add(1), ledger.clock());
        let body = serde_json::to_string(entries)?;
        let hash = chain_hash(&head.hash, n, at, &body);
        let bindings = vec![
            integer(n)?,
            SqlStorageValue::try_from_i64(at.millis())?,
            SqlStorageValue::String(body),
            SqlStorageValue::String(hash.clone()),
        ];
        let insert = "INSERT INTO journal (n, at, body, hash) VALUES (?, ?, ?, ?)";
        self.sql.exec(insert, bindings)?;
        if n % SNAPSHOT_ROWS == 0 {
            let state = serde_json::to_string(ledger)?;
            let bindings = vec![integer(n)?, hash.clone().into(), state.into()];
            let replace =
                "INSERT OR REPLACE INTO snapshot (id, n, hash, state) VALUES (1, ?, ?, ?)";
            self.sql.exec(replace, bindings)?;
        }
        Ok(Head { n, hash })
    }
}
