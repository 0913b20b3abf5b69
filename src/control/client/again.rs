//! The same operation again: an isolate serves few kinds of operations, each thousands of times
//! between two answers of the account.
//!
//! ```text
//! admit ─▶ Paid from the lease ─▶ Known { operation, price, as of which answer }
//! admit_again(Known) ─▶ Again { number, … } with nothing looked up; None: admit it anew
//! ```
//!
//! Invariant: `admit_again` pays what `admit` would pay from the lease, under the same name, or
//! does nothing at all (a law in `tests/again.rs`).

use std::rc::Rc;

use super::super::admission::Operation;
use super::super::prices::Price;
use super::Client;
use crate::units::{Credits, Inexact, Timestamp};

/// An operation that was paid from the lease, with all that is the same until the next answer.
#[derive(Clone, Debug)]
pub struct Known {
    operation: Rc<Operation>,
    price: Price,
    as_of: u64,
}

/// Paid from the lease once more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Again {
    /// The operation's number within the lease.
    pub number: u64,
    /// Credits that the customer still owns, at least.
    pub left: Credits,
    /// Whether to ask for more soon.
    pub renew: bool,
    /// Whether to report later.
    pub flush: bool,
}

impl Client {
    /// What is known by heart of an operation that was just paid from the lease.
    pub fn know(&mut self, operation: Operation) -> Option<Known> {
        let price = self.prices.of(&operation)?.ok()?;
        let is_leased = self.keys.contains(&operation.key);
        is_leased.then(|| Known { operation: Rc::new(operation), price, as_of: self.as_of })
    }

    /// Pays it from the lease; nothing if that must be decided anew.
    ///
    /// # Errors
    ///
    /// [`Inexact`] if a sum leaves the range of credits.
    pub fn admit_again(&mut self, known: &Known, now: Timestamp) -> Result<Option<Again>, Inexact> {
        self.look_at_clock(now);
        if known.as_of != self.as_of {
            return Ok(None);
        }
        self.spend(&known.operation, known.price, now)
    }

    /// Whether what is known is still so.
    pub fn is_current(&self, known: &Known) -> bool {
        known.as_of == self.as_of
    }

    /// An answer of the origin to an operation of the lease, which is not a failure.
    pub fn answered_well(&mut self, number: u64, status: u16) {
        self.book.note_status(number, status);
    }

    pub(super) fn spend(
        &mut self,
        operation: &Rc<Operation>,
        Price { cost, .. }: Price,
        now: Timestamp,
    ) -> Result<Option<Again>, Inexact> {
        let paid = self.book.pay(operation, cost, self.prices.terms(), now)?;
        let Some(number) = paid else { return Ok(None) };
        self.rate.note(cost, now)?;
        self.idle = false;
        let left = self.book.spendable()?.plus(self.others()?)?;
        let renew = self.should_renew(now)?;
        Ok(Some(Again { number, left, renew, flush: self.start_flushing(now) }))
    }
}
