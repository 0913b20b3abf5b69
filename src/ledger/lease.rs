//! Leases: credits set aside for one isolate (RFC 8506: granted units).
//!
//! ```text
//! granted    raised by the account only
//! used       raised by the isolate's reports only     used + returned ≤ granted
//! returned   raised by the isolate's reports only
//! released   taken back by the account when it heard nothing for twice the validity time
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
    /// Credits that the account took back at the lease's end.
    pub released: Credits,
    /// Operations burned so far.
    pub reported: u64,
    /// Number of the last request for more.
    pub seq: u64,
    /// When the account takes back what is outstanding.
    pub release_at: Timestamp,
    /// Released: reports are still taken, nothing is granted.
    pub ended: bool,
}

impl Lease {
    /// Credits that the isolate may still spend: `granted − used − returned − released`.
    ///
    /// # Errors
    ///
    /// [`Inexact`] if a difference leaves the range of credits.
    pub fn outstanding(&self) -> Result<Credits, Inexact> {
        self.granted.minus(self.used)?.minus(self.returned)?.minus(self.released)
    }
}
