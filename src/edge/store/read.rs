//! Reading an account back: rows one at a time, checkpoints by their seals, and the ledger of an
//! account that wakes up.
//!
//! ```text
//! load:  checkpoint, else the last segment, else the one before, … else nothing
//!          └─ the first whose seal holds ─▶ the rows after it, chained ─▶ ledger
//! ```
//!
//! A damaged checkpoint is passed over: it is only a shortcut. A damaged row after it is not: the
//! account stays closed, because nobody can know any more what it holds.

use serde_json::Error as JsonError;
use sha2::{Digest, Sha256};
use worker::{Error, Result, SqlStorageValue};

use super::{Head, Kind, Mark, Store, integer};
use crate::ledger::{Ledger, Position, Replay, ReplayError, Row};
use crate::units::Timestamp;

/// Why an account could not be read.
#[derive(Debug)]
pub(in super::super) enum Broken {
    /// The platform's storage refused.
    Storage(Error),
    /// A row is not what was written.
    Journal(ReplayError),
}

impl From<Error> for Broken {
    fn from(error: Error) -> Self {
        Self::Storage(error)
    }
}

impl From<ReplayError> for Broken {
    fn from(error: ReplayError) -> Self {
        Self::Journal(error)
    }
}

/// A saved state, as it is stored.
pub(super) struct Saved {
    pub(super) position: Position,
    pub(super) state: String,
    seal: String,
}

impl Saved {
    /// The ledger, if this is what was written.
    pub(super) fn ledger(&self) -> std::result::Result<Ledger, String> {
        if self.seal != seal(&self.position, &self.state) {
            return Err("its seal does not fit its bytes, or it is of another form".to_owned());
        }
        serde_json::from_str(&self.state).map_err(|error: JsonError| error.to_string())
    }
}

/// What a state's JSON means; more by one with each change of that. A state of another form fits
/// no seal: it is passed over as a damaged one is, and the journal before it is read.
const FORM: u32 = 2;

