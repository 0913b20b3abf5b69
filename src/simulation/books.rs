//! The auditor's books: a second, simpler model of the account.
//!
//! ```text
//! isolates ── served, refused, failed, given up ──▶ operations ──┐
//! journal  ── burned, refunded, granted, ended  ──▶ operations ──┴▶ do they fit, one by one?
//! ```
//!
//! It knows each operation by name and what was charged for it, each lease's counters, the use of
//! each of the account's terms, and nothing of burn order, sizing or messages. From the account it
//! takes durable rows only, so an answer that leaves before its row is caught as well.

use std::collections::{BTreeMap, BTreeSet};

use super::Invariant::{BoundedLoss, ClientStopsFirst, Counters, NoDoubleCharge, NoOverspend};
use super::holds::Hold;
use super::owed::Unheard;
use super::sums::Sums;
use super::tariff::Tariff;
use super::{Broken, Invariant};
use crate::units::{Credits, Inexact, KeyId, Timestamp};

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
    /// As above, too long after for the account to remember what it charged.
    FailedLate,
    /// The isolate gave up waiting: it costs nothing.
    GivenUp,
    /// Refused; when the question was sent, the account had crashed so many times.
    Refused(u64),
}

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Charge {
    /// What is held for it, and once it is charged, what it cost.
    pub cost: Credits,
    /// What is charged: burned, owed or unpaid, and not refunded.
    pub charged: Credits,
    pub fate: Fate,
    pub quantity: u64,
    /// The terms that its isolate knew.
    pub terms: usize,
    /// The isolate that asked.
    pub life: u64,
    /// A refund reached the account.
    pub refunded: bool,
    /// It was served without an answer of the account.
    pub owed: bool,
    /// The account charged it, be it with nothing.
    pub decided: bool,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Lease {
    pub life: u64,
    pub granted: Credits,
    pub used: Credits,
    pub returned: Credits,
    pub seq: u64,
    pub ended_at: Option<Timestamp>,
    /// How long its isolate may spend.
    pub promise: Promise,
    /// The account's clock, which was late and came back, ended it too soon.
    pub cut_short: bool,
    /// What its isolate holds for operations paid with it, those struck off not counted.
    pub spent: Credits,
    /// Operations in the order of their numbers, and how many of them are charged.
    pub operations: Vec<Charge>,
    pub reported: usize,
}

/// An answer that let an isolate spend for so long: when it was given by the account's clock, and
/// truly.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Promise {
    pub at: Timestamp,
    pub truly: i64,
    pub validity_ms: i64,
}

impl Promise {
    fn until(&self) -> i64 {
        self.truly.saturating_add(self.validity_ms)
    }

    /// Whether the account's clock has gained more since than it waits beyond the validity time.
    pub(super) fn is_broken(&self, at: Timestamp, truly: i64) -> bool {
        let gained = at.millis_since(self.at).saturating_sub(truly.saturating_sub(self.truly));
        gained > self.validity_ms
    }
}

/// What operations are priced by.
#[derive(Clone, Copy, Debug)]
pub(super) struct Terms {
    pub tariff: Tariff,
    pub usage: u64,
    pub ended_at: Option<Timestamp>,
}

/// An operation as its isolate served it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Service<'a> {
    pub op: &'a str,
    pub cost: Credits,
    pub quantity: u64,
    pub terms: usize,
    pub life: u64,
}

/// Everything the auditor wrote down.
#[derive(Debug, Default)]
pub(super) struct Books {
    pub sums: Sums,
    pub leases: BTreeMap<String, Lease>,
    pub debits: BTreeMap<String, Charge>,
    pub holds: BTreeMap<String, Hold>,
    /// The account's terms, by number.
    pub terms: Vec<Terms>,
    /// The tariff of each version of the plan, from 1.
    pub versions: Vec<u8>,
    /// Limits of keys for a day, and what they spent of them.
    pub limits: BTreeMap<KeyId, (Credits, Credits)>,
    /// Direct debits that counted towards one.
    pub limited: BTreeMap<String, KeyId>,
    /// What isolates served without an answer, and the account did not charge.
    pub unheard: Unheard,
    /// Isolates that crashed, or slept for longer than they are remembered.
    dead: BTreeSet<u64>,
    pub served: Credits,
    /// How often the account lost its memory.
    pub crashes: u64,
    /// How many operations the account noted as ended.
    pub ends: usize,
    /// Refused requests that were charged all the same, by a copy that came after such a crash.
    pub charged_for_nobody: u64,
}

impl Books {
    /// The account lets an isolate spend a lease; the promise that lasts longest counts.
    pub(super) fn promised(&mut self, lease: &str, promise: Promise) {
        let lease = self.leases.entry(lease.to_owned()).or_default();
        if promise.until() > lease.promise.until() {
            lease.promise = promise;
        }
    }

    pub(super) fn deaths(&self) -> usize {
        self.dead.len()
    }

    pub(super) fn is_dead(&self, life: u64) -> bool {
        self.dead.contains(&life)
    }

