//! The auditor reads the journal: each durable entry against what the isolates did.

use rust_decimal::prelude::ToPrimitive;

use super::Broken;
use super::Invariant::{BoundedLoss, Counters, NoDoubleCharge, NoOverspend, Rating, Refund};
use super::books::{Books, Charge, Fate, Lease, Terms, lease_of};
use super::sums::total;
use super::tariff::{Tariff, Zero};
use crate::ledger::{Debit, Entry, MEMORY_MS, TERMS_MAX};
use crate::units::{Credits, Timestamp};

impl Books {
    /// One durable entry of the journal, written at `at` by the account's clock, and `truly`.
    pub(super) fn observe(
        &mut self,
        entry: &Entry,
        at: Timestamp,
        truly: i64,
    ) -> Result<(), Broken> {
        self.sums.observe(entry, at)?;
        self.ends = self.ends.saturating_add(ends(entry));
        match entry {
            Entry::AccountOpened { plan, .. } | Entry::PlanChanged { plan, .. } => {
                let index = usize::try_from(plan.version).unwrap_or(0).saturating_sub(1);
                let tariff = Tariff::of(self.versions.get(index).copied().unwrap_or(0));
                self.new_terms(tariff, at);
            }
            Entry::PeriodClosed { .. } => {
                let tariff = self.tariff();
                self.new_terms(tariff, at);
            }
            Entry::LeaseGranted { lease: id, seq, amount, .. } => {
                let lease = self.leases.entry(id.clone()).or_default();
                if lease.is_forgotten(at) {
                    *lease = Lease { life: lease.life, ..Lease::default() };
                }
                if lease.ended_at.is_some() || lease.seq >= *seq {
                    let expected = format!("{id}: a wish after {} of an open lease", lease.seq);
                    return Err(Broken::new(NoDoubleCharge, expected, format!("wish {seq}")));
                }
                lease.seq = *seq;
                lease.granted = lease.granted.plus(*amount)?;
            }
            Entry::KeyLimited { key, limits } => {
                let limit = limits.day.unwrap_or_default();
                self.limits.entry(key.clone()).or_default().0 = limit;
            }
            Entry::UsageReported { .. } => self.reported(entry, at)?,
            Entry::LeaseEnded { lease: id, unreported } => {
                let lease = self.leases.entry(id.clone()).or_default();
                lease.ended_at = Some(at);
                lease.cut_short = lease.promise.is_broken(at, truly);
                let held = lease.outstanding()?;
                if held != *unreported {
                    let expected = format!("{held} of {id} unreported");
                    return Err(Broken::new(BoundedLoss, expected, unreported));
                }
            }
            Entry::Debited { debit, .. } => self.debited(entry, debit, at)?,
            Entry::Refunded { .. } => self.refunded(entry, at)?,
            _ => self.observe_hold(entry, at)?,
        }
        Ok(())
    }

    /// Use is counted from nothing from here on.
    fn new_terms(&mut self, tariff: Tariff, at: Timestamp) {
        if let Some(last) = self.terms.last_mut() {
            last.ended_at = Some(at);
        }
        self.terms.push(Terms { tariff, usage: 0, ended_at: None });
    }

    /// What the account pays by now.
    pub(super) fn tariff(&self) -> Tariff {
        self.terms.last().map_or(Tariff::of(0), |terms| terms.tariff)
    }

    /// Prices an operation by the auditor's own arithmetic, and counts its use.
    pub(super) fn price(&mut self, number: usize, quantity: u64) -> Result<Credits, Broken> {
        let Some(terms) = self.terms.get_mut(number) else {
            return Err(Broken::new(Rating, "terms of the account", number));
        };
        let cost = terms.tariff.cost(terms.usage, quantity)?;
        terms.usage = terms.usage.saturating_add(quantity);
        Ok(cost)
    }

    fn reported(&mut self, entry: &Entry, at: Timestamp) -> Result<(), Broken> {
        let Entry::UsageReported {
            lease: id,
            terms,
            used,
            returned,
            operations,
            costs,
            shortfall,
            burns,
            ..
        } = entry
        else {
            return Ok(());
        };
        self.counters(id, *used, *returned, operations.from)?;
        let today = self.terms.len().saturating_sub(1);
        let number = match terms {
            Some(number) => usize::try_from(*number).unwrap_or(usize::MAX),
            None => today,
        };
        let mut cost = Credits::ZERO;
        for (index, operation) in operations.list.iter().enumerate() {
            let struck = operation.2.get().is_zero();
            let charge = self.next_operation(id)?;
            let op = || format!("{id}, operation {index} of its report");
            if struck && charge.fate == Fate::Served {
                return Err(Broken::new(Refund, op(), "it was served and is struck off"));
            }
            if charge.terms != number && !self.is_forgotten(charge.terms, at) {
                let expected = format!("{}: terms {}", op(), charge.terms);
                return Err(Broken::new(Rating, expected, number));
            }
            let due = self.price(number, if struck { 0 } else { charge.quantity })?;
            let found =
                if costs.is_empty() { due } else { costs.get(index).copied().unwrap_or(due) };
            if due != found || (due > charge.cost && charge.terms == number && !struck) {
                let expected = format!("{}: {due}, at most {}", op(), charge.cost);
                return Err(Broken::new(Rating, expected, found));
            }
            self.charge_next(id, due)?;
            cost = cost.plus(due)?;
        }
        let burned = total(burns)?;
        let paid = burned.plus(shortfall.debt)?.plus(shortfall.unpaid)?;
        if paid != cost {
            let expected = format!("{id}: {cost} for what was served");
            return Err(Broken::new(NoDoubleCharge, expected, paid));
        }
        self.sums.burned = self.sums.burned.plus(burned)?;
        self.sums.unpaid = self.sums.unpaid.plus(shortfall.unpaid)?;
        self.owe(shortfall.debt)
    }

