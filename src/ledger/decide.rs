//! Commands → entries: what may happen to an account, decided on its state.
//!
//! A [`Session`] is one visit to the ledger at one instant: it first does what is due (grants that
//! ended, leases that nobody renewed), then decides commands. Every change is recorded as an entry
//! and applied at once; the caller writes [`Session::into_entries`] as one journal row. A command
//! that is refused has recorded nothing of its own.

use super::entry::{Debit, Entry, Flying, Operations, PlanRef};
use super::grant::{Burn, Grant, GrantTerms};
use super::{GRANTS_MAX, KEYS_MAX, LEASES_MAX, Ledger, LedgerError, inline};
use crate::plan::Plan;
use crate::units::{AccountId, Credits, Inexact, KeyId, Quantity, Timestamp};

/// How a debit ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Debited {
    /// The credits were burned, now or when the same operation was first asked for.
    Paid {
        /// What it cost.
        cost: Credits,
    },
    /// The account could not pay.
    Short {
        /// What it would have cost.
        required: Credits,
        /// What there was to spend.
        available: Credits,
    },
    /// The key is not active in this account.
    KeyRefused,
    /// The plan has no such charge, or the amount cannot be computed exactly.
    Unpriced,
}

/// One visit to a ledger, at one instant.
#[derive(Debug)]
pub struct Session<'ledger> {
    ledger: &'ledger mut Ledger,
    now: Timestamp,
    entries: Vec<Entry>,
}

/// What an operation was paid with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Payer {
    /// Credits that anybody could spend.
    Account,
    /// Credits that were set aside before.
    Lease,
}

/// The first entry of a journal.
pub fn open(account: AccountId, plan: &Plan, plan_json: String) -> Entry {
    let plan =
        PlanRef { id: plan.id().clone(), version: plan.version(), hash: plan.hash().to_owned() };
    Entry::AccountOpened { account, plan, plan_json }
}

impl<'ledger> Session<'ledger> {
    /// Starts a visit and does what is due. An instant before the ledger's clock is taken for the
    /// clock's: time never runs backward in a ledger.
    ///
    /// # Errors
    ///
    /// [`Inexact`] if a sum leaves the range of credits.
    pub fn start(ledger: &'ledger mut Ledger, now: Timestamp) -> Result<Self, Inexact> {
        let now = now.max(ledger.clock);
        ledger.advance(now);
        let mut session = Self { ledger, now, entries: Vec::new() };
        session.end_leases()?;
        session.expire_grants()?;
        Ok(session)
    }

    /// The state as decided so far.
    pub fn ledger(&self) -> &Ledger {
        self.ledger
    }

    /// The instant of this visit.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// What is to be written: one journal row, or nothing if it is empty.
    pub fn into_entries(self) -> Vec<Entry> {
        self.entries
    }

    fn record(&mut self, entry: Entry) -> Result<(), Inexact> {
        self.ledger.apply(&entry, self.now)?;
        self.entries.push(entry);
        Ok(())
    }

    /// Ends leases that nobody renewed. What they had not reported stays set aside: it may have
    /// been spent, and nothing is ever spent twice.
    fn end_leases(&mut self) -> Result<(), Inexact> {
        let due = |lease: &super::Lease| !lease.ended && lease.release_at <= self.now;
        let leases = self.ledger.leases.iter().filter(|(_, lease)| due(lease));
        let due: Vec<(String, Credits)> = leases
            .map(|(id, lease)| Ok((id.clone(), lease.outstanding()?)))
            .collect::<Result<_, Inexact>>()?;
        for (lease, unreported) in due {
            if unreported.is_zero() {
                continue;
            }
            self.record(Entry::LeaseEnded { lease, unreported })?;
        }
        Ok(())
    }

    /// Ends grants that are past. Credits of theirs that isolates hold were set aside in time and
    /// stay spendable by those isolates: in burn order, what is held counts first against them.
    fn expire_grants(&mut self) -> Result<(), Inexact> {
        let mut held = self.ledger.held()?;
        let mut lost = Vec::new();
        for grant in self.in_burn_order() {
            let kept = held.min(grant.left);
            held = held.minus(kept)?;
            let amount = grant.left.minus(kept)?;
            if grant.is_past(self.now) && !amount.is_zero() {
                lost.push(Burn { grant: grant.terms.id.clone(), amount });
            }
        }
        for lost in lost {
            self.record(Entry::GrantExpired { lost })?;
        }
        Ok(())
    }

