//! Which events came, and where the journal tells of each: beside the journal, written with it.
//!
//! ```text
//! event0, event1 (key, n, i)   key: of source and id, or of a correction; row n, its i-th event
//!
//!   generation   0        1        2        3       35 days each
//!   written      event0   event1   event0   event1  emptied at the first batch of a generation
//!   looked up    both: what came is remembered for 35 to 70 days
//! ```
//!
//! A batch is one look-up and one insertion, whatever its length: a row written per event, and one
//! for all of them in the journal. Emptying a table at once costs no rows. Invariant: a row of the
//! journal and the keys of its events are written together or not at all.

use std::collections::BTreeMap;

use wasm_bindgen::prelude::*;
use worker::{Result, SqlStorageValue};

use super::read::{number, signed};
use super::{Store, integer};
use crate::ledger::{EVENT_MEMORY_MS, EventKey, EventPlace};
use crate::units::Timestamp;

#[wasm_bindgen]
extern "C" {
    /// An object's storage, as JavaScript sees it: the crate has no synchronous transaction.
    #[derive(Clone)]
    pub(super) type Transactional;

    /// All of it or nothing: what `act` throws undoes what it wrote.
    #[wasm_bindgen(method, catch, js_name = transactionSync)]
    fn transaction_sync(
        this: &Transactional,
        act: &mut dyn FnMut() -> std::result::Result<(), JsValue>,
    ) -> std::result::Result<(), JsValue>;
}

pub(super) const TABLES: &str = "
    CREATE TABLE IF NOT EXISTS event0 (
        key BLOB PRIMARY KEY, n INTEGER NOT NULL, i INTEGER NOT NULL
     ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS event1 (
        key BLOB PRIMARY KEY, n INTEGER NOT NULL, i INTEGER NOT NULL
     ) WITHOUT ROWID;";

/// The generation of an instant, and the tables: that which is written, and the one before.
fn generation(at: Timestamp) -> (i64, [&'static str; 2]) {
    let number = at.millis().div_euclid(EVENT_MEMORY_MS);
    let even = number.rem_euclid(2) == 0;
    (number, if even { ["event0", "event1"] } else { ["event1", "event0"] })
}

impl Store {
    /// Which of some keys were remembered, and where; by their position in the list.
    pub(in super::super) fn known(
        &self,
        at: Timestamp,
        keys: &[EventKey],
    ) -> Result<BTreeMap<usize, EventPlace>> {
        let (_, [now, before]) = generation(at);
        let query = format!(
            "SELECT k.key, coalesce(a.n, b.n), coalesce(a.i, b.i) FROM json_each(?) k
             LEFT JOIN {now} a ON a.key = unhex(k.value)
             LEFT JOIN {before} b ON b.key = unhex(k.value)
             WHERE a.n IS NOT NULL OR b.n IS NOT NULL"
        );
        let keys: Vec<String> = keys.iter().map(EventKey::hex).collect();
        let keys = serde_json::to_string(&keys)?;
        let rows = self.sql.exec(&query, vec![keys.into()])?.raw();
        let place = |row: Result<Vec<SqlStorageValue>>| {
            let mut cells = row?.into_iter();
            let index = usize::try_from(number(cells.next())).unwrap_or(usize::MAX);
            Ok((index, EventPlace { n: number(cells.next()), i: number(cells.next()) }))
        };
        rows.map(place).collect()
    }

    /// Notes that the table which is written at an instant holds nothing older: not before that is
    /// certain, since what fails leaves it as it was.
    pub(super) fn emptied(&self, at: Timestamp) {
        self.generation.set(generation(at).0);
    }

    /// Does both or neither.
    pub(super) fn together(&self, mut act: impl FnMut() -> Result<()>) -> Result<()> {
        let mut act = || act().map_err(JsValue::from);
        Ok(self.storage.transaction_sync(&mut act)?)
    }

    /// Remembers what row `n` tells of, each key with its position there.
    pub(super) fn remember(&self, n: u64, at: Timestamp, keys: &[(EventKey, usize)]) -> Result<()> {
        let (number, [table, _]) = generation(at);
        if self.generation.get() != number {
            let query = format!("SELECT j.at FROM {table} e JOIN journal j ON j.n = e.n LIMIT 1");
            let row = self.sql.exec(&query, None)?.raw().next().transpose()?;
            let first = row.map(|row| Timestamp::from_millis(signed(row.into_iter().next())));
            if first.is_some_and(|first| generation(first).0 != number) {
                self.sql.exec(&format!("DELETE FROM {table}"), None)?;
            }
        }
        let keys: Vec<String> =
            keys.iter().map(|(key, index)| format!("{}{index}", key.hex())).collect();
        // The last one holds, if an event is corrected twice in a row.
        let insert = format!(
            "INSERT OR REPLACE INTO {table} (key, n, i)
             SELECT unhex(substr(value, 1, 32)), ?, CAST(substr(value, 33) AS INTEGER)
             FROM json_each(?)"
        );
        let bindings = vec![integer(n)?, serde_json::to_string(&keys)?.into()];
        self.sql.exec(&insert, bindings).map(drop)
    }
}
