//! Operations for which the client has a key of its own: the account decides each of them, since
//! the same request may have come by another isolate.

use super::super::admission::{Admission, Operation, Paid};
use super::super::once::Once;
use super::Client;
use crate::units::{Credits, Inexact, Timestamp};

impl Client {
    /// Asks for an operation for which the client has a key of this `name`; the charge of an
    /// earlier one may serve it, `repeats` times.
    ///
    /// # Errors
    ///
    /// [`Inexact`] if a sum leaves the range of credits.
    pub fn admit_once(
        &mut self,
        operation: Operation,
        name: &str,
        fingerprint: String,
        repeats: u32,
        now: Timestamp,
    ) -> Result<Admission, Inexact> {
        self.look_at_clock(now);
        let holder = self.next_debit();
        let mut request = self.request(Credits::ZERO, now)?;
        request.debit = Some(operation.debit(Once::op(name, &holder)));
        request.once = Some(Once { fingerprint, holder });
        request.repeats = repeats;
        self.asked = self.asked.saturating_add(1);
        Ok(Admission::Ask(Box::new(request)))
    }

    /// What was charged before, and is served again.
    pub(super) fn repeated(&self, op: String, cost: Credits) -> Result<Paid, Inexact> {
        let left = self.others()?.plus(self.book.spendable()?)?;
        let (restricted, repeated) = (false, true);
        let (renew, flush, is_exact) = (false, false, false);
        Ok(Paid { op, cost, is_exact, restricted, repeated, left, renew, flush })
    }
}