    /// An isolate served an operation.
    pub(super) fn served(&mut self, service: Service<'_>) -> Result<(), Broken> {
        let Service { op, cost, quantity, terms, life } = service;
        self.served = self.served.plus(cost)?;
        let fate = Fate::Served;
        let Some((id, number)) = lease_of(op) else {
            let charge = self.debits.entry(op.to_owned()).or_default();
            if charge.fate != Fate::Open {
                let found = format!("{op}: {:?}", charge.fate);
                return Err(Broken::new(NoDoubleCharge, "an operation served once", found));
            }
            (charge.fate, charge.cost, charge.life) = (fate, cost, life);
            if charge.charged != cost {
                let (expected, found) = (format!("{op} charged: {cost}"), charge.charged);
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
        lease.operations.push(Charge { cost, fate, quantity, terms, life, ..Charge::default() });
        lease.spent = lease.spent.plus(cost)?;
        if lease.ended_at.is_some() && !lease.cut_short {
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
        let charge = match lease_of(op) {
            Some((id, number)) => {
                let lease = self.leases.entry(id.to_owned()).or_default();
                let is_reported = number < lease.reported;
                let Some(charge) = lease.operations.get_mut(number) else { return Ok(()) };
                if !is_reported {
                    lease.spent = lease.spent.minus(charge.cost)?;
                }
                charge
            }
            None => self.debits.entry(op.to_owned()).or_default(),
        };
        charge.fate = if is_late { Fate::FailedLate } else { Fate::Failed };
        self.unheard.remove(op);
        self.served = self.served.minus(charge.cost)?;
        Ok(())
    }

    /// An operation that the account was asked for came to nothing.
    pub(super) fn closed(&mut self, op: &str, fate: Fate, life: u64) -> Result<(), Broken> {
        let charge = self.debits.entry(op.to_owned()).or_default();
        (charge.fate, charge.life) = (fate, life);
        match fate {
            Fate::Refused(crashes) if !charge.charged.is_zero() && crashes == self.crashes => {
                let expected = format!("nothing charged for {op}, which is refused");
                Err(Broken::new(NoDoubleCharge, expected, charge.charged))
            }
            Fate::Refused(_) if !charge.charged.is_zero() => {
                self.charged_for_nobody = self.charged_for_nobody.saturating_add(1);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// An isolate is gone. What it had not reported must be set aside for it.
    pub(super) fn died(&mut self, life: u64) -> Result<Credits, Broken> {
        self.dead.insert(life);
        self.unheard.give_up(life);
        let mut lost = Credits::ZERO;
        for (id, lease) in self.leases.iter().filter(|(_, lease)| lease.life == life) {
            let unreported = lease.unreported()?;
            let held = lease.outstanding()?;
            if unreported > held && self.sums.returned.is_zero() {
                let expected = format!("at most {held} of {id} unreported");
                return Err(Broken::new(BoundedLoss, expected, unreported));
            }
            lost = lost.plus(unreported)?;
        }
        Ok(lost)
    }

    /// At the end, when everything was told: every operation was charged as it was served. What may
    /// differ is what dead isolates never said.
    pub(super) fn check_each_operation(&self) -> Result<(), Broken> {
        let leased = self.leases.iter().flat_map(|(id, lease)| {
            (0..).zip(&lease.operations).map(move |(n, charge)| (format!("{id}.{n}"), charge))
        });
        let direct = self.debits.iter().map(|(op, charge)| (op.clone(), charge));
        // What nobody pays cannot be given back either.
        let all_paid = self.sums.unpaid.is_zero();
        for (op, charge) in leased.chain(direct) {
            let is_due = charge.fate == Fate::Served;
            let due = if is_due { charge.cost } else { Credits::ZERO };
            let forgiven = match charge.fate {
                Fate::FailedLate => true,
                Fate::Refused(crashes) => crashes < self.crashes,
                _ => self.dead.contains(&charge.life) || (!is_due && !all_paid),
            };
            if charge.charged != due && !forgiven {
                let invariant = if is_due { BoundedLoss } else { Invariant::Refund };
                let expected = format!("{due} charged for {op}, {:?}", charge.fate);
                return Err(Broken::new(invariant, expected, charge.charged));
            }
        }
        self.check_each_hold()
    }

    /// Credits that isolates spent and never reported.
    pub(super) fn unreported(&self) -> Result<Credits, Broken> {
        let mut sum = Credits::ZERO;
        for lease in self.leases.values() {
            sum = sum.plus(lease.unreported()?)?;
        }
        Ok(sum)
    }
}

impl Lease {
    pub(super) fn outstanding(&self) -> Result<Credits, Inexact> {
        self.granted.minus(self.used)?.minus(self.returned)
    }

    fn unreported(&self) -> Result<Credits, Inexact> {
        let rest = self.operations.iter().skip(self.reported);
        Credits::sum(rest.filter(|charge| charge.fate == Fate::Served).map(|charge| charge.cost))
    }
}

/// The lease and the number of an operation that was paid from one: `<lease>.<number>`.
pub(super) fn lease_of(op: &str) -> Option<(&str, usize)> {
    let (lease, number) = op.rsplit_once('.')?;
    Some((lease, number.parse().ok()?))
}

impl From<Inexact> for Broken {
    fn from(error: Inexact) -> Self {
        Self::new(Invariant::Exact, "exact sums", error)
    }
}
