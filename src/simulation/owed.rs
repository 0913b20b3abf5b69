//! Routes that go on while the account does not answer, and what the auditor makes of it.
//!
//! ```text
//! served, unheard ──▶ charged                at what the account rates it
//!                 ──▶ failed                 nothing
//!                 ──▶ its isolate crashes    lost: at most the allowance
//! ```

use std::collections::BTreeMap;

use super::Broken;
use super::Invariant::{BoundedLoss, NoDoubleCharge};
use super::books::{Books, Charge, Fate, Service};
use super::chance::Chance;
use super::request::Asked;
use super::tally::Count;
use super::world::{Flying, World, made};
use crate::units::{Credits, Inexact};

/// Operations that were served without an answer and are not charged: their isolate, and what it
/// counts for each.
#[derive(Debug, Default)]
pub(super) struct Unheard {
    list: BTreeMap<String, (u64, Credits)>,
    /// Those that the message at hand tells, among others that it told before.
    pub telling: Vec<String>,
}

impl Unheard {
    pub(super) fn remove(&mut self, op: &str) {
        self.list.remove(op);
    }

    /// Their isolate crashed, or told them so late that they may have been charged and forgotten.
    pub(super) fn give_up(&mut self, life: u64) {
        for (owner, _) in self.list.values_mut().filter(|(owner, _)| *owner == life) {
            *owner = 0;
        }
    }

    /// What they cost.
    pub(super) fn sum(&self) -> Result<Credits, Inexact> {
        Credits::sum(self.list.values().map(|(_, cost)| *cost))
    }

    fn of(&self, life: u64) -> Result<Credits, Inexact> {
        let of = self.list.values().filter(|(owner, _)| *owner == life);
        Credits::sum(of.map(|(_, cost)| *cost))
    }
}

impl Books {
    /// An isolate served an operation without an answer: what it so serves is within the route's
    /// allowance.
    fn owes(&mut self, service: Service<'_>, most: Credits) -> Result<(), Broken> {
        let Service { op, cost, quantity, terms, life } = service;
        let charge = self.debits.entry(op.to_owned()).or_default();
        if charge.fate != Fate::Open {
            let found = format!("{op}: {:?}", charge.fate);
            return Err(Broken::new(NoDoubleCharge, "an operation served once", found));
        }
        // Its debit may have arrived.
        let cost = if charge.decided { charge.charged } else { cost };
        if !charge.decided {
            self.unheard.list.insert(op.to_owned(), (life, cost));
        }
        let (fate, owed) = (Fate::Served, true);
        *charge = Charge { cost, fate, quantity, terms, life, owed, ..*charge };
        self.served = self.served.plus(cost)?;
        let sum = self.unheard.of(life)?;
        match sum <= most {
            true => Ok(()),
            false => Err(Broken::new(BoundedLoss, format!("at most {most} owed by i{life}"), sum)),
        }
    }
}

impl World {
    /// Half of the requests are for a route that goes on, in runs that have one.
    pub(super) fn some_allowance(&self, chance: &mut Chance) -> Result<Option<Credits>, Broken> {
        let allowance = self.setup.allowance.filter(|_| chance.percent(50));
        allowance.map(|text| text.parse().map_err(|e| made("an allowance", &e))).transpose()
    }

    /// The account does not answer, and the operation is served all the same.
    pub(super) fn owed(
        &mut self,
        slot: usize,
        op: &str,
        cost: Credits,
        asked: &Asked,
    ) -> Result<(), Broken> {
        let (life, now) = (self.isolate(slot)?.life, self.now);
        self.tell(|| format!("i{life}        serves {op} for {cost}, owed"));
        self.tally.note(Count::Served);
        self.tally.note(Count::Owed);
        self.tally.credits = self.tally.credits.plus(cost)?;
        let terms = usize::try_from(self.isolate(slot)?.terms).unwrap_or(usize::MAX);
        let service = Service { op, cost, quantity: asked.quantity, terms, life };
        self.books.owes(service, asked.allowance.unwrap_or_default())?;
        self.isolate(slot)?.flying.push_back(Flying { op: op.to_owned(), at: now });
        self.audit_served()
    }
}