    /// A report's counters: they grow, stay within what was granted, and no number is told twice.
    fn counters(
        &mut self,
        id: &str,
        used: Credits,
        returned: Credits,
        from: u64,
    ) -> Result<(), Broken> {
        let lease = self.leases.entry(id.to_owned()).or_default();
        if used < lease.used || returned < lease.returned {
            let expected = format!("{id}: at least {} used", lease.used);
            return Err(Broken::new(Counters, expected, used));
        }
        let sum = used.plus(returned)?;
        if sum > lease.granted {
            let expected = format!("{id}: at most {} used and returned", lease.granted);
            return Err(Broken::new(Counters, expected, sum));
        }
        (lease.used, lease.returned) = (used, returned);
        if u64::try_from(lease.reported) != Ok(from) {
            let expected = format!("{id}.{} is charged next", lease.reported);
            return Err(Broken::new(NoDoubleCharge, expected, format!("{id}.{from}")));
        }
        Ok(())
    }

    fn next_operation(&self, id: &str) -> Result<Charge, Broken> {
        let lease = self.leases.get(id);
        let charge = lease.and_then(|lease| lease.operations.get(lease.reported));
        let served = lease.map_or(0, |lease| lease.operations.len());
        charge.copied().ok_or_else(|| {
            Broken::new(NoDoubleCharge, format!("{served} operations of {id}"), "one more")
        })
    }

    fn charge_next(&mut self, id: &str, due: Credits) -> Result<(), Broken> {
        let Some(lease) = self.leases.get_mut(id) else { return Ok(()) };
        if let Some(charge) = lease.operations.get_mut(lease.reported) {
            if charge.fate == Fate::Served {
                // From here on it counts as what it cost, not as what was held for it.
                self.served = self.served.minus(charge.cost)?.plus(due)?;
            }
            (charge.cost, charge.charged) = (due, due);
        }
        lease.reported = lease.reported.saturating_add(1);
        Ok(())
    }

    /// Whether the account may have forgotten these terms.
    fn is_forgotten(&self, number: usize, at: Timestamp) -> bool {
        let since = self.terms.len().saturating_sub(1).saturating_sub(number);
        let ended = self.terms.get(number).and_then(|terms| terms.ended_at);
        since > TERMS_MAX || ended.is_some_and(|ended| at.millis_since(ended) > MEMORY_MS)
    }

    /// Debt rises, within what the plan allows.
    pub(super) fn owe(&mut self, debt: Credits) -> Result<(), Broken> {
        self.sums.debt = self.sums.debt.plus(debt)?;
        let owed = self.owed()?;
        match self.tariff().limit()? {
            Some(limit) if owed > limit && !debt.is_zero() => {
                Err(Broken::new(NoOverspend, format!("at most {limit} owed"), owed))
            }
            _ => Ok(()),
        }
    }

    /// What counts towards the plan's limit at zero.
    pub(super) fn owed(&self) -> Result<Credits, Broken> {
        Ok(match self.tariff().zero {
            Zero::Overage(_) => self.sums.debt.plus(self.sums.overage)?,
            _ => self.sums.debt,
        })
    }

