//! Auditing a journal where it is stored: chain and replay, a segment a call.
//!
//! ```text
//! segment k-1 (sealed state) ─▶ rows, chained and replayed ─▶ the same bytes as segment k's state?
//!                                      └─ on the way: the same bytes as the checkpoint's?
//! last part ─▶ the same ledger as the live one?
//! ```
//!
//! Each call begins at a state that the call before it proved, the first one at nothing: all calls
//! together have replayed all rows from the first. A call reads one segment, however long the
//! journal is: no more than 4 MB and one row, or 8,192 rows.

use serde::{Deserialize, Serialize};

use super::read::{Broken, Saved};
use super::{Head, Store};
use crate::ledger::{Ledger, Replay, ReplayError};

/// What one call found to be sound.
#[derive(Debug, Serialize, Deserialize)]
pub(in super::super) struct Verified {
    /// Always true: what is not sound is a problem.
    pub(in super::super) verified: bool,
    /// First row of this part.
    pub(in super::super) from: u64,
    /// Its last row.
    pub(in super::super) to: u64,
    /// Operations in it.
    pub(in super::super) operations: u64,
    /// Bytes of its rows' entries.
    pub(in super::super) bytes: u64,
    /// Hash of the row before it.
    pub(in super::super) hash_before: String,
    /// Hash of its last row.
    pub(in super::super) hash: String,
    /// Where the next part begins; nothing after the last one, which was compared with the live
    /// ledger.
    pub(in super::super) next: Option<u64>,
}

/// What is not as it was written.
#[derive(Debug)]
pub(in super::super) enum Part {
    /// A row.
    Journal(Broken),
    /// What a segment says of the rows up to `n`.
    Segment { n: u64, why: String },
    /// What the checkpoint says of the rows up to `n`.
    Checkpoint { n: u64, why: String },
    /// The live ledger differs from the journal's.
    Live { n: u64 },
}

impl<T: Into<Broken>> From<T> for Part {
    fn from(error: T) -> Self {
        Self::Journal(error.into())
    }
}

impl Store {
    /// Checks the part of the journal that row `from` is in; nothing if there is no account.
    pub(in super::super) fn verify(
        &self,
        from: u64,
        live: Option<(&Ledger, &Head)>,
    ) -> Result<Option<Verified>, Part> {
        if !self.exists()? {
            return Ok(None);
        }
        let mut replay = self.part_start(from)?;
        let before = replay.position().clone();
        let end = self.segment_from(before.n.saturating_add(1))?;
        let last = end.as_ref().map(|end| end.position.n);
        let saved = self.checkpoint()?;
        if let Some(saved) = &saved
            && (before.n..last.unwrap_or(u64::MAX)).contains(&saved.position.n)
        {
            let n = saved.position.n;
            let ledger = saved.ledger().map_err(|why| Part::Checkpoint { n, why })?;
            replay = self.replay(replay, Some(n))?;
            compare(&replay, saved, &ledger).map_err(|why| Part::Checkpoint { n, why })?;
        }
        replay = self.replay(replay, last)?;
        if let Some(end) = &end {
            let n = end.position.n;
            let ledger = end.ledger().map_err(|why| Part::Segment { n, why })?;
            compare(&replay, end, &ledger).map_err(|why| Part::Segment { n, why })?;
        } else if let Some((ledger, head)) = live {
            same_as_live(&replay, ledger, head)?;
        }
        let now = replay.position();
        Ok(Some(Verified {
            verified: true,
            from: before.n.saturating_add(1),
            to: now.n,
            operations: now.operations.saturating_sub(before.operations),
            bytes: now.bytes.saturating_sub(before.bytes),
            hash_before: before.hash,
            hash: now.hash.clone(),
            next: end.map(|_| now.n.saturating_add(1)),
        }))
    }

    /// The state before the part that row `from` is in.
    fn part_start(&self, from: u64) -> Result<Replay, Part> {
        let Some(segment) = self.segment_before(from)? else { return Ok(Replay::default()) };
        let n = segment.position.n;
        let ledger = segment.ledger().map_err(|why| Part::Segment { n, why })?;
        self.check_row(&segment.position)?;
        Ok(Replay::resume(segment.position, ledger))
    }
}

/// Whether the rows lead to what was saved, to the byte.
fn compare(replay: &Replay, saved: &Saved, ledger: &Ledger) -> Result<(), String> {
    if *replay.position() != saved.position {
        return Err("its hash or its counts are not those of the rows".to_owned());
    }
    if replay.ledger() != Some(ledger) {
        return Err("its state is not what the rows lead to".to_owned());
    }
    Ok(())
}

fn same_as_live(replay: &Replay, ledger: &Ledger, head: &Head) -> Result<(), Part> {
    let (found, expected) = (replay.position().n, head.position.n);
    if found != expected {
        let next = found.min(expected).saturating_add(1);
        return Err(ReplayError::Ends { n: next }.into());
    }
    // Visits that changed nothing have moved the live clock on.
    let mut replayed = replay.ledger().cloned();
    if let Some(replayed) = &mut replayed {
        replayed.advance(ledger.clock());
    }
    match *replay.position() == head.position && replayed.as_ref() == Some(ledger) {
        true => Ok(()),
        false => Err(Part::Live { n: expected }),
    }
}
