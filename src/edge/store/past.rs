//! Reading back a part of the journal with the ledger that stood before it, for whoever needs to
//! know what the rows were decided on.
//!
//! ```text
//! row 1 ─── segment ─── segment ─── …          a part: the rows after one segment, up to the next
//! ```
//!
//! A part is what a segment seals: some MB at most, however long the journal is. Rows rise in time,
//! so that the first one of an instant is found by halves, without an index.

use worker::Result;

use super::read::signed;
use super::{Outcome, Store, integer};
use crate::ledger::{Ledger, Row};
use crate::units::Timestamp;

/// The rows after row `after`, up to row `last`, and the ledger before them; none before row 1.
pub(in super::super) struct PastPart {
    pub(in super::super) ledger: Option<Ledger>,
    pub(in super::super) after: u64,
    /// Where the next part begins, if there is one.
    pub(in super::super) last: Option<u64>,
    /// Bytes of states that were read for it.
    pub(in super::super) read: usize,
}

impl Store {
    /// The first row that was decided at or after `at`, if there is one.
    pub(in super::super) fn first_from(&self, at: Timestamp) -> Outcome<Option<u64>> {
        let Some((end, _)) = self.end()? else { return Ok(None) };
        let (mut low, mut high) = (1, end.saturating_add(1));
        while low < high {
            let middle = low.saturating_add(high.saturating_sub(low) / 2);
            match self.decided_at(middle)? {
                Some(decided) if decided < at => low = middle.saturating_add(1),
                _ => high = middle,
            }
        }
        Ok((low <= end).then_some(low))
    }

    fn decided_at(&self, n: u64) -> Result<Option<Timestamp>> {
        let query = "SELECT at FROM journal WHERE n = ?";
        let row = self.sql.exec(query, vec![integer(n)?])?.raw().next().transpose()?;
        let at = row.map(|cells| Timestamp::from_millis(signed(cells.into_iter().next())));
        Ok(at)
    }

    /// The part that row `n` is in. A segment that is damaged is passed over, and the part is then
    /// that much longer.
    pub(in super::super) fn part_of(&self, n: u64) -> Outcome<PastPart> {
        let (mut candidate, mut read) = (self.segment_before(n)?, 0_usize);
        while let Some(saved) = candidate {
            let after = saved.position.n;
            read = read.saturating_add(saved.state.len());
            match saved.ledger() {
                Ok(ledger) => {
                    let last = self.segment_end(n)?;
                    return Ok(PastPart { ledger: Some(ledger), after, last, read });
                }
                Err(why) => worker::console_error!("account: segment {after} damaged: {why}"),
            }
            candidate = self.segment_before(after)?;
        }
        Ok(PastPart { ledger: None, after: 0, last: self.segment_end(n)?, read })
    }

    /// The last row of the first segment that holds row `n`.
    fn segment_end(&self, n: u64) -> Result<Option<u64>> {
        let query = "SELECT n FROM segment WHERE n >= ? ORDER BY n LIMIT 1";
        let row = self.sql.exec(query, vec![integer(n)?])?.raw().next().transpose()?;
        Ok(row.map(|cells| super::read::number(cells.into_iter().next())))
    }

    /// Its rows, one at a time.
    pub(in super::super) fn rows_of(
        &self,
        part: &PastPart,
    ) -> Result<impl Iterator<Item = Result<Row>> + use<>> {
        self.rows(part.after, part.last.unwrap_or(u64::MAX))
    }
}
