//! Rows in their order, each chained to the one before: where one is missing, repeated, out of
//! order or not what was hashed.
//!
//! ```text
//! expected n ── n, hash follows ─▶ next        ── n, hash does not ─▶ changed
//!            ── later ─▶ missing … and if one of the missing comes after all: out of order
//!            ── earlier ─▶ repeated
//! ```
//!
//! After a fault it goes on with the hash that stands in the row, so that one fault is one finding.

use super::finding::Fault;
use crate::ledger::{GENESIS, Line, chain_hash};
use crate::units::Timestamp;

/// Where a journal stands.
#[derive(Clone, Debug, Default)]
pub(super) struct Chain {
    /// The last row, its hash and its instant.
    last: Option<(u64, String, i64)>,
    /// Rows that did not come so far.
    missing: Vec<(u64, u64)>,
    /// Number of the first row.
    pub(super) first: Option<u64>,
}

/// What is to become of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Row {
    /// Its entries count.
    Counts,
    /// They counted before.
    Repeated,
}

impl Chain {
    /// Number and hash of the last row.
    pub(super) fn last(&self) -> Option<(u64, &str)> {
        self.last.as_ref().map(|(n, hash, _)| (*n, hash.as_str()))
    }

    /// The next row of a journal whose rows after row `after` are wanted; its faults are told.
    pub(super) fn take(
        &mut self,
        line: &Line<'_>,
        after: u64,
        mut tell: impl FnMut(u64, Fault),
    ) -> Row {
        let n = line.n;
        let Some((before, hash, at)) = &self.last else {
            self.first = Some(n);
            let wanted = after.saturating_add(1);
            if n == 1
                && chain_hash(GENESIS, 1, Timestamp::from_millis(line.at), line.body) != line.hash
            {
                tell(n, Fault::RowChanged);
            }
            if n > wanted {
                tell(wanted, Fault::RowMissing { count: n.saturating_sub(wanted) });
                self.missing.push((wanted, n.saturating_sub(1)));
            }
            self.last = Some((n, line.hash.to_owned(), line.at));
            return Row::Counts;
        };
        let expected = before.saturating_add(1);
        if n < expected {
            return self.late(n, tell);
        }
        if n > expected {
            tell(expected, Fault::RowMissing { count: n.saturating_sub(expected) });
            self.missing.push((expected, n.saturating_sub(1)));
        } else if chain_hash(hash, n, Timestamp::from_millis(line.at), line.body) != line.hash {
            tell(n, Fault::RowChanged);
        }
        if line.at < *at {
            tell(n, Fault::TimeShifted { at: Timestamp::from_millis(line.at) });
        }
        self.last = Some((n, line.hash.to_owned(), line.at));
        Row::Counts
    }

    /// A row that does not come where it should.
    fn late(&mut self, n: u64, mut tell: impl FnMut(u64, Fault)) -> Row {
        let holds = |(from, to): &(u64, u64)| (*from..=*to).contains(&n);
        let Some(index) = self.missing.iter().position(holds) else {
            tell(n, Fault::RowRepeated);
            return Row::Repeated;
        };
        let (from, to) = self.missing.remove(index);
        for part in [(from, n.saturating_sub(1)), (n.saturating_add(1), to)] {
            if part.0 <= part.1 {
                self.missing.push(part);
            }
        }
        tell(n, Fault::RowReordered);
        Row::Counts
    }
}
