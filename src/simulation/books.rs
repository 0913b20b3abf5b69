//! The auditor's books: a second, simpler model of the account.
//!
//! ```text
//! isolates ── served, refused, failed, given up ──▶ operations ──┐
//! journal  ── burned, refunded, granted, ended  ──▶ operations ──┴▶ do they fit, one by one?
//! ```
//!
//! It knows each operation by name and what was burned for it, each lease's counters, and nothing
//! of burn order, sizing or messages. From the account it takes durable rows only, so an answer that
//! leaves before its row is caught as well.

use std::collections::{BTreeMap, BTreeSet};

use super::Invariant::{
    BoundedLoss, ClientStopsFirst, Conservation, Counters, NoDoubleCharge, NoOverspend, Refund,
};
use super::{Broken, Invariant};
use crate::ledger::{Burn, Entry};
use crate::units::{Credits, GrantId, Timestamp};

/// What became of an operation at its isolate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Fate {
    /// Asked for, and nothing heard.
    #[default]
    Open,
    /// The request went to the origin.
    Served,
    /// It did, and the origin failed: it costs nothing.
    Failed,
    /// As above, too long after for the account to remember what it burned.
    FailedLate,
    /// The isolate gave up waiting: it costs nothing.
    GivenUp,
    /// Refused; when the question was sent, the account had crashed so many times.
    Refused(u64),
}

#[derive(Clone, Copy, Debug, Default)]
struct Charge {
    cost: Credits,
    burned: Credits,
    fate: Fate,
    /// The isolate that asked.
    life: u64,
    /// A refund reached the account before anything was burned.
    refunded: bool,
}

#[derive(Clone, Debug, Default)]
struct Lease {
    life: u64,
    granted: Credits,
    used: Credits,
    returned: Credits,
    seq: u64,
    ended: bool,
    /// Cost of what its isolate paid with it, struck-off operations not counted.
    spent: Credits,
    /// Operations in the order of their numbers, and how many of them are burned.
    operations: Vec<Charge>,
    reported: usize,
}

/// Everything the auditor wrote down.
#[derive(Debug, Default)]
pub(super) struct Books {
    grants: BTreeMap<GrantId, (Timestamp, Option<Timestamp>)>,
    leases: BTreeMap<String, Lease>,
    debits: BTreeMap<String, Charge>,
    /// Isolates that crashed, or slept for longer than they are remembered.
    dead: BTreeSet<u64>,
    pub granted: Credits,
    pub burned: Credits,
    pub expired: Credits,
    pub unpaid: Credits,
    /// Unreported credits that the operator gave back.
    pub returned: Credits,
    pub served: Credits,
    /// How often the account lost its memory.
    pub crashes: u64,
    /// Refused requests that were burned all the same, by a copy that came after such a crash.
    pub burned_for_nobody: u64,
    pub operations: u64,
}

impl Books {
    pub(super) fn is_dead(&self, life: u64) -> bool {
        self.dead.contains(&life)
    }

    pub(super) fn deaths(&self) -> usize {
        self.dead.len()
    }

    /// An isolate served an operation.
    pub(super) fn served(&mut self, op: &str, cost: Credits, life: u64) -> Result<(), Broken> {
        self.operations = self.operations.saturating_add(1);
        self.served = self.served.plus(cost)?;
        let Some((id, number)) = lease_of(op) else {
            let charge = self.debits.entry(op.to_owned()).or_default();
            if charge.fate != Fate::Open {
                let found = format!("{op}: {:?}", charge.fate);
                return Err(Broken::new(NoDoubleCharge, "an operation served once", found));
            }
            (charge.fate, charge.cost, charge.life) = (Fate::Served, cost, life);
            if charge.burned != cost {
                let (expected, found) = (format!("{op} burned: {cost}"), charge.burned);
                return Err(Broken::new(NoOverspend, expected, found));
            }
            return Ok(());
        };
        let lease = self.leases.entry(id.to_owned()).or_default();
        lease.life = life;
        if number != lease.operations.len() {
            let expected = format!("{id}.{}", lease.operations.len());
            return Err(Broken::new(Counters, expected, op));
        }
        let charge = Charge { cost, fate: Fate::Served, life, ..Charge::default() };
        lease.operations.push(charge);
        lease.spent = lease.spent.plus(cost)?;
        if lease.ended {
            let expected = format!("nothing spent of {id}, which has ended");
            return Err(Broken::new(ClientStopsFirst, expected, op));
        }
        let most = lease.granted.minus(lease.returned)?;
        if lease.spent > most {
            let expected = format!("at most {most} spent of {id}");
            return Err(Broken::new(NoOverspend, expected, lease.spent));
        }
        Ok(())
    }

    /// An operation that was served turned out to be a failure.
    pub(super) fn failed(&mut self, op: &str, is_late: bool) -> Result<(), Broken> {
        let fate = if is_late { Fate::FailedLate } else { Fate::Failed };
        let charge = match lease_of(op) {
            Some((id, number)) => {
                let lease = self.leases.entry(id.to_owned()).or_default();
                let Some(charge) = lease.operations.get_mut(number) else { return Ok(()) };
                lease.spent = lease.spent.minus(charge.cost)?;
                charge
            }
            None => self.debits.entry(op.to_owned()).or_default(),
        };
        charge.fate = fate;
        self.served = self.served.minus(charge.cost)?;
        Ok(())
    }

