//! A saved state, over as many rows as it takes: the platform allows 2 MB each.
//!
//! ```text
//! state = what stands with the checkpoint, segment or invoice
//!         + part(kind, n, 1) + part(kind, n, 2) + …
//! ```
//!
//! Most states are one part, and no row of these. One at all limits is several MB, most of it the
//! plans of former terms.
//!
//! Invariants: the parts of a checkpoint are written under its number before it, and those of the
//! one before are deleted after it: whatever fails in between, the checkpoint that stands there is
//! whole. The seal is over all of it.

use worker::{Result, SqlStorageValue};

use super::{Store, integer};

/// Bytes of one part, at most.
const PART_BYTES: usize = 1_000_000;

/// What is saved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Checkpoint,
    Segment,
    Invoice,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Checkpoint => "checkpoint",
            Self::Segment => "segment",
            Self::Invoice => "invoice",
        }
    }
}

/// A part, and what comes after it.
pub(super) fn split(state: &str) -> (&str, &str) {
    state.split_at(state.floor_char_boundary(PART_BYTES))
}

impl Store {
    /// Writes what does not stand with the checkpoint or segment after row `n` itself.
    pub(super) fn write_parts(&self, kind: Kind, n: u64, mut rest: &str) -> Result<()> {
        let insert = "INSERT OR REPLACE INTO part (kind, n, i, state) VALUES (?, ?, ?, ?)";
        let mut i = 0_u64;
        while !rest.is_empty() {
            let (part, after) = split(rest);
            (rest, i) = (after, i.saturating_add(1));
            let bindings = vec![kind.name().into(), integer(n)?, integer(i)?, part.into()];
            self.sql.exec(insert, bindings)?;
        }
        Ok(())
    }

    /// Deletes the parts of what is written anew.
    pub(super) fn drop_parts_of(&self, kind: Kind, n: u64) -> Result<()> {
        let delete = "DELETE FROM part WHERE kind = ? AND n = ?";
        self.sql.exec(delete, vec![kind.name().into(), integer(n)?]).map(drop)
    }

    /// Deletes the parts of former checkpoints.
    pub(super) fn drop_parts(&self, checkpoint: u64) -> Result<()> {
        let delete = "DELETE FROM part WHERE kind = ? AND n <> ?";
        let bindings = vec![Kind::Checkpoint.name().into(), integer(checkpoint)?];
        self.sql.exec(delete, bindings).map(drop)
    }

    /// Adds them to what stands with it.
    pub(super) fn read_parts(&self, kind: Kind, n: u64, state: &mut String) -> Result<()> {
        let query = "SELECT state FROM part WHERE kind = ? AND n = ? ORDER BY i";
        for row in self.sql.exec(query, vec![kind.name().into(), integer(n)?])?.raw() {
            if let Some(SqlStorageValue::String(part)) = row?.first() {
                state.push_str(part);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_within_the_bound_and_together_the_whole() {
        for (unit, times) in [("", 1), ("x", PART_BYTES), ("x", PART_BYTES + 1), ("é", 2_000_001)]
        {
            let (whole, mut parts) = (format!("{{{}", unit.repeat(times)), Vec::new());
            let mut rest = whole.as_str();
            while !rest.is_empty() {
                let (part, after) = split(rest);
                assert!(!part.is_empty() && part.len() <= PART_BYTES);
                parts.push(part);
                rest = after;
            }
            assert_eq!(parts.concat(), whole);
        }
    }
}
