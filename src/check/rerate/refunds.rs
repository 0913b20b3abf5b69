//! Refunds: what went back is what was charged, and goes off the invoice where it stood.

use super::super::finding::Fault;
use super::super::memory::Charged;
use super::{Rerate, Tell, total};
use crate::ledger::{Entry, Invoiced};
use crate::units::{Credits, Inexact, Timestamp};

impl Rerate {
    pub(super) fn refunded(
        &mut self,
        entry: &Entry,
        at: Timestamp,
        tell: &mut Tell<'_>,
    ) -> Result<(), Inexact> {
        let Entry::Refunded { op, returns, debt, overage, former } = entry else { return Ok(()) };
        self.refunds = self.refunds.saturating_add(1);
        let returned = total(returns)?.plus(*debt)?.plus(*overage)?;
        let (owed, surely) = match self.memory.refund(op, at) {
            Charged::Known { owed, surely } => (owed, surely),
            // What was served before the rows begin may be refunded in them.
            Charged::Unknown if self.books.is_whole => (Credits::ZERO, false),
            Charged::Unknown => (returned, false),
        };
        let of_former = Credits::sum(former.iter().map(|Invoiced(_, amount)| *amount))?;
        if returned > owed || (surely && returned != owed) || of_former > *overage {
            tell(Some(op.clone()), Fault::RefundDiffers { charged: owed, returned });
        }
        self.books.unburn(returns)?;
        let zero = Credits::ZERO;
        self.books.owe(zero.minus(*debt)?, zero.minus(*overage)?, zero)?;
        for Invoiced(terms, amount) in former {
            if !self.invoice_former(*terms, zero.minus(*amount)?)? {
                tell(Some(op.clone()), Fault::TermsUnknown { terms: *terms });
            }
        }
        Ok(())
    }

    /// Books overage under a former plan of the period, if these are its terms.
    pub(super) fn invoice_former(&mut self, terms: u64, amount: Credits) -> Result<bool, Inexact> {
        let Some(part) = self.parts.iter_mut().find(|part| part.number == terms) else {
            return Ok(false);
        };
        part.overage = part.overage.plus(amount)?;
        Ok(true)
    }
}
