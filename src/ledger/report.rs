//! What isolates are granted and what they report: the part of a visit that is about leases.
//!
//! ```text
//! grant_lease ─▶ outstanding ──▶ report: used → burned, returned → available
//!                          └───▶ end: unreported ──▶ a late report, or the operator returns it
//! ```
//!
//! Invariants: counters only grow; an operation's number is burned once; what a lease may have
//! spent is nobody else's until the account knows.

use std::collections::BTreeMap;

use super::decide::{Payer, Session};
use super::entry::Entry;
use super::grant::Burn;
use super::operations::{Flying, Operations};
use super::uses::{self, Usages};
use super::{Command, LEASES_MAX, LedgerError, inline};
use crate::plan::{Combination, Plan};
use crate::rating::{self, Event, Usage};
use crate::units::{ChargeId, Credits, GrantId, Inexact, Quantity, Timestamp};

/// What an isolate says of a lease.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reported {
    /// Number of the terms that the operations were served under.
    pub terms: u64,
    /// Credits that it counted as spent, in all, at the prices it held.
    pub used: Credits,
    /// Credits that it gave back, in all.
    pub returned: Credits,
    /// The operations, numbered.
    pub operations: Operations,
}

impl Session<'_> {
    /// Sets `amount` aside for an isolate, until `release_at`.
    ///
    /// # Errors
    ///
    /// [`LedgerError::LeaseUnknown`] for a lease that has ended, [`LedgerError::Full`].
    pub fn grant_lease(
        &mut self,
        id: &str,
        seq: u64,
        amount: Credits,
        release_at: Timestamp,
    ) -> Result<(), LedgerError> {
        let known = self.ledger.leases.get(id);
        if known.is_some_and(|lease| lease.ended_at.is_some()) {
            return Err(LedgerError::LeaseUnknown { lease: id.to_owned() });
        }
        if known.is_none() && self.ledger.leases.len() >= LEASES_MAX {
            return Err(LedgerError::Full { what: "leases", max: LEASES_MAX });
        }
        let lease = id.to_owned();
        Ok(self.record(Entry::LeaseGranted { lease, seq, amount, release_at })?)
    }

    /// Burns what an isolate reports. Counters are cumulative and operations numbered, so that a
    /// report repeated, reordered or sent late adds only what is new. Returns how many of the
    /// lease's operations are burned now.
    ///
    /// # Errors
    ///
    /// [`LedgerError::LeaseUnknown`] if the lease is not remembered, a report is missing before
    /// this one, or the counters exceed what was granted.
    pub fn report(
        &mut self,
        plan: &Plan,
        id: &str,
        Reported { terms, used, returned, mut operations }: Reported,
    ) -> Result<u64, LedgerError> {
        let unknown = || LedgerError::LeaseUnknown { lease: id.to_owned() };
        let lease = self.ledger.leases.get(id).ok_or_else(unknown)?.clone();
        let known = lease.reported.saturating_sub(operations.from);
        if operations.from > lease.reported {
            return Err(unknown());
        }
        let known = usize::try_from(known).unwrap_or(usize::MAX).min(operations.list.len());
        operations.list.drain(..known);
        operations.from = lease.reported;
        let (used, returned) = (used.max(lease.used), returned.max(lease.returned));
        let changed = used != lease.used || returned != lease.returned;
        if !changed && operations.list.is_empty() {
            return Ok(lease.reported);
        }
        if used.plus(returned)? > lease.granted {
            return Err(unknown());
        }
        let (past, terms) = self.served_under(terms);
        let served_under = past.as_ref().unwrap_or(plan);
        let usage = self.ledger.usages_of(terms);
        let costs = operation_costs(served_under, usage, &operations).ok_or_else(unknown)?;
        let cost = Credits::sum(costs.iter().copied())?;
        // What the lease held pays first; only a price that rose meanwhile can cost more, or a
        // report after the operator returned what was held; and then never more than there is.
        let backed = used.minus(lease.used)?.min(lease.outstanding()?);
        let payable = cost.min(backed.plus(self.ledger.available()?)?);
        let burns = self.plan_burns(payable, Payer::Lease, self.now)?;
        let shortfall = self.shortfall(plan, cost.minus(payable)?, Credits::ZERO)?;
        let entry = Entry::UsageReported {
            lease: id.to_owned(),
            terms,
            used,
            returned,
            flying: flying(id, &operations, &costs, &burns, shortfall.debt)?,
            costs: if is_constant(served_under, &operations) { Vec::new() } else { costs },
            operations,
            shortfall,
            burns,
        };
        self.record(entry)?;
        self.settle_what_came_back()?;
        self.invoice_debt(plan)?;
        Ok(self.ledger.leases.get(id).map_or(0, |lease| lease.reported))
    }

    /// Gives what ended leases had not reported back to the account: the operator takes it on
    /// himself that some of it may have been served already. The same id again changes nothing.
    ///
    /// # Errors
    ///
    /// [`LedgerError::CommandDiffers`] for an id that is taken, [`LedgerError::UnreportedDiffers`]
    /// if `amount` is not all of it, [`LedgerError::Full`].
    pub fn return_unreported(&mut self, id: GrantId, amount: Credits) -> Result<(), LedgerError> {
        if self.is_repeated(&id, &Command::ReturnUnreported { amount })? {
            return Ok(());
        }
        let unreported = self.ledger.totals.unreported;
        if amount != unreported || amount.is_zero() {
            return Err(LedgerError::UnreportedDiffers { amount, unreported });
        }
        self.record(Entry::UnreportedReturned { id, amount })?;
        Ok(self.settle_what_came_back()?)
    }
}

