//! How long something takes: the one clock of the command line.

#![expect(clippy::disallowed_types, reason = "a person waits for it; no result depends on it")]

use std::time::{Duration, Instant};

/// A clock that runs.
pub(crate) struct Stopwatch(Instant);

impl Stopwatch {
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }

    /// With a tenth.
    pub(crate) fn seconds(&self) -> String {
        let tenths = self.elapsed().as_millis().div_euclid(100);
        format!("{}.{}", tenths.div_euclid(10), tenths.rem_euclid(10))
    }
}