    /// Grants with credits that have started, the first to burn first; past ones stand before all
    /// others, since what is left in them is held by isolates and waits for their reports.
    fn in_burn_order(&self) -> Vec<&Grant> {
        let open = |grant: &&Grant| !grant.left.is_zero() && grant.effective_at <= self.now;
        let mut grants: Vec<&Grant> = self.ledger.grants.values().filter(open).collect();
        grants.sort_by_cached_key(|grant| (!grant.is_past(self.now), grant.burn_key()));
        grants
    }

    /// Who pays `amount`, in burn order; less than asked for if the grants hold less. What is left
    /// in a past grant pays for leases only.
    fn plan_burns(&self, amount: Credits, payer: Payer) -> Result<Vec<Burn>, Inexact> {
        let (mut rest, mut burns) = (amount, Vec::new());
        for grant in self.in_burn_order() {
            if rest.is_zero() {
                break;
            }
            if payer == Payer::Account && grant.is_past(self.now) {
                continue;
            }
            let part = rest.min(grant.left);
            rest = rest.minus(part)?;
            burns.push(Burn { grant: grant.terms.id.clone(), amount: part });
        }
        Ok(burns)
    }

    /// Gives credits; the same terms again change nothing. Returns whether the grant is new.
    ///
    /// # Errors
    ///
    /// [`LedgerError`] in the order of its variants.
    pub fn grant(&mut self, terms: GrantTerms) -> Result<bool, LedgerError> {
        if terms.amount.is_negative() || terms.amount.is_zero() {
            return Err(LedgerError::AmountNotPositive { amount: terms.amount });
        }
        if let Some(known) = self.ledger.grants.get(&terms.id) {
            let same = known.terms == terms;
            return if same { Ok(false) } else { Err(LedgerError::GrantDiffers { id: terms.id }) };
        }
        let start = terms.effective_at.unwrap_or(self.now);
        if let Some(expires_at) = terms.expires_at.filter(|end| *end <= start.max(self.now)) {
            return Err(LedgerError::EndsBeforeStart { expires_at, start: start.max(self.now) });
        }
        if self.ledger.grants.len() >= GRANTS_MAX {
            return Err(LedgerError::Full { what: "grants", max: GRANTS_MAX });
        }
        // Refused here rather than when some later sum fails: the total must stay in range.
        self.ledger.balance()?.granted.plus(terms.amount)?;
        self.ledger.totals.left.plus(terms.amount)?;
        let grant = Grant { effective_at: start, left: terms.amount, terms };
        self.record(Entry::CreditsGranted { grant })?;
        Ok(true)
    }

    /// Creates a key.
    ///
    /// # Errors
    ///
    /// [`LedgerError::KeyExists`] or [`LedgerError::Full`].
    pub fn create_key(&mut self, key: KeyId) -> Result<(), LedgerError> {
        if self.ledger.keys.contains_key(&key) {
            return Err(LedgerError::KeyExists { id: key });
        }
        if self.ledger.keys.len() >= KEYS_MAX {
            return Err(LedgerError::Full { what: "keys", max: KEYS_MAX });
        }
        Ok(self.record(Entry::KeyCreated { key })?)
    }

    /// Disables a key; again changes nothing.
    ///
    /// # Errors
    ///
    /// [`LedgerError::KeyUnknown`].
    pub fn disable_key(&mut self, key: KeyId) -> Result<(), LedgerError> {
        match self.ledger.keys.get(&key) {
            None => Err(LedgerError::KeyUnknown { id: key }),
            Some(false) => Ok(()),
            Some(true) => Ok(self.record(Entry::KeyDisabled { key })?),
        }
    }

    /// Burns one operation, or says why not. The same operation id is burned once.
    ///
    /// # Errors
    ///
    /// [`Inexact`] if a sum leaves the range of credits.
    pub fn debit(&mut self, plan: &Plan, debit: Debit) -> Result<Debited, Inexact> {
        if let Some(past) = self.ledger.debits.get(&debit.op) {
            return Ok(Debited::Paid { cost: past.cost });
        }
        if self.ledger.keys.get(&debit.key) != Some(&true) {
            return Ok(Debited::KeyRefused);
        }
        let Some(required) = self.price(plan, &debit) else { return Ok(Debited::Unpriced) };
        let available = self.ledger.available()?;
        if required > available {
            return Ok(Debited::Short { required, available });
        }
        let burns = self.plan_burns(required, Payer::Account)?;
        self.record(Entry::Debited { debit, cost: required, burns })?;
        Ok(Debited::Paid { cost: required })
    }

    fn price(&self, plan: &Plan, debit: &Debit) -> Option<Credits> {
        let charge = plan.charge(&debit.charge)?;
        inline::cost(charge, self.ledger.usage(&debit.charge), debit.quantity)
    }

