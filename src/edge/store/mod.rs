//! An account's SQLite: the journal, and checkpoints so that nobody has to replay all of it.
//!
//! ```text
//! journal(n, at, body, hash)       append only; the truth
//! segment(n, …checkpoint)          seals rows up to n: written once, never touched again
//! checkpoint(id = 1, …checkpoint)  the newest state, written over and over
//!
//! …checkpoint = hash, operations, bytes (the position after row n), state (the ledger), seal
//! part(kind, n, i, state)          the rest of a state that is too long for one row
//! event0, event1                   names of events that came: see events.rs
//! invoice(idx, …)                  closed periods: see invoices.rs
//!
//!   row 1 ─── segment ─── segment ─── segment ── checkpoint ─ tail
//!        4 MB        4 MB        4 MB        each 128 kB        read when the account wakes up
//! ```
//!
//! One row is written per change, and one more each [`SAVE_ROWS`] changes or [`SAVE_BYTES`]: rows
//! written are what the platform charges for. Waking up reads one checkpoint and the rows after
//! it, however long the journal is; if the checkpoint is damaged, the last segment and what
//! follows it. Integers stay within ±(2^53 − 1): numbers of rows, bytes and milliseconds.

mod events;
mod invoices;
mod once;
mod parts;
mod past;
mod read;
mod verify;

use std::cell::Cell;

use wasm_bindgen::JsCast;
use worker::{Result, SqlStorage, SqlStorageValue, Storage};

use crate::ledger::{Entry, EventKey, Ledger, Position, Row};
use crate::units::Timestamp;
use events::Transactional;
pub(super) use invoices::KeptInvoice;
use parts::Kind;
pub(super) use read::Broken;
pub(super) use verify::{Part, Verified};

/// A checkpoint is written every so many rows …
const SAVE_ROWS: u64 = 256;
/// … or bytes of rows, whatever comes first: what a waking account replays.
const SAVE_BYTES: u64 = 128 * 1_024;
/// A segment is sealed in the place of a checkpoint, so that it ends before so many rows …
const SEGMENT_ROWS: u64 = 8_192;
/// … or bytes of rows: what one call verifies, and what is replayed if a checkpoint is damaged.
const SEGMENT_BYTES: u64 = 4 * 1_024 * 1_024;

/// The journal's end, and how long ago it was saved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) position: Position,
    saved: Mark,
    sealed: Mark,
}

/// A row, and the bytes up to it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Mark {
    n: u64,
    bytes: u64,
}

impl Mark {
    fn of(position: &Position) -> Self {
        Self { n: position.n, bytes: position.bytes }
    }

    /// Whether the journal has grown by so many rows or bytes since.
    fn is_behind(self, position: &Position, rows: u64, bytes: u64) -> bool {
        position.n.saturating_sub(self.n) >= rows
            || position.bytes.saturating_sub(self.bytes) >= bytes
    }
}

impl Head {
    /// Before the first row.
    pub(super) fn start() -> Self {
        let none = Mark::default();
        Self { position: Position::default(), saved: none, sealed: none }
    }
}

const INSERT_ROW: &str = "INSERT INTO journal (n, at, body, hash) VALUES (?, ?, ?, ?)";

type Outcome<T> = std::result::Result<T, Broken>;

/// An account's storage.
#[derive(Clone)]
pub(super) struct Store {
    sql: SqlStorage,
    storage: Transactional,
    /// That of the table of events that is known to hold no other.
    generation: Cell<i64>,
}

/// The last integer that a double can tell from its neighbours.
const INTEGER_MAX: u64 = (1 << 53) - 1;

/// A number of rows or bytes; counts never get there, and bounds that go beyond may as well end.
fn integer(n: u64) -> Result<SqlStorageValue> {
    SqlStorageValue::try_from_i64(i64::try_from(n.min(INTEGER_MAX)).unwrap_or_default())
}

impl Store {
    pub(super) fn new(storage: &Storage) -> Self {
        let js = storage.as_raw().unchecked_ref::<Transactional>().clone();
        Self { sql: storage.sql(), storage: js, generation: Cell::new(-1) }
    }

