//! Refunds: what went back is what was charged, and goes off the invoice where it stood.

use super::super::finding::Fault;
use super::super::memory::Charged;
use super::{Rerate, Tell, total};
use crate::ledger::{Entry, Invoiced};
use crate::units::{Credits, Inexact, Timestamp};

/// Terms under which what is not known to be elsewhere may have been invoiced.
const ANYWHERE: Option<(u64, u64)> = Some((0, u64::MAX));

impl Rerate {
    pub(super) fn refunded(
        &mut self,
        entry: &Entry,
        at: Timestamp,
        tell: &mut Tell<'_>,
    ) -> Result<(), Inexact> {
        let Entry::Refunded { op, returns, debt, overage, former } = entry else { return Ok(()) };
        self.refunds = self.refunds.saturating_add(1);
        let zero = Credits::ZERO;
        let returned = total(returns)?.plus(*debt)?.plus(*overage)?;
        let is_whole = self.books.is_whole;
        let (owed, surely, invoiced) = match self.memory.refund(op, at) {
            // A part of it may have been charged before the rows begin, and invoiced there.
            Charged::Known { owed, surely, reserved: true, .. } if !is_whole => {
                (owed.max(returned), surely, ANYWHERE)
            }
            Charged::Known { owed, surely, invoiced, .. } => (owed, surely, invoiced),
            // What was served before the rows begin may be refunded in them.
            Charged::Unknown if is_whole => (zero, false, None),
            Charged::Unknown => (returned, false, ANYWHERE),
        };
        let of_former = Credits::sum(former.iter().map(|Invoiced(_, amount)| *amount))?;
        let is_placed = invoiced.map_or(overage.is_zero() && former.is_empty(), |(first, last)| {
            // All of it stands in one place; of closed periods none is left.
            let is_former = self.parts.iter().any(|part| part.number == first);
            let expected = if is_former { *overage } else { zero };
            let mut places = former.iter();
            places.all(|Invoiced(terms, part)| (first..=last).contains(terms) && *part > zero)
                && (first < last || of_former == expected)
        });
        let is_moved = debt.is_negative() || overage.is_negative() || of_former > *overage;
        let is_other = returned > owed || (surely && returned < owed);
        if is_other || is_moved || !is_placed {
            tell(Some(op.clone()), Fault::RefundDiffers { charged: owed, returned });
        }
        self.books.unburn(returns)?;
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