    fn debited(&mut self, entry: &Entry, debit: &Debit, at: Timestamp) -> Result<(), Broken> {
        let Entry::Debited { terms, cost, burns, debt, restricted, .. } = entry else {
            return Ok(());
        };
        let op = &debit.op;
        let charge = self.debits.get(op).copied().unwrap_or_default();
        match charge.fate {
            // The account has forgotten its refusal: a copy that comes now is paid for nobody.
            Fate::Refused(crashes) if crashes < self.crashes => {
                self.charged_for_nobody = self.charged_for_nobody.saturating_add(1);
            }
            Fate::Open | Fate::GivenUp if !charge.refunded && charge.charged.is_zero() => {}
            // Served without an answer; and perhaps failed, and its refund is on its way.
            Fate::Served | Fate::Failed | Fate::FailedLate
                if charge.owed && !charge.decided && !charge.refunded => {}
            _ => {
                let found = format!("{charge:?}");
                return Err(Broken::new(NoDoubleCharge, format!("{op} charged once"), found));
            }
        }
        let today = self.terms.len().saturating_sub(1);
        let number = terms.map_or(today, |n| usize::try_from(n).unwrap_or(usize::MAX));
        let due = match restricted {
            true => Credits::ZERO,
            false => {
                let quantity = debit.quantity.get().to_u64().unwrap_or(u64::MAX);
                self.price(number, quantity)?
            }
        };
        // What an isolate counted for it is the most that it costs, under the terms that it knew.
        let is_told = charge.owed && charge.fate == Fate::Served;
        if is_told && number == charge.terms && due > charge.cost {
            return Err(Broken::new(Rating, format!("{op}: at most {}", charge.cost), due));
        }
        let by_terms = self.unheard.telling.contains(op) && !self.is_forgotten(charge.terms, at);
        if number != charge.terms && (terms.is_some() || by_terms) {
            return Err(Broken::new(Rating, format!("{op}: terms {}", charge.terms), number));
        }
        if due != *cost || (*restricted && self.tariff().zero != Zero::Restrict) {
            return Err(Broken::new(Rating, format!("{op} costs {due}"), cost));
        }
        let burned = total(burns)?;
        let in_time = burns.iter().all(|burn| self.sums.may_pay(burn, at));
        if burned.plus(*debt)? != due || !in_time {
            let expected = format!("{due} of grants that can be spent at {at}");
            return Err(Broken::new(NoOverspend, expected, format!("{burns:?}")));
        }
        if let Some((limit, spent)) = self.limits.get_mut(&debit.key) {
            *spent = spent.plus(due)?;
            if *spent > *limit && !charge.owed {
                let expected = format!("{} spends at most {limit} a day", debit.key);
                return Err(Broken::new(NoOverspend, expected, spent));
            }
            self.limited.insert(op.clone(), debit.key.clone());
        }
        self.unheard.remove(op);
        if charge.fate == Fate::Served {
            self.served = self.served.minus(charge.cost)?.plus(due)?;
        }
        let charged = Charge { cost: due, charged: due, decided: true, ..charge };
        self.debits.insert(op.clone(), charged);
        self.sums.burned = self.sums.burned.plus(burned)?;
        if charge.owed {
            // It was served already, whatever the plan allows.
            self.sums.debt = self.sums.debt.plus(*debt)?;
            return Ok(());
        }
        self.owe(*debt)
    }

    fn refunded(&mut self, entry: &Entry, at: Timestamp) -> Result<(), Broken> {
        let Entry::Refunded { op, returns, debt, overage, .. } = entry else { return Ok(()) };
        if self.holds.contains_key(op) {
            return self.released_unknown(op, at);
        }
        let burned = total(returns)?;
        let back = burned.plus(*debt)?.plus(*overage)?;
        let charge = match lease_of(op) {
            Some((id, number)) => {
                self.leases.get_mut(id).and_then(|lease| lease.operations.get_mut(number))
            }
            None => Some(self.debits.entry(op.to_owned()).or_default()),
        };
        let Some(charge) = charge else {
            return Err(Broken::new(Refund, "an operation that was served", op));
        };
        let may = matches!(charge.fate, Fate::Failed | Fate::FailedLate | Fate::GivenUp);
        if !may || back > charge.charged {
            let expected = format!("at most {} of {op}, {:?}", charge.charged, charge.fate);
            return Err(Broken::new(Refund, expected, back));
        }
        if let Some(key) = self.limited.remove(op)
            && let Some((_, spent)) = self.limits.get_mut(&key)
        {
            *spent = spent.minus(charge.cost)?;
        }
        charge.charged = charge.charged.minus(back)?;
        charge.refunded = true;
        self.sums.burned = self.sums.burned.minus(burned)?;
        self.sums.debt = self.sums.debt.minus(*debt)?;
        self.sums.overage = self.sums.overage.minus(*overage)?;
        Ok(())
    }
}

/// How many operations the account remembers of an entry as ended.
fn ends(entry: &Entry) -> usize {
    match entry {
        Entry::Debited { .. } | Entry::ReservationReleased { .. } => 1,
        // Of what it remembers, that is noted where it stands.
        Entry::Refunded { returns, debt, overage, .. } => {
            usize::from(returns.is_empty() && debt.is_zero() && overage.is_zero())
        }
        Entry::ReservationSettled { last, .. } => usize::from(*last),
        Entry::UsageReported { flying, .. } => flying.len(),
        _ => 0,
    }
}

impl Lease {
    /// Whether the account has long forgotten it, and its isolate never heard that there was one:
    /// it may begin again under its name.
    fn is_forgotten(&self, at: Timestamp) -> bool {
        let old = self.ended_at.is_some_and(|ended| at.millis_since(ended) > MEMORY_MS);
        old && self.operations.is_empty() && self.used.is_zero() && self.returned.is_zero()
    }
}