/// SHA-256 over a checkpoint, in hex.
pub(super) fn seal(position: &Position, state: &str) -> String {
    let Position { n, hash, operations, bytes } = position;
    let sealed = format!("{FORM}\n{n}\n{hash}\n{operations}\n{bytes}\n{state}");
    let digest = Sha256::digest(sealed);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Store {
    /// The ledger as it was last written; nothing if the account was never opened.
    pub(in super::super) fn load(&self) -> std::result::Result<Option<(Ledger, Head)>, Broken> {
        if !self.exists()? {
            return Ok(None);
        }
        let start = self.start()?;
        let saved = Mark::of(start.position());
        let sealed = self.segment_before(u64::MAX)?.map(|segment| Mark::of(&segment.position));
        let replay = self.replay(start, None)?;
        Ok(replay.into_parts().map(|(ledger, position)| {
            (ledger, Head { position, saved, sealed: sealed.unwrap_or_default() })
        }))
    }

    /// Whether the account was opened.
    pub(super) fn exists(&self) -> Result<bool> {
        let query = "SELECT name FROM sqlite_master WHERE type = 'table' AND name = 'journal'";
        if self.sql.exec(query, None)?.raw().next().transpose()?.is_none() {
            return Ok(false);
        }
        self.create()?;
        Ok(true)
    }

    /// The newest state that is what was written.
    fn start(&self) -> std::result::Result<Replay, Broken> {
        let mut candidate = match (self.checkpoint()?, self.segment_before(u64::MAX)?) {
            (Some(checkpoint), Some(segment)) if segment.position.n > checkpoint.position.n => {
                Some(segment)
            }
            (Some(checkpoint), _) => Some(checkpoint),
            (None, segment) => segment,
        };
        while let Some(saved) = candidate {
            let n = saved.position.n;
            match saved.ledger() {
                Ok(ledger) => {
                    self.check_row(&saved.position)?;
                    return Ok(Replay::resume(saved.position, ledger));
                }
                Err(why) => worker::console_error!("account: state after row {n} damaged: {why}"),
            }
            candidate = self.segment_before(n)?;
        }
        Ok(Replay::default())
    }

    /// The row that a checkpoint follows must be there, and end as the checkpoint says.
    pub(super) fn check_row(&self, at: &Position) -> std::result::Result<(), Broken> {
        let n = at.n;
        let row = self.rows(n.saturating_sub(1), n)?.next().transpose()?;
        match row {
            Some(row) if row.hash == at.hash => Ok(()),
            Some(_) => Err(ReplayError::Changed { n }.into()),
            None => Err(self.missing(n)?.into()),
        }
    }

    /// Goes on through row `last`, or to the end; one row in memory at a time.
    pub(super) fn replay(
        &self,
        mut replay: Replay,
        last: Option<u64>,
    ) -> std::result::Result<Replay, Broken> {
        for row in self.rows(replay.position().n, last.unwrap_or(u64::MAX))? {
            replay.take(&row?)?;
        }
        let next = replay.position().n.saturating_add(1);
        match last.is_some_and(|last| next <= last) {
            true => Err(self.missing(next)?.into()),
            false => Ok(replay),
        }
    }

    /// Row `n` is not there; are those after it?
    pub(super) fn missing(&self, n: u64) -> Result<ReplayError> {
        let next = self.rows(n, u64::MAX)?.next().transpose()?;
        Ok(match next {
            Some(row) => ReplayError::Gap { expected: n, found: row.n },
            None => ReplayError::Ends { n },
        })
    }

    /// Rows after row `after`, up to row `last`, in order.
    pub(super) fn rows(
        &self,
        after: u64,
        last: u64,
    ) -> Result<impl Iterator<Item = Result<Row>> + use<>> {
        let query = "SELECT n, at, body, hash FROM journal WHERE n > ? AND n <= ? ORDER BY n";
        let bindings = vec![integer(after)?, integer(last)?];
        Ok(self.sql.exec(query, bindings)?.raw().map(|row| row.map(row_of)))
    }

    /// The newest rows, backwards.
    pub(super) fn newest(&self, limit: u64) -> Result<impl Iterator<Item = Result<Row>> + use<>> {
        let query = "SELECT n, at, body, hash FROM journal ORDER BY n DESC LIMIT ?";
        Ok(self.sql.exec(query, vec![integer(limit)?])?.raw().map(|row| row.map(row_of)))
    }

    pub(super) fn checkpoint(&self) -> Result<Option<Saved>> {
        let query = "SELECT n, hash, operations, bytes, state, seal FROM checkpoint";
        self.saved(Kind::Checkpoint, query, Vec::new())
    }

    /// The last segment that ends before row `n`.
    pub(super) fn segment_before(&self, n: u64) -> Result<Option<Saved>> {
        let query = "SELECT n, hash, operations, bytes, state, seal FROM segment WHERE n < ?
                     ORDER BY n DESC LIMIT 1";
        self.saved(Kind::Segment, query, vec![integer(n)?])
    }

    /// The first segment that ends at row `n` or later.
    pub(super) fn segment_from(&self, n: u64) -> Result<Option<Saved>> {
        let query = "SELECT n, hash, operations, bytes, state, seal FROM segment WHERE n >= ?
                     ORDER BY n LIMIT 1";
        self.saved(Kind::Segment, query, vec![integer(n)?])
    }

    fn saved(
        &self,
        kind: Kind,
        query: &str,
        bindings: Vec<SqlStorageValue>,
    ) -> Result<Option<Saved>> {
        let Some(row) = self.sql.exec(query, bindings)?.raw().next().transpose()? else {
            return Ok(None);
        };
        let mut cells = row.into_iter();
        let position = Position {
            n: number(cells.next()),
            hash: text(cells.next()),
            operations: number(cells.next()),
            bytes: number(cells.next()),
        };
        let (mut state, seal) = (text(cells.next()), text(cells.next()));
        self.read_parts(kind, position.n, &mut state)?;
        Ok(Some(Saved { position, state, seal }))
    }
}

fn row_of(row: Vec<SqlStorageValue>) -> Row {
    let mut cells = row.into_iter();
    Row {
        n: number(cells.next()),
        at: Timestamp::from_millis(signed(cells.next())),
        body: text(cells.next()),
        hash: text(cells.next()),
    }
}

// SQLite keeps what it is given, whatever the column says: damage can make a text of a number. What
// is read in its place fits no hash and no seal, so that the row or the checkpoint is found.

pub(super) fn signed(cell: Option<SqlStorageValue>) -> i64 {
    match cell {
        Some(SqlStorageValue::Integer(value)) => value,
        _ => -1,
    }
}

pub(super) fn number(cell: Option<SqlStorageValue>) -> u64 {
    u64::try_from(signed(cell)).unwrap_or_default()
}

pub(super) fn text(cell: Option<SqlStorageValue>) -> String {
    match cell {
        Some(SqlStorageValue::String(text)) => text,
        _ => String::new(),
    }
}
