//! Leases: credits set aside for one isolate (RFC 8506: granted units).
//!
//! ```text
//! granted    raised by the account only
//! used       raised by the isolate's reports only     used + returned ≤ granted
//! returned   raised by the isolate's reports only
//! ended      nothing was heard for twice the validity time: nothing more is granted, and what is
//!            outstanding stays set aside as *unreported*, since it may have been spent
//! released   given back to the account by its operator, for leases that ended
//! reported   operations 0 .. reported have been burned: a repeated report adds nothing
//! ```

use serde::{Deserialize, Serialize};

use crate::units::{Credits, Inexact, Timestamp};

/// What the account knows of one lease.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// Credits granted so far.
    pub granted: Credits,
    /// Credits that the isolate counted as spent so far, at the prices it held.
    pub used: Credits,
    /// Credits given back so far.
    pub returned: Credits,
    /// Credits that the operator gave back to the account after the lease had ended.
    pub released: Credits,
    /// Operations burned so far.
    pub reported: u64,
    /// Number of the last request for more.
    pub seq: u64,
    /// When the lease ends unless it is renewed.
    pub release_at: Timestamp,
    /// When it ended, if it has: reports are still taken, nothing is granted.
    pub ended_at: Option<Timestamp>,
}

impl Lease {
    /// Whether an isolate holds credits by it.
    pub fn is_held(&self) -> bool {
        self.ended_at.is_none() && self.outstanding() != Ok(Credits::ZERO)
    }

    /// Credits that the isolate may still spend, or may have spent without having said so:
    /// `granted − used − returned − released`.
    ///
    /// # Errors
    ///
    /// [`Inexact`] if a difference leaves the range of credits.
    pub fn outstanding(&self) -> Result<Credits, Inexact> {
        self.granted.minus(self.used)?.minus(self.returned)?.minus(self.released)
    }
}
