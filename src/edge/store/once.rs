//! Clients' idempotency keys: a row each, beside the journal, written with the charge.
//!
//! ```text
//! once(name, op, fingerprint, holder, at, done, cost, repeats)     name = the key's hash
//! ```
//!
//! It is no part of the ledger: what it says changes no balance. Rows are forgotten in the bulk,
//! once in [`SWEEP_ROWS`] new ones.

use worker::{Result, SqlStorageValue};

use super::Store;
use crate::control::{KnownOnce, ONCE_MS, Once};
use crate::units::Timestamp;

/// How many new rows pay for one look at all of them.
const SWEEP_ROWS: u64 = 512;

#[derive(serde::Deserialize)]
struct Row {
    op: String,
    fingerprint: String,
    holder: String,
    at: i64,
    done: u8,
    cost: String,
    repeats: u32,
}

impl Store {
    /// What is known of a key.
    pub(in super::super) fn once(&self, name: &str) -> Result<Option<KnownOnce>> {
        self.sql.exec(
            "CREATE TABLE IF NOT EXISTS once (
                name TEXT PRIMARY KEY, op TEXT NOT NULL, fingerprint TEXT NOT NULL,
                holder TEXT NOT NULL, at INTEGER NOT NULL, done INTEGER NOT NULL,
                cost TEXT NOT NULL, repeats INTEGER NOT NULL
             ) WITHOUT ROWID",
            None,
        )?;
        let select = "SELECT op, fingerprint, holder, at, done, cost, repeats FROM once
                      WHERE name = ?";
        let rows: Vec<Row> = self.sql.exec(select, vec![name.into()])?.to_array()?;
        Ok(rows.into_iter().next().map(|row| {
            let Row { op, fingerprint, holder, at, done, cost, repeats } = row;
            let (once, at) = (Once { fingerprint, holder }, Timestamp::from_millis(at));
            // What is shown to the client again, and charged to nobody.
            let cost = cost.parse().unwrap_or_default();
            KnownOnce { op, once, at, done: done != 0, cost, repeats }
        }))
    }

    /// Keeps a key with its first request, or with one repetition more.
    pub(in super::super) fn keep_once(
        &self,
        name: &str,
        known: &KnownOnce,
        new: u64,
    ) -> Result<()> {
        let KnownOnce { op, once, at, done, cost, repeats } = known;
        if new.is_multiple_of(SWEEP_ROWS) {
            let end = SqlStorageValue::try_from_i64(at.plus_millis(-ONCE_MS).millis())?;
            self.sql.exec("DELETE FROM once WHERE at < ?", vec![end])?;
        }
        let bindings = vec![
            name.into(),
            op.as_str().into(),
            once.fingerprint.as_str().into(),
            once.holder.as_str().into(),
            SqlStorageValue::try_from_i64(at.millis())?,
            SqlStorageValue::try_from_i64(i64::from(*done))?,
            cost.to_string().into(),
            SqlStorageValue::try_from_i64(i64::from(*repeats))?,
        ];
        let upsert = "INSERT INTO once (name, op, fingerprint, holder, at, done, cost, repeats)
                      VALUES (?, ?, ?, ?, ?, ?, ?, ?)
                      ON CONFLICT (name) DO UPDATE SET
                         op = excluded.op, fingerprint = excluded.fingerprint,
                         holder = excluded.holder, at = excluded.at, done = excluded.done,
                         cost = excluded.cost, repeats = excluded.repeats";
        self.sql.exec(upsert, bindings).map(drop)
    }

    /// The request of a key ended well.
    pub(in super::super) fn end_once(&self, name: &str) -> Result<()> {
        self.sql.exec("UPDATE once SET done = 1 WHERE name = ?", vec![name.into()]).map(drop)
    }

    /// The operation of a key failed: the next request is the first.
    pub(in super::super) fn drop_once(&self, name: &str, op: &str) -> Result<()> {
        let delete = "DELETE FROM once WHERE name = ? AND op = ?";
        self.sql.exec(delete, vec![name.into(), op.into()]).map(drop)
    }
}
