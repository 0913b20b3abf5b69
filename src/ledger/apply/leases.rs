//! What entries about leases change: counters that only grow, and what is unreported.

use super::super::operations::Operations;
use super::super::{Lease, Ledger};
use crate::units::{Credits, Inexact, Timestamp};

impl Ledger {
    pub(super) fn grant_lease(
        &mut self,
        id: &str,
        seq: u64,
        amount: Credits,
        release_at: Timestamp,
    ) -> Result<(), Inexact> {
        let fresh = || Lease {
            granted: Credits::ZERO,
            used: Credits::ZERO,
            returned: Credits::ZERO,
            released: Credits::ZERO,
            reported: 0,
            seq,
            release_at,
            ended_at: None,
        };
        let lease = self.leases.entry(id.to_owned()).or_insert_with(fresh);
        lease.granted = lease.granted.plus(amount)?;
        lease.seq = seq;
        lease.release_at = release_at;
        Ok(())
    }

    pub(super) fn report(
        &mut self,
        id: &str,
        used: Credits,
        returned: Credits,
        operations: &Operations,
    ) -> Result<(), Inexact> {
        let Some(lease) = self.leases.get_mut(id) else { return Ok(()) };
        let before = lease.outstanding()?;
        (lease.used, lease.returned) = (used, returned);
        let after = lease.outstanding()?;
        if after.is_negative() {
            // It was released: what turns out to be used was not given back after all.
            lease.released = lease.released.plus(after)?;
        }
        if lease.ended_at.is_some() {
            let settled = before.minus(lease.outstanding()?)?;
            self.totals.unreported = self.totals.unreported.minus(settled)?;
        }
        let count = u64::try_from(operations.list.len()).unwrap_or(u64::MAX);
        lease.reported = lease.reported.max(operations.from.saturating_add(count));
        Ok(())
    }

    pub(super) fn end_lease(&mut self, id: &str, unreported: Credits) -> Result<(), Inexact> {
        self.totals.unreported = self.totals.unreported.plus(unreported)?;
        if let Some(lease) = self.leases.get_mut(id) {
            lease.ended_at = Some(self.clock);
        }
        Ok(())
    }

    pub(super) fn return_unreported(&mut self, amount: Credits) -> Result<(), Inexact> {
        self.totals.unreported = self.totals.unreported.minus(amount)?;
        for lease in self.leases.values_mut().filter(|lease| lease.ended_at.is_some()) {
            lease.released = lease.released.plus(lease.outstanding()?)?;
        }
        for reservation in self.reservations.values_mut().filter(|held| !held.is_held()) {
            reservation.held = Credits::ZERO;
        }
        Ok(())
    }
}
