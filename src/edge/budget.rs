//! What a customer's reads may take of an account's object, which metering needs as well.
//!
//! ```text
//! read ─▶ admit: is anything left? ─▶ the read ─▶ take what it read and answered, in bytes
//!            └─ no: when there is ─▶ 429 with Retry-After
//! ```
//!
//! A read is paid for when it is done, by what it was: the last one may take more than there is,
//! and the next waits that much longer. It is kept in memory: an object that slept for so long that
//! it was dropped has all of it again. Metering and the operator never ask here.

use super::problem::Problem;
use crate::units::Timestamp;

/// Bytes that may be read at once: a page's views of a million operations, several times over.
const FULL: i64 = 256_000_000;
/// Bytes that come back in a millisecond.
const PER_MS: i64 = 4_000;
/// The least that a read takes: what it costs to be asked.
pub(super) const READ: usize = 20_000;

/// What is left for reads.
#[derive(Debug)]
pub(super) struct Budget {
    left: i64,
    at: Timestamp,
}

impl Default for Budget {
    fn default() -> Self {
        Self { left: FULL, at: Timestamp::default() }
    }
}

impl Budget {
    /// Lets a read in if anything is left.
    ///
    /// # Errors
    ///
    /// 429, with the whole seconds to wait.
    pub(super) fn admit(&mut self, now: Timestamp) -> Result<(), Problem> {
        let passed = now.millis_since(self.at).clamp(0, FULL);
        self.at = self.at.max(now);
        self.left = self.left.saturating_add(passed.saturating_mul(PER_MS)).min(FULL);
        if self.left > 0 {
            return Ok(());
        }
        let wait_ms = self.left.saturating_neg() / PER_MS;
        let seconds = (wait_ms / 1_000).saturating_add(1);
        let detail = format!("this account was read a lot just now: go on in {seconds} s");
        Err(Problem::new(429, "too_many_reads", detail).with("retry_after", seconds))
    }

    /// What a read was.
    pub(super) fn take(&mut self, bytes: u64) {
        let least = u64::try_from(READ).unwrap_or_default();
        let bytes = i64::try_from(bytes.max(least)).unwrap_or(i64::MAX);
        self.left = self.left.saturating_sub(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_are_let_in_while_something_is_left_and_wait_as_long_as_it_takes() {
        let at = Timestamp::from_millis;
        // When, what the read was if it is let in, and how many seconds it has to wait if not.
        let table = [
            (1_000, 255_000_000, None),
            (1_000, 17_000_000, None),
            // 16 MB too much: four seconds, and one so that something is there.
            (1_000, 0, Some(5)),
            (4_999, 0, Some(1)),
            (5_001, 1, None),
            // The smallest read takes 20 kB, which is five milliseconds.
            (5_001, 0, Some(1)),
            (5_005, 0, Some(1)),
            (5_006, 1, None),
            // A clock that goes back gives nothing.
            (1, 0, Some(1)),
            // After a long time it is full, and no fuller.
            (900_000, 256_000_001, None),
            (900_000, 0, Some(1)),
        ];
        let mut budget = Budget::default();
        for (index, (now, bytes, wait)) in table.into_iter().enumerate() {
            let refused = budget.admit(at(now)).err();
            let seconds = refused.as_ref().and_then(|problem| problem.number("retry_after"));
            assert_eq!(seconds, wait, "row {index}");
            if refused.is_none() {
                budget.take(bytes);
            }
        }
    }
}
