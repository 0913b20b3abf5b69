//! Operations that may be refunded, or charged again by a forger, for as long as a ledger knows
//! them.

use std::collections::{BTreeMap, BTreeSet};

use crate::ledger::{DEBITS_MIN, MEMORY_MS};
use crate::units::{Credits, Inexact, Timestamp};

/// A ledger forgets the oldest quarter of them at once.
const DEBITS_MAX: usize = DEBITS_MIN + DEBITS_MIN / 4;

/// An operation that ended.
#[derive(Clone, Debug)]
struct Past {
    at: Timestamp,
    order: u64,
    owed: Credits,
    /// Invoices of debt before its first charge, and before its last.
    invoices: (u64, u64),
    reserved: bool,
}

/// What a refund may give back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Charged {
    /// All of this; a ledger that has forgotten it gives nothing back.
    Known {
        /// What was charged and not refunded.
        owed: Credits,
        /// Whether no ledger can have forgotten it.
        surely: bool,
        /// The terms under which its debt can have gone onto an invoice, the first and the last.
        invoiced: Option<(u64, u64)>,
        /// Whether it was reserved, and may have been charged before the rows begin as well.
        reserved: bool,
    },
    /// It is not among the rows that are remembered.
    Unknown,
}

/// Operations of the last minutes.
#[derive(Clone, Debug, Default)]
pub(super) struct Memory {
    past: BTreeMap<String, Past>,
    ages: BTreeSet<(Timestamp, u64, String)>,
    /// Reserved operations that go on, with what they were charged so far, and when.
    open: BTreeMap<String, (Credits, (u64, u64))>,
    /// Terms under which debt went onto an invoice, and how often by the end of each: all that is
    /// owed goes at once.
    invoices: Vec<(u64, u64)>,
    order: u64,
    /// Debt was forgiven: less may come back than was charged.
    forgiven: bool,
}

impl Memory {
    /// An operation ended and was charged so much; whether it did so before.
    pub(super) fn end(&mut self, op: &str, at: Timestamp, owed: Credits) -> bool {
        let now = self.count();
        self.remember(op, Past { at, order: 0, owed, invoices: (now, now), reserved: false })
    }

    fn remember(&mut self, op: &str, past: Past) -> bool {
        let at = past.at;
        let order = self.order;
        self.order = order.saturating_add(1);
        let before = self.past.insert(op.to_owned(), Past { order, ..past });
        let is_repeated = before.is_some();
        if let Some(Past { at, order, .. }) = before {
            self.ages.remove(&(at, order, op.to_owned()));
        }
        self.ages.insert((at, order, op.to_owned()));
        while self.past.len() > DEBITS_MAX
            || self.ages.first().is_some_and(|(then, ..)| at.millis_since(*then) > MEMORY_MS)
        {
            let Some((_, _, op)) = self.ages.pop_first() else { break };
            self.past.remove(&op);
        }
        is_repeated
    }

    /// A part of a reserved operation was charged.
    pub(super) fn part(&mut self, op: &str, owed: Credits) -> Result<(), Inexact> {
        let now = self.count();
        let (sum, (_, last)) =
            self.open.entry(op.to_owned()).or_insert((Credits::ZERO, (now, now)));
        (*sum, *last) = (sum.plus(owed)?, now);
        Ok(())
    }

    /// A reserved operation ended.
    pub(super) fn close(&mut self, op: &str, at: Timestamp) {
        let (owed, invoices) = self.open.remove(op).unwrap_or_default();
        self.remember(op, Past { at, order: 0, owed, invoices, reserved: true });
    }

    /// All debt went onto the invoice, under these terms.
    pub(super) fn invoice(&mut self, terms: u64) {
        let count = self.count().saturating_add(1);
        match self.invoices.last_mut().filter(|(last, _)| *last == terms) {
            Some((_, known)) => *known = count,
            None => self.invoices.push((terms, count)),
        }
    }

    fn count(&self) -> u64 {
        self.invoices.last().map_or(0, |(_, count)| *count)
    }

    /// Debt was forgiven: who paid less for it is not known.
    pub(super) fn forgive(&mut self) {
        self.forgiven = true;
    }

    /// What a refund gives back; it gives nothing back again.
    pub(super) fn refund(&mut self, op: &str, at: Timestamp) -> Charged {
        let newest = self.order;
        let forgiven = self.forgiven;
        let Some(past) = self.past.get_mut(op) else {
            self.end(op, at, Credits::ZERO);
            return Charged::Unknown;
        };
        let owed = std::mem::take(&mut past.owed);
        // The first invoice after a charge has what is owed for it.
        let after = |before: u64| self.invoices.iter().find(|(_, count)| *count > before);
        let (first, last) = past.invoices;
        let last = after(last).map_or(u64::MAX, |(terms, _)| *terms);
        let invoiced = after(first).map(|(terms, _)| (*terms, last));
        let since = usize::try_from(newest.saturating_sub(past.order)).unwrap_or(usize::MAX);
        let is_young = at.millis_since(past.at) <= MEMORY_MS;
        let (surely, reserved) = (!forgiven && is_young && since <= DEBITS_MIN, past.reserved);
        Charged::Known { owed, surely, invoiced, reserved }
    }
}