/// Whether the price of each operation is the same whatever was used before.
fn is_constant(plan: &Plan, operations: &Operations) -> bool {
    let charge = |(_, id): &(String, ChargeId)| plan.charge(id).is_some_and(inline::is_constant);
    operations.routes.iter().all(charge)
}

/// What each operation costs at the account, in its order; `None` if one cannot be priced.
fn operation_costs(plan: &Plan, usages: &Usages, operations: &Operations) -> Option<Vec<Credits>> {
    let mut states: BTreeMap<&ChargeId, Usage> = BTreeMap::new();
    let mut costs = Vec::with_capacity(operations.list.len());
    // Operations of a report are much alike: a constant price is looked up once.
    let mut last: Option<(u16, Quantity, Credits)> = None;
    for operation in &operations.list {
        let (_, id) = operations.routes.get(usize::from(operation.0))?;
        operations.keys.get(usize::from(operation.1))?;
        let same =
            last.filter(|(route, quantity, _)| *route == operation.0 && *quantity == operation.2);
        if let Some((_, _, cost)) = same {
            costs.push(cost);
            continue;
        }
        let charge = plan.charge(id)?;
        if !states.contains_key(id) {
            states.insert(id, uses::state(charge, usages, &Combination::new()).ok()?);
        }
        let before = states.get_mut(id)?;
        let event = Event::Use(operation.2);
        let cost = inline::cost(charge, before, &event)?;
        last = inline::is_constant(charge).then_some((operation.0, operation.2, cost));
        *before = rating::after(charge, before, &event).ok()?;
        costs.push(cost);
    }
    Some(costs)
}

/// The operations that were in flight, each with its part of the burns and of the debt.
fn flying(
    lease: &str,
    operations: &Operations,
    costs: &[Credits],
    burns: &[Burn],
    debt: Credits,
) -> Result<Vec<Flying>, Inexact> {
    let (mut rest, mut rest_of_debt, mut found) = (burns.to_vec(), debt, Vec::new());
    let numbers = operations.from..;
    for ((operation, cost), number) in operations.list.iter().zip(costs).zip(numbers) {
        let burns = Burn::split_off(&mut rest, *cost)?;
        let debt = cost.minus(Burn::total(&burns)?)?.min(rest_of_debt);
        rest_of_debt = rest_of_debt.minus(debt)?;
        if operation.4 == 0 && !(burns.is_empty() && debt.is_zero()) {
            found.push(Flying { op: format!("{lease}.{number}"), cost: *cost, burns, debt });
        }
    }
    Ok(found)
}
