//! A journal read row by row: the chain checked over the very bytes, the state rebuilt, all that
//! was counted on the way. Whoever reads a journal reads it through here: a waking account, an
//! audit of a live one, an export on somebody's desk.
//!
//! ```text
//! Position  after row n: its hash, and the operations and bytes of rows 1 … n
//! Replay    a position and the ledger there; `take` moves both on by one row, or says why not
//! ```

use serde::{Deserialize, Serialize};

use super::{Entry, GENESIS, Ledger, ReplayError, Row, chain_hash, entries};
use crate::units::Timestamp;

/// Where a journal stands after a row. Sums count from row 1: what lies between two positions is
/// their difference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// Number of the row; 0 before the first one.
    pub n: u64,
    /// Its chain hash.
    pub hash: String,
    /// Metered operations so far, failed ones included.
    pub operations: u64,
    /// Bytes of all bodies so far.
    pub bytes: u64,
}

impl Default for Position {
    /// Before the first row.
    fn default() -> Self {
        Self { n: 0, hash: GENESIS.to_owned(), operations: 0, bytes: 0 }
    }
}

impl Position {
    /// Where it stands when `body`, the JSON of `entries`, follows.
    #[must_use]
    pub fn after(&self, at: Timestamp, body: &str, entries: &[Entry]) -> Self {
        let n = self.n.saturating_add(1);
        self.with_hash(chain_hash(&self.hash, n, at, body), body, entries)
    }

    fn with_hash(&self, hash: String, body: &str, entries: &[Entry]) -> Self {
        let bytes = u64::try_from(body.len()).unwrap_or(u64::MAX);
        Self {
            n: self.n.saturating_add(1),
            hash,
            operations: entries.iter().map(operations).fold(self.operations, u64::saturating_add),
            bytes: self.bytes.saturating_add(bytes),
        }
    }
}

fn operations(entry: &Entry) -> u64 {
    match entry {
        Entry::UsageReported { operations, .. } => {
            u64::try_from(operations.list.len()).unwrap_or(u64::MAX)
        }
        Entry::EventsTaken { events, .. } => u64::try_from(events.list.len()).unwrap_or(u64::MAX),
        Entry::Debited { .. } | Entry::ReservationSettled { last: true, .. } => 1,
        _ => 0,
    }
}

/// A journal on its way through.
#[derive(Clone, Debug, Default)]
pub struct Replay {
    position: Position,
    ledger: Option<Ledger>,
}

impl Replay {
    /// Goes on from a ledger that was checked before.
    pub fn resume(position: Position, ledger: Ledger) -> Self {
        Self { position, ledger: Some(ledger) }
    }

    /// Where it stands.
    pub fn position(&self) -> &Position {
        &self.position
    }

    /// The ledger there; nothing before the first row.
    pub fn ledger(&self) -> Option<&Ledger> {
        self.ledger.as_ref()
    }

    /// The ledger and where it stands; nothing if there was no row.
    pub fn into_parts(self) -> Option<(Ledger, Position)> {
        self.ledger.map(|ledger| (ledger, self.position))
    }

    /// Checks the next row and applies it. After an error the position is still that of the row
    /// before, and the ledger is of no use.
    ///
    /// # Errors
    ///
    /// [`ReplayError`] with the row's number.
    pub fn take(&mut self, row: &Row) -> Result<(), ReplayError> {
        let n = self.position.n.saturating_add(1);
        if row.n != n {
            return Err(ReplayError::Gap { expected: n, found: row.n });
        }
        if row.hash != chain_hash(&self.position.hash, n, row.at, &row.body) {
            return Err(ReplayError::Changed { n });
        }
        let entries =
            entries(&row.body).map_err(|error| ReplayError::Unfit { n, why: error.to_string() })?;
        Ledger::apply_row(&mut self.ledger, row, &entries)?;
        self.position = self.position.with_hash(row.hash.clone(), &row.body, &entries);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_are_counted_as_they_were_asked_for() {
        let settled = |last: bool| {
            format!(
                r#"{{"kind":"reservation_settled","op":"r","route":"GET /a","uses":[],"cost":"0",
                    "burns":[],"last":{last},"status":200}}"#
            )
        };
        let table = [
            (
                r#"{"kind":"events_taken","events":{"at":0,"terms":0,"sources":["/a"],"of":[],
                    "list":[[0,"1",0,[],"0"],[0,"2",0,[],"0"]]}}"#
                    .to_owned(),
                2,
            ),
            (settled(false), 0),
            (settled(true), 1),
            (r#"{"kind":"reservation_released","op":"r"}"#.to_owned(), 0),
        ];
        for (json, expected) in table {
            let entry: Entry = serde_json::from_str(&json).unwrap();
            let after = Position::default().after(Timestamp::default(), &json, &[entry]);
            assert_eq!((after.n, after.operations), (1, expected), "{json}");
        }
    }
}