    /// Makes the tables. Only an account that is being opened, or was, has any.
    pub(super) fn create(&self) -> Result<()> {
        self.sql.exec(
            "CREATE TABLE IF NOT EXISTS journal (
                n INTEGER PRIMARY KEY, at INTEGER NOT NULL, body TEXT NOT NULL, hash TEXT NOT NULL
             );
             CREATE TABLE IF NOT EXISTS segment (
                n INTEGER PRIMARY KEY, hash TEXT NOT NULL, operations INTEGER NOT NULL,
                bytes INTEGER NOT NULL, state TEXT NOT NULL, seal TEXT NOT NULL
             );
             CREATE TABLE IF NOT EXISTS checkpoint (
                id INTEGER PRIMARY KEY CHECK (id = 1),
                n INTEGER NOT NULL, hash TEXT NOT NULL, operations INTEGER NOT NULL,
                bytes INTEGER NOT NULL, state TEXT NOT NULL, seal TEXT NOT NULL
             );
             CREATE TABLE IF NOT EXISTS part (
                kind TEXT NOT NULL, n INTEGER NOT NULL, i INTEGER NOT NULL, state TEXT NOT NULL,
                PRIMARY KEY (kind, n, i)
             ) WITHOUT ROWID;",
            None,
        )?;
        self.sql.exec(events::TABLES, None)?;
        self.sql.exec(invoices::TABLE, None)?;
        Ok(())
    }

    /// Writes one row, with the keys of the events that it tells of, and a checkpoint or a segment
    /// when it is time. The row decides: once it is written the change is made, and what fails
    /// after it is only made up for later.
    pub(super) fn append(
        &self,
        head: &Head,
        ledger: &Ledger,
        entries: &[Entry],
        keys: &[(EventKey, usize)],
    ) -> Result<Head> {
        if keys.is_empty() {
            let (insert, position) = self.row(head, ledger, entries)?;
            self.sql.exec(INSERT_ROW, insert)?;
            return Ok(self.saved_after(head, position, ledger));
        }
        let at = ledger.clock();
        let head = self.append_with(head, ledger, entries, |n| self.remember(n, at, keys))?;
        self.emptied(at);
        Ok(head)
    }

    /// Writes one row, and what `act` writes with it, which is told its number: both or neither.
    fn append_with(
        &self,
        head: &Head,
        ledger: &Ledger,
        entries: &[Entry],
        mut act: impl FnMut(u64) -> Result<()>,
    ) -> Result<Head> {
        let (insert, position) = self.row(head, ledger, entries)?;
        self.together(|| {
            self.sql.exec(INSERT_ROW, insert.clone())?;
            act(position.n)
        })?;
        Ok(self.saved_after(head, position, ledger))
    }

    /// The next row, and where the journal stands after it.
    fn row(
        &self,
        head: &Head,
        ledger: &Ledger,
        entries: &[Entry],
    ) -> Result<(Vec<SqlStorageValue>, Position)> {
        let at = ledger.clock();
        let body = serde_json::to_string(entries)?;
        let position = head.position.after(at, &body, entries);
        let insert = vec![
            integer(position.n)?,
            SqlStorageValue::try_from_i64(at.millis())?,
            body.into(),
            position.hash.clone().into(),
        ];
        Ok((insert, position))
    }

    fn saved_after(&self, head: &Head, position: Position, ledger: &Ledger) -> Head {
        let mut head = Head { position, ..head.clone() };
        if let Err(error) = self.save(&mut head, ledger) {
            worker::console_error!("account: no checkpoint after a row: {error:?}");
        }
        head
    }

    /// What fails is not tried again before the next checkpoint is due: rows go on without.
    fn save(&self, head: &mut Head, ledger: &Ledger) -> Result<()> {
        let position = &head.position;
        if !head.saved.is_behind(position, SAVE_ROWS, SAVE_BYTES) {
            return Ok(());
        }
        let mark = Mark::of(position);
        head.saved = mark;
        let (rows, bytes) = (SEGMENT_ROWS - SAVE_ROWS, SEGMENT_BYTES - SAVE_BYTES);
        if head.sealed.is_behind(position, rows, bytes) {
            let insert = "INSERT INTO segment (n, hash, operations, bytes, state, seal)
                          VALUES (?, ?, ?, ?, ?, ?)";
            self.write(Kind::Segment, insert, position, ledger)?;
            head.sealed = mark;
            return Ok(());
        }
        // One row written; REPLACE would be two.
        let upsert = "INSERT INTO checkpoint (id, n, hash, operations, bytes, state, seal)
                      VALUES (1, ?, ?, ?, ?, ?, ?)
                      ON CONFLICT (id) DO UPDATE SET
                         n = excluded.n, hash = excluded.hash, bytes = excluded.bytes,
                         operations = excluded.operations, state = excluded.state,
                         seal = excluded.seal";
        self.write(Kind::Checkpoint, upsert, position, ledger)?;
        self.drop_parts(position.n)
    }

    fn write(&self, kind: Kind, insert: &str, position: &Position, ledger: &Ledger) -> Result<()> {
        let state = serde_json::to_string(ledger)?;
        let (first, rest) = parts::split(&state);
        self.write_parts(kind, position.n, rest)?;
        let bindings = vec![
            integer(position.n)?,
            position.hash.clone().into(),
            integer(position.operations)?,
            integer(position.bytes)?,
            first.into(),
            read::seal(position, &state).into(),
        ];
        self.sql.exec(insert, bindings).map(drop)
    }

    /// Rows after row `after`: at most `limit`, and none after those that hold `bytes_max`.
    pub(super) fn page(&self, after: u64, limit: u64, bytes_max: usize) -> Outcome<Vec<Row>> {
        let (mut page, mut bytes) = (Vec::new(), 0_usize);
        for row in self.rows(after, after.saturating_add(limit))? {
            let row = row?;
            bytes = bytes.saturating_add(row.body.len());
            page.push(row);
            if bytes >= bytes_max {
                break;
            }
        }
        Ok(page)
    }

    /// The last row's number and hash; nothing if the account was never opened.
    pub(super) fn end(&self) -> Outcome<Option<(u64, String)>> {
        if !self.exists()? {
            return Ok(None);
        }
        let last = self.newest(1)?.next().transpose()?;
        Ok(Some(last.map_or_else(Default::default, |row| (row.n, row.hash))))
    }

    /// The newest rows, in order: decided at or after `at`, and no more than `bytes_max` and one
    /// row of them.
    pub(super) fn recent(&self, at: Timestamp, limit: u64, bytes_max: usize) -> Outcome<Vec<Row>> {
        let (mut rows, mut bytes) = (Vec::new(), 0_usize);
        // Rows are in order of time, so the newest come off the primary key without an index.
        for row in self.newest(limit)? {
            let row = row?;
            if row.at < at || bytes >= bytes_max {
                break;
            }
            bytes = bytes.saturating_add(row.body.len());
            rows.push(row);
        }
        rows.reverse();
        Ok(rows)
    }
}