    /// Gives an operation's credits back to the grants they came from, once. An operation that is
    /// not known is noted as refunded: should its debit arrive later, it burns nothing.
    ///
    /// # Errors
    ///
    /// [`Inexact`] if a sum leaves the range of credits.
    pub fn refund(&mut self, op: &str) -> Result<(), Inexact> {
        let returns = match self.ledger.debits.get(op) {
            Some(past) if past.burns.is_empty() => return Ok(()),
            Some(past) => past.burns.clone(),
            None => Vec::new(),
        };
        self.record(Entry::Refunded { op: op.to_owned(), returns })
    }

    /// Gives what ended leases had not reported back to the account: the operator takes it on
    /// himself that some of it may have been served already.
    ///
    /// # Errors
    ///
    /// [`LedgerError::UnreportedDiffers`] if `amount` is not all of it, so that nothing is returned
    /// that the operator has not seen.
    pub fn return_unreported(&mut self, amount: Credits) -> Result<(), LedgerError> {
        let unreported = self.ledger.totals.unreported;
        if amount != unreported || amount.is_zero() {
            return Err(LedgerError::UnreportedDiffers { amount, unreported });
        }
        Ok(self.record(Entry::UnreportedReturned { amount })?)
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
        used: Credits,
        returned: Credits,
        mut operations: Operations,
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
        let costs = operation_costs(plan, self.ledger, &operations).ok_or_else(unknown)?;
        let cost = Credits::sum(costs.iter().copied())?;
        // What the lease held pays first; only a price that rose meanwhile can cost more, or a
        // report after the operator returned what was held; and then never more than there is.
        let backed = used.minus(lease.used)?.min(lease.outstanding()?);
        let payable = cost.min(backed.plus(self.ledger.available()?)?);
        let burns = self.plan_burns(payable, Payer::Lease)?;
        let entry = Entry::UsageReported {
            lease: id.to_owned(),
            used,
            returned,
            flying: flying(id, &operations, &costs, &burns)?,
            operations,
            unpaid: cost.minus(payable)?,
            burns,
        };
        self.record(entry)?;
        Ok(self.ledger.leases.get(id).map_or(0, |lease| lease.reported))
    }

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
        if known.is_some_and(|lease| lease.ended) {
            return Err(LedgerError::LeaseUnknown { lease: id.to_owned() });
        }
        if known.is_none() && self.ledger.leases.len() >= LEASES_MAX {
            return Err(LedgerError::Full { what: "leases", max: LEASES_MAX });
        }
        let lease = id.to_owned();
        Ok(self.record(Entry::LeaseGranted { lease, seq, amount, release_at })?)
    }
}

/// What each operation costs at the account, in its order; `None` if one cannot be priced.
fn operation_costs(plan: &Plan, ledger: &Ledger, operations: &Operations) -> Option<Vec<Credits>> {
    let mut totals = std::collections::BTreeMap::new();
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
        let total = totals.entry(id).or_insert_with(|| ledger.usage(id));
        let cost = inline::cost(charge, *total, operation.2)?;
        last = inline::is_constant(charge).then_some((operation.0, operation.2, cost));
        *total = total.plus(operation.2).ok()?;
        costs.push(cost);
    }
    Some(costs)
}

/// The operations that were in flight, each with its part of the burns.
fn flying(
    lease: &str,
    operations: &Operations,
    costs: &[Credits],
    burns: &[Burn],
) -> Result<Vec<Flying>, Inexact> {
    let (mut rest, mut found) = (burns.to_vec(), Vec::new());
    let numbers = operations.from..;
    for ((operation, cost), number) in operations.list.iter().zip(costs).zip(numbers) {
        let burns = split_off(&mut rest, *cost)?;
        if operation.4 == 0 && !burns.is_empty() {
            found.push(Flying { op: format!("{lease}.{number}"), cost: *cost, burns });
        }
    }
    Ok(found)
}

/// Takes the first `amount` off a list of burns.
fn split_off(burns: &mut Vec<Burn>, amount: Credits) -> Result<Vec<Burn>, Inexact> {
    let (mut rest, mut taken) = (amount, Vec::new());
    while !rest.is_zero() {
        let Some(first) = burns.first_mut() else { break };
        let part = rest.min(first.amount);
        taken.push(Burn { grant: first.grant.clone(), amount: part });
        rest = rest.minus(part)?;
        first.amount = first.amount.minus(part)?;
        if first.amount.is_zero() {
            burns.remove(0);
        }
    }
    Ok(taken)
}