    /// An operation that the account was asked for came to nothing.
    pub(super) fn closed(&mut self, op: &str, fate: Fate, life: u64) -> Result<(), Broken> {
        let charge = self.debits.entry(op.to_owned()).or_default();
        (charge.fate, charge.life) = (fate, life);
        match fate {
            Fate::Refused(crashes) if !charge.burned.is_zero() && crashes == self.crashes => {
                let expected = format!("nothing burned for {op}, which is refused");
                Err(Broken::new(NoDoubleCharge, expected, charge.burned))
            }
            Fate::Refused(_) if !charge.burned.is_zero() => {
                self.burned_for_nobody = self.burned_for_nobody.saturating_add(1);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// An isolate is gone. What it had not reported must be set aside for it.
    pub(super) fn died(&mut self, life: u64) -> Result<Credits, Broken> {
        self.dead.insert(life);
        let mut lost = Credits::ZERO;
        for (id, lease) in self.leases.iter().filter(|(_, lease)| lease.life == life) {
            let unreported = lease.unburned()?;
            let held = lease.outstanding()?;
            if unreported > held && self.returned.is_zero() {
                let expected = format!("at most {held} of {id} unreported");
                return Err(Broken::new(BoundedLoss, expected, unreported));
            }
            lost = lost.plus(unreported)?;
        }
        Ok(lost)
    }

    /// One durable entry of the journal.
    pub(super) fn observe(&mut self, entry: &Entry, at: Timestamp) -> Result<(), Broken> {
        match entry {
            Entry::CreditsGranted { grant } => {
                let ends = (grant.effective_at, grant.terms.expires_at);
                if self.grants.insert(grant.terms.id.clone(), ends).is_some() {
                    return Err(Broken::new(NoDoubleCharge, "a new grant", &grant.terms.id));
                }
                self.granted = self.granted.plus(grant.terms.amount)?;
            }
            Entry::GrantExpired { lost } => {
                let end = self.grants.get(&lost.grant).and_then(|(_, end)| *end);
                if end.is_none_or(|end| end > at) {
                    let expected = format!("{} ends at {end:?}", lost.grant);
                    return Err(Broken::new(Conservation, expected, format!("it ended at {at}")));
                }
                self.expired = self.expired.plus(lost.amount)?;
            }
            Entry::LeaseGranted { lease: id, seq, amount, .. } => {
                let lease = self.leases.entry(id.clone()).or_default();
                if lease.ended || lease.seq >= *seq {
                    let expected = format!("{id}: a wish after {} of an open lease", lease.seq);
                    return Err(Broken::new(NoDoubleCharge, expected, format!("wish {seq}")));
                }
                lease.seq = *seq;
                lease.granted = lease.granted.plus(*amount)?;
            }
            Entry::UsageReported { .. } => self.reported(entry)?,
            Entry::LeaseEnded { lease: id, unreported } => {
                let lease = self.leases.entry(id.clone()).or_default();
                lease.ended = true;
                let held = lease.outstanding()?;
                if held != *unreported {
                    let expected = format!("{held} of {id} unreported");
                    return Err(Broken::new(BoundedLoss, expected, unreported));
                }
            }
            Entry::UnreportedReturned { amount, .. } => {
                self.returned = self.returned.plus(*amount)?;
            }
            Entry::Debited { debit, cost, burns, .. } => {
                self.debited(&debit.op, *cost, burns, at)?
            }
            Entry::Refunded { op, returns, .. } => self.refunded(op, returns)?,
            _ => {}
        }
        Ok(())
    }

    fn reported(&mut self, entry: &Entry) -> Result<(), Broken> {
        let Entry::UsageReported {
            lease: id, used, returned, operations, shortfall, burns, ..
        } = entry
        else {
            return Ok(());
        };
        let lease = self.leases.entry(id.clone()).or_default();
        if *used < lease.used || *returned < lease.returned {
            let expected = format!("{id}: at least {} used", lease.used);
            return Err(Broken::new(Counters, expected, used));
        }
        if used.plus(*returned)? > lease.granted {
            let expected = format!("{id}: at most {} used and returned", lease.granted);
            return Err(Broken::new(Counters, expected, used.plus(*returned)?));
        }
        (lease.used, lease.returned) = (*used, *returned);
        if u64::try_from(lease.reported) != Ok(operations.from) {
            let expected = format!("{id}.{} is burned next", lease.reported);
            let found = format!("{id}.{}", operations.from);
            return Err(Broken::new(NoDoubleCharge, expected, found));
        }
        let mut cost = Credits::ZERO;
        for operation in &operations.list {
            let Some(charge) = lease.operations.get_mut(lease.reported) else {
                let expected = format!("{} operations of {id}", lease.operations.len());
                return Err(Broken::new(NoDoubleCharge, expected, "one more is burned"));
            };
            let struck = operation.2.get().is_zero();
            if struck && charge.fate == Fate::Served {
                let expected = format!("{id}.{} is charged", lease.reported);
                return Err(Broken::new(Refund, expected, "it is struck off"));
            }
            if !struck {
                charge.burned = charge.cost;
                cost = cost.plus(charge.cost)?;
            }
            lease.reported = lease.reported.saturating_add(1);
        }
        let (burned, unpaid) = (sum(burns)?, &shortfall.unpaid);
        if burned.plus(*unpaid)? != cost {
            let expected = format!("{id}: {cost} for what was served");
            return Err(Broken::new(NoDoubleCharge, expected, burned.plus(*unpaid)?));
        }
        self.burned = self.burned.plus(burned)?;
        self.unpaid = self.unpaid.plus(*unpaid)?;
        Ok(())
    }

    fn debited(
        &mut self,
        op: &str,
        cost: Credits,
        burns: &[Burn],
        at: Timestamp,
    ) -> Result<(), Broken> {
        let burned = sum(burns)?;
        let charge = self.debits.entry(op.to_owned()).or_default();
        let once = |found: &dyn std::fmt::Debug| {
            Err(Broken::new(NoDoubleCharge, format!("{op} burned once"), format!("{found:?}")))
        };
        match charge.fate {
            Fate::Refused(crashes) if crashes == self.crashes => return once(&charge.fate),
            // The account has forgotten its refusal: a copy that comes now is paid for nobody.
            Fate::Refused(_) => {
                self.burned_for_nobody = self.burned_for_nobody.saturating_add(1);
            }
            Fate::Open | Fate::GivenUp if !charge.refunded && charge.burned.is_zero() => {}
            _ => return once(charge),
        }
        let spendable = |burn: &Burn| {
            self.grants
                .get(&burn.grant)
                .is_some_and(|(from, end)| *from <= at && end.is_none_or(|end| at < end))
        };
        if burned != cost || !burns.iter().all(spendable) {
            let expected = format!("{cost} of grants that can be spent at {at}");
            return Err(Broken::new(NoOverspend, expected, format!("{burns:?}")));
        }
        (charge.cost, charge.burned) = (cost, burned);
        self.burned = self.burned.plus(burned)?;
        Ok(())
    }

    fn refunded(&mut self, op: &str, returns: &[Burn]) -> Result<(), Broken> {
        let back = sum(returns)?;
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
        if !may || back > charge.burned {
            let expected = format!("at most {} of {op}, {:?}", charge.burned, charge.fate);
            return Err(Broken::new(Refund, expected, back));
        }
        charge.burned = charge.burned.minus(back)?;
        charge.refunded = true;
        self.burned = self.burned.minus(back)?;
        Ok(())
    }

    /// At the end, when everything was told: every operation was burned as it was served. What may
    /// differ is what dead isolates never said.
    pub(super) fn check_each_operation(&self) -> Result<(), Broken> {
        let leased = self.leases.iter().flat_map(|(id, lease)| {
            (0..).zip(&lease.operations).map(move |(n, charge)| (format!("{id}.{n}"), charge))
        });
        let direct = self.debits.iter().map(|(op, charge)| (op.clone(), charge));
        for (op, charge) in leased.chain(direct) {
            let due = if charge.fate == Fate::Served { charge.cost } else { Credits::ZERO };
            let forgiven = match charge.fate {
                Fate::FailedLate => true,
                Fate::Refused(crashes) => crashes < self.crashes,
                _ => self.is_dead(charge.life),
            };
            if charge.burned != due && !forgiven {
                let invariant = if due.is_zero() { Refund } else { BoundedLoss };
                let expected = format!("{due} burned for {op}, {:?}", charge.fate);
                return Err(Broken::new(invariant, expected, charge.burned));
            }
        }
        Ok(())
    }

    /// Credits that isolates spent and that are not burned: what crashed ones never said.
    pub(super) fn unburned(&self) -> Result<Credits, Broken> {
        let parts = self.leases.values().map(Lease::unburned);
        Ok(parts.into_iter().try_fold(Credits::ZERO, |sum, part| sum.plus(part?))?)
    }
}

impl Lease {
    fn outstanding(&self) -> Result<Credits, crate::units::Inexact> {
        self.granted.minus(self.used)?.minus(self.returned)
    }

    fn unburned(&self) -> Result<Credits, crate::units::Inexact> {
        let rest = self.operations.iter().skip(self.reported);
        Credits::sum(rest.filter(|charge| charge.fate == Fate::Served).map(|charge| charge.cost))
    }
}

/// The lease and the number of an operation that was paid from one: `<lease>.<number>`.
pub(super) fn lease_of(op: &str) -> Option<(&str, usize)> {
    let (lease, number) = op.rsplit_once('.')?;
    Some((lease, number.parse().ok()?))
}

fn sum(burns: &[Burn]) -> Result<Credits, crate::units::Inexact> {
    Credits::sum(burns.iter().map(|burn| burn.amount))
}

impl From<crate::units::Inexact> for Broken {
    fn from(error: crate::units::Inexact) -> Self {
        Self::new(Invariant::Exact, "exact sums", error)
    }
}
