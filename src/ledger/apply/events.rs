//! What entries about events from elsewhere change.

use super::super::Ledger;
use super::super::entry::Entry;
use super::super::events::{Booked, take};
use super::super::grant::Burn;
use super::super::uses;
use crate::units::Inexact;

impl Ledger {
    pub(super) fn apply_events(&mut self, entry: &Entry) -> Result<(), Inexact> {
        match entry {
            Entry::EventsTaken { events, booked } => {
                for one in events.sums()? {
                    self.count(None, &one.charge, &one.of, one.quantity)?;
                }
                self.book(booked)
            }
            Entry::EventCorrected { terms, before, uses, booked, .. } => {
                uses::exchange(self.usages_under(*terms), before, uses)?;
                self.invoice_former(*terms, booked.overage)?;
                self.book(booked)
            }
            _ => Ok(()),
        }
    }

    fn book(&mut self, booked: &Booked) -> Result<(), Inexact> {
        let Booked { burns, returns, debt, overage, unpaid } = booked;
        self.totals.debt = self.totals.debt.plus(*debt)?;
        self.totals.overage = self.totals.overage.plus(*overage)?;
        self.totals.unpaid = self.totals.unpaid.plus(*unpaid)?;
        self.burn(burns)?;
        self.burned_by_events(burns)?;
        self.unburn(returns)?;
        take(&mut self.event_burns, returns)
    }

    /// Notes what events burned, the grant that burned last at the end.
    pub(super) fn burned_by_events(&mut self, burns: &[Burn]) -> Result<(), Inexact> {
        for Burn { grant, amount } in burns {
            let known = self.event_burns.iter().position(|burn| burn.grant == *grant);
            let before = known.map(|index| self.event_burns.remove(index).amount);
            let amount = before.unwrap_or_default().plus(*amount)?;
            self.event_burns.push(Burn { grant: grant.clone(), amount });
        }
        Ok(())
    }
}
